"""What the leakage audit finds, and what it mistakes: the table of docs/leakage.md.

- mistaken: pairs of a Terrarium pool's images (splits pool and reference) with those of its test
  split and zero-shot sets that are taken for one, at several limits. None is one;
- found: of evaluation images, the share whose edited copy is recognised, and the reverse, at the
  limits of `params.yaml`.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from winnow.curation.image_sets import Images, split_images, zeroshot_images
from winnow.curation.leakage import BATCH, fingerprints
from winnow.curation.near_duplicates import Gallery, Match, matches
from winnow.curation.perceptual_hash import grey
from winnow.data.images import open_rgb
from winnow.data.tables import SAMPLES, read_table
from winnow.params.load import read, resolve

ROOT = Path(__file__).parents[1]
CORRELATIONS = (0.8, 0.85, 0.9, 0.95)
Edit = Callable[[Image.Image, np.random.Generator], Image.Image]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """Encoded with loss and decoded again."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return open_rgb(buffer.getvalue())


def crop(image: Image.Image, share: float, x: float, y: float) -> Image.Image:
    """A part with `share` of both sides, at a place (0 to 1) in what is left over, scaled up."""
    left, top = x * (1 - share) * image.width, y * (1 - share) * image.height
    box = (left, top, left + share * image.width, top + share * image.height)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=box)


EDITS: dict[str, Edit] = {
    "JPEG, quality 75": lambda image, _: jpeg(image, 75),
    "JPEG, quality 50": lambda image, _: jpeg(image, 50),
    "JPEG, quality 20": lambda image, _: jpeg(image, 20),
    "half the side": lambda image, _: image.resize((image.width // 2, image.height // 2)),
    "blurred by a pixel": lambda image, _: image.filter(ImageFilter.GaussianBlur(1)),
    "brightness times 0.7": lambda image, _: ImageEnhance.Brightness(image).enhance(0.7),
    "brightness times 1.3": lambda image, _: ImageEnhance.Brightness(image).enhance(1.3),
    "contrast times 0.7": lambda image, _: ImageEnhance.Contrast(image).enhance(0.7),
    "grey": lambda image, _: image.convert("L").convert("RGB"),
    "mirrored": lambda image, _: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned by a quarter": lambda image, _: image.transpose(Image.Transpose.ROTATE_90),
    "the middle, 0.95 of the side": lambda image, _: crop(image, 0.95, 0.5, 0.5),
    "the middle, 0.9": lambda image, _: crop(image, 0.9, 0.5, 0.5),
    "a corner, 0.8": lambda image, _: crop(image, 0.8, 0.0, 1.0),
    "anywhere, 0.8 to 1": lambda image, rng: crop(image, rng.uniform(0.8, 1), *rng.random(2)),
    "the middle, 0.9, brighter, JPEG": lambda image, _: jpeg(
        ImageEnhance.Brightness(crop(image, 0.9, 0.5, 0.5)).enhance(1.2), 75
    ),
}


def main() -> None:
    """Print both tables in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=Path, default=ROOT / "artifacts/pool")
    parser.add_argument("--zeroshot", type=Path, default=ROOT / "artifacts/zeroshot")
    parser.add_argument("--images", type=int, default=150, help="evaluation images that are edited")
    given = parser.parse_args()
    limits = resolve(read(ROOT / "params.yaml"), ROOT).leakage
    samples = read_table(given.pool / "samples.parquet", SAMPLES)
    sets = [split_images(given.pool, samples, "test"), *zeroshot_images(given.zeroshot).values()]
    encoded = [content for images in sets for _, content in images]
    pictures = [open_rgb(content) for content in encoded]
    start = time.process_time()
    gallery = Gallery(np.stack([grey(picture) for picture in pictures]))
    trained = [split_images(given.pool, samples, split) for split in ("pool", "reference")]
    mistaken(trained, gallery, limits.distance)
    print(f"\n{time.process_time() - start:.0f} s of one core\n")
    found(pictures[:: max(1, len(pictures) // given.images)], limits.distance, limits.correlation)


def mistaken(trained: list[Images], gallery: Gallery, distance: int) -> None:
    """Pairs of different images that are taken for one."""
    alike: list[Match] = []
    for images in trained:
        for part in fingerprints(images, 1):
            alike += matches(part.greys, gallery, distance, CORRELATIONS[0])
    print("| correlation | " + " | ".join(f"{bar:g}" for bar in CORRELATIONS) + " |")
    print("| --- |" + " ---: |" * len(CORRELATIONS))
    for edit in ("same", "turn", "crop"):
        own = [match.similarity for match in alike if match.edit == edit]
        counts = [sum(value >= bar for value in own) for bar in CORRELATIONS]
        print(f"| mistaken: {edit} | " + " | ".join(map(str, counts)) + " |")


def found(pictures: list[Image.Image], distance: int, bar: float) -> None:
    """Edited copies that are recognised."""
    rng = np.random.default_rng(0)
    before = np.stack([grey(picture) for picture in pictures])
    print("| edit | copy was learned from | original was learned from |\n| --- | ---: | ---: |")
    for name, edit in EDITS.items():
        after = np.stack([grey(edit(picture, rng)) for picture in pictures])
        shares = [recognised(*pair, distance, bar) for pair in ((after, before), (before, after))]
        print(f"| {name} | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |")


def recognised(one: np.ndarray, other: np.ndarray, distance: int, bar: float) -> float:
    """Share of the rows of `one` that are taken for their row of `other`."""
    gallery, hits = Gallery(other), 0
    rows = iter(range(len(one)))
    while part := list(islice(rows, BATCH)):
        pairs = matches(one[part], gallery, distance, bar)
        hits += sum(part[match.one] == match.other for match in pairs)
    return hits / len(one)


if __name__ == "__main__":
    main()
