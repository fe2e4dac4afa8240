"""Tables as data. What stands in a row, and which columns of it are shown; `emit` has the formats.

The same rows serve several tables: a CSV has other columns of them than a page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from winnow.reporting.values import EMPTY, Show, Value

Style = Literal["", "bold", "italic", "struck"]


class Column(NamedTuple):
    """A column: the key of its cells in a row, its head on a page, and how a cell is shown. In a
    CSV a Value takes as many columns as `parts` names, in the order of its fields."""

    key: str
    head: str = ""
    show: Show = str
    parts: Sequence[str] = ()
    hint: str = ""  # told with the head, on the site
    kind: str = ""  # a class of the cells, on the site

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers, which are set to the right."""
        return self.show is not str


class Interval(NamedTuple):
    """A value that is drawn between two ends, with a line at `mark`; on the site alone."""

    value: Value
    ends: tuple[float, float]
    mark: float | None = None


class Cell(NamedTuple):
    """A value and what is said with it; a plain value is a cell, too. `mark` follows the value.
    From `link` on it is for the site; `chips` are short words with their kind."""

    value: Any
    style: Style = ""
    mark: str = ""
    show: Show | None = None  # another way than the column's
    link: str = ""
    chips: Sequence[tuple[str, str]] = ()
    interval: Interval | None = None
    why: str = ""
    under: str = ""


Row = Mapping[str, Any]


class Table(NamedTuple):
    """Columns and rows; a cell that a row lacks is empty."""

    columns: Sequence[Column]
    rows: Sequence[Row]


class Image(NamedTuple):
    """A picture of a page, by its path from the page."""

    text: str
    path: str


# A page: prose (Markdown), tables and figures; what is empty is left out.
Page = Sequence[str | Table | Image]


class Footnotes(dict[str, int]):
    """Reasons and their numbers, in the order in which they are first given."""

    def mark(self, reason: str) -> str:
        """The mark of a reason; empty without one."""
        return f"[{self.setdefault(reason, len(self) + 1)}]" if reason else ""

    def lines(self) -> list[str]:
        """What the marks say."""
        return [f"[{number}] {reason}" for reason, number in self.items()]


def cell_of(column: Column, row: Row) -> Cell:
    """What a row has in a column."""
    found = row.get(column.key)
    return found if isinstance(found, Cell) else Cell(found)


def text_of(column: Column, cell: Cell) -> str:
    """A cell as plain text, the same in every format."""
    value = cell.value
    if value is None or value == "":
        text = EMPTY
    else:
        text = value if isinstance(value, str) else (cell.show or column.show)(value)
    return f"{text} {cell.mark}" if cell.mark else text


def spread(key: str) -> Column:
    """A column whose CSV has a value and the ends of its interval."""
    return Column(key, parts=(key, f"{key}_low", f"{key}_high"))


VALUE = Column("value", parts=("value", "low", "high", "n", "seeds"))


def plain(*keys: str) -> list[Column]:
    """Columns of a CSV."""
    return [Column(key) for key in keys]
