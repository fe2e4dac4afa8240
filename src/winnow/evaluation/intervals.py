"""Intervals over queries and training seeds, crossed: one formula for values and differences.

Every seed of a method answers the same queries, so a metric varies by query, by seed, and by both
together (the interaction: what a seed gets right by chance):

    Var(mean over S seeds) = seeds / S + queries + interaction / S

Resamples of the queries that all seeds share tell the last two parts apart, for any metric that can
be resampled: the resamples of a mean over seeds vary by `queries + interaction / S`, those of the
seeds around that mean by the interaction alone. The variance of the S values tells `seeds +
interaction`, with S - 1 degrees of freedom; those of several methods add up (Welch 1947).

The interval is that of Zou & Donner (Statist. Med. 27, 2008), who add squared distances of limits:
the percentile limits of the queries, and the limits of the seeds by Student's t. Where the seeds
vary no more than the interaction makes them, the percentile interval remains; without queries it is
the t-interval. The share KNOWN of the interaction counts as known beforehand in the seeds' part:
all of it makes intervals too short where the few seeds are alike by chance, none of it makes them
too long. `benchmarks/coverage.py` simulates what they cover.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from winnow.data.errors import WinnowError

LEVEL = 95.0  # per cent
KNOWN = 1 / 3
ROUNDING = 1e-12  # of values and draws in 0..1 or not far above
SMALLEST = 300.0  # decimal places at which a p counts as 0
STEPS = 40  # bisections of a p


class SeedVariance(NamedTuple):
    """Variance of a metric over training seeds, with its degrees of freedom, and how much of it is
    the interaction."""

    variance: float
    interaction: float
    df: float


UNTRAINED = SeedVariance(0.0, 0.0, np.inf)  # of what no seed changes, and one is enough


class Repeats(NamedTuple):
    """A metric of one method: `values` [S] of its seeds, and `draws` [B, S], which are the same in
    resamples of the queries. All methods and seeds that are compared share the resamples. A method
    of one seed borrows the seeds' variance from others (`pooled`), if it is `lent`."""

    values: np.ndarray
    draws: np.ndarray
    lent: SeedVariance | None = None


class Spread(NamedTuple):
    """Parts of the variance of an estimate, each a number or an array: `queries`, `interaction`,
    and `seeds`, which has `df` degrees of freedom and holds the interaction once more."""

    queries: Any
    interaction: Any
    seeds: Any
    df: Any

    @property
    def resampled(self) -> Any:
        """The variance of the resamples."""
        return self.queries + self.interaction


class Found(NamedTuple):
    """An estimate, its resamples [B], its spread. It is `replicated` where each method has several
    seeds or needs none; where not, the seeds' part is borrowed, or zero if nothing was lent."""

    estimate: float
    draws: np.ndarray
    spread: Spread
    replicated: bool


def pooled(methods: Sequence[Repeats]) -> SeedVariance | None:
    """The seed variance of several methods in one metric, weighted by degrees of freedom; None if
    none of them has two seeds."""
    repeated = [method for method in methods if len(method.values) > 1]
    if not repeated:
        return None
    df = np.array([len(method.values) - 1 for method in repeated])
    variances = [np.var(method.values, ddof=1) for method in repeated]
    shares = [_interaction(method.draws) for method in repeated]
    variance, interaction = (float(df @ np.array(part) / df.sum()) for part in (variances, shares))
    return SeedVariance(variance, min(interaction, variance), float(df.sum()))


def value(method: Repeats) -> Found:
    """A metric of one method, over its seeds."""
    return combined([[method]], lambda mean: mean)


def difference(a: Repeats, b: Repeats, paired: bool = False) -> Found:
    """How much `a` exceeds `b`. Their seeds are independent, or `paired`: the same seed makes the
    same random choices for both, so that their differences vary less."""
    if not paired:
        return combined([[a], [b]], np.subtract)
    if len(a.values) != len(b.values):
        raise WinnowError(
            f"seeds cannot be paired: {len(a.values)} of one method, {len(b.values)} of the other"
        )
    return combined([[a, b]], np.subtract)


