"""From cells to methods: seeds averaged, and intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.data.tables import DRAWS, OUTCOMES, read_arrow, read_table
from winnow.evaluation.settings import Statistics
from winnow.evaluation.statistics import (
    RESAMPLES,
    Resampling,
    average_seeds,
    headline_means,
    percentile_interval,
)
from winnow.reporting.cells import Sweep, cell_folder
from winnow.reporting.values import Value
from winnow.tracks.registry import BY_NAME, TRACKS

TOLERANCE = 1e-6  # between a metric and the mean of its outcomes
CHUNK = 32  # methods resampled at once


class Method(NamedTuple):
    """What the seeds of a cell repeat."""

    track: str
    captions: str
    scorer: str
    ratio: float


Values = dict[Method, dict[str, Value]]


def method_of(cell: Cell) -> Method:
    """The method that a cell belongs to."""
    return Method(cell.track, cell.captions, cell.scorer, cell.ratio)


def seeds_of(sweep: Sweep, track: str) -> dict[Method, list[Cell]]:
    """The usable cells of each method of a track."""
    methods: dict[Method, list[Cell]] = {}
    for cell in sweep.cells(track):
        methods.setdefault(method_of(cell), []).append(cell)
    return methods


class Outcomes(NamedTuple):
    """The queries of a track, and each method's values for them, averaged over its seeds."""

    queries: pd.DataFrame  # metric, query, group
    values: dict[Method, np.ndarray]  # [rows]


def load_outcomes(sweep: Sweep, track: str) -> Outcomes | None:
    """Read the outcomes of a track; None without any. A cell whose outcomes cannot be read, belong
    to other queries than those of most cells, or contradict its metrics is refused."""
    layouts: list[pa.Table] = []
    members: list[dict[Cell, np.ndarray]] = []
    for cell in list(sweep.cells(track)):
        path = cell_folder(sweep.folder, cell) / "outcomes.parquet"
        try:
            table = read_arrow(path, OUTCOMES)
        except WinnowError as error:
            sweep.refuse(cell, error)
            continue
        keys = table.select(["metric", "query", "group"])
        place = next((i for i, layout in enumerate(layouts) if layout.equals(keys)), len(layouts))
        if place == len(layouts):
            layouts.append(keys)
            members.append({})
        members[place][cell] = table["value"].to_numpy()
    if not layouts:
        return None
    main = max(range(len(layouts)), key=lambda i: len(members[i]))
    for cell in (cell for i, part in enumerate(members) if i != main for cell in part):
        path = cell_folder(sweep.folder, cell) / "outcomes.parquet"
        text = "holds other queries than the other cells of its track"
        sweep.refuse(cell, WinnowError(f"{path}: {text}"))
    queries = layouts[main].to_pandas()
    if queries.empty:
        return None
    _check_agreement(sweep, queries, _means(track, queries), members[main])
    repeats = seeds_of(sweep, track)
    values = {
        method: np.mean([members[main][cell] for cell in cells], axis=0)
        for method, cells in repeats.items()
    }
    return Outcomes(queries, values)


def outcomes_by_track(sweep: Sweep) -> dict[str, Outcomes]:
    """The outcomes of the tracks whose cells share their queries. Cells whose outcomes cannot be
    read or contradict their metrics are refused, of all tracks whose metrics are means of them."""
    found = {}
    for track in TRACKS:
        if track.outcomes == "shared" and (table := load_outcomes(sweep, track.name)) is not None:
            found[track.name] = table
        elif track.outcomes == "own":
            _check_own(sweep, track.name)
    return found


def _check_own(sweep: Sweep, track: str) -> None:
    for cell in list(sweep.cells(track)):
        try:
            table = read_arrow(cell_folder(sweep.folder, cell) / "outcomes.parquet", OUTCOMES)
        except WinnowError as error:
            sweep.refuse(cell, error)
            continue
        means = table.group_by("metric").aggregate([("value", "mean")])
        names, values = means["metric"].to_pylist(), means["value_mean"].to_pylist()
        _check_metrics(sweep, cell, dict(zip(names, values, strict=True)))


