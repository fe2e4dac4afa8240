"""How real segmentation data sets arrange their files and code their classes.

LoveDA (Wang et al. 2021), ISPRS Potsdam, OpenEarthMap (Xia et al. 2023), or two folders whose files
have the same names.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from winnow.data.errors import WinnowError
from winnow.data.files import read_bytes
from winnow.data.segmentation_set import IGNORED

Kind = Literal["image", "mask"]
Colour = tuple[int, int, int]
SKIPPED = "skipped"  # the split of what has no published labels


@dataclass(frozen=True)
class Layout:
    """`key` names what an image and its mask share, None for another file; `split` says where a key
    belongs, None where the data set does not, given the names that the split lists hold.

    `labels` maps a mask's values to labels, `colours` those of a mask in colours.
    """

    key: Callable[[str, Kind], str | None]
    split: Callable[[str, Mapping[str, str]], str | None] = lambda key, listed: None
    classes: Sequence[str] = ()
    labels: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[Colour, int] | None = None
    lists: Mapping[str, str] = field(default_factory=dict)  # file of names at the root -> split


def _stem(name: str, kind: Kind) -> str | None:
    return PurePosixPath(name).with_suffix("").as_posix()


def _sibling(image: str, mask: str) -> Callable[[str, Kind], str | None]:
    """Keys of images and masks that lie in folders of these names, side by side."""

    def key(name: str, kind: Kind) -> str | None:
        path = PurePosixPath(name)
        if path.parent.name != {"image": image, "mask": mask}[kind]:
            return None
        return (path.parent.parent / path.stem).as_posix()

    return key


def _potsdam(name: str, kind: Kind) -> str | None:
    ending = {"image": "(RGB|IRRG)", "mask": "label(_noBoundary)?"}[kind]
    match = re.fullmatch(rf".*potsdam_(\d+_\d+)_{ending}\.\w+", name)
    return match[1] if match else None


def _loveda_split(key: str, listed: Mapping[str, str]) -> str | None:
    parts = {part.lower() for part in PurePosixPath(key).parts}
    return next((s for p, s in LOVEDA_SPLITS.items() if p in parts), None)


def _potsdam_split(key: str, listed: Mapping[str, str]) -> str | None:
    return "test" if key in POTSDAM_TEST else "train"


def _listed_split(key: str, listed: Mapping[str, str]) -> str | None:
    return listed.get(PurePosixPath(key).name)


LOVEDA_SPLITS = {"train": "train", "val": "test", "test": SKIPPED}
LOVEDA = ("background", "building", "road", "water", "barren", "forest", "agriculture")
POTSDAM = ("impervious surface", "building", "low vegetation", "tree", "car", "clutter")
POTSDAM_COLOURS: dict[Colour, int] = {
    (255, 255, 255): 0,
    (0, 0, 255): 1,
    (0, 255, 255): 2,
    (0, 255, 0): 3,
    (255, 255, 0): 4,
    (255, 0, 0): 5,
    (0, 0, 0): IGNORED,  # the eroded boundaries
}
# The tiles of the challenge's test.
POTSDAM_TEST = frozenset(
    f"{row}_{column}"
    for row, columns in ((2, "34"), (3, "34"), (4, "345"), (5, "345"), (6, "345"), (7, "3"))
    for column in (f"1{digit}" for digit in columns)
)
OPENEARTHMAP = (
    "bareland",
    "rangeland",
    "developed space",
    "road",
    "tree",
    "water",
    "agriculture land",
    "building",
)
# 0 is what nobody labelled.
_FROM_ONE = {0: IGNORED} | {value: value - 1 for value in range(1, 9)}

LAYOUTS = {
    "folder": Layout(_stem),
    "loveda": Layout(
        _sibling("images_png", "masks_png"),
        _loveda_split,
        LOVEDA,
        {value: label for value, label in _FROM_ONE.items() if value <= len(LOVEDA)},
    ),
    "potsdam": Layout(_potsdam, _potsdam_split, POTSDAM, colours=POTSDAM_COLOURS),
    "openearthmap": Layout(
        _sibling("images", "labels"),
        _listed_split,
        OPENEARTHMAP,
        _FROM_ONE,
        lists={"train.txt": "train", "val.txt": "test", "test.txt": SKIPPED},
    ),
}


def _lines(path: Path) -> list[str]:
    try:
        return read_bytes(path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WinnowError(
            f"{path}: cannot be read as UTF-8 text ({error}); save it as such"
        ) from error


def listed_names(root: Path, lists: Mapping[str, str]) -> dict[str, str]:
    """The split of each name, without its suffix, that the lists at a data set's root hold."""
    return {
        PurePosixPath(line.strip()).stem: split
        for file, split in lists.items()
        if (root / file).is_file()
        for line in _lines(root / file)
        if line.strip()
    }
