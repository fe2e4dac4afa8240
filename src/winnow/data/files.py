"""Writing so that a job killed at any point leaves nothing that looks finished, and digests."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from winnow.data.errors import WinnowError
from winnow.data.resource_errors import shortage
from winnow.data.temporary_folders import temporary_folder

DIGEST = "digest"  # the column of a CSV, or the key of a record, that holds one of all else in it
# In the folders that jobs made, but of the run and not of what it made: marks and measured times
OF_THE_RUN = (".snakemake_timestamp", "cost.json")
# In a folder of a model's or a set's: digests of its files, which `data.digests` writes
DIGESTS = "winnow_digests.json"


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
        with temporary_folder(path) as folder:
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
    named = Path(error.filename) if isinstance(error.filename, str) else path
    short, why = shortage(error, path.parent), error.strerror or str(error)
    around = {named, *named.parents}
    temporary = any(part.name.startswith(f".{path.name}.") for part in around)
    if path in around or temporary or named in path.parents:
        why = short or f"{why} (free space or permissions)"
        return f"cannot write {path}: {why}, then run again"
    return f"{named}: {short or why}; mend that, then run again: {path} was to be written"


def _sync(path: Path) -> None:
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def require_regular(path: str | Path) -> None:
    """Raise OSError for what is no regular file, links followed: a FIFO, a socket or a device is
    never opened, since reading it may not end."""
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def remedy(error: Exception, damaged: str) -> str:
    """What to do about a file that could not be read: `damaged` where its bytes are at fault."""
    if isinstance(error, OSError) and error.errno:
        return "see to its permissions and its disk, then run again"
    return damaged


def open_file(path: str | Path) -> BufferedReader:
    """A regular file, open for reading. Raises OSError."""
    require_regular(path)
    return Path(path).open("rb")


def read_bytes(path: str | Path) -> bytes:
    """The content of a regular file. Raises OSError."""
    with open_file(path) as handle:
        return handle.read()


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
        return json.loads(read_bytes(path).decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such file") from error
    except OSError as error:
        raise WinnowError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:  # ValueError: syntax, UTF-8, endless numbers
        raise WinnowError(f"{path}: not valid JSON ({error})") from error


def signed(record: dict[str, Any]) -> dict[str, Any]:
    """A record with `digest`, that of everything else in it; whitespace and order do not count."""
    content = {key: value for key, value in record.items() if key != DIGEST}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return content | {DIGEST: digest_bytes(text.encode())}


def write_signed(path: str | Path, record: dict[str, Any]) -> None:
    """Write a record atomically with a digest of itself, which `read_signed` checks."""
    write_json(path, signed(record))


def read_signed(path: str | Path) -> dict[str, Any]:
    """A record without its digest. One that has none is taken as it is: somebody else wrote it.

    WinnowError names a file that is no record, or not as it was written.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise WinnowError(f"{path}: holds no record; delete it and run again")
    digest = content.pop(DIGEST, None)
    if digest is not None and digest != signed(content)[DIGEST]:
        raise WinnowError(
            f"{path}: damaged or edited: its digest is of another record; delete it and run again"
        )
    return content


def optional_json(path: str | Path) -> dict[str, Any]:
    """An object of a JSON file, empty where there is no such file."""
    content = read_json(path) if Path(path).is_file() else {}
    if not isinstance(content, dict):
        raise WinnowError(f"{path}: is no JSON object")
    return content


def optional_signed(path: str | Path) -> dict[str, Any]:
    """A record as of `read_signed`, empty where there is no such file."""
    return read_signed(path) if Path(path).exists() else {}


def digest_bytes(content: bytes) -> str:
    """First 16 bytes of SHA-256, in hex: the form of a sample's `uid`."""
    return hashlib.sha256(content).hexdigest()[:32]


def digest_files(paths: list[Path]) -> str:
    """One digest of several files or folders: of names relative to each folder, and contents.

    Snakemake's mark in the folders that its jobs made, what they took, and digests of their files
    are no part of them.
    """
    total = hashlib.sha256()
    for path in paths:
        files = sorted(contents(path)) if path.is_dir() else [path]
        for file in files:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            total.update(name.encode() + b"\0")
            total.update(digest_file(file))
    return total.hexdigest()[:32]


def digest_file(path: str | Path, method: str = "sha256") -> bytes:
    """The digest of a regular file. Raises OSError."""
    with open_file(path) as handle:
        return hashlib.file_digest(handle, method).digest()


def contents(folder: Path) -> Iterator[Path]:
    """The files of a folder that are what it holds: not those of the run, not their digests."""
    beside = (*OF_THE_RUN, DIGESTS)
    return (p for p in below(folder) if p.is_file() and p.name not in beside)


def below(folder: Path) -> Iterator[Path]:
    """The files below a folder, in one order; links are followed, to no folder twice."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(place))
        inside = sorted(folders)
        folders[:] = [name for name in inside if os.path.realpath(Path(place, name)) not in seen]
        yield from (Path(place, name) for name in sorted(names))


def cache_folder() -> Path:
    """Where a user's caches live: `$XDG_CACHE_HOME/winnow`, by default `~/.cache/winnow`."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "winnow"
    except RuntimeError as error:
        told = "there is no home folder for caches: name a folder in XDG_CACHE_HOME"
        raise WinnowError(told) from error
