"""Metrics with an axis of seeds: values and resamples of methods, and what one seed borrows.

A method of one seed borrows the seeds' variance of its track's controls: of those of the same keep
ratio, where any has several seeds, or else of all. What seeds do not change needs none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.data.tables import DRAWS, OUTCOMES, read_arrow, read_table
from winnow.evaluation.intervals import (
    UNTRAINED,
    Found,
    Repeats,
    interval,
    pooled,
    value,
)
from winnow.evaluation.statistics import Resampling, headline_means, joined_seeds
from winnow.params.names import CONTROLS, LENDING
from winnow.reporting.cells import Sweep, cell_folder
from winnow.reporting.method_results import Method, Outcomes, is_trained, means_of
from winnow.reporting.values import IMAGES_ALONE, NOT_REPLICATED, Value
from winnow.tracks.registry import BY_NAME

if TYPE_CHECKING:
    from winnow.reporting.results import Results

COLUMNS = 32  # resampled at once


class Side(NamedTuple):
    """A metric of a method; `a+b` is the mean of the metrics `a` and `b`."""

    method: Method
    metric: str


class Paired(NamedTuple):
    """Sides in the same resamples of `n` queries."""

    sides: list[Repeats]
    n: int | None


def paired(results: "Results", sides: Sequence[Side]) -> Paired | None:
    """The sides, all of one track, in the same resamples; None where they cannot be paired. Those
    of one seed are lent the seeds' variance, if anything can be borrowed.

    Means of outcomes are resampled over the images: of the queries that all cells of the track
    share, or, where each has rows of its own, over the images that all sides have. Of other metrics
    the cells keep the resamples.
    """
    found = _resampled(results, sides)
    if found is None:
        return None
    repeats = [_side_lent(results, *pair) for pair in zip(sides, found.sides, strict=True)]
    return found._replace(sides=repeats)


def of_outcomes(
    results: "Results", method: Method, measure: Callable[[np.ndarray], Repeats]
) -> Repeats:
    """What `measure` makes of a method's values [rows, S] of the outcomes that all cells of its
    track share, with what it is lent if it has one seed."""
    values = results.outcomes[method.track].values
    return _lent(
        results,
        method,
        measure(values[method]),
        lambda: {m: measure(values[m]) for m in _lending(results, method.track)},
    )


def replication(sides: Sequence[Repeats]) -> str:
    """What is to be said of the seeds of a value that is made of some sides: nothing if all have
    several or need none, else NOT_REPLICATED, or IMAGES_ALONE if something could not be borrowed.
    """
    alone = [side for side in sides if len(side.values) == 1 and side.lent != UNTRAINED]
    if any(side.lent is None for side in alone):
        return IMAGES_ALONE
    return NOT_REPLICATED if alone else ""


def with_interval(found: Found, sides: Sequence[Repeats], n: int | None) -> Value:
    """What was found of some sides, with its interval."""
    seeds = min(len(side.values) for side in sides)
    return Value(found.estimate, *interval(found), n, seeds, replication(sides))


def cover_seeds(results: "Results", extra: Mapping[str, Sequence[str]]) -> None:
    """Give the values of methods intervals that cover the seeds, in place, where these have several
    or are lent their variance. `extra` are further means of metrics, by name, that outcomes which
    all cells share are to give."""
    for track, outcomes in results.outcomes.items():
        means = {**means_of(track, outcomes.queries), **extra}
        metrics = list(dict.fromkeys(outcomes.queries["metric"]))
        wanted = {name: [name] for name in metrics}
        wanted |= {n: list(parts) for n, parts in means.items() if set(parts).issubset(metrics)}
        _cover_shared(results, track, outcomes, wanted)
    for method, known in results.values.items():
        for name, told in known.items():
            if told.low is None or told.replication == IMAGES_ALONE:
                side = Side(method, name)
                if told.seeds == 1 and not _lenders(results, *side):
                    continue
                if (found := paired(results, [side])) is not None:
                    known[name] = with_interval(value(found.sides[0]), found.sides, told.n)


def _cover_shared(
    results: "Results", track: str, outcomes: Outcomes, wanted: Mapping[str, list[str]]
) -> None:
    """Values and intervals of the means of outcomes; what needs no seeds keeps those of its cell.
    The lenders come first."""
    lenders = _lending(results, track)
    lacking: dict[tuple[str, ...], list[Method]] = {}
    for method in sorted(outcomes.values, key=lambda method: method not in lenders):
        several = outcomes.values[method].shape[1] > 1
        covered = several or (lenders and is_trained(results.sweep, results.usable(method)))
        known = {} if covered else results.values[method]
        names = tuple(name for name in wanted if name not in known)
        lacking.setdefault(names, []).append(method)
    for names, methods in lacking.items():
        asked = {name: wanted[name] for name in names}
        for method, name, repeats in _of_outcomes(results, outcomes, asked, methods):
            side = Side(method, name)
            if method in lenders:
                results.lenders.setdefault((track, name), {})[method] = repeats
            told = results.values[method].get(name)
            repeats = _side_lent(results, side, repeats)
            n = told.n if told else None
            results.values[method][name] = with_interval(value(repeats), [repeats], n)


def _of_outcomes(
    results: "Results",
    outcomes: Outcomes,
    wanted: Mapping[str, list[str]],
    methods: Sequence[Method],
) -> Iterator[tuple[Method, str, Repeats]]:
    """The means of metrics that are `wanted`, by name, of each method."""
    rows = outcomes.queries["metric"].isin({p for parts in wanted.values() for p in parts})
    if not rows.any():
        return
    plan = Resampling(outcomes.queries[rows], wanted, results.resamples, results.seed)
    own = slice(-len(wanted), None)
    most = max(outcomes.values[method].shape[1] for method in methods)
    size = max(1, COLUMNS // most)
    for start in range(0, len(methods), size):
        part = methods[start : start + size]
        columns = [outcomes.values[method][rows.to_numpy()] for method in part]
        joined = np.concatenate(columns, axis=1)
        estimates, draws = plan.estimates(joined)[own], plan.draws(joined)[:, own]
        ends = np.cumsum([column.shape[1] for column in columns])
        for method, end, column in zip(part, ends, columns, strict=True):
            seeds = slice(end - column.shape[1], end)
            for place, name in enumerate(wanted):
                yield method, name, Repeats(estimates[place, seeds], draws[:, place, seeds])


def _side_lent(results: "Results", side: Side, repeats: Repeats) -> Repeats:
    return _lent(results, side.method, repeats, lambda: _lenders(results, *side))


def _lent(
    results: "Results",
    method: Method,
    repeats: Repeats,
    lenders: Callable[[], Mapping[Method, Repeats]],
) -> Repeats:
    """What a method has, with what it is lent if it has one seed."""
    if len(repeats.values) > 1:
        return repeats
    if not is_trained(results.sweep, results.usable(method)):
        return repeats._replace(lent=UNTRAINED)
    known = lenders()
    same = [found for lender, found in known.items() if lender.ratio == method.ratio]
    return repeats._replace(lent=pooled(same or list(known.values())))


def _lending(results: "Results", track: str) -> list[Method]:
    """The controls of a track that have several seeds."""
    return [
        method
        for method in results.expected(track)
        if method.scorer in CONTROLS and method.captions in LENDING
        if len(cells := results.usable(method)) > 1 and is_trained(results.sweep, cells)
    ]


def _lenders(results: "Results", method: Method, metric: str) -> dict[Method, Repeats]:
    """What the controls of a method's track have in a metric; each is found once."""
    key = (method.track, metric)
    if key not in results.lenders:
        found = {m: _resampled(results, [Side(m, metric)]) for m in _lending(results, key[0])}
        results.lenders[key] = {m: pair.sides[0] for m, pair in found.items() if pair}
    return results.lenders[key]


