"""The leaderboard for programs: a row a method, with what each track says of it; and the boards of
the tracks."""

from collections.abc import Sequence
from typing import NamedTuple

from winnow.reporting.method_results import Method
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.table import VALUE, Column, Row, Table, plain, spread
from winnow.reporting.track_leaderboards import LeaderboardRow, TrackLeaderboard, is_control
from winnow.reporting.values import Value
from winnow.tracks import registry
from winnow.tracks.registry import TRACKS
from winnow.tracks.track import Track

MAIN = registry.MAIN.name  # the track whose first headline metric ranks
# The metrics of leaderboard.csv, and the track of each.
METRICS = {metric.key: track for track in TRACKS for metric in track.headlines if metric.column}
NOT_IN_SWEEP = "not in this sweep"


class Entry(NamedTuple):
    """A method, or a control that was not planned and has no ratio.

    `row` is what the first headline metric of MAIN says of it, `values` hold those of METRICS that
    are known of it.
    """

    captions: str
    scorer: str
    ratio: float | None
    row: LeaderboardRow | None
    values: dict[str, Value]
    warning: str
    note: str


def entries(results: Results, tables: Sequence[TrackLeaderboard]) -> list[Entry]:
    """The methods of MAIN in the order of its first table, then those of other tracks alone, then
    the controls of MAIN that were not planned."""
    known = _known(tables)
    mains = [table for table in tables if table.track.name == MAIN]
    main = next(iter(mains), None)
    rows = {row.method: row for row in main.rows} if main else {}
    others = [m for track in TRACKS if track.by_ratio for m in results.expected(track.name)]
    methods = dict.fromkeys([*rows, *(method._replace(track=MAIN) for method in others)])
    found = [
        Entry(
            *method[1:],
            rows.get(method),
            {name: known[key] for name in METRICS if (key := _key(method, name)) in known},
            "; ".join(table.warnings[method] for table in mains if method in table.warnings),
            _note(results, method),
        )
        for method in methods
    ]
    absent = main.absent if main else []
    return found + [Entry(*names, None, None, {}, "", NOT_IN_SWEEP) for names in absent]


def _known(tables: Sequence[TrackLeaderboard]) -> dict[tuple[str, Method], Value]:
    return {
        (table.headline.key, row.method): row.value
        for table in tables
        for row in table.rows
        if row.value
    }


def _key(method: Method, metric: str) -> tuple[str, Method]:
    """A metric, and the cells in which it is known of a method."""
    return metric, elsewhere(method, METRICS[metric])


def elsewhere(method: Method, track: Track) -> Method:
    """The cells of a track that say something of a method: what its scorer finds does not depend on
    the ratio."""
    return method._replace(track=track.name, ratio=method.ratio if track.by_ratio else 1.0)


def _note(results: Results, method: Method) -> str:
    """The seeds that are missing of a method, and of what other tracks say of it."""
    told = {}
    for track in TRACKS:
        place, name = elsewhere(method, track), track.name
        if place in results.planned.get(name, {}) and (caveat := results.caveat(place)):
            told[name] = caveat if name == MAIN else f"{name}: {caveat}"
    return "; ".join(told.values())


def leaderboard_table(results: Results, tables: Sequence[TrackLeaderboard]) -> Table:
    """A row a method; no measured time, so that equal runs give equal bytes."""
    columns = plain("captions", "scorer", "ratio", "kept", "control")
    columns += [spread(name) for name in (*METRICS, "difference")]
    columns += [*plain("p", "p_holm", "distinguishable"), spread("best_difference")]
    columns += plain("best_p_holm", "group", "samples_seen", "seeds", "scale", "rank", "leaks")
    rows = [_row(results, entry) for entry in entries(results, tables)]
    return Table([*columns, *plain("warning", "note")], rows)


def _row(results: Results, entry: Entry) -> Row:
    own = entry.row or LeaderboardRow(
        Method(MAIN, entry.captions, entry.scorer, entry.ratio or 1.0), None
    )
    base, best = own.to_base, own.to_best
    return {
        **{"captions": entry.captions, "scorer": entry.scorer, "ratio": entry.ratio},
        "kept": None if entry.ratio is None else results.share_kept(own.method),
        "control": entry.scorer in CONTROLS,
        **entry.values,
        "difference": base and base.value,
        "p": base and base.difference.p,
        "p_holm": base and base.adjusted,
        "distinguishable": base and base.significant,
        "best_difference": best and best.value,
        "best_p_holm": best and best.adjusted,
        **{"group": own.group, "rank": own.rank, "leaks": own.leaks},
        "samples_seen": results.trained_with(own.method, "samples_seen"),
        "seeds": own.value.seeds if own.value else None,
        **{"scale": results.scale, "warning": entry.warning, "note": entry.note},
    }


TRACK_COLUMNS = (
    *plain("track", "metric", "higher_is_better", "unit"),
    *plain("captions", "scorer", "ratio", "kept", "control", "rank", "group"),
    VALUE,
    *(spread("none"), Column("none_p"), spread("best"), Column("best_p")),
    *plain("leaks", "warning", "note"),
)


def track_leaderboards_table(results: Results, tables: Sequence[TrackLeaderboard]) -> Table:
    """Every track: a row a headline metric and method."""
    return Table(
        TRACK_COLUMNS, [row for table in tables for row in track_leaderboard_rows(results, table)]
    )


def track_leaderboard_rows(results: Results, table: TrackLeaderboard) -> list[Row]:
    """The methods of a track in one metric, then the controls that were not planned."""
    line = table.headline
    first: dict[str, object] = {"track": table.track.name, "metric": line.key}
    first |= {"higher_is_better": line.higher_is_better, "unit": line.unit}
    rows: list[Row] = []
    for row in table.rows:
        base, best = row.to_base, row.to_best
        rows.append(
            {
                **first,
                **row.method._asdict(),
                "kept": results.share_kept(row.method),
                "control": is_control(table.track, row.method.scorer),
                **{"rank": row.rank, "group": row.group, "value": row.value, "leaks": row.leaks},
                **{"none": base and base.value, "none_p": base and base.adjusted},
                **{"best": best and best.value, "best_p": best and best.adjusted},
                "warning": table.warnings.get(row.method, ""),
                "note": results.caveat(row.method),
            }
        )
    for captions, scorer in table.absent:
        own = {"captions": captions, "scorer": scorer, "control": True, "note": NOT_IN_SWEEP}
        rows.append(first | own)
    return rows
