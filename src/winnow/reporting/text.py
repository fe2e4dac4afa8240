"""Escaping, and plain tables in CSV, Markdown and LaTeX."""

import re
from collections.abc import Callable, Sequence

from winnow.data.csv_file import csv_digest, csv_rows
from winnow.data.files import DIGEST

EMPTY = "\N{EN DASH}"  # shown where there is no value; CSV leaves it blank

_MARKDOWN = re.compile(r"([\\`*_\[\]|~$#])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "≈": r"$\approx$",
    EMPTY: "--", "[": "{[}", "]": "{]}", "*": "{*}",  # after a line break they would be its options
}  # fmt: skip


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line, inside a table or outside."""
    plain = "".join(_HTML.get(character, character) for character in " ".join(text.split()))
    return _MARKDOWN.sub(r"\\\1", plain)


def latex(text: str) -> str:
    """Text that LaTeX shows as it is, on one line."""
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table of escaped cells; the first `left` columns are text, the others numbers."""
    rule = ["---" if i < left else "---:" for i in range(len(header))]
    return "".join(f"| {' | '.join(row)} |\n" for row in [header, rule, *rows])


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A LaTeX tabular of escaped cells (rules of booktabs)."""
    columns = "l" * left + "r" * (len(header) - left)
    body = [" & ".join(row) + r" \\" for row in rows]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", " & ".join(header) + r" \\",
             r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def csv_text(header: Sequence[str], rows: Sequence[Sequence[object]], signed: bool = False) -> str:
    """A CSV; None is blank. Floats have six significant digits, but a column `*ratio` is exact, as
    ratios name folders. What a spreadsheet would take for a formula is marked as text, which
    `read_csv` undoes. `signed` rows end with a digest of themselves, which `read_csv` checks."""
    exact = [name.endswith("ratio") for name in header]
    table = [[_csv(*cell) for cell in zip(row, exact, strict=True)] for row in rows]
    if signed:
        digests = [csv_digest(dict(zip(header, row, strict=True))) for row in table]
        header = [*header, DIGEST]
        table = [[*row, digest] for row, digest in zip(table, digests, strict=True)]
    return csv_rows([header, *table])


def _csv(value: object, exact: bool) -> str:
    if value is None or value != value:  # NaN
        return ""
    return f"{value:.6g}" if isinstance(value, float) and not exact else str(value)


def percent(value: float | None) -> str:
    """A fraction as per cent with two decimals; the mark of an empty cell without a value."""
    return EMPTY if value is None or value != value else f"{100 * value:.2f}"


def number(value: float | None) -> str:
    """A count or a score as it is: `1,300,000`, `9.87`, `0.312`; EMPTY without a value."""
    if value is None or value != value:
        return EMPTY
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:,.2f}"


def interval(
    value: float | None,
    low: float | None,
    high: float | None,
    show: Callable[[float | None], str] = percent,
) -> str:
    """A value with its interval, a fraction in per cent: `57.55 (55.10 to 59.98)`."""
    if value is None or value != value or low is None or low != low or high is None:
        return show(value)
    return f"{show(value)} ({show(low)} to {show(high)})"
