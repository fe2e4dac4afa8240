"""Captions of a layout: five as people would write, one by rule, one that names the scene only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set
from typing import Annotated

import numpy as np
from pydantic import BaseModel, BeforeValidator

from winnow.data.yaml_file import own_tables
from winnow.terrarium import phrases
from winnow.terrarium.phrases import features, groups
from winnow.terrarium.schema import COUNTED_LAND, Layout
from winnow.terrarium.words import NOUNS, NUMBERS, SCENE_PHRASES, article, listed

Lines = Annotated[tuple[str, ...], BeforeValidator(str.splitlines)]


class Grammar(BaseModel):
    """The sentence patterns of `captions.yaml`, which explains them."""

    sentences: dict[str, Lines]
    additions: dict[str, tuple[str, ...]]
    coarse: Lines


GRAMMAR = own_tables(__file__, Grammar)
_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<(\w+)>")
_SPACES = re.compile(r" {2,}")
# "with two piers nearby" takes another "and"; "with grass on both sides" does not.
_LATE_VERB = re.compile(r" (?:is|are|on|in|around|nearby|runs?|below) ?|nearby$|around$|below$")
# Scenes that are about roads, where "and a road" would say nothing.
_ROADS = frozenset({"bridge", "intersection", "parking lot"})


class Dice:
    """Random choices for one caption set."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._store: list[float] = []

    def random(self) -> float:
        """A number in [0, 1); drawn in blocks, because single draws cost more."""
        if not self._store:
            self._store = self._rng.random(256).tolist()
        return self._store.pop()

    def pick(self, options: Sequence[str]) -> str:
        """One of the options."""
        return options[int(self.random() * len(options))]


def human_captions(layout: Layout, seed: int, n: int = 5) -> list[str]:
    """`n` different captions, true of the layout, as different people might write them.

    Raises ValueError where the layout holds too little to say for so many.
    """
    dice = Dice(seed)
    flags = _flags(layout)
    sayable = phrases.slots(layout, dice.pick).keys() | flags.keys()
    patterns: list[str] = []
    found: list[str] = []
    tries = 0
    while len(found) < n:
        tries += 1
        if tries > 200 * n:
            raise ValueError(f"this {layout.scene} cannot be described in {n} different ways")
        if not patterns:
            patterns = list(GRAMMAR.sentences[layout.scene])
        pattern = patterns.pop(int(dice.random() * len(patterns)))
        text = _say(pattern, layout, flags, sayable, dice)
        # A bare layout may run out of ways to be described: naming the picture itself adds some.
        if text and tries > 60:
            text = f"{dice.pick(('an aerial view of', 'this picture shows', 'we can see'))} {text}"
        if text and text.lower().rstrip(" .") not in {t.lower().rstrip(" .") for t in found}:
            found.append(text)
    return found


def _flags(layout: Layout) -> dict[str, str]:
    """Slots that only say that a sentence may be used; they leave no text."""
    found = groups(layout)
    cars = found["car"].count if "car" in found else 0
    main = next(iter(found.values())).count if found else 0
    river = features(layout, "river")
    lake = features(layout, "lake")
    tests = {
        "full": layout.scene == "parking lot" and cars > 12,
        "few": layout.scene == "parking lot" and cars < 5,
        "lawn": bool(features(layout, "lawn")),
        "several": main > 1,
        "fields": len(features(layout, "field")) > 1,
        "nocars": "car" not in found,
        "oneroad": not any(f.trait == "crossing" for f in features(layout, "road")),
        "open": layout.scene == "stadium" and "stand" not in found,
        "bare": layout.scene == "mountain" and not features(layout, "snow"),
        "narrow": bool(river) and river[0].width < 0.22,
        "wide": bool(river) and river[0].width > 0.28,
        "round": bool(lake) and lake[0].trait == "round",
        "irregular": bool(lake) and lake[0].trait == "irregular",
    }
    return {name: "" for name, holds in tests.items() if holds}


def _expand(pattern: str, dice: Dice) -> str:
    return _CHOICE.sub(lambda match: dice.pick(match[1].split("|")), pattern)


