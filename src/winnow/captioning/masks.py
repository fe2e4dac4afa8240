"""Boxes of the connected regions of label masks."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.captioning.matching import MASK_KEYS, Fault, Row, match
from winnow.captioning.settings import Annotations
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError
from winnow.data.masks import check_mask, read_mask
from winnow.data.shards import iter_masks
from winnow.sources.caption_text import class_words, storable
from winnow.sources.local_images import UnreadableError, is_image_name, read_inside
from winnow.terrarium.schema import CLASSES, Box


def pool_masks(folder: Path, min_area: float) -> list[Row]:
    """Rows of ANNOTATIONS from Terrarium's land-cover masks, none where the pool has no masks."""
    names, rows = dict(enumerate(CLASSES)), []
    for uid, content in iter_masks(folder):
        try:
            mask = read_mask(content)
        except BadImageError as error:
            raise WinnowError(
                f"{folder}: mask {uid}: {error}; delete the pool and run again"
            ) from error
        rows += [(uid, "mask", *region) for region in regions(mask, names, min_area)]
    return rows


def read_masks(
    folder: Path, settings: Annotations, samples: pd.DataFrame
) -> tuple[list[Row], list[Fault]]:
    """Rows of ANNOTATIONS from a folder of masks, and the files that were left out.

    A mask has the name of its image, whatever the suffix. A value 0 that `mask_classes` does not
    name is nothing. Raises WinnowError where there is no folder, or no mask of any image.
    """
    where = f"annotations.masks: {folder}"
    if not folder.is_dir():
        raise WinnowError(f"{where}: no such folder; put the masks there or correct the path")
    names = {0: ""} | {value: class_words(name) for value, name in settings.mask_classes.items()}
    files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    uids, faults = match(list(filter(is_image_name, files)), samples, MASK_KEYS, where)
    pool = zip(samples["uid"], samples["width"], samples["height"], strict=True)
    sizes = {uid: (width, height) for uid, width, height in pool}
    rows: list[Row] = []
    for file, uid in uids.items():
        try:
            mask = read_mask(read_inside(folder.resolve(), file))
            if settings.mask_threshold is not None:
                mask = np.where(mask >= settings.mask_threshold, 255, 0)
            remedy = "anti-aliased? see mask_threshold"
            check_mask(mask, sizes[uid], names, "mask_classes", remedy)
            found = regions(mask, names, settings.min_area)
            rows += [(uid, "mask", *region) for region in found]
        except (BadImageError, UnreadableError) as error:
            faults.append((str(error), storable(file)))
    return rows, faults


def regions(
    mask: np.ndarray, names: Mapping[int, str], min_area: float
) -> list[tuple[str, float, float, float, float]]:
    """Label and box (fractions) of each connected region of a mask [H, W] of label values.

    Values with one name are one label, those without a name are nothing. Regions meet at the
    sides of pixels, not at corners; one below `min_area`, a fraction of the image, is left out.
    Labels come in falling order of their area, and the regions of each likewise.
    """
    values: dict[str, list[int]] = defaultdict(list)
    for value, name in names.items():
        if name:
            values[name].append(value)
    found = {name: np.isin(mask, same) for name, same in values.items()}
    falling = sorted(found, key=lambda name: -int(found[name].sum()))  # stable
    return [(name, *box) for name in falling for box in _boxes(found[name], min_area * mask.size)]


def _boxes(here: np.ndarray, smallest: float) -> list[Box]:
    """Boxes of the regions of a yes-no mask with at least `smallest` pixels, largest first."""
    from scipy import ndimage

    labels, count = ndimage.label(here)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    slices, (high, wide) = ndimage.find_objects(labels), here.shape
    falling = np.argsort(-sizes, kind="stable")
    return [
        (columns.start / wide, rows.start / high, columns.stop / wide, rows.stop / high)
        for rows, columns in (slices[place] for place in falling if sizes[place] >= smallest)
    ]
