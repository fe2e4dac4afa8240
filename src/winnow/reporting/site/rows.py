"""The tables under `results/`, read back as text."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from winnow.data.csv_file import read_csv
from winnow.reporting.text import EMPTY, number, percent

Rows = list[dict[str, str]]


class Spread(NamedTuple):
    """A value with its 95 % interval; where the interval is not known it is the value."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.low < self.high


def optional_rows(path: str | Path, columns: Sequence[str]) -> Rows:
    """The rows of a CSV; none where there is no such file."""
    return read_csv(path, columns) if Path(path).is_file() else []


def figure(row: dict[str, str], name: str) -> float | None:
    """A finite number of a row, None where there is none."""
    try:
        value = float(row.get(name) or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def spread(row: dict[str, str], name: str, low: str = "", high: str = "") -> Spread | None:
    """A value of a row and its interval, by default from `{name}_low` and `{name}_high`; None
    without a value."""
    value = figure(row, name)
    ends = figure(row, low or f"{name}_low"), figure(row, high or f"{name}_high")
    if value is None:
        return None
    if ends[0] is None or ends[1] is None or ends[0] > ends[1]:
        return Spread(value, value, value)
    return Spread(value, ends[0], ends[1])


def shown(value: float | None, unit: str) -> str:
    """A value in its unit: a fraction whose unit is `percent` as per cent."""
    return percent(value) if unit == "percent" else number(value)


def signed(value: float, unit: str) -> str:
    """A difference in its unit, with its sign."""
    return f"{'-' if value < 0 else '+'}{shown(abs(value), unit)}"


def with_interval(found: Spread | None, unit: str, difference: bool = False) -> str:
    """A value and its interval as text, EMPTY without a value."""
    if found is None:
        return EMPTY
    show = signed if difference else shown
    told = show(found.value, unit)
    if not found.known:
        return told
    return f"{told} ({show(found.low, unit)} to {show(found.high, unit)})"


def kept(ratio: str) -> str:
    """A keep ratio as per cent, EMPTY where there is none."""
    try:
        return f"{100 * float(ratio):.6g} %"
    except ValueError:
        return EMPTY
