"""What is said of the rows of a page: what they lack, and why they are struck out."""

from collections.abc import Mapping

from winnow.reporting.methods import Method
from winnow.reporting.results import Results
from winnow.reporting.text import markdown

LINK = "Which pairs leak: [leakage.md](leakage.md)."


def struck_out(leaks: int | None) -> str:
    """Why a row is struck out, by the number of its leaking pairs; empty where it is not."""
    return "" if leaks is None else f"struck out: learned from {leaks} leaking pairs"


def crossed(name: str, struck: bool) -> str:
    """Escaped Markdown, with a line through it where it is struck out."""
    return f"~~{name}~~" if struck else name


def noted(results: Results, method: Method, struck: Mapping[Method, int]) -> str:
    """What a method lacks and, if it is among `struck`, why it is struck out; else empty."""
    told = (results.caveat(method), struck_out(struck.get(method)))
    return "; ".join(filter(None, told))


def notes_md(results: Results, names: Mapping[Method, str], struck: Mapping[Method, int]) -> str:
    """The end of a page: a line for each of its methods of which something is to be said, by what
    they are called there."""
    lines = [
        f"- {markdown(f'{name}: {note}')}\n"
        for method, name in names.items()
        if (note := noted(results, method, struck))
    ]
    link = f"\n{LINK}\n" if any(method in struck for method in names) else ""
    return "".join(["\n", *lines, link]) if lines else ""
