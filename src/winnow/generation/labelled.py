"""Generated images for a segmentor: from the masks of labelled images, or from captions alone.

Both are written as segmentation sets, whose images are as large as those of the set they go with.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from winnow.data import segments
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path
from winnow.data.provenance import measured
from winnow.data.tables import CAPTIONS, SAMPLES, read_table
from winnow.generation.drawing import controlled, drawn, write_records
from winnow.generation.prompts import first_captions
from winnow.generation.settings import Sampling


def from_masks(
    labelled: Path, human: Path, model: Path, controlnet: Path, output: Path, settings: Sampling
) -> None:
    """Draw the first `settings.images` labelled images of a set anew, from mask and caption.

    An image keeps the name, rank and mask of the real one. Raises WinnowError where the set has
    fewer, or one without a caption.
    """
    items = segments.read_items(labelled)
    items = items[items["split"] == "train"].sort_values("rank").head(settings.images)
    _require(len(items), settings.images, f"{labelled}: labelled images")
    masks = segments.read_masks(labelled, items["name"].tolist(), _classes(labelled))
    inputs = {"human": human, "items": labelled / segments.TABLE, "masks": labelled / "masks"}
    _draw(labelled, items, human, masks, model, controlnet, output, settings, inputs)


def from_captions(
    labelled: Path, pool: Path, human: Path, model: Path, output: Path, settings: Sampling
) -> None:
    """Draw captions of the first `settings.images` images of the pool, by uid, that a set has no
    labels of. Raises WinnowError where there are fewer, or one without a caption."""
    samples = read_table(pool / "samples.parquet", SAMPLES)
    known = segments.read_items(labelled)["uid"]
    others = samples[(samples["split"] == "pool") & ~samples["uid"].isin(known)]
    items = others.sort_values("uid").head(settings.images)
    _require(len(items), settings.images, f"{pool}: unlabelled images")
    items = items.assign(name=items["uid"], split="train", group=items["scene"].fillna(""))
    items = items.assign(rank=np.arange(len(items), dtype=np.int32))
    inputs = {"human": human, "samples": pool / "samples.parquet"}
    inputs |= {"items": labelled / segments.TABLE}
    _draw(labelled, items, human, None, model, None, output, settings, inputs)


def _require(found: int, asked: int, what: str) -> None:
    if found < asked:
        raise WinnowError(
            f"{what}: there are {found}, --images asks for {asked}; lower segmentation.labels"
        )


def _classes(labelled: Path) -> int:
    return len(segments.read_classes(labelled))


def _draw(
    labelled: Path,
    items: pd.DataFrame,
    human: Path,
    masks: np.ndarray | None,
    model: Path,
    controlnet: Path | None,
    output: Path,
    settings: Sampling,
    inputs: dict[str, Path],
) -> None:
    """Write a segmentation set of `items` (SEGMENTS), with `masks` uint8 [N, S, S] if known."""
    from winnow.models import diffusion

    asked = items.assign(scene=items["group"])
    texts = first_captions(human, asked, read_table(human, CAPTIONS))["prompt"].tolist()
    first = segments.read_items(labelled)["name"].iloc[:1].tolist()
    side = segments.read_images(labelled, first).shape[1]
    with atomic_path(output) as folder:
        folder.mkdir()
        with measured() as cost:
            generator, control = diffusion.load(model), None
            if controlnet is not None and masks is not None:
                labels = np.stack([_resized(mask, generator.size) for mask in masks])
                generator, control = controlled(generator, controlnet, labels, labelled)
            images = drawn(generator, texts, settings, control)
            for row, (name, image) in enumerate(zip(items["name"], images, strict=True)):
                mask = None if masks is None else masks[row]
                segments.write_segment(folder, name, _resized(image, side), mask)
        segments.write_items(folder, items, segments.read_classes(labelled))
        write_records(folder, generator, model, controlnet, settings, inputs, cost, len(items))
    print(f"{output}: {len(items)} images, {len(items) / cost['wall_s']:.1f} a second")


def _resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """An image uint8 [S, S, 3], or a mask [S, S] whose labels stay as they are, with that side."""
    if len(pixels) == side:
        return pixels
    method = Image.Resampling.BICUBIC if pixels.ndim == 3 else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(pixels).resize((side, side), method))
