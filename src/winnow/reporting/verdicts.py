"""What an effect with its interval says of a claim: held, not held, inconclusive."""

from collections.abc import Sequence
from typing import Literal

from winnow.reporting.claim import Direction, Size
from winnow.reporting.values import Value

Verdict = Literal["held", "not held", "inconclusive", "not run"]
HELD: Verdict = "held"
NOT_HELD: Verdict = "not held"
INCONCLUSIVE: Verdict = "inconclusive"
NOT_RUN: Verdict = "not run"


def _oriented(effect: Value, direction: Direction) -> tuple[float, float] | None:
    """The interval, positive in the claimed direction; None without one."""
    if effect.low is None or effect.high is None:
        return None
    low, high = effect.low, effect.high
    return (low, high) if direction == "up" else (-high, -low)


def of_direction(effect: Value, direction: Direction) -> Verdict:
    """Held where the whole interval lies in the claimed direction, not held where it lies in the
    other; inconclusive where it holds zero, or there is none."""
    interval = _oriented(effect, direction)
    if interval is None:
        return INCONCLUSIVE
    low, high = interval
    return HELD if low > 0 else NOT_HELD if high < 0 else INCONCLUSIVE


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


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Of a claim that holds if all parts do: not held if one is not, not run if none was, held if
    all are; otherwise inconclusive."""
    if NOT_HELD in verdicts:
        return NOT_HELD
    known = set(verdicts)
    if known <= {NOT_RUN}:
        return NOT_RUN
    return HELD if known == {HELD} else INCONCLUSIVE
