"""Paints things as they look from the side: the shapes of `general_things.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ImageDraw
from pydantic import BaseModel, ConfigDict, TypeAdapter

from winnow.data.yaml_file import read_yaml
from winnow.terrarium.objects import shade
from winnow.terrarium.textures import Colour

Part = tuple[str | float, ...]
Pixels = tuple[float, float, float, float]


class Shapes(BaseModel):
    """`general_things.yaml`, which explains itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tones: dict[str, Colour]
    kinds: dict[str, tuple[tuple[float | Part, ...], ...]]


@cache
def shapes() -> Shapes:
    """Tones and kinds, read once."""
    return read_yaml(Path(__file__).with_suffix(".yaml"), TypeAdapter(Shapes))


def aspect(kind: str, variant: int) -> float:
    """Width over height of a variant of a kind."""
    return float(shapes().kinds[kind][variant][0])  # type: ignore[arg-type]


def paint(
    draw: ImageDraw.ImageDraw,
    kind: str,
    variant: int,
    box: Pixels,
    colour: Colour,
    flip: bool,
    light: float,
) -> None:
    """Paint a thing into `box` (pixels) in `light` (1: day); `flip` exchanges left and right."""
    tones = shapes().tones
    frame = _Frame(box, flip)
    for form, tone, *numbers in shapes().kinds[kind][variant][1:]:  # type: ignore[misc]
        own = tones[tone] if isinstance(tone, str) else shade(colour, tone)
        fill = own if tone == "lamp" else shade(own, light)  # lamps shine at night, too
        _FORMS[str(form)](draw, fill, [float(n) for n in numbers], frame)


class _Frame:
    """Where the parts of a thing lie on the canvas."""

    def __init__(self, box: Pixels, flip: bool) -> None:
        x0, y0, x1, y1 = box
        self.left, self.top, self.wide, self.high = x0, y0, x1 - x0, y1 - y0
        if flip:
            self.left, self.wide = x1, x0 - x1

    def points(self, numbers: list[float]) -> list[tuple[float, float]]:
        """Pixels of x y x y ..."""
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return [(self.left + x * self.wide, self.top + y * self.high) for x, y in pairs]

    def box(self, numbers: list[float]) -> Pixels:
        """Pixels of a box x0 y0 x1 y1, from the smaller to the larger."""
        (x0, y0), (x1, y1) = self.points(numbers)
        return min(x0, x1), y0, max(x0, x1), y1


def _poly(draw: ImageDraw.ImageDraw, fill: Colour, numbers: list[float], frame: _Frame) -> None:
    draw.polygon(frame.points(numbers), fill=fill)


def _line(draw: ImageDraw.ImageDraw, fill: Colour, numbers: list[float], frame: _Frame) -> None:
    draw.line(frame.points(numbers), fill=fill, width=max(1, round(frame.high / 40)))


def _box(draw: ImageDraw.ImageDraw, fill: Colour, numbers: list[float], frame: _Frame) -> None:
    draw.rectangle(frame.box(numbers), fill=fill)


def _oval(draw: ImageDraw.ImageDraw, fill: Colour, numbers: list[float], frame: _Frame) -> None:
    draw.ellipse(frame.box(numbers), fill=fill)


def _dots(draw: ImageDraw.ImageDraw, fill: Colour, numbers: list[float], frame: _Frame) -> None:
    x0, y, x1, count, radius = numbers
    r = radius * frame.high
    for k in range(int(count)):
        ((px, py),) = frame.points([x0 + (x1 - x0) * k / (count - 1), y])
        draw.ellipse((px - r, py - r, px + r, py + r), fill=fill)


def _grid(draw: ImageDraw.ImageDraw, fill: Colour, numbers: list[float], frame: _Frame) -> None:
    x0, y0, x1, y1, columns, rows = numbers
    wide, high = (x1 - x0) / columns, (y1 - y0) / rows
    for i in range(int(columns)):
        for j in range(int(rows)):
            x, y = x0 + i * wide, y0 + j * high
            cell = [x + 0.15 * wide, y + 0.15 * high, x + 0.85 * wide, y + 0.85 * high]
            draw.rectangle(frame.box(cell), fill=fill)


_FORMS = {"poly": _poly, "line": _line, "box": _box, "oval": _oval, "dots": _dots, "grid": _grid}
