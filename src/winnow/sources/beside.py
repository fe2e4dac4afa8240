"""Images in folders with their captions beside them, as img2dataset's output `files` lays them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from winnow.data.records import Record, Rejected
from winnow.params.source import FilesSource
from winnow.sources.local import (
    UnreadableError,
    is_hidden,
    read_inside,
    require_folder,
    thinned,
    trusted_places,
    walk_files,
)
from winnow.sources.sample import IMAGES, MAX_TEXT, is_read, read_sample, sample_keys


def read_beside(source: FilesSource) -> Iterator[Record | Rejected]:
    """Stream the samples of a folder, `source.limit` of them spread evenly over it."""
    folder = require_folder(source.images, "images")
    names: list[str] = []
    for item in walk_files(folder, source.links):
        if isinstance(item, Rejected):
            yield item
        elif is_hidden(item):
            yield Rejected(item, "hidden file", image=False)
        else:
            names.append(item)
    samples: dict[str, dict[str, str]] = {}  # key -> suffix -> name
    for name, (key, suffix) in sample_keys(names).items():
        if suffix in samples.setdefault(key, {}):  # a.jpg and a.JPG
            yield Rejected(name, "file occurs twice, in other capitals", suffix in IMAGES)
        else:
            samples[key][suffix] = name
    places = trusted_places(folder, source.links)
    for key, files in thinned(list(samples.items()), source.limit):
        yield from _sample(folder, key, files, places, source)


def _sample(
    folder: Path, key: str, files: dict[str, str], places: list[Path], source: FilesSource
) -> Iterator[Record | Rejected]:
    members: dict[str, bytes | UnreadableError | None] = {}
    for suffix, name in files.items():
        members[suffix] = None
        if is_read(suffix):
            try:
                most = None if suffix in IMAGES else MAX_TEXT
                members[suffix] = read_inside(folder, name, places, most)
            except UnreadableError as error:
                members[suffix] = error
    image = next((files[suffix] for suffix in files if suffix in IMAGES), key)
    for item in read_sample(key, members, source):
        yield replace(item, name=image) if isinstance(item, Record) else item
