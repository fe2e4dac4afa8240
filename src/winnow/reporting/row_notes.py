"""What is said of the rows of a page: what they lack, and why they are struck out."""

from collections.abc import Container, Mapping

from winnow.reporting.emit.markdown import bullets
from winnow.reporting.method_results import Method
from winnow.reporting.results import Results
from winnow.reporting.table import Cell

LINK = "See [which pairs leak](leakage.md)."


def struck_out(leaks: int | None) -> str:
    """Why a row is struck out, by the number of its leaking pairs; empty where it is not."""
    return "" if leaks is None else f"struck out: learned from {leaks} leaking pairs"


def struck_through(method: Method, struck: Container[Method]) -> Cell:
    """The scorer of a method, with a line through it if it is among `struck`."""
    return Cell(method.scorer, "struck" if method in struck else "")


def row_note(results: Results, method: Method, struck: Mapping[Method, int]) -> str:
    """What a method lacks and, if it is among `struck`, why it is struck out; else empty."""
    told = (results.caveat(method), struck_out(struck.get(method)))
    return "; ".join(filter(None, told))


def page_notes(
    results: Results, names: Mapping[Method, str], struck: Mapping[Method, int]
) -> list[str]:
    """The end of a page: a line for each of its methods of which something is to be said, by what
    they are called there."""
    told = [(name, row_note(results, method, struck)) for method, name in names.items()]
    lines = bullets(f"{name}: {note}" for name, note in told if note)
    return [lines, LINK if any(method in struck for method in names) else ""]
