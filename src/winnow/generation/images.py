"""A folder of generated images: `{row:05d}.png` for each row of `prompts.parquet`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.images import encode_png
from winnow.data.tables import PROMPTS, read_table, write_table

TABLE = "prompts.parquet"
RECORD = "generated.json"  # generator, how it was trained, provenance
COST = "cost.json"  # of drawing; of training, under its name


def image_name(row: int) -> str:
    """The file of the image that prompt number `row` led to."""
    return f"{row:05d}.png"


def blank(image: np.ndarray) -> str | None:
    """What an image, uint8 [H, W, 3], is on which there is nothing to see; None for any other."""
    if (image != image[0, 0]).any():
        return None
    return "of one colour" if image.any() else "black"


def write_images(folder: Path, prompts: pd.DataFrame, images: Iterable[np.ndarray]) -> None:
    """Write PROMPTS, an image, uint8 [H, W, 3], for each, and digests of these; the caller makes it
    atomic."""
    for row, image in zip(prompts["row"].tolist(), images, strict=True):
        (folder / image_name(row)).write_bytes(encode_png(image))
    write_table(folder / TABLE, prompts, PROMPTS)
    write_digests(folder)


def read_prompts(folder: Path) -> pd.DataFrame:
    """PROMPTS of a folder of images. Errors as in `read_table` and `check_digests`."""
    check_digests(folder)
    return read_table(folder / TABLE, PROMPTS)


def require_prompts(folder: Path, prompts: pd.DataFrame, asked: pd.DataFrame) -> None:
    """Refuse a folder whose PROMPTS are not those asked for, naming the first that differs."""
    for column in ("row", "uid", "prompt"):
        different = prompts[column].to_numpy() != asked[column].to_numpy()
        if different.any():
            row = int(different.argmax())
            raise WinnowError(
                f"{folder / TABLE}: {column} of row {row} is {prompts[column][row]!r}, asked for "
                f"is {asked[column].iloc[row]!r}; generate again"
            )


def digest(folder: Path, prompts: pd.DataFrame) -> str:
    """One digest of the prompts and the images; what they cost is no part of it."""
    names = [TABLE, *map(image_name, prompts["row"].tolist())]
    return digest_files([folder / name for name in names])


def iter_images(folder: Path, prompts: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """Stream (uid, encoded image) in the order of the prompts; WinnowError names a missing file."""
    for row, uid in zip(prompts["row"].tolist(), prompts["uid"], strict=True):
        path = folder / image_name(row)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise WinnowError(f"{path}: {error.strerror}; generate again") from error
        yield uid, content
