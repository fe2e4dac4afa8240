"""Segmentation sets of real images and masks: matched, checked, cut to tiles.

What cannot be used is reported by file and does not stop the rest.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes
from winnow.data.images import BadImageError, open_rgb
from winnow.data.masks import check_mask, read_mask
from winnow.data.segmentation_set import IGNORED, write_image_and_mask, write_items
from winnow.data.tables import QUARANTINE, write_table
from winnow.sources.caption_text import storable
from winnow.sources.local_images import UnreadableError, is_image_name, read_inside
from winnow.sources.segmentation_layouts import LAYOUTS, SKIPPED, Layout, listed_names
from winnow.sources.settings import SegmentationData

Fault = tuple[str, str]  # file, reason


@dataclass(frozen=True)
class Pair:
    """An image and its mask, relative to their folders."""

    key: str
    image: str
    mask: str
    split: str | None  # None where the data set names none


def real_set(settings: SegmentationData, seed: int, limit: float, output: Path) -> list[Fault]:
    """Write a segmentation set into the folder `output`; returns the files that were left out.

    All training tiles are labelled, in an order drawn by `seed`. Raises WinnowError where no image
    is usable, or more than `limit` (fraction) of them are not.
    """
    layout = _layout(settings)
    pairs, faults = matched(settings, layout)
    rows: list[dict[str, str | None]] = []
    for number, pair in enumerate(pairs):
        try:
            image, mask = read_pair(pair, settings, layout)
        except (BadImageError, UnreadableError) as error:
            faults.append((pair.mask, str(error)))
            continue
        safe = re.sub(r"[^\w.-]+", "_", pair.key)[-80:]
        for place, part, labels in tiles(image, mask, settings.tile):
            name = f"{number:05d}-{safe}-{place}"
            write_image_and_mask(output, name, part, labels)
            content = (output / "images" / f"{name}.png").read_bytes()
            row = {"name": name, "uid": digest_bytes(content), "split": pair.split}
            rows.append(row | {"key": pair.key, "group": pair.key.rpartition("/")[0]})
    _check(rows, len(pairs), faults, limit, settings)
    items = _split(pd.DataFrame(rows), settings.test, seed)
    train = (items["split"] == "train").to_numpy()
    ranks = np.full(len(items), -1)
    ranks[train] = np.random.default_rng(seed).permutation(int(train.sum()))
    write_items(output, items.assign(rank=ranks), layout.classes)
    quarantine = [(storable(name), "segmentation", reason) for name, reason in faults]
    table = pd.DataFrame(quarantine, columns=list(QUARANTINE))
    write_table(output / "quarantine.parquet", table, QUARANTINE)
    return faults


def _split(items: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Tiles with a split each: the data set's own, or by images, of which a share is drawn by
    `seed` for the test."""
    if items["split"].notna().any():
        return items.assign(split=items["split"].fillna("train"))
    keys = sorted(set(items["key"]))
    apart = max(1, round(share * len(keys))) if share else 0
    drawn = {keys[place] for place in np.random.default_rng(seed).permutation(len(keys))[:apart]}
    return items.assign(split=np.where(items["key"].isin(drawn), "test", "train"))


def _layout(settings: SegmentationData) -> Layout:
    """The layout with the classes of the settings, which a plain folder needs."""
    layout = LAYOUTS[settings.layout]
    if settings.layout != "folder":
        if settings.classes or settings.threshold:
            raise WinnowError(
                f"segmentation.data: the layout {settings.layout} has classes of its own; drop "
                "`classes` and `threshold`"
            )
        return layout
    classes = settings.classes or (["background", "foreground"] if settings.threshold else [])
    if len(classes) < 2 or (settings.threshold and len(classes) != 2):
        raise WinnowError(
            "segmentation.data.classes: name the label values 0, 1, ... of the masks; two where "
            "`threshold` is given"
        )
    known = {value: value for value in range(len(classes))} | {IGNORED: IGNORED}
    return replace(layout, classes=classes, labels=known)


