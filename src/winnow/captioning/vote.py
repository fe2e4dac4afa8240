"""What the descriptions of an image agree on."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from winnow.assertions.assertion import Assertion
from winnow.assertions.lexicon import LEXICON, split_relation
from winnow.assertions.parser import parse

# Of these only one is true of a thing or image, unless a single description says both.
FAMILIES = (
    tuple(LEXICON.colours),
    *LEXICON.exclusive,
    (*LEXICON.sides, "in the middle", "in the corner"),
)
FAMILY = {word: number for number, words in enumerate(FAMILIES) for word in words}


@dataclass(frozen=True)
class Description:
    """One description of an image, parsed; `plural` says which nouns are plural there."""

    perspective: str
    text: str
    assertions: tuple[Assertion, ...]
    plural: dict[str, bool]


def parse_description(perspective: str, text: str) -> Description:
    """Parse a description. "Two red cars and a white one" asserts three cars."""
    caption = parse(text)
    counted: dict[str, dict[tuple[str, ...], int]] = {}
    for phrase in caption.phrases:
        if phrase.number.isdecimal():
            counted.setdefault(phrase.noun, {})[tuple(phrase.traits)] = int(phrase.number)
    totals = {noun: str(sum(parts.values())) for noun, parts in counted.items() if len(parts) > 1}
    assertions = [
        one._replace(value=totals[one.subject])
        if one.kind == "count" and one.value.isdecimal() and one.subject in totals
        else one
        for one, _ in caption.assertions
    ]
    plural = {phrase.noun: phrase.many for phrase in caption.phrases if phrase.many is not None}
    return Description(perspective, text, tuple(dict.fromkeys(assertions)), plural)


def vote(descriptions: Sequence[Description], votes: int) -> list[Assertion]:
    """The assertions that `votes` perspectives or more make, in the order of the descriptions.

    Of assertions that contradict each other the one with the most perspectives stays, then the one
    in the most descriptions, then the first. Where no number of a thing stays, "some" does if
    enough perspectives assert more than one.
    """
    makers: dict[Assertion, set[int]] = {}
    for number, description in enumerate(descriptions):
        for assertion in description.assertions:
            makers.setdefault(assertion, set()).add(number)
    backing = {one: _backing(descriptions, made) for one, made in makers.items()}
    strong = [one for one in makers if backing[one][0] >= votes]
    slots: dict[Hashable, list[Assertion]] = {}
    for assertion in sorted(strong, key=lambda one: backing[one], reverse=True):  # stable
        rivals = slots.setdefault(_slot(assertion), [])
        if not rivals or (
            assertion.kind in ("attribute", "relation", "condition")
            and all(makers[assertion] & makers[rival] for rival in rivals)
        ):
            rivals.append(assertion)
    stay = {assertion for assertions in slots.values() for assertion in assertions}
    agreed: list[Assertion] = []
    for assertion in makers:
        if assertion in stay and not _denied(assertion, stay, backing):
            agreed.append(assertion)
            noun = assertion.subject
            if assertion.kind == "object" and Assertion("count", noun, "0") not in stay:
                agreed += _some(noun, descriptions, makers, stay, votes)
    return agreed


def plurals(descriptions: Sequence[Description]) -> set[str]:
    """The nouns that are plural in more descriptions than they are singular in."""
    balance: Counter[str] = Counter()
    for description in descriptions:
        balance.update({noun: 1 if many else -1 for noun, many in description.plural.items()})
    return {noun for noun, more in balance.items() if more > 0}


def closest(descriptions: Sequence[Description]) -> Description:
    """The description that shares the most assertions with the others; of equals the first."""
    makers: Counter[Assertion] = Counter()
    for description in descriptions:
        makers.update(description.assertions)
    return max(descriptions, key=lambda d: sum(makers[one] - 1 for one in d.assertions))


def _backing(descriptions: Sequence[Description], made: set[int]) -> tuple[int, int]:
    """In how many perspectives, and in how many descriptions, an assertion is made."""
    return len({descriptions[number].perspective for number in made}), len(made)


def _slot(assertion: Assertion) -> Hashable:
    """What assertions share that contradict each other."""
    kind, subject, value = assertion
    if kind in ("scene", "count"):
        return kind, subject
    if value in FAMILY:
        return kind, subject, FAMILY[value]
    if kind == "condition" and value.startswith("used for "):
        return kind, subject, "used for"
    if kind == "relation" and split_relation(value)[1]:
        return kind, subject, split_relation(value)[1]
    return assertion


def _denied(
    assertion: Assertion, stay: set[Assertion], backing: Mapping[Assertion, tuple[int, int]]
) -> bool:
    """Whether assertions that a thing is there, and that it is not, leave no room for this one."""
    noun = assertion.subject
    here, gone = Assertion("object", noun, ""), Assertion("count", noun, "0")
    if here not in stay or gone not in stay:
        return False
    return (assertion == gone) != (backing[gone] > backing[here])


def _some(
    noun: str,
    descriptions: Sequence[Description],
    makers: Mapping[Assertion, set[int]],
    stay: set[Assertion],
    votes: int,
) -> list[Assertion]:
    counts = [one for one in makers if one.kind == "count" and one.subject == noun]
    made = set().union(*(makers[one] for one in counts if one.value not in ("0", "1")))
    enough = _backing(descriptions, made)[0] >= votes and not stay.intersection(counts)
    return [Assertion("count", noun, "some")] if enough else []
