"""Scenes as a passer-by photographs them: with a horizon, from the ground or from a low hill."""

from __future__ import annotations

from collections.abc import Callable

from winnow.terrarium.general_picture import Picture

WHITE = (240, 240, 236)


def _town(p: Picture, h: float) -> None:
    """A skyline, too far away to be counted."""
    x = 0.0
    while x < 1.0:
        wide, high = p.between(0.06, 0.14), p.between(0.08, 0.3)
        edge = [(x, h), (x, h - high), (x + wide, h - high), (x + wide, h)]
        p.area("concrete", edge, name="skyline")
        x += wide


def _wood(p: Picture, h: float, high: float = 0.16) -> None:
    p.ridge("leaves", h, high, name="trees")


def _behind(p: Picture, h: float) -> None:
    """What stands at the horizon of an open land."""
    kind = p.pick(("wood", "hills", "none", "none"))
    if kind == "wood":
        _wood(p, h)
    elif kind == "hills":
        p.ridge("grass", h, 0.14, name="hills")


def _marks(p: Picture, foot: float, far: float, h: float) -> None:
    """A broken line in the middle of a way from (foot, 1) to (far, h)."""
    for k in range(5):
        a, b = (k / 5) ** 0.7, ((k + 0.5) / 5) ** 0.7
        ends = [(foot + (far - foot) * t, 1 - (1 - h) * t) for t in (a, b)]
        p.line(ends, WHITE, 0.03 * (1 - a) + 0.006)


def airport(p: Picture, h: float) -> None:
    """Planes on the apron, a terminal behind, or a runway that leads away."""
    p.band("grass", h)
    if p.chance(0.35):
        far = p.path("street", h, name="runway", wide=0.9, narrow=0.1)
        _marks(p, 0.5, far, h)
        p.put("plane", far, h + p.between(-0.12, 0.1), 0.14, variant=1)
        return
    p.band("concrete", h + 0.04, name="tarmac")
    if p.chance(0.6):
        p.put("terminal", p.between(0.3, 0.7), h + 0.06, p.between(0.14, 0.2))
    p.row("plane", p.count(1, 4), p.between(0.72, 0.92), p.between(0.2, 0.36))


def beach(p: Picture, h: float) -> None:
    """Sea, foam and sand."""
    p.band("water", h, name="sea")
    p.row("boat", p.pick((0, 0, 1, 2)), h + 0.08, p.between(0.08, 0.16), 0.1, 0.9)
    shore, slant = p.between(h + 0.12, 0.78), p.between(-0.1, 0.1)
    edge = [(0.0, shore - slant), (0.5, shore + 0.03), (1.0, shore + slant)]
    p.line([(x, y - 0.012) for x, y in edge], (250, 252, 252), 0.03)
    p.area("sand", [*edge, (1.0, 1.0), (0.0, 1.0)])
    if p.chance(0.4):
        p.put("tree", p.pick((0.15, 0.85)), 0.95, p.between(0.4, 0.7), "green", 2)


def bridge(p: Picture, h: float) -> None:
    """A bridge from the bank: a deck on pillars or arches over water."""
    p.pick((_town, _wood))(p, h)
    p.band("water", h)
    deck, tone = p.between(h - 0.06, h + 0.12), p.pick(((150, 146, 140), (168, 60, 48), WHITE))
    p.line([(0, deck), (1, deck)], tone, 0.05)
    style = p.pick(("arches", "towers", "pillars"))
    for x in (0.05, 0.35, 0.65, 0.95):
        p.line([(x, deck), (x, deck + 0.16)], tone, 0.03)
    if style == "towers":
        for x in (0.25, 0.75):
            p.line([(x, deck + 0.14), (x, deck - 0.3)], tone, 0.035)
            for reach in (-0.24, -0.12, 0.12, 0.24):
                p.line([(x, deck - 0.29), (x + reach, deck)], tone, 0.01)
    elif style == "arches":
        for x in (0.2, 0.5, 0.8):
            arc = [(x + 0.15 * c, deck + 0.15 - 0.12 * s) for c, s in
                   ((-1, 0), (-0.7, 0.7), (0, 1), (0.7, 0.7), (1, 0))]  # fmt: skip
            p.line(arc, tone, 0.02)
    p.seen["bridge"] = ""
    if style != "towers":
        p.row("car", p.pick((0, 0, 1, 2)), deck - 0.02, 0.07, 0.1, 0.9)
    p.row("boat", p.pick((0, 0, 1, 2)), p.between(0.86, 0.95), p.between(0.12, 0.2), 0.1, 0.9)


