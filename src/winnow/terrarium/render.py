"""Turns a layout into an image and a land-cover mask.

Land cover is pasted from texture banks and things are drawn on a canvas of twice the resolution,
which is then averaged down; light, haze and the sensor follow in numpy.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from winnow.terrarium import objects
from winnow.terrarium.schema import CLASSES, KINDS, SURFACE_CLASS, Feature, Layout, Point
from winnow.terrarium.textures import (
    SIDE,
    fractal,
    haze_bank,
    noise_bank,
    surface_colour,
    texture,
)

Pixels = NDArray[np.uint8]

OVERSAMPLE = 2
_BANK_CROP = 128
"""Texture pixels across an image, whatever its size, so that texture scales with the scene."""

_HAZE_COLOUR = np.array([226, 229, 233], dtype=np.float32)
_MARKED = frozenset({"road", "runway", "bays", "track", "pitch"})
_SOFT = frozenset({"snow", "rocks", "surf", "clearing", "plants"})
# Turns a blurred stencil, half covered at its edge, into one that rises from the edge inwards.
_INWARDS = [max(0, min(255, 2 * value - 256)) for value in range(256)]


def render(layout: Layout, seed: int, size: int = 64) -> tuple[Pixels, Pixels]:
    """RGB image uint8 [size, size, 3] and mask uint8 [size, size] of indices into `CLASSES`.

    `seed` moves textures and sensor noise; what is where comes from the layout alone.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    canvas = _Canvas(layout, rng, size * OVERSAMPLE)
    for feature in layout.features:
        canvas.feature(feature)
    canvas.markings()
    canvas.things()
    mask = np.asarray(canvas.mask)[1::OVERSAMPLE, 1::OVERSAMPLE].copy()
    small = canvas.image.reduce(OVERSAMPLE)
    return _expose(np.asarray(small, dtype=np.float32), layout, rng), mask


