"""A segmentation set: a folder of images and masks of one size, and the table SEGMENTS.

`images/{name}.png` RGB, `masks/{name}.png` uint8 labels, IGNORED where nothing is known,
`items.parquet`, `classes.json`. Images that are drawn from captions alone come without masks.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.data.images import BadImageError, encode_png, open_rgb
from winnow.data.masks import read_mask
from winnow.data.tables import SEGMENTS, read_table, require_unique, write_table

TABLE = "items.parquet"
CLASSES = "classes.json"
IGNORED = 255  # a label that neither trains nor counts


def write_image_and_mask(
    folder: Path, name: str, image: np.ndarray, mask: np.ndarray | None
) -> None:
    """Write an image, uint8 [H, W, 3], and its labels, uint8 [H, W], if it has any."""
    for kind, pixels in (("images", image), ("masks", mask)):
        if pixels is not None:
            (folder / kind).mkdir(exist_ok=True)
            (folder / kind / f"{name}.png").write_bytes(encode_png(pixels))


def write_items(folder: Path, items: pd.DataFrame, classes: Sequence[str]) -> None:
    """Write the table SEGMENTS, the names of the labels 0, 1, ... and digests of all that is in the
    folder; the caller makes it atomic."""
    write_table(folder / TABLE, items, SEGMENTS)
    write_json(folder / CLASSES, {"classes": list(classes)})
    write_digests(folder)


def read_items(folder: Path) -> pd.DataFrame:
    """SEGMENTS of a set. Raises WinnowError where a name occurs twice, and as `check_digests`."""
    check_digests(folder)
    items = read_table(folder / TABLE, SEGMENTS)
    require_unique(items, ["name"], folder / TABLE)
    return items


def read_classes(folder: Path) -> list[str]:
    """The names of a set's labels 0, 1, ..."""
    try:
        return [str(name) for name in read_json(folder / CLASSES)["classes"]]
    except (KeyError, TypeError) as error:
        raise WinnowError(
            f'{folder / CLASSES}: is not {{"classes": [NAMES]}}; make the set again'
        ) from error


def labelled(items: pd.DataFrame, fraction: float) -> pd.DataFrame:
    """The training images that are labelled when a fraction of them is: at least one, nested.

    Raises WinnowError where a set has no training image.
    """
    train = items[items["split"] == "train"]
    if train.empty:
        raise WinnowError("the segmentation set has no image of the split train")
    return train[train["rank"] < max(1, round(fraction * len(train)))].sort_values("rank")


def percent(fraction: float) -> str:
    """How folders and metrics name a share of the labels."""
    return f"{100 * fraction:g}"


def held_out(items: pd.DataFrame) -> pd.DataFrame:
    """The images that a segmentor is measured on. Raises WinnowError where there is none."""
    test = items[items["split"] == "test"]
    if test.empty:
        raise WinnowError("the segmentation set has no image of the split test")
    return test


def read_images(folder: Path, names: Sequence[str]) -> np.ndarray:
    """Images uint8 [N, H, W, 3], all of one size."""
    return _stacked(folder / "images", names, lambda content: np.asarray(open_rgb(content)))


def read_masks(folder: Path, names: Sequence[str], classes: int) -> np.ndarray:
    """Labels uint8 [N, H, W] of a set, all of one size, below `classes` or IGNORED."""
    return read_labels(folder / "masks", names, classes)


def read_labels(folder: Path, names: Sequence[str], classes: int) -> np.ndarray:
    """Labels of the files `{name}.png` of a folder, as `read_masks`."""
    masks = _stacked(folder, names, lambda content: read_mask(content).astype(np.uint16))
    wrong = ((masks >= classes) & (masks != IGNORED)).any(axis=(1, 2))
    if wrong.any():
        name = names[int(wrong.argmax())]
        raise WinnowError(
            f"{folder / name}.png: label {int(masks[wrong.argmax()].max())}; known are 0 "
            f"to {classes - 1} and {IGNORED}; make the set again"
        )
    return masks.astype(np.uint8)


def _stacked(
    folder: Path, names: Sequence[str], decode: Callable[[bytes], np.ndarray]
) -> np.ndarray:
    arrays: list[np.ndarray] = []
    for name in names:
        path = folder / f"{name}.png"
        try:
            array = decode(path.read_bytes())
        except OSError as error:
            raise WinnowError(f"{path}: {error.strerror}; make the set again") from error
        except BadImageError as error:
            raise WinnowError(f"{path}: {error}; make the set again") from error
        if arrays and array.shape != arrays[0].shape:
            raise WinnowError(
                f"{path}: {array.shape[1]}x{array.shape[0]} pixels, {names[0]} has "
                f"{arrays[0].shape[1]}x{arrays[0].shape[0]}; make the set again"
            )
        arrays.append(array)
    if not arrays:
        raise WinnowError(f"{folder}: no image to read")
    return np.stack(arrays)
