"""Draws things: planes, ships, cars, roofs, tanks, courts. Pixels of the oversampled canvas."""

from __future__ import annotations

import math
from collections.abc import Callable

from PIL import ImageDraw

from winnow.terrarium.schema import Thing
from winnow.terrarium.textures import COLOURS, Colour

Draw = ImageDraw.ImageDraw
Local = tuple[float, float]

_PLANE: tuple[Local, ...] = (
    (0.5, 0.0), (0.42, 0.055), (0.16, 0.07), (-0.1, 0.48), (-0.2, 0.48), (-0.06, 0.07),
    (-0.34, 0.055), (-0.44, 0.2), (-0.5, 0.2), (-0.46, 0.0), (-0.5, -0.2), (-0.44, -0.2),
    (-0.34, -0.055), (-0.06, -0.07), (-0.2, -0.48), (-0.1, -0.48), (0.16, -0.07), (0.42, -0.055),
)  # fmt: skip
_HULL: tuple[Local, ...] = (
    (0.5, 0.0), (0.3, 0.42), (-0.36, 0.5), (-0.5, 0.34), (-0.5, -0.34), (-0.36, -0.5), (0.3, -0.42),
)  # fmt: skip
_RECT: tuple[Local, ...] = ((0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5))
_ROUND: tuple[Local, ...] = tuple(
    (0.5 * math.cos(k * math.tau / 16), 0.5 * math.sin(k * math.tau / 16)) for k in range(16)
)

_OUTLINES = {"plane": _PLANE, "ship": _HULL, "boat": _HULL}
_ROUND_KINDS = frozenset({"tank", "tree", "bunker"})

# Height above ground as a fraction of the image side: the length of the shadow.
_HEIGHTS = {
    "plane": 0.028, "ship": 0.03, "boat": 0.012, "car": 0.016, "truck": 0.024, "house": 0.035,
    "building": 0.055, "terminal": 0.05, "warehouse": 0.045, "barn": 0.04, "tank": 0.045,
    "tree": 0.045, "stand": 0.04,
}  # fmt: skip


def shade(colour: Colour, factor: float) -> Colour:
    """A colour made lighter (> 1) or darker (< 1)."""
    r, g, b = colour
    return (
        max(0, min(255, round(r * factor))),
        max(0, min(255, round(g * factor))),
        max(0, min(255, round(b * factor))),
    )


def height(kind: str) -> float:
    """How far a thing's shadow reaches, as a fraction of the image side; 0 for flat things."""
    return _HEIGHTS.get(kind, 0.0)


def outline(thing: Thing, side: int) -> list[tuple[float, float]]:
    """The silhouette of a thing in pixels of a canvas of `side` pixels."""
    default = _ROUND if thing.kind in _ROUND_KINDS else _RECT
    return _at(thing, side, _OUTLINES.get(thing.kind, default))


def _at(thing: Thing, side: int, points: tuple[Local, ...]) -> list[tuple[float, float]]:
    """Local points, in units of the thing's length and width, on the canvas."""
    cx, cy = thing.centre
    c, s = math.cos(thing.angle), math.sin(thing.angle)
    length, width = thing.length, thing.width
    return [
        ((cx + x * length * c - y * width * s) * side, (cy + x * length * s + y * width * c) * side)
        for x, y in points
    ]


