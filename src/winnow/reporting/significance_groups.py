"""Which of several methods differ significantly, from resamples that all of them share.

What a board corrects for is a number of comparisons with controls that was declared beforehand, not
the number of its rows: a further row changes no other row's verdict (`decisions.corrected`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from winnow.reporting.values import INDISTINCT, LEVEL, ONE_SEED, Value


class Comparison(NamedTuple):
    """A method's difference to another with its interval, and the p of it as it is and corrected
    for the comparisons that were declared."""

    value: Value
    p: float
    adjusted: float

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 5 % after correction."""
        return self.adjusted < LEVEL

    @property
    def distinguishable(self) -> bool | str:
        """Whether it is significant; where it is not replicated, that is said in place of yes."""
        return (self.significant and self.value.replication) or self.significant

    @property
    def mark(self) -> str:
        """INDISTINCT, ONE_SEED, or nothing."""
        if not self.significant:
            return INDISTINCT
        return ONE_SEED if self.value.replication else ""


def indistinguishable(p: np.ndarray, declared: int) -> np.ndarray:
    """Which methods do not differ significantly at 5 %, [M, M], from p [M, M] of every two: each is
    a comparison beside so many `declared` ones."""
    return np.asarray((declared + 1) * p >= LEVEL)


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
