"""One folder a class (EuroSAT, AID, UC Merced, NWPU-RESISC45 as they are unpacked)."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.params.source import ClassesSource
from winnow.sources.local import (
    Entry,
    is_hidden,
    is_image_name,
    read_entries,
    require_folder,
    unreadable_kind,
    walk_files,
)
from winnow.sources.sample import CAPTIONS
from winnow.sources.text import storable


def read_classes(source: ClassesSource) -> Iterator[Record | Rejected]:
    """Stream a class-per-folder tree; every image gets the one caption its class gives.

    Raises WinnowError where it is not plain which folder of a path is the class, or where captions
    lie beside the images.
    """
    folder = require_folder(source.images, "images")
    files = list(walk_files(folder, source.links))
    names = [f for f in files if isinstance(f, str) and is_image_name(f) and not is_hidden(f)]
    most = max((len(PurePosixPath(name).parts) - 1 for name in names), default=0)
    if source.level is not None and names and source.level > most:
        raise WinnowError(
            f"source.level: {source.level} is too deep; the images in {folder} lie at most {most} "
            "folders below it; set a lower level"
        )
    level = source.level or _level(folder, names, [f for f in files if isinstance(f, str)])
    images = set(names)
    entries = [
        f if isinstance(f, Rejected) else _entry(folder, f, level) if f in images
        else unreadable_kind(f)
        for f in files
    ]  # fmt: skip
    return read_entries(folder, entries, source)


def class_words(name: str) -> str:
    """A class folder's name as words: `BaseballField`, `baseball_field` -> `baseball field`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.split(r"[\s_-]+", split)).strip().lower()


def _level(folder: Path, names: Sequence[str], files: Sequence[str]) -> int:
    """Which folder of a path is the class: the only one in which the paths of images differ."""
    stems = {PurePosixPath(f).with_suffix("") for f in files if PurePosixPath(f).suffix in CAPTIONS}
    beside = next((n for n in names if PurePosixPath(n).with_suffix("") in stems), None)
    if beside is not None:
        raise WinnowError(
            f"source.images: {folder / beside} has a caption beside it, so its folder is no class; "
            "set source.kind to files, or name the level of the classes in source.level"
        )
    places = {PurePosixPath(name).parts[:-1] for name in names} - {()}
    if not places:
        return 1
    shared = len(Path(os.path.commonpath([PurePosixPath(*place) for place in places])).parts)
    level = min(shared + 1, max(map(len, places)))
    deeper = next((place for place in sorted(places) if len(place) > level), None)
    if deeper is not None:
        raise WinnowError(
            f"source.images: {folder.joinpath(*deeper)} lies {len(deeper)} folders below {folder}, "
            f"so its class may be {' or '.join(deeper[level - 1 :])}; say which folder of a path "
            "is the class with source.level (1 is the outermost)"
        )
    return level


def _entry(folder: Path, name: str, level: int) -> Entry | Rejected:
    above = PurePosixPath(name).parts[:-1]
    if len(above) < level:
        return Rejected(name, "not in the folder of a class")
    scene = above[level - 1]
    if storable(scene) != scene:
        return Rejected(name, "the name of its class folder is not UTF-8 text; rename the folder")
    words = class_words(scene)
    if not any(c.isalpha() for c in words):
        raise WinnowError(
            f"source.images: the folder {folder.joinpath(*above[:level])} has a number for a name, "
            "not a class; set source.kind to files if captions lie beside the images, or rename it"
        )
    return Entry(name, [f"a satellite photo of {words}."], "pool", scene)
