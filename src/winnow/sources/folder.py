"""A folder of images with `metadata.jsonl` or a CSV, one row an image or one row a caption."""

import csv
import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.params.source import FolderSource
from winnow.sources.local import Entry, read_entries, require_file, require_folder

NAME = ("file_name", "filename", "filepath")
TEXT = ("text", "caption", "title")
SCENE = ("scene", "label")


def read_folder(source: FolderSource) -> Iterator[Record | Rejected]:
    """Stream the images that a table names; rows that name one image are put together."""
    folder = require_folder(source.images, "images")
    path = require_file(source.metadata, "metadata")
    rows = _json_rows(path) if path.suffix in (".jsonl", ".json") else _csv_rows(path)
    merged: dict[str, Entry | Rejected] = {}
    for place, row in rows:
        entry = _entry(row, place, source.splits)
        earlier = merged.get(entry.name)
        merged[entry.name] = entry if earlier is None else _merge(earlier, entry)
    return read_entries(folder, list(merged.values()), source)


def _json_rows(path: Path) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            try:
                yield f"{path.name}: line {number}", json.loads(line)
            except (ValueError, RecursionError):
                yield f"{path.name}: line {number}", None


def _csv_rows(path: Path) -> Iterator[tuple[str, Any]]:
    lines = _lines(path)
    header = next(lines, "")
    reader = csv.DictReader(chain([header], lines), delimiter="\t" if "\t" in header else ",")
    try:
        columns = reader.fieldnames or []
        for wanted in (NAME, TEXT):
            if not set(wanted) & set(columns):
                raise WinnowError(
                    f"{path}: needs a column {' or '.join(wanted)}, "
                    f"has {', '.join(columns) or 'none'}"
                )
        for row in reader:
            # an empty cell is no value, and cells beyond the header belong to no column
            filled = {key: value for key, value in row.items() if key is not None and value}
            yield f"{path.name}: line {reader.line_num}", filled
    except csv.Error as error:
        raise WinnowError(f"{path}: line {reader.line_num}: {error}; mend that line") from error


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            yield from handle
    except (OSError, UnicodeDecodeError) as error:
        raise WinnowError(f"{path}: cannot be read as UTF-8 text ({error})") from error


def _entry(row: Any, place: str, splits: Mapping[str, str]) -> Entry | Rejected:
    if not isinstance(row, dict):
        return Rejected(place, "line is not a JSON object")
    name = next((row[key] for key in NAME if key in row), None)
    if not isinstance(name, str):
        return Rejected(place, "row without a file name")
    name = PurePosixPath(name).as_posix()  # ./a.png is a.png
    text: Any = next((row[key] for key in TEXT if key in row), [])
    captions = [text] if isinstance(text, str) else text
    if not isinstance(captions, list) or not all(isinstance(c, str) for c in captions):
        return Rejected(name, "captions are not text")
    split = row.get("split") or "pool"
    if split != "pool" and not (isinstance(split, str) and split in splits):
        return Rejected(name, f"split not in source.splits: {split}")
    scene = next((row[key] for key in SCENE if key in row), None)
    if scene is not None and not isinstance(scene, str | int):
        return Rejected(name, "scene is not text")
    return Entry(
        name, captions, splits.get(split, "pool"), None if scene is None else str(scene) or None
    )


def _merge(earlier: Entry | Rejected, later: Entry | Rejected) -> Entry | Rejected:
    if isinstance(earlier, Rejected) or isinstance(later, Rejected):
        return earlier if isinstance(earlier, Rejected) else later
    if earlier.split != later.split:
        return Rejected(earlier.name, f"rows disagree on split: {earlier.split}, {later.split}")
    return Entry(
        earlier.name,
        earlier.captions + later.captions,
        earlier.split,
        earlier.scene or later.scene,
    )
