"""Thumbnails in sheets: few files, and a browser loads those that it shows."""

import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps

from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, open_rgb

COLUMNS = 16  # tiles in a row of a sheet, and rows in a sheet
QUALITIES = (80, 65, 50, 35, 20)  # of WebP, the best that keeps to the budget


class Sheets(NamedTuple):
    """How the tiles lie: tile number i is in file `{i // per_sheet:03d}.webp`, row by row."""

    side: int  # of a tile, in pixels
    columns: int
    per_sheet: int
    tiles: int


def write_sheets(
    folder: Path, images: Iterable[tuple[str, bytes]], side: int, budget: int, threads: int = 1
) -> Sheets:
    """Write (name, encoded image) as tiles of `side` pixels; one that is not square is padded.

    A tile takes `budget` bytes on average at most, unless the worst quality takes more. Raises
    WinnowError that names an image which cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count, best = 0, 0
    for place, tiles in enumerate(_tiles(images, side, threads)):
        sheet = _joined(tiles, side)
        content = _encoded(sheet, QUALITIES[best])
        while len(content) > budget * len(tiles) and best + 1 < len(QUALITIES):
            best += 1  # and stays: the next sheet is not tried in vain
            content = _encoded(sheet, QUALITIES[best])
        (folder / f"{place:03d}.webp").write_bytes(content)
        count += len(tiles)
    return Sheets(side, COLUMNS, COLUMNS * COLUMNS, count)


def _tiles(
    images: Iterable[tuple[str, bytes]], side: int, threads: int
) -> Iterator[list[Image.Image]]:
    """The tiles of one sheet after the other; Pillow decodes outside of Python's lock."""
    rest = iter(images)
    with ThreadPoolExecutor(threads) as pool:
        while group := list(islice(rest, COLUMNS * COLUMNS)):
            yield list(pool.map(lambda image: _tile(image[0], image[1], side), group))


def _tile(name: str, content: bytes, side: int) -> Image.Image:
    try:
        image = open_rgb(content)
    except BadImageError as error:
        raise WinnowError(f"{name} cannot be shown: {error}") from error
    if image.size == (side, side):
        return image
    return ImageOps.pad(image, (side, side), Image.Resampling.BICUBIC)


def _joined(tiles: list[Image.Image], side: int) -> Image.Image:
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * side, rows * side))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % COLUMNS * side, place // COLUMNS * side))
    return sheet


def _encoded(sheet: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    sheet.save(buffer, format="WEBP", quality=quality, method=4)
    return buffer.getvalue()
