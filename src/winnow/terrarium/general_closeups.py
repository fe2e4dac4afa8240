"""Close-ups: one thing or a few of them, near, before an ordinary background."""

from __future__ import annotations

from winnow.terrarium.general_picture import COLOURS, SURFACES, Picture

# Where a kind is photographed: surfaces below it, and what is behind it.
_FLOORS: dict[str, tuple[str, ...]] = {
    "plane": ("street", "grass", "air", "air", "wall"),
    "ship": ("water",),
    "boat": ("water", "water", "water", "sand"),
    "car": ("street", "street", "grass", "snow", "wall", "sand"),
    "truck": ("street", "street", "soil", "snow", "wall"),
    "house": ("grass", "grass", "street", "snow"),
    "building": ("street", "grass", "concrete"),
    "terminal": ("concrete", "street"),
    "warehouse": ("concrete", "street", "grass"),
    "barn": ("grass", "crop", "snow"),
    "tank": ("concrete", "grass", "soil"),
    "court": ("grass", "concrete"),
    "pool": ("grass", "concrete", "floor"),
    "tree": ("grass", "grass", "snow", "sand", "wall"),
    "bunker": ("grass",),
    "stand": ("grass", "street"),
}
_FLAT = frozenset({"court", "pool", "bunker"})
_COMPANIONS: dict[str, tuple[str, ...]] = {
    "house": ("tree", "car", "pool"),
    "barn": ("tree", "truck"),
    "building": ("car", "tree", "truck"),
    "terminal": ("plane", "car"),
    "warehouse": ("truck", "car"),
    "tank": ("truck", "warehouse"),
    "pool": ("house", "tree"),
    "court": ("tree", "stand", "building"),
    "bunker": ("tree",),
    "boat": ("ship",),
    "car": ("truck", "tree"),
}
_SMALLER = {"car": 0.5, "truck": 0.6, "pool": 0.35, "plane": 0.6, "boat": 0.6}
_TOYS = frozenset({"plane", "car", "truck", "boat", "ship"})


def compose(p: Picture, kind: str, most: int, companion: float) -> None:
    """Paint up to `most` things of `kind`, and with chance `companion` one of another kind."""
    number = 1 if p.chance(0.55) else p.count(2, most)
    if kind in _TOYS and p.chance(0.1):
        p.light = 1.0
        p.band("wall", 0.0)
        p.band("floor", p.between(0.55, 0.7), colour="wooden", name="table")
        _arrange(p, kind, number)
        return
    floor = p.pick(_FLOORS[kind])
    if floor == "air":
        p.sky(1.0)
        _arrange(p, kind, number)
        return
    if floor == "wall":
        p.light = 1.0
        p.band("wall", 0.0, colour=p.pick(tuple(SURFACES["wall"])))
        p.band("floor", p.between(0.72, 0.85))
    else:
        h = p.between(0.1, 0.3) if kind in _FLAT else p.between(0.45, 0.68)
        p.sky(h)
        if p.chance(0.35):
            p.ridge(*p.pick((("leaves", h, 0.14, "", "trees"), ("grass", h, 0.12, "", "hills"))))
        p.band(floor, h)
    other = _COMPANIONS.get(kind)
    if other and number <= 2 and floor not in ("wall", "water") and p.chance(companion):
        _pair(p, kind, number, p.pick(other))
    else:
        _arrange(p, kind, number)


def _arrange(p: Picture, kind: str, number: int) -> None:
    """One large thing, a row, or two rows."""
    if number == 1:
        p.put(kind, p.between(0.42, 0.58), p.between(0.84, 0.95), p.between(0.5, 0.82))
    elif number <= 3:
        p.row(kind, number, p.between(0.82, 0.94), p.between(0.4, 0.6))
    else:
        back = number // 2
        colour = p.pick(COLOURS[kind]) if p.chance(0.7) else ""
        p.row(kind, back, 0.56, 0.32, 0.06, 0.94, colour)
        p.row(kind, number - back, 0.95, 0.36, colour=colour)


def _pair(p: Picture, kind: str, number: int, other: str) -> None:
    """Things of two kinds side by side, one of them beyond the other's edge."""
    foot = p.between(0.82, 0.94)
    split = p.between(0.5, 0.62)
    left = p.chance(0.5)
    first = (0.02, split) if left else (1 - split, 0.98)
    second = (split, 0.98) if left else (0.02, 1 - split)
    high = 0.3 if kind in _FLAT else p.between(0.5, 0.68)
    p.row(kind, number, foot, high, *first)
    p.row(other, 1, foot, high * _SMALLER.get(other, 1.0), *second)