def _means(track: str, queries: pd.DataFrame) -> dict[str, list[str]]:
    """The means over sets that a track's cells report beside the metrics of their outcomes."""
    return headline_means(queries["metric"]) if BY_NAME[track].means else {}


def _check_agreement(
    sweep: Sweep,
    queries: pd.DataFrame,
    means: Mapping[str, Sequence[str]],
    members: dict[Cell, np.ndarray],
) -> None:
    plan = Resampling(queries, means)
    for cell, values in members.items():
        found = dict(zip(plan.names, plan.estimates(values[:, None])[:, 0], strict=True))
        _check_metrics(sweep, cell, found)


def _check_metrics(sweep: Sweep, cell: Cell, measured: Mapping[str, float]) -> None:
    """Refuse a cell whose metrics are not what its outcomes give."""
    for name, value in sweep.records[cell].metrics.items():
        if name in measured and not abs(measured[name] - value) <= TOLERANCE:
            path = cell_folder(sweep.folder, cell) / "metrics.json"
            text = f"{path}: {name}: {value}, but its outcomes give {measured[name]:.6g}"
            sweep.refuse(cell, WinnowError(text))
            return


def method_values(
    sweep: Sweep,
    outcomes: Mapping[str, Outcomes],
    extra: Mapping[str, Sequence[str]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Values:
    """Each method's metrics. With one seed they are the cell's; with several the mean, and an
    interval from the outcomes averaged over the seeds (none where a track has no outcomes). `extra`
    are further means of metrics, by name, resampled from the outcomes."""
    result: Values = {}
    for track in dict.fromkeys(cell.track for cell in sweep.expected):
        repeats = seeds_of(sweep, track)
        for method, cells in repeats.items():
            result[method] = _stored(sweep, cells)
        table = outcomes.get(track)
        if table is not None:
            means = {**_means(track, table.queries), **extra}
            for method, found in _resampled(table, means, result, resamples, seed).items():
                for name, (value, low, high) in found.items():
                    known = result[method].get(name)
                    n = known.n if known else None
                    result[method][name] = Value(value, low, high, n, len(repeats[method]))
    return result


def summarised(sweep: Sweep, resamples: int, seed: int) -> Values:
    """Mean and interval of every metric of methods with several seeds, of the tracks that say
    themselves how: outcomes are averaged over the seeds first. Methods whose seeds have different
    queries are left out."""
    found: Values = {}
    settings = Statistics(resamples=resamples, seed=seed)
    for track in TRACKS:
        for method, cells in seeds_of(sweep, track.name).items() if track.summary else ():
            if len(cells) < 2:
                continue
            folders = [cell_folder(sweep.folder, cell) for cell in cells]
            try:
                tables = [read_table(folder / "outcomes.parquet", OUTCOMES) for folder in folders]
                summary = resolve_name(track.summary)
                measured = summary(average_seeds(tables), settings)
            except WinnowError:
                continue
            found[method] = {
                name: Value(value, low, high, measured.n[name], len(cells))
                for name, value in measured.metrics.items()
                for low, high in [measured.intervals[name]]
            }
    return found


def _stored(sweep: Sweep, cells: list[Cell]) -> dict[str, Value]:
    records = [sweep.records[cell] for cell in cells]
    names = [n for n in records[0].metrics if all(n in record.metrics for record in records)]
    values = {}
    for name in names:
        low, high = (
            records[0].intervals.get(name, (None, None)) if len(cells) == 1 else (None, None)
        )
        mean = float(np.mean([record.metrics[name] for record in records]))
        values[name] = Value(mean, low, high, records[0].n.get(name), len(cells))
    return values


def _resampled(
    outcomes: Outcomes,
    means: Mapping[str, Sequence[str]],
    stored: Values,
    resamples: int,
    seed: int,
) -> dict[Method, dict[str, tuple[float, float, float]]]:
    """Value and interval of every metric and every possible one of `means` that a method has not
    `stored` itself; of several seeds, of all of them."""
    metrics = list(dict.fromkeys(outcomes.queries["metric"]))
    possible = {name: parts for name, parts in means.items() if set(metrics).issuperset(parts)}
    lacking: dict[tuple[str, ...], list[Method]] = {}
    for method in outcomes.values:
        known = {name for name, value in stored[method].items() if value.seeds == 1}
        names = tuple(name for name in [*metrics, *possible] if name not in known)
        lacking.setdefault(names, []).append(method)
    result = {}
    for names, methods in lacking.items():
        wanted = {name: list(possible.get(name, [name])) for name in names}
        parts = {part for names_of in wanted.values() for part in names_of}
        rows = outcomes.queries["metric"].isin(parts).to_numpy()
        if not rows.any():
            continue
        plan = Resampling(outcomes.queries[rows], wanted, resamples, seed)
        own = slice(-len(wanted), None)
        for start in range(0, len(methods), CHUNK):
            part = methods[start : start + CHUNK]
            columns = np.stack([outcomes.values[method][rows] for method in part], axis=1)
            estimate = plan.estimates(columns)[own]
            low, high = percentile_interval(plan.draws(columns)[:, own])
            for i, method in enumerate(part):
                found = np.stack([estimate[:, i], low[:, i], high[:, i]], axis=1).tolist()
                result[method] = {n: (v, a, b) for n, (v, a, b) in zip(names, found, strict=True)}
    return result


def method_resamples(sweep: Sweep, method: Method, metric: str) -> np.ndarray:
    """The resampled values [resamples] that a method's cells keep, averaged over its seeds; none
    where a seed's are lost or differ in number.

    Where the track says so the seeds are resampled as well, in the same way for all methods with as
    many.
    """
    return averaged_resamples(sweep, seeds_of(sweep, method.track).get(method, []), metric)


def averaged_resamples(sweep: Sweep, cells: Sequence[Cell], metric: str) -> np.ndarray:
    """`method_resamples` of the usable cells of one method."""
    found = [_draws(sweep, cell).get(metric, np.empty(0)) for cell in cells]
    if len({len(part) for part in found}) != 1:
        return np.empty(0)
    repeats = np.stack(found)
    if BY_NAME[cells[0].track].resamples_seeds:
        chosen_seeds = np.random.default_rng(0).integers(len(repeats), size=repeats.shape)
        repeats = np.take_along_axis(repeats, chosen_seeds, axis=0)
    return np.asarray(repeats.mean(axis=0))


def _draws(sweep: Sweep, cell: Cell) -> dict[str, np.ndarray]:
    """What a cell keeps, by metric; each file is read once. Without one there is no interval."""
    if cell not in sweep.draws:
        path = cell_folder(sweep.folder, cell) / "draws.parquet"
        sweep.draws[cell] = _by_metric(path) if path.exists() else {}
    return sweep.draws[cell]


def _by_metric(path: Path) -> dict[str, np.ndarray]:
    try:
        ordered = read_table(path, DRAWS).sort_values("draw", kind="stable")
    except WinnowError:
        return {}
    return {
        str(metric): rows["value"].to_numpy(dtype=float)
        for metric, rows in ordered.groupby("metric", sort=False)
    }


def with_intervals(sweep: Sweep, values: Values) -> None:
    """Give such metrics of methods with several seeds the intervals of their averaged resamples, in
    place."""
    for method, known in values.items():
        for name, value in known.items():
            if (
                value.seeds > 1
                and value.low is None
                and len(draws := method_resamples(sweep, method, name))
            ):
                low, high = percentile_interval(draws).tolist()
                known[name] = value._replace(low=low, high=high)
