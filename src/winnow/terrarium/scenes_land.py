"""Composers of the scenes that nature made. Each fills a layout in one orientation."""

from __future__ import annotations

import math

from winnow.terrarium.layout_builder import LayoutBuilder
from winnow.terrarium.schema import Point

WATERS = ("blue", "green", "dark")
ROOFS = ("red", "gray", "brown", "white")


def beach(d: LayoutBuilder) -> None:
    """Sea, foam and sand, then plants, a road or more sand."""
    d.ground, d.ground_colour = "sand", d.pick(("yellow", "white", "gray"))
    level = d.between(0.4, 0.6)
    rough = d.pick((0.012, 0.05))
    shore = d.shore(level, rough)
    water = d.pick(("blue", "green", "dark"))
    trait = "curved" if rough > 0.03 else "straight"
    d.area("surf", "sand", [(x, y - 0.035) for x, y in shore], colour="wet")
    d.area("sea", "water", shore, colour=water)
    for k in range(d.count(1, 3)):
        wave = [(x, y + 0.02 + 0.085 * k) for x, y in shore[:-2]]
        d.line("waves", "water", wave, 0.022 - 0.004 * k, colour="foam", trait=trait)
    back = d.pick(("trees", "grass", "road", "none", "houses"))
    if back in ("trees", "grass"):
        edge = [(x, y - 1) for x, y in d.shore(1.2, 0.03)[:-2]]
        surface = "forest" if back == "trees" else "grass"
        d.area("plants", surface, [*edge, (1.1, -0.1), (-0.1, -0.1)])
    elif back == "road":
        d.line("road", "asphalt", [(-0.1, 0.12), (1.1, 0.12)], 0.1, trait="straight")
    elif back == "houses":
        d.spread("house", d.count(2, 4), (0.03, 0.03, 0.97, 0.25), (4, 1), ROOFS)
    boats = d.count(0, 4)
    if boats:
        first = len(d.things)
        box = (0.05, level + 0.26, 0.95, 0.97)
        d.spread("boat", boats, box, (boats, 1), ("white", "red"), "small", 0.0, 0.7)
        d.relations.append((first, "in", "sea"))


def desert(d: LayoutBuilder) -> None:
    """Dunes or flat sand; a road, rocks or shrubs at most."""
    d.ground = d.pick(("dunes", "dunes", "sand"))
    d.ground_colour = d.pick(("yellow", "brown", "red", "white"))
    extra = d.pick(("road", "shrubs", "rocks", "none", "none"))
    if extra == "road":
        path = d.wander(
            (-0.1, d.between(0.25, 0.75)), (1.1, d.between(0.25, 0.75)), d.pick((0, 0.1))
        )
        d.line("road", "asphalt", path, 0.07)
        d.relations.append(("road", "through", "desert"))
    elif extra == "shrubs":
        d.trees((0.02, 0.02, 0.98, 0.98), d.count(10, 24), 0.055, "shrubs")
    elif extra == "rocks":
        at = d.between(0.3, 0.7), d.between(0.3, 0.7)
        d.area("rocks", "rock", d.oval(*at, d.between(0.18, 0.3), d.between(0.14, 0.24), 0.5))


def farmland(d: LayoutBuilder) -> None:
    """A patchwork of fields, or round fields, with a farm track."""
    d.ground = "soil"
    if d.chance(0.25):
        _round_fields(d)
    else:
        _patchwork(d)
    if d.chance(0.45):
        road = [(-0.1, 0.5), (1.1, 0.5 + d.between(-0.1, 0.1))]
        d.line("road", d.pick(("soil", "asphalt")), road, 0.06, trait="straight")
    if d.chance(0.35):
        d.spread("barn", d.count(1, 3), (0.05, 0.05, 0.6, 0.3), (3, 1), ("red", "gray", "white"))
        d.relations.append((0, "among", "field"))
    if d.chance(0.35):
        edge = d.pick((0.03, 0.97))
        d.trees((0.0, edge - 0.03, 1.0, edge + 0.03), 24, 0.085, "row")


def _round_fields(d: LayoutBuilder) -> None:
    n = d.pick((1, 2, 4))
    colour = d.pick(("green", "dark green", "yellow", "brown"))
    grid, r = {1: ((1, 1), 0.42), 2: ((2, 1), 0.235), 4: ((2, 2), 0.235)}[n]
    for x, y in d.cells((0.02, 0.02, 0.98, 0.98), *grid, n):
        points = d.oval(x, y, r, r)
        d.area("field", "crop", points, colour=colour, trait="round", angle=d.between(0, 3))


