"""What can be said about a layout: phrases for its things and its land cover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from winnow.terrarium.schema import Feature, Layout
from winnow.terrarium.words import COLOUR_WORDS, NOUNS, NUMBERS, article

Pick = Callable[[Sequence[str]], str]
MANY = 6  # nobody counts further at a glance
PLACES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}


@dataclass(frozen=True)
class Group:
    """All things of one kind: how many, of which colours, and their size where they share it."""

    kind: str
    count: int
    colours: tuple[tuple[str, int], ...]
    size: str


def groups(layout: Layout) -> dict[str, Group]:
    """The things of a layout by kind, in the order in which they were placed."""
    found: dict[str, Group] = {}
    for kind in dict.fromkeys(thing.kind for thing in layout.things):
        members = [thing for thing in layout.things if thing.kind == kind]
        colours = tuple(Counter(thing.colour for thing in members).most_common())
        sizes = {thing.size for thing in members}
        found[kind] = Group(kind, len(members), colours, sizes.pop() if len(sizes) == 1 else "")
    return found


def features(layout: Layout, name: str) -> list[Feature]:
    """The features of a layout that are called `name`."""
    return [feature for feature in layout.features if feature.name == name]


def side_of(x: float, y: float) -> str:
    """Which side of the image a point is on; empty near the middle and in the corners."""
    dx, dy = x - 0.5, y - 0.5
    if max(abs(dx), abs(dy)) < 0.16 or abs(abs(dx) - abs(dy)) < 0.08:
        return ""
    if abs(dx) > abs(dy):
        return "left" if dx < 0 else "right"
    return "top" if dy < 0 else "bottom"


def feature_side(feature: Feature) -> str:
    """Which side of the image a feature lies on, from the middle of its visible points."""
    xs = [min(max(x, 0.0), 1.0) for x, _ in feature.points]
    ys = [min(max(y, 0.0), 1.0) for _, y in feature.points]
    return side_of((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)


def season_phrases(layout: Layout) -> tuple[str, ...]:
    """Words for the season, where plants show it."""
    green = layout.ground in ("grass", "forest", "scrub") or features(layout, "trees")
    if not green or layout.season in ("spring", "summer"):
        return ()
    if layout.season == "autumn":
        return ("in autumn", "in the fall", "in autumn colors")
    return ("in winter", "on a frosty day", "in the cold season")


def ground_phrases(layout: Layout) -> tuple[str, ...]:
    """Words for what covers most of the image."""
    season = layout.season
    grass = {
        "autumn": ("brown grass", "a withered lawn", "dry grass"),
        "winter": ("pale grass", "frosty grass", "a frozen lawn"),
    }.get(season, ("green grass", "grass", "green lawns", "a green lawn"))
    trees = {
        "autumn": ("autumn trees", "orange and brown trees", "dense woods"),
        "winter": ("pale trees", "winter woods", "dense woods"),
    }.get(season, ("green trees", "dense forest", "many trees", "thick woods"))
    return {
        "grass": grass,
        "forest": trees,
        "scrub": ("dry scrub", "sparse dry plants"),
        "soil": ("bare land", "bare ground", "brown soil", "bare soil"),
        "sand": ("sand",),
        "dunes": ("dunes", "sand dunes"),
        "rock": ("bare rock", "rocky ground", "rocks"),
        "concrete": ("concrete ground", "paved ground", "concrete"),
        "asphalt": ("asphalt", "dark asphalt"),
        "water": ("water",),
    }[layout.ground]


def _tone(colour: str, pick: Pick) -> str:
    return pick(COLOUR_WORDS.get(colour, (colour,)))


def _counted(pick: Pick, count: int, words: Sequence[str], noun: tuple[str, str]) -> str:
    """A number, adjectives and a noun that agree."""
    adjectives = "".join(f"{word} " for word in words)
    if count == 1:
        return pick((f"one {adjectives}{noun[0]}", article(f"{adjectives}{noun[0]}")))
    if count > MANY:
        number = pick(("many", "many", "a lot of", "lots of", "rows of"))
    elif count == 2:
        number = pick(("two", "two", "two", "a pair of"))
    elif count >= 4:
        number = pick((NUMBERS[count],) * 5 + ("several",))
    else:
        number = NUMBERS[count]
    return f"{number} {adjectives}{noun[1]}"


def group_phrase(group: Group, pick: Pick) -> str:
    """A noun phrase for a group: "three white planes", "two red cars and three blue ones"."""
    noun_options = NOUNS[group.kind]
    noun = noun_options[int(pick("012345")) % len(noun_options)]
    if len(group.colours) == 1:
        words = []
        sized = group.size and group.kind not in ("car", "boat", "truck", "terminal")
        if sized and pick("yn") == "y" and not ("small" in noun[0] or "large" in noun[0]):
            words.append("small" if group.size == "small" else pick(("large", "big")))
        colour = group.colours[0][0]
        if pick("yyyyn") == "y":
            words.append(_tone(colour, pick))
        return _counted(pick, group.count, words, noun)
    if len(group.colours) == 2 and group.count <= 6 and pick("yyn") == "y":
        (first, n), (second, m) = group.colours
        head = f"{NUMBERS[n]} {first} {noun[n > 1]}"
        return f"{head} and {NUMBERS[m]} {second} {'ones' if m > 1 else 'one'}"
    return _counted(pick, group.count, (), noun)


def _line_phrase(feature: Feature, pick: Pick, nouns: Sequence[str]) -> str:
    words = []
    if feature.trait in ("straight", "curved") and pick("yn") == "y":
        curved = ("curved", "winding", "curved")
        words.append(pick(curved) if feature.trait == "curved" else "straight")
    if feature.trait == "wide":
        words.append("wide")
    if feature.colour and feature.surface == "water" and pick("yyyyn") == "y":
        words.append(_tone(feature.colour, pick))
    words.append(pick(nouns))
    return article(" ".join(words))


_PLAIN_NOUNS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("river", "lake", "pond", "bridge", "island", "apron")},
    "stream": ("stream", "creek"),
    "path": ("path", "dirt path", "footpath"),
    "clearing": ("clearing", "open space"),
    "quay": ("quay", "wharf"),
}


def _road(layout: Layout, pick: Pick) -> str:
    road = features(layout, "road")[0]
    if road.trait == "crossing":
        return pick(("two crossing roads", "two streets that cross", "crossing streets"))
    dirt = road.surface == "soil"
    return _line_phrase(
        road, pick, ("dirt road", "dirt track") if dirt else ("road", "road", "street")
    )


def _fields(layout: Layout, pick: Pick) -> str:
    found = features(layout, "field")
    colours = list(dict.fromkeys(field.colour for field in found))
    shape = f"{pick(('round', 'circular'))} " if found[0].trait == "round" else ""
    noun = ("crop field", "crop fields") if pick("yn") == "y" else ("field", "fields")
    if len(colours) == 2 and pick("yyn") == "y":
        return f"{colours[0]} and {colours[1]} {shape}{noun[1]}"
    colour = f"{colours[0]} " if len(colours) == 1 and pick("yyn") == "y" else ""
    if len(found) == 1:
        return article(f"{shape}{colour}{noun[0]}")
    return f"{NUMBERS[len(found)]} {shape}{colour}{noun[1]}"


def _trees(layout: Layout, pick: Pick) -> str:
    trait = features(layout, "trees")[0].trait
    if trait == "shrubs":
        return pick(("some shrubs", "scattered bushes", "a few dry shrubs"))
    if trait == "row":
        return pick(("a row of trees", "a line of trees"))
    words = {"autumn": ("orange trees", "trees in autumn colors", "trees", "some trees")}
    return pick(words.get(layout.season, ("trees", "some trees", "green trees", "many trees")))


def _special(layout: Layout, pick: Pick) -> dict[str, str]:
    """Phrases that belong to one feature or one scene."""
    slots: dict[str, str] = {}
    for name, phrase in (("road", _road), ("field", _fields), ("trees", _trees)):
        if features(layout, name):
            slots[name] = phrase(layout, pick)
    for name in ("runway", "pier"):
        if found := features(layout, name):
            slots[name] = _counted(
                pick, len(found), (), NOUNS[name][int(pick("012")) % len(NOUNS[name])]
            )
    for name in ("track", "pitch"):
        if found := features(layout, name):
            nouns = ("running track", "track") if name == "track" else ("field", "pitch")
            slots[name] = article(f"{_tone(found[0].colour, pick)} {pick(nouns)}")
    if found := features(layout, "sea"):
        colour = found[0].colour
        slots["sea"] = pick(
            (f"the {colour} sea", "the sea", f"{colour} water", f"the {colour} ocean")
        )
        if side := feature_side(found[0]):
            slots["side"] = PLACES[side]
        slots["shore"] = features(layout, "waves")[0].trait
        tone = layout.ground_colour
        slots["sand"] = pick(("the sand", f"{tone} sand", f"the {tone} sand", f"{tone} sand"))
    if layout.scene == "harbor":
        slots["sea"] = pick(
            (f"{layout.ground_colour} water", "the water", f"the {layout.ground_colour} water")
        )
    if features(layout, "rocks"):
        slots["rocks"] = pick(("bare rocks", "a rocky outcrop", "gray rocks"))
    if features(layout, "snow"):
        slots["snow"] = pick(("white snow", "snow", "a band of snow"))
    if plants := features(layout, "plants"):
        wood = plants[0].surface == "forest"
        slots["plants"] = pick(
            ("trees", "a strip of trees", "woods") if wood else ("grass", "a lawn")
        )
    return slots


def slots(layout: Layout, pick: Pick) -> dict[str, str]:
    """One phrase for everything that can be said, by the name that templates use for it.

    A kind of thing gives `<kind>` and its verb `<kind>_are`; land cover gives its own name;
    `ground`, `season` and `tone` (the ground's colour) are there where they mean something.
    """
    found: dict[str, str] = {}
    for kind, group in groups(layout).items():
        found[kind] = group_phrase(group, pick)
        found[f"{kind}_are"] = "is" if group.count == 1 else "are"
    if not groups(layout):
        found["empty"] = ""
    for feature in layout.features:
        if feature.name in _PLAIN_NOUNS:
            found[feature.name] = _line_phrase(feature, pick, _PLAIN_NOUNS[feature.name])
    found |= _special(layout, pick)
    found["ground"] = pick(ground_phrases(layout))
    if season := season_phrases(layout):
        found["season"] = pick(season)
    if layout.scene in ("desert", "mountain") and layout.ground_colour:
        found["tone"] = _tone(layout.ground_colour, pick)
    return found


def labels(layout: Layout) -> set[str]:
    """Everything that shows, as flat labels: "scene airport", "plane", "plane 3", "plane white"."""
    found = {
        f"scene {layout.scene}",
        f"ground {layout.ground}",
        f"ground {layout.ground_colour}",
        f"season {layout.season}",
        f"cloud {sky(layout)}",
        f"light {light(layout)}",
    }
    for kind, group in groups(layout).items():
        found |= {kind, f"{kind} {min(group.count, MANY + 1)}", f"{kind} {group.size}"}
        found |= {f"{kind} {colour}" for colour, _ in group.colours}
    for feature in layout.features:
        found |= {
            feature.name,
            f"{feature.name} {feature.colour}",
            f"{feature.name} {feature.trait}",
        }
    return found


def sky(layout: Layout) -> str:
    """clear, thin haze or haze."""
    return "clear" if layout.cloud < 0.1 else "thin haze" if layout.cloud < 0.2 else "haze"


def light(layout: Layout) -> str:
    """bright, dim or normal."""
    return "bright" if layout.light > 1.03 else "dim" if layout.light < 0.94 else "normal"
