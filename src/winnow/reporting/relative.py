"""How a metric of one method relates to that of another, from the same resamples for both."""

from collections.abc import Callable
from typing import Any

import numpy as np

from winnow.evaluation.statistics import RESAMPLES, Resampling, percentile_interval
from winnow.reporting.draws import kept
from winnow.reporting.methods import Method, Value
from winnow.reporting.results import Results

Found = tuple[Value | None, str]


def change(
    results: Results, method: Method, base: Method, metric: str, base_metric: str | None = None
) -> Found:
    """The relative change (a fraction) of `metric` from `base` to `method`, and why there is none.

    The interval is that of the ratios of paired resamples: of the prompts for means of outcomes,
    those that the cells keep for other metrics. Where these cannot be paired there is no interval.
    `base_metric` is what the metric is called in the cells of `base`, if they call it otherwise.
    """
    against = results.value(base, base_metric or metric)
    if results.value(method, metric) and against and against.value <= 0:
        return None, f"{base.scorer}: a change relative to {against.value:.3g} has no meaning"
    return _compared(results, method, base, (metric, base_metric or metric), _ratio)


def difference(
    results: Results, method: Method, base: Method, metric: str, base_metric: str | None = None
) -> Found:
    """How much `metric` of `method` exceeds that of `base`, in the metric's unit; as `change`."""
    return _compared(results, method, base, (metric, base_metric or metric), np.subtract)


def told_apart(value: Value) -> bool:
    """Whether an interval of a difference or change does not hold 0."""
    return value.low is not None and value.high is not None and (value.low > 0 or value.high < 0)


def _ratio(first: Any, second: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(second) > 0, np.divide(first, second) - 1, np.nan)


def _compared(
    results: Results,
    method: Method,
    base: Method,
    metrics: tuple[str, str],
    compare: Callable[[Any, Any], Any],
) -> Found:
    sides = list(zip((method, base), metrics, strict=True))
    for side, metric in sides:
        if results.value(side, metric) is None:
            told = results.reason(side) or "this metric was not measured"
            return None, f"{side.scorer}: {told}"
    first, second = (results.values[side][metric] for side, metric in sides)
    low = high = None
    draws = _draws(results, sides)
    if draws is not None:
        compared = compare(draws[:, 0], draws[:, 1])
        if np.isfinite(compared).all():
            low, high = percentile_interval(compared).tolist()
    estimate = float(compare(first.value, second.value))
    return Value(estimate, low, high, first.n, min(first.seeds, second.seeds)), ""


def _draws(results: Results, sides: list[tuple[Method, str]]) -> np.ndarray | None:
    """Resampled values [resamples, 2]; None where they were not resampled alike."""
    outcomes = results.outcomes.get(sides[0][0].track)
    metric = sides[0][1]
    if outcomes is not None and (outcomes.queries["metric"] == metric).any():
        rows = (outcomes.queries["metric"] == metric).to_numpy()
        if any(method not in outcomes.values for method, _ in sides):
            return None
        columns = np.stack([outcomes.values[method][rows] for method, _ in sides], axis=1)
        plan = Resampling(outcomes.queries[rows], None, RESAMPLES)
        return plan.draws(columns)[:, 0]
    found = [kept(results.sweep, method, metric) for method, metric in sides]
    sizes = {len(part) for part in found}
    return np.stack(found, axis=1) if len(sizes) == 1 and 0 not in sizes else None
