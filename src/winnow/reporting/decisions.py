"""What a difference says, with a margin and a family of comparisons that were declared beforehand.

A family is the names of its comparisons, not those that happen to be there: a further row neither
costs the others anything nor helps them.
"""

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from winnow.evaluation.intervals import Found, interval
from winnow.evaluation.statistics import holm
from winnow.reporting.papers import Direction, Size
from winnow.reporting.values import Value

# In the order of pages
Verdict = Literal["held", "not held", "no effect", "inconclusive", "no power", "not run"]
HELD: Verdict = "held"
NOT_HELD: Verdict = "not held"
NO_EFFECT: Verdict = "no effect"
INCONCLUSIVE: Verdict = "inconclusive"
NO_POWER: Verdict = "no power"
NOT_RUN: Verdict = "not run"
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SIGNIFICANT = 0.05


def equivalent(found: Found, margin: float) -> bool:
    """Whether an effect lies within `margin` on either side of zero: two one-sided tests at 5 %
    (Schuirmann, J. Pharmacokin. Biopharm. 15, 1987), so its 90 % interval does."""
    low, high = interval(found, 100 * (1 - 2 * SIGNIFICANT))
    return -margin < low and high < margin


def decide(
    found: Found | None, claimed: Direction, margin: float | None = None, p: float | None = None
) -> Verdict:
    """What an effect says of a claim, in a metric with power.

    An effect within the `margin` is none, even where it differs from zero. It holds where its 95 %
    interval lies in the claimed direction, or, if its `p` is given, which was corrected, where that
    is below 5 %. Without an interval nothing is decided.
    """
    if found is None:
        return INCONCLUSIVE
    if margin is not None and equivalent(found, margin):
        return NO_EFFECT
    low, high = interval(found)
    if low <= 0 <= high if p is None else p >= SIGNIFICANT:
        return INCONCLUSIVE
    return HELD if (found.estimate > 0) == (claimed == "up") else NOT_HELD


def of_size(effect: Value, direction: Direction, size: Size, scale: float = 1.0) -> Verdict:
    """Of a bound: held where the whole interval lies beyond it, not held where all falls short. Of
    a value: held where the interval holds it. `scale` is what the effect is in one unit of `size`.
    """
    interval = _oriented(effect, direction)
    if interval is None:
        return INCONCLUSIVE
    low, high = interval
    if size.at_least is not None:
        bound = size.at_least * scale
        return HELD if low > bound else NOT_HELD if high < bound else INCONCLUSIVE
    value = (size.value or 0.0) * scale
    return HELD if low <= value <= high else NOT_HELD


def _oriented(effect: Value, direction: Direction) -> tuple[float, float] | None:
    """The interval, positive in the claimed direction; None without one."""
    if effect.ends is None or direction == "up":
        return effect.ends
    low, high = effect.ends
    return -high, -low


def together(verdicts: Collection[Verdict]) -> Verdict:
    """Of a claim that holds if all parts do: as bad as the worst that is decided, held if all are,
    and else inconclusive. Parts that were not run, or have no power, decide nothing."""
    for worst in (NOT_HELD, NO_EFFECT):
        if worst in verdicts:
            return worst
    known = set(verdicts)
    if known <= {NOT_RUN}:
        return NOT_RUN
    if known <= {NOT_RUN, NO_POWER}:
        return NO_POWER
    return HELD if known == {HELD} else INCONCLUSIVE


def corrected(p: Mapping[str, float], family: Collection[str]) -> dict[str, float]:
    """The p-values of comparisons by name, adjusted for a declared family of M.

    Holm's correction runs over the family, in which those without a p count as 1. One that was not
    declared is a family of its own beside it, and its p is multiplied by M + 1: it depends on no
    other row, and no other row on it.
    """
    declared = list(dict.fromkeys(family))
    adjusted = dict(zip(declared, holm([p.get(name, 1.0) for name in declared]), strict=True))
    outside = {name: min(1.0, (len(declared) + 1) * p[name]) for name in p}
    return {name: adjusted.get(name, outside[name]) for name in p}
