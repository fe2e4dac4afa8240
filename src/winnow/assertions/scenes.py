"""Whether an image shows the scene, the season, the weather and the land use of a caption."""

from __future__ import annotations

from winnow.assertions.layout_view import LayoutView
from winnow.terrarium.questions import URBAN
from winnow.terrarium.words import LAND_USES

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
# Land use besides what Terrarium calls it: people would say this, too.
_MORE_USES: dict[str, frozenset[str]] = {
    "bridge": frozenset({"road traffic", "water"}),
    "desert": frozenset({"nature"}),
    "forest": frozenset({"nature"}),
    "golf course": frozenset({"leisure"}),
    "harbor": frozenset({"water"}),
    "lake": frozenset({"nature", "leisure"}),
    "meadow": frozenset({"nature", "farming"}),
    "parking lot": frozenset({"road traffic"}),
    "river": frozenset({"nature"}),
    "stadium": frozenset({"leisure"}),
    "tennis court": frozenset({"leisure"}),
}


def scene_verdict(view: LayoutView, value: str) -> str:
    """The verdict on a scene: right, wrong (of another density), or invented."""
    scene = view.layout.scene
    if value == scene or value in _ALSO.get(scene, ()):
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
    layout = view.layout
    if value.startswith("used for "):
        use = value.removeprefix("used for ")
        return use in LAND_USES[layout.scene].values() or use in _MORE_USES.get(layout.scene, ())
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
