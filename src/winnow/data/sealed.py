"""Digests that travel inside a Parquet file or beside the files of a folder, and their check.

Page checksums leave the heads of the pages and the footer of a Parquet file uncovered, and pictures
and text have none at all.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from winnow.data.errors import WinnowError
from winnow.data.files import contents, digest_file, open_file, read_bytes

# Stands before the footer of a Parquet file, where its readers do not look, with a SHA-256 of all
# else in the file.
SEAL = b"winnow sha256 of the rest:"
SEAL_BYTES = len(SEAL) + 32
TAIL_BYTES = 8  # length of the footer, PAR1
BLOCK = 2**20
SUMS = "SHA256SUMS"  # in the form of `sha256sum`


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


def seal_folder(folder: Path) -> None:
    """Write the digests of all files of a folder beside them."""
    lines = (f"{digest_file(p).hex()}  {p.relative_to(folder).as_posix()}\n"
             for p in sorted(contents(folder)) if p != folder / SUMS)  # fmt: skip
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def check_folder(folder: Path) -> None:
    """Refuse a folder of which a file is lost or not as it was sealed; one without digests is
    somebody else's. WinnowError names the file."""
    if not (folder / SUMS).exists():
        return
    for digest, path in _sums(folder):
        try:
            same = digest_file(path).hex() == digest
        except OSError as error:
            raise WinnowError(f"{path}: {error.strerror}; {_again(folder)}") from error
        if not same:
            raise WinnowError(
                f"{path}: damaged: is not the file that {SUMS} names; {_again(folder)}"
            )


def _sums(folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        lines = read_bytes(folder / SUMS).decode().splitlines()
        for line in lines:
            digest, name = line.split("  ", 1)
            yield digest, folder / name
    except (OSError, ValueError) as error:
        raise WinnowError(f"{folder / SUMS}: damaged ({error}); {_again(folder)}") from error


def _again(folder: Path) -> str:
    return f"delete {folder} and run again"
