"""HTML and scripts of data from plain data. Whatever text is shown is escaped here."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Literal, NamedTuple

Kind = Literal["text", "number"]
RANGE = (110, 16)  # pixels of the drawing of an interval
MARGIN = 5  # left and right of it, for the point


class Column(NamedTuple):
    """A column of a table: its head, and how it is sorted and laid out. `hint` is told with it."""

    label: str
    kind: Kind = "text"
    hint: str = ""
    name: str = ""  # a class of its cells, by which they can be hidden


class Cell(NamedTuple):
    """Text as it is; what a number sorts by (None: last); markup that follows the text; where the
    text leads, within the site; and what stands under it where there is no room for a column."""

    text: str
    key: float | None = None
    markup: str = ""
    link: str = ""
    under: str = ""


class Row(NamedTuple):
    """Cells, the first of them the row's head unless told otherwise, and what filters ask for."""

    cells: Sequence[Cell]
    data: Mapping[str, str] = {}
    classes: str = ""


def text(value: object) -> str:
    """Text that HTML shows as it is, in content and in quoted attributes."""
    return escape(str(value), quote=True)


def chip(label: str, kind: str = "") -> str:
    """A short word set apart; `kind` is one of ours, never data."""
    return f'<span class="chip {kind}">{text(label)}</span>'


def table(
    name: str, caption: str, columns: Sequence[Column], rows: Iterable[Row], head: int = 0
) -> str:
    """A table that can be sorted by its heads, within a region that scrolls sideways by itself.

    `head` is the place of the cell that names a row.
    """
    heads = "".join(_head(column, place == head) for place, column in enumerate(columns))
    body = "".join(_row(columns, row, head) for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(caption)}">'
        f'<table id="{text(name)}" class="data"><caption class="hidden">{text(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )


def _head(column: Column, naming: bool) -> str:
    hint = f' title="{text(column.hint)}"' if column.hint else ""
    own = f"{column.kind} {column.name}{' naming' if naming else ''}"
    return (
        f'<th scope="col" class="{own}"{hint} aria-sort="none">'
        f'<button type="button">{text(column.label)}</button></th>'
    )


def _row(columns: Sequence[Column], row: Row, head: int) -> str:
    data = "".join(f' data-{name}="{text(value)}"' for name, value in row.data.items())
    cells = []
    for place, (column, cell) in enumerate(zip(columns, row.cells, strict=True)):
        key = "" if cell.key is None else f' data-key="{cell.key:.10g}"'
        key += f' data-under="{text(cell.under)}"' if cell.under else ""
        opening = 'th scope="row"' if place == head else "td"
        cells.append(
            f'<{opening} class="{column.kind} {column.name}" data-label="{text(column.label)}"'
            f"{key}>{_content(cell)}{cell.markup}</{opening[:2]}>"
        )
    return f'<tr class="{row.classes}"{data}>{"".join(cells)}</tr>'


def _content(cell: Cell) -> str:
    """The text; an interval in brackets at its end is set smaller."""
    value, bracket, rest = (
        cell.text.partition(" (") if cell.key is not None else (cell.text, "", "")
    )
    shown = text(value) + (f" <small>({text(rest)}</small>" if bracket else "")
    return f'<a href="{text(cell.link)}">{shown}</a>' if cell.link else shown


def select(label: str, name: str, values: Iterable[str], every: str = "all") -> str:
    """A labelled choice among values; the first, empty one asks for nothing."""
    options = [f'<option value="">{text(every)}</option>'] if every else []
    options += [f'<option value="{text(value)}">{text(value)}</option>' for value in values]
    return f'<label>{text(label)} <select name="{text(name)}">{"".join(options)}</select></label>'


def drawn_interval(
    value: float, low: float, high: float, ends: tuple[float, float], mark: float | None = None
) -> str:
    """A point with its interval between `ends`, and a line at `mark`; the numbers stand beside it,
    so screen readers pass over it."""
    width, height = RANGE
    span = (ends[1] - ends[0]) or 1.0

    def x(number: float) -> str:
        return f"{MARGIN + (number - ends[0]) / span * (width - 2 * MARGIN):.1f}"

    middle = height / 2
    line = ""
    if mark is not None and ends[0] <= mark <= ends[1]:
        line = f'<line class="mark" x1="{x(mark)}" x2="{x(mark)}" y1="1" y2="{height - 1}"/>'
    return (
        f'<svg class="interval" width="{width}" height="{height}" aria-hidden="true">{line}'
        f'<line x1="{x(low)}" x2="{x(high)}" y1="{middle:g}" y2="{middle:g}"/>'
        f'<circle cx="{x(value)}" cy="{middle:g}" r="3.5"/></svg>'
    )


def data_script(name: str, content: Any) -> str:
    """A script that hands `content` to the page: pages opened from disk may not fetch files."""
    plain = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    safe = plain.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"winnow.receive({json.dumps(name)},{safe});\n"