def _patchwork(d: LayoutBuilder) -> None:
    columns, rows = d.pick(((1, 2), (2, 1), (2, 2), (3, 2), (3, 1), (1, 4)))
    palette = [d.pick(("green", "dark green", "yellow", "brown")) for _ in range(2)]
    angle = d.pick((0.0, math.pi / 2))
    xs = [-0.1, *(i / columns + d.between(-0.06, 0.06) for i in range(1, columns)), 1.1]
    ys = [-0.1, *(i / rows + d.between(-0.05, 0.05) for i in range(1, rows)), 1.1]
    skew = d.between(-0.06, 0.06)
    for i in range(columns):
        for j in range(rows):
            points = [
                (xs[i] + 0.008, ys[j] + 0.008 + skew * (i > 0)),
                (xs[i + 1] - 0.008, ys[j] + 0.008 + skew * (i + 1 < columns)),
                (xs[i + 1] - 0.008, ys[j + 1] - 0.008 + skew * (i + 1 < columns)),
                (xs[i] + 0.008, ys[j + 1] - 0.008 + skew * (i > 0)),
            ]
            colour = palette[(i + j) % 2]
            turned = angle + (math.pi / 2 if d.chance(0.3) else 0.0)
            d.area("field", "crop", points, colour=colour, trait="square", angle=turned)


def forest(d: LayoutBuilder) -> None:
    """Crowns everywhere, or with a clearing, a road or a stream."""
    d.ground = "forest"
    d.ground_colour = d.pick(("", "dark green"))
    extra = d.pick(("road", "stream", "clearing", "none", "house", "pond"))
    if extra in ("road", "stream"):
        bend = d.pick((0.0, 0.12))
        path = d.wander((-0.1, d.between(0.2, 0.8)), (1.1, d.between(0.2, 0.8)), bend)
        trait = "curved" if bend else "straight"
        if extra == "road":
            d.line("road", d.pick(("asphalt", "soil")), path, 0.085, trait=trait)
        else:
            d.line("stream", "water", path, 0.09, colour=d.pick(WATERS), trait=trait)
        d.relations.append((extra, "through", "forest"))
    elif extra == "clearing":
        at = d.between(0.3, 0.7), d.between(0.3, 0.7)
        surface = d.pick(("grass", "soil"))
        d.area("clearing", surface, d.oval(*at, d.between(0.18, 0.28), d.between(0.16, 0.26), 0.4))
    elif extra == "pond":
        at = d.between(0.3, 0.7), d.between(0.3, 0.7)
        d.area("pond", "water", d.oval(*at, 0.2, 0.16, 0.35), colour=d.pick(WATERS))
    elif extra == "house":
        at = d.between(0.3, 0.7), d.between(0.3, 0.7)
        d.area("clearing", "grass", d.oval(*at, 0.2, 0.18, 0.3))
        d.put("house", d.pick(ROOFS), "small", at, d.between(-0.5, 0.5))


def golf_course(d: LayoutBuilder) -> None:
    """Fairways and bunkers between trees, sometimes with a pond."""
    d.ground = "grass"
    d.ground_colour = "rough"
    for y in (0.3, 0.72):
        path = d.wander((-0.05, y), (1.05, y + d.between(-0.1, 0.1)), 0.08)
        d.line("fairway", "grass", path, d.between(0.2, 0.28), colour="light green")
    for x, y in d.cells((0.1, 0.15, 0.9, 0.85), 2, 2, 2):
        d.area("green", "grass", d.oval(x, y, 0.1, 0.08, 0.2), colour="mown")
    pond = d.chance(0.4)
    n = d.count(1, 6)
    d.spread("bunker", n, (0.04, 0.06, 0.96, 0.62), (3, 2), ("white", "yellow"), "small", 0.0, 0.6)
    if pond:
        at = d.between(0.25, 0.75), 0.8
        d.area("pond", "water", d.oval(*at, 0.2, 0.13, 0.4), colour=d.pick(WATERS))
        d.relations.append((0, "near", "pond"))
    if d.chance(0.6):
        d.trees((0.0, 0.0, 1.0, 1.0) if not pond else (0.0, 0.0, 1.0, 0.62), 30, 0.09)
    if d.chance(0.3):
        d.line("road", "concrete", d.wander((-0.1, 0.5), (1.1, 0.5), 0.06), 0.04, trait="curved")


def lake(d: LayoutBuilder) -> None:
    """One lake among trees, grass, bare land or snow, with boats or an island."""
    d.ground = d.pick(("forest", "grass", "soil", "rock"))
    rough = d.pick((0.1, 0.6))
    rx, ry = d.between(0.28, 0.4), d.between(0.24, 0.34)
    trait = "round" if rough < 0.3 else "irregular"
    water = d.pick(WATERS)
    at = d.between(0.45, 0.55), d.between(0.45, 0.55)
    d.area("lake", "water", d.oval(*at, rx, ry, rough, 24), colour=water, trait=trait)
    extra = d.pick(("island", "boats", "none", "house", "road"))
    if extra == "island":
        surface = d.pick(("forest", "sand"))
        d.area("island", surface, d.oval(*at, 0.1, 0.08, 0.3))
        d.relations.append(("island", "in", "lake"))
    elif extra == "boats":
        n = d.count(1, 3)
        box = (at[0] - 0.19, at[1] - 0.14, at[0] + 0.19, at[1] + 0.14)
        d.spread("boat", n, box, (n, 1), ("white", "red"), "small", math.pi / 2, 0.3)
        d.relations.append((0, "on", "lake"))
    elif extra == "house":
        d.spread("house", d.count(1, 3), (0.02, 0.01, 0.98, 0.16), (3, 1), ROOFS)
        d.relations.append((0, "near", "lake"))
    elif extra == "road":
        d.line("road", "asphalt", d.wander((-0.1, 0.91), (1.1, 0.91), 0.015), 0.075)


