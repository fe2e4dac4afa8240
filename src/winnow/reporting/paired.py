"""Metrics of several methods in the same resamples, and their differences and changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from winnow.data.errors import WinnowError
from winnow.data.tables import OUTCOMES, read_arrow
from winnow.evaluation.statistics import (
    Resampling,
    average_seeds,
    headline_means,
    percentile_interval,
)
from winnow.reporting.cells import cell_folder
from winnow.reporting.method_results import Method, method_resamples, seeds_of
from winnow.reporting.results import Results
from winnow.reporting.values import Value
from winnow.tracks.registry import BY_NAME


class Side(NamedTuple):
    """A metric of a method; `a+b` is the mean of the metrics `a` and `b`."""

    method: Method
    metric: str


class Paired(NamedTuple):
    """Values [sides] and their resamples [resamples, sides], of `n` queries."""

    values: np.ndarray
    draws: np.ndarray
    n: int | None


def paired(results: Results, sides: Sequence[Side]) -> Paired | None:
    """The sides, all of one track, in the same resamples; None where they cannot be paired.

    Means of outcomes are resampled over the images: of the queries that all cells of the track
    share, or, where each has rows of its own, over the images that all sides have. Of other metrics
    the cells keep the resamples.
    """
    if (found := _of_shared(results, sides)) is not None:
        return found
    return _of_draws(results, sides) or _of_own(results, sides)


def _of_shared(results: Results, sides: Sequence[Side]) -> Paired | None:
    outcomes = results.outcomes.get(sides[0].method.track)
    if outcomes is None or any(side.method not in outcomes.values for side in sides):
        return None
    means = headline_means(outcomes.queries["metric"])
    values, n = np.empty(len(sides)), []
    draws = np.empty((results.resamples, len(sides)))
    for metric in dict.fromkeys(side.metric for side in sides):
        parts = _parts(metric, means)
        rows = outcomes.queries["metric"].isin(parts).to_numpy()
        queries = outcomes.queries[rows]
        if not set(parts).issubset(queries["metric"]):
            return None
        places = [i for i, side in enumerate(sides) if side.metric == metric]
        columns = np.stack([outcomes.values[sides[i].method][rows] for i in places], axis=1)
        plan = Resampling(queries, {"mean": parts}, results.resamples, results.seed)
        values[places] = plan.estimates(columns)[-1]
        draws[:, places] = plan.draws(columns)[:, -1]
        n.append(queries["query"].nunique())
    return Paired(values, draws, min(n))


def _parts(metric: str, means: Mapping[str, Sequence[str]]) -> list[str]:
    return list(means.get(metric) or metric.split("+"))


def _of_draws(results: Results, sides: Sequence[Side]) -> Paired | None:
    found = [method_resamples(results.sweep, *side) for side in sides]
    known = [results.value(*side) for side in sides]
    if len({len(part) for part in found}) > 1 or not len(found[0]) or None in known:
        return None
    values = [value for value in known if value is not None]
    counts = [value.n for value in values if value.n is not None]
    n = min(counts) if len(counts) == len(values) else None
    return Paired(np.array([value.estimate for value in values]), np.stack(found, axis=1), n)


def _of_own(results: Results, sides: Sequence[Side]) -> Paired | None:
    """Each side's queries of the images that all sides of its metric have, as `group_difference`
    has it."""
    try:
        tables = [_outcomes(results, side) for side in sides]
    except WinnowError:  # no outcomes, or seeds with different queries
        return None
    frames, means = [], {}
    for place, (side, table) in enumerate(zip(sides, tables, strict=True)):
        rows = table
        for other, theirs in zip(sides, tables, strict=True):
            if other.metric == side.metric and theirs is not table:
                rows = rows[rows["image"].isin(theirs["image"])]
        means[str(place)] = [f"{part}#{place}" for part in _own_parts(side)]
        frames.append(rows.assign(metric=rows["metric"] + f"#{place}"))  # of the same stratum
        if set(means[str(place)]) != set(frames[-1]["metric"]):
            return None
    both = pd.concat(frames, ignore_index=True)
    plan = Resampling(both, means, results.resamples, results.seed)
    values = both["value"].to_numpy(dtype=float)[:, None]
    own = slice(-len(sides), None)
    n = min(len(rows) for rows in frames)
    return Paired(plan.estimates(values)[own, 0], plan.draws(values)[:, own, 0], n)


def _own_parts(side: Side) -> list[str]:
    return _parts(side.metric, BY_NAME[side.method.track].means_of)


def _outcomes(results: Results, side: Side) -> pd.DataFrame:
    """The side's outcomes, averaged over the seeds; `image` is a metric's group."""
    cells = seeds_of(results.sweep, side.method.track).get(side.method, [])
    parts = pa.array(_own_parts(side))
    tables = []
    for cell in cells:
        path = cell_folder(results.sweep.folder, cell) / "outcomes.parquet"
        table = read_arrow(path, OUTCOMES)
        tables.append(table.filter(pc.is_in(table["metric"], parts)).to_pandas())
    if not tables:
        raise WinnowError(f"{side.method.scorer}: no cells")
    averaged = average_seeds(tables) if len(tables) > 1 else tables[0]
    image = averaged["metric"] + "/" + averaged["group"]
    return averaged.assign(image=image.astype(object))  # faster to look up


Found = tuple[Value | None, str]


def change(
    results: Results, method: Method, base: Method, metric: str, base_metric: str | None = None
) -> Found:
    """The relative change (a fraction) of `metric` from `base` to `method`, and why there is none.

    The interval is that of the ratios of paired resamples; where these cannot be paired there is no
    interval. `base_metric` is what the metric is called in the cells of `base`, if they call it
    otherwise.
    """
    against = results.value(base, base_metric or metric)
    if results.value(method, metric) and against and against.estimate <= 0:
        return None, f"{base.scorer}: a change relative to {against.estimate:.3g} has no meaning"
    return _compared(results, [Side(method, metric), Side(base, base_metric or metric)], _ratio)


def difference(
    results: Results, method: Method, base: Method, metric: str, base_metric: str | None = None
) -> Found:
    """How much `metric` of `method` exceeds that of `base`, in the metric's unit; as `change`."""
    sides = [Side(method, metric), Side(base, base_metric or metric)]
    return _compared(results, sides, np.subtract)


