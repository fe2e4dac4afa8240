"""Images in folders with their captions beside them, as img2dataset's output `files` lays them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from winnow.data.records import Record, Rejected
from winnow.sources.local_images import (
    UnreadableError,
    is_hidden,
    read_inside,
    require_folder,
    thinned,
    trusted_folders,
    walk_files,
)
from winnow.sources.sample import IMAGES, MAX_TEXT, is_read, read_sample, sample_keys, told_captions
from winnow.sources.source import USUAL_SPLITS, FolderOfImages, SourceOfSamples, Split


class FilesSource(FolderOfImages, SourceOfSamples):
    """Images with .txt or .json captions beside them, as img2dataset writes its files."""

    kind: Literal["files"] = "files"
    images: Path = Field(description="folder with images and captions, at any depth")
    splits: dict[str, Split] = Field(
        default=USUAL_SPLITS, description="split names in .json files -> our splits"
    )

    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """Samples of the folder, `limit` of them spread evenly over it."""
        folder = require_folder(self.images, "images")
        names: list[str] = []
        for item in walk_files(folder, self.links):
            if isinstance(item, Rejected):
                yield item
            elif is_hidden(item):
                yield Rejected(item, "hidden file", image=False)
            else:
                names.append(item)
        places = trusted_folders(folder, self.links)
        samples: dict[str, dict[str, str]] = {}  # key -> suffix -> name
        for name, (key, suffix) in sample_keys(names).items():
            if suffix in samples.setdefault(key, {}):  # a.jpg and a.JPG
                captions = told_captions({suffix: _content(folder, name, suffix, places)})
                reason = "file occurs twice, in other capitals"
                yield Rejected(name, reason, suffix in IMAGES, captions)
            else:
                samples[key][suffix] = name
        for key, files in thinned(list(samples.items()), self.limit):
            yield from _sample(folder, key, files, places, self)


SOURCE = FilesSource


def _sample(
    folder: Path, key: str, files: dict[str, str], places: list[Path], source: FilesSource
) -> Iterator[Record | Rejected]:
    members = {s: _content(folder, name, s, places) for s, name in files.items()}
    image = next((files[suffix] for suffix in files if suffix in IMAGES), key)
    for item in read_sample(key, members, source):
        yield replace(item, name=image) if isinstance(item, Record) else item


def _content(
    folder: Path, name: str, suffix: str, places: list[Path]
) -> bytes | UnreadableError | None:
    if not is_read(suffix):
        return None
    try:
        return read_inside(folder, name, places, None if suffix in IMAGES else MAX_TEXT)
    except UnreadableError as error:
        return error