def meadow(d: LayoutBuilder) -> None:
    """Open grass with single trees, a path or flowers."""
    d.ground = "grass"
    d.ground_colour = d.pick(("", "light green", "yellow"))
    if d.chance(0.5):
        bend = d.pick((0.0, 0.1))
        path = d.wander((-0.1, d.between(0.3, 0.7)), (1.1, d.between(0.3, 0.7)), bend)
        trait = "curved" if bend else "straight"
        d.line("path", "soil", path, 0.05, trait=trait)
        d.relations.append(("path", "through", "meadow"))
    n = d.count(0, 6)
    if n:
        size = d.pick(("small", "large"))
        colours = ("orange",) if d.season == "autumn" else ("green",)
        d.spread("tree", n, (0.04, 0.04, 0.96, 0.96), (3, 2), colours, size)
    if d.chance(0.25):
        at = d.between(0.3, 0.7), d.between(0.3, 0.7)
        d.area("pond", "water", d.oval(*at, 0.17, 0.13, 0.3), colour=d.pick(WATERS))


def mountain(d: LayoutBuilder) -> None:
    """Ridges of bare rock or green slopes, snow on top, a valley now and then."""
    d.ground = "rock"
    d.ground_colour = d.pick(("gray", "brown", "green"))
    if d.chance(0.45):
        spine = d.wander((-0.1, d.between(0.2, 0.5)), (1.1, d.between(0.2, 0.5)), 0.12)
        offset = d.between(0.13, 0.22)
        lower = [(x, y + offset + d.between(-0.06, 0.06)) for x, y in reversed(spine)]
        d.area("snow", "snow", [*[(x, y - offset) for x, y in spine], *lower])
    valley = d.pick(("none", "river", "road", "trees"))
    path = d.wander((-0.1, d.between(0.68, 0.85)), (1.1, d.between(0.68, 0.85)), 0.07)
    if valley == "river":
        d.line("river", "water", path, 0.08, colour=d.pick(WATERS), trait="curved")
        d.relations.append(("river", "through", "mountain"))
    elif valley == "road":
        d.line("road", "asphalt", path, 0.06, trait="curved")
        d.relations.append(("road", "through", "mountain"))
    elif valley == "trees":
        d.trees((0.0, 0.62, 1.0, 0.98), 60, 0.075)


def river(d: LayoutBuilder) -> None:
    """A river between banks that are wooded, green, bare or built up."""
    d.ground = d.pick(("forest", "grass", "soil"))
    curved = d.chance(0.6)
    wide = d.chance(0.5)
    width = d.between(0.3, 0.38) if wide else d.between(0.14, 0.19)
    bend = d.between(0.11, 0.17) if curved else 0.0
    path = d.wander((-0.12, d.between(0.42, 0.58)), (1.12, d.between(0.42, 0.58)), bend)
    d.line("bank", "sand", path, width + 0.05)
    water = d.pick(("blue", "green", "dark", "brown"))
    d.line("river", "water", path, width, colour=water, trait="curved" if curved else "straight")
    extra = d.pick(("boats", "houses", "trees", "road", "none"))
    if extra == "boats" and wide:
        n = d.count(1, 3)
        _along(d, path, n)
        d.relations.append((0, "on", "river"))
    elif extra == "houses" and d.ground != "forest":
        d.spread("house", d.count(2, 5), (0.02, 0.02, 0.98, 0.2), (5, 1), ROOFS)
        d.relations.append((0, "near", "river"))
    elif extra == "trees" and d.ground != "forest":
        d.trees((0.0, 0.8, 1.0, 0.98), 40, 0.09)
    elif extra == "road":
        d.line("road", "asphalt", [(-0.1, 0.93), (1.1, 0.93)], 0.075, trait="straight")


def _along(d: LayoutBuilder, path: list[Point], number: int) -> None:
    """Boats that follow the course of a river."""
    colour = d.pick(("white", "red"))
    for k in range(number):
        step = round((k + 1) / (number + 1) * (len(path) - 1))
        (x0, y0), (x1, y1) = path[step - 1], path[step + 1]
        d.put("boat", colour, "small", path[step], math.atan2(y1 - y0, x1 - x0))