def dense_residential(p: Picture, h: float) -> None:
    """House behind house along a street, or roofs down a hill."""
    p.band("grass", h)
    if p.chance(0.5):
        for k in range(3):
            p.row("house", p.count(5, 7), h + 0.1 + 0.2 * k, 0.2 + 0.03 * k, 0.0, 1.0, same=0.5)
        return
    p.row("house", p.count(5, 7), h + 0.1, 0.24, 0.0, 1.0, same=0.4)
    p.band("street", h + 0.16)
    p.row("car", p.count(2, 5), p.between(0.8, 0.9), 0.12)


def desert(p: Picture, h: float) -> None:
    """Dune behind dune."""
    colour = p.ridge("sand", h + 0.05, 0.16, name="dunes")
    p.band("sand", h + 0.04, colour=colour, name="sand")
    for k in range(p.count(1, 3)):
        p.ridge("sand", h + 0.25 + 0.2 * k, 0.1, colour, "dunes")
        p.band("sand", h + 0.25 + 0.2 * k, colour=colour)
    if p.chance(0.25):
        p.put("truck", p.between(0.3, 0.7), p.between(0.6, 0.8), 0.14)


def farmland(p: Picture, h: float) -> None:
    """Fields, rows that run to the horizon, a barn."""
    _behind(p, h)
    colour = p.band("crop", h, name="field")
    tone = {"green": (78, 132, 48), "yellow": (200, 166, 60), "brown": (112, 80, 46)}[colour]
    if p.chance(0.6):
        for k in range(-8, 9):
            p.line([(0.5 + 0.03 * k, h), (0.5 + 0.3 * k, 1.0)], tone, 0.016)
    else:
        split = p.between(0.3, 0.7)
        edge = [(split, h), (1.0, h), (1.0, 1.0), (split + p.between(-0.4, 0.4), 1.0)]
        p.area("crop", edge, name="field")
    if p.chance(0.5):
        p.put("barn", p.between(0.2, 0.8), h + 0.1, p.between(0.16, 0.26))


def forest(p: Picture, h: float) -> None:
    """Trunks and crowns, or a sea of tree tops."""
    if p.chance(0.5):
        p.band("leaves", max(0.0, h - 0.25), name="trees")
        p.ridge("leaves", h - 0.2, 0.1, name="trees")
        p.ridge("leaves", h + 0.2, 0.2, name="trees")
        p.band("leaves", h + 0.2, name="trees")
        return
    p.band("leaves", 0.0, name="trees")
    ground = p.between(0.7, 0.85)
    p.band("leaves" if p.chance(0.4) else "grass", ground, name="undergrowth")
    if p.chance(0.35):
        p.path("soil", ground, name="path", bend=0.1)
    for k in range(p.count(4, 9)):
        x = (k + p.between(0.2, 0.8)) / 9
        p.line([(x, 0.0), (x, ground + p.between(0, 0.1))], (84, 62, 44), p.between(0.02, 0.06))


def golf_course(p: Picture, h: float) -> None:
    """A green with its flag, bunkers, a pond."""
    _wood(p, h)
    p.band("grass", h, colour="green", name="lawn")
    p.area("grass", [(0.1, 1.0), (0.25, h + 0.1), (0.8, h + 0.1), (0.95, 1.0)], "bright green",
           "green lawn")  # fmt: skip
    p.row("bunker", p.count(1, 3), p.between(h + 0.25, 0.85), p.between(0.08, 0.15), 0.1, 0.9)
    if p.chance(0.4):
        p.area("water", [(0.55, 0.88), (0.98, 0.84), (1.0, 1.0), (0.6, 1.0)], name="pond")
    if p.chance(0.7):
        x, foot = p.between(0.3, 0.7), h + 0.2
        p.line([(x, foot), (x, foot - 0.2)], WHITE)
        p.line([(x, foot - 0.18), (x + 0.07, foot - 0.16)], (220, 40, 40), 0.04)
        p.seen["flag"] = "red"


def harbor(p: Picture, h: float) -> None:
    """Masts and hulls along a pier."""
    if p.chance(0.4):
        p.row("warehouse", p.count(1, 2), h + 0.01, 0.14)
    else:
        p.pick((_town, _wood, _behind))(p, h)
    p.band("water", h)
    kind = p.pick(("boat", "boat", "ship"))
    if kind == "boat":
        p.row("boat", p.count(3, 6), p.between(0.62, 0.72), p.between(0.26, 0.4))
    else:
        p.row("ship", p.count(1, 2), p.between(0.66, 0.76), p.between(0.24, 0.34))
    edge = [(0.0, 0.84), (1.0, 0.78), (1.0, 0.9), (0.0, 1.0)]
    p.area("floor", edge, p.pick(("wooden", "gray")), "pier")