def _say(pattern: str, layout: Layout, flags: dict[str, str], sayable: Set[str], dice: Dice) -> str:
    """One caption from a pattern, or "" when the layout lacks what the pattern speaks of."""
    text = _expand(pattern, dice)
    needed = set(_SLOT.findall(text))
    if not needed <= sayable:
        return ""
    slots = phrases.slots(layout, dice.pick) | flags
    if dice.random() < 0.6:
        text += _addition(text, needed, slots, layout.scene, dice)
    text = _SLOT.sub(lambda match: slots[match[1]], text)
    return _finish(_SPACES.sub(" ", text).strip(), dice)


def _addition(text: str, needed: set[str], slots: dict[str, str], scene: str, dice: Dice) -> str:
    """One more fact for the end of a sentence, joined on in a way that still reads."""
    unsaid = [name for name in GRAMMAR.additions if name in slots and name not in needed]
    if scene in _ROADS or "road" in text or "street" in text:
        unsaid = [name for name in unsaid if name != "road"]
    if not unsaid or {"season", "full"} & needed:
        return ""
    name = dice.pick(unsaid)
    more = _expand(dice.pick(GRAMMAR.additions[name]), dice)
    if name == "season":
        return "" if "ground" in needed else f" {more}"
    if " with " not in text:
        return f" with {more}"
    return f" and {more}" if not _LATE_VERB.search(text.rsplit(" with ", 1)[1]) else ""


def _finish(text: str, dice: Dice) -> str:
    """Punctuation and capitals differ between people."""
    text = re.sub(r"\ba (?=[aeiou])", "an ", text)
    habit = dice.random()
    if habit < 0.12:
        return f"{text[0].upper()}{text[1:]}."
    return f"{text} ." if habit < 0.5 else text


def rule_caption(layout: Layout) -> str:
    """A caption from boxes and classes alone: every thing and every land cover, counted."""
    parts, first = [], 0
    for kind, group in groups(layout).items():
        for colour, count in group.colours:
            first = first or count
            parts.append(_tally(count, f"{group.size} {colour}".strip(), NOUNS[kind][0]))
    for name in dict.fromkeys(feature.name for feature in layout.features):
        if name in _MINOR:
            continue
        found = features(layout, name)
        first = first or len(found)
        if name in COUNTED_LAND:
            for colour, count in Counter(feature.colour for feature in found).items():
                parts.append(_tally(count, colour, NOUNS[name][0]))
        elif name in ("trees", "rocks", "snow"):
            parts.append(name)
        elif name == "plants":
            parts.append("trees" if found[0].surface == "forest" else "grass")
        else:
            coloured = found[0].surface in ("water", "court")
            parts.append(article(f"{found[0].colour} {name}" if coloured else name))
    ground = phrases.ground_phrases(layout)[0]
    if layout.ground in ("sand", "dunes", "rock") and layout.ground_colour:
        ground = f"{layout.ground_colour} {ground.removeprefix('bare ')}"
    where = f"{article(layout.scene)} scene with {ground}"
    if not parts:
        return f"{where}."
    plural = first > 1 or parts[0] in ("trees", "rocks")
    return f"there {'are' if plural else 'is'} {listed(parts)} in {where}."


# Land cover that only dresses a scene.
_MINOR = frozenset({"waves", "surf", "bays", "bank", "yard", "lot", "lawn", "apron"})


def _tally(count: int, adjectives: str, noun: tuple[str, str]) -> str:
    """Number, adjectives and noun: "three large white planes"."""
    number = NUMBERS[count] if count <= 10 else str(count)
    return " ".join(word for word in (number, adjectives, noun[count > 1]) if word)


def coarse_caption(layout: Layout, seed: int) -> str:
    """The scene and nothing else: "a satellite photo of a harbor"."""
    dice = Dice(seed)
    pattern = dice.pick(GRAMMAR.coarse)
    return pattern.replace("<scene>", dice.pick(SCENE_PHRASES[layout.scene]))
