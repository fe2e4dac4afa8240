"""What a run can tell apart: qualification by the controls, and seeds and queries for a wanted
difference.

The variance of a difference has three parts (`intervals`), each of which falls with the seeds, the
queries, or both. Power is that of the interval itself: the chance that it does not hold zero, over
the estimate, which is normal, and the seeds' variance, which is a multiple of chi-squared.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtri, ndtr

from winnow.evaluation.intervals import (
    Repeats,
    Spread,
    difference,
    half_width,
    interval,
    p_value,
)

POWER = 0.8
SIGNIFICANT = 0.05
NODES = (np.arange(200) + 0.5) / 200  # quantiles of the seeds' variance
MOST = 10_000_000  # queries
STEPS = 60  # bisections


class Noise(NamedTuple):
    """Variance of a difference of two methods with one seed each, on one query: of the `seeds` and
    of the `queries`, and their `interaction`."""

    seeds: float
    queries: float
    interaction: float

    @classmethod
    def of(cls, spread: Spread, seeds: int, queries: int) -> "Noise":
        """From the spread of a difference that was measured with so many seeds and queries."""
        alone = max(spread.seeds - spread.interaction, 0.0) * seeds
        return cls(alone, spread.queries * queries, spread.interaction * seeds * queries)

    def spread(self, seeds: int, queries: float, df: float) -> Spread:
        """What to expect of so many seeds and queries."""
        interaction = self.interaction / (seeds * queries)
        return Spread(self.queries / queries, interaction, self.seeds / seeds + interaction, df)


class Alternative(NamedTuple):
    """A number of seeds for each method and the queries that they need; None where more queries
    do not help."""

    seeds: int
    queries: int | None


class Qualification(NamedTuple):
    """What the controls say of a metric: their values, the upper minus the lower (positive where
    they are in order) with its interval and p, and the smallest difference with 80 % power."""

    lower: float
    upper: float
    headroom: float
    low: float
    high: float
    p: float
    smallest: float
    replicated: bool

    def decides(self, claimed: float | None = None) -> bool:
        """Whether the controls are told apart, and as far as what is `claimed`, in the metric's
        unit without sign."""
        apart = self.p < SIGNIFICANT and self.headroom > 0
        return apart and (claimed is None or self.headroom >= claimed)


def qualify(lower: Repeats, upper: Repeats, higher_is_better: bool = True) -> Qualification:
    """What two controls say of a metric, such as `random` and `oracle`, or `none` and `human`."""
    found = difference(upper, lower) if higher_is_better else difference(lower, upper)
    return Qualification(
        float(lower.values.mean()),
        float(upper.values.mean()),
        found.estimate,
        *interval(found),
        p_value(found),
        smallest_difference(found.spread),
        found.replicated,
    )


def power(gap: Any, spread: Spread) -> Any:
    """The chance that the interval of a true difference `gap` does not hold zero."""
    if np.isfinite(spread.df):
        drawn = spread.seeds * chdtri(spread.df, 1 - NODES) / spread.df
    else:
        drawn = np.array([spread.seeds])
    half = half_width(SIGNIFICANT, spread._replace(seeds=drawn))
    error = np.sqrt(spread.queries + max(spread.seeds, spread.interaction))
    return (ndtr((gap - half) / error) + ndtr((-gap - half) / error)).mean()


def smallest_difference(spread: Spread, wanted: float = POWER) -> float:
    """The smallest difference that is told from zero with the `wanted` power."""
    error = float(np.sqrt(spread.queries + max(spread.seeds, spread.interaction)))
    if error == 0:
        return 0.0
    low, high = 0.0, error
    while power(high, spread) < wanted:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle, spread) < wanted else (low, middle)
    return high


def plan_power(
    noise: Noise, wanted: float, seeds: Iterable[int] = range(2, 11)
) -> list[Alternative]:
    """For each number of `seeds`, at least 2, the fewest queries with which a `wanted` difference,
    in the metric's unit, has 80 % power."""
    return [Alternative(count, _queries(noise, wanted, count)) for count in seeds]


def _queries(noise: Noise, wanted: float, seeds: int) -> int | None:
    df = 2.0 * (seeds - 1)  # of two methods

    def enough(queries: int) -> bool:
        return bool(power(wanted, noise.spread(seeds, queries, df)) >= POWER)

    low, high = 0, 2
    while not enough(high):
        low, high = high, 2 * high
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