def industrial_area(p: Picture, h: float) -> None:
    """Halls, chimneys with smoke, trucks."""
    for _ in range(p.count(0, 3)):
        x, top = p.between(0.1, 0.9), h - p.between(0.2, 0.34)
        p.line([(x, h + 0.1), (x, top)], (150, 120, 110), 0.04)
        for k in range(4):
            p.disc(x + 0.03 + 0.04 * k, top - 0.03 - 0.025 * k, 0.03 + 0.01 * k, (206, 206, 208))
        p.seen["smoke"] = ""
    p.band("concrete", h + 0.05)
    p.row("warehouse", p.count(1, 3), h + 0.16, p.between(0.24, 0.34), same=0.6)
    if p.chance(0.4):
        p.row("tank", p.count(1, 3), h + 0.22, 0.16, 0.5, 0.98)
    p.row("truck", p.count(0, 3), p.between(0.8, 0.92), p.between(0.13, 0.2))


def intersection(p: Picture, h: float) -> None:
    """Two streets that cross, with lights and traffic."""
    p.pick((_town, _behind))(p, h)
    p.band(p.pick(("grass", "concrete")), h, name="")
    p.row("building", p.pick((0, 2, 2)), h + 0.06, p.between(0.3, 0.42))
    far = p.path("street", h, "gray", wide=0.8, narrow=0.06)
    level = p.between(h + 0.16, 0.68)
    p.band("street", level, level + 0.16, "gray")
    for k in range(5):
        p.line([(0.24 + 0.12 * k, level + 0.19), (0.22 + 0.13 * k, level + 0.26)], WHITE, 0.03)
    p.seen["crossing"] = ""
    x = p.pick((0.06, 0.9))
    p.line([(x, level + 0.1), (x, level - 0.24)], (60, 60, 64), 0.02)
    p.disc(x, level - 0.24, 0.025, p.pick(((230, 40, 40), (60, 200, 80), (250, 190, 40))))
    p.seen["traffic light"] = ""
    p.row("car", p.count(1, 4), level + 0.13, 0.11)
    _marks(p, 0.5, far, level + 0.3)


def lake(p: Picture, h: float) -> None:
    """Still water with its far shore."""
    p.pick((_wood, _hills, _peaks))(p, h)
    p.band("grass", h)
    shore = [(0.02, h + 0.14), (0.3, h + 0.05), (0.75, h + 0.05), (1.0, h + 0.12), (0.98, 0.82),
             (0.6, 0.94), (0.2, 0.9), (0.0, 0.74)]  # fmt: skip
    p.area("water", shore, name="lake")
    p.row("boat", p.pick((0, 0, 1, 1, 2)), p.between(h + 0.2, 0.8), p.between(0.1, 0.2), 0.15, 0.85)
    if p.chance(0.25):
        p.put("house", p.pick((0.15, 0.85)), h + 0.12, 0.16)


def _hills(p: Picture, h: float) -> None:
    p.ridge("grass", h, 0.2, name="hills")


def _peaks(p: Picture, h: float) -> None:
    p.ridge("rock", h, 0.3, name="mountains", sharp=True)


def meadow(p: Picture, h: float) -> None:
    """Grass with flowers, a tree or two."""
    _behind(p, h)
    p.band("grass", h)
    if p.chance(0.6):
        tones = p.pick((((250, 240, 90),), ((240, 80, 90), WHITE), ((180, 110, 210),)))
        for _ in range(30):
            y = p.between(h + 0.08, 0.98)
            p.disc(p.between(0, 1), y, 0.004 + 0.014 * (y - h), p.pick(tones))
        p.seen["flowers"] = ""
    p.row("tree", p.pick((0, 1, 1, 2, 3)), p.between(h + 0.06, 0.7), p.between(0.2, 0.4))


def mountain(p: Picture, h: float) -> None:
    """Peaks, with or without snow."""
    _peaks(p, h + 0.1)
    peak, foot = p.between(0.3, 0.7), h + 0.24
    top = h - p.between(0.22, 0.32)
    left, right = p.between(0.3, 0.5), p.between(0.3, 0.5)
    p.area("rock", [(peak - left, foot), (peak, top), (peak + right, foot)], name="mountains")
    if p.chance(0.6):
        low = top + 0.4 * (foot - top)
        cap = [(peak - 0.4 * left, low), (peak, top), (peak + 0.4 * right, low),
               (peak + 0.1, low - 0.04), (peak, low + 0.05), (peak - 0.12, low - 0.05)]  # fmt: skip
        p.area("snow", cap)
    if p.chance(0.3):
        p.band("water", h + 0.22, name="lake")
    elif p.chance(0.5):
        p.band("grass", h + 0.22)
    else:
        p.band("rock", h + 0.22, name="")


