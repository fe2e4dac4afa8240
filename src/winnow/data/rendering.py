"""How a raster of any bands and depth becomes a picture, and the record of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from winnow.data.errors import BadImageError
from winnow.data.raster import Raster

Stretch = Literal["percentile"] | tuple[float, float]
PERCENTILES = (2, 98)  # black and white, the usual cumulative count cut of geographic software
LARGEST = 1e30  # what is beyond it is no measurement: fill values such as -3.4e38
STRIP = 2**20  # pixels that are drawn at a time
FILLS = (-999, -9999, -99999, -32767, -32768)  # fill values that are often not declared


@dataclass(frozen=True)
class Rendering:
    """What a user says of the bands, from 1, and of the values that are black and white."""

    bands: tuple[int, int, int] | None = None  # None: the first three, or the first of two
    stretch: Stretch = "percentile"


@dataclass(frozen=True)
class Conversion:
    """How an image that a shard cannot hold as it is became a PNG: a row of CONVERSIONS."""

    format: str
    stored: str
    bands: str
    stretch: str | None = None
    low: float | None = None
    high: float | None = None
    nodata: float = 0.0
    orientation: int = 1

    @property
    def headline(self) -> str:
        """What was done, for the log's counts."""
        done = [] if self.stretch is None else [f"stretched ({self.stretch})"]
        done += ["turned upright"] if self.orientation != 1 else []
        return ", ".join([f"{self.format} of {self.stored}", *done])


def render(raster: Raster, rendering: Rendering) -> tuple[np.ndarray, Conversion]:
    """The picture, uint8 [H, W, 3], of a raster, and how it was made.

    8 bits are kept. Deeper bands are stretched with one black and one white for all three, so that
    colours keep their ratio: the declared ones, or the percentiles 2 and 98 of the values, without
    nodata and far outliers. What holds nothing is black, and so is an image of one value. Alpha is
    laid on black, unless bands are named. Raises BadImageError where a named band is missing, or
    no pixel holds anything.
    """
    alpha = raster.values[-1] if raster.alpha and rendering.bands is None else None
    bands = _bands(raster, rendering.bands)
    values = [raster.values[band - 1] for band in bands]
    height, width = values[0].shape
    picture = np.empty((height, width, 3), np.uint8)
    strips = _strips(height, width)
    low = high = stretch = None
    nodata = 0.0
    if raster.values.dtype == np.uint8:
        for place, band in enumerate(values):
            picture[..., place:] = (255 - band if raster.inverted else band)[..., None]
    else:
        known = np.empty((len(bands), height, width), bool)
        for strip in strips:
            for band, held in zip(values, known, strict=True):
                held[strip] = _known(band[strip], raster.nodata)
                if alpha is not None:
                    held[strip] &= alpha[strip] > 0
        nodata = 1 - float(known.mean())
        if not known.any():
            raise BadImageError(f"{raster.stored}: no value but nodata or not finite ones")
        if isinstance(rendering.stretch, tuple):
            stretch, (low, high) = "declared", rendering.stretch
        else:
            stretch, (low, high) = "percentile", _limits(_gathered(values, known))
        for strip in strips:
            for place, (band, held) in enumerate(zip(values, known, strict=True)):
                drawn = _scaled(band[strip], held[strip], low, high, raster.inverted)
                if alpha is not None:
                    opaque = alpha[strip] / np.iinfo(alpha.dtype).max
                    drawn = np.rint(drawn * opaque).astype(np.uint8)
                picture[strip, :, place:] = drawn[..., None]  # one band is all three
    taken = ",".join(map(str, bands))
    return picture, Conversion(
        raster.format, raster.stored, taken, stretch, low, high, nodata, raster.orientation
    )


def _bands(raster: Raster, named: tuple[int, int, int] | None) -> tuple[int, ...]:
    """The bands to draw, from 1: those that are named, else three colours or one grey."""
    there = len(raster.values)
    if named is None:
        return (1, 2, 3) if there - raster.alpha >= 3 else (1,)
    if max(named) > there:
        wanted = ", ".join(map(str, named))
        raise BadImageError(f"band {max(named)} is missing: {raster.stored}, asked for {wanted}")
    return named


