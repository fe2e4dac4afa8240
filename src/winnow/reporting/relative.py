"""How a metric of one method relates to that of another, from the same resamples for both."""

import numpy as np

from winnow.evaluation.statistics import RESAMPLES, Resampling, percentile_interval
from winnow.reporting.draws import kept
from winnow.reporting.methods import Method, Value
from winnow.reporting.results import Results


def change(results: Results, method: Method, base: Method, metric: str) -> tuple[Value | None, str]:
    """The relative change (a fraction) of `metric` from `base` to `method`, and why there is none.

    The interval is that of the ratios of paired resamples: of the prompts for means of outcomes,
    those that the cells keep for distances. Where these cannot be paired there is no interval.
    """
    for side in (method, base):
        if results.value(side, metric) is None:
            told = results.reason(side) or "this metric was not measured"
            return None, f"{side.scorer}: {told}"
    first, second = results.values[method][metric], results.values[base][metric]
    if second.value <= 0:
        return None, f"{base.scorer}: a change relative to {second.value:.3g} has no meaning"
    low = high = None
    draws = _draws(results, [method, base], metric)
    if draws is not None and (draws[:, 1] > 0).all():
        low, high = percentile_interval(draws[:, 0] / draws[:, 1] - 1).tolist()
    seeds = min(first.seeds, second.seeds)
    return Value(first.value / second.value - 1, low, high, first.n, seeds), ""


def told_apart(value: Value) -> bool:
    """Whether an interval of a difference or change does not hold 0."""
    return value.low is not None and value.high is not None and (value.low > 0 or value.high < 0)


def _draws(results: Results, methods: list[Method], metric: str) -> np.ndarray | None:
    """Resampled values [resamples, methods]; None where they were not resampled alike."""
    outcomes = results.outcomes.get(methods[0].track)
    if outcomes is None:
        return None
    rows = (outcomes.queries["metric"] == metric).to_numpy()
    if rows.any():
        if any(method not in outcomes.values for method in methods):
            return None
        columns = np.stack([outcomes.values[method][rows] for method in methods], axis=1)
        plan = Resampling(outcomes.queries[rows], None, RESAMPLES)
        return plan.draws(columns)[:, 0]
    found = [kept(results.sweep, method, metric) for method in methods]
    sizes = {len(part) for part in found}
    return np.stack(found, axis=1) if len(sizes) == 1 and 0 not in sizes else None
