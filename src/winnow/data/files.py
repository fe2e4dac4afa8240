"""Writing so that a job killed at any point leaves nothing that looks finished, and digests."""

import csv
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from winnow.data.errors import WinnowError
from winnow.data.holders import holder
from winnow.data.scarce import shortage

# In the folders that jobs made, but of the run and not of what it made: marks and measured times
OF_THE_RUN = (".snakemake_timestamp", "cost.json")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced to disk and renamed to `path`.

    Works for a file and, if the caller makes one there, for a directory (which replaces an older
    one). After an exception nothing is left at either place, and what a killed job left is swept.
    OSError becomes a WinnowError that names the file and what was wrong (a full disk, a missing
    permission).
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with holder(path) as folder:
            temporary = folder / path.name
            yield temporary
            _sync(temporary)
            if path.is_dir() and not path.is_symlink():
                path.rename(folder / f"{path.name}.replaced")
            elif temporary.is_dir():
                path.unlink(missing_ok=True)
            temporary.rename(path)
    except OSError as error:
        raise WinnowError(_told(error, path)) from None  # all is said


def _told(error: OSError, path: Path) -> str:
    """Why a file could not be written: often for another one, that was read or written for it."""
    why = shortage(error, path.parent) or f"{error.strerror or error} (free space or permissions)"
    named = error.filename if isinstance(error.filename, str) else ""
    own = named.startswith((str(path), str(path.with_name(f".{path.name}.")))) or not named
    if own or Path(named) in path.parents:
        return f"cannot write {path}: {why}, then run again"
    return f"{named}: {why}, then run again: {path} was to be written"


def _sync(path: Path) -> None:
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, content.encode())


def write_json(path: str | Path, content: Any) -> None:
    """Write `json_text` atomically."""
    write_text(path, json_text(content))


def json_text(content: Any) -> str:
    """JSON with sorted keys; NaN is refused because it is not JSON."""
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return text + "\n"


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a truncated or malformed one is named with its line."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such file") from error
    except OSError as error:
        raise WinnowError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # ValueError: syntax, UTF-8, endless numbers
        raise WinnowError(f"{path}: not valid JSON ({error})") from error


def optional_json(path: str | Path) -> dict[str, Any]:
    """An object of a JSON file, empty where there is no such file."""
    return dict(read_json(path)) if Path(path).is_file() else {}


def digest_bytes(content: bytes) -> str:
    """First 16 bytes of SHA-256, in hex: the form of a sample's `uid`."""
    return hashlib.sha256(content).hexdigest()[:32]


def read_csv(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV that a rule wrote.

    WinnowError names the file, and the first of `columns` that it does not have, or the row that
    is not as wide as its head.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise WinnowError(f"{path}: column {missing[0]!r} is missing; render it again")
            rows = list(reader)
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such table; run snakemake first") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WinnowError(f"{path}: not a readable CSV ({error}); render it again") from error
    for place, row in enumerate(rows):
        if None in row or None in row.values():
            raise WinnowError(f"{path}: row {place} is not as wide as its head; render it again")
    return rows


def digest_files(paths: list[Path]) -> str:
    """One digest of several files or folders: of names relative to each folder, and contents.

    Snakemake's mark in the folders that its jobs made, and what they took, are no part of them.
    """
    total = hashlib.sha256()
    for path in paths:
        files = sorted(_contents(path)) if path.is_dir() else [path]
        for file in files:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            total.update(name.encode() + b"\0")
            with file.open("rb") as handle:
                total.update(hashlib.file_digest(handle, "sha256").digest())
    return total.hexdigest()[:32]


def _contents(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file() and p.name not in OF_THE_RUN)


def cache_folder() -> Path:
    """Where a user's caches live: `$XDG_CACHE_HOME/winnow`, by default `~/.cache/winnow`."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "winnow"
    except RuntimeError as error:
        told = "there is no home folder for caches: name a folder in XDG_CACHE_HOME"
        raise WinnowError(told) from error
