"""Segmentation sets of a pool: its images with Terrarium's land-cover masks."""

from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, open_rgb
from winnow.data.masks import check_mask, read_mask
from winnow.data.segmentation_set import write_image_and_mask, write_items
from winnow.data.shards import iter_masks, pool_images
from winnow.terrarium.schema import CLASSES


def pool_set(pool: Path, samples: pd.DataFrame, labels: int, seed: int, output: Path) -> None:
    """Write a segmentation set into the folder `output`: `labels` images of the split pool, drawn
    by `seed`, to train, and all of the test split.

    Raises WinnowError where a split has too few images, or an image has no proper mask.
    """
    train = samples[samples["split"] == "pool"].sort_values("uid")
    test = samples[samples["split"] == "test"].sort_values("uid")
    if len(train) < labels or test.empty:
        raise WinnowError(
            f"{pool}: {len(train)} images in the split pool and {len(test)} in test; asked for are "
            f"{labels} labelled ones, and one to test on: lower segmentation.labels"
        )
    drawn = train.iloc[np.random.default_rng(seed).permutation(len(train))[:labels]]
    chosen = pd.concat([drawn, test], ignore_index=True)
    masks = _masks(pool, set(chosen["uid"]))
    for uid, content in pool_images(pool, chosen):
        image = open_rgb(content)
        try:
            mask = read_mask(masks[uid])
            check_mask(mask, image.size, range(len(CLASSES)), "Terrarium", "from another version?")
        except BadImageError as error:
            raise WinnowError(
                f"{pool / 'masks'}: mask {uid}: {error}; delete the pool and run again"
            ) from error
        write_image_and_mask(output, uid, np.asarray(image), mask.astype(np.uint8))
    items = pd.DataFrame(
        {
            "name": chosen["uid"],
            "uid": chosen["uid"],
            "split": ["train"] * labels + ["test"] * len(test),
            "rank": [*range(labels), *[-1] * len(test)],
            "group": chosen["scene"].fillna(""),
        }
    )
    write_items(output, items, CLASSES)


def _masks(pool: Path, uids: set[str]) -> dict[str, bytes]:
    """The encoded masks of images, by uid."""
    found = {uid: content for uid, content in iter_masks(pool / "masks") if uid in uids}
    if len(found) < len(uids):
        raise WinnowError(
            f"{pool / 'masks'}: {len(uids) - len(found)} of {len(uids)} images have no mask; give "
            "segmentation.data, a set that has"
        )
    return found
