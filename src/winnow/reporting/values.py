"""A measured value with its interval, and the one way in which every format shows values.

Decimals follow from the unit. Percentages have two. Numbers have none where they are whole, four
where a value and its interval lie below one, and two elsewhere.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal, NamedTuple

from winnow.tracks.track import Unit

EMPTY = "\N{EN DASH}"  # shown where there is no value; CSV leaves it blank
INDISTINCT = "≈"  # beside a difference: not significantly different
SAME = "no significant difference"
LEVEL = 0.05  # of significance
NO_INTERVAL = "(no interval)"  # beside a difference

# A value in its unit, `points`: a difference of fractions, or `change`: a relative one.
Format = Unit | Literal["points", "change"]
_SCALES: dict[Format, tuple[int, str]] = {
    "percent": (100, ""),
    "number": (1, ""),
    "points": (100, " points"),
    "change": (100, " %"),
}
Show = Callable[[Any], str]


class Value(NamedTuple):
    """An estimate with its 95 % interval, of `n` queries and so many repeats."""

    estimate: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    seeds: int = 1

    @property
    def ends(self) -> tuple[float, float] | None:
        """The interval; None without one."""
        known = self.low is not None and self.high is not None
        return (self.low, self.high) if known else None  # type: ignore[return-value]

    @property
    def significant(self) -> bool:
        """Whether there is an interval that does not hold 0."""
        return self.ends is not None and (self.ends[0] > 0 or self.ends[1] < 0)

    def verdict(self, higher_is_better: bool = True) -> str:
        """What a difference means: better, worse or SAME; empty without an interval."""
        if self.ends is None:
            return ""
        if not self.significant:
            return SAME
        return "better" if (self.estimate > 0) == higher_is_better else "worse"


def shown(value: Value | float | None, unit: Format = "percent", signed: bool = False) -> str:
    """A value with its interval, if it has one: `57.55 (55.10 to 59.98)`; EMPTY without a value.
    `signed` values are differences, which say so where they have no interval."""
    found = value if isinstance(value, Value) else Value(float("nan") if value is None else value)
    if found.estimate != found.estimate:
        return EMPTY
    scale, suffix = _SCALES[unit]
    numbers = [scale * number for number in (found.estimate, *(found.ends or ()))]
    sign, digits = "+" if signed else "", _decimals(numbers, unit)
    texts = [f"{number:{sign},.{digits}f}" for number in numbers]
    if found.ends is not None:
        return f"{texts[0]}{suffix} ({texts[1]} to {texts[2]})"
    return f"{texts[0]}{suffix}" + (f" {NO_INTERVAL}" if signed and found is value else "")


def _decimals(numbers: list[float], unit: Format) -> int:
    if unit != "number":
        return 2
    if all(number == round(number) for number in numbers):
        return 0
    return 4 if all(abs(number) < 1 for number in numbers) else 2


PERCENT: Show = partial(shown, unit="percent")
NUMBER: Show = partial(shown, unit="number")
LEVELS: dict[Unit, Show] = {"percent": PERCENT, "number": NUMBER}
GAINS: dict[Format, Show] = {unit: partial(shown, unit=unit, signed=True) for unit in _SCALES}


def kept(ratio: float | None) -> str:
    """A keep ratio as `30 %`."""
    return EMPTY if ratio is None else f"{100 * ratio:.6g} %"


def to(numbers: Iterable[int]) -> str:
    """The lowest and the highest of some numbers: `1 to 3`, or `1`; empty without any."""
    found = sorted(set(numbers))
    return " to ".join(map(str, dict.fromkeys(found[:1] + found[-1:])))


def count(number: int | None) -> str:
    """A count as `1,300,000`."""
    return EMPTY if number is None else f"{number:,}"
