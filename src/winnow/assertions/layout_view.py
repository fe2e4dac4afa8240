"""What can be seen in a layout: which words are true of it, how many of each, and of what kind.

Where people would differ, both are right: a road and pavement, a lake and a pond, trees and a
forest, a vehicle and a car or a truck, a building and a house.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set

from winnow.terrarium.schema import BUILDINGS, VEHICLES, Feature, Layout, Thing

_HOUSES = tuple(sorted(BUILDINGS))
_GREEN = (
    "surface:grass", "surface:forest", "surface:scrub", "surface:crop", "tree", "trees", "shrubs",
)  # fmt: skip

# What shows each noun: a kind of thing, the name of a feature, a surface anywhere, or a scene.
SHOWN_BY: dict[str, tuple[str, ...]] = {
    "plane": ("plane",),
    "ship": ("ship", "boat"),
    "boat": ("boat", "ship"),
    "car": ("car",),
    "truck": ("truck",),
    "house": ("house",),
    "building": _HOUSES,
    "terminal": ("terminal",),
    "warehouse": ("warehouse",),
    "barn": ("barn",),
    "storage tank": ("tank",),
    "tennis court": ("court",),
    "swimming pool": ("pool",),
    "bunker": ("bunker",),
    "stand": ("stand",),
    "runway": ("runway",),
    "pier": ("pier", "quay"),
    "quay": ("quay", "pier"),
    "field": ("field", "pitch"),
    "bridge": ("bridge",),
    "island": ("island",),
    "road": ("road", "path", "scene:airport", "scene:harbor", "scene:parking lot", "lot",
             "ground:asphalt", "ground:concrete"),
    "path": ("path", "road"),
    "river": ("river", "stream", "scene:harbor"),
    "stream": ("stream", "river"),
    "lake": ("lake", "pond", "scene:harbor"),
    "pond": ("pond", "lake"),
    "sea": ("sea", "scene:harbor"),
    "water": ("surface:water", "pool"),
    "wave": ("waves",),
    "apron": ("apron",),
    "clearing": ("clearing",),
    "fairway": ("fairway",),
    "track": ("track",),
    "pitch": ("pitch",),
    "tree": ("tree", "trees", "shrubs", "surface:forest"),
    "forest": ("surface:forest",),
    "shrub": ("shrubs", "surface:scrub"),
    "scrub": ("shrubs", "surface:scrub"),
    "plant": _GREEN,
    "grass": ("surface:grass", "pitch"),
    "crop": ("field",),
    "sand": ("surface:sand", "surface:dunes", "bunker"),
    "dune": ("surface:dunes",),
    "soil": ("surface:soil", "surface:scrub", "surface:rock"),
    "rock": ("surface:rock", "scene:mountain"),
    "snow": ("snow",),
    "concrete": ("surface:concrete", "surface:asphalt"),
    "asphalt": ("surface:asphalt", "surface:concrete"),
    "ground": ("any",),
    "roof": _HOUSES,
    "line": ("court", "track", "bays"),
    "bay": ("bays",),
    "row": ("any",),
    "shadow": ("any",),
    "ridge": ("scene:mountain",),
    "valley": ("scene:mountain",),
}  # fmt: skip
# A word as written can be wider than its canonical noun.
_WIDER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("vehicle", "vehicles"), ("car", "truck", "plane", "ship", "boat")),
    **dict.fromkeys(
        ("bare land", "bareland", "bare ground"),
        (
            "surface:soil",
            "surface:sand",
            "surface:dunes",
            "surface:rock",
            "surface:scrub",
            "bunker",
        ),
    ),
    **dict.fromkeys(
        ("paved ground", "pavement"),
        ("surface:concrete", "surface:asphalt", "surface:court", "court"),
    ),
}

# Named land that people would mention, by the noun they would use.
_SALIENT = {
    "runway": "runway", "pier": "pier", "field": "field", "river": "river", "stream": "stream",
    "lake": "lake", "pond": "pond", "bridge": "bridge", "island": "island", "path": "path",
    "clearing": "clearing", "quay": "quay", "road": "road", "track": "track", "pitch": "pitch",
    "sea": "sea", "rocks": "rock", "snow": "snow", "trees": "tree", "shrubs": "shrub",
}  # fmt: skip
_KINDS = VEHICLES | BUILDINGS | {"court", "pool", "tree", "bunker"}
_CROWD = 30  # stands for the number of trees, where nobody would count them
_UNCOUNTED = frozenset({
    "crop", "row", "line", "plant", "forest", "roof", "bay", "wave", "shadow", "water", "grass",
    "sand", "soil", "rock", "snow", "scrub", "concrete", "asphalt",
})  # fmt: skip
_NOUN_OF = {"tank": "storage tank", "court": "tennis court", "pool": "swimming pool"}

_ALSO = {"khaki": {"yellow", "brown"}, "cream": {"white", "yellow"}}

SALIENT = frozenset(
    {_NOUN_OF.get(kind, kind) for kind in _KINDS} | set(_SALIENT.values()) | {"building"}
)
"""Nouns of things and of named land; the others name what covers the ground, or parts of things."""


def _sources(noun: str, word: str) -> tuple[str, ...]:
    return _WIDER.get(word) or SHOWN_BY.get(noun, ())


def label(part: Thing | Feature) -> str:
    """What kind of thing it is, or the feature's name; scattered shrubs are no trees."""
    if isinstance(part, Thing):
        return part.kind
    return "shrubs" if part.trait == "shrubs" else part.name