def draw_thing(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    """Paint one thing. `sun` is the direction that shadows fall in."""
    _PAINTERS[thing.kind](draw, thing, side, sun)


def _plane(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    draw.polygon(_at(thing, side, _PLANE), fill=shade(colour, 0.97))
    body = ((0.5, 0.0), (0.4, 0.04), (-0.46, 0.03), (-0.46, -0.03), (0.4, -0.04))
    draw.polygon(_at(thing, side, body), fill=shade(colour, 1.2))


def _ship(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    draw.polygon(_at(thing, side, _HULL), fill=colour, outline=shade(colour, 0.62))
    bridge = ((-0.22, 0.3), (-0.4, 0.3), (-0.4, -0.3), (-0.22, -0.3))
    draw.polygon(_at(thing, side, bridge), fill=shade(COLOURS["white"], 1.05))
    if thing.kind == "ship":
        hatch = ((0.25, 0.16), (-0.12, 0.16), (-0.12, -0.16), (0.25, -0.16))
        draw.polygon(_at(thing, side, hatch), fill=shade(colour, 0.72))


def _car(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    draw.polygon(_at(thing, side, _RECT), fill=colour)
    glass = ((0.26, 0.36), (0.06, 0.36), (0.06, -0.36), (0.26, -0.36))
    draw.polygon(_at(thing, side, glass), fill=shade(colour, 0.5))


def _truck(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    draw.polygon(_at(thing, side, _RECT), fill=colour)
    cab = ((0.5, 0.5), (0.3, 0.5), (0.3, -0.5), (0.5, -0.5))
    draw.polygon(_at(thing, side, cab), fill=shade(colour, 0.55))


def _gable(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    """A roof of two slopes: the one that faces the sun is brighter."""
    colour = COLOURS[thing.colour]
    lit = math.cos(sun - thing.angle - math.pi / 2)
    for sign in (1, -1):
        slope = ((-0.5, 0.0), (0.5, 0.0), (0.5, 0.5 * sign), (-0.5, 0.5 * sign))
        draw.polygon(_at(thing, side, slope), fill=shade(colour, 0.95 - 0.22 * lit * sign))
    ridge = _at(thing, side, ((-0.5, 0.0), (0.5, 0.0)))
    draw.line(ridge, fill=shade(colour, 1.2), width=1)


def _flat_roof(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    points = _at(thing, side, _RECT)
    draw.polygon(points, fill=colour, outline=shade(colour, 0.72))
    units = ((0.3, 0.2), (0.16, 0.2), (0.16, -0.05), (0.3, -0.05))
    draw.polygon(_at(thing, side, units), fill=shade(colour, 0.75))


def _shed(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    """A warehouse: a long ribbed roof, half of it in a lower light."""
    _gable(draw, thing, side, sun)
    colour = shade(COLOURS[thing.colour], 0.8)
    for k in range(1, 6):
        x = -0.5 + k / 6
        draw.line(_at(thing, side, ((x, -0.48), (x, 0.48))), fill=colour, width=1)


def _tank(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    draw.polygon(_at(thing, side, _ROUND), fill=shade(colour, 0.78))
    cx, cy = thing.centre
    r = thing.length / 2 * 0.86
    shift = thing.length * 0.05
    x, y = cx - shift * math.cos(sun), cy - shift * math.sin(sun)
    draw.ellipse([(x - r) * side, (y - r) * side, (x + r) * side, (y + r) * side], fill=colour)
    dot = r * 0.22
    box = [(x - dot) * side, (y - dot) * side, (x + dot) * side, (y + dot) * side]
    draw.ellipse(box, fill=shade(colour, 0.7))


def _tree(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    cx, cy = thing.centre
    crown(draw, cx * side, cy * side, thing.length / 2 * side, shade(colour, 0.72), sun)


def crown(draw: Draw, x: float, y: float, r: float, colour: Colour, sun: float) -> None:
    """One tree from above: a dark rim on the shadow side, a bright cap towards the sun."""
    c, s = math.cos(sun), math.sin(sun)
    for offset, scale, light in ((0.0, 1.0, 0.72), (-0.16, 0.8, 1.0), (-0.34, 0.42, 1.32)):
        px, py, pr = x + offset * r * c, y + offset * r * s, r * scale
        draw.ellipse([px - pr, py - pr, px + pr, py + pr], fill=shade(colour, light))


def _court(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    draw.polygon(_at(thing, side, _RECT), fill=shade(colour, 0.82))
    inner = tuple((x * 0.78, y * 0.7) for x, y in _RECT)
    white = COLOURS["white"]
    draw.polygon(_at(thing, side, inner), fill=shade(colour, 1.12), outline=white)
    for line in (((0.0, -0.42), (0.0, 0.42)), ((-0.2, 0.0), (0.2, 0.0))):
        draw.line(_at(thing, side, line), fill=white, width=1)


def _pool(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    draw.polygon(_at(thing, side, _RECT), fill=COLOURS["white"])
    inner = tuple((x * 0.72, y * 0.66) for x, y in _RECT)
    draw.polygon(_at(thing, side, inner), fill=(66, 172, 204))


def _bunker(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = (226, 202, 146) if thing.colour == "yellow" else (236, 230, 212)
    draw.polygon(_at(thing, side, _ROUND), fill=colour, outline=shade(colour, 0.82))


def _stand(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    draw.polygon(_at(thing, side, _RECT), fill=colour, outline=shade(colour, 0.6))
    for k in (-0.25, 0.0, 0.25):
        draw.line(_at(thing, side, ((-0.5, k), (0.5, k))), fill=shade(colour, 0.75), width=1)


_PAINTERS: dict[str, Callable[[Draw, Thing, int, float], None]] = {
    "plane": _plane,
    "ship": _ship,
    "boat": _ship,
    "car": _car,
    "truck": _truck,
    "house": _gable,
    "barn": _gable,
    "building": _flat_roof,
    "terminal": _flat_roof,
    "warehouse": _shed,
    "tank": _tank,
    "tree": _tree,
    "court": _court,
    "pool": _pool,
    "bunker": _bunker,
    "stand": _stand,
}