def combined(methods: Sequence[Sequence[Repeats]], combine: Callable[..., Any]) -> Found:
    """What `combine` makes of the means over seeds of some metrics of some methods.

    `combine` takes one number, or array of numbers, for each metric of the first method, then of
    the second, and so on. Its slopes at the means carry over the variance of the seeds (delta
    method). WinnowError where fewer than two resamples give a number.
    """
    sides = [side for method in methods for side in method]
    means = np.array([side.values.mean() for side in sides])
    averaged = np.stack([side.draws.mean(axis=1) for side in sides])
    drawn = np.asarray(combine(*averaged), dtype=float)
    whole = np.isfinite(drawn)
    if whole.sum() < 2:
        raise WinnowError("the resamples have no value (evaluate on more queries)")
    slopes = iter(_slopes(combine, means, averaged[:, whole].std(axis=1)))
    parts = [_seeds(method, [next(slopes) for _ in method], whole) for method in methods]
    resampled = float(np.var(drawn[whole], ddof=1))
    spread = _spread(np.array(parts).T[:, :, None], np.array([resampled]))
    replicated = all(len(side.values) > 1 or side.lent == UNTRAINED for side in sides)
    return Found(
        float(combine(*means)),
        drawn[whole],
        Spread(*(float(part[0]) for part in spread)),
        replicated,
    )


def interval(found: Found, level: float = LEVEL) -> tuple[float, float]:
    """The interval of an estimate; `level` in per cent."""
    p = 1 - level / 100
    low, high = np.percentile(found.draws, [50 * p, 100 - 50 * p])
    below = float(_half(max(found.estimate - low, 0), p, found.spread))
    above = float(_half(max(high - found.estimate, 0), p, found.spread))
    return found.estimate - below, found.estimate + above


def p_value(found: Found) -> float:
    """The two-sided p that the estimate is zero, as if the resamples were normal."""
    return float(p_values(np.array(found.estimate), found.spread))


def p_values(estimates: np.ndarray, spread: Spread) -> np.ndarray:
    """The two-sided p of estimates, of any shape, that each is zero: 1 - level of the interval that
    ends there, were the resamples normal."""
    distance = np.abs(estimates)
    low, high = np.full(distance.shape, -SMALLEST), np.zeros(distance.shape)
    for _ in range(STEPS):
        middle = (low + high) / 2
        outside = half_width(10**middle, spread) < distance
        low, high = np.where(outside, low, middle), np.where(outside, middle, high)
    p = np.where(high <= 1 - SMALLEST, 0.0, 10**high)
    return np.where(distance > 0, p, 1.0)


def half_width(p: Any, spread: Spread) -> Any:
    """Half of the interval of level 1 - `p`, were the resamples normal."""
    return _half(-ndtri(p / 2) * np.sqrt(spread.resampled), p, spread)


def pairwise(methods: Sequence[Repeats]) -> tuple[np.ndarray, np.ndarray]:
    """How much each method exceeds each other, and the p of it, both [M, M]; seeds are independent.

    Resamples in which a method has no value (NaN) are left out of all; of fewer than two, and of
    equal methods, p is 1.
    """
    values = np.array([method.values.mean() for method in methods])
    gaps, p = values[:, None] - values, np.ones((len(methods), len(methods)))
    gaps[np.abs(gaps) <= ROUNDING * (1 + np.abs(values))] = 0
    draws = np.stack([method.draws.mean(axis=1) for method in methods], axis=1)
    whole = np.isfinite(draws).all(axis=1)
    if whole.sum() < 2:
        return gaps, p
    parts = np.array([_seeds([method], [1.0], whole) for method in methods]).T  # [4, M]
    shared = np.atleast_2d(np.cov(draws[whole], rowvar=False))
    pairs = np.triu_indices(len(methods), 1)
    total = np.diag(shared)[np.array(pairs)].sum(axis=0)
    resampled = total - 2 * shared[pairs]
    resampled[resampled <= ROUNDING * total] = 0
    p[pairs] = p_values(gaps[pairs], _spread(parts[:, np.array(pairs)], resampled))
    p.T[pairs] = p[pairs]
    return gaps, p


