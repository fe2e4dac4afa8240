"""Draws things: planes, ships, cars, roofs, tanks, courts. Pixels of the oversampled canvas."""

from __future__ import annotations

import math

from PIL import ImageDraw

from winnow.terrarium.schema import Thing
from winnow.terrarium.textures import COLOURS, Colour

Draw = ImageDraw.ImageDraw
Points = tuple[tuple[float, float], ...]

_PLANE: Points = (
    (0.5, 0.0), (0.42, 0.055), (0.16, 0.07), (-0.1, 0.48), (-0.2, 0.48), (-0.06, 0.07),
    (-0.34, 0.055), (-0.44, 0.2), (-0.5, 0.2), (-0.46, 0.0), (-0.5, -0.2), (-0.44, -0.2),
    (-0.34, -0.055), (-0.06, -0.07), (-0.2, -0.48), (-0.1, -0.48), (0.16, -0.07), (0.42, -0.055),
)  # fmt: skip
_HULL: Points = (
    (0.5, 0.0), (0.3, 0.42), (-0.36, 0.5), (-0.5, 0.34), (-0.5, -0.34), (-0.36, -0.5), (0.3, -0.42),
)  # fmt: skip


def _box(x0: float, x1: float, y: float) -> Points:
    """Corners of a rectangle about the thing's long axis."""
    return (x1, y), (x0, y), (x0, -y), (x1, -y)


_RECT = _box(-0.5, 0.5, 0.5)
_ROUND: Points = tuple(
    (0.5 * math.cos(k * math.tau / 16), 0.5 * math.sin(k * math.tau / 16)) for k in range(16)
)

_OUTLINES = {"plane": _PLANE, "ship": _HULL, "boat": _HULL}
_ROUND_KINDS = frozenset({"tank", "tree", "bunker"})
# Parts in the thing's colour, one upon another, and how much lighter or darker each is.
_LAYERS: dict[str, tuple[tuple[Points, float], ...]] = {
    "plane": (
        (_PLANE, 0.97),
        (((0.5, 0.0), (0.4, 0.04), (-0.46, 0.03), (-0.46, -0.03), (0.4, -0.04)), 1.2),
    ),
    "car": ((_RECT, 1.0), (_box(0.06, 0.26, 0.36), 0.5)),
    "truck": ((_RECT, 1.0), (_box(0.3, 0.5, 0.5), 0.55)),
}


def shade(colour: Colour, factor: float) -> Colour:
    """A colour made lighter (> 1) or darker (< 1)."""
    r, g, b = (max(0, min(255, round(c * factor))) for c in colour)
    return r, g, b


def outline(thing: Thing, side: int) -> list[tuple[float, float]]:
    """The silhouette of a thing in pixels of a canvas of `side` pixels."""
    default = _ROUND if thing.kind in _ROUND_KINDS else _RECT
    return _at(thing, side, _OUTLINES.get(thing.kind, default))


def _at(thing: Thing, side: int, points: Points) -> list[tuple[float, float]]:
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
    if thing.kind in _LAYERS:
        for points, light in _LAYERS[thing.kind]:
            _fill(draw, thing, side, points, light)
    else:
        _PAINTERS[thing.kind](draw, thing, side, sun)


def _fill(
    draw: Draw, thing: Thing, side: int, points: Points, light: float, edge: float = 0.0
) -> None:
    """A part of a thing in its colour, this much lighter or darker, with such an edge if any."""
    colour = COLOURS[thing.colour]
    outline = shade(colour, edge) if edge else None
    draw.polygon(_at(thing, side, points), fill=shade(colour, light), outline=outline)


def _ship(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    _fill(draw, thing, side, _HULL, 1.0, 0.62)
    bridge = _at(thing, side, _box(-0.4, -0.22, 0.3))
    draw.polygon(bridge, fill=shade(COLOURS["white"], 1.05))
    if thing.kind == "ship":
        _fill(draw, thing, side, _box(-0.12, 0.25, 0.16), 0.72)


def _gable(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    """A roof of two slopes: the one that faces the sun is brighter."""
    lit = math.cos(sun - thing.angle - math.pi / 2)
    for sign in (1, -1):
        slope = ((-0.5, 0.0), (0.5, 0.0), (0.5, 0.5 * sign), (-0.5, 0.5 * sign))
        _fill(draw, thing, side, slope, 0.95 - 0.22 * lit * sign)
    ridge = _at(thing, side, ((-0.5, 0.0), (0.5, 0.0)))
    draw.line(ridge, fill=shade(COLOURS[thing.colour], 1.2), width=1)


def _flat_roof(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    _fill(draw, thing, side, _RECT, 1.0, 0.72)
    _fill(draw, thing, side, ((0.3, 0.2), (0.16, 0.2), (0.16, -0.05), (0.3, -0.05)), 0.75)


def _shed(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    """A warehouse: a long ribbed roof, half of it in a lower light."""
    _gable(draw, thing, side, sun)
    colour = shade(COLOURS[thing.colour], 0.8)
    for k in range(1, 6):
        x = -0.5 + k / 6
        draw.line(_at(thing, side, ((x, -0.48), (x, 0.48))), fill=colour, width=1)


def _tank(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    _fill(draw, thing, side, _ROUND, 0.78)
    cx, cy = thing.centre
    r = thing.length / 2 * 0.86
    shift = thing.length * 0.05
    x, y = cx - shift * math.cos(sun), cy - shift * math.sin(sun)
    for q, light in ((r, 1.0), (r * 0.22, 0.7)):
        box = [(x - q) * side, (y - q) * side, (x + q) * side, (y + q) * side]
        draw.ellipse(box, fill=shade(colour, light))


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
    _fill(draw, thing, side, _RECT, 0.82)
    inner, white = _at(thing, side, _box(-0.39, 0.39, 0.35)), COLOURS["white"]
    draw.polygon(inner, fill=shade(COLOURS[thing.colour], 1.12), outline=white)
    for line in (((0.0, -0.42), (0.0, 0.42)), ((-0.2, 0.0), (0.2, 0.0))):
        draw.line(_at(thing, side, line), fill=white, width=1)


def _pool(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    draw.polygon(_at(thing, side, _RECT), fill=COLOURS["white"])
    draw.polygon(_at(thing, side, _box(-0.36, 0.36, 0.33)), fill=(66, 172, 204))


def _bunker(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = (226, 202, 146) if thing.colour == "yellow" else (236, 230, 212)
    draw.polygon(_at(thing, side, _ROUND), fill=colour, outline=shade(colour, 0.82))


def _stand(draw: Draw, thing: Thing, side: int, sun: float) -> None:
    colour = COLOURS[thing.colour]
    _fill(draw, thing, side, _RECT, 1.0, 0.6)
    for k in (-0.25, 0.0, 0.25):
        draw.line(_at(thing, side, ((-0.5, k), (0.5, k))), fill=shade(colour, 0.75), width=1)


_PAINTERS = {
    "ship": _ship, "boat": _ship, "house": _gable, "barn": _gable, "building": _flat_roof,
    "terminal": _flat_roof, "warehouse": _shed, "tank": _tank, "tree": _tree, "court": _court,
    "pool": _pool, "bunker": _bunker, "stand": _stand,
}  # fmt: skip