def parking_lot(p: Picture, h: float) -> None:
    """Rows of cars on painted bays."""
    p.pick((_wood, _town, _behind))(p, h)
    if p.chance(0.3):
        p.put("building", p.between(0.2, 0.8), h + 0.04, 0.26)
    p.band("street", h, name="asphalt")
    for k in range(-5, 6):
        p.line([(0.5 + 0.1 * k, h + 0.1), (0.5 + 0.2 * k, 1.0)], WHITE, 0.012)
    p.row("car", p.count(4, 6), h + 0.2, 0.11, same=0.4)
    if p.chance(0.7):
        p.row("car", p.count(2, 4), p.between(0.76, 0.9), 0.2, same=0.4)


def river(p: Picture, h: float) -> None:
    """Water that winds towards the viewer."""
    p.pick((_wood, _hills, _peaks, _behind))(p, h)
    p.band("grass", h)
    p.path("water", h, name="river", wide=p.between(0.4, 0.8), bend=p.pick((-0.25, 0.25, 0.1)))
    p.row("tree", p.pick((0, 0, 1)), h + 0.2, 0.28, 0.0, 0.3)
    if p.chance(0.25):
        p.put("boat", 0.5, 0.9, 0.18)


def sparse_residential(p: Picture, h: float) -> None:
    """A house or two in a garden."""
    _behind(p, h)
    p.band("grass", h, name="lawn")
    foot = h + 0.18
    p.row("house", p.count(1, 2), foot, p.between(0.24, 0.36), 0.1, 0.9, same=0.5)
    if p.chance(0.35):
        p.put("pool", p.between(0.3, 0.7), 0.92, 0.13)
    elif p.chance(0.5):
        p.path("street", foot + 0.04, wide=0.4, narrow=0.1)
    p.row("tree", p.count(0, 2), foot + 0.1, 0.3, 0.0, 0.36, "green")


def stadium(p: Picture, h: float) -> None:
    """Stands and a running track around a pitch."""
    p.row("stand", p.count(1, 2), h + 0.12, p.between(0.2, 0.28), 0.0, 1.0)
    p.band("grass", h + 0.12, colour="green", name="pitch")
    if p.chance(0.7):
        top, low = h + 0.2, 0.97
        colour = p.area("track", [(0.15, top), (0.85, top), (1.0, low), (0.0, low)],
                        name="running track")  # fmt: skip
        tone = (232, 214, 206) if colour == "red" else (220, 226, 240)
        p.line([(0.18, top + 0.02), (0.05, low), (0.95, low), (0.82, top + 0.02)], tone)
        p.area("grass", [(0.25, top + 0.08), (0.75, top + 0.08), (0.85, 0.88), (0.15, 0.88)],
               "bright green", "pitch")  # fmt: skip
    p.line([(0.5, h + 0.3), (0.5, 0.88)], WHITE)
    p.line([(0.28, h + 0.3), (0.18, 0.86), (0.82, 0.86), (0.72, h + 0.3)], WHITE)


def storage_tanks(p: Picture, h: float) -> None:
    """Steel drums of a depot."""
    _behind(p, h)
    p.band(p.pick(("concrete", "soil", "grass")), h)
    if p.chance(0.4):
        p.row("tank", p.count(2, 4), h + 0.12, 0.2)
    p.row("tank", p.count(2, 4), p.between(0.8, 0.94), p.between(0.28, 0.4))


def tennis_court(p: Picture, h: float) -> None:
    """A court or two with a net, trees behind the fence."""
    p.pick((_wood, _town))(p, h)
    p.band(p.pick(("grass", "concrete")), h, name="")
    p.line([(0.0, h), (1.0, h)], (60, 70, 66), 0.03)
    p.seen["fence"] = ""
    p.row("court", p.pick((1, 1, 2)), p.between(0.86, 0.96), p.between(0.34, 0.46))


COMPOSERS: dict[str, Callable[[Picture, float], None]] = {
    "airport": airport,
    "beach": beach,
    "bridge": bridge,
    "dense residential": dense_residential,
    "desert": desert,
    "farmland": farmland,
    "forest": forest,
    "golf course": golf_course,
    "harbor": harbor,
    "industrial area": industrial_area,
    "intersection": intersection,
    "lake": lake,
    "meadow": meadow,
    "mountain": mountain,
    "parking lot": parking_lot,
    "river": river,
    "sparse residential": sparse_residential,
    "stadium": stadium,
    "storage tanks": storage_tanks,
    "tennis court": tennis_court,
}


def compose(p: Picture, scene: str) -> None:
    """Paint a scene under its sky."""
    h = p.between(0.34, 0.52)
    p.sky(h + 0.1)
    COMPOSERS[scene](p, h)