def beyond(
    results: Results, method: Method, base: Method, metrics: tuple[str, str], relative: bool
) -> Found:
    """The difference, or the relative change, in the first of two metrics less that in the
    second."""
    sides = [Side(side, metric) for metric in metrics for side in (method, base)]
    one = _ratio if relative else np.subtract
    return _compared(results, sides, lambda a, b, c, d: one(a, b) - one(c, d))


def above(results: Results, method: Method, metric: str, number: float) -> Found:
    """How much a metric lies above a number, in the metric's unit."""
    return _compared(results, [Side(method, metric)], lambda value: value - number)


def _ratio(first: Any, second: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(second) > 0, np.divide(first, second) - 1, np.nan)


def _compared(results: Results, sides: Sequence[Side], combine: Callable[..., Any]) -> Found:
    for side in sides:
        if (told := results.reason(side.method)) is not None:
            return None, f"{side.method.scorer}: {told}"
    seeds = min(len(seeds_of(results.sweep, method.track)[method]) for method, _ in sides)
    found = paired(results, sides)
    low = high = n = None
    if found is not None:
        drawn = combine(*found.draws.T)
        if np.isfinite(drawn).all():
            low, high = percentile_interval(drawn).tolist()
        estimate, n = float(combine(*found.values)), found.n
    else:
        values = [results.value(*side) for side in sides]
        for side, value in zip(sides, values, strict=True):
            if value is None:
                return None, f"{side.method.scorer}: this metric was not measured"
        estimate = float(combine(*(value.estimate for value in values if value is not None)))
    if not np.isfinite(estimate):
        return None, f"{sides[-1].method.scorer}: a change relative to zero has no meaning"
    return Value(estimate, low, high, n, seeds), ""
