"""What the descriptions of an image agree on."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from winnow.captioning import lexicon
from winnow.captioning.claims import Claim, read
from winnow.captioning.wording import parted

# Of these only one is true of a thing or image, unless a single description says both.
FAMILIES = (
    tuple(lexicon.COLOURS),
    ("large", "small"),
    ("wide", "narrow"),
    ("long", "short"),
    ("tall", "low"),
    ("round", "rectangular", "oval", "triangular", "irregular"),
    ("curved", "straight"),
    ("dense", "sparse"),
    ("crowded", "full", "busy", "empty", "deserted", "quiet"),
    ("flat", "hilly", "steep"),
    ("spring", "summer", "autumn", "winter"),
    ("clear", "haze"),
    ("bright light", "dim light", "normal light"),
    ("urban", "rural"),
    (*lexicon.SIDES, "in the middle", "in the corner"),
)
FAMILY = {word: number for number, words in enumerate(FAMILIES) for word in words}


@dataclass(frozen=True)
class Description:
    """One description of an image, read; `plural` says which nouns are plural there."""

    perspective: str
    text: str
    claims: tuple[Claim, ...]
    plural: dict[str, bool]


def understood(perspective: str, text: str) -> Description:
    """Read a description. "Two red cars and a white one" claims three cars."""
    reading = read(text)
    counted: dict[str, dict[tuple[str, ...], int]] = {}
    for phrase in reading.phrases:
        if phrase.number.isdecimal():
            counted.setdefault(phrase.noun, {})[tuple(phrase.traits)] = int(phrase.number)
    totals = {noun: sum(parts.values()) for noun, parts in counted.items() if len(parts) > 1}
    claims = [
        Claim("count", claim.subject, str(totals[claim.subject]))
        if claim.kind == "count" and claim.value.isdecimal() and claim.subject in totals
        else claim
        for claim, _ in reading.claims
    ]
    plural = {phrase.noun: phrase.many for phrase in reading.phrases if phrase.many is not None}
    return Description(perspective, text, tuple(dict.fromkeys(claims)), plural)


def vote(descriptions: Sequence[Description], votes: int) -> list[Claim]:
    """The claims that `votes` perspectives or more make, in the order of the descriptions.

    Of claims that contradict each other the one with the most perspectives stays, then the one in
    the most descriptions, then the first. Where no number of a thing stays, "some" does if enough
    perspectives claim more than one.
    """
    makers: dict[Claim, set[int]] = {}
    for number, description in enumerate(descriptions):
        for claim in description.claims:
            makers.setdefault(claim, set()).add(number)
    backing = {claim: _backing(descriptions, made) for claim, made in makers.items()}
    strong = [claim for claim in makers if backing[claim][0] >= votes]
    slots: dict[Hashable, list[Claim]] = {}
    for claim in sorted(strong, key=lambda claim: backing[claim], reverse=True):  # stable
        rivals = slots.setdefault(_slot(claim), [])
        if not rivals or (
            claim.kind in ("attribute", "relation", "condition")
            and all(makers[claim] & makers[rival] for rival in rivals)
        ):
            rivals.append(claim)
    stay = {claim for claims in slots.values() for claim in claims}
    agreed: list[Claim] = []
    for claim in makers:
        if claim in stay and not _denied(claim, stay, backing):
            agreed.append(claim)
            if claim.kind == "object" and Claim("count", claim.subject, "0") not in stay:
                agreed += _some(claim.subject, descriptions, makers, stay, votes)
    return agreed


def plurals(descriptions: Sequence[Description]) -> set[str]:
    """The nouns that are plural in more descriptions than they are singular in."""
    balance: Counter[str] = Counter()
    for description in descriptions:
        balance.update({noun: 1 if many else -1 for noun, many in description.plural.items()})
    return {noun for noun, more in balance.items() if more > 0}


def closest(descriptions: Sequence[Description]) -> Description:
    """The description that shares the most claims with the others; of equals the first."""
    makers: Counter[Claim] = Counter()
    for description in descriptions:
        makers.update(description.claims)
    return max(descriptions, key=lambda d: sum(makers[claim] - 1 for claim in d.claims))


def _backing(descriptions: Sequence[Description], made: set[int]) -> tuple[int, int]:
    """In how many perspectives, and in how many descriptions, a claim is made."""
    return len({descriptions[number].perspective for number in made}), len(made)


def _slot(claim: Claim) -> Hashable:
    """What claims share that contradict each other."""
    kind, subject, value = claim
    if kind in ("scene", "count"):
        return kind, subject
    if value in FAMILY:
        return kind, subject, FAMILY[value]
    if kind == "condition" and value.startswith("used for "):
        return kind, subject, "used for"
    if kind == "relation" and parted(value)[1]:
        return kind, subject, parted(value)[1]
    return claim


def _denied(claim: Claim, stay: set[Claim], backing: Mapping[Claim, tuple[int, int]]) -> bool:
    """Whether a claim that a thing is there, and one that it is not, leave no room for `claim`."""
    here, gone = Claim("object", claim.subject, ""), Claim("count", claim.subject, "0")
    if here not in stay or gone not in stay:
        return False
    return (claim == gone) != (backing[gone] > backing[here])


def _some(
    noun: str,
    descriptions: Sequence[Description],
    makers: Mapping[Claim, set[int]],
    stay: set[Claim],
    votes: int,
) -> list[Claim]:
    counts = [claim for claim in makers if claim.kind == "count" and claim.subject == noun]
    made = set().union(*(makers[claim] for claim in counts if claim.value not in ("0", "1")))
    enough = _backing(descriptions, made)[0] >= votes and not stay.intersection(counts)
    return [Claim("count", noun, "some")] if enough else []
