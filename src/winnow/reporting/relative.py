"""How a metric of one method relates to that of another, from the same resamples for both."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from winnow.evaluation.statistics import percentile_interval
from winnow.reporting.methods import Method, seeds_of
from winnow.reporting.paired import Side, paired
from winnow.reporting.results import Results
from winnow.reporting.values import Value

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