def _resampled(results: "Results", sides: Sequence[Side]) -> Paired | None:
    if (found := _of_shared(results, sides)) is not None:
        return found
    return _of_draws(results, sides) or _of_own(results, sides)


def _of_shared(results: "Results", sides: Sequence[Side]) -> Paired | None:
    outcomes = results.outcomes.get(sides[0].method.track)
    if outcomes is None or any(side.method not in outcomes.values for side in sides):
        return None
    means = headline_means(outcomes.queries["metric"])
    found: dict[Side, Repeats] = {}
    counts = []
    for metric in dict.fromkeys(side.metric for side in sides):
        parts = _parts(metric, means)
        queries = outcomes.queries[outcomes.queries["metric"].isin(parts)]
        if not set(parts).issubset(queries["metric"]):
            return None
        methods = list(dict.fromkeys(side.method for side in sides if side.metric == metric))
        for method, _, repeats in _of_outcomes(results, outcomes, {metric: parts}, methods):
            found[Side(method, metric)] = repeats
        counts.append(queries["query"].nunique())
    return Paired([found[side] for side in sides], min(counts))


def _parts(metric: str, means: Mapping[str, Sequence[str]]) -> list[str]:
    return list(means.get(metric) or metric.split("+"))


def _of_draws(results: "Results", sides: Sequence[Side]) -> Paired | None:
    found = [kept_draws(results.sweep, results.usable(s.method), s.metric) for s in sides]
    repeats = [side for side in found if side is not None]
    if len(repeats) < len(sides) or len({len(side.draws) for side in repeats}) > 1:
        return None
    counts = [told.n for side in sides if (told := results.value(*side)) and told.n is not None]
    return Paired(repeats, min(counts) if len(counts) == len(sides) else None)


