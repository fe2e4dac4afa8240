"""The leaderboard: an overview of the tracks, and a table for each measure of each."""

from collections.abc import Container, Sequence
from urllib.parse import urlencode

from winnow.reporting.site.board import KEYS, Board, value_of
from winnow.reporting.site.markup import (
    Cell,
    Column,
    Row,
    chip,
    drawn_interval,
    select,
    table,
    text,
)
from winnow.reporting.site.rows import Spread, figure, kept, spread, with_interval
from winnow.reporting.text import EMPTY

Keys = tuple[str, str, str]
OVERVIEW = "board-overview"


def leaderboard(found: Sequence[Board], browsable: Container[Keys], overview: str) -> str:
    """The page's content: what to show, then a table for each board, and the markup of one more.

    `browsable` are captions, scorer and ratio of the subsets that the browser of samples has.
    """
    if not found:
        return '<p class="empty">No cell of this run is finished, so nothing is ranked yet.</p>'
    captions = dict.fromkeys(row["captions"] for board in found for row in board.rows)
    choices = "".join(
        f'<option value="{text(board.name)}">{text(board.label)}</option>' for board in found
    )
    if overview:
        choices += f'<option value="{OVERVIEW}">all measures side by side</option>'
    form = (
        '<form class="filters" data-tables="boards" autocomplete="off">'
        f'<label>Measure <select name="board" data-shows>{choices}</select></label>'
        f"{select('Captions', 'captions', captions)}"
        '<label>Find <input type="search" name="find" placeholder="scorer"></label>'
        '<label class="check"><input type="checkbox" name="control" value="no"> without controls'
        '</label><p role="status" class="status"></p></form>'
    )
    sections = "".join(_board(board, browsable) for board in found)
    return f'{form}<div id="boards">{sections}{overview}</div>'


def _board(board: Board, browsable: Container[Keys]) -> str:
    values = [value for row in board.rows if (value := value_of(row))]
    ends = _ends(values)
    columns = [
        Column("Rank", "number"),
        Column("Scorer"),
        Column("Captions"),
        Column("Keep", "number", "share of the pairs that is kept"),
        Column("Value", "number", "with its 95 % interval"),
        Column("Group", "text", "methods that share a number cannot be told apart"),
        Column(f"Minus {board.base}", "number", "≈ not told apart"),
        Column("Minus best", "number", "≈ not told apart"),
        Column("CPU s", "number", "of training and measuring, over all seeds", "cost"),
    ]
    body = [_row(board, row, ends, browsable) for row in board.rows]
    warnings = dict.fromkeys(row["warning"] for row in board.rows if row.get("warning"))
    told = "".join(f'<p class="warning" role="note">{text(line)}</p>' for line in warnings)
    return (
        f'<section class="board" data-board="{text(board.name)}"><h2>{text(board.label)}</h2>'
        f"{told}{table(board.name, board.label, columns, body, head=1)}{_legend(board)}</section>"
    )


def _legend(board: Board) -> str:
    apart = "" if board.base in ("none", "random") else " the set"
    return (
        '<p class="legend">Lines are 95 % intervals on one scale for the table; the dashed mark is'
        f"{apart} <em>{text(board.base)}</em>, with which methods are compared. ≈ cannot be told "
        "apart at 5 % after Holm's correction; nor can methods that share a group.</p>"
    )


def _row(
    board: Board, row: dict[str, str], ends: tuple[float, float], browsable: Container[Keys]
) -> Row:
    value, gain, gap = value_of(row), spread(row, "none"), spread(row, "best")
    drawing = drawn_interval(*value, ends, board.mark(row["captions"])) if value else ""
    if row["note"]:
        drawing += f' <span class="why">{text(row["note"])}</span>'
    cells = [
        Cell(row["rank"] or EMPTY, figure(row, "rank")),
        Cell(row["scorer"], None, marks(row), under=row["captions"]),
        Cell(row["captions"]),
        Cell(kept(row["kept"]), figure(row, "kept"), "", _samples(row, browsable)),
        Cell(with_interval(value, board.unit), value and value.value, drawing),
        Cell(row["group"] or EMPTY),
        Cell(_compared(gain, row, "none_p", board.unit), gain and gain.value),
        Cell(_compared(gap, row, "best_p", board.unit), gap and gap.value),
        Cell(EMPTY),
    ]
    data = {name: row[name] for name in ("captions", "scorer", "ratio", "control")}
    data["track"] = board.track
    return Row(cells, data, "struck" if figure(row, "leaks") else "")


def marks(row: dict[str, str]) -> str:
    """What is said of a row beside its scorer: that it is a control, and why it is struck out."""
    told = f" {chip('control', 'quiet')}" if row["control"] == "yes" else ""
    if leaks := figure(row, "leaks"):
        told += f' <a class="chip bad" href="leakage.html">{leaks:.0f} leaking pairs</a>'
    return told


def _compared(difference: Spread | None, row: dict[str, str], p: str, unit: str) -> str:
    adjusted = figure(row, p)
    mark = " ≈" if adjusted is not None and adjusted >= 0.05 else ""
    return with_interval(difference, unit, difference=True) + mark


def _samples(row: dict[str, str], browsable: Container[Keys]) -> str:
    """Where the browser of samples shows what a row keeps; empty where it does not."""
    keys = (row["captions"], row["scorer"], row["ratio"])
    return (
        f"samples.html#{urlencode(dict(zip(KEYS, keys, strict=True)))}" if keys in browsable else ""
    )


def _ends(values: Sequence[Spread]) -> tuple[float, float]:
    """The lowest and the highest end of the intervals that are drawn."""
    if not values:
        return (0.0, 1.0)
    return (min(value.low for value in values), max(value.high for value in values))
