"""Which of several methods differ significantly, from resamples that all of them share.

p is that of a normal variable with the standard error of the paired bootstrap (Efron & Tibshirani
1993, chapter 13). The share of resamples on the other side of zero, which `statistics.differences`
takes, is never below 2 / (resamples + 1): Holm's correction over a thousand pairs needs less. The
standard error needs no more resamples than an interval does.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from winnow.evaluation.statistics import Difference, holm, percentile_interval
from winnow.reporting.values import LEVEL, Value

ROUNDING = 1e-12  # of values and draws in 0..1 or not far above


class Comparison(NamedTuple):
    """A method's difference to another, and its p after Holm's correction over the table."""

    difference: Difference
    adjusted: float

    @property
    def value(self) -> Value:
        """The difference with its interval."""
        return Value(*self.difference[:3])

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 5 % within its table."""
        return self.adjusted < LEVEL


def compare(
    values: np.ndarray, draws: np.ndarray, pairs: Sequence[tuple[int, int]]
) -> list[Comparison]:
    """How much method a exceeds method b for each pair (a, b) of places in `values` [M] and `draws`
    [resamples, M], corrected over the pairs."""
    if not pairs:
        return []
    first, second = (list(side) for side in zip(*pairs, strict=True))
    estimates = values[first] - values[second]
    low, high = percentile_interval(draws[:, first] - draws[:, second])
    p = p_values(values, draws)[first, second]
    rows = np.stack([estimates, low, high, p], axis=1).tolist()
    adjusted = holm(p.tolist())
    return [Comparison(Difference(*row), a) for row, a in zip(rows, adjusted, strict=True)]


def p_values(values: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Two-sided p [M, M] of the difference of every two methods, 1 on the diagonal.

    Resamples in which a method has no value (NaN) are left out of all; of fewer than two, and of
    equal methods, p is 1.
    """
    whole = draws[np.isfinite(draws).all(axis=1)]
    if len(whole) < 2:
        return np.ones((len(values), len(values)))
    spread = np.atleast_2d(np.cov(whole, rowvar=False))
    variances = np.diag(spread)
    total = variances[:, None] + variances
    squared = total - 2 * spread
    error = np.sqrt(np.where(squared > ROUNDING * total, squared, 0))
    gap = np.abs(values[:, None] - values)
    gap[gap <= ROUNDING * (1 + np.abs(values))] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(gap > 0, gap / error, 0)
    return np.asarray(_tails(scores / math.sqrt(2)))


_tails = np.vectorize(math.erfc, otypes=[float])


def indistinguishable(p: np.ndarray) -> np.ndarray:
    """Which methods do not differ significantly at 5 %, [M, M], from p [M, M] of every two; Holm's
    correction runs over the pairs."""
    rows, columns = np.triu_indices(len(p), 1)
    result = np.eye(len(p), dtype=bool)
    alike = np.array(holm(p[rows, columns].tolist())) >= LEVEL
    result[rows, columns] = result[columns, rows] = alike
    return result


def indistinguishable_groups(alike: np.ndarray) -> list[list[int]]:
    """The numbers, from 1 on, of the groups that each method belongs to, by its place.

    Two methods share a number exactly where `alike` [M, M] holds for them, as in a compact letter
    display (Piepho, J. Comput. Graph. Statist. 13, 2004). Methods are given from the best one on,
    and so are groups numbered.
    """
    found: list[list[int]] = []
    shared = np.eye(len(alike), dtype=bool)
    for first in range(len(alike)):
        for other in np.flatnonzero(alike[first] & ~shared[first]):
            if not shared[first, other]:
                found.append(_grown(alike, first, int(other)))
                shared[np.ix_(found[-1], found[-1])] = True
        if not any(first in group for group in found):
            found.append([first])
    found.sort()
    return [
        [i + 1 for i, group in enumerate(found) if place in group] for place in range(len(alike))
    ]


def _grown(alike: np.ndarray, first: int, other: int) -> list[int]:
    """Two methods and, from the best one on, all that are like each of those before them."""
    group = [first, other]
    possible = alike[first] & alike[other]
    possible[group] = False
    while possible.any():
        group.append(int(possible.argmax()))
        possible &= alike[group[-1]]
        possible[group[-1]] = False
    return sorted(group)


def joined_numbers(numbers: Sequence[int]) -> str:
    """Rising numbers as text, runs of them joined: `2`, `1-3`, `1, 3-4`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
