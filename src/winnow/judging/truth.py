"""A caption against the truth: which of its claims hold, what it leaves out, what is wrong with it.

Verdicts: `right`; `wrong`, of something that is there (its number, colour, place); `invented`, a
thing, scene or condition that is not there, and all that is said of it; `missing`, what people
would mention and the caption does not. A claim about which the layout says nothing ("a beautiful
lake") has no verdict.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from winnow.captioning.claims import Claim, Phrase, Reading, read
from winnow.captioning.lexicon import UNSEEN
from winnow.captioning.tagging import tokens
from winnow.data.errors import WinnowError
from winnow.judging.conditions import condition_holds, scene_holds
from winnow.judging.places import holds, split
from winnow.judging.qualities import is_true
from winnow.judging.sight import SHOWN_BY, Sight
from winnow.terrarium.noise import CLEAN
from winnow.terrarium.schema import Layout

RIGHT, WRONG, INVENTED, MISSING = "right", "wrong", "invented", "missing"
_WORST = {RIGHT: 0, WRONG: 1, INVENTED: 2}
_MANY = 6  # "many" are more; the grammar counts up to it
_ROUGH = 10  # above it, a number may be off by a fifth
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
# Nouns and numbers that would do for almost any image.
COMMON = frozenset({"building", "tree", "road", "plant", "ground"})
# What lies behind the things that an image is about, and fits many images.
_BACKDROP = frozenset({
    "road", "path", "tree", "forest", "shrub", "scrub", "grass", "plant", "soil", "sand", "rock",
    "concrete", "asphalt", "water",
})  # fmt: skip
VAGUE = frozenset({"many", "several", "few", "some"})
_EVERYWHERE = frozenset({"ground", "row", "shadow", "line", "roof", "ridge", "valley", "bay"})


class Fact(NamedTuple):
    """A claim with its verdict, or what a caption leaves out."""

    kind: str
    subject: str
    value: str
    verdict: str


def read_sight(text: str, uid: str, path: Path) -> Sight:
    """The sight of a layout in JSON, as the table LAYOUTS at `path` has it for the image `uid`."""
    try:
        return Sight(Layout.from_dict(json.loads(text)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WinnowError(
            f"{path}: the layout of uid {uid} cannot be read ({error}); make the pool again"
        ) from error


def judge(text: str, layout: Layout | Sight) -> tuple[str, list[Fact]]:
    """The kind of a caption, in the vocabulary of the known noise, and the verdict on each claim.

    Give a `Sight` where several captions are of one layout.
    """
    sight = layout if isinstance(layout, Sight) else Sight(layout)
    reading = read(text)
    verdicts: dict[Claim, str] = {}
    for claim, phrase in reading.claims:
        verdict = _verdict(sight, claim, phrase)
        if verdict and _WORST[verdict] >= _WORST[verdicts.get(claim, RIGHT)]:
            verdicts[claim] = verdict
    facts = [Fact(*claim, verdict) for claim, verdict in verdicts.items()]
    kind = _kind(text, reading, facts)
    return kind, facts + _missing(sight, reading)


def _verdict(sight: Sight, claim: Claim, phrase: Phrase | None) -> str | None:
    kind, subject, value = claim
    word = phrase.word if phrase else ""
    if kind == "scene":
        return scene_holds(sight, value)
    if kind == "condition":
        held = condition_holds(sight, value)
        return None if held is None else RIGHT if held else INVENTED
    if phrase is not None and phrase.scene:
        if scene_holds(sight, subject) != RIGHT:
            return INVENTED
    elif value == "0":
        return WRONG if sight.found(subject, word) else RIGHT
    elif not sight.shows(subject, word):
        return INVENTED
    if kind == "object":
        return None if subject in _EVERYWHERE else RIGHT
    held = _detail_holds(sight, claim, phrase, word)
    if held is None:
        return None
    return RIGHT if held else WRONG


def _detail_holds(sight: Sight, claim: Claim, phrase: Phrase | None, word: str) -> bool | None:
    if claim.kind == "count":
        if phrase is not None and phrase.scene:
            return False if claim.value.isdecimal() and int(claim.value) > 1 else None
        exact = phrase is not None and claim.value not in VAGUE
        numbers = sight.numbers(claim.subject, word, phrase.traits if phrase and exact else ())
        if not numbers:
            return None
        return any(fits(claim.value, number) for number in numbers)
    if claim.kind == "attribute":
        return is_true(sight, claim.subject, word, claim.value)
    other = split(claim.value)[1]
    if other and not _is_there(sight, other):
        return None
    return holds(sight, claim.subject, claim.value)


def _is_there(sight: Sight, noun: str) -> bool:
    return sight.shows(noun) if noun in SHOWN_BY else scene_holds(sight, noun) == RIGHT


def fits(said: str, number: int) -> bool:
    """Whether a count, exact or vague, is true of a number."""
    if said == "many":
        return number > _MANY
    if said == "several":
        return number >= 3
    if said in ("few", "some"):
        return number >= 2
    return abs(int(said) - number) <= (number / 5 if number > _ROUGH else 0)


def _missing(sight: Sight, reading: Reading) -> list[Fact]:
    """Salient things that no noun of the caption means."""
    said = {(phrase.noun, phrase.word) for phrase in reading.phrases}
    said |= {(claim.value, "") for claim, _ in reading.claims if claim.kind == "scene"}
    found = [part for noun, word in said for part in sight.found(noun, word)]
    if any(noun in ("intersection", "farmland") for noun, _ in said):
        found += [*sight.found("road"), *sight.found("field")]
    seen = {id(part) for part in found}
    return [
        Fact("object", noun, "", MISSING)
        for noun in sight.salient()
        if not any(id(part) in seen for part in sight.found(noun))
    ]


def _kind(text: str, reading: Reading, facts: list[Fact]) -> str:
    """What is worst about the caption; the noise that it could have been corrupted by."""
    if _is_generic(reading):
        return "truncated" if reading.unfinished else "generic"
    scenes = {fact.verdict for fact in facts if fact.kind == "scene"}
    elsewhere = INVENTED in scenes or _main_thing_missing(facts)
    if (elsewhere and RIGHT not in scenes) or _mostly_false(facts):
        return "mismatch"
    if _YEAR.search(text) or not UNSEEN.isdisjoint(tokens(text)):
        return "infeasible"
    if any(fact.kind in ("object", "scene") and fact.verdict == INVENTED for fact in facts):
        return "hallucination"
    wrong = {fact.kind for fact in facts if fact.verdict != RIGHT}
    if wrong & {"scene", "condition"}:  # dense for sparse, winter for summer
        wrong.add("attribute")
    for kind in ("count", "attribute", "relation"):
        if kind in wrong:
            return kind
    return "truncated" if reading.unfinished else CLEAN


def _mostly_false(facts: list[Fact]) -> bool:
    """Whether two claims or more are false, and more subjects have a false claim than have none.

    Invented things in a row are one invention ("a church with a tower"), and so is one relation of
    several subjects.
    """
    subjects: dict[str, bool] = {}
    false = set()
    run = 0
    for place, fact in enumerate(facts):
        if fact.kind in ("scene", "condition"):
            continue
        bad = fact.verdict != RIGHT
        subjects[fact.subject] = subjects.get(fact.subject, False) or bad
        if fact.kind == "object":
            run = (run or place + 1) if bad else 0
        if bad and fact.verdict == WRONG:
            false.add((fact.kind, "" if fact.kind == "relation" else fact.subject, fact.value))
        elif fact.kind == "object" and bad:
            false.add(("object", "", str(run)))
    bad_ones = sum(subjects.values())
    return len(false) >= 2 and bad_ones > len(subjects) - bad_ones


def _main_thing_missing(facts: list[Fact]) -> bool:
    """Whether what the caption speaks of first is not there, and at most the backdrop is right."""
    objects = [fact for fact in facts if fact.kind == "object"]
    right = {fact.subject for fact in facts if fact.verdict == RIGHT and fact.kind == "object"}
    return bool(objects) and objects[0].verdict == INVENTED and right <= _BACKDROP


def _is_generic(reading: Reading) -> bool:
    """Whether a caption claims nothing but things found almost anywhere, in vague numbers."""
    for claim, _ in reading.claims:
        if claim.kind in ("scene", "condition", "attribute") or _fills(claim.value):
            return False
        if claim.kind == "count" and claim.value not in VAGUE:
            return False
    return all(phrase.noun in COMMON and phrase.many is not False for phrase in reading.phrases)


def _fills(value: str) -> bool:
    """Whether a relation says of what the whole image consists."""
    return value == "everywhere" or value.startswith("covered by ")
