"""What can be seen in a layout: which words are true of it, how many of each, and of what kind.

Where people would differ, both are right: a road and pavement, a lake and a pond, trees and a
forest, a vehicle and a car or a truck, a building and a house.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set

from pydantic import BaseModel

from winnow.data.yaml_file import own_tables
from winnow.terrarium.schema import KINDS, Feature, Layout, Thing
from winnow.terrarium.words import NOUNS


class Tables(BaseModel):
    """The tables of `layout_view.yaml`, which explains them."""

    shown_by: dict[str, tuple[str, ...]]
    wider: dict[str, tuple[str, ...]]
    land: dict[str, str]
    uncounted: frozenset[str]


_TABLES = own_tables(__file__, Tables)
SHOWN_BY = _TABLES.shown_by
_CROWD = 30  # stands for the number of trees, where nobody would count them
_ALSO = {"khaki": {"yellow", "brown"}, "cream": {"white", "yellow"}}

SALIENT = frozenset({*(NOUNS[kind][0][0] for kind in KINDS), *_TABLES.land.values()})
"""Nouns of things and of named land; the others name what covers the ground, or parts of things."""


def _sources(noun: str, word: str) -> tuple[str, ...]:
    return _TABLES.wider.get(word) or SHOWN_BY.get(noun, ())


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
        if noun in _TABLES.uncounted:
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
        if own in counts and noun != "building" and word not in _TABLES.wider:
            return {counts[own]}
        return {*counts.values(), counts.total()}

    def salient(self) -> list[str]:
        """The nouns of what a full description would mention: things, then named land."""
        kinds = dict.fromkeys(thing.kind for thing in self.layout.things)
        nouns = [NOUNS[kind][0][0] for kind in kinds]
        land = [_TABLES.land[name] for name in self.parts if name in _TABLES.land]
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
