"""Whether things lie to each other as a caption says, by the geometry of a layout.

An image shows a few hundred metres, so that everything in it is near everything else and nothing
is far. What is checked is what could be otherwise: sides, the middle, what lies inside what, what
crosses what.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from winnow.assertions.layout_view import LayoutView
from winnow.assertions.lexicon import LEXICON, split_relation
from winnow.terrarium.schema import Feature, Point, Thing

_SLACK = 0.03  # of the side: how far over the middle still counts as on this side
_REACH = 0.06  # how far outside still counts as in
_MIDDLE = 0.3  # distance from the image's middle, in fractions of the side
_EDGE = 0.22
_LINES = frozenset({"road", "path", "river", "stream", "bridge", "runway", "railway"})
_WATERS = frozenset({"river", "stream", "water", "lake", "sea", "pond"})
# Scenes that fill the image, so that a road leads through them and not beside them.
_WIDE = frozenset({
    "desert", "forest", "meadow", "mountain", "farmland", "golf course", "dense residential",
    "sparse residential", "residential", "industrial area", "intersection",
})  # fmt: skip
_OPEN = frozenset({"desert", "meadow", "golf course"})


def relation_holds(view: LayoutView, subject: str, value: str) -> bool | None:
    """Whether the relation is true of this image; None where nobody could say.

    Both ends must be there.
    """
    relation, other = split_relation(value)
    if relation in LEXICON.sides:
        return _on_side(view, subject, relation)
    if relation in ("far from", "far away", "far apart", "outside", "behind"):
        return False
    if not other:
        return _alone(view, subject, relation)
    if relation in ("in", "on"):
        return _inside(view, subject, other)
    if relation in ("over", "across", "under", "below", "above", "parallel to"):
        return _crosses(subject, relation, other)
    if relation == "at right angles to":
        return "bridge" in (subject, other)
    if relation in ("past", "alongside", "next to"):
        return _passes(view, subject, relation, other)
    if relation == "on both sides of":
        sides = _sides(view, subject, other)
        return None if sides is None else len(sides) == 2
    if relation in ("on one side of", "on only one side of"):
        return _one_side(view, subject, relation, other)
    if relation in ("in the middle of", "at the edge of", "in the corner of"):
        return _alone(view, subject, relation.removesuffix(" of"))
    if relation in ("on top of", "at the foot of") and other == "mountain":
        return (subject == "snow") == (relation == "on top of")
    return None if relation in ("connected by", "on top of") else True


def _points(parts: Iterable[Thing | Feature]) -> list[Point]:
    """Middles of things, the visible points of features."""
    points: list[Point] = []
    for part in parts:
        if isinstance(part, Thing):
            points.append(part.centre)
        else:
            points += [(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in part.points]
    return points


def _centre(parts: Sequence[Thing | Feature]) -> Point:
    points = _points(parts)
    if all(isinstance(part, Thing) for part in parts):
        return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _on_side(view: LayoutView, subject: str, side: str) -> bool | None:
    parts = view.parts_of(subject)
    if not parts or view.is_ground(subject):
        return None
    x, y = _centre(parts)
    return {
        "on the left": x < 0.5 + _SLACK,
        "on the right": x > 0.5 - _SLACK,
        "at the top": y < 0.5 + _SLACK,
        "at the bottom": y > 0.5 - _SLACK,
    }[side]


def _alone(view: LayoutView, subject: str, relation: str) -> bool | None:
    if relation in ("above", "below"):
        return (subject == "bridge") == (relation == "above")
    if relation == "everywhere":
        return view.is_ground(subject)
    if relation == "crossing each other":
        return any(feature.trait == "crossing" for feature in view.layout.features)
    if relation == "on one side":
        return False if view.is_ground(subject) else None
    if relation in ("in the middle", "at the edge", "in the corner"):
        parts = view.parts_of(subject)
        if not parts:
            return None
        away = _from_middle(parts)
        return away < _MIDDLE if relation == "in the middle" else away > _EDGE
    return True


def _from_middle(parts: Sequence[Thing | Feature]) -> float:
    """How far from the middle of the image something is; of a line, its nearest point."""
    lines = [part for part in parts if isinstance(part, Feature) and part.shape == "line"]
    if lines:
        return min(_distance((0.5, 0.5), part.points) for part in lines)
    x, y = _centre(parts)
    return math.hypot(x - 0.5, y - 0.5)


def _inside(view: LayoutView, subject: str, other: str) -> bool | None:
    """Whether any of the subject lies in or on what is named; grounds and scenes hold all."""
    places = [part for part in view.parts_of(other) if isinstance(part, Feature)]
    if not places or view.is_ground(other) or any(part.shape == "dots" for part in places):
        return None if not places else True
    if view.is_ground(subject) or not (parts := view.parts_of(subject)):
        return None
    points = [_centre([part]) for part in parts]
    return any(_within(point, place) for point in points for place in places)


def _within(point: Point, place: Feature) -> bool:
    if place.shape == "line":
        return _distance(point, place.points) < place.width / 2 + _REACH
    closed = (*place.points, place.points[0])
    return _contains(place.points, point) or _distance(point, closed) < _REACH


def _contains(corners: Sequence[Point], point: Point) -> bool:
    """Even-odd rule."""
    x, y = point
    inside = False
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside


def _distance(point: Point, line: Sequence[Point]) -> float:
    """From a point to a polyline."""
    x, y = point
    best = math.inf
    for (x0, y0), (x1, y1) in pairwise(line):
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy
        t = 0.0 if not length else min(1.0, max(0.0, ((x - x0) * dx + (y - y0) * dy) / length))
        best = min(best, math.hypot(x - x0 - t * dx, y - y0 - t * dy))
    return best


def _crosses(subject: str, relation: str, other: str) -> bool | None:
    """Over and under: bridges lie above, boats and water below."""
    if "bridge" not in (subject, other):
        return subject not in ("boat", "ship") if relation in ("over", "above") else None
    if relation == "parallel to":
        return not {subject, other} & _WATERS
    upper = subject == "bridge"
    if relation in ("under", "below"):
        return not upper
    return upper or subject in ("road", "car", "truck")


def _passes(view: LayoutView, subject: str, relation: str, other: str) -> bool | None:
    """Beside and not through: what lies in the midst of a place is not beside it."""
    if subject == "bridge" and other in _WATERS:
        return False
    if subject not in _LINES and not (view.is_ground(subject) and subject != "ground"):
        return True
    if other in (_OPEN if relation == "next to" else _WIDE):
        return False
    return not (relation == "past" and view.is_ground(other))


def _sides(view: LayoutView, subject: str, other: str) -> set[bool] | None:
    """On which sides of a line the subject lies; None where one or the other is no such thing."""
    lines = [
        part for part in view.parts_of(other) if isinstance(part, Feature) and part.shape == "line"
    ]
    if view.is_ground(subject):
        return {True, False}
    points = _points(view.parts_of(subject))
    if not lines or not points:
        return None
    (x0, y0), (x1, y1) = lines[0].points[0], lines[0].points[-1]
    return {(x1 - x0) * (y - y0) > (y1 - y0) * (x - x0) for x, y in points}


def _one_side(view: LayoutView, subject: str, relation: str, other: str) -> bool | None:
    if view.is_ground(subject) or view.is_ground(other):
        return False
    sides = _sides(view, subject, other)
    if relation == "on one side of" or sides is None:
        return None if sides is None else True
    return len(sides) == 1
