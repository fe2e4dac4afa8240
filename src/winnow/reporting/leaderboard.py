"""The leaderboard for programs: a row a method, with what each track says of it; and the boards of
the tracks."""

from collections.abc import Sequence
from typing import NamedTuple

from winnow.reporting.boards import Row, Table, is_control
from winnow.reporting.cells import PARAMETERS, mapping, trainings
from winnow.reporting.groups import Comparison
from winnow.reporting.methods import Method, Value
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.shares import share_kept
from winnow.reporting.text import csv_text
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
    row: Row | None
    values: dict[str, Value]
    warning: str
    note: str


def entries(results: Results, tables: Sequence[Table]) -> list[Entry]:
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


def _known(tables: Sequence[Table]) -> dict[tuple[str, Method], Value]:
    return {
        (table.headline.key, row.method): row.value
        for table in tables
        for row in table.rows
        if row.value
    }


def _key(method: Method, metric: str) -> tuple[str, Method]:
    """A metric, and the cells in which it is known of a method."""
    return metric, _elsewhere(method, METRICS[metric])


def _elsewhere(method: Method, track: Track) -> Method:
    """The cells of a track that say something of a method: what its scorer finds does not depend on
    the ratio."""
    return method._replace(track=track.name, ratio=method.ratio if track.by_ratio else 1.0)


def _note(results: Results, method: Method) -> str:
    """The seeds that are missing of a method, and of what other tracks say of it."""
    told = {}
    for track in TRACKS:
        place, name = _elsewhere(method, track), track.name
        if place in results.planned.get(name, {}) and (caveat := results.caveat(place)):
            told[name] = caveat if name == MAIN else f"{name}: {caveat}"
    return "; ".join(told.values())


def samples_seen(results: Results, method: Method) -> int | None:
    """Pairs seen in training, the cost that does not differ from run to run."""
    for cell in results.cells(method):
        if record := results.sweep.records.get(cell):
            told = (mapping(part.get(PARAMETERS)).get("samples_seen") for part in trainings(record))
            return next((samples for samples in told if isinstance(samples, int)), None)
    return None


def leaderboard_csv(results: Results, tables: Sequence[Table]) -> str:
    """A row a method; no measured time, so that equal runs give equal bytes."""
    header = [
        *("captions", "scorer", "ratio", "kept", "control"),
        *_spread([*METRICS]),
        *_spread(["difference"]),
        *("p", "p_holm", "distinguishable"),
        *_spread(["best_difference"]),
        *("best_p_holm", "group", "samples_seen", "seeds", "scale", "rank", "leaks"),
        *("warning", "note"),
    ]
    return csv_text(header, [_cells(results, entry) for entry in entries(results, tables)])


def _cells(results: Results, entry: Entry) -> list[object]:
    row = entry.row or Row(Method(MAIN, entry.captions, entry.scorer, entry.ratio or 1.0), None)
    base = row.to_base
    return [
        *(entry.captions, entry.scorer, entry.ratio),
        None if entry.ratio is None else share_kept(results, row.method),
        yes(entry.scorer in CONTROLS),
        *(part for name in METRICS for part in _parts(entry.values.get(name))),
        *_compared(base)[:3],
        *(base.difference.p if base else None, base.adjusted if base else None),
        yes(base.distinguishable) if base else None,
        *_compared(row.to_best),
        *(row.group, samples_seen(results, row.method)),
        *(row.value.seeds if row.value else None, results.scale),
        *(row.rank, row.leaks, entry.warning, entry.note),
    ]


def boards_csv(results: Results, tables: Sequence[Table]) -> str:
    """Every track: a row a headline metric and method."""
    header = [
        *("track", "metric", "higher_is_better", "unit"),
        *("captions", "scorer", "ratio", "kept", "control"),
        *("rank", "group", "value", "low", "high", "n", "seeds"),
        *(f"{side}{end}" for side in ("none", "best") for end in ("", "_low", "_high", "_p")),
        *("leaks", "warning", "note"),
    ]
    rows: list[list[object]] = []
    for table in tables:
        line = table.headline
        first = [table.track.name, line.key, yes(line.higher_is_better), line.unit]
        for row in table.rows:
            _, captions, scorer, ratio = row.method
            value, warning = row.value, table.warnings.get(row.method, "")
            rows.append(
                [
                    *(*first, captions, scorer, ratio, share_kept(results, row.method)),
                    yes(is_control(table.track, scorer)),
                    *(row.rank, row.group, *_parts(value)),
                    *((value.n, value.seeds) if value else (None, None)),
                    *(*_compared(row.to_base), *_compared(row.to_best)),
                    *(row.leaks, warning, results.caveat(row.method)),
                ]
            )
        empty = [None] * (len(header) - len(first) - 6)
        for captions, scorer in table.absent:
            rows.append([*first, captions, scorer, None, None, "yes", *empty, NOT_IN_SWEEP])
    return csv_text(header, rows)


def _spread(names: Sequence[str]) -> list[str]:
    return [f"{name}{end}" for name in names for end in ("", "_low", "_high")]


def _parts(value: Value | None) -> list[float | None]:
    return [value.value, value.low, value.high] if value else [None] * 3


def _compared(found: Comparison | None) -> list[float | None]:
    """Difference, its interval, and p after the correction."""
    return [*found.difference[:3], found.adjusted] if found else [None] * 4


def yes(value: bool) -> str:
    """A truth value in a CSV."""
    return "yes" if value else "no"
