"""Whether an adjective is true of a noun in a layout: colours, sizes, shapes, textures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from winnow.assertions.layout_view import LayoutView, same_colour
from winnow.assertions.lexicon import LEXICON
from winnow.data.yaml_file import own_tables
from winnow.terrarium.schema import BUILDINGS, Feature, Point, Thing

STRAIGHT, CURVED = 0.025, 0.05  # how far a line strays from its chord, in fractions of the side
WIDE = 0.25  # a river's width, in fractions of the side


class Tables(BaseModel):
    """The tables of `attributes.yaml`, which explains them."""

    always: dict[str, tuple[str, str]]
    grass: dict[str, set[str]]
    crowns: dict[str, set[str]]
    usual: dict[str, set[str]]
    named: dict[str, set[str]]


_TABLES = own_tables(__file__, Tables)
_PLANTS = frozenset({"tree", "forest", "grass", "plant", "meadow", "palm tree"})


def attribute_holds(view: LayoutView, noun: str, word: str, value: str) -> bool | None:
    """Whether the noun (or scene) is what the adjective says; None where nobody could say."""
    if value in LEXICON.colours:
        colours = _colours(view, noun, word)
        if not colours and noun == view.layout.scene:
            colours = _scene_colours(view)
        return (same_colour(value, colours) or value in colours) if colours else None
    right, wrong = _TABLES.always.get(noun, ("", ""))
    if value in right.split():
        return True
    if value in wrong.split():
        return False
    if noun in _PLANTS and (seasonal := _seasonal(view, value)) is not None:
        return seasonal
    if noun in ("intersection", "meadow", "parking lot", "bay"):
        return _occupied(view, noun, value)
    parts = view.parts_of(noun, word)
    if value in ("large", "small"):
        return _size(parts, value)
    lines = [part for part in parts if isinstance(part, Feature)]
    if noun == "beach":
        lines = [part for part in view.layout.features if part.name == "waves"]
    return _shape(parts, lines, value)


def _colours(view: LayoutView, noun: str, word: str) -> set[str]:
    """The colours that the noun has here; none where nobody could say."""
    if noun == "shadow":
        return {"black", "gray"}
    if noun == "line":
        return {"white"}
    if noun in ("row", "ground"):
        return set()
    colours = _colours_of_parts(view, view.parts_of(noun, word))
    if view.is_ground(noun, word):
        colours |= _surface_colours(view, view.layout.ground, view.layout.ground_colour)
    return colours


def _scene_colours(view: LayoutView) -> set[str]:
    """The colours of the scene as a whole, where it has any of its own."""
    scene, layout = view.layout.scene, view.layout
    if scene in ("desert", "mountain", "beach", "meadow", "forest", "golf course"):
        return _surface_colours(view, layout.ground, layout.ground_colour)
    own = {"farmland": "field", "tennis court": "court", "storage tanks": "tank"}
    return _colours_of_parts(view, view.parts.get(own.get(scene, scene), ()))


def _colours_of_parts(view: LayoutView, parts: Iterable[Thing | Feature]) -> set[str]:
    colours: set[str] = set()
    for part in parts:
        if isinstance(part, Thing):
            colours.add(part.colour)
        else:
            colours |= _TABLES.named.get(part.name) or _surface_colours(
                view, part.surface, part.colour
            )
    return colours


def _surface_colours(view: LayoutView, surface: str, colour: str) -> set[str]:
    season = view.layout.season
    if surface == "grass":
        return _TABLES.grass.get(season, {"green"}) | ({colour} & {"yellow"})
    if surface == "forest":
        return _TABLES.crowns.get(season, {"green"})
    return {colour} if colour else _TABLES.usual.get(surface, set())


def _seasonal(view: LayoutView, value: str) -> bool | None:
    season = view.layout.season
    dry = season == "autumn" or view.layout.ground == "scrub"
    return {
        "dry": dry,
        "withered": dry,
        "frosty": season == "winter",
        "frozen": season == "winter",
        "lush": season in ("spring", "summer"),
    }.get(value)


def _occupied(view: LayoutView, noun: str, value: str) -> bool | None:
    """Whether a place is full or empty; and the meadow, which lies open."""
    things = view.parts.get("car", []) if noun in ("parking lot", "bay") else view.layout.things
    if value in ("full", "crowded", "busy"):
        return len(things) > (6 if noun in ("parking lot", "bay") else 0)
    if value in ("empty", "deserted"):
        return len(things) < 5 if noun in ("parking lot", "bay") else not things
    if noun == "meadow" and value in ("wide", "flat", "quiet", "open", "vast", "large"):
        return True
    if noun == "meadow" and value in ("narrow", "hilly", "small", "steep"):
        return False
    return None


def _size(parts: Sequence[Thing | Feature], value: str) -> bool | None:
    sizes = {part.size for part in parts if isinstance(part, Thing)}
    if sizes:
        return value in sizes
    return True if value == "large" and any(_is_area(part) for part in parts) else None


def _is_area(part: Thing | Feature) -> bool:
    return isinstance(part, Feature) and part.shape == "area"


def _shape(parts: Sequence[Thing | Feature], lines: Sequence[Feature], value: str) -> bool | None:
    traits = {part.trait for part in lines}
    if value == "crossing":
        return "crossing" in traits if lines else None
    if value == "dirt":
        return any(part.surface == "soil" for part in lines) if lines else None
    if value in ("straight", "curved"):
        other = "curved" if value == "straight" else "straight"
        if value in traits or other in traits:
            return value in traits
        strays = [stray(part.points) for part in lines if part.shape == "line"]
        if not strays:
            return None
        return min(strays) < CURVED if value == "straight" else max(strays) > STRAIGHT
    if value in ("wide", "narrow"):
        return _width(lines, value)
    if value in ("long", "short"):
        return value == "long" if any(part.shape == "line" for part in lines) else None
    if value in ("round", "rectangular", "irregular", "oval"):
        return _outline(parts, traits, value)
    return None


def _width(lines: Sequence[Feature], value: str) -> bool | None:
    waters = [part for part in lines if part.name in ("river", "stream")]
    if not waters:
        return None
    wide = any(part.width > WIDE or part.shape == "area" for part in waters)
    return wide == (value == "wide")


def _outline(parts: Sequence[Thing | Feature], traits: set[str], value: str) -> bool | None:
    said = {"square": "rectangular"}
    shapes = {said.get(trait, trait) for trait in traits} & {"round", "rectangular", "irregular"}
    if shapes:
        return value in shapes or (value == "oval" and "round" in shapes)
    if parts and all(isinstance(part, Thing) and part.kind in BUILDINGS for part in parts):
        return value == "rectangular"
    return None


def stray(points: Sequence[Point]) -> float:
    """How far a line strays from the straight one between its ends."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    return max(abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length for x, y in points)
