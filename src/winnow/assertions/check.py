"""A caption against a layout: which of its assertions hold, what it leaves out, what is wrong.

Verdicts: `right`; `wrong`, of something that is there (its number, colour, place); `invented`, a
thing, scene or condition that is not there, and all that is said of it; `missing`, what people
would mention and the caption does not. An assertion about which the layout says nothing ("a
beautiful lake") has no verdict.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from winnow.assertions.assertion import Assertion, ParsedCaption, Phrase
from winnow.assertions.attributes import attribute_holds
from winnow.assertions.layout_view import SHOWN_BY, LayoutView
from winnow.assertions.lexicon import LEXICON, split_relation
from winnow.assertions.parser import parse
from winnow.assertions.relations import relation_holds
from winnow.assertions.scenes import condition_holds, scene_verdict
from winnow.assertions.tagger import tokens
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


class Finding(NamedTuple):
    """An assertion with its verdict, or what a caption leaves out."""

    kind: str
    subject: str
    value: str
    verdict: str


def check(text: str, layout: Layout | LayoutView) -> tuple[str, list[Finding]]:
    """The kind of a caption, in the vocabulary of the known noise, and what is found about it.

    Give a `LayoutView` where several captions are of one layout.
    """
    view = layout if isinstance(layout, LayoutView) else LayoutView(layout)
    caption = parse(text)
    verdicts: dict[Assertion, str] = {}
    for assertion, phrase in caption.assertions:
        verdict = _verdict(view, assertion, phrase)
        if verdict and _WORST[verdict] >= _WORST[verdicts.get(assertion, RIGHT)]:
            verdicts[assertion] = verdict
    findings = [Finding(*assertion, verdict) for assertion, verdict in verdicts.items()]
    kind = _kind(text, caption, findings)
    return kind, findings + _missing(view, caption)


def _verdict(view: LayoutView, assertion: Assertion, phrase: Phrase | None) -> str | None:
    kind, subject, value = assertion
    if kind == "scene":
        return scene_verdict(view, value)
    if phrase is None:  # a condition
        held = condition_holds(view, value)
        return None if held is None else RIGHT if held else INVENTED
    if phrase.scene:
        if scene_verdict(view, subject) != RIGHT:
            return INVENTED
    elif value == "0":
        return WRONG if view.parts_of(subject, phrase.word) else RIGHT
    elif not view.shows(subject, phrase.word):
        return INVENTED
    if kind == "object":
        return None if subject in _EVERYWHERE else RIGHT
    held = _detail_holds(view, assertion, phrase)
    return None if held is None else RIGHT if held else WRONG


def _detail_holds(view: LayoutView, assertion: Assertion, phrase: Phrase) -> bool | None:
    kind, subject, value = assertion
    if kind == "attribute":
        return attribute_holds(view, subject, phrase.word, value)
    if kind == "relation":
        other = split_relation(value)[1]
        return relation_holds(view, subject, value) if _is_there(view, other) else None
    if phrase.scene:
        return False if value.isdecimal() and int(value) > 1 else None
    counts = view.counts(subject, phrase.word, () if value in VAGUE else phrase.traits)
    return any(count_fits(value, count) for count in counts) if counts else None


def _is_there(view: LayoutView, noun: str) -> bool:
    """Whether the other end of a relation is there, if it has one."""
    if not noun or noun in SHOWN_BY:
        return not noun or view.shows(noun)
    return scene_verdict(view, noun) == RIGHT


def count_fits(stated: str, number: int) -> bool:
    """Whether a count, exact or vague, is true of a number."""
    if stated == "many":
        return number > _MANY
    if stated == "several":
        return number >= 3
    if stated in ("few", "some"):
        return number >= 2
    return abs(int(stated) - number) <= (number / 5 if number > _ROUGH else 0)


def _missing(view: LayoutView, caption: ParsedCaption) -> list[Finding]:
    """Salient things that no noun of the caption means."""
    said = {(phrase.noun, phrase.word) for phrase in caption.phrases}
    said |= {(value, "") for (kind, _, value), _ in caption.assertions if kind == "scene"}
    found = [part for noun, word in said for part in view.parts_of(noun, word)]
    if any(noun in ("intersection", "farmland") for noun, _ in said):
        found += [*view.parts_of("road"), *view.parts_of("field")]
    seen = {id(part) for part in found}
    return [
        Finding("object", noun, "", MISSING)
        for noun in view.salient()
        if not any(id(part) in seen for part in view.parts_of(noun))
    ]


def _kind(text: str, caption: ParsedCaption, findings: list[Finding]) -> str:
    """What is worst about the caption; the noise that it could have been corrupted by."""
    if _is_generic(caption):
        return "truncated" if caption.unfinished else "generic"
    scenes = {finding.verdict for finding in findings if finding.kind == "scene"}
    elsewhere = INVENTED in scenes or _main_thing_missing(findings)
    if (elsewhere and RIGHT not in scenes) or _mostly_false(findings):
        return "mismatch"
    if _YEAR.search(text) or not LEXICON.unseen.isdisjoint(tokens(text)):
        return "infeasible"
    if any(f.kind in ("object", "scene") and f.verdict == INVENTED for f in findings):
        return "hallucination"
    wrong = {finding.kind for finding in findings if finding.verdict != RIGHT}
    if wrong & {"scene", "condition"}:  # dense for sparse, winter for summer
        wrong.add("attribute")
    for kind in ("count", "attribute", "relation"):
        if kind in wrong:
            return kind
    return "truncated" if caption.unfinished else CLEAN


def _mostly_false(findings: list[Finding]) -> bool:
    """Whether two assertions or more are false, and most subjects have a false one.

    Invented things in a row are one invention ("a church with a tower"), and so is one relation of
    several subjects.
    """
    subjects: dict[str, bool] = {}
    false = set()
    run = 0
    for place, finding in enumerate(findings):
        if finding.kind in ("scene", "condition"):
            continue
        bad = finding.verdict != RIGHT
        subjects[finding.subject] = subjects.get(finding.subject, False) or bad
        if finding.kind == "object":
            run = (run or place + 1) if bad else 0
        if bad and finding.verdict == WRONG:
            subject = "" if finding.kind == "relation" else finding.subject
            false.add((finding.kind, subject, finding.value))
        elif finding.kind == "object" and bad:
            false.add(("object", "", str(run)))
    bad_ones = sum(subjects.values())
    return len(false) >= 2 and bad_ones > len(subjects) - bad_ones


def _main_thing_missing(findings: list[Finding]) -> bool:
    """Whether what the caption speaks of first is not there, and at most the backdrop is right."""
    objects = [finding for finding in findings if finding.kind == "object"]
    right = {finding.subject for finding in objects if finding.verdict == RIGHT}
    return bool(objects) and objects[0].verdict == INVENTED and right <= _BACKDROP


def _is_generic(caption: ParsedCaption) -> bool:
    """Whether a caption asserts nothing but things found almost anywhere, in vague numbers."""
    for assertion, _ in caption.assertions:
        if assertion.kind in ("scene", "condition", "attribute") or _fills(assertion.value):
            return False
        if assertion.kind == "count" and assertion.value not in VAGUE:
            return False
    return all(phrase.noun in COMMON and phrase.many is not False for phrase in caption.phrases)


def _fills(value: str) -> bool:
    """Whether a relation says of what the whole image consists."""
    return value == "everywhere" or value.startswith("covered by ")