class _Canvas:
    """The oversampled picture and mask while they are being painted."""

    def __init__(self, layout: Layout, rng: np.random.Generator, side: int) -> None:
        self.layout = layout
        self.side = side
        self._rng = rng
        self.image = self._crop(layout.ground, layout.ground_colour, 0.0)
        self.mask = Image.new("L", (side, side), CLASSES.index(SURFACE_CLASS[layout.ground]))
        self._draw = ImageDraw.Draw(self.image)
        self._draw_mask = ImageDraw.Draw(self.mask)

    def _crop(self, surface: str, colour: str, angle: float) -> Image.Image:
        bank = texture(surface, colour, self.layout.season, angle)
        x, y = (int(v) for v in self._rng.integers(0, SIDE - _BANK_CROP + 1, 2))
        crop = bank.crop((x, y, x + _BANK_CROP, y + _BANK_CROP))
        return crop if self.side == _BANK_CROP else crop.resize((self.side, self.side))

    def _pixels(self, points: tuple[Point, ...]) -> list[Point]:
        side = self.side
        return [(x * side, y * side) for x, y in points]

    def feature(self, feature: Feature) -> None:
        """Paste one stretch of land cover and enter it into the mask."""
        if feature.shape == "dots":
            self._trees(feature)
            return
        index = CLASSES.index(SURFACE_CLASS[feature.surface])
        points = self._pixels(feature.points)
        stencil = Image.new("L", self.image.size, 0)
        pen = ImageDraw.Draw(stencil)
        if feature.shape == "area":
            pen.polygon(points, fill=255)
            self._draw_mask.polygon(points, fill=index)
        else:
            width = max(1, round(feature.width * self.side))
            if feature.trait == "straight" and feature.name != "waves":
                points = [points[0], points[-1]]
            pen.line(points, fill=255, width=width, joint="curve")
            if feature.name != "waves":
                self._draw_mask.line(points, fill=index, width=width, joint="curve")
        if feature.surface == "water" and feature.shape == "area":
            self.image.paste(self._crop("water", "shallow", 0.0), stencil)
            stencil = stencil.filter(ImageFilter.BoxBlur(self.side / 22)).point(_INWARDS)
        elif feature.name in _SOFT:
            stencil = stencil.filter(ImageFilter.BoxBlur(self.side / 42))
        self.image.paste(self._crop(feature.surface, feature.colour, feature.angle), stencil)

    def _trees(self, feature: Feature) -> None:
        layout, side = self.layout, self.side
        dry = feature.trait == "shrubs"
        base = surface_colour("scrub" if dry else "forest", "", layout.season)
        reach = feature.width * 0.45 * side
        dx, dy = reach * math.cos(layout.sun), reach * math.sin(layout.sun)
        index = CLASSES.index("vegetation")
        tones = self._rng.uniform(0.85, 1.4, len(feature.points))
        points = self._pixels(feature.points)
        r = feature.width * side / 2
        for x, y in points:
            q = r * 0.9
            self._draw.ellipse([x + dx - q, y + dy - q, x + dx + q, y + dy + q], fill=(46, 50, 44))
        for (x, y), tone in zip(points, tones, strict=True):
            colour = objects.shade(base, float(tone) * (0.62 if dry else 1.0))
            size = r * (0.6 + 0.4 * float(tone))
            objects.crown(self._draw, x, y, size, colour, layout.sun)
            self._draw_mask.ellipse([x - size, y - size, x + size, y + size], fill=index)

    def markings(self) -> None:
        """Paint lines on roads, runways and parking bays."""
        crossing = [f for f in self.layout.features if f.trait == "crossing"]
        for feature in self.layout.features:
            if feature.name not in _MARKED or feature.surface not in ("asphalt", "court"):
                continue
            points = self._pixels(feature.points)
            if feature.trait == "straight":
                points = [points[0], points[-1]] if feature.name == "road" else points
            if feature.name == "bays":
                _bays(self._draw, points)
            elif feature.name == "runway":
                _runway(self._draw, points, feature.width * self.side)
            elif feature.name == "track":
                _track(self._draw, points)
            elif feature.name == "pitch":
                _pitch(self._draw, points)
            elif feature.width > 0.06:
                _dashes(self._draw, points, self.side, 1 if feature.width < 0.14 else 2)
        if len(crossing) == 2:
            self._box_junction(crossing)

    def _box_junction(self, roads: list[Feature]) -> None:
        """Clear the lane marks where two roads cross, as painters of roads do."""
        width = max(feature.width for feature in roads)
        x = next(f.points[0][0] for f in roads if f.points[0][0] == f.points[-1][0])
        y = next(f.points[0][1] for f in roads if f.points[0][1] == f.points[-1][1])
        half = width / 2
        box = [v * self.side for v in (x - half, y - half, x + half, y + half)]
        self._draw.rectangle(box, fill=surface_colour("asphalt", "", "summer"))

    def things(self) -> None:
        """Shadows first, then every thing, and the mask."""
        layout, side = self.layout, self.side
        if not layout.things:
            return
        shadow = Image.new("L", self.image.size, 0)
        pen = ImageDraw.Draw(shadow)
        outlines = [objects.outline(thing, side) for thing in layout.things]
        for thing, points in zip(layout.things, outlines, strict=True):
            reach = KINDS[thing.kind].height * side
            if reach:
                dx, dy = reach * math.cos(layout.sun), reach * math.sin(layout.sun)
                pen.polygon([(x + dx, y + dy) for x, y in points], fill=125)
                pen.polygon([(x + dx / 2, y + dy / 2) for x, y in points], fill=125)
        self.image.paste((22, 26, 34), mask=shadow)
        for thing, points in zip(layout.things, outlines, strict=True):
            objects.draw_thing(self._draw, thing, side, layout.sun)
            self._draw_mask.polygon(points, fill=CLASSES.index(KINDS[thing.kind].cover))


