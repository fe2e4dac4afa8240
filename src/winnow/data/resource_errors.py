"""What a machine ran out of, in one line: which place is full, which limit was reached, what to do.

What wraps such an error often names the file that was open then, and that is not at fault.
"""

import errno
import os
import re
import resource
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from winnow.data.errors import WinnowError

SPACE = (errno.ENOSPC, errno.EDQUOT)
FILES = (errno.EMFILE, errno.ENFILE)
# How libraries that know no errno put it
NUMBER = re.compile(r"(?:os error|errno:?) (\d+)|No space left on device \((\d+)\)", re.IGNORECASE)
MEMORY = re.compile(
    r"(can't|cannot|unable to|failed to) (allocate|map segment)|out of memory|bad_alloc"
    r"|unable to mmap",
    re.IGNORECASE,
)
THREADS = re.compile(r"can't start new thread|pthread_create")
LESS = "take less at once (fewer cores or threads, a smaller batch_size)"


def shortage(error: BaseException, folder: Path = Path()) -> str | None:
    """What there was too little of, if that is why an error was raised, and what to do. `folder` is
    where something was to be written."""
    for cause in _causes(error):
        if told := _told(cause, folder):
            return told
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _told(error: BaseException, folder: Path) -> str | None:
    if isinstance(error, WinnowError):
        return None  # in its own words
    if isinstance(error, BrokenProcessPool):
        return f"a process of this command was killed, most often for want of memory; {LESS}"
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return f"{error.strerror}; make room in one of them, or name another folder in TMPDIR"
    number, text = _number(error), " ".join(str(error).split())
    if number in SPACE:
        return _full(error, os.strerror(number), folder)
    spoken = isinstance(error, RuntimeError | ImportError | OSError | SystemError)
    if number in FILES or (spoken and "Too many open files" in text):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"Too many open files: {limit} are allowed; allow more, as by `ulimit -n 1024`"
    if (spoken and THREADS.search(text)) or isinstance(error, BlockingIOError):
        return f"no thread or process can be started; allow more (`ulimit -u`, `-v`), or {LESS}"
    memory = isinstance(error, MemoryError) or number == errno.ENOMEM
    if memory or (spoken and MEMORY.search(text)):
        said = f" ({text[:200]})" if text else ""
        return f"out of memory{said}; {LESS}, or allow more (`ulimit -v`, the job's limit)"
    return None


def _number(error: BaseException) -> int:
    """The errno of an error, 0 where it has none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = NUMBER.search(str(error))
    return int(next(filter(None, found.groups()))) if found else 0


def _full(error: BaseException, why: str, folder: Path) -> str:
    """What is free where the error was, or if it does not tell, in each place that may be full, the
    fullest first."""
    file = getattr(error, "filename", None)
    if isinstance(file, str):
        rooms = _rooms([next(place for place in Path(file).absolute().parents if place.exists())])
    else:
        rooms = _rooms([folder.absolute(), _temporary(), Path("/dev/shm")])
    told = "; ".join(text for _, text in sorted(rooms))
    return f"{why}: {told}; make room there, or let TMPDIR name another folder for temporary files"


def _rooms(folders: Iterable[Path]) -> Iterator[tuple[int, str]]:
    """The free bytes of places, with that in words."""
    for place in folders:
        try:
            room = os.statvfs(place)
        except OSError:
            continue
        free = room.f_bavail * room.f_frsize
        inodes = " and no file more (inodes)" if room.f_files and not room.f_favail else ""
        yield 0 if inodes else free, f"{place} has {free / 1e6:.1f} MB free{inodes}"


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError:  # none of its places can be written
        return Path(os.environ.get("TMPDIR", "/tmp"))
