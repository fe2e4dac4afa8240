"""Rating by the truth, in place of a large model: each dimension follows from what is right.

relevance     The share of right assertions; 5 where all are, else 4, 3, 2 from three, two, one
              fifths. An invented thing, with all that is said of it, counts as two wrong details,
              and so does what no image shows. At most 3 for what would fit any image, and for what
              does not touch anything that the references say. 2 without an assertion; 1 without a
              word, and for a description of another place.
specificity   Right details less false ones: exact numbers, looks, positions, conditions, the scene,
              telling nouns. 2, 3, 4, 5 from 1, 2, 3, 5 of them.
completeness  How much of what the references say is said rightly, as a share of what one of them
              says on average; without references, the share of the salient things. By fifths.
clarity       5, less 2 for no end, 2 for a repetition without end, 2 for hardly a known word, 1 for
              a word or an assertion said twice, 1 for fewer than three words. The form alone
              counts.
richness      One more than the kinds of right assertions (scene, object, count, attribute,
              relation, condition), but 2, 3, 4, 5 only from 2, 4, 6, 8 different words.

ScoreRS has a large model rate the same dimensions (NeurIPS 2025); these levels are our
own. A right assertion in place of none, or none in place of a false one, lowers no rating.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from winnow.assertions.assertion import Assertion, ParsedCaption
from winnow.assertions.check import COMMON, INVENTED, MISSING, RIGHT, VAGUE, WRONG, Finding, check
from winnow.assertions.layout_view import LayoutView, label
from winnow.assertions.parser import assertions_of, parse
from winnow.assertions.tagger import tags, tokens
from winnow.captioning.answers import repeats
from winnow.preferences.rubric import LEVELS, Rating
from winnow.terrarium.noise import CLEAN

MISMATCH, INFEASIBLE = "mismatch", "infeasible"  # kinds that `check` gives
_FIFTHS = (0.2, 0.4, 0.6, 0.8)  # least shares of the levels 2 to 5
_DETAILS = (1, 2, 3, 5)  # least numbers of the levels 2 to 5
_WORDS = (2, 4, 6, 8)  # likewise
_KEPT = 1 << 14  # texts and images come again; so many of what follows from them is kept
_UNKNOWN = 2 / 3  # of the words; a text with a larger share that nobody knows is unclear

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
    kind, found = check(text, view)
    findings = [finding for finding in found if finding.verdict != MISSING]
    said = {_topic(Assertion(*one[:3]), view) for one in findings if one.verdict == RIGHT}
    expected = _expected(tuple(reference), view)
    words = _words(text)
    touches = not expected or not said.isdisjoint(expected)
    return Rating(
        relevance=_relevance(findings, kind, touches) if words else 1,
        specificity=_level(_details(findings) - (kind == INFEASIBLE), _DETAILS),
        completeness=_level(_covered(said, expected, found), _FIFTHS),
        clarity=_clarity(text),
        richness=_richness(findings, len(set(words))),
    )


def rate_by_noise(kind: str) -> Rating:
    """Rate a caption by the known kind of its noise, or `clean`; ValueError for any other."""
    if kind not in NOISE:
        raise ValueError(f"unknown kind of noise {kind!r}; there are {', '.join(NOISE)}")
    return NOISE[kind]


def _level(value: float, least: Sequence[float]) -> int:
    """The level of a number, from the least numbers of the levels 2 to 5."""
    return 1 + bisect_right(least, value + 1e-9)


def _relevance(findings: list[Finding], kind: str, touches: bool) -> int:
    if kind == MISMATCH:
        return 1
    if not findings:
        return 2
    invented = {
        finding.subject if finding.kind == "object" else finding.value
        for finding in findings
        if finding.verdict == INVENTED and finding.kind in ("object", "scene", "condition")
    }
    wrong = sum(finding.verdict == WRONG for finding in findings)
    false = wrong + 2 * (len(invented) + (kind == INFEASIBLE))
    right = sum(finding.verdict == RIGHT for finding in findings)
    level = 5 if not false else min(4, _level(right / (right + false), _FIFTHS))
    telling = any(_tells(finding) for finding in findings if finding.verdict == RIGHT)
    return min(level, 5 if touches and telling else 3)


def _tells(finding: Finding) -> bool:
    """Whether an assertion, if true, is a detail: would not fit almost any image."""
    if finding.kind == "object":
        return finding.subject not in COMMON
    return finding.kind != "count" or finding.value not in {*VAGUE, "1"}  # 1: maybe an article


def _details(findings: list[Finding]) -> int:
    telling = [finding for finding in findings if _tells(finding)]
    right = sum(finding.verdict == RIGHT for finding in telling)
    return 2 * right - len(telling)


def _topic(assertion: Assertion, view: LayoutView) -> Topic:
    """The topic of an assertion: what two nouns both mean, as road and path, is one thing."""
    if assertion.kind in ("scene", "condition"):
        return assertion.kind, assertion.value if assertion.kind == "condition" else ""
    found = view.parts_of(assertion.subject)
    return assertion.kind, label(found[0]) if found else assertion.subject


@lru_cache(_KEPT)
def _expected(references: tuple[str, ...], view: LayoutView) -> Mapping[Topic, float]:
    """Each topic of the references, and the share of them that speak of it."""
    counts = Counter(
        topic for text in references for topic in {_topic(one, view) for one in assertions_of(text)}
    )
    return {topic: count / len(references) for topic, count in counts.items()}


def _covered(said: set[Topic], expected: Mapping[Topic, float], findings: list[Finding]) -> float:
    """How much of what the references say is said: 1 is as much as one of them says on average."""
    if expected:
        typical = sum(share**2 for share in expected.values())
        return sum(expected.get(topic, 0.0) for topic in said) / typical
    missing = sum(finding.verdict == MISSING for finding in findings)
    things = sum(finding.verdict == RIGHT and finding.kind == "object" for finding in findings)
    return things / (things + missing) if things + missing else float(bool(said))


def _words(text: str) -> list[str]:
    return [word for word in tokens(text) if word[0].isalnum()]


@lru_cache(_KEPT)
def _clarity(text: str) -> int:
    words = _words(text)
    if not words:
        return 1
    caption = parse(text)
    tagged = [tag.kind for tag in tags(text) if tag.kind not in ("pause", "stop")]
    doubled = any(first == second for first, second in pairwise(words))
    faults = (
        2 * caption.unfinished
        + 2 * repeats(text)
        + (doubled or _says_again(caption))
        + 2 * (tagged.count("other") > _UNKNOWN * len(tagged))
        + (len(words) < 3)
    )
    return max(1, 5 - faults)


def _says_again(caption: ParsedCaption) -> bool:
    """Whether a third of what is said of things was said before."""
    said = [assertion for assertion, _ in caption.assertions]
    return len(said) - len(set(said)) > len(said) / 3


def _richness(findings: list[Finding], words: int) -> int:
    kinds = {finding.kind for finding in findings if finding.verdict == RIGHT}
    return min(len(kinds) + 1, _level(words, _WORDS), LEVELS[-1])
