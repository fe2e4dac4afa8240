"""A folder of images that somebody generated, with their prompts, checked against those asked for.

It holds the images and a listing, `metadata.jsonl` or `prompts.csv`, with the keys `file_name` and
`prompt`: the files that `winnow list-prompts` writes.
"""

import csv
import io
import json
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from winnow.data.csv_file import csv_word
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, open_rgb
from winnow.generation.images import blank, image_name
from winnow.sources.local_images import UnreadableError, is_image_name, read_inside

LISTINGS = ("metadata.jsonl", "prompts.csv")
KEYS = ("file_name", "prompt")
SHOWN = 3  # files named in an error


def listing(prompts: pd.DataFrame) -> list[dict[str, str]]:
    """The rows of a listing for PROMPTS: what the file of each image is to be called."""
    names = map(image_name, prompts["row"].tolist())
    return [
        dict(zip(KEYS, pair, strict=True)) for pair in zip(names, prompts["prompt"], strict=True)
    ]


def matched_files(folder: Path, asked: pd.DataFrame) -> list[str]:
    """The file for each row of PROMPTS; images of one prompt are taken in the listing's order.

    WinnowError where the listing and the prompts, or the listing and the folder, disagree.
    """
    path, rows = _read_listing(folder)
    files: dict[str, deque[str]] = defaultdict(deque)
    for name, prompt in rows:
        files[prompt].append(name)
    matched, missing = [], []
    for row, prompt in zip(asked["row"].tolist(), asked["prompt"], strict=True):
        if files[prompt]:
            matched.append(files[prompt].popleft())
        else:
            missing.append(f"{prompt!r} (row {row})")
    if missing:
        raise WinnowError(f"{path}: prompt: {_named(missing)}: no image; generate what is missing")
    extra = [name for names in files.values() for name in names]
    if extra:
        raise WinnowError(
            f"{path}: file_name: {_named(extra)}: prompt not asked for, or too often; leave it"
        )
    listed = {name for name, _ in rows}
    there = (file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*")))
    unlisted = [name for name in there if is_image_name(name) and name not in listed]
    if unlisted:
        raise WinnowError(f"{folder}: {_named(unlisted)}: not in {path.name}; list or remove it")
    return matched


def read_images(folder: Path, names: list[str]) -> Iterator[np.ndarray]:
    """The images, uint8 [H, W, 3], all of one size, on which there is something to see.

    WinnowError names the first that is not so.
    """
    root, size = folder.resolve(), None
    for name in names:
        try:
            image = open_rgb(read_inside(root, name))
        except (BadImageError, UnreadableError) as error:
            raise WinnowError(f"{folder / name}: file_name: {error}; generate it again") from error
        pixels = np.asarray(image)
        if what := blank(pixels):
            raise WinnowError(
                f"{folder / name}: the image is {what}; a safety checker or half precision does "
                "that: generate it again"
            )
        size = size or image.size
        if image.size != size:
            raise WinnowError(
                f"{folder / name}: {image.width}x{image.height} pixels, {names[0]} has "
                f"{size[0]}x{size[1]}; generate all images in one size"
            )
        yield pixels


def _named(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _read_listing(folder: Path) -> tuple[Path, list[tuple[str, str]]]:
    """The listing's path and its (file_name, prompt); WinnowError names the line and the key."""
    path = next((folder / name for name in LISTINGS if (folder / name).is_file()), None)
    if path is None:
        raise WinnowError(f"{folder}: no {' or '.join(LISTINGS)}, which say each image's prompt")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WinnowError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    read = _json_rows if path.suffix == ".jsonl" else _csv_rows
    rows: dict[str, str] = {}
    for line, row in read(path, text):
        for key in KEYS:
            if not isinstance(row.get(key), str) or not row[key]:
                raise WinnowError(f"{path}: line {line}: {key}: no text; every row needs one")
        if row["file_name"] in rows:
            raise WinnowError(f"{path}: line {line}: file_name: {row['file_name']} is there twice")
        rows[row["file_name"]] = row["prompt"]
    return path, list(rows.items())


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise WinnowError(f"{path}: line {number}: not valid JSON ({error})") from error
        if not isinstance(row, dict):
            raise WinnowError(f"{path}: line {number}: not a JSON object")
        yield number, row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield (
                reader.line_num,
                {k: csv_word(v) if isinstance(v, str) else v for k, v in row.items()},
            )
    except csv.Error as error:
        line = reader.reader.line_num  # that of DictReader lags behind
        raise WinnowError(f"{path}: line {line}: {error}; mend that line") from error
