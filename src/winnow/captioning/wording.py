"""Words for single claims, each tried on the parser before it is used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from winnow.captioning import lexicon
from winnow.captioning.claims import Claim, claims
from winnow.terrarium.slips import plural
from winnow.terrarium.words import article, listed

# Conditions as they stand behind a description, where the lexicon's first words would not do.
CONDITIONS = {
    "summer": "in summer",
    "autumn": "in autumn",
    "winter": "in winter",
    "clear": "with a clear sky",
    "haze": "with a hazy sky",
    "urban": "in an urban area",
    "rural": "in a rural area",
    "used for nothing": "used for hardly anything",
    "used for water": "used for open water",
    "used for crossing water": "used for crossing the river",
}
VAGUE = {"many": "many", "several": "several", "few": "a few", "some": "some", "0": "no"}
RELATIONS = sorted(lexicon.RELATIONS, key=len, reverse=True)
ADJECTIVES = [*lexicon.SIZES, *lexicon.QUALITIES, *lexicon.SHAPES, *lexicon.COLOURS]
NOUNS = {*lexicon.OBJECTS, *lexicon.LAND, *lexicon.SCENES}
SINGULAR = {noun.split()[-1] for noun in (*lexicon.OBJECTS, *lexicon.LAND)}
RANK = {word: place for place, word in enumerate(ADJECTIVES)}  # how they stand before a noun

Claims = frozenset[Claim]


@dataclass(frozen=True)
class Subject:
    """All that is claimed of one noun. `present`: that it is there; `several`: more than one."""

    noun: str
    present: bool = False
    count: str = ""
    traits: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    several: bool = False

    @property
    def claims(self) -> Claims:
        """The claims without the relations."""
        return frozenset(
            [Claim("object", self.noun, "")] * self.present
            + [Claim("count", self.noun, self.count)] * bool(self.count)
            + [Claim("attribute", self.noun, trait) for trait in self.traits]
        )


@lru_cache(maxsize=2**16)
def meaning(phrase: str) -> Claims:
    """What a noun phrase claims where it is not what the whole image is of."""
    return frozenset(claims(f"an airport with {phrase}")) - {Claim("scene", "image", "airport")}


@lru_cache(maxsize=2**16)
def noun_phrase(subject: Subject) -> str:
    """The thing with its number, and with its traits where they read so; "" for no way."""
    traits = subject.traits
    fewer = [(*traits[:place], *traits[place + 1 :]) for place in range(len(traits))]
    for wanted in (replace(subject, traits=some) for some in (traits, *fewer, ())):
        for phrase in ways(wanted):
            if meaning(phrase) == wanted.claims:
                return phrase
    return ""


def ways(subject: Subject) -> Iterator[str]:
    """Ways to put a thing, the most natural first."""
    one, many = forms(subject.noun)
    number = VAGUE.get(subject.count) or lexicon.NUMBERS.get(subject.count, "").split(",")[0]
    words = f"{adjectives(subject.traits)} {many if subject.several else one}".strip()
    if subject.count == "1":
        yield article(words)
        yield f"one {words}"
    elif subject.count:
        if subject.count == "some":
            yield words
        yield f"{number or subject.count} {words}"
    elif subject.noun in lexicon.OBJECTS:
        yield f"the {words}"
    else:
        if not subject.several and one != many:
            yield article(words)
        yield words
        yield f"the {words}"


def forms(noun: str) -> tuple[str, str]:
    """Singular and plural; the same for what has no plural."""
    return noun, noun if noun in lexicon.MASS else lexicon.IRREGULAR.get(noun, plural(noun))


def adjectives(traits: Sequence[str]) -> str:
    """Adjectives in their order; colors are joined as in "red and blue"."""
    ranked = sorted(traits, key=lambda trait: RANK.get(trait, len(RANK)))
    tones = listed([t for t in ranked if t in lexicon.COLOURS] or [""])
    before = [t for t in ranked if t in RANK and t not in lexicon.COLOURS]
    return " ".join(filter(None, [*before, tones, *(t for t in ranked if t not in RANK)]))


@cache
def misread(noun: str) -> bool:
    """Whether "the" and the noun is something else, as "the plant" is a factory."""
    thing = noun != "ground" and (noun in lexicon.OBJECTS or noun in lexicon.LAND)
    return thing and not any(claim.subject == noun for claim in meaning(f"the {noun}"))


def parted(value: str) -> tuple[str, str]:
    """The words of a relation and the noun that they lead to, "" for none ("on the left")."""
    for words in RELATIONS:
        noun = value.removeprefix(f"{words} ")
        if noun in NOUNS:
            return words, noun
    return value, ""


@cache
def condition(value: str) -> str:
    """A phrase for a condition; "" for none that the parser reads as it alone."""
    words = lexicon.CONDITIONS.get(value, value).split(", ")
    for phrase in (CONDITIONS.get(value, ""), *words):
        if claims(f"an airport, {phrase}.")[1:] == [Claim("condition", "image", value)]:
            return phrase
    return ""