def kept_draws(sweep: Sweep, cells: Sequence[Cell], metric: str) -> Repeats | None:
    """The values and resamples of a metric that the cells of a method have; None where none has it,
    or a seed's resamples are lost or differ in number."""
    own = [cell for cell in cells if metric in sweep.records[cell].metrics]
    found = [_draws(sweep, cell).get(metric, np.empty(0)) for cell in own]
    if len({len(part) for part in found}) != 1 or not len(found[0]):
        return None
    values = np.array([sweep.records[cell].metrics[metric] for cell in own])
    return Repeats(values, np.stack(found, axis=1))


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


def _of_own(results: "Results", sides: Sequence[Side]) -> Paired | None:
    """Each side's queries of the images that all sides of its metric have, as `group_difference`
    has it."""
    if BY_NAME[sides[0].method.track].outcomes != "own":
        return None
    try:
        tables = [_outcomes(results, side) for side in sides]
    except WinnowError:  # no outcomes, or seeds with different queries
        return None
    frames, columns, means = [], [], {}
    most = max(values.shape[1] for _, values in tables)
    for place, (side, (table, values)) in enumerate(zip(sides, tables, strict=True)):
        rows = np.ones(len(table), dtype=bool)
        for other, (theirs, _) in zip(sides, tables, strict=True):
            if other.metric == side.metric and theirs is not table:
                rows &= table["image"].isin(theirs["image"]).to_numpy()
        means[str(place)] = [f"{part}#{place}" for part in _own_parts(side)]
        frames.append(table[rows].assign(metric=table["metric"][rows] + f"#{place}"))
        columns.append(np.pad(values[rows], ((0, 0), (0, most - values.shape[1]))))
        if set(means[str(place)]) != set(frames[-1]["metric"]):
            return None
    both = pd.concat(frames, ignore_index=True)  # of the same stratum
    plan = Resampling(both, means, results.resamples, results.seed)
    joined, own = np.concatenate(columns), slice(-len(sides), None)
    estimates, draws = plan.estimates(joined)[own], plan.draws(joined)[:, own]
    counts = [values.shape[1] for _, values in tables]
    repeats = [Repeats(estimates[i, :s], draws[:, i, :s]) for i, s in enumerate(counts)]
    return Paired(repeats, min(len(rows) for rows in frames))


def _own_parts(side: Side) -> list[str]:
    return _parts(side.metric, BY_NAME[side.method.track].means_of)


def _outcomes(results: "Results", side: Side) -> tuple[pd.DataFrame, np.ndarray]:
    """The side's outcomes and their values [rows, S]; `image` is a metric's group."""
    parts = pa.array(_own_parts(side))
    tables = []
    for cell in results.usable(side.method):
        path = cell_folder(results.sweep.folder, cell) / "outcomes.parquet"
        table = read_arrow(path, OUTCOMES)
        tables.append(table.filter(pc.is_in(table["metric"], parts)).to_pandas())
    if not tables:
        raise WinnowError(f"{side.method.scorer}: no cells")
    rows, values = joined_seeds(tables)
    image = rows["metric"] + "/" + rows["group"]
    return rows.assign(image=image.astype(object)), values  # faster to look up
