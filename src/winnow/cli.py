"""The `winnow` command: its verbs are the rules of the DAG, each runs one step."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

from winnow.caching.entries import cache_remedy
from winnow.command import VERBS, Verb
from winnow.data.errors import WinnowError, did_you_mean, printable
from winnow.data.scarce import shortage
from winnow.option_help import describe

LONGEST = 4000  # characters of a message
# Each module registers its verbs when it is imported; none imports torch before it runs.
STAGES = (
    "params",
    "caching",
    "sources",
    "models",
    "captioning",
    "judging",
    "scoring",
    "curation",
    "export",
    "preferences",
    "training",
    "generation",
    "evaluation",
    "reporting",
    "tracks",
)


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb; errors a user can mend go to stderr in one line, with exit status 2."""
    words = sys.argv[1:] if words is None else words
    try:
        _dispatch(words)
    except Exception as error:
        told = _mendable(error)
        if told is None:
            raise
        name = words[0] if words and words[0] in VERBS else ""
        print(f"winnow {name}".rstrip() + f": {_line(told)}", file=sys.stderr)
        return 2
    return 0


def _mendable(error: Exception) -> str | None:
    """What is said of an error that a user can mend; None of others."""
    scarce = shortage(error)
    if isinstance(error, OSError):
        told = scarce or error.strerror or str(error)
        return f"{error.filename}: {told}" if error.filename else told
    if isinstance(error, WinnowError):
        return scarce or f"{error}{cache_remedy(str(error))}"
    return scarce


def _dispatch(words: Sequence[str]) -> None:
    for stage in STAGES:
        importlib.import_module(f"winnow.{stage}.verbs")
    parser = _Parser("winnow", description=__doc__, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        _add(verbs, name, verb, full=name in words)  # all of them would take longer than most verbs
    name = words[0] if words and words[0] in VERBS else ""
    _refuse_unknown(words)
    arguments, rest = parser.parse_known_args(words)
    if rest and VERBS[name].settings is None:
        raise WinnowError(f"unknown option {rest[0]!r}")
    for key, value in vars(arguments).items():
        known = (*VERBS[name].path_lists, *VERBS[name].words)
        if value == [] and key not in known:  # argparse drops such a value
            raise WinnowError(f"--{key.replace('_', '-')}: '--' is no value")
    _run(VERBS[name].run, arguments, rest)


def _line(text: str) -> str:
    """A message in one line that a terminal can show, without the middle of what is endless."""
    return _cut(printable(_cut(text)))


def _cut(text: str) -> str:
    """The remedy stands last."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1000]} … {text[-1000:]}"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line: `--help` has the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {_line(message)}\n")


def _refuse_unknown(words: Sequence[str]) -> None:
    """Raise WinnowError for a verb, or an option of a verb, that is not there."""
    name = words[0] if words else "--help"
    if name.startswith("-"):
        return
    if name not in VERBS:
        told = f"no verb {name!r}{did_you_mean(name, VERBS)}"
        raise WinnowError(f"{told}; `winnow --help` lists them")
    known = VERBS[name].options()
    for word in words[1:]:
        option = word.partition("=")[0]
        if option.startswith("--") and "--" + option[2:].replace("_", "-") not in known:
            told = f"unknown option {word!r}{did_you_mean(option, known)}"
            raise WinnowError(f"{told}; `winnow {name} --help` lists them")


def _run(run: Callable[..., None], arguments: argparse.Namespace, rest: list[str]) -> None:
    values = {k: v for k, v in vars(arguments).items() if k not in ("verb", "threads")}
    _fix_threads(arguments.threads)
    run(**values, threads=arguments.threads, rest=rest)


def _fix_threads(threads: int) -> None:
    """Numbers of threads change the order of sums: tell the libraries, imported or not."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if "numpy" in sys.modules:  # as in a child of the forkserver
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)


def _add(verbs: Any, name: str, verb: Verb, full: bool) -> None:
    """Add a verb's parser, without its options unless it is to be there in `full`."""
    lines = [verb.run.__doc__ or ""]
    summary = lines[0].strip().splitlines()[0]
    if not full:
        verbs.add_parser(name, help=summary)
        return
    if verb.settings is not None:
        lines += describe(verb.settings)
    parser = verbs.add_parser(
        name,
        help=summary,
        description="\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in verb.paths:
        parser.add_argument(f"--{option.replace('_', '-')}", type=Path, required=True)
    for option in verb.optional_paths:
        parser.add_argument(f"--{option.replace('_', '-')}", type=Path)
    for option in verb.flags:
        parser.add_argument(f"--{option.replace('_', '-')}", action="store_true")
    for option in verb.path_lists:
        parser.add_argument(f"--{option.replace('_', '-')}", type=Path, nargs="*", default=[])
    for option, kind in verb.values.items():
        choices = get_args(kind)  # of a Literal
        parser.add_argument(
            f"--{option.replace('_', '-')}",
            type=str if choices else kind,
            choices=choices or None,
            required=True,
        )
    for option, how in verb.words.items():
        parser.add_argument(option, **how)
    parser.add_argument("--threads", type=_threads, default=os.cpu_count() or 1)


def _threads(text: str) -> int:
    threads = int(text) if text.isdecimal() and len(text) < 5 else 0
    if not threads:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of threads from 1 to 9999")
    return threads


if __name__ == "__main__":
    sys.exit(main())
