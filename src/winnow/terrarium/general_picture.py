"""A picture of the general world while it is painted: what is painted is noted as its truth."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from winnow.terrarium import general_things
from winnow.terrarium.choices import Choices
from winnow.terrarium.objects import shade
from winnow.terrarium.schema import Box, Point, Thing
from winnow.terrarium.textures import SIDE, Colour, fractal

PAINTS: dict[str, Colour] = {
    "white": (244, 243, 240),
    "gray": (136, 138, 143),
    "black": (30, 30, 34),
    "red": (212, 34, 40),
    "blue": (34, 84, 200),
    "green": (38, 146, 66),
    "brown": (122, 76, 44),
    "yellow": (250, 206, 30),
    "orange": (244, 130, 28),
    "pink": (238, 130, 170),
}
_VEHICLES = ("white", "gray", "black", "red", "blue", "green", "yellow", "orange", "pink")
_WALLS = ("white", "gray", "red", "blue", "brown", "yellow", "orange", "pink", "green")
# Green trees are most of all; others are in autumn, or in blossom.
COLOURS: dict[str, tuple[str, ...]] = {
    "plane": ("white", "white", "gray", "red", "blue", "yellow"),
    "ship": ("white", "black", "red", "blue", "gray", "green"),
    "boat": ("white", "red", "blue", "yellow", "green", "brown"),
    "car": _VEHICLES,
    "truck": _VEHICLES,
    "house": _WALLS,
    "building": _WALLS,
    "terminal": ("white", "gray", "brown", "blue"),
    "warehouse": ("white", "gray", "red", "blue", "brown", "green"),
    "barn": ("red", "red", "brown", "gray", "white"),
    "tank": ("white", "white", "gray", "brown", "green", "blue"),
    "court": ("green", "blue", "red", "brown"),
    "pool": ("blue",),
    "tree": ("green", "green", "green", "orange", "yellow", "pink"),
    "bunker": ("white", "yellow"),
    "stand": ("gray", "blue", "red", "white"),
}

# Colours of what is not counted, the first word of each being what a caption may call it.
SURFACES: dict[str, dict[str, Colour]] = {
    "grass": {"green": (86, 156, 58), "bright green": (122, 190, 70), "dry": (190, 176, 96)},
    "water": {"blue": (36, 110, 184), "green": (48, 138, 120), "dark": (24, 46, 72),
              "turquoise": (70, 190, 200), "brown": (136, 112, 76)},
    "sand": {"yellow": (236, 208, 140), "white": (244, 234, 212), "red": (206, 124, 80),
             "brown": (196, 156, 108)},
    "street": {"gray": (112, 112, 116), "dark": (66, 66, 72)},
    "concrete": {"gray": (176, 174, 168), "white": (216, 214, 208)},
    "snow": {"white": (236, 240, 250)},
    "soil": {"brown": (136, 98, 64)},
    "crop": {"green": (104, 164, 60), "yellow": (232, 200, 84), "brown": (150, 110, 66)},
    "rock": {"gray": (126, 124, 128), "brown": (150, 114, 86), "green": (86, 118, 74)},
    "leaves": {"green": (52, 118, 50), "dark green": (30, 84, 48), "orange": (204, 120, 44)},
    "floor": {"wooden": (182, 132, 84), "gray": (150, 148, 150), "red": (164, 60, 60)},
    "wall": {"white": (238, 236, 232), "blue": (132, 168, 206), "yellow": (240, 216, 150),
             "pink": (240, 190, 200), "gray": (160, 160, 164), "green": (150, 186, 150)},
    "track": {"red": (200, 84, 62), "blue": (60, 110, 180)},
}  # fmt: skip
_GRAIN = {"water": 1, "rock": 2, "leaves": 3, "crop": 4, "wall": 0, "floor": 1}
_STRENGTH = {"wall": 0.06, "floor": 0.14, "snow": 0.07, "concrete": 0.1, "street": 0.12}

SKIES: dict[str, tuple[Colour, Colour]] = {  # above and at the horizon
    "clear": ((58, 134, 224), (186, 222, 246)),
    "cloudy": ((92, 150, 216), (206, 222, 236)),
    "gray": ((160, 166, 174), (214, 216, 220)),
    "sunset": ((96, 66, 130), (252, 150, 70)),
    "night": ((8, 12, 34), (34, 44, 84)),
}
LIGHT = {"clear": 1.0, "cloudy": 0.96, "gray": 0.84, "sunset": 0.72, "night": 0.5}


@cache
def _grains() -> tuple[Image.Image, ...]:
    """Light and dark of surfaces, L [SIDE, SIDE]: fine, drawn out, coarse, leaves, rows, clouds."""
    fine = fractal(0.7, 101) + 0.6 * fractal(1.8, 102)
    leaves = np.maximum(fractal(0.9, 105), fractal(0.8, 106)) - 0.5 + 0.5 * fractal(1.7, 107)
    y = np.arange(SIDE, dtype=np.float32)[:, None]
    rows = 1.4 * np.sin(y * (math.tau / 8)) + 0.5 * fractal(0.8, 108)
    fields = (
        fine, 1.2 * fractal(1.1, 103, 5.0), 1.3 * fractal(1.6, 104), leaves, rows,
        3.3 * fractal(1.9, 109, 0.6) - 2.4,
    )  # fmt: skip
    return tuple(
        Image.fromarray(np.clip(127 + 60 * field, 0, 255).astype(np.uint8)) for field in fields
    )


@cache
def _gradient(side: int, high: int) -> Image.Image:
    return Image.linear_gradient("L").resize((side, high))


class Picture(Choices):
    """The canvas, of `side` pixels, and what has been painted on it."""

    def __init__(self, rng: np.random.Generator, side: int, sky: str) -> None:
        super().__init__(rng)
        self.side = side
        self.sky_kind = sky
        self.light = LIGHT[sky]
        self.image = Image.new("RGB", (side, side))
        self.draw = ImageDraw.Draw(self.image)
        self.things: list[Thing] = []
        self.seen: dict[str, str] = {}  # what is not counted, and its colour

    def colour(self, colour: Colour, spread: int = 10) -> Colour:
        """A colour near the given one, in this picture's light."""
        r, g, b = (c + self.count(-spread, spread) for c in colour)
        return shade((r, g, b), self.light)

    def stuff(self, surface: str, colour: str) -> Image.Image:
        """A canvas full of a surface in one of its colours."""
        base = self.colour(SURFACES[surface][colour])
        strength = _STRENGTH.get(surface, 0.22)
        side = self.side
        bank = _grains()[_GRAIN.get(surface, 0)]
        x, y = self.count(0, SIDE - side), self.count(0, SIDE - side)
        mask = bank.crop((x, y, x + side, y + side)) if side <= SIDE else bank.resize((side, side))
        bright = Image.new("RGB", (side, side), shade(base, 1 + strength))
        dark = Image.new("RGB", (side, side), shade(base, 1 - strength))
        return Image.composite(bright, dark, mask)

    def sky(self, horizon: float) -> None:
        """Sky down to `horizon`, with the clouds, sun or stars of its kind."""
        side, high = self.side, max(1, round(horizon * self.side) + 1)
        above, below = (self.jitter(colour) for colour in SKIES[self.sky_kind])
        top = Image.new("RGB", (side, high), above)
        self.image.paste(
            Image.composite(Image.new("RGB", (side, high), below), top, _gradient(side, high))
        )
        if self.sky_kind in ("cloudy", "gray", "sunset"):
            x, y = self.count(0, SIDE // 2), self.count(0, SIDE // 2)
            cloud = _grains()[5].crop((x, y, x + SIDE // 2, y + SIDE // 2)).resize((side, high))
            tone = (250, 196, 170) if self.sky_kind == "sunset" else (248, 249, 252)
            self.image.paste(tone, (0, 0), cloud)
        if self.sky_kind == "sunset" and self.chance(0.6):
            self.disc(self.between(0.15, 0.85), horizon * 0.85, 0.06, (255, 226, 150))
        elif self.sky_kind == "night":
            if self.chance(0.5):
                self.disc(self.between(0.1, 0.9), horizon * self.between(0.2, 0.5), 0.05,
                          (240, 238, 214))  # fmt: skip
            for _ in range(14):
                star = self.between(0, 1) * side, self.between(0, horizon * 0.8) * side
                self.draw.point(star, fill=(220, 224, 240))
        self.seen["sky"] = self.sky_kind

    def jitter(self, colour: Colour) -> Colour:
        """A colour near the given one, whatever the light."""
        r, g, b = (max(0, min(255, c + self.count(-10, 10))) for c in colour)
        return r, g, b

    def disc(self, x: float, y: float, r: float, fill: Colour) -> None:
        """A round spot, in fractions of the side."""
        s = self.side
        self.draw.ellipse(((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s), fill=fill)

    def area(
        self, surface: str, points: list[Point], colour: str = "", name: str | None = None
    ) -> str:
        """Fill a polygon with a surface; returns the colour, which is noted under `name`."""
        colour = colour or self.pick(tuple(SURFACES[surface]))
        s = self.side
        stencil = Image.new("L", (s, s), 0)
        ImageDraw.Draw(stencil).polygon([(x * s, y * s) for x, y in points], fill=255)
        self.image.paste(self.stuff(surface, colour), (0, 0), stencil)
        if name != "":
            self.seen[name or surface] = colour
        return colour

    def band(
        self, surface: str, top: float, bottom: float = 1.0, colour: str = "",
        name: str | None = None,
    ) -> str:  # fmt: skip
        """Fill the whole width from `top` to `bottom`."""
        edge = [(0.0, top), (1.0, top), (1.0, bottom), (0.0, bottom)]
        return self.area(surface, edge, colour, name)

    def ridge(
        self, surface: str, base: float, height: float, colour: str = "", name: str | None = None,
        sharp: bool = False,
    ) -> str:  # fmt: skip
        """Hills, or if `sharp` peaks, that rise above `base` by up to `height`."""
        steps = 6 if sharp else 14
        p, q = self.between(0, math.tau), self.between(0, math.tau)
        points = []
        for k in range(steps + 1):
            wave = 0.5 + 0.3 * math.sin(4.1 * k / steps + p) + 0.2 * math.sin(9.7 * k / steps + q)
            rise = self.between(0.4, 1.0) if sharp and k % 2 else wave * (0.35 if sharp else 1)
            points.append((k / steps, base - height * rise))
        return self.area(surface, [*points, (1.0, base + 0.02), (0.0, base + 0.02)], colour, name)

    def path(
        self, surface: str, horizon: float, colour: str = "", name: str | None = None,
        wide: float = 0.5, bend: float = 0.0, narrow: float = 0.03,
    ) -> float:  # fmt: skip
        """A way that leads from the viewer to the horizon; returns where it meets it."""
        foot, far = self.between(0.3, 0.7), self.between(0.3, 0.7)
        left, right = [], []
        for k in range(11):
            t = k / 10
            x = foot + (far - foot) * t + bend * math.sin(math.tau * t) * (1 - t)
            half = (wide + (narrow - wide) * t**0.7) / 2
            y = 1.0 - (1.0 - horizon) * t
            left.append((x - half, y))
            right.append((x + half, y))
        self.area(surface, left + right[::-1], colour, name)
        return far

    def line(self, points: list[Point], fill: Colour, width: float = 0.012) -> None:
        """A stroke, in fractions of the side and in this picture's light."""
        s = self.side
        self.draw.line(
            [(x * s, y * s) for x, y in points], shade(fill, self.light), max(1, round(width * s))
        )

    def put(
        self, kind: str, x: float, foot: float, height: float, colour: str = "",
        variant: int | None = None, widest: float = 0.96,
    ) -> None:  # fmt: skip
        """Paint one thing that stands at (x, foot), `height` tall, and note it."""
        colour = colour or self.pick(COLOURS[kind])
        variants = len(general_things.shapes().kinds[kind])
        variant = self.count(0, variants - 1) if variant is None else variant
        wide = height * general_things.aspect(kind, variant)
        if wide > widest:
            wide, height = widest, height * widest / wide
        left = min(max(x - wide / 2, 0.01), 0.99 - wide)
        box: Box = (left, foot - height, left + wide, foot)
        s = self.side
        pixels = (box[0] * s, box[1] * s, box[2] * s, box[3] * s)
        general_things.paint(
            self.draw, kind, variant, pixels, self.jitter(PAINTS[colour]), self.chance(0.5),
            self.light,
        )  # fmt: skip
        box = (round(box[0], 4), round(box[1], 4), round(box[2], 4), round(box[3], 4))
        self.things.append(Thing(kind, colour, "", box))

    def row(
        self, kind: str, number: int, foot: float, height: float, left: float = 0.02,
        right: float = 0.98, colour: str = "", same: float = 0.75,
    ) -> None:  # fmt: skip
        """Paint things side by side; with chance `same` all have one colour and one shape."""
        if number == 0:
            return
        step = (right - left) / number
        alike = self.chance(same)
        colour = colour or (self.pick(COLOURS[kind]) if alike else "")
        variant = self.count(0, len(general_things.shapes().kinds[kind]) - 1) if alike else None
        for k in range(number):
            x = left + step * (k + 0.5) + self.between(-0.05, 0.05) * step
            self.put(kind, x, foot + self.between(-0.01, 0.01), height * self.between(0.94, 1.06),
                     colour, variant, 0.94 * step)  # fmt: skip