class LayoutView:
    """What a person sees of a layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.parts: dict[str, list[Thing | Feature]] = {}
        parts: list[Thing | Feature] = [*layout.things, *layout.features]
        for part in parts:
            self.parts.setdefault(label(part), []).append(part)
            if isinstance(part, Feature) and part.shape != "dots":
                self.parts.setdefault(f"surface:{part.surface}", []).append(part)
        grounds = {f"surface:{layout.ground}", f"ground:{layout.ground}"}
        self._ground = grounds | {f"scene:{layout.scene}", "any"}

    def shows(self, noun: str, word: str = "") -> bool:
        """Whether the noun, written as `word`, is there."""
        return bool(self.parts_of(noun, word)) or self.is_ground(noun, word)

    def parts_of(self, noun: str, word: str = "") -> list[Thing | Feature]:
        """The things and features that the noun may mean, each once."""
        return [part for source in _sources(noun, word) for part in self.parts.get(source, ())]

    def is_ground(self, noun: str, word: str = "") -> bool:
        """Whether the noun is what covers most of the image, or what its scene consists of."""
        return not self._ground.isdisjoint(_sources(noun, word))

    def counts(self, noun: str, word: str, tones: Sequence[str] = ()) -> set[int]:
        """How many there are, of the named colours where they differ in colour.

        Several numbers where the word can mean several kinds; none where nobody would count.
        """
        if noun in _UNCOUNTED:
            return set()
        parts = self.parts_of(noun, word)
        counts = Counter(label(part) for part in parts)
        if noun in ("tree", "shrub") and "tree" not in counts:
            return {_CROWD} if self.shows(noun) else set()
        if not counts:
            return set()
        tally = Counter(part.colour for part in parts)
        if tones and len(tally) > 1:
            exact = sum(tally[tone] for tone in set(tones))
            alike = sum(n for colour, n in tally.items() if fits_any(tones, colour))
            return {exact or alike} if exact or alike else {*tally.values(), tally.total()}
        if noun == "road":  # one may speak of one of two
            return set(range(1, counts.total() + 1))
        own = SHOWN_BY[noun][0]
        if own in counts and noun != "building" and word not in _WIDER:
            return {counts[own]}
        return {*counts.values(), counts.total()}

    def salient(self) -> list[str]:
        """The nouns of what a full description would mention: things, then named land."""
        kinds = dict.fromkeys(thing.kind for thing in self.layout.things)
        nouns = [_NOUN_OF.get(kind, kind) for kind in kinds]
        land = [_SALIENT[name] for name in self.parts if name in _SALIENT]
        if "bridge" in land and "road" in land:  # the road lies on the bridge
            land.remove("road")
        return list(dict.fromkeys([*nouns, *land]))


def same_colour(value: str, colours: Set[str]) -> bool:
    """Whether a colour word fits one of the colours: "dark green" is green, "dark" is black."""
    plain = {_plain(colour) for colour in colours}
    word = _plain(value)
    return not plain.isdisjoint({word, *_ALSO.get(word, ())}) or (
        value.startswith("dark") and "black" in plain
    )


def _plain(colour: str) -> str:
    """A colour without its shade."""
    word = colour.rpartition(" ")[2]
    return "black" if word == "dark" else word


def fits_any(values: Sequence[str], colour: str) -> bool:
    """Whether any of the colour words fits the colour."""
    return any(same_colour(value, {colour}) for value in values)
