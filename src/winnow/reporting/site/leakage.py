"""The page of the leakage audit, from `results/leakage.csv`: a row a method."""

from winnow.reporting.site.markup import Cell, Column, Row, chip, select, table
from winnow.reporting.site.rows import Rows, figure, kept
from winnow.reporting.text import EMPTY

COLUMNS = ("track", "captions", "scorer", "struck")
LABELS = {
    "ratio": "Keep",
    "images": "Images learned from",
    "pairs": "Leaking pairs",
    "struck": "Struck out",
    "sets": "Evaluation sets",
    "named": "The first pairs",
    "reason": "Why not audited",
}
WORDS = ("named", "reason")  # columns that need room


def leakage(rows: Rows) -> str:
    """The page's content: a filter, and those columns of the table in which something stands."""
    form = (
        '<form class="filters" data-tables="leakage" autocomplete="off">'
        f"{select('Struck out', 'struck', ['yes', 'no'])}"
        '<label>Find <input type="search" name="find" placeholder="scorer, evaluation set"></label>'
        '<p role="status" class="status"></p></form>'
    )
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    heads = [_head(rows, name) for name in names]
    body = [_row(row, names) for row in rows]
    place = names.index("scorer")
    return form + table("leakage", "What each method was trained on", heads, body, head=place)


def _head(rows: Rows, name: str) -> Column:
    numeric = all(figure(row, name) is not None or not row[name] for row in rows)
    label = LABELS.get(name, name.capitalize())
    return Column(label, "number" if numeric else "text", name="note" if name in WORDS else "")


def _row(row: dict[str, str], names: list[str]) -> Row:
    struck = row["struck"] == "yes"
    cells = []
    for name in names:
        value = kept(row[name]) if name == "ratio" else row[name] or EMPTY
        if name == "struck" and struck:
            cells.append(Cell("", None, chip("struck out", "bad")))
        else:
            cells.append(Cell(value, figure(row, name)))
    return Row(cells, {"struck": row["struck"]}, "struck" if struck else "")
