"""What an attentive annotator answers about a layout, one viewpoint at a time.

These answers play the careful human or large model whose descriptions teach the stand-in: they are
true of the layout, differ in wording, and overlap in what they mention, as real descriptions do.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from winnow.terrarium import phrases
from winnow.terrarium.captions import Dice
from winnow.terrarium.phrases import PLACES, Pick, features, groups
from winnow.terrarium.schema import Layout
from winnow.terrarium.words import LAND_USES, NOUNS, SCENE_PHRASES, URBAN, article, listed

SHOWN = ("river", "stream", "lake", "pond", "bridge", "island", "path", "clearing", "quay")
_LINES = ("road", "runway", "pier", "field", "track", "pitch", "sea", "rocks", "snow", "trees")
SKIES = {
    "clear": ("clear sky", "no clouds"),
    "thin haze": ("thin haze", "light haze"),
    "haze": ("haze", "a hazy sky"),
}


def answers(layout: Layout, seed: int) -> dict[str, str]:
    """One answer for each viewpoint of `VIEWPOINTS`, by its name; "" where nothing can be said."""
    dice = Dice(seed)
    return {name: _finish(view(layout, dice.pick)) for name, view in VIEWPOINTS.items()}


def _finish(text: str) -> str:
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def scene(layout: Layout, pick: Pick) -> str:
    """What kind of place it is."""
    place = pick(SCENE_PHRASES[layout.scene])
    opening = pick(("{}", "this is {}", "{} seen from above", "a satellite image of {}"))
    text = opening.format(place)
    if pick("yyn") == "y":
        text += f" with {pick(phrases.ground_phrases(layout))}"
    seasons = phrases.season_phrases(layout)
    return f"{text} {pick(seasons)}" if seasons and "ground" not in text else text


def objects(layout: Layout, pick: Pick) -> str:
    """What can be counted, then what is there beside it."""
    slots = phrases.slots(layout, pick)
    found = [slots[name] for name in [*groups(layout), *SHOWN, *_LINES] if name in slots]
    if not found:
        return f"no single object, {pick(('only', 'just'))} {slots['ground']}"
    if not groups(layout):
        return listed(found)
    verb = "is" if found[0].startswith(("a ", "an ", "one ")) else "are"
    return pick(("", "", f"there {verb} ", "we can see ")) + listed(found)


def layout_relations(layout: Layout, pick: Pick) -> str:
    """Where things lie: to each other, in the image, and on what ground."""
    slots = phrases.slots(layout, pick)
    said = [_relation(layout, *relation) for relation in layout.relations]
    said += _places(layout, pick)
    ground = slots["ground"]
    if not said:
        return f"{ground} {pick(('covers the whole image', 'everywhere', 'from side to side'))}"
    said.append(f"{ground} {pick(('lies around', 'covers the rest'))}")
    return listed(said) if len(said) == 2 else ", ".join(said)


def _relation(layout: Layout, first: int | str, words: str, second: int | str) -> str:
    subject, many = _named(layout, first)
    other, _ = _named(layout, second)
    verb = ("runs", "run") if words == "through" else ("is", "are")
    return f"the {subject} {verb[many]} {words} the {other}"


def _named(layout: Layout, end: int | str) -> tuple[str, bool]:
    """The plain word of one end of a relation, and whether it is many."""
    if isinstance(end, str):
        count = len(features(layout, end)) if end in NOUNS else 1
        noun = NOUNS[end][0] if end in NOUNS else (end, end)
        return noun[count > 1], count > 1
    kind = layout.things[end].kind
    count = groups(layout)[kind].count
    return NOUNS[kind][0][count > 1], count > 1


def _places(layout: Layout, pick: Pick) -> list[str]:
    """What lies clearly on one side of the image."""
    found = []
    for name in ("sea", "river", "lake", "pond", "road", "runway", "quay", "track"):
        here = features(layout, name)
        if len(here) == 1 and (side := phrases.feature_side(here[0])):
            found.append(f"the {name} is {PLACES[side]}")
    for kind, group in groups(layout).items():
        members = [thing for thing in layout.things if thing.kind == kind]
        x = sum(thing.centre[0] for thing in members) / len(members)
        y = sum(thing.centre[1] for thing in members) / len(members)
        if group.count <= 3 and (side := phrases.side_of(x, y)):
            noun = NOUNS[kind][0][group.count > 1]
            found.append(f"the {noun} {'are' if group.count > 1 else 'is'} {PLACES[side]}")
    return found[: 1 + (pick("yn") == "y")]


def attributes(layout: Layout, pick: Pick) -> str:
    """Colours, sizes and shapes."""
    said = []
    for kind, group in groups(layout).items():
        noun = NOUNS[kind][0][group.count > 1]
        tones = [colour for colour, _ in group.colours]
        words = [listed(tones), *([group.size] if group.size else [])]
        said.append(f"the {noun} {'are' if group.count > 1 else 'is'} {listed(words)}")
    for name in ("river", "lake", "pond", "sea", "track", "pitch"):
        here = features(layout, name)
        if here and here[0].colour:
            shape = here[0].trait if here[0].trait in ("round", "curved", "straight") else ""
            said.append(f"the {name} is {listed([w for w in (here[0].colour, shape) if w])}")
    if fields := features(layout, "field"):
        tones = list(dict.fromkeys(field.colour for field in fields))
        verb = "are" if len(fields) > 1 else "is"
        said.append(f"the {NOUNS['field'][0][len(fields) > 1]} {verb} {listed(tones)}")
    ground = pick(phrases.ground_phrases(layout))
    said.append(f"the ground is {pick(('covered by', 'mostly'))} {ground}")
    return ", ".join(said)


def land_use(layout: Layout, pick: Pick) -> str:
    """What the place serves for, and by what one can tell."""
    area = article(f"{'urban' if layout.scene in URBAN else 'rural'} area")
    use = pick(tuple(LAND_USES[layout.scene]))
    slots = phrases.slots(layout, pick)
    signs = [slots[name] for name in [*groups(layout), "runway", "pier", "field"] if name in slots]
    told = f" with {listed(signs[:2])}" if signs else f" with {slots['ground']}"
    where = pick(SCENE_PHRASES[layout.scene])
    return pick(
        (f"{where} in {area} used for {use}{told}", f"{area} used for {use}, {where}{told}")
    )


def conditions(layout: Layout, pick: Pick) -> str:
    """Season where plants show it, sky, and light."""
    seasons = phrases.season_phrases(layout)
    when = f"{pick(seasons)}, " if seasons else ""
    where = pick(SCENE_PHRASES[layout.scene])
    return f"{where}, {when}{pick(SKIES[phrases.sky(layout)])}, {phrases.light(layout)} light"


def detail(layout: Layout, pick: Pick) -> str:
    """One comprehensive sentence: scene, everything countable, relations, ground, season."""
    slots = phrases.slots(layout, pick)
    names = [name for name in [*groups(layout), *SHOWN, *_LINES] if name in slots]
    text = pick(SCENE_PHRASES[layout.scene])
    if names:
        text += f" with {listed([slots[name] for name in names])}"
    if layout.relations:
        text += f", {_relation(layout, *layout.relations[0])}"
    text += f", {slots['ground']} {pick(('around', 'on the ground'))}"
    return f"{text} {slots['season']}" if "season" in slots else text


VIEWPOINTS: dict[str, Callable[[Layout, Pick], str]] = {
    "scene": scene,
    "objects": objects,
    "layout": layout_relations,
    "attributes": attributes,
    "land_use": land_use,
    "conditions": conditions,
    "detail": detail,
}