def _dashes(draw: ImageDraw.ImageDraw, points: list[Point], side: int, width: int) -> None:
    """A broken centre line along a polyline."""
    step, gap = side * 0.05, side * 0.045
    travelled = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        at = -(travelled % (step + gap))
        while at < length:
            a, b = max(at, 0.0) / length, min(at + step, length) / length
            if b > a:
                start = (x0 + (x1 - x0) * a, y0 + (y1 - y0) * a)
                end = (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)
                draw.line([start, end], fill=(222, 220, 208), width=width)
            at += step + gap
        travelled += length


def _runway(draw: ImageDraw.ImageDraw, points: list[Point], width: float) -> None:
    """Centre line, edges and threshold bars."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = math.hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    white = (226, 226, 220)
    _dashes(draw, points, round(length), 2)
    for side in (-0.42, 0.42):
        dx, dy = -uy * width * side, ux * width * side
        draw.line([(x0 + dx, y0 + dy), (x1 + dx, y1 + dy)], fill=(190, 190, 184), width=1)
    for k in (-0.3, -0.18, 0.18, 0.3):
        dx, dy = -uy * width * k, ux * width * k
        sx, sy = x0 + ux * length * 0.13 + dx, y0 + uy * length * 0.13 + dy
        draw.line([(sx, sy), (sx + ux * length * 0.06, sy + uy * length * 0.06)], fill=white)


def _track(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """Two thin lane lines inside the outline of a running track."""
    cx = sum(x for x, _ in points) / len(points)
    cy = sum(y for _, y in points) / len(points)
    for inset in (1.0, 0.91):
        ring = [(cx + (x - cx) * inset, cy + (y - cy) * inset) for x, y in points]
        draw.polygon(ring, outline=(206, 196, 186))


def _pitch(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """The outline and the halfway line, which joins the middles of the two straights."""
    white, half = (214, 214, 204), len(points) // 2
    draw.polygon(points, outline=white)
    ends = [(points[half - 1], points[half]), (points[-1], points[0])]
    draw.line([((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in ends], fill=white, width=1)


def _bays(draw: ImageDraw.ImageDraw, points: list[Point]) -> None:
    """White lines across a rectangle, one per parking bay."""
    a, b, _, d = points
    for k in range(11):
        t = k / 10
        start = (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
        end = (start[0] + d[0] - a[0], start[1] + d[1] - a[1])
        draw.line([start, end], fill=(200, 200, 194), width=1)


def _expose(pixels: NDArray[np.float32], layout: Layout, rng: np.random.Generator) -> Pixels:
    """Light, palette, haze, blur and sensor noise."""
    size = pixels.shape[0]
    x, y, u, v, p, q = (int(k) for k in rng.integers(0, SIDE, 6))
    light = layout.light + 0.035 * _window(fractal(2.2, 71), x, y, size)
    tint = np.array(layout.tint, dtype=np.float32)
    pixels = ((pixels - 118) * layout.contrast + 118) * (light[..., None] * tint)
    if layout.cloud > 0.02:
        haze = (layout.cloud * (0.25 + 0.75 * _window(haze_bank(), u, v, size)))[..., None]
        pixels = pixels + (_HAZE_COLOUR - pixels) * (0.75 * haze)
    if layout.blur > 0:
        pixels = _soften(pixels, layout.blur * size / 64)
    pixels = pixels + layout.noise * _window(noise_bank(), p, q, size)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _window(bank: NDArray[np.float32], x: int, y: int, size: int) -> NDArray[np.float32]:
    """A [size, size, ...] window into a bank that repeats without a seam."""
    if y + size <= SIDE and x + size <= SIDE:
        return bank[y : y + size, x : x + size]
    rows, columns = (np.arange(size) + y) % SIDE, (np.arange(size) + x) % SIDE
    return np.asarray(bank[np.ix_(rows, columns)])


def _soften(pixels: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Three-tap blur along both axes, about a Gaussian of `radius` pixels below one pixel."""
    side = min(radius * radius / 2, 1 / 3)
    for axis in (0, 1):
        before = np.roll(pixels, 1, axis)
        after = np.roll(pixels, -1, axis)
        pixels = pixels * (1 - 2 * side) + (before + after) * side
    return pixels
