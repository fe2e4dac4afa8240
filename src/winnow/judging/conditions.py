"""Whether an image is of the scene, the season, the weather and the use that a caption names."""

from __future__ import annotations

from winnow.judging.sight import Sight
from winnow.terrarium.questions import URBAN

# Scenes that a layout also is, or that people would not tell from it.
_ALSO: dict[str, frozenset[str]] = {
    "bridge": frozenset({"river"}),
    "lake": frozenset({"pond"}),
    "dense residential": frozenset({"residential"}),
    "sparse residential": frozenset({"residential", "countryside", "village"}),
    "farmland": frozenset({"countryside"}),
    "meadow": frozenset({"countryside"}),
    "storage tanks": frozenset({"industrial area"}),
    "stadium": frozenset({"tennis court"}),
    "tennis court": frozenset({"stadium"}),
}
_DENSITY = frozenset({"dense residential", "medium residential", "sparse residential"})
# Features that make the image one of a scene, too.
_BY_FEATURE = {"parking lot": "lot", "intersection": "crossing"}
_USES: dict[str, frozenset[str]] = {
    scene: frozenset(uses.split(", "))
    for scene, uses in {
        "airport": "air traffic",
        "beach": "leisure",
        "bridge": "crossing water, road traffic, water",
        "dense residential": "housing",
        "desert": "nothing, nature",
        "farmland": "farming",
        "forest": "forestry, nature",
        "golf course": "sport, leisure",
        "harbor": "shipping, water",
        "industrial area": "industry",
        "intersection": "road traffic",
        "lake": "water, nature, leisure",
        "meadow": "grassland, nature, farming",
        "mountain": "nothing, nature",
        "parking lot": "parking, road traffic",
        "river": "water, nature",
        "sparse residential": "housing",
        "stadium": "sport, leisure",
        "storage tanks": "industry",
        "tennis court": "sport, leisure",
    }.items()
}


def scene_holds(sight: Sight, value: str) -> str:
    """The verdict on a scene: right, wrong (of another density), or invented."""
    scene = sight.layout.scene
    if value == scene or value in _ALSO.get(scene, ()):
        return "right"
    if {value, scene} <= _DENSITY:
        return "wrong"
    feature = _BY_FEATURE.get(value)
    if feature == "crossing":
        crossing = any(part.trait == "crossing" for part in sight.layout.features)
        return "right" if crossing else "invented"
    if feature in sight.parts:
        return "right"
    if value in ("river", "lake", "pond", "bridge", "forest", "track", "island", "beach"):
        shown = sight.shows(value) and (value != "forest" or sight.layout.ground == "forest")
        return "right" if shown else "invented"
    return "invented"


def condition_holds(sight: Sight, value: str) -> bool | None:
    """Whether season, sky, light or use are as said; bounds overlap where people would differ."""
    layout = sight.layout
    if value.startswith("used for "):
        return value.removeprefix("used for ") in _USES[layout.scene]
    if value in ("urban", "rural"):
        return (layout.scene in URBAN) == (value == "urban")
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
