"""One folder a class (EuroSAT, AID, UC Merced, NWPU-RESISC45 as they are unpacked)."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from winnow.data.records import Record, Rejected
from winnow.params.source import ClassesSource
from winnow.sources.local import Entry, is_image_name, read_entries, require_folder


def read_classes(source: ClassesSource) -> Iterator[Record | Rejected]:
    """Stream a class-per-folder tree; every image gets the one caption its class gives."""
    folder = require_folder(source.images, "images")
    return read_entries(folder, list(_entries(folder)), source)


def class_words(name: str) -> str:
    """A class folder's name as words: `BaseballField`, `baseball_field` -> `baseball field`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.split(r"[\s_-]+", split)).strip().lower()


def _entries(folder: Path) -> Iterator[Entry | Rejected]:
    for place, folders, files in os.walk(folder):
        here = Path(place).relative_to(folder)
        folders.sort()
        for name in folders:
            if (folder / here / name).is_symlink():
                yield Rejected((here / name).as_posix(), "a link to a folder", image=False)
        for file in sorted(files):
            name = (here / file).as_posix()
            if not is_image_name(file):
                yield Rejected(name, "not a known kind of file", image=False)
            elif not here.parts:
                yield Rejected(name, "not in the folder of a class")
            else:
                caption = f"a satellite photo of {class_words(here.parts[0])}."
                yield Entry(name, [caption], "pool", here.parts[0])
