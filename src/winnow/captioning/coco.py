"""Boxes from a COCO JSON file that anybody may have written."""

import math
from collections.abc import Callable, Hashable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import pandas as pd

from winnow.captioning.matching import IMAGE_KEYS, Fault, Row, match
from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.sources.caption_text import class_words, clean
from winnow.sources.local_images import name_fault
from winnow.terrarium.schema import Box

T = TypeVar("T")
MAX_LABEL = 100  # characters


class _UnusableError(ValueError):
    """An entry that is left out; the message is the reason."""


def read_coco(path: Path, samples: pd.DataFrame) -> tuple[list[Row], list[Fault]]:
    """Rows of ANNOTATIONS for the images of `samples`, and the entries that were left out.

    Boxes are [x, y, width, height] in pixels of the size that the file gives for the image, or of
    the pool's image where it gives none. Raises WinnowError naming file and key.
    """
    content = read_json(path)
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise WinnowError(f"{path}: has no list {key!r}; this is not COCO's layout")
    faults: list[Fault] = []
    labels = _by_id(content, "categories", _label, faults)
    images = _without_doubles(_by_id(content, "images", _image, faults), faults)
    names = [name for name, _ in images.values()]
    uids, lost = match(names, samples, IMAGE_KEYS, f"annotations.coco: {path}")
    pool = zip(samples["uid"], samples["width"], samples["height"], strict=True)
    sizes = {uid: (float(width), float(height)) for uid, width, height in pool}
    rows: list[Row] = []
    for number, entry in enumerate(content["annotations"]):
        try:
            (name, size), label, box = _annotation(entry, images, labels)
            if name in uids:
                uid = uids[name]
                rows.append((uid, "box", label, *_fractions(box, size or sizes[uid])))
        except _UnusableError as fault:
            faults.append((str(fault), f"annotations[{number}]"))
    return rows, faults + lost


def clipped(x0: float, y0: float, x1: float, y1: float) -> Box | None:
    """What of a box lies inside the image, whose side is 1; None where nothing does."""
    x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _by_id(
    content: dict[str, Any], key: str, read: Callable[[dict[str, Any]], T], faults: list[Fault]
) -> dict[Hashable, T]:
    """The entries of a list by their `id`; of two with one id the first."""
    found: dict[Hashable, T] = {}
    for number, entry in enumerate(content[key]):
        try:
            name = _id(entry, "id")
            if name in found:
                raise _UnusableError(f"id given twice in {key}")
            found[name] = read(entry)
        except _UnusableError as fault:
            faults.append((str(fault), f"{key}[{number}]"))
    return found


def _id(entry: Any, key: str) -> Hashable:
    if not isinstance(entry, dict):
        raise _UnusableError("entry is not an object")
    if not isinstance(entry.get(key), int | str):
        raise _UnusableError(f"entry without {key}")
    return str(entry[key])  # some writers quote numbers in one place and not in another


def _label(entry: dict[str, Any]) -> str:
    name = entry.get("name")
    words = class_words(clean(name)) if isinstance(name, str) else ""
    if not words or len(words) > MAX_LABEL:
        raise _UnusableError("category without a usable name")
    return words


def _image(entry: dict[str, Any]) -> tuple[str, tuple[float, float] | None]:
    name = entry.get("file_name")
    if not isinstance(name, str) or name_fault(name) is not None:
        raise _UnusableError("image without a usable file_name")
    if entry.get("width") is None and entry.get("height") is None:
        return PurePosixPath(name).as_posix(), None
    size = _number(entry.get("width")), _number(entry.get("height"))
    if min(size) <= 0:
        raise _UnusableError("image without a usable width and height")
    return PurePosixPath(name).as_posix(), size


def _without_doubles(
    images: dict[Hashable, tuple[str, tuple[float, float] | None]], faults: list[Fault]
) -> dict[Hashable, tuple[str, tuple[float, float] | None]]:
    """The images whose file name no earlier one has."""
    seen: set[str] = set()
    kept = {}
    for number, (name, size) in images.items():
        if name in seen:
            faults.append(("image listed twice", name))
        else:
            kept[number] = name, size
        seen.add(name)
    return kept


def _annotation(
    entry: Any,
    images: dict[Hashable, tuple[str, tuple[float, float] | None]],
    labels: dict[Hashable, str],
) -> tuple[tuple[str, tuple[float, float] | None], str, Box]:
    """Image, label, and box (x, y, width, height in pixels) of one annotation."""
    image, category = _id(entry, "image_id"), _id(entry, "category_id")
    if image not in images:
        raise _UnusableError("image_id of no usable image")
    if category not in labels:
        raise _UnusableError("category_id of no usable category")
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise _UnusableError("bbox is not four numbers")
    x, y, width, height = map(_number, box)
    if width <= 0 or height <= 0:
        raise _UnusableError("bbox without area")
    return images[image], labels[category], (x, y, width, height)


def _number(value: Any) -> float:
    try:
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer of hundreds of digits
        pass
    raise _UnusableError("a size that is not a finite number")


def _fractions(box: Box, size: tuple[float, float]) -> Box:
    (x, y, width, height), (wide, high) = box, size
    corners = clipped(x / wide, y / high, (x + width) / wide, (y + height) / high)
    if corners is None:
        raise _UnusableError("bbox outside the image")
    return corners
