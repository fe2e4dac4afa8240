"""Rating by the truth, in place of a large model: each dimension follows from what is right.

relevance     The share of right claims; 5 where all are, else 4, 3, 2 from three, two, one fifths.
              An invented thing, with all that is said of it, counts as two wrong details, and so
              does what no image shows. At most 3 for what would fit any image, and for what does
              not touch anything that the references say. 2 without a claim; 1 without a word, and
              for a description of another place.
specificity   Right details less false ones: exact numbers, looks, positions, conditions, the scene,
              telling nouns. 2, 3, 4, 5 from 1, 2, 3, 5 of them.
completeness  How much of what the references say is said rightly, as a share of what one of them
              says on average; without references, the share of the salient things. By fifths.
clarity       5, less 2 for no end, 2 for a repetition without end, 2 for hardly a known word, 1 for
              a word or a claim said twice, 1 for fewer than three words. The form alone counts.
richness      One more than the kinds of right claims (scene, object, count, attribute, relation,
              condition), but 2, 3, 4, 5 only from 2, 4, 6, 8 different words.

ScoreRS has a large model rate the same dimensions (NeurIPS 2025); these levels are our
own. A right claim in place of none, or none in place of a false one, lowers no rating.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from winnow.captioning.answers import repeats
from winnow.captioning.claims import Claim, Reading, claims, read
from winnow.captioning.tagging import tags, tokens
from winnow.judging.rubric import LEVELS, Rating
from winnow.judging.sight import Sight, label
from winnow.judging.truth import COMMON, INVENTED, MISSING, RIGHT, VAGUE, WRONG, Fact, judge
from winnow.terrarium.noise import CLEAN

MISMATCH, INFEASIBLE = "mismatch", "infeasible"  # kinds that `judge` gives
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
"""A kind of claim and what it is about: two claims of one topic reply to the same question."""


def rate_by_truth(text: str, sight: Sight, reference: Sequence[str]) -> Rating:
    """Rate a text about the image of `sight`; see the module's table.

    `reference` are true texts that reply to the same question; the text itself may be among them.
    """
    kind, found = judge(text, sight)
    facts = [fact for fact in found if fact.verdict != MISSING]
    said = {_topic(Claim(*fact[:3]), sight) for fact in facts if fact.verdict == RIGHT}
    expected = _expected(tuple(reference), sight)
    words = _words(text)
    touches = not expected or not said.isdisjoint(expected)
    return Rating(
        relevance=_relevance(facts, kind, touches) if words else 1,
        specificity=_level(_details(facts) - (kind == INFEASIBLE), _DETAILS),
        completeness=_level(_covered(said, expected, found), _FIFTHS),
        clarity=_clarity(text),
        richness=_richness(facts, len(set(words))),
    )


def rate_by_noise(kind: str) -> Rating:
    """Rate a caption by the known kind of its noise, or `clean`; ValueError for any other."""
    if kind not in NOISE:
        raise ValueError(f"unknown kind of noise {kind!r}; there are {', '.join(NOISE)}")
    return NOISE[kind]


def _level(value: float, least: Sequence[float]) -> int:
    """The level of a number, from the least numbers of the levels 2 to 5."""
    return 1 + bisect_right(least, value + 1e-9)


def _relevance(facts: list[Fact], kind: str, touches: bool) -> int:
    if kind == MISMATCH:
        return 1
    if not facts:
        return 2
    invented = {
        fact.subject if fact.kind == "object" else fact.value
        for fact in facts
        if fact.verdict == INVENTED and fact.kind in ("object", "scene", "condition")
    }
    wrong = sum(fact.verdict == WRONG for fact in facts)
    false = wrong + 2 * (len(invented) + (kind == INFEASIBLE))
    right = sum(fact.verdict == RIGHT for fact in facts)
    level = 5 if not false else min(4, _level(right / (right + false), _FIFTHS))
    telling = any(_tells(fact) for fact in facts if fact.verdict == RIGHT)
    return min(level, 5 if touches and telling else 3)


def _tells(fact: Fact) -> bool:
    """Whether a claim, if true, is a detail: would not fit almost any image."""
    if fact.kind == "object":
        return fact.subject not in COMMON
    return fact.kind != "count" or fact.value not in {*VAGUE, "1"}  # 1: it may be but an article


def _details(facts: list[Fact]) -> int:
    telling = [fact for fact in facts if _tells(fact)]
    right = sum(fact.verdict == RIGHT for fact in telling)
    return 2 * right - len(telling)


def _topic(claim: Claim, sight: Sight) -> Topic:
    """The topic of a claim: what two nouns both mean, as road and path, is one thing."""
    if claim.kind in ("scene", "condition"):
        return claim.kind, claim.value if claim.kind == "condition" else ""
    found = sight.found(claim.subject)
    return claim.kind, label(found[0]) if found else claim.subject


@lru_cache(_KEPT)
def _expected(references: tuple[str, ...], sight: Sight) -> Mapping[Topic, float]:
    """Each topic of the references, and the share of them that speak of it."""
    counts = Counter(
        topic for text in references for topic in {_topic(claim, sight) for claim in claims(text)}
    )
    return {topic: count / len(references) for topic, count in counts.items()}


def _covered(said: set[Topic], expected: Mapping[Topic, float], facts: list[Fact]) -> float:
    """How much of what the references say is said: 1 is as much as one of them says on average."""
    if expected:
        typical = sum(share**2 for share in expected.values())
        return sum(expected.get(topic, 0.0) for topic in said) / typical
    missing = sum(fact.verdict == MISSING for fact in facts)
    things = sum(fact.verdict == RIGHT and fact.kind == "object" for fact in facts)
    return things / (things + missing) if things + missing else float(bool(said))


def _words(text: str) -> list[str]:
    return [word for word in tokens(text) if word[0].isalnum()]


@lru_cache(_KEPT)
def _clarity(text: str) -> int:
    words = _words(text)
    if not words:
        return 1
    reading = read(text)
    tagged = [tag.kind for tag in tags(text) if tag.kind not in ("pause", "stop")]
    doubled = any(first == second for first, second in pairwise(words))
    faults = (
        2 * reading.unfinished
        + 2 * repeats(text)
        + (doubled or _says_again(reading))
        + 2 * (tagged.count("other") > _UNKNOWN * len(tagged))
        + (len(words) < 3)
    )
    return max(1, 5 - faults)


def _says_again(reading: Reading) -> bool:
    """Whether a third of what is said of things was said before."""
    said = [claim for claim, _ in reading.claims]
    return len(said) - len(set(said)) > len(said) / 3


def _richness(facts: list[Fact], words: int) -> int:
    kinds = {fact.kind for fact in facts if fact.verdict == RIGHT}
    return min(len(kinds) + 1, _level(words, _WORDS), LEVELS[-1])
