"""Surfaces of the world as colour textures, computed once per process and cropped ever after."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import BaseModel

from winnow.data.yaml_file import own_tables

Array = NDArray[np.float32]
Colour = tuple[int, int, int]

SIDE = 256
"""Pixels along a texture: twice the canvas of a 64 px image, so a crop can start anywhere."""


class Tables(BaseModel):
    """The tables of `textures.yaml`, which explains them."""

    things: dict[str, Colour]
    surfaces: dict[str, dict[str, Colour]]
    seasons: dict[str, tuple[Colour, float, float]]


_TABLES = own_tables(__file__, Tables)
COLOURS = _TABLES.things
_AUTUMN_CROWNS: Colour = (158, 98, 50)
_LIVING = frozenset({"grass", "forest", "scrub"})


def surface_colour(surface: str, colour: str, season: str) -> Colour:
    """Mean colour of a surface. An unknown colour falls back to the surface's own."""
    known = _TABLES.surfaces[surface]
    base = known.get(colour) or known[""]
    if surface not in _LIVING:
        return base
    target, grass, crowns = _TABLES.seasons[season]
    share = crowns if surface == "forest" else grass
    if season == "autumn" and surface == "forest":
        target, share = _AUTUMN_CROWNS, 0.55
    r, g, b = (round(c + (t - c) * share) for c, t in zip(base, target, strict=True))
    return r, g, b


@cache
def fractal(slope: float, salt: int, stretch: float = 1.0) -> Array:
    """Tileable noise [SIDE, SIDE], zero mean, unit variance, spectrum 1/f**slope.

    `stretch` > 1 draws the grain out along x.
    """
    rng = np.random.Generator(np.random.PCG64(salt))
    fy = np.fft.fftfreq(SIDE)[:, None]
    fx = np.fft.fftfreq(SIDE)[None, :] * stretch
    radius = np.sqrt(fx * fx + fy * fy)
    radius[0, 0] = 1.0
    spectrum = np.fft.fft2(rng.standard_normal((SIDE, SIDE))) / radius**slope
    spectrum[0, 0] = 0.0
    field = np.fft.ifft2(spectrum).real
    return np.asarray(field / field.std(), dtype=np.float32)


def hillshade(height: Array, strength: float) -> Array:
    """Lambert shading of a height field, centred on zero, about -1..1."""
    gy, gx = np.gradient(height * strength)
    shade = (0.6 - 0.55 * gx - 0.55 * gy) / np.sqrt(1 + gx * gx + gy * gy)
    return np.asarray(shade - shade.mean(), dtype=np.float32)


@cache
def _crowns() -> Array:
    """Tree crowns seen from above: each disc lit from one side and shaded on the other."""
    rng = np.random.Generator(np.random.PCG64(11))
    image = Image.new("L", (SIDE, SIDE), 70)
    draw = ImageDraw.Draw(image)
    for _ in range(2600):
        x, y = rng.uniform(-4, SIDE + 4, 2)
        r, tone = rng.uniform(3.4, 7.2), int(rng.integers(-26, 26))
        for shift, scale, level in ((0.22, 1.0, 52), (0.0, 0.92, 118), (-0.25, 0.5, 168)):
            cx, cy, rr = x + shift * r, y + shift * r, r * scale
            draw.ellipse((cx - rr, cy - rr, cx + rr, cy + rr), fill=max(0, level + tone))
    field = np.asarray(image, dtype=np.float32)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def _ridges() -> Array:
    """Dunes: warped waves with a long lit slope and a short dark one."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    phase = (7 * y + 2 * x + 0.55 * fractal(2.2, 21)) % 1.0
    wave = np.where(phase < 0.72, phase / 0.72, (1 - phase) / 0.28)
    slope = np.gradient(np.asarray(wave, dtype=np.float32), axis=0) * 14
    return np.asarray(np.clip(slope, -1.3, 1.0) + 0.12 * fractal(1.0, 22), dtype=np.float32)


@cache
def _rows(steps: int) -> Array:
    """Rows of a crop at an angle of `steps` sixteenths of pi."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    a = math.pi * steps / 16
    along = x * math.sin(a) + y * math.cos(a)
    rows = np.sin(along * math.tau / 7.0)
    return np.asarray(rows + 0.45 * fractal(0.9, 31), dtype=np.float32)


def _relief(surface: str, angle: float) -> tuple[Array, float]:
    """Light and dark of a surface, and how strong it is in grey levels."""
    if surface == "crop":
        return _rows(round(angle / math.pi * 16) % 16), 9.0
    makers: dict[str, Callable[[], tuple[NDArray[Any], float]]] = {
        "forest": lambda: (_crowns(), 17.0),
        "grass": lambda: (fractal(0.8, 1) + 0.6 * fractal(1.9, 2), 6.0),
        "scrub": lambda: (fractal(0.7, 3) + 0.9 * np.minimum(fractal(1.0, 4), 0.2), 11.0),
        "water": lambda: (fractal(0.9, 5, 3.0) + 0.5 * fractal(1.8, 6), 4.0),
        "sand": lambda: (fractal(1.2, 7, 0.4) + 0.8 * fractal(1.9, 8), 6.5),
        "dunes": lambda: (_ridges(), 20.0),
        "soil": lambda: (fractal(0.9, 9) + 0.7 * fractal(1.8, 10), 7.0),
        "rock": lambda: (2.6 * hillshade(fractal(1.75, 13), 5.0), 42.0),
        "snow": lambda: (1.5 * hillshade(fractal(1.75, 13), 4.0), 26.0),
        "asphalt": lambda: (fractal(0.6, 14), 5.0),
        "concrete": lambda: (fractal(0.9, 15) + 0.5 * fractal(1.8, 16), 4.5),
        "court": lambda: (fractal(0.6, 17), 3.0),
    }
    relief, strength = makers[surface]()
    return np.asarray(relief, dtype=np.float32), strength


@cache
def _texture(surface: str, colour: str, season: str, steps: int) -> Image.Image:
    relief, strength = _relief(surface, math.pi * steps / 16)
    base = np.array(surface_colour(surface, colour, season), dtype=np.float32)
    # Bright surfaces vary more than dark ones, as reflectance does.
    gain = strength * (0.55 + 0.45 * base / base.max())
    mottle = fractal(1.7, 41)[..., None] * np.array([3.5, 2.0, -1.5], dtype=np.float32)
    pixels = base + relief[..., None] * gain + mottle * (base.mean() / 160)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def texture(
    surface: str, colour: str = "", season: str = "summer", angle: float = 0.0
) -> Image.Image:
    """RGB texture [SIDE, SIDE] of a surface. `angle` (radians) matters to crops only."""
    steps = round(angle / math.pi * 16) % 16 if surface == "crop" else 0
    living = surface in _LIVING
    return _texture(surface, colour, season if living else "summer", steps)


@cache
def haze_bank() -> Array:
    """Thin cloud [SIDE, SIDE], 0..1."""
    field = fractal(2.0, 51)
    return np.asarray(np.clip(0.5 + 0.4 * field, 0, 1), dtype=np.float32)


@cache
def noise_bank() -> Array:
    """Sensor noise [SIDE, SIDE, 3] of unit variance, partly common to the three bands."""
    rng = np.random.Generator(np.random.PCG64(61))
    grain = rng.standard_normal((SIDE, SIDE, 3)) * 0.8 + rng.standard_normal((SIDE, SIDE, 1)) * 0.6
    return grain.astype(np.float32)
