"""Whether an image shows the scene, the season, the weather and the land use of a caption."""

from __future__ import annotations

from winnow.assertions.layout_view import LayoutView
from winnow.terrarium.words import SCENE_WORDS

_DENSITY = frozenset({"dense residential", "medium residential", "sparse residential"})
# Features that make the image one of a scene, too.
_BY_FEATURE = {"parking lot": "lot", "intersection": "crossing"}


def scene_verdict(view: LayoutView, value: str) -> str:
    """The verdict on a scene: right, wrong (of another density), or invented."""
    scene = view.layout.scene
    if value == scene or value in SCENE_WORDS[scene].also:
        return "right"
    if {value, scene} <= _DENSITY:
        return "wrong"
    feature = _BY_FEATURE.get(value)
    if feature == "crossing":
        crossing = any(part.trait == "crossing" for part in view.layout.features)
        return "right" if crossing else "invented"
    if feature in view.parts:
        return "right"
    if value in ("river", "lake", "pond", "bridge", "forest", "track", "island", "beach"):
        shown = view.shows(value) and (value != "forest" or view.layout.ground == "forest")
        return "right" if shown else "invented"
    return "invented"


def condition_holds(view: LayoutView, value: str) -> bool | None:
    """Whether season, sky, light or use are as said; bounds overlap where people would differ."""
    layout, own = view.layout, SCENE_WORDS[view.layout.scene]
    if value.startswith("used for "):
        use = value.removeprefix("used for ")
        return use in own.uses.values() or use in own.more_uses
    if value in ("urban", "rural"):
        return own.urban == (value == "urban")
    return {
        "spring": layout.season == "spring",
        "summer": layout.season == "summer",
        "autumn": layout.season == "autumn",
        "winter": layout.season == "winter",
        "clear": layout.cloud < 0.15,
        "haze": layout.cloud > 0.07,
        "bright light": layout.light > 1.0,
        "dim light": layout.light < 0.97,
        "normal light": 0.92 < layout.light < 1.05,
    }.get(value)
