"""Composers of the scenes that people built. Each fills a layout in one orientation."""

from __future__ import annotations

import math

from winnow.terrarium.layout_builder import LayoutBuilder

ROOFS = ("red", "gray", "brown", "white")
CARS = ("white", "red", "blue", "black", "yellow")
BARE_OR_GREEN = ("grass", "grass", "soil")


def airport(d: LayoutBuilder) -> None:
    """Planes on an apron, a terminal more often than not, one or two runways."""
    d.ground = d.pick(BARE_OR_GREEN)
    terminal = d.chance(0.6)
    top = 0.27 if terminal else 0.06
    runways = 1 if d.chance(0.65) else 2
    bottom = 0.76 if runways == 1 else 0.62
    d.area("apron", "concrete", d.rect(0.03, 0.02, 0.97, bottom))
    for i in range(runways):
        y = (0.89 if runways == 1 else 0.73) + 0.19 * i
        tilt = d.between(-0.015, 0.015)
        d.line("runway", "asphalt", [(-0.1, y - tilt), (1.1, y + tilt)], 0.12, trait="straight")
    if terminal:
        d.put("terminal", d.pick(("white", "gray", "brown")), "large", (0.5, 0.11))
    n = d.count(1, 6)
    grid = (n, 1) if n < 4 else (3, 2)
    size = "large" if n < 4 and d.chance(0.5) else "small"
    first = len(d.things)
    angle = d.pick((-math.pi / 2, math.pi / 2, -math.pi / 4, 0.0))
    colours = ("white", "white", "gray", "blue", "red")
    d.spread("plane", n, (0.05, top, 0.95, bottom - 0.02), grid, colours, size, angle, 0.12)
    d.relations.append((first, "next to", 0 if terminal else "runway"))


def bridge(d: LayoutBuilder) -> None:
    """A bridge over a river, with cars on it or boats below."""
    banks = d.pick(("forest", "grass", "soil"))
    d.ground = banks
    water = d.pick(("green", "blue", "dark"))
    middle = d.between(0.42, 0.58)
    half = d.between(0.2, 0.3)
    bend = d.between(0.0, 0.05)
    upper = d.wander((middle - half, -0.1), (middle - half, 1.1), bend)
    d.area(
        "river",
        "water",
        [*upper, *[(x + 2 * half, y) for x, y in reversed(upper)]],
        colour=water,
        trait="wide" if half > 0.25 else "",
    )
    y = d.between(0.4, 0.6)
    lanes = d.between(0.13, 0.17)
    bridge_colour = d.pick(("gray", "white", "brown"))
    d.line("road", "asphalt", [(-0.1, y), (1.1, y)], lanes)
    deck = [(middle - half - 0.05, y), (middle + half + 0.05, y)]
    d.line("bridge", "concrete", deck, lanes + 0.05, colour=bridge_colour)
    cars = d.count(0, 4)
    if cars:
        on_deck = (deck[0][0], y - 0.055, deck[1][0], y + 0.055)
        d.spread("car", cars, on_deck, (4, 1), CARS)
        d.relations.append((0, "on", "bridge"))
    boats = d.count(0, 3)
    if boats and cars < 3:
        at = (middle - half + 0.06, y + 0.13, middle + half - 0.06, 0.98)
        d.spread("boat", boats, at, (boats, 1), ("white", "red"), "small", math.pi / 2, 0.4)
    if banks != "forest" and d.chance(0.6):
        d.spread("house", d.count(1, 3), (0.01, 0.02, 0.2, y - 0.1), (1, 3), ROOFS)
    d.relations.append(("bridge", "over", "river"))


