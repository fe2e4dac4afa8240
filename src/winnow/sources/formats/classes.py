"""One folder a class (EuroSAT, AID, UC Merced, NWPU-RESISC45 as they are unpacked)."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.sources.caption_text import class_words, storable
from winnow.sources.local_images import (
    Entry,
    is_hidden,
    is_image_name,
    read_entries,
    require_folder,
    unreadable_kind,
    walk_files,
)
from winnow.sources.sample import CAPTIONS
from winnow.sources.source import FolderOfImages


class ClassesSource(FolderOfImages):
    """Images in one folder a class; the folder's name is the scene and gives the caption."""

    kind: Literal["classes"] = "classes"
    images: Path = Field(description="folder with one subfolder per class, at any depth")
    level: int | None = Field(
        default=None,
        ge=1,
        description="which folder of an image's path is its class, counted from `images`; null: "
        "the only one in which the paths differ",
    )

    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """Every image gets the one caption that its class gives. Raises WinnowError where it is not
        plain which folder of a path is the class, or where captions lie beside the images."""
        folder = require_folder(self.images, "images")
        files = list(walk_files(folder, self.links))
        names = [f for f in files if isinstance(f, str) and is_image_name(f) and not is_hidden(f)]
        most = max((len(PurePosixPath(name).parts) - 1 for name in names), default=0)
        if self.level is not None and names and self.level > most:
            raise WinnowError(
                f"source.level: {self.level} is too deep; the images in {folder} lie at most "
                f"{most} folders below it; set a lower level"
            )
        level = self.level or _level(folder, names, [f for f in files if isinstance(f, str)])
        images = set(names)
        entries = [
            f if isinstance(f, Rejected) else _entry(folder, f, level) if f in images
            else unreadable_kind(f)
            for f in files
        ]  # fmt: skip
        return read_entries(folder, entries, self)


SOURCE = ClassesSource


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