def matched(settings: SegmentationData, layout: Layout) -> tuple[list[Pair], list[Fault]]:
    """The pairs of a data set in the order of their keys, and the files that have no partner."""
    images = _keyed(Path(settings.images), "images", layout, "image")
    masks = _keyed(Path(settings.masks), "masks", layout, "mask")
    listed = listed_names(Path(settings.images), layout.lists)
    splits = {key: layout.split(key, listed) for key in sorted({*images, *masks})}
    splits = {key: split for key, split in splits.items() if split != SKIPPED}
    faults = [(images[key], "image without a mask") for key in splits if key not in masks]
    faults += [(masks[key], "mask without an image") for key in splits if key not in images]
    keys = [key for key in splits if key in images and key in masks]
    return [Pair(key, images[key], masks[key], splits[key]) for key in keys], faults


def _keyed(folder: Path, setting: str, layout: Layout, kind: str) -> dict[str, str]:
    """The files of a folder by the key that an image shares with its mask."""
    if not folder.is_dir():
        raise WinnowError(
            f"segmentation.data.{setting}: no folder at {folder}; "
            "put them there or correct the path"
        )
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        key = layout.key(name, "image" if kind == "image" else "mask")
        if key is not None and is_image_name(name):
            found.setdefault(key, name)
    return found


def read_pair(
    pair: Pair, settings: SegmentationData, layout: Layout
) -> tuple[np.ndarray, np.ndarray]:
    """An image, uint8 [H, W, 3], and its labels, uint8 [H, W].

    Raises BadImageError or UnreadableError with the reason.
    """
    image = np.asarray(open_rgb(read_inside(Path(settings.images).resolve(), pair.image)))
    content = read_inside(Path(settings.masks).resolve(), pair.mask)
    if layout.colours is not None:
        mask = _from_colours(np.asarray(open_rgb(content)), layout)
    else:
        mask = read_mask(content)
        if settings.threshold is not None:
            mask = (mask >= settings.threshold).astype(np.int64)
    known = layout.labels or {label: label for label in (layout.colours or {}).values()}
    size = image.shape[1], image.shape[0]
    check_mask(mask, size, known, *_naming(settings, known))
    table = np.full(max(known) + 1, IGNORED, dtype=np.uint8)
    table[list(known)] = list(known.values())
    return image, table[mask]


def _naming(settings: SegmentationData, codes: Collection[int]) -> tuple[str, str]:
    """What names the values of masks, and what to do about others."""
    if settings.layout == "folder":
        return "segmentation.data.classes", "anti-aliased? see segmentation.data.threshold"
    return f"the layout {settings.layout}", (
        f"published masks hold {min(codes)} to {max(codes)}: take those, or give converted ones in "
        "the layout folder"
    )


def _from_colours(pixels: np.ndarray, layout: Layout) -> np.ndarray:
    """Labels [H, W] of a mask in colours [H, W, 3]."""
    colours = layout.colours or {}
    codes = pixels.astype(np.int64) @ (65536, 256, 1)
    table = {red * 65536 + green * 256 + blue: v for (red, green, blue), v in colours.items()}
    labels = np.full(codes.shape, -1)
    for code, label in table.items():
        labels[codes == code] = label
    if (labels < 0).any():
        red, green, blue = pixels[labels < 0][0].tolist()
        raise BadImageError(f"colour ({red}, {green}, {blue}) is that of no class")
    return labels


def tiles(
    image: np.ndarray, mask: np.ndarray, size: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield (place, image [size, size, 3], labels [size, size]) of tiles side by side.

    Those at the right and at the bottom are filled up with black that is IGNORED; a tile without a
    label is left out.
    """
    high, wide = mask.shape
    for top in range(0, high, size):
        for left in range(0, wide, size):
            part, labels = (a[top : top + size, left : left + size] for a in (image, mask))
            if (labels == IGNORED).all():
                continue
            missing = [(0, size - side) for side in labels.shape]
            whole = np.pad(part, [*missing, (0, 0)])
            place = f"{top // size}-{left // size}"
            yield place, whole, np.pad(labels, missing, constant_values=IGNORED)


def _check(
    rows: list[dict[str, str | None]],
    pairs: int,
    faults: list[Fault],
    limit: float,
    settings: SegmentationData,
) -> None:
    total = pairs + sum("without" in reason for _, reason in faults)
    if rows and len(faults) <= limit * total:
        return
    first = "; ".join(f"{name}: {reason}" for name, reason in faults[:3]) or "no image is there"
    raise WinnowError(
        f"segmentation.data: {len(faults)} of {total} images of {settings.images} cannot be used, "
        f"the limit is {limit:g} of all ({first}); mend them, or raise pool.quarantine_limit"
    )
