"""All headline measures of each method side by side, from `results/leaderboard.csv`."""

from winnow.reporting.site.board import KEYS, measure
from winnow.reporting.site.boards import OVERVIEW, marks
from winnow.reporting.site.markup import Cell, Column, Row, table
from winnow.reporting.site.rows import Rows, figure, kept, spread, with_interval
from winnow.reporting.text import EMPTY
from winnow.tracks.registry import TRACKS

COLUMNS = (*KEYS, "kept", "control", "rank")
COMPARED = ("difference", "best_difference")  # intervals of the boards, which no track is ranked by
UNITS = {line.key: line.unit for track in TRACKS for line in track.headlines}


def overview(rows: Rows) -> str:
    """A section with one table; every column that has an interval is a measure."""
    names = list(rows[0]) if rows else []
    measures = [n for n in names if f"{n}_low" in names and n not in COMPARED]
    columns = [Column("Rank", "number"), Column("Scorer"), Column("Captions")]
    columns += [Column("Keep", "number"), *(Column(measure(n), "number") for n in measures)]
    body = [_row(row, measures) for row in rows]
    title = "All measures side by side"
    drawn = table(OVERVIEW, title, columns, body, head=1)
    return f'<section class="board" data-board="{OVERVIEW}"><h2>{title}</h2>{drawn}</section>'


def _row(row: dict[str, str], measures: list[str]) -> Row:
    cells = [
        Cell(row["rank"] or EMPTY, figure(row, "rank")),
        Cell(row["scorer"], None, marks(row), under=row["captions"]),
        Cell(row["captions"]),
        Cell(kept(row["kept"]), figure(row, "kept")),
    ]
    for name in measures:
        found = spread(row, name)
        told = with_interval(found, UNITS.get(name, "percent"))
        cells.append(Cell(told, found and found.value))
    data = {name: row[name] for name in ("captions", "control")}
    return Row(cells, data, "struck" if figure(row, "leaks") else "")
