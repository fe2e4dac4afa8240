"""What a difference says, with a margin and a family of comparisons that were declared beforehand.

A family is the names of its comparisons, not those that happen to be there: a further row neither
costs the others anything nor helps them.
"""

from collections.abc import Collection, Mapping
from typing import Literal

from winnow.evaluation.intervals import Found, interval
from winnow.evaluation.statistics import holm
from winnow.reporting.papers import Direction

Decision = Literal[
    "held", "not held", "no effect", "inconclusive", "not replicated", "no power", "not run"
]
SIGNIFICANT = 0.05


def equivalent(found: Found, margin: float) -> bool:
    """Whether an effect lies within `margin` on either side of zero: two one-sided tests at 5 %
    (Schuirmann, J. Pharmacokin. Biopharm. 15, 1987), so its 90 % interval does."""
    low, high = interval(found, 100 * (1 - 2 * SIGNIFICANT))
    return -margin < low and high < margin


def decide(
    found: Found | None,
    claimed: Direction,
    powered: bool,
    margin: float | None = None,
    p: float | None = None,
) -> Decision:
    """What an effect says of a claim.

    Without power nothing else counts. An effect within the `margin` is none, even where it differs
    from zero. It holds where its 95 % interval lies in the claimed direction, or, if its `p` is
    given, which was corrected, where that is below 5 %. With one seed nothing is decided.
    """
    if found is None:
        return "not run"
    if not powered:
        return "no power"
    decision = _decided(found, claimed, margin, p)
    if decision != "inconclusive" and not found.replicated:
        return "not replicated"
    return decision


def _decided(found: Found, claimed: Direction, margin: float | None, p: float | None) -> Decision:
    if margin is not None and equivalent(found, margin):
        return "no effect"
    low, high = interval(found)
    if low <= 0 <= high if p is None else p >= SIGNIFICANT:
        return "inconclusive"
    return "held" if (found.estimate > 0) == (claimed == "up") else "not held"


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
