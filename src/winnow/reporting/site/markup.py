"""The site's templates, and scripts of data from plain data. Jinja escapes whatever is shown."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from winnow.reporting.table import Cell, Column, Interval, Row, cell_of, text_of
from winnow.reporting.values import Value

ASSETS = Path(__file__).parent / "assets"
RANGE = (110, 16)  # pixels of the drawing of an interval
MARGIN = 5  # left and right of it, for the point


def render(template: str, **context: Any) -> Markup:
    """A template of the assets filled in; text is escaped, markup of another template is not."""
    return Markup(_TEMPLATES.get_template(template).render(**context))


def sort_key(cell: Cell) -> str:
    """The number that a cell sorts by; empty where it has none, and stands last."""
    number = cell.value.estimate if isinstance(cell.value, Value) else cell.value
    return f"{number:.10g}" if isinstance(number, int | float) else ""


def parts(column: Column, row: Row) -> tuple[Cell, str, str]:
    """A cell, its text, and the interval at its end, which is set smaller."""
    cell = cell_of(column, row)
    text = "" if cell.chips and cell.value is None else text_of(column, cell)
    if not isinstance(cell.value, Value):
        return cell, text, ""
    value, bracket, interval = text.partition(" (")
    return cell, value, bracket and f"({interval}"


def bar_positions(interval: Interval) -> dict[str, float | None]:
    """Where a value, the ends of its interval and its mark are drawn, in pixels from the left."""
    low, high = interval.ends
    bottom, top = interval.value.ends or (interval.value.estimate,) * 2
    mark = interval.mark if interval.mark is not None and low <= interval.mark <= high else None

    def x(number: float) -> float:
        share = (number - low) / ((high - low) or 1.0)
        return round(MARGIN + share * (RANGE[0] - 2 * MARGIN), 1)

    numbers = {"low": bottom, "high": top, "value": interval.value.estimate}
    return {name: x(number) for name, number in numbers.items()} | {
        "mark": None if mark is None else x(mark)
    }


def data_script(name: str, content: Any) -> str:
    """A script that hands `content` to the page: pages opened from disk may not fetch files."""
    plain = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    safe = plain.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f"winnow.receive({json.dumps(name)},{safe});\n"


_TEMPLATES = Environment(
    loader=FileSystemLoader(ASSETS),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "parts": parts,
    "bar_positions": bar_positions,
    "sort_key": sort_key,
    "RANGE": RANGE,
}
