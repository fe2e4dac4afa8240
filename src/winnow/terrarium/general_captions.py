"""Captions of the general world: what stands beside a picture on a web page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from winnow.terrarium.choices import Choices
from winnow.terrarium.general_camera import COLOURLESS
from winnow.terrarium.general_words import general_words
from winnow.terrarium.schema import Thing
from winnow.terrarium.words import NUMBERS, article

if TYPE_CHECKING:
    from winnow.terrarium.general import View

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<(\w+)>")
_MANY = 6
# Backdrops that things stand on, in or before, and the words that say so.
_PLACES = {
    "sky": ("in the sky",), "water": ("on the water", "in <it>"), "sea": ("at sea", "on <it>"),
    "sand": ("on <it>",), "grass": ("on <it>",), "lawn": ("on <it>",), "snow": ("in <it>",),
    "street": ("on <it>",), "concrete": ("on <it>",), "tarmac": ("on <it>",), "soil": ("on <it>",),
    "floor": ("on <it>", "indoors"), "table": ("on <it>",), "field": ("in <it>",),
    "lake": ("on <it>",), "river": ("on <it>",), "asphalt": ("on <it>",),
}  # fmt: skip
_AFLOAT = frozenset({"boat", "ship"})
_WET = frozenset({"water", "sea", "lake", "river", "pond"})


def caption(view: View, choices: Choices, kind: str, class_name: float) -> str:
    """One caption by a pattern of a `kind` of patterns that the picture can fill.

    `class_name` is the chance that a scene is called as zero-shot classes are.
    """
    slots = _slots(view, choices, class_name)
    patterns = general_words().patterns[kind]
    while True:
        pattern = _CHOICE.sub(
            lambda match: choices.pick(match[1].split("|")), choices.pick(patterns)
        )
        if all(name in slots for name in _SLOT.findall(pattern)):
            text = _SLOT.sub(lambda match: slots[match[1]], pattern)
            return _habit(" ".join(text.split()), choices)


def _slots(view: View, choices: Choices, class_name: float) -> dict[str, str]:
    """A phrase for whatever the picture fills; clutter is always there."""
    words, coloured = general_words(), view.look not in COLOURLESS and view.sky != "night"
    slots = {name: choices.pick(options) for name, options in words.clutter.items()}
    slots["look"] = choices.pick(words.looks[view.look])
    if "sky" in view.backdrop:
        slots["sky"] = choices.pick(words.skies[view.sky])
    kinds = list(dict.fromkeys(thing.kind for thing in view.things))
    if kinds:
        first = [thing for thing in view.things if thing.kind == kinds[0]]
        noun = choices.pick(words.things[kinds[0]])
        slots |= {"things": _counted(first, noun, coloured, choices), "kind": noun[0]}
        slots["plural"] = noun[1]
        if len(first) > 1:
            slots["several"] = ""
        if coloured and len({thing.colour for thing in first}) == 1 and len(first) == 1:
            slots["colour"] = _colour(first[0].colour, choices)
        if place := _place(view, kinds[0], coloured, choices):
            slots["place"] = place
    if len(kinds) > 1:
        other = choices.pick(kinds[1:])
        slots["others"] = _counted(
            [thing for thing in view.things if thing.kind == other],
            choices.pick(words.things[other]), coloured, choices,
        )  # fmt: skip
    names = [name for name in view.backdrop if name != "sky"]
    if names:
        name = choices.pick(names)
        slots["backdrop"] = _backdrop(name, view.backdrop[name], coloured, choices)
        rest = [other for other in names if other != name]
        if rest:
            more = choices.pick(rest)
            slots["more"] = _backdrop(more, view.backdrop[more], coloured, choices)
    if view.kind == "overhead":
        slots |= {"view": choices.pick(words.overhead), "down": ""}
    if view.scene:
        scene = words.scenes[view.scene]
        slots["scene"] = choices.pick(scene.named if choices.chance(class_name) else scene.web)
    return slots


def _colour(name: str, choices: Choices) -> str:
    return choices.pick(general_words().colours.get(name, (name,)))


def _counted(
    things: Sequence[Thing], noun: tuple[str, str], coloured: bool, choices: Choices
) -> str:
    """Things of one kind as a page calls them: "red car", "two cars", "many white boats"."""
    count, colours = len(things), Counter(thing.colour for thing in things)
    adjective = ""
    if coloured and len(colours) == 1 and choices.chance(0.7):
        adjective = f"{_colour(things[0].colour, choices)} "
    if coloured and len(colours) == 2 and count <= _MANY and choices.chance(0.5):
        (first, n), (second, m) = colours.most_common()
        return f"{NUMBERS[n]} {first} and {NUMBERS[m]} {second} {noun[1]}"
    if count == 1:
        phrase = f"{adjective}{noun[0]}"
        return choices.pick((phrase, phrase, article(phrase), article(phrase), f"one {phrase}"))
    phrase = f"{adjective}{noun[1]}"
    if count > _MANY:
        return choices.pick((f"many {phrase}", f"lots of {phrase}", phrase))
    return choices.pick((f"{NUMBERS[count]} {phrase}",) * 3 + (phrase, f"some {phrase}"))


def _backdrop(name: str, colour: str, coloured: bool, choices: Choices) -> str:
    """What a stretch of land or water is called, with its colour only where that shows."""
    options = general_words().backdrops[name]
    if not coloured or not colour:
        options = tuple(option for option in options if "<colour>" not in option)
    return choices.pick(options).replace("<colour>", colour)


def _place(view: View, kind: str, coloured: bool, choices: Choices) -> str:
    """Where the things are: on what is below them."""
    wet = kind in _AFLOAT
    names = [name for name in view.below if name in _PLACES and (name in _WET) == wet]
    if not names:
        return ""
    name = names[-1]
    it = _backdrop(name, view.backdrop.get(name, ""), coloured, choices)
    return choices.pick(_PLACES[name]).replace("<it>", it)


def _habit(text: str, choices: Choices) -> str:
    """Capitals and endings differ between web pages."""
    habit = choices.between(0, 1)
    if habit < 0.2:
        return f"{text[0].upper()}{text[1:]}"
    if habit < 0.3:
        return text.title()
    if habit < 0.36:
        return f"{text}!"
    return f"{text}." if habit < 0.42 else text