def dense_residential(d: LayoutBuilder) -> None:
    """Many houses in rows along one or two streets."""
    d.ground = "grass" if d.chance(0.6) else "soil"
    cross = d.chance(0.45)
    d.line("road", "asphalt", [(-0.1, 0.5), (1.1, 0.5)], 0.1, trait="straight")
    if cross:
        d.line("road", "asphalt", [(0.5, -0.1), (0.5, 1.1)], 0.1, trait="crossing")
    roofs = d.pick(ROOFS)
    size = d.pick(("small", "small", "large"))
    columns, shape = (3, (0.21, 0.16)) if size == "large" else (4, (0.155, 0.13))
    rows = 2 if size == "large" else 3
    for y0, y1 in ((0.01, 0.44), (0.56, 0.99)):
        for x0, x1 in ((0.01, 0.44), (0.56, 0.99)) if cross else ((0.01, 0.99),):
            c = max(1, columns // 2) if cross else columns
            for x, y in d.cells((x0, y0, x1, y1), c, rows, c * rows):
                step = (x1 - x0) / c, (y1 - y0) / rows
                fit = (min(shape[0], step[0] * 0.86), min(shape[1], step[1] * 0.82))
                slack = (step[0] - fit[0]) * 0.3, (step[1] - fit[1]) * 0.3
                at = x + d.between(-slack[0], slack[0]), y + d.between(-slack[1], slack[1])
                factor = d.between(0.86, 1.0)
                shrunk = (fit[0] * factor, fit[1] * factor)
                d.put("house", roofs, size, at, d.between(-0.05, 0.05), shrunk)
    if d.chance(0.3):
        d.spread("car", d.count(1, 3), (0.03, 0.455, 0.97, 0.545), (6, 1), CARS)
    if d.chance(0.55):
        d.trees((0.0, 0.0, 1.0, 1.0), 70, 0.07, "lush")
    d.relations.append((0, "along", "road"))


def harbor(d: LayoutBuilder) -> None:
    """Ships or boats moored at piers that leave a quay."""
    water = d.pick(("blue", "green", "dark"))
    d.ground, d.ground_colour = "water", water
    quay = d.between(0.17, 0.24)
    d.area("quay", "concrete", d.rect(-0.1, -0.1, 1.1, quay))
    piers = d.count(1, 3)
    n = d.count(1, 6)
    reach = d.between(0.72, 0.85)
    for i in range(piers):
        x = (i + 1) / (piers + 1)
        d.line("pier", "concrete", [(x, quay - 0.02), (x, reach)], 0.05, trait="long")
    colours = ("white", "red", "blue", "gray")
    if n <= 3 and d.chance(0.6):
        grid = (piers + 1, 1) if n <= piers + 1 else (4, 1)
        size = d.pick(("large", "small"))
        d.spread("ship", n, (0.02, quay + 0.03, 0.98, 0.9), grid, colours, size, math.pi / 2)
    else:
        _moor(d, n, piers, quay, reach, d.pick(colours))
    if d.chance(0.55):
        d.spread("warehouse", d.count(1, 3), (0.02, 0.0, 0.98, quay), (3, 1), ROOFS)
    d.relations.append((0, "next to", "pier"))


def _moor(
    d: LayoutBuilder, number: int, piers: int, quay: float, reach: float, colour: str
) -> None:
    """Boats at right angles to the piers, bow outwards; on one side only where it is narrow."""
    length, width = d.footprint("boat", "small")
    length = min(length, 0.15)
    rows = 4 if piers > 1 else 3
    berths = []
    for pier in range(piers):
        for row in range(rows):
            for side in (1, -1) if piers < 3 else (1,):
                x = (pier + 1) / (piers + 1) + side * (0.04 + length / 2)
                y = quay + 0.1 + row * (reach - quay - 0.14) / (rows - 1)
                berths.append((x, y, 0.0 if side > 0 else math.pi))
    for cell in d.cells((0.0, 0.0, 1.0, 1.0), len(berths), 1, number):
        x, y, angle = berths[int(cell[0] * len(berths))]
        d.put("boat", colour, "small", (x, y), angle, (length, width))


def industrial_area(d: LayoutBuilder) -> None:
    """Large sheds on paved ground, with trucks, tanks or trees around them."""
    d.ground = d.pick(("concrete", "soil", "grass"))
    d.line("road", "asphalt", [(-0.1, 0.91), (1.1, 0.91)], 0.12, trait="straight")
    n = d.count(1, 5)
    colours = ("blue", "white", "gray", "red")
    grid = (n, 1) if n < 3 else (2, 2) if n == 4 else (3, 2)
    size = "large" if n < 4 else "small"
    box = (0.03, 0.02, 0.97, 0.82 if n > 2 else 0.7)
    d.spread("warehouse", n, box, grid, colours, size)
    if d.chance(0.5):
        d.spread("truck", d.count(1, 4), (0.03, 0.87, 0.97, 0.95), (4, 1), ("white", "red", "blue"))
        d.relations.append((n, "on", "road"))
    if n <= 2 and d.chance(0.5):
        d.spread("tank", d.count(1, 3), (0.05, 0.68, 0.6, 0.85), (3, 1), ("white", "gray"))
    elif d.ground == "grass" or d.chance(0.3):
        d.trees((0.0, 0.8, 1.0, 0.86), 22)
    d.relations.append((0, "next to", "road"))


def intersection(d: LayoutBuilder) -> None:
    """Two roads that cross, with cars, and what lies in the four corners."""
    d.ground = d.pick(("grass", "soil", "concrete"))
    x, y = d.between(0.4, 0.6), d.between(0.4, 0.6)
    half = d.between(0.17, 0.22)
    d.line("road", "asphalt", [(-0.1, y), (1.1, y)], half, trait="crossing")
    d.line("road", "asphalt", [(x, -0.1), (x, 1.1)], half, trait="crossing")
    n = d.count(0, 6)
    if n:
        d.spread("car", n, (0.02, y - half / 2, 0.98, y + half / 2), (6, 2), CARS)
        d.relations.append((0, "on", "road"))
    corners = [(0.16, 0.16), (0.84, 0.16), (0.16, 0.84), (0.84, 0.84)]
    filled = d.pick(("buildings", "trees", "none", "both"))
    if filled in ("buildings", "both"):
        colour, many = d.pick(ROOFS), d.count(1, 4)
        for at in corners[:many]:
            d.put("building", colour, "small", at)
    if filled in ("trees", "both"):
        for cx, cy in corners:
            d.trees((cx - 0.17, cy - 0.17, cx + 0.13, cy + 0.13), 9, 0.1)


def parking_lot(d: LayoutBuilder) -> None:
    """Cars in marked bays: a handful, or a full lot."""
    d.ground = d.pick(("asphalt", "asphalt", "concrete"))
    full = d.chance(0.35)
    edge = d.pick(("building", "trees", "grass", "none"))
    top = 0.3 if edge != "none" else 0.04
    for y in (top + 0.06, (top + 0.96) / 2 + 0.02):
        d.area("bays", "asphalt", d.rect(0.04, y, 0.96, y + 0.2), trait="marked")
    rows = [feature.points[0][1] for feature in d.features]
    if full:
        tones = [d.pick(CARS) for _ in range(3)]
        for y in rows:
            for at in d.cells((0.05, y + 0.02, 0.95, y + 0.18), 10, 1, d.count(8, 10)):
                d.put("car", d.pick(tones), "small", at, math.pi / 2, (0.14, 0.065))
    else:
        n, near = d.count(1, 6), d.pick(rows)
        colour = d.pick(CARS)
        for at in d.cells((0.05, near + 0.02, 0.95, near + 0.18), 8, 1, n):
            d.put("car", colour, "small", at, math.pi / 2, (0.16, 0.08))
    if edge == "building":
        d.put("building", d.pick(ROOFS), "large", (0.5, 0.13), 0.0, (d.between(0.5, 0.8), 0.2))
        d.relations.append((0, "next to", len(d.things) - 1))
    elif edge != "none":
        d.area("lawn", "grass", d.rect(-0.1, -0.1, 1.1, 0.2))
        if edge == "trees":
            d.trees((0.0, 0.02, 1.0, 0.16), 26, 0.1)


def sparse_residential(d: LayoutBuilder) -> None:
    """One to four houses in a green or dry landscape."""
    d.ground = d.pick(("grass", "grass", "scrub", "soil"))
    n = d.count(1, 4)
    size = d.pick(("small", "large"))
    road = d.wander((-0.1, 0.88), (1.1, 0.86), d.pick((0.0, 0.05)))
    d.line("road", d.pick(("asphalt", "soil")), road, 0.075)
    grid = (n, 1) if n < 4 else (2, 2)
    d.spread("house", n, (0.06, 0.1, 0.94, 0.74), grid, ROOFS, size, 0.0, 0.5 if n < 4 else 0.1)
    if d.chance(0.35):
        d.put("pool", "blue", "small", (d.between(0.15, 0.85), 0.7), d.between(-0.4, 0.4))
        d.relations.append((n, "near", 0))
    if d.chance(0.6):
        d.trees((0.0, 0.0, 1.0, 0.78), d.pick((9, 45)), 0.1, "")
    d.relations.append((0, "near", "road"))


def stadium(d: LayoutBuilder) -> None:
    """An oval track around a pitch, with stands or a parking lot beside it."""
    d.ground = d.pick(BARE_OR_GREEN)
    track = d.pick(("red", "red", "blue", "gray"))
    rx, ry = d.between(0.36, 0.43), d.between(0.27, 0.31)
    y = 0.46
    d.area("track", "court", _race_oval(0.5, y, rx, ry), colour=track)
    inner = d.pick(("green", "green", "brown"))
    d.area("pitch", "court", _race_oval(0.5, y, rx - 0.085, ry - 0.085), colour=inner)
    stands = d.count(0, 2)
    for i in range(stands):
        at = (0.5, y - ry - 0.08 if i == 0 else y + ry + 0.09)
        d.put("stand", d.pick(("white", "gray")), "small", at)
    if stands < 2:
        beside = d.pick(("cars", "trees", "none"))
        if beside == "cars":
            d.area("lot", "asphalt", d.rect(-0.1, 0.82, 1.1, 1.1))
            d.spread(
                "car", d.count(2, 6), (0.05, 0.84, 0.95, 0.98), (8, 1), CARS, "small", math.pi / 2
            )
        elif beside == "trees":
            d.trees((0.0, 0.84, 1.0, 0.97), 26, 0.1)
    d.relations.append(("track", "around", "pitch"))


def _race_oval(x: float, y: float, rx: float, ry: float) -> list[tuple[float, float]]:
    """Two half circles joined by straights: the outline of a running track."""
    bend = rx - ry
    points = []
    for step in range(24):
        a = math.tau * (step + 0.5) / 24 - math.pi / 2
        points.append(
            (x + math.copysign(bend, math.cos(a)) + ry * math.cos(a), y + ry * math.sin(a))
        )
    return points


def storage_tanks(d: LayoutBuilder) -> None:
    """Round tanks on bare ground, concrete or grass."""
    d.ground = d.pick(("soil", "concrete", "grass"))
    n = d.count(1, 6)
    size = "large" if n <= 4 and d.chance(0.5) else "small"
    grid = (n, 1) if n < 4 else (2, 2) if n == 4 else (3, 2)
    road = d.chance(0.55)
    low = 0.8 if road else 0.95
    if d.chance(0.4):
        d.area(
            "yard", "concrete" if d.ground != "concrete" else "soil", d.rect(0.06, 0.06, 0.94, low)
        )
    if n < 4:
        shift = d.between(0.0, 0.25)
        box = (0.05, 0.05 + shift, 0.95, low - 0.25 + shift)
    else:
        box = (0.05, 0.05, 0.95, low)
    d.spread("tank", n, box, grid, ("white", "gray", "brown", "green"), size)
    if road:
        d.line("road", "asphalt", [(-0.1, 0.9), (1.1, 0.9)], 0.11, trait="straight")
        d.relations.append((0, "next to", "road"))
    if d.ground == "grass" and d.chance(0.5):
        d.trees((0.0, 0.0, 1.0, 0.05), 20, 0.09)


def tennis_court(d: LayoutBuilder) -> None:
    """One to four courts in a row, among lawns, trees or houses."""
    d.ground = d.pick(("grass", "grass", "concrete"))
    n = d.count(1, 4)
    size = "large" if n == 1 else d.pick(("small", "large")) if n == 2 else "small"
    colours = ("green", "blue", "red")
    grid = (n, 1) if n != 4 else (2, 2)
    d.spread(
        "court", n, (0.05, 0.08, 0.95, 0.72), grid, colours, size, math.pi / 2 if n < 4 else 0.0
    )
    beside = d.pick(("road", "trees", "building", "none"))
    if beside == "road":
        d.line("road", "asphalt", [(-0.1, 0.88), (1.1, 0.88)], 0.11, trait="straight")
        d.relations.append((0, "next to", "road"))
    elif beside == "building":
        d.put("building", d.pick(ROOFS), "small", (d.between(0.2, 0.8), 0.86), 0.0, (0.3, 0.17))
        d.relations.append((n, "next to", 0))
    elif beside == "trees":
        d.trees((0.0, 0.78, 1.0, 0.98), 34, 0.1)
