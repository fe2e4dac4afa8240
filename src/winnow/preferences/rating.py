"""Rating by the truth, in place of a large model: each dimension follows from what is right.

relevance     The share of right facts among all; 5 where all are, else 4, 3, 2 from three, two, one
              fifths. An invented thing, with all that is said of it, counts as two wrong details,
              and so does what no image shows. At most 3 for what would fit any image, and for what
              does not touch anything that the references say. 2 without an assertion; 1 without a
              word, and for a description of another place.
specificity   Right details less false ones: exact numbers, looks, positions, conditions, the scene,
              telling nouns. 2, 3, 4, 5 from 1, 2, 3, 5 of them.
completeness  How much of what the references say is said rightly, as a share of what one of them
              says on average; without references, the share of the salient things. By fifths.
clarity       5, less 2 for a sentence without an end, 2 for a repetition without end, 2 for a
              sentence of hardly a known word, 1 for a word said twice in a row or two details told
              again. The form alone counts; a text without a word has 1.
richness      One more than the kinds of right facts (scene, object, count, attribute, relation,
              condition), but 2, 3, 4, 5 only from 2, 3, 4, 5 right facts.

ScoreRS has a large model rate the same dimensions (NeurIPS 2025); these levels are our own. Only
right facts pay, each once, whatever the words: a sentence with a right assertion more lowers no
dimension, and one with a false one raises none. So listing what may be there does not pay. (Any
text, even a false one, has a better form than none.)
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from winnow.assertions.assertion import Assertion
from winnow.assertions.check import (
    COMMON,
    INVENTED,
    MISSING,
    RIGHT,
    VAGUE,
    WRONG,
    Finding,
    check,
    is_elsewhere,
    says_unseen,
)
from winnow.assertions.layout_view import LayoutView, label
from winnow.assertions.lexicon import LEXICON, split_relation
from winnow.assertions.parser import assertions_of, parse
from winnow.assertions.tagger import tags, tokens
from winnow.captioning.answers import repeats
from winnow.preferences.rubric import LEVELS, Rating
from winnow.terrarium.noise import CLEAN

MISMATCH, INFEASIBLE = "mismatch", "infeasible"  # of the kinds of noise
_FIFTHS = (0.2, 0.4, 0.6, 0.8)  # least shares of the levels 2 to 5
_DETAILS = (1, 2, 3, 5)  # least numbers of the levels 2 to 5
_FACTS = (2, 3, 4, 5)  # likewise
_AGAIN = 2  # details that were told before; so many are a fault
_KEPT = 1 << 14  # texts and images come again; so many of what follows from them is kept
_UNKNOWN = 2 / 3  # of the words; a sentence with a larger share that nobody knows is unclear
_OPEN = frozenset({"a", "the", "no", "number", "relation"})  # tags that a noun must follow
_CLOSED = frozenset({"one", *LEXICON.loose})  # words of those tags that do without
_BREAKS = frozenset({"pause", "and", "join"})
_STOP = re.compile(r"[.;!?]")
_MUTUAL = frozenset({"next to", "near", "alongside", "parallel to", "at right angles to"})

# By the known kind of noise: 5 less what it costs Terrarium's captions on average, within a level.
# A mismatch is of another place, and invention worse than a wrong detail.
NOISE = {
    CLEAN: Rating(5, 5, 5, 5, 5),
    MISMATCH: Rating(1, 1, 1, 5, 1),
    "hallucination": Rating(3, 4, 5, 5, 5),
    "count": Rating(4, 4, 5, 5, 5),
    "attribute": Rating(4, 4, 5, 5, 5),
    "relation": Rating(4, 4, 5, 5, 5),
    "generic": Rating(2, 1, 1, 5, 2),
    "truncated": Rating(5, 4, 3, 3, 4),
    INFEASIBLE: Rating(4, 4, 5, 5, 5),
}

Topic = tuple[str, str]
"""A kind of assertion and its subject: two assertions of one topic reply to the same question."""


def rate_by_truth(text: str, view: LayoutView, reference: Sequence[str]) -> Rating:
    """Rate a text about the image of `view`; see the module's table.

    `reference` are true texts that reply to the same question; the text itself may be among them.
    """
    findings = [finding for finding in check(text, view)[1] if finding.verdict != MISSING]
    right = [finding for finding in findings if finding.verdict == RIGHT]
    facts = {_fact(finding, view): finding for finding in sorted(right, key=_tells)}
    said = {_topic(Assertion(*finding[:3]), view) for finding in right}
    expected = _expected(tuple(reference), view)
    covered = _covered(said, expected) if expected else _salient_share(right, view)
    touches = not expected or not said.isdisjoint(expected)
    unseen = says_unseen(text)
    return Rating(
        relevance=_relevance(findings, list(facts.values()), unseen, touches)
        if _words(text)
        else 1,
        specificity=_level(_details(findings, list(facts.values())) - unseen, _DETAILS),
        completeness=_level(covered, _FIFTHS),
        clarity=_clarity(text),
        richness=min(len({kind for kind, *_ in facts}) + 1, _level(len(facts), _FACTS)),
    )


def rate_by_noise(kind: str) -> Rating:
    """Rate a caption by the known kind of its noise, or `clean`; ValueError for any other."""
    if kind not in NOISE:
        raise ValueError(f"unknown kind of noise {kind!r}; there are {', '.join(NOISE)}")
    return NOISE[kind]


def _level(value: float, least: Sequence[float]) -> int:
    """The level of a number, from the least numbers of the levels 2 to 5."""
    return 1 + bisect_right(least, value + 1e-9)


def _relevance(findings: list[Finding], facts: list[Finding], unseen: bool, touches: bool) -> int:
    if is_elsewhere(findings):
        return 1
    if not findings:
        return 2
    invented = {
        finding.subject if finding.kind == "object" else finding.value
        for finding in findings
        if finding.verdict == INVENTED and finding.kind in ("object", "scene", "condition")
    }
    wrong = sum(finding.verdict == WRONG for finding in findings)
    false = wrong + 2 * (len(invented) + unseen)
    level = 5 if not false else min(4, _level(len(facts) / (len(facts) + false), _FIFTHS))
    return min(level, 5 if touches and any(map(_tells, facts)) else 3)


def _tells(finding: Finding) -> bool:
    """Whether an assertion, if true, would not fit almost any image."""
    if finding.kind == "object":
        return finding.subject not in COMMON
    return _is_detail(Assertion(*finding[:3]))


def _is_detail(assertion: Assertion) -> bool:
    """Whether it says more of a thing than that it is there."""
    if assertion.kind == "object":
        return False
    return assertion.kind != "count" or assertion.value not in {*VAGUE, "1"}  # 1: maybe an article


def _details(findings: list[Finding], facts: list[Finding]) -> int:
    false = [finding for finding in findings if finding.verdict != RIGHT]
    return sum(map(_tells, facts)) - sum(map(_tells, false))


def _topic(assertion: Assertion, view: LayoutView) -> Topic:
    """The topic of an assertion: what two nouns both mean, as road and path, is one thing."""
    if assertion.kind in ("scene", "condition"):
        return assertion.kind, assertion.value if assertion.kind == "condition" else ""
    return assertion.kind, _meant(assertion.subject, view)


def _meant(noun: str, view: LayoutView) -> str:
    found = view.parts_of(noun)
    return label(found[0]) if found else noun


def _fact(finding: Finding, view: LayoutView) -> tuple[str, frozenset[str], str]:
    """What a right assertion tells, the same for all that tell it: a thing has one number, and what
    is next to what is one fact from either end."""
    kind, topic = _topic(Assertion(*finding[:3]), view)
    if kind == "relation":
        words, noun = split_relation(finding.value)
        other = _meant(noun, view) if noun else ""
        if words in _MUTUAL:
            return kind, frozenset({topic, other}), ""
        return kind, frozenset({topic}), f"{words} {other}"
    return kind, frozenset({topic}), finding.value if kind == "attribute" else ""


@lru_cache(_KEPT)
def _expected(references: tuple[str, ...], view: LayoutView) -> Mapping[Topic, float]:
    """Each topic of the references, and the share of them that speak of it."""
    counts = Counter(
        topic for text in references for topic in {_topic(one, view) for one in assertions_of(text)}
    )
    return {topic: count / len(references) for topic, count in counts.items()}


def _covered(said: set[Topic], expected: Mapping[Topic, float]) -> float:
    """How much of what the references say is said: 1 is as much as one of them says on average."""
    typical = sum(share**2 for share in expected.values())
    return sum(expected.get(topic, 0.0) for topic in said) / typical


def _salient_share(right: list[Finding], view: LayoutView) -> float:
    """The share of the salient things that are named."""
    nouns = {finding.subject for finding in right if finding.kind == "object"}
    nouns |= {finding.value for finding in right if finding.kind == "scene"}
    named = {id(part) for noun in nouns for part in view.parts_of(noun)}
    salient = [view.parts_of(noun) for noun in view.salient()]
    if not salient:
        return float(bool(right))
    return sum(any(id(part) in named for part in parts) for parts in salient) / len(salient)


def _words(text: str) -> list[str]:
    return [word for word in tokens(text) if word[0].isalnum()]


@lru_cache(_KEPT)
def _clarity(text: str) -> int:
    """By sentences, so that no good sentence mends a bad one."""
    if not _words(text):
        return LEVELS[0]
    ends = [match.start() for match in _STOP.finditer(text)] + [len(text)]
    sentences = [text[start:end] for start, end in pairwise([0, *ends])]
    details = [one for one, _ in parse(text).assertions if _is_detail(one)]
    faults = (
        2 * any(_breaks_off(sentence) for sentence in sentences)
        + 2 * any(repeats(text[:end]) for end in ends)
        + 2 * any(map(_is_gibberish, sentences))
        + (any(map(_stutters, sentences)) or len(details) - len(set(details)) >= _AGAIN)
    )
    return max(LEVELS[0], LEVELS[-1] - faults)


def _stutters(sentence: str) -> bool:
    return any(first == second for first, second in pairwise(_words(sentence)))


def _breaks_off(sentence: str) -> bool:
    """Whether it ends, or goes on with something else, where a noun must follow."""
    marks = list(tags(sentence))
    open_ones = [tag.kind in _OPEN and tag.word not in _CLOSED for tag in marks]
    ended = [tag.kind in _BREAKS for tag in marks[1:]]
    return parse(sentence).unfinished or any(map(operator.and_, open_ones, ended))


def _is_gibberish(sentence: str) -> bool:
    """Whether hardly a word of it is known."""
    kinds = [tag.kind for tag in tags(sentence) if tag.kind not in ("pause", "stop")]
    return kinds.count("other") > _UNKNOWN * len(kinds)
