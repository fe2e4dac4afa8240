"""Temporary folders that know whether their owner lives: what a killed job left is removed later.

The owner locks a file in its folder. The system gives the lock back when the process ends, however
it does, and tells other hosts so where they share a file system.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER = ".owner"  # the locked file
SCRATCH = "winnow-"
# What `mkdtemp` makes beside a file: `.`, its name, `.`, eight characters
TEMPORARY_NAME = re.compile(r"\..+\.[a-z0-9_]{8}")


@contextmanager
def temporary_folder(beside: Path) -> Iterator[Path]:
    """A folder beside a path that is to be written, removed at the end. Those of the same path that
    killed jobs left are swept."""
    prefix = f".{beside.name}."
    with _owned(prefix, beside.parent) as folder:
        remove_abandoned(p for p in beside.parent.iterdir() if p.name.startswith(prefix))
        yield folder


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for temporary files, where TMPDIR says, removed at the end. Those that killed jobs
    left there are swept."""
    place = Path(tempfile.gettempdir())
    with _owned(SCRATCH, place) as folder:
        remove_abandoned(place.glob(f"{SCRATCH}*"))
        yield folder


def remove_abandoned(folders: Iterable[Path]) -> None:
    """Remove those of some temporary folders that have an owner's file which nobody locks."""
    for folder in folders:
        with suppress(OSError), (folder / OWNER).open("r+") as mark:  # no lock, or nobody's of ours
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def find_temporary_folders(*folders: Path) -> Iterator[Path]:
    """All in some folders that is named as a holder is."""
    for folder in folders:
        for place, names, _ in os.walk(folder):  # which takes it that folders come and go
            yield from (Path(place, name) for name in names if TEMPORARY_NAME.fullmatch(name))


@contextmanager
def _owned(prefix: str, place: Path) -> Iterator[Path]:
    """A new folder of this process's; made again if it was swept before it was locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        try:
            with (folder / OWNER).open("w") as mark:
                with suppress(OSError):  # a file system without locks: never swept
                    fcntl.flock(mark, fcntl.LOCK_EX)
                mark.write(f"{os.uname().nodename} {os.getpid()}\n")  # for people
                mark.flush()
                if (folder / OWNER).exists():
                    yield folder
                    return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
