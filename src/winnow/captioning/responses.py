"""The cache of replies: an answered request is never asked again, by this run or the next."""

import fcntl
import itertools
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from winnow.data.errors import WinnowError
from winnow.data.files import cache_folder, digest_bytes

Result = TypeVar("Result")
# What a damaged file makes SQLite say; SQLITE_ERROR: of names that it does not find there.
DAMAGED = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_MISMATCH,
)
PATIENCE = 60.0  # seconds to wait for other processes that write
AT_ONCE = 500  # keys in one query


class Responses:
    """A table from a request's digest to its reply in JSON, in one SQLite file of a folder.

    Several processes may use it at once. What `keep` was given is there after a kill. A damaged
    file is moved aside with a warning, and an empty one takes its place.
    """

    def __init__(self, folder: Path | None = None):
        """Open or make the file in `folder` (by default in the user's cache)."""
        self.path = (folder or cache_folder() / "responses") / "responses.sqlite"
        self.connection: sqlite3.Connection | None = None
        self._run(lambda connection: None)

    def find(self, digests: Sequence[str]) -> dict[str, Any]:
        """The replies that are known. A damaged one is not, and is named in a warning."""

        def look(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
            for start in range(0, len(digests), AT_ONCE):
                part = digests[start : start + AT_ONCE]
                marks = ", ".join("?" * len(part))
                query = f"SELECT digest, reply, checksum FROM answers WHERE digest IN ({marks})"
                yield from connection.execute(query, part)

        rows = self._run(lambda connection: list(look(connection)))
        known, damaged = {}, []
        for digest, reply, checksum in rows:
            if checksum != _checksum(digest, reply):
                damaged.append(digest)
                continue
            # Of an earlier version, and not JSON: as good as none
            with suppress(ValueError, RecursionError):
                known[digest] = json.loads(reply)
        if damaged:
            print(
                f"warning: {self.path}: damaged replies: {len(damaged)}, the first that to request "
                f"{ascii(damaged[0])[1:-1]}; they are asked again",
                file=sys.stderr,
            )
        return known

    def keep(self, replies: Mapping[str, Any]) -> None:
        """Add replies, all in one commit."""
        texts = {digest: json.dumps(reply) for digest, reply in replies.items()}
        rows = [(digest, text, _checksum(digest, text)) for digest, text in texts.items()]
        if rows:
            self._run(
                lambda it: it.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)
            )

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _run(self, act: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do `act` in a transaction; after damage, once more on a new file."""
        try:
            try:
                return self._try(act)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self.close()
                self._move_aside(error)
                return self._try(act)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise WinnowError(
                f"{self.path}: the cache of replies cannot be used ({error}); see to space and "
                "permissions there, or name another folder by XDG_CACHE_HOME"
            ) from error

    def _try(self, act: Callable[[sqlite3.Connection], Result]) -> Result:
        if self.connection is None:
            self.connection = self._open()
        with self.connection:
            return act(self.connection)

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=PATIENCE)
        try:
            # Without waiting for the disk a commit still outlives the process. A journal file, and
            # not WAL, which several hosts must not share over a network.
            connection.execute("PRAGMA synchronous = OFF")
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            with connection:
                _make_table(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _move_aside(self, error: sqlite3.DatabaseError) -> None:
        """Rename the damaged file, unless another process has done so already."""
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._sound():
                return
            aside = next(
                path
                for number in itertools.count(1)
                if not (path := self.path.with_suffix(f".damaged{number}")).exists()
            )
            self.path.rename(aside)
            with suppress(FileNotFoundError):  # it would be played back into the new file
                self.path.with_name(f"{self.path.name}-journal").unlink()
        print(f"warning: {self.path} is damaged ({error}): moved to {aside.name}", file=sys.stderr)

    def _sound(self) -> bool:
        try:
            connection = self._open()
            try:
                return connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                return False
            raise


def _make_table(connection: sqlite3.Connection) -> None:
    """Make the table where there is none, with the replies of earlier versions as they are: their
    table had no checksums."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if "answers" in tables:
        connection.execute("SELECT digest, reply, checksum FROM answers LIMIT 0")
        return
    connection.execute("BEGIN IMMEDIATE")  # of several processes the others find the table
    connection.execute(
        "CREATE TABLE IF NOT EXISTS answers (digest TEXT PRIMARY KEY, reply TEXT NOT NULL,"
        " checksum TEXT NOT NULL) WITHOUT ROWID"
    )
    if "replies" in tables:
        connection.create_function("checksum", 2, _checksum)
        connection.execute(
            "INSERT OR IGNORE INTO answers SELECT digest, reply,"
            " checksum(CAST(digest AS BLOB), CAST(reply AS BLOB)) FROM replies"
        )


def _checksum(digest: object, reply: object) -> str:
    """Of a row: a damaged reply, or one that stands by another request, is not taken."""
    digest, reply = (
        part.decode("utf-8", "replace") if isinstance(part, bytes) else part
        for part in (digest, reply)
    )
    return digest_bytes(f"{digest}\0{reply}".encode("utf-8", "surrogatepass"))


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is no sound database (and not, say, locked or on a full disk)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED  # higher bits: details
