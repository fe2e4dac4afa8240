"""The page of claims: what the papers say, and what the cells say to it."""

from collections import Counter

from winnow.reporting.claims_text import SHOWN
from winnow.reporting.site.markup import (
    Cell,
    Column,
    Row,
    chip,
    drawn_interval,
    select,
    table,
)
from winnow.reporting.site.rows import Rows, Spread, figure, spread
from winnow.reporting.text import EMPTY

COLUMNS = (
    *("claim", "paper", "statement", "published", "comparison", "a", "b", "unit"),
    *("measured", "low", "high", "n", "verdict", "reason"),
)
VERDICTS = {"held": "good", "not held": "bad", "inconclusive": "open", "not run": "quiet"}


def verdicts(rows: Rows) -> str:
    """How many claims have which verdict, as chips."""
    count = Counter(row["verdict"] for row in rows)
    return "".join(chip(f"{count[name]} {name}", VERDICTS[name]) for name in VERDICTS)


def claims(rows: Rows) -> str:
    """The page's content: how many claims have which verdict, a filter and the table."""
    known = [name for name in VERDICTS if any(row["verdict"] == name for row in rows)]
    papers = dict.fromkeys(row["paper"] for row in rows)
    form = (
        '<form class="filters" data-tables="claims" autocomplete="off">'
        f"{select('Verdict', 'verdict', known)}"
        f"{select('Paper', 'paper', papers)}"
        '<label>Find <input type="search" name="find" placeholder="words"></label>'
        '<p role="status" class="status"></p></form>'
    )
    columns = [
        Column("Claim"),
        Column("Statement"),
        Column("Verdict"),
        Column("Published"),
        Column("Measured effect", "number", "with its 95 % interval"),
        Column("Compared", name="note"),
        Column("n", "number", "queries behind it"),
        Column("Why", name="note"),
    ]
    body = [_row(row) for row in rows]
    drawn = table("claims", "Claims of the papers", columns, body)
    return f'<p class="facts">{verdicts(rows)}</p>{form}{drawn}'


def _row(row: dict[str, str]) -> Row:
    effect = spread(row, "measured", "low", "high")
    drawing = ""
    if effect and effect.known:
        ends = (min(effect.low, 0.0), max(effect.high, 0.0))
        drawing = drawn_interval(*effect, ends, 0.0)
    n = figure(row, "n")
    cells = [
        Cell(row["claim"]),
        Cell(row["statement"]),
        Cell("", None, chip(row["verdict"], VERDICTS.get(row["verdict"], ""))),
        Cell(row["published"] or EMPTY),
        Cell(_told(row, effect), effect and effect.value, drawing),
        Cell(_compared(row)),
        Cell(f"{n:,.0f}" if n is not None else EMPTY, n),
        Cell(row["reason"]),
    ]
    return Row(cells, {"verdict": row["verdict"], "paper": row["paper"]})


def _told(row: dict[str, str], effect: Spread | None) -> str:
    if effect is None:
        return EMPTY
    factor, unit = SHOWN.get(row["unit"], (1.0, ""))
    value, low, high = (f"{factor * part:+.{2 if factor > 1 else 3}f}" for part in effect)
    return f"{value}{unit}" + (f" ({low} to {high})" if effect.known else "")


def _compared(row: dict[str, str]) -> str:
    sides = " against ".join(row[side] for side in ("a", "b") if row[side])
    return ": ".join(filter(None, [row["comparison"], sides])) or EMPTY
