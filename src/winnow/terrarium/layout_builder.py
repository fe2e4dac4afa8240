"""A sketch pad on which scenes are composed before they become a frozen `Layout`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from winnow.terrarium.choices import Choices
from winnow.terrarium.schema import KINDS, Box, Feature, Point, Style, Thing

LARGE = 1.5
_CLEARLY = 1.25
"""How many times the small variety a large thing must measure, or nobody would call it large."""


class LayoutBuilder(Choices):
    """Collects features and things; every choice comes from one generator."""

    def __init__(self, rng: np.random.Generator, style: Style) -> None:
        super().__init__(rng)
        self.style = style
        self.scale = self.between(*style.scale)
        self.season = self.pick(style.seasons)
        self.ground = "grass"
        self.ground_colour = ""
        self.features: list[Feature] = []
        self.things: list[Thing] = []
        self.relations: list[tuple[int | str, str, int | str]] = []

    def area(self, name: str, surface: str, points: list[Point], **extra: object) -> None:
        """Add a polygon of land cover."""
        self.features.append(Feature(name, "area", surface, tuple(points), **extra))  # type: ignore[arg-type]

    def line(
        self, name: str, surface: str, points: list[Point], width: float, **extra: object
    ) -> None:
        """Add a polyline of land cover, `width` across."""
        self.features.append(Feature(name, "line", surface, tuple(points), width, **extra))  # type: ignore[arg-type]

    def trees(self, box: Box, number: int, width: float = 0.085, trait: str = "") -> None:
        """Scatter crowns inside a box, away from the things already placed."""
        points = []
        for _ in range(number):
            x, y = self.between(box[0], box[2]), self.between(box[1], box[3])
            if not any(
                t.box[0] - 0.04 < x < t.box[2] + 0.04 and t.box[1] - 0.04 < y < t.box[3] + 0.04
                for t in self.things
            ):
                points.append((x, y))
        if points:
            self.features.append(
                Feature("trees", "dots", "forest", tuple(points), width, "", trait)
            )

    def rect(self, x0: float, y0: float, x1: float, y1: float) -> list[Point]:
        """Corners of an upright rectangle."""
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]

    def oval(
        self, x: float, y: float, rx: float, ry: float, rough: float = 0.0, corners: int = 18
    ) -> list[Point]:
        """A closed curve; `rough` (0..1) makes its radius wander."""
        phases = [self.between(0, math.tau) for _ in range(3)]
        points = []
        for step in range(corners):
            a = math.tau * step / corners
            wander = sum(math.sin((k + 2) * a + p) / (k + 1.5) for k, p in enumerate(phases))
            r = 1 + rough * 0.6 * wander
            points.append((x + rx * r * math.cos(a), y + ry * r * math.sin(a)))
        return points

    def wander(self, start: Point, end: Point, bend: float, steps: int = 14) -> list[Point]:
        """A path from start to end that swings to the sides by about `bend`."""
        p, q = self.between(0, math.tau), self.between(0, math.tau)
        turns = self.between(0.7, 1.3)
        dx, dy = end[0] - start[0], end[1] - start[1]
        norm = math.hypot(dx, dy) or 1.0
        points = []
        for step in range(steps + 1):
            t = step / steps
            swing = bend * (math.sin(math.tau * turns * t + p) + 0.35 * math.sin(11 * t + q))
            points.append(
                (start[0] + dx * t - dy / norm * swing, start[1] + dy * t + dx / norm * swing)
            )
        return points

    def shore(self, level: float, rough: float = 0.03, steps: int = 12) -> list[Point]:
        """The part of the image below a wavy horizontal line at y = `level`."""
        edge = self.wander((-0.1, level), (1.1, level), rough, steps)
        return [*edge, (1.1, 1.1), (-0.1, 1.1)]

    def footprint(self, kind: str, size: str) -> tuple[float, float]:
        """Length and width of a thing in this builder's scale."""
        factor = self.scale * (LARGE if size == "large" else 1.0)
        return KINDS[kind].length * factor, KINDS[kind].width * factor

    def put(
        self,
        kind: str,
        colour: str,
        size: str,
        at: Point,
        angle: float = 0.0,
        shape: tuple[float, float] | None = None,
    ) -> None:
        """Place a thing, pushed inside the image where it would stick out."""
        length, width = shape or self.footprint(kind, size)
        c, s = abs(math.cos(angle)), abs(math.sin(angle))
        half_w, half_h = (length * c + width * s) / 2, (length * s + width * c) / 2
        fit = min(1.0, 0.48 / half_w, 0.48 / half_h)
        length, width, half_w, half_h = length * fit, width * fit, half_w * fit, half_h * fit
        x = min(max(at[0], half_w + 0.01), 0.99 - half_w)
        y = min(max(at[1], half_h + 0.01), 0.99 - half_h)
        box = (x - half_w, y - half_h, x + half_w, y + half_h)
        self.things.append(Thing(kind, colour, size, box, angle, length, width))

    def cells(self, box: Box, columns: int, rows: int, number: int) -> list[Point]:
        """Centres of `number` different cells of a grid over a box, in random order."""
        order = self._rng.permutation(columns * rows)[:number]
        wide, high = (box[2] - box[0]) / columns, (box[3] - box[1]) / rows
        return [
            (box[0] + (int(i) % columns + 0.5) * wide, box[1] + (int(i) // columns + 0.5) * high)
            for i in order
        ]

    def _fit(self, kind: str, size: str, box: Box, grid: tuple[int, int], angle: float) -> float:
        """How much a thing must shrink (at most 1) to stay clear of the walls of its cell."""
        length, width = self.footprint(kind, size)
        wide, high = (box[2] - box[0]) / grid[0], (box[3] - box[1]) / grid[1]
        c, s = abs(math.cos(angle)), abs(math.sin(angle))
        across, down = length * c + width * s, length * s + width * c
        return min(1.0, 0.8 * wide / across, 0.8 * high / down)

    def spread(
        self,
        kind: str,
        number: int,
        box: Box,
        grid: tuple[int, int],
        colours: Sequence[str],
        size: str = "small",
        angle: float = 0.0,
        loose: float = 0.0,
    ) -> None:
        """Place `number` things of one kind in separate cells of a grid.

        All have one colour, or now and then two when three or more things allow it. `loose`
        (radians) lets the angle of each differ; positions wander inside the cell as room allows.
        """
        if size == "large" and LARGE * self._fit(kind, size, box, grid, angle) < _CLEARLY:
            size = "small"
        colour = self.pick(colours)
        other = self.pick(colours) if number >= 3 and self.chance(0.22) else colour
        length, width = self.footprint(kind, size)
        wide, high = (box[2] - box[0]) / grid[0], (box[3] - box[1]) / grid[1]
        c, s = abs(math.cos(angle)), abs(math.sin(angle))
        fit = self._fit(kind, size, box, grid, angle)
        length, width = length * fit, width * fit
        room_x = max(0.0, wide - length * c - width * s) / 2
        room_y = max(0.0, high - length * s - width * c) / 2
        for i, (x, y) in enumerate(self.cells(box, grid[0], grid[1], number)):
            at = x + self.between(-room_x, room_x) * 0.65, y + self.between(-room_y, room_y) * 0.65
            turned = angle + self.between(-loose, loose)
            tone = other if 2 * i >= number + (number % 2) else colour
            self.put(kind, tone, size, at, turned, (length, width))
