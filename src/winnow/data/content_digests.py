"""Digests of people's files and folders by their bytes, remembered while they do not change.

Snakemake hashes no folder, and what a job reads belongs in its cache key. Reading a large source at
every start would take too long: a file is read again when its size, times or inode are others.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from winnow.data.files import below, cache_folder, digest_bytes, digest_file

# A file that was written just now may change again within its clock's tick: not remembered.
SETTLED_S = 2.0


def content_digest(paths: Iterable[str | Path]) -> str:
    """One digest of files and folders: of names relative to each folder, and of their bytes.

    What is not there, or cannot be read, counts as such: the job that reads it says what is wrong.
    """
    total = hashlib.sha256()
    with closing(_memory()) as memory:
        for path in map(Path, paths):
            for name, file in _files(path):
                total.update(
                    f"{name}\0{_digest(memory, file)}\0".encode("utf-8", "surrogateescape")
                )
    return total.hexdigest()[:32]


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield "", path
        return
    for file in below(path):
        yield file.relative_to(path).as_posix(), file


def _memory() -> sqlite3.Connection:
    """Digests by path, in the user's cache; in no file where that is damaged or read-only."""
    place = cache_folder() / "digests.sqlite"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return _opened(str(place))
    except sqlite3.OperationalError:  # read-only, or another process writes for too long
        return _opened(":memory:")
    except (OSError, sqlite3.Error):  # damaged: all in it is read again, into a new one
        with suppress(OSError):
            place.unlink(missing_ok=True)
        return _opened(":memory:")


def _opened(place: str) -> sqlite3.Connection:
    memory = sqlite3.connect(place, timeout=60, isolation_level=None)  # each digest by itself
    memory.execute("PRAGMA synchronous = OFF")  # a lost one is read again
    memory.text_factory = lambda text: text.decode("utf-8", "replace")  # of damaged rows
    memory.execute(
        "CREATE TABLE IF NOT EXISTS sums"
        " (path TEXT PRIMARY KEY, state TEXT, digest TEXT, checksum TEXT)"
    )
    memory.execute("DELETE FROM sums WHERE path = ''")  # whether it can be written
    if memory.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("damaged")
    return memory


def _digest(memory: sqlite3.Connection, file: Path) -> str:
    try:
        found = file.stat()
        state = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
        key = os.fsencode(file.resolve()).hex()
        known = memory.execute(
            "SELECT digest, checksum FROM sums WHERE path = ? AND state = ?", (key, state)
        ).fetchone()
        if known and known[1] == _checksum(key, state, known[0]):
            return str(known[0])
        digest = digest_file(file).hex()
    except OSError as error:
        return f"unreadable: {error.strerror}"
    if time.time() - found.st_ctime > SETTLED_S:
        with suppress(sqlite3.Error):  # a full disk: it is not remembered
            row = (key, state, digest, _checksum(key, state, digest))
            memory.execute("INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?)", row)
    return digest


def _checksum(*row: object) -> str:
    """Of a row, so that a damaged digest is not taken for the file's."""
    return digest_bytes("\0".join(map(str, row)).encode("utf-8", "surrogatepass"))
