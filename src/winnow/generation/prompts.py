"""What every generator is asked to draw: one human caption of each of some images."""

from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.splits import split_rows
from winnow.data.tables import PROMPTS


def prompts_of(pool: Path, samples: pd.DataFrame, human: pd.DataFrame, images: int) -> pd.DataFrame:
    """PROMPTS of `images` samples of the test split: the first by uid, a digest of the image, so
    that sources which are ordered by scene give images of all.

    WinnowError where the split has fewer images, or one of them has no caption.
    """
    test = split_rows(samples, "test", pool)
    if len(test) < images:
        raise WinnowError(
            f"{pool}: --images: {images} prompts are asked for, the test split has {len(test)} "
            "images; lower generation.sampling.images or enlarge the split"
        )
    return first_captions(pool, test.sort_values("uid").head(images), human)


def first_captions(source: Path, asked: pd.DataFrame, human: pd.DataFrame) -> pd.DataFrame:
    """PROMPTS of images (columns uid, scene) in their order: of each the caption with the lowest
    number. WinnowError names the `source` of an image that has none."""
    first = human.sort_values("caption_id", kind="stable").drop_duplicates("uid")
    asked = asked.merge(first[["uid", "text"]], on="uid", how="left")
    without = asked.loc[asked["text"].isna(), "uid"].tolist()
    if without:
        raise WinnowError(f"{source}: image {without[0]} has no caption")
    asked = asked.assign(row=np.arange(len(asked), dtype=np.int32), prompt=asked["text"])
    return asked[[name.rstrip("?") for name in PROMPTS]]


def noise_seeds(seed: int, images: int) -> list[int]:
    """The seed of each image's first noise; more images leave those of the first as they are."""
    return np.random.default_rng(seed).integers(2**31, size=images).tolist()
