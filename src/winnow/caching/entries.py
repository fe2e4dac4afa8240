"""Entries of the cache of outputs: what they are, whether they are whole, and how they go.

An entry is the folder `KEY/` of one job: its outputs by name under `outputs/`, and `manifest.json`
with the size and SHA-256 of every file. Files in it are never written again.
"""

import errno
import hashlib
import json
import os
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from winnow.data.files import cache_folder

KEY = re.compile(r"[0-9a-f]{32}")
# What Snakemake's own cache kept here: `HASH`, `HASH.ext`, `HASH_name.ext`
EARLIER = re.compile(r"[0-9a-f]{64}([._].*)?")
TEMPORARY = ".winnow-entry-"  # the folder may hold more than the cache
STALE_S = 24 * 3600.0  # no entry takes so long to store
LOST = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EIO)
MARK = ".snakemake_timestamp"  # Snakemake's, in each folder that a job made
MANIFEST, OUTPUTS = "manifest.json", "outputs"


def default_cache() -> Path:
    """The cache of outputs that runs use: `$SNAKEMAKE_OUTPUT_CACHE`, or in the user's caches."""
    named = os.environ.get("SNAKEMAKE_OUTPUT_CACHE")
    return Path(named or cache_folder() / "snakemake").absolute()


def entry_key(provenance: str, names: Iterable[str]) -> str:
    """The key of a job: 32 hex digits, from the hash of all that it is made of and the names of its
    outputs, since jobs that differ in the suffix of an output alone have one hash."""
    return hashlib.sha256("\0".join([provenance, *sorted(names)]).encode()).hexdigest()[:32]


def holds(cache: Path, key: str) -> bool:
    """Whether the cache has an entry, unverified."""
    return (cache / key / MANIFEST).is_file()


def entries(cache: Path) -> list[Path]:
    """All entries, whole or damaged, by key; nothing else that has such a name."""
    return [path for path in _listed(cache) if _is_entry(path) or _is_empty(path)]


def earlier(cache: Path) -> list[Path]:
    """What an earlier version of Winnow kept here, which nothing reads any more."""
    return [path for path in _listed(cache) if EARLIER.fullmatch(path.name)]


def _listed(cache: Path) -> list[Path]:
    return sorted(cache.iterdir()) if cache.exists() else []


def last_use(path: Path) -> float:
    """When an entry was last stored or fetched, in seconds since the epoch; now, if it is gone."""
    for place in (path / MANIFEST, path):
        with suppress(OSError):
            return place.lstat().st_mtime
    return time.time()


def size(path: Path) -> int:
    """The bytes in the files of an entry; what is evicted meanwhile does not count."""
    files = [path] if not path.is_dir() else []
    files += [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.lstat().st_size
    return total


def manifest(entry: Path, key: str) -> dict[str, Any]:
    """The key of an entry, the folders in its outputs, and size and SHA-256 of every file, by
    relative path. What is no file and no folder, as a link, has neither."""
    folders: list[str] = []
    files: dict[str, list[int | str]] = {}
    waiting = [entry / OUTPUTS]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            name = path.relative_to(entry / OUTPUTS).as_posix()
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                files[name] = []
            elif path.is_dir():
                folders.append(name)
                waiting.append(path)
            else:
                with path.open("rb") as handle:
                    digest = hashlib.file_digest(handle, "sha256").hexdigest()
                files[name] = [path.stat().st_size, digest]
    return {"key": key, "folders": sorted(folders), "files": files}


def damage(entry: Path) -> str:
    """What of an entry is not as it was stored, "" if all is. Every file is read.

    Raises OSError where that cannot be told, as for want of a permission.
    """
    if not (entry / MANIFEST).is_file():
        return f"{MANIFEST} is missing"
    try:
        told, found = json.loads((entry / MANIFEST).read_bytes()), manifest(entry, entry.name)
        if told == found:
            return ""
        before, now = told["files"], found["files"]
        others = (name for name in {**before, **now} if before.get(name) != now.get(name))
        name = next(others, None)
    except OSError as error:
        if error.errno not in LOST:
            raise
        return f"{error.filename or entry}: {error.strerror}"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return f"{MANIFEST} is damaged"
    return f"{OUTPUTS}/{name} is not as it was stored" if name else "folders or key are others"


def entries_behind(cache: Path, path: Path) -> list[Path]:
    """The entries of a cache into which a file, or the files below a folder, are links; or which
    `path` is."""
    links = [path, *(place for place in path.rglob("*") if place.is_symlink())]
    return sorted({entry for link in links if (entry := _entry(cache, link))})


def _entry(cache: Path, path: Path) -> Path | None:
    real, known = Path(os.path.realpath(path)), Path(os.path.realpath(cache))
    inside = (place for place in (real, *real.parents) if place.parent == known)
    return next(filter(_is_entry, inside), None)


def _is_entry(path: Path) -> bool:
    inside = ((path / name).exists() for name in (MANIFEST, OUTPUTS))
    return bool(KEY.fullmatch(path.name)) and any(inside)


def _is_empty(path: Path) -> bool:
    with suppress(OSError):  # no folder, or evicted as we looked
        return bool(KEY.fullmatch(path.name)) and not any(path.iterdir())
    return False


def cache_remedy(message: str) -> str:
    """What to add to an error that begins with the path of a file, or of a job's folder: where that
    is a link into a damaged entry, the command that removes it, since a run would link it again."""
    try:
        path = Path(message.partition(": ")[0])
        is_cached = path.is_symlink() or (path / MARK).exists()
        for entry in entries_behind(default_cache(), path) if is_cached else ():
            if found := damage(entry):
                command = f"winnow cache evict {shlex.quote(str(entry))}"
                return f"; its entry in the cache is damaged ({found}): `{command}`, then run again"
    except (OSError, ValueError):  # no path, or none that can be read
        pass
    return ""


def remove_damaged(entry: Path) -> str:
    """Remove an entry that is damaged; what was wrong, "" if it is whole or not there."""
    while (state := state_of(entry)) is not None:
        found = damage(entry)
        if not found:
            return ""
        if state_of(entry) == state:  # else another run has just stored it anew
            remove(entry)
            return found
    return ""


def state_of(entry: Path) -> tuple[int, int] | None:
    """What tells an entry from one that is stored in its place; None where there is none."""
    try:
        found = entry.lstat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_ctime_ns


def remove(path: Path) -> None:
    """Take something out of the cache by one rename, so that no run sees a part of it."""
    aside = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{path.name}")
    with suppress(FileNotFoundError):  # another process was faster
        path.rename(aside)
        _discard(aside)


def sweep(cache: Path) -> None:
    """Remove what killed processes left in temporary folders, when it is old."""
    for path in _listed(cache):
        if path.name.startswith(TEMPORARY) and time.time() - last_use(path) > STALE_S:
            _discard(path)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)  # another process may do the same
    else:
        with suppress(OSError):
            path.unlink()
