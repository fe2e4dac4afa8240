"""A folder of images with a table of captions, one row an image or one row a caption."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field

from winnow.data.records import Record, Rejected
from winnow.sources.caption_text import given_captions, key_twice, seeming_captions, split_of
from winnow.sources.local_images import (
    Entry,
    is_image_name,
    name_fault,
    read_entries,
    require_file,
    require_folder,
)
from winnow.sources.source import USUAL_SPLITS, FolderOfImages, Split
from winnow.sources.table import Fault, read_rows

NAME = ("file_name", "filename", "filepath")
TEXT = ("text", "caption", "title", "captions")
SCENE = ("scene", "label")


class FolderSource(FolderOfImages):
    """A folder of images with a table of captions, as Hugging Face's ImageFolder has it."""

    kind: Literal["folder"] = "folder"
    images: Path = Field(description="folder for the file names in the table")
    metadata: Path = Field(
        description="metadata.jsonl, a JSON list, or a CSV or TSV: a column file_name, filename "
        "or filepath; one or more of text, caption, captions and title; optionally "
        "split, and scene or label"
    )
    splits: dict[str, Split] = Field(
        default=USUAL_SPLITS, description="split names of the table -> our splits"
    )

    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """Rows that name one image are put together. A row's captions are those of all its columns
        in TEXT."""
        folder = require_folder(self.images, "images")
        path = require_file(self.metadata, "metadata")
        rows: dict[str, list[Entry | Rejected]] = {}
        for place, row in read_rows(path, (NAME, TEXT), lambda cell: _is_name(folder, cell)):
            entry = _entry(row, place, self.splits)
            rows.setdefault(entry.name, []).append(entry)
        return read_entries(folder, list(map(_merged, rows.values())), self)

    def remedy(self) -> str:
        """What to do where the source holds nothing at all."""
        return f"source.metadata: {self.metadata}: has no row; add one for each caption"


SOURCE = FolderSource


def _is_name(folder: Path, cell: str) -> bool:
    if is_image_name(cell):
        return True
    try:
        return name_fault(cell) is None and (folder / cell).is_file()
    except (OSError, ValueError):
        return False


def _entry(row: Any, place: str, splits: Mapping[str, Split]) -> Entry | Rejected:
    if isinstance(row, Fault):
        return Rejected(place, row, captions=1)
    told = [row.get(key) for key in TEXT]
    name = next((row[key] for key in NAME if row.get(key) is not None), None)
    if not isinstance(name, str) or not name.strip():
        return Rejected(place, "row without a file name", captions=seeming_captions(told))
    twice = key_twice(row, (*TEXT, *SCENE, "split"))
    name = PurePosixPath(name.strip()).as_posix()  # ./a.png is a.png
    if twice is not None:
        return Rejected(name, twice, captions=seeming_captions(told))
    try:
        captions = given_captions(told)
        split = split_of(row.get("split"), splits)
    except ValueError as error:
        return Rejected(name, str(error), captions=seeming_captions(told))
    scene = next((row[key] for key in SCENE if row.get(key) is not None), None)
    if scene is not None and not isinstance(scene, str | int):
        return Rejected(name, "scene is not text", captions=len(captions))
    scene = None if scene is None else str(scene) or None
    return Entry(name, captions, split, scene)


def _merged(rows: list[Entry | Rejected]) -> Entry | Rejected:
    """The rows of one image put together; the first that is at fault rejects them all."""
    count = sum(map(_count, rows))
    entries: list[Entry] = []
    for row in rows:
        if isinstance(row, Rejected):
            return replace(row, captions=count)
        entries.append(row)
        if row.split != entries[0].split:
            reason = f"rows disagree on split: {entries[0].split}, {row.split}"
            return Rejected(row.name, reason, captions=count)
    captions = [caption for entry in entries for caption in entry.captions]
    scene = next((entry.scene for entry in entries if entry.scene), None)
    return replace(entries[0], captions=captions, scene=scene)


def _count(item: Entry | Rejected) -> int:
    return len(item.captions) if isinstance(item, Entry) else item.captions
