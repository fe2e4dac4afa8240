"""Questions with answers, and expressions that refer to one thing, read off a layout."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from winnow.terrarium.phrases import MANY, PLACES, features, groups, side_of
from winnow.terrarium.schema import Layout, Thing
from winnow.terrarium.words import NOUNS, SCENES, URBAN, article

TYPES = ("presence", "count", "comparison", "rural_urban", "choice")
_COVER = ("road", "river", "lake", "pond", "bridge", "runway", "pier", "sea")
_ABSENT = ("plane", "ship", "tank", "court", "car", "barn", "pool")
# Scenes with so much pavement that "is there a road" has no clear answer.
_PAVED = frozenset({"airport", "harbor", "parking lot"})


def questions(layout: Layout, seed: int) -> list[dict[str, Any]]:
    """One or more questions of each type that the layout can answer.

    Each has `question`, `answer`, `type` (one of `TYPES`), and `options` for type "choice".
    Counts above six are answered "more than 6", because nobody could count them.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    asked = [*_presence(layout, rng), *_count(layout), *_comparison(layout, rng)]
    asked.append(_item("is it a rural or an urban area?", _rural_urban(layout), "rural_urban"))
    asked += _choice(layout, rng)
    return asked


def _item(question: str, answer: str, kind: str) -> dict[str, Any]:
    return {"question": question, "answer": answer, "type": kind}


def _rural_urban(layout: Layout) -> str:
    return "urban" if layout.scene in URBAN else "rural"


def _one(rng: np.random.Generator, options: list[str]) -> str:
    return options[int(rng.random() * len(options))]


def _presence(layout: Layout, rng: np.random.Generator) -> list[dict[str, Any]]:
    """One thing that is there and one that is not."""
    here = list(groups(layout)) + [name for name in _COVER if features(layout, name)]
    water = {"sea", "harbor", "lake", "river", "pond"} & ({layout.scene} | set(here))
    missing = [name for name in (*_ABSENT, *_COVER) if name not in here]
    # A marina's boats and the ways of naming water overlap; do not ask where people would differ.
    if water:
        missing = [name for name in missing if name not in ("ship", "lake", "river", "pond", "sea")]
    if layout.scene in _PAVED:
        missing = [name for name in missing if name != "road"]
    out = []
    for names, answer in ((here, "yes"), (missing, "no")):
        if names:
            name = _one(rng, names)
            word = NOUNS[name][0][0] if name in NOUNS else name
            out.append(_item(f"is there {article(word)} in the image?", answer, "presence"))
    return out


def _count(layout: Layout) -> list[dict[str, Any]]:
    out = []
    for kind, group in groups(layout).items():
        answer = str(group.count) if group.count <= MANY else f"more than {MANY}"
        out.append(_item(f"how many {NOUNS[kind][0][1]} are there?", answer, "count"))
    return out


def _comparison(layout: Layout, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Which of two kinds there is more of, for the two most frequent kinds."""
    found = list(groups(layout).values())
    if len(found) < 2:
        return []
    first, second = (found[0], found[1]) if rng.random() < 0.5 else (found[1], found[0])
    a, b = NOUNS[first.kind][0][1], NOUNS[second.kind][0][1]
    answer = "yes" if first.count > second.count else "no"
    return [_item(f"are there more {a} than {b}?", answer, "comparison")]


def _choice(layout: Layout, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The scene among four, and the colour of the first kind of thing among four."""
    out = [_options("what does the image show?", layout.scene, list(SCENES), rng)]
    for kind, group in list(groups(layout).items())[:1]:
        if len(group.colours) == 1:
            colours = ["white", "gray", "red", "blue", "green", "brown", "yellow", "black"]
            noun = NOUNS[kind][0][group.count > 1]
            verb = "are" if group.count > 1 else "is"
            text = f"what color {verb} the {noun}?"
            out.append(_options(text, group.colours[0][0], colours, rng))
    return out


def _options(
    question: str, answer: str, pool: list[str], rng: np.random.Generator
) -> dict[str, Any]:
    others = [option for option in pool if option != answer]
    chosen = [others[int(i)] for i in rng.permutation(len(others))[:3]] + [answer]
    order = rng.permutation(4)
    return _item(question, answer, "choice") | {"options": [chosen[int(i)] for i in order]}


def referring(layout: Layout, seed: int) -> list[dict[str, Any]]:
    """Expressions that fit exactly one thing, each with its `box` (fractions x0, y0, x1, y1).

    A thing is told apart by being the only one of its kind, by its colour, or by lying furthest
    to one side; things that none of these tells apart are left out.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    out = []
    for kind in groups(layout):
        members = [thing for thing in layout.things if thing.kind == kind]
        if len(members) > MANY:
            continue
        noun = NOUNS[kind][0][0]
        tones = Counter(thing.colour for thing in members)
        if len(members) == 1:
            place = side_of(*members[0].centre)
            where = f" {PLACES[place]}" if place and rng.random() < 0.5 else ""
            out.append(_refer(f"the {members[0].colour} {noun}{where}", members[0]))
            continue
        for thing in members:
            if tones[thing.colour] == 1:
                out.append(_refer(f"the {thing.colour} {noun}", thing))
        out += _outermost(members, noun)
    return out


_CLEAR = 0.08
"""How far, as a fraction of the side, the outermost thing must lie beyond the next."""


def _outermost(members: list[Thing], noun: str) -> list[dict[str, Any]]:
    out = []
    ends = (("leftmost", 0, 1), ("rightmost", 0, -1), ("topmost", 1, 1), ("lowest", 1, -1))
    for word, axis, sign in ends:
        ranked = sorted(members, key=lambda thing: sign * thing.centre[axis])
        if abs(ranked[0].centre[axis] - ranked[1].centre[axis]) > _CLEAR:
            out.append(_refer(f"the {word} {noun}", ranked[0]))
    return out


def _refer(expression: str, thing: Thing) -> dict[str, Any]:
    return {"expression": expression, "box": thing.box}
