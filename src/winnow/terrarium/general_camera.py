"""What a camera, an artist and a web site do to a picture: palettes, sensors, frames, JPEG."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from winnow.terrarium.choices import Choices
from winnow.terrarium.textures import SIDE, noise_bank

Pixels = NDArray[np.uint8]

COLOURLESS = frozenset({"monochrome", "sepia", "drawing"})
"""Looks in which nobody can tell a colour."""


def _sepia(image: Image.Image) -> Image.Image:
    return ImageOps.colorize(image.convert("L"), (44, 28, 16), (244, 226, 188))


def _drawing(image: Image.Image) -> Image.Image:
    edges = ImageOps.invert(image.convert("L").filter(ImageFilter.FIND_EDGES))
    return ImageOps.autocontrast(edges).convert("RGB")


def _painting(image: Image.Image) -> Image.Image:
    strokes = image.filter(ImageFilter.ModeFilter(5))
    return ImageEnhance.Color(strokes).enhance(1.5)


def _tinted(red: float, green: float, blue: float, contrast: float) -> Callable[..., Image.Image]:
    gains = (red, green, blue)
    table = [
        max(0, min(255, round(((v - 118) * contrast + 118) * gain))) for gain in gains
        for v in range(256)
    ]  # fmt: skip
    return lambda image: image.point(table)


LOOKS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "plain": lambda image: image,
    "warm": _tinted(1.14, 1.0, 0.8, 1.0),
    "cold": _tinted(0.84, 0.98, 1.16, 1.0),
    "vivid": lambda image: ImageEnhance.Contrast(ImageEnhance.Color(image).enhance(1.8)).enhance(
        1.25
    ),
    "faded": lambda image: ImageEnhance.Color(_tinted(1.06, 1.0, 0.94, 0.62)(image)).enhance(0.7),
    "dark": _tinted(0.58, 0.6, 0.76, 1.0),
    "monochrome": lambda image: ImageEnhance.Contrast(image.convert("L").convert("RGB")).enhance(
        1.2
    ),
    "sepia": _sepia,
    "drawing": _drawing,
    "painting": _painting,
}


@cache
def _vignette(size: int) -> NDArray[np.float32]:
    """Light that falls off towards the corners, [size, size, 1]."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    fall = 1 - 0.28 * (axis[:, None] ** 2 + axis[None, :] ** 2)
    return np.asarray(fall[..., None], dtype=np.float32)


def expose(
    choices: Choices, image: Image.Image, look: str, size: int, clutter: float
) -> tuple[Pixels, str]:
    """The finished picture, uint8 [size, size, 3], and what is laid over it ("" for nothing).

    `clutter` is the chance of a frame, a caption bar or a watermark.
    """
    image = LOOKS[look](image)
    if choices.chance(0.25):
        image = image.filter(ImageFilter.GaussianBlur(choices.between(0.3, 0.9) * size / 64))
    pixels = np.asarray(image, dtype=np.float32) * choices.between(0.88, 1.12)
    if choices.chance(0.3):
        pixels = pixels * _vignette(size)
    noise = choices.pick((0.0, 2.0, 5.0, 11.0))
    if noise:
        x, y = choices.count(0, SIDE - 1), choices.count(0, SIDE - 1)
        step = np.arange(size)
        pixels = pixels + noise * noise_bank()[np.ix_((step + y) % SIDE, (step + x) % SIDE)]
    finished = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    overlay = ""
    if choices.chance(clutter):
        overlay = choices.pick(("frame", "bar", "watermark"))
        _overlay(choices, finished, overlay)
    return _jpeg(finished, choices.count(30, 92)), overlay


def _overlay(choices: Choices, image: Image.Image, kind: str) -> None:
    draw, size = ImageDraw.Draw(image), image.width
    tone = choices.pick(((255, 255, 255), (16, 16, 18), (206, 32, 44), (30, 70, 150)))
    if kind == "frame":
        draw.rectangle((0, 0, size - 1, size - 1), outline=tone, width=max(1, size // 21))
        return
    if kind == "bar":
        y = choices.pick((0, round(size * 0.86)))
        draw.rectangle((0, y, size, y + round(size * 0.14)), fill=tone)
        _writing(choices, draw, size, y + size * 0.03, (235, 235, 235))
        return
    _writing(choices, draw, size, size * choices.between(0.4, 0.9), (214, 214, 214))


def _writing(
    choices: Choices, draw: ImageDraw.ImageDraw, size: int, y: float, tone: tuple[int, int, int]
) -> None:
    """Words too small to be read."""
    x, high = size * choices.between(0.05, 0.4), size * 0.07
    while x < size * 0.92:
        wide = size * choices.between(0.02, 0.05)
        draw.rectangle((x, y + high * choices.between(0, 0.4), x + wide, y + high), fill=tone)
        x += wide * 1.5


def _jpeg(image: Image.Image, quality: int) -> Pixels:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))