def _strips(height: int, width: int) -> list[slice]:
    """Rows that are drawn at a time: what is computed in float64 stays small beside the image."""
    rows = max(1, STRIP // width)
    return [slice(top, top + rows) for top in range(0, height, rows)]


def _gathered(values: list[np.ndarray], valid: np.ndarray) -> np.ndarray:
    """The known values of all bands [n], a copy."""
    found = np.empty(np.count_nonzero(valid), values[0].dtype)
    start = 0
    for strip in _strips(*valid.shape[1:]):
        for band, held in zip(values, valid, strict=True):
            part = band[strip][held[strip]]
            found[start : start + len(part)] = part
            start += len(part)
    return found


def _known(values: np.ndarray, nodata: float | None) -> np.ndarray:
    """Which values hold something: finite, not declared as nodata, not beyond all measurement."""
    known = np.ones(values.shape, bool)
    if values.dtype.kind == "f":
        known = np.isfinite(values)
        known[known] = np.abs(values[known].astype(np.float64)) <= LARGEST
    if nodata is not None and np.isfinite(nodata):
        if values.dtype.kind == "f":  # the tag holds it as text, and often rounded
            known &= ~np.isclose(values, nodata, rtol=1e-6, atol=0)
        else:
            known &= values != nodata
    return known


def _limits(values: np.ndarray) -> tuple[float, float]:
    """What becomes black and white of values [n], n >= 1, which are put in another order; equal
    where all values are."""
    if values.dtype.itemsize == 8:
        values = values.astype(np.float64, copy=False)
    values = _without_fill(values)
    low, high = _percentiles(values)
    if low == high:  # almost all are one value
        low, high = float(values.min()), float(values.max())
    return low, high


def _percentiles(values: np.ndarray) -> list[float]:
    """As `np.percentile` has them of the values [n] in float64, which are not copied: those of a
    smaller kind are exact in it. Reorders the values."""
    places = [(len(values) - 1) * (share / 100) for share in PERCENTILES]
    below = [int(place) for place in places]
    above = [min(place + 1, len(values) - 1) for place in below]
    values.partition(sorted({*below, *above}))
    found = []
    for place, left, right in zip(places, below, above, strict=True):
        start, end, part = float(values[left]), float(values[right]), place - left
        step = end - start
        found.append(end - step * (1 - part) if part >= 0.5 else start + step * part)
    return found


def _without_fill(values: np.ndarray) -> np.ndarray:
    """The values without those at either end that must be undeclared nodata, in the same memory.

    A value at the end is one if it lies further from all others than they are wide, and is a usual
    fill value or the type's own lowest or highest; ten times as far for other values.
    """
    usual = set(FILLS)
    if values.dtype.kind in "iu":
        usual |= {int(np.iinfo(values.dtype).min), int(np.iinfo(values.dtype).max)}
    for _ in range(4):  # more kinds of nodata in one image are not known of
        low, high = values.min(), values.max()
        if low == high:
            return values
        for end in (low, high):
            rest = values > low if end == low else values < high
            first = float(values.min(where=rest, initial=high)) if end == low else float(low)
            last = float(high) if end == low else float(values.max(where=rest, initial=low))
            gap = max(first - float(end), float(end) - last)
            if last > first and gap > (last - first) * (1 if float(end) in usual else 10):
                values = _moved_up(values, rest)
                break
        else:
            return values
    return values


def _moved_up(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Those values [n] that are kept, in the memory of all."""
    end = 0
    for place in range(0, len(values), STRIP):
        part = values[place : place + STRIP][kept[place : place + STRIP]]
        values[end : end + len(part)] = part
        end += len(part)
    return values[:end]


def _scaled(
    values: np.ndarray, valid: np.ndarray, low: float, high: float, inverted: bool
) -> np.ndarray:
    """One band [H, W] as uint8, black where nothing is known."""
    wide = np.where(valid, values, low).astype(np.float64)
    share = np.clip((wide - low) / (high - low), 0, 1) if high > low else np.zeros(wide.shape)
    share = np.where(valid, 1 - share if inverted else share, 0)
    return np.rint(share * 255).astype(np.uint8)
