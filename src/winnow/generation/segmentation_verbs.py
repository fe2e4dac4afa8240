"""Commands `draw-labelled` and `draw-unlabelled`: images for a segmentor.

They are drawn from the masks of labelled images, or from captions alone.

Both are written as segmentation sets, whose images are as large as those of the set they go with.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from winnow.command.description import Output, command
from winnow.data import segmentation_set as sets
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path
from winnow.data.provenance import measure_cost
from winnow.data.tables import CAPTIONS, SAMPLES, read_table
from winnow.generation.image_generation import generate_images, with_mask_control, write_records
from winnow.generation.prompts import first_captions
from winnow.generation.settings import Sampling


@command
def draw_labelled(
    segments: Path,
    human: Path,
    model: Path,
    controlnet: Path,
    output: Output,
    settings: Sampling,
) -> None:
    """Draw an image from the mask and the caption of each labelled one: its labels are exact."""
    # An image keeps the name, rank and mask of the real one.
    items = sets.read_items(segments)
    items = items[items["split"] == "train"].sort_values("rank").head(settings.images)
    _require(len(items), settings.images, f"{segments}: labelled images")
    classes = len(sets.read_classes(segments))
    masks = sets.read_masks(segments, items["name"].tolist(), classes)
    inputs = {"human": human, "items": segments / sets.TABLE, "masks": segments / "masks"}
    _draw(segments, items, human, masks, model, controlnet, output, settings, inputs)


@command
def draw_unlabelled(
    segments: Path,
    pool: Path,
    human: Path,
    model: Path,
    output: Output,
    settings: Sampling,
) -> None:
    """Draw captions of images of the pool that are not labelled; nobody knows the masks."""
    # Those that come first by uid.
    samples = read_table(pool / "samples.parquet", SAMPLES)
    known = sets.read_items(segments)["uid"]
    others = samples[(samples["split"] == "pool") & ~samples["uid"].isin(known)]
    items = others.sort_values("uid").head(settings.images)
    _require(len(items), settings.images, f"{pool}: unlabelled images")
    items = items.assign(name=items["uid"], split="train", group=items["scene"].fillna(""))
    items = items.assign(rank=np.arange(len(items), dtype=np.int32))
    inputs = {"human": human, "samples": pool / "samples.parquet"}
    inputs |= {"items": segments / sets.TABLE}
    _draw(segments, items, human, None, model, None, output, settings, inputs)


def _require(found: int, asked: int, what: str) -> None:
    if found < asked:
        raise WinnowError(
            f"{what}: there are {found}, --images asks for {asked}; lower segmentation.labels"
        )


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
    first = sets.read_items(labelled)["name"].iloc[:1].tolist()
    side = sets.read_images(labelled, first).shape[1]
    with atomic_path(output) as folder:
        folder.mkdir()
        with measure_cost() as cost:
            generator, control = diffusion.load(model), None
            if controlnet is not None and masks is not None:
                labels = np.stack([_resized(mask, generator.size) for mask in masks])
                generator, control = with_mask_control(generator, controlnet, labels, labelled)
            images = generate_images(generator, texts, settings, control)
            for row, (name, image) in enumerate(zip(items["name"], images, strict=True)):
                mask = None if masks is None else masks[row]
                sets.write_image_and_mask(folder, name, _resized(image, side), mask)
        sets.write_items(folder, items, sets.read_classes(labelled))
        write_records(folder, generator, model, controlnet, settings, inputs, cost, len(items))
    print(f"{output}: {len(items)} images, {len(items) / cost['wall_s']:.1f} a second")


def _resized(pixels: np.ndarray, side: int) -> np.ndarray:
    """An image uint8 [S, S, 3], or a mask [S, S] whose labels stay as they are, with that side."""
    if len(pixels) == side:
        return pixels
    method = Image.Resampling.BICUBIC if pixels.ndim == 3 else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(pixels).resize((side, side), method))
