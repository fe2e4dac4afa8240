"""Phrases for single assertions, each tried on the parser before it is used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from winnow.assertions.assertion import Assertion
from winnow.assertions.lexicon import ADJECTIVES, LEXICON, THINGS, forms
from winnow.assertions.parser import assertions_of
from winnow.terrarium.words import article, listed

Assertions = frozenset[Assertion]

_VAGUE = {"many": "many", "several": "several", "few": "a few", "some": "some", "0": "no"}
_RANK = {word: rank for rank, word in enumerate(ADJECTIVES)}


@dataclass(frozen=True)
class Subject:
    """All that is asserted of one noun. `present`: that it is there; `several`: more than one."""

    noun: str
    present: bool = False
    count: str = ""
    traits: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    several: bool = False

    @property
    def assertions(self) -> Assertions:
        """The assertions without the relations."""
        return frozenset(
            [Assertion("object", self.noun, "")] * self.present
            + [Assertion("count", self.noun, self.count)] * bool(self.count)
            + [Assertion("attribute", self.noun, trait) for trait in self.traits]
        )


@lru_cache(maxsize=2**16)
def meaning(text: str) -> Assertions:
    """What a text asserts."""
    return frozenset(assertions_of(text))


@lru_cache(maxsize=2**16)
def phrase_meaning(phrase: str) -> Assertions:
    """What a noun phrase asserts where the image as a whole shows something else."""
    return meaning(f"an airport with {phrase}") - {Assertion("scene", "image", "airport")}


@lru_cache(maxsize=2**16)
def noun_phrase(subject: Subject) -> str:
    """The thing with its number, and with its traits where they read so; "" for no way."""
    traits = subject.traits
    fewer = [(*traits[:place], *traits[place + 1 :]) for place in range(len(traits))]
    for wanted in (replace(subject, traits=some) for some in (traits, *fewer, ())):
        for phrase in wordings(wanted):
            if phrase_meaning(phrase) == wanted.assertions:
                return phrase
    return ""


def wordings(subject: Subject) -> Iterator[str]:
    """Phrases for a thing, the most natural first."""
    one, many = forms(subject.noun)
    number = _VAGUE.get(subject.count) or LEXICON.numbers.get(subject.count, (subject.count,))[0]
    words = f"{adjectives(subject.traits)} {many if subject.several else one}".strip()
    if subject.count == "1":
        yield article(words)
        yield f"one {words}"
    elif subject.count:
        if subject.count == "some":
            yield words
        yield f"{number} {words}"
    elif subject.noun in LEXICON.objects:
        yield f"the {words}"
    else:
        if not subject.several and one != many:
            yield article(words)
        yield words
        yield f"the {words}"


def adjectives(traits: Sequence[str]) -> str:
    """Adjectives in their order; colors are joined as in "red and blue"."""
    ranked = sorted(traits, key=lambda trait: _RANK.get(trait, len(_RANK)))
    tones = listed([t for t in ranked if t in LEXICON.colours] or [""])
    before = [t for t in ranked if t in _RANK and t not in LEXICON.colours]
    return " ".join(filter(None, [*before, tones, *(t for t in ranked if t not in _RANK)]))


@cache
def misread(noun: str) -> bool:
    """Whether "the" and the noun is something else, as "the plant" is a factory."""
    thing = noun != "ground" and noun in THINGS
    return thing and not any(one.subject == noun for one in phrase_meaning(f"the {noun}"))


@cache
def condition(value: str) -> str:
    """A phrase for a condition; "" for none that the parser reads as it alone."""
    wanted = [Assertion("condition", "image", value)]
    words = LEXICON.conditions.get(value, (value,))
    for phrase in (LEXICON.condition_phrases.get(value, ""), *words):
        if assertions_of(f"an airport, {phrase}.")[1:] == wanted:
            return phrase
    return ""