def _half(offset: Any, p: Any, spread: Spread) -> Any:
    """The distance of a limit from the estimate, of which `offset` is that of the resamples."""
    resampled = np.asarray(spread.resampled)
    share = spread.interaction / np.where(resampled > 0, resampled, 1)
    normal, student = np.square(ndtri(p / 2)), np.square(_student(p, spread.df))
    known = KNOWN * (student - normal) * spread.interaction
    seeds = np.maximum(student * spread.seeds - known, np.square(offset) * share)
    return np.sqrt(np.square(offset) * (1 - share) + seeds)


def _student(p: Any, df: Any) -> Any:
    """The quantile p / 2 of Student's t, which is normal where `df` is infinite."""
    finite = np.isfinite(df)
    return np.where(finite, stdtrit(np.where(finite, df, 1.0), p / 2), ndtri(p / 2))


def _interaction(draws: np.ndarray) -> float:
    """The variance of one seed's draws [B, S] around the mean over the seeds, in the long run."""
    around = draws - draws.mean(axis=1, keepdims=True)
    return float(np.nanvar(around, axis=0, ddof=1).sum() / (draws.shape[1] - 1))


def _seeds(
    sides: Sequence[Repeats], slopes: Sequence[float], whole: np.ndarray
) -> tuple[float, float, float, bool]:
    """Seed variance and interaction of a method's mean, degrees of freedom, and whether they are
    borrowed; `whole` [B] are the resamples that count. What is borrowed of several metrics adds up
    as if they moved together."""
    count = len(sides[0].values)
    if count > 1:
        values = sum(slope * side.values for slope, side in zip(slopes, sides, strict=True))
        draws = sum(slope * side.draws[whole] for slope, side in zip(slopes, sides, strict=True))
        return (
            float(np.var(values, ddof=1)) / count,
            _interaction(np.asarray(draws)) / count,
            count - 1.0,
            False,
        )
    pairs = zip(slopes, sides, strict=True)
    known = [(abs(slope), side.lent) for slope, side in pairs if side.lent is not None]
    if not known:
        return 0.0, 0.0, np.inf, True
    variance = sum(slope * part.variance**0.5 for slope, part in known) ** 2
    interaction = sum(slope * part.interaction**0.5 for slope, part in known) ** 2
    return variance, interaction, min(part.df for _, part in known), True


def _spread(parts: np.ndarray, resampled: np.ndarray) -> Spread:
    """The spread of sums over K methods, from the results of `_seeds` [4, K, ...] and the variances
    of their resamples [...]. Degrees of freedom by Welch; what is borrowed counts once."""
    seeds, interaction, df, lent = parts
    own, borrowed = np.where(lent, 0, seeds), np.where(lent, seeds, 0).sum(axis=0)
    total = own.sum(axis=0) + borrowed
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(lent, df, np.inf).min(axis=0)
        joint = total**2 / ((own**2 / df).sum(axis=0) + borrowed**2 / least)
    shared = np.minimum(interaction.sum(axis=0), resampled)
    return Spread(resampled - shared, shared, total, np.where(total > 0, joint, np.inf))


def _slopes(combine: Callable[..., Any], means: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The derivatives of `combine` at `means` [K], by central differences of a small part of
    `scale` [K], a standard deviation."""
    steps = np.maximum(scale / 100, 1e-6 * (1 + np.abs(means)))
    shifts = np.diag(steps)
    return np.array(
        [
            float(combine(*(means + shift)) - combine(*(means - shift))) / (2 * step)
            for shift, step in zip(shifts, steps, strict=True)
        ]
    )
