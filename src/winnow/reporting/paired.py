"""Differences and changes of metrics of methods, in the same resamples for all."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from winnow.evaluation.intervals import Found, combined
from winnow.reporting.method_results import Method
from winnow.reporting.repeats import Side, paired, with_interval
from winnow.reporting.results import Results
from winnow.reporting.values import Value


class Effect(NamedTuple):
    """What a comparison gives: a value, and the estimate with its spread that it is made of, which
    is None where nothing was resampled alike. Without a value there is a reason."""

    value: Value | None
    found: Found | None = None
    reason: str = ""


def change(
    results: Results, method: Method, base: Method, metric: str, base_metric: str | None = None
) -> Effect:
    """The relative change (a fraction) of `metric` from `base` to `method`.

    The interval is that of the ratios of paired resamples; where these cannot be paired there is no
    interval. `base_metric` is what the metric is called in the cells of `base`, if they call it
    otherwise.
    """
    against = results.value(base, base_metric or metric)
    if results.value(method, metric) and against and against.estimate <= 0:
        reason = f"{base.scorer}: a change relative to {against.estimate:.3g} has no meaning"
        return Effect(None, reason=reason)
    return _compared(results, [Side(method, metric), Side(base, base_metric or metric)], _ratio)


def difference(
    results: Results, method: Method, base: Method, metric: str, base_metric: str | None = None
) -> Effect:
    """How much `metric` of `method` exceeds that of `base`, in the metric's unit; as `change`."""
    sides = [Side(method, metric), Side(base, base_metric or metric)]
    return _compared(results, sides, np.subtract)


def beyond(
    results: Results, method: Method, base: Method, metrics: tuple[str, str], relative: bool
) -> Effect:
    """The difference, or the relative change, in the first of two metrics less that in the
    second."""
    sides = [Side(side, metric) for side in (method, base) for metric in metrics]
    one = _ratio if relative else np.subtract
    return _compared(results, sides, lambda a, c, b, d: one(a, b) - one(c, d))


def above(results: Results, method: Method, metric: str, number: float) -> Effect:
    """How much a metric lies above a number, in the metric's unit."""
    return _compared(results, [Side(method, metric)], lambda value: value - number)


def _ratio(first: Any, second: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(second) > 0, np.divide(first, second) - 1, np.nan)


def _compared(results: Results, sides: Sequence[Side], combine: Callable[..., Any]) -> Effect:
    """What `combine` makes of sides, which stand together by method."""
    for side in sides:
        if (told := results.reason(side.method)) is not None:
            return Effect(None, reason=f"{side.method.scorer}: {told}")
    known = paired(results, sides)
    meaningless = f"{sides[-1].method.scorer}: a change relative to zero has no meaning"
    if known is None:
        return _unpaired(results, sides, combine, meaningless)
    averaged = [repeats.draws.mean(axis=1) for repeats in known.sides]
    estimate = float(combine(*(repeats.values.mean() for repeats in known.sides)))
    if not np.isfinite(estimate):
        return Effect(None, reason=meaningless)
    if not np.isfinite(combine(*averaged)).all():
        seeds = min(len(repeats.values) for repeats in known.sides)
        return Effect(Value(estimate, None, None, known.n, seeds))
    together = zip(sides, known.sides, strict=True)
    grouped = [[repeats for _, repeats in g] for _, g in groupby(together, lambda p: p[0].method)]
    found = combined(grouped, combine)
    return Effect(with_interval(found, known.sides, known.n), found)


def _unpaired(
    results: Results, sides: Sequence[Side], combine: Callable[..., Any], meaningless: str
) -> Effect:
    """An estimate alone, of sides that were not resampled alike."""
    values = []
    for side in sides:
        if (value := results.value(*side)) is None:
            return Effect(None, reason=f"{side.method.scorer}: this metric was not measured")
        values.append(value)
    estimate = float(combine(*(value.estimate for value in values)))
    if not np.isfinite(estimate):
        return Effect(None, reason=meaningless)
    return Effect(Value(estimate, seeds=min(value.seeds for value in values)))
