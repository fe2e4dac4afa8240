"""The `winnow` command: its commands are the rules of the DAG, each runs one step."""

import os
import sys
from collections.abc import Sequence
from functools import partial

from winnow.caching.entries import cache_remedy
from winnow.command.code import code_digest, command_files
from winnow.command.description import Command, find
from winnow.command.help import command_help, overview
from winnow.data.errors import WinnowError, printable
from winnow.data.provenance import CODE
from winnow.data.resource_errors import shortage

LONGEST = 4000  # characters of a message
HELP = ("-h", "--help")


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; errors a user can mend go to stderr in one line, with exit status 2."""
    name, *rest = (sys.argv[1:] if words is None else words) or HELP
    try:
        if name in HELP:
            print(overview([find(known) for known in command_files()]))
        elif set(HELP) & set(rest):
            print(command_help(find(name)))
        else:
            _run(find(name), rest)
    except Exception as error:
        told = _mendable(error)
        if told is None:
            raise
        known = name if name in command_files() else ""
        print(f"winnow {known}".rstrip() + f": {_line(told)}", file=sys.stderr)
        return 2
    return 0


def _run(command: Command, words: Sequence[str]) -> None:
    values = command.parse(words)
    threads = values["threads"] if command.threaded else values.pop("threads")
    _fix_threads(threads)
    CODE.set(partial(code_digest, command.name))  # for the records that it writes
    bare = [values.pop(one.name) for one in command.arguments if one.bare]
    command.function(*bare, **values)


def _mendable(error: Exception) -> str | None:
    """What is said of an error that a user can mend; None of others."""
    scarce = shortage(error)
    if isinstance(error, OSError):
        told = scarce or error.strerror or str(error)
        return f"{error.filename}: {told}" if error.filename else told
    if isinstance(error, WinnowError):
        return scarce or f"{error}{cache_remedy(str(error))}"
    return scarce


def _line(text: str) -> str:
    """A message in one line that a terminal can show, without the middle of what is endless."""
    return _cut(printable(_cut(text)))


def _cut(text: str) -> str:
    """The remedy stands last."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1000]} … {text[-1000:]}"


def _fix_threads(threads: int) -> None:
    """Numbers of threads change the order of sums: tell the libraries, imported or not."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ |= {"MKL_DYNAMIC": "false", "TOKENIZERS_PARALLELISM": "false"}
    if "numpy" in sys.modules:  # as in a child of the forkserver
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(threads)  # as it does itself where it is imported later


if __name__ == "__main__":
    sys.exit(main())
