"""The boards of the leaderboard: a table for each measure of each track, all of them side by side,
and the data of the ratio curves."""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from winnow.reporting.leaderboard import METRICS, leaderboard_table, track_leaderboard_rows
from winnow.reporting.leaderboard_page import difference
from winnow.reporting.results import CONTROLS, UNSELECTIVE, Results
from winnow.reporting.site.samples import main_first
from winnow.reporting.table import Cell, Column, Interval, Row, Table
from winnow.reporting.track_leaderboards import TrackLeaderboard
from winnow.reporting.values import GAINS, LEVELS, Value, kept
from winnow.tracks.registry import TRACKS
from winnow.tracks.track import Unit

Keys = tuple[str, str, float]
NAMES = (
    Column("rank", "Rank", "{:d}".format),
    Column("scorer", "Scorer"),
    Column("captions", "Captions"),
)
HEADLINES = {line.key: line for track in TRACKS for line in track.headlines}
NOT_APART = "≈ not significantly different"


class LeaderboardTable(NamedTuple):
    """A table of the leaderboard: an id, its name in words, what is wrong with it, and the control
    or caption set with which methods are compared; the page of its track, and a legend."""

    name: str
    label: str
    table: Table
    warnings: Sequence[str] = ()
    base: str = ""
    page: str = ""  # of the track
    legend: str = ""


class _Measure(NamedTuple):
    """The rows of one measure of one track, of every caption set."""

    board: TrackLeaderboard
    rows: list[Row]

    @property
    def label(self) -> str:
        """The measure in words."""
        line = self.board.headline
        better = "" if line.higher_is_better else ", lower is better"
        return f"{self.board.track.title}: {line.label}{better}"


def _measures(results: Results, boards: Sequence[TrackLeaderboard]) -> list[_Measure]:
    """Boards of caption sets that do not compete are shown as one."""
    found: dict[tuple[str, str], _Measure] = {}
    for board in boards:
        key = (board.track.name, board.headline.key)
        found.setdefault(key, _Measure(board, [])).rows.extend(
            track_leaderboard_rows(results, board)
        )
    return list(found.values())


def leaderboard_tables(
    results: Results, boards: Sequence[TrackLeaderboard], browsable: Container[Keys]
) -> list[LeaderboardTable]:
    """A table for each measure, then the overview. `browsable` are captions, scorer and ratio of
    the subsets that the browser of samples has."""
    found = [_shown(measure, browsable) for measure in _measures(results, boards)]
    return [*found, _overview(results, boards)] if found else []


def _shown(measure: _Measure, browsable: Container[Keys]) -> LeaderboardTable:
    track, line = measure.board.track, measure.board.headline
    base = track.base_captions or track.base
    compared = {
        row["captions"]: row["value"].estimate
        for row in measure.rows
        if row.get("value") and base in (row["scorer"], track.base_captions and row["captions"])
    }
    ends = [
        end
        for row in measure.rows
        if (v := row.get("value"))
        for end in (v.ends or (v.estimate,) * 2)
    ]
    span = (min(ends, default=0.0), max(ends, default=1.0))
    rows = [
        named(row)
        | {
            "kept": Cell(row.get("kept"), link=_samples(row, browsable)),
            "value": Cell(
                row.get("value"),
                interval=Interval(
                    row["value"], span, compared.get(track.base_captions or row["captions"])
                )
                if row.get("value")
                else None,
                why=row["note"],
            ),
            **{key: difference(row, key) for key in ("none", "best")},
        }
        for row in measure.rows
    ]
    columns = [
        *NAMES,
        Column("kept", "Keep", kept, hint="share of the pairs that is kept"),
        Column("value", "Value", LEVELS[line.unit], hint="with its 95 % interval"),
        Column(
            "group", "Group", hint="methods that share a number are not significantly different"
        ),
        Column("none", f"Minus {base}", GAINS[line.unit], hint=NOT_APART),
        Column("best", "Minus best", GAINS[line.unit], hint=NOT_APART),
        Column(
            "cost",
            "CPU s",
            LEVELS["number"],
            (),
            "of training and measuring, over all seeds",
            "cost",
        ),
    ]
    name = f"board-{track.name}-{line.key}".replace("/", "-")
    warnings = dict.fromkeys(row["warning"] for row in measure.rows if row.get("warning"))
    told = (f"track-{track.name}", track.legend)
    return LeaderboardTable(name, measure.label, Table(columns, rows), list(warnings), base, *told)


def named(row: Row) -> dict[str, Any]:
    """A row with what is said of it beside its scorer: that it is a control, and why it is struck
    out; and what filters ask for."""
    chips = [("control", "quiet")] if row["control"] else []
    leaks = row.get("leaks")
    chips += [(f"{leaks} leaking pairs", "bad")] if leaks is not None else []
    data = {name: row.get(name) for name in ("track", "captions", "scorer", "ratio")}
    return {
        **row,
        "scorer": Cell(row["scorer"], chips=chips, under=row["captions"]),
        "data": data | {"control": "yes" if row["control"] else "no"},
        "classes": "" if leaks is None else "struck",
    }


def _samples(row: Row, browsable: Container[Keys]) -> str:
    """Where the browser of samples shows what a row keeps; empty where it does not."""
    keys = {key: row.get(key) for key in ("captions", "scorer", "ratio")}
    return f"samples.html#{urlencode(keys)}" if tuple(keys.values()) in browsable else ""


def _overview(results: Results, boards: Sequence[TrackLeaderboard]) -> LeaderboardTable:
    columns = [*NAMES, Column("kept", "Keep", kept)]
    columns += [Column(m, HEADLINES[m].label, LEVELS[HEADLINES[m].unit]) for m in METRICS]
    rows = [named(row) for row in leaderboard_table(results, boards).rows]
    return LeaderboardTable("board-overview", "All measures side by side", Table(columns, rows))


def curves(results: Results, boards: Sequence[TrackLeaderboard]) -> list[dict[str, Any]]:
    """A chart for each measure and caption set in which something was measured at a keep ratio:
    `lines` of points [ratio, value, low, high, text], `levels` the same without the ratio. What is
    struck out is left out."""
    charts = []
    for measure in _measures(results, boards):
        sound = [row for row in measure.rows if row.get("value") and row.get("leaks") is None]
        for captions in main_first(row["captions"] for row in measure.rows):
            chart = _chart(measure, [row for row in sound if row["captions"] == captions])
            if chart["lines"]:
                charts.append({"captions": captions, **chart})
    return charts


def _chart(measure: _Measure, rows: Sequence[Row]) -> dict[str, Any]:
    line = measure.board.headline
    lines: dict[str, list[list[Any]]] = {}
    levels: dict[str, list[Any]] = {}
    for row in rows:
        spread = _spread(row["value"], line.unit)
        if row["scorer"] in UNSELECTIVE:
            levels[row["scorer"]] = spread
        elif row["kept"] < 1:
            lines.setdefault(row["scorer"], []).append([row["kept"], *spread])
    return {
        "label": measure.label,
        "axis": line.label,
        "unit": line.unit,
        "lines": [
            {"scorer": name, "control": name in CONTROLS, "points": sorted(points)}
            for name, points in lines.items()
        ],
        "levels": [{"scorer": n, "value": levels[n]} for n in UNSELECTIVE if n in levels],
    }


def _spread(value: Value, unit: Unit) -> list[Any]:
    return [value.estimate, *(value.ends or (value.estimate,) * 2), LEVELS[unit](value)]
