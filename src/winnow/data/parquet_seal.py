"""The digest that travels inside a Parquet file, and its check: page checksums leave the heads of
the pages and the footer uncovered."""

import hashlib
from pathlib import Path
from typing import IO

from winnow.data.errors import WinnowError
from winnow.data.files import open_file

# Stands before the footer of a Parquet file, where its readers do not look, with a SHA-256 of all
# else in the file.
SEAL = b"winnow sha256 of the rest:"
SEAL_BYTES = len(SEAL) + 32
TAIL_BYTES = 8  # length of the footer, PAR1
BLOCK = 2**20


def seal_table(path: Path) -> None:
    """Put the seal into a Parquet file that was just written."""
    with path.open("r+b") as file:
        start, size = _footer(file)
        digest = _digest(file, (0, start), (start, size))
        file.seek(start)
        footer = file.read()
        file.seek(start)
        file.write(SEAL + digest + footer)


def check_table(path: str | Path) -> None:
    """Refuse a Parquet file that is not as it was sealed; one without a seal is somebody else's.

    Raises WinnowError, and OSError where the file cannot be read.
    """
    with open_file(path) as file:
        start, size = _footer(file)
        before = start - SEAL_BYTES
        if before < 0:
            return
        file.seek(before)
        seal = file.read(SEAL_BYTES)
        if seal.startswith(SEAL) and seal != SEAL + _digest(file, (0, before), (start, size)):
            raise WinnowError(f"{path}: damaged: its bytes are not those that were written")


def _footer(file: IO[bytes]) -> tuple[int, int]:
    """Where the footer of a Parquet file begins by its own words, and the size of the file."""
    size = file.seek(0, 2)
    file.seek(max(size - TAIL_BYTES, 0))
    return size - TAIL_BYTES - int.from_bytes(file.read(4), "little"), size


def _digest(file: IO[bytes], *ranges: tuple[int, int]) -> bytes:
    total = hashlib.sha256()
    for start, end in ranges:
        file.seek(start)
        for place in range(start, end, BLOCK):
            total.update(file.read(min(BLOCK, end - place)))
    return total.digest()
