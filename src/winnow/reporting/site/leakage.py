"""The page of the leakage audit, from `results/leakage.csv`: a row a method."""

from winnow.reporting.site.markup import Cell, Column, Row, select, table
from winnow.reporting.site.rows import Rows, figure
from winnow.reporting.text import EMPTY

COLUMNS = ("track", "captions", "scorer", "struck")


def leakage(rows: Rows) -> str:
    """The page's content: a filter, and the columns of the table as they are."""
    form = (
        '<form class="filters" data-tables="leakage" autocomplete="off">'
        f"{select('Struck out', 'struck', ['yes', 'no'])}"
        '<label>Find <input type="search" name="find" placeholder="scorer, evaluation set"></label>'
        '<p role="status" class="status"></p></form>'
    )
    names = list(rows[0])
    heads = [Column(n.capitalize(), "number" if _numeric(rows, n) else "text") for n in names]
    body = [_row(row) for row in rows]
    place = names.index("scorer")
    return form + table("leakage", "What each method was trained on", heads, body, head=place)


def _numeric(rows: Rows, name: str) -> bool:
    return all(figure(row, name) is not None or not row[name] for row in rows)


def _row(row: dict[str, str]) -> Row:
    cells = [Cell(value or EMPTY, figure(row, name)) for name, value in row.items()]
    return Row(cells, {"struck": row["struck"]}, "struck" if row["struck"] == "yes" else "")
