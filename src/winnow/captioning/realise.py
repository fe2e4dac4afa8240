"""Words for a set of claims: a caption of one or two sentences that reads back as the same claims.

Every phrase is tried on the parser before it is used. What the parser would read otherwise in front
of its noun ("bare soil" is one word to it) is said behind it ("the soil is bare").
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache

from winnow.captioning import lexicon
from winnow.captioning.claims import Claim, claims
from winnow.captioning.wording import (
    SINGULAR,
    Claims,
    Subject,
    adjectives,
    condition,
    forms,
    meaning,
    misread,
    noun_phrase,
    parted,
    ways,
)
from winnow.terrarium.words import SCENE_PHRASES, article, listed


def realise(found: Sequence[Claim], many: Set[str] = frozenset()) -> str:
    """A caption that makes the claims `found`; "" if none of them can be said.

    Of several scenes, or several counts of one thing, the first is said. `many` holds things
    without a count that are known to be more than one.
    """
    scene = next((claim.value for claim in found if claim.kind == "scene"), "")
    subjects, known = _subjects(found, many), frozenset(found)
    opening = _opening(scene, subjects.get(scene, Subject(scene))) if scene else ""
    said = frozenset(claims(opening))
    phrases = _noun_phrases([s for s in subjects.values() if _is_listed(s)], said)
    said = said.union(*map(meaning, phrases))
    clauses = _clauses(subjects, said, known)
    said = said.union(*map(_clause, clauses))
    phrases += _noun_phrases([s for s in subjects.values() if s.present], said)
    ends = [text for c in found if c.kind == "condition" and (text := condition(c.value))]
    main = _main(opening, phrases)
    if ends:
        main = ", ".join([main or "a place", *ends])
    return " ".join(f"{part}." for part in (main, "; ".join(clauses)) if part)


def _noun_phrases(subjects: Sequence[Subject], said: Claims) -> list[str]:
    """Those subjects that have not been named, as far as they can be."""
    missing = [s for s in subjects if not s.claims & said]
    return [phrase for phrase in map(noun_phrase, missing) if phrase]


def _subjects(found: Sequence[Claim], many: Set[str]) -> dict[str, Subject]:
    """By noun; things that people count come first, else in the order of the claims."""
    subjects: dict[str, Subject] = {}
    for kind, noun, value in found:
        if kind in ("scene", "condition"):
            continue
        old = subjects.get(noun, Subject(noun, several=noun in many or misread(noun)))
        if kind == "object":
            old = replace(old, present=True)
        elif kind == "count" and not old.count:
            old = replace(old, count=value, several=value != "1")
        elif kind == "attribute":
            old = replace(old, traits=(*old.traits, value))
        elif kind == "relation":
            old = replace(old, relations=(*old.relations, value))
        subjects[noun] = old
    return dict(sorted(subjects.items(), key=lambda item: item[0] not in lexicon.OBJECTS))


def _is_listed(subject: Subject) -> bool:
    """Whether a thing belongs in the main sentence: what nobody counted may do with a clause."""
    uncounted = subject.noun in lexicon.OBJECTS and not subject.count
    return subject.count == "0" or (subject.present and not uncounted)


@lru_cache(maxsize=2**16)
def _opening(scene: str, subject: Subject) -> str:
    """What the image is of, with the traits of the scene where they read so; "" for no way.

    The scene may be one of the things itself: "a blue lake".
    """
    claim = Claim("scene", "image", scene)
    if subject.present:
        phrase = noun_phrase(replace(subject, relations=()))
        if phrase and set(claims(phrase)) == {claim, *meaning(phrase)}:
            return phrase
        subject = Subject(scene)
    for wanted in (subject, replace(subject, traits=()), Subject(scene)):
        for phrase in _scene_phrases(scene, wanted):
            if set(claims(phrase)) == {claim, *wanted.claims}:
                return phrase
    return ""


def _scene_phrases(scene: str, subject: Subject) -> Iterator[str]:
    """Ways to say what the image is of, the most natural first."""
    words = [scene, *filter(None, lexicon.SCENES.get(scene, "").split(", "))]
    words.sort(key=lambda word: word != f"{scene} area")  # "residential" is no noun
    plain = [*SCENE_PHRASES.get(scene, ()), *map(article, words), article(f"{scene} scene"), scene]
    yield from plain
    for phrase in plain:
        first, _, rest = phrase.partition(" ")
        if first in ("a", "an"):
            yield article(f"{adjectives(subject.traits)} {rest}".strip())
    yield from ways(subject)


def _main(opening: str, phrases: list[str]) -> str:
    """The main sentence. Without a scene, its first words must not be read as one ("a lake")."""
    if opening or not phrases:
        return f"{opening} with {listed(phrases)}" if phrases else opening
    wanted = frozenset().union(*map(meaning, phrases))
    texts: list[str] = []
    for first in range(len(phrases)):
        things = [*phrases[first:], *phrases[:first]]
        are = "are" if len(things) > 1 or things[0].split()[-1] not in SINGULAR else "is"
        both = [f"there {are} {listed(things)}", f"{listed(things)} can be seen"]
        texts += reversed(both) if things[0].startswith("the ") else both
    texts.append(f"there are {' and '.join(phrases)}")
    return next((text for text in texts if _clause(text) == wanted), texts[0])


def _clauses(subjects: Mapping[str, Subject], said: Claims, known: Claims) -> list[str]:
    """What the main sentence left unsaid: a clause for each subject, or for each claim about it."""
    clauses = []
    for subject in subjects.values():
        ends = {
            Claim("attribute", subject.noun, trait): trait
            for trait in subject.traits
            if Claim("attribute", subject.noun, trait) not in said
        } | {
            Claim("relation", subject.noun, value): _relation(value, subjects)
            for value in subject.relations
        }
        start = f"{_definite(subject)} {'are' if _plural(subject) else 'is'}"
        whole = f"{start} {listed(list(ends.values()))}" if ends else ""
        if whole and _says(whole, frozenset(ends), known):
            clauses.append(whole)
        elif whole:
            apart = [(f"{start} {end}", frozenset([claim])) for claim, end in ends.items()]
            clauses += [text for text, claim in apart if _says(text, claim, known)]
    return clauses


def _says(clause: str, wanted: Claims, known: Claims) -> bool:
    """Whether a clause claims what it should, and nothing that is not known."""
    return wanted <= _clause(clause) <= known


@lru_cache(maxsize=2**16)
def _clause(text: str) -> Claims:
    return frozenset(claims(text))


def _relation(value: str, subjects: Mapping[str, Subject]) -> str:
    """What stands behind "is" or "are": "next to terminal" becomes "next to the terminals"."""
    words, noun = parted(value)
    run = "running " if words == "through" else ""
    return f"{run}{words} {_definite(subjects.get(noun, Subject(noun)))}" if noun else value


def _definite(subject: Subject) -> str:
    """The thing or scene as something said before."""
    if _is_scene(subject):
        phrase = _opening(subject.noun, Subject(subject.noun))
        return f"the {phrase.removeprefix('a ').removeprefix('an ')}"
    one, many = forms(subject.noun)
    return f"the {many if subject.several else one}"


def _plural(subject: Subject) -> bool:
    one, many = forms(subject.noun)
    return subject.several and one != many and not _is_scene(subject)


def _is_scene(subject: Subject) -> bool:
    return subject.noun in lexicon.SCENES and not subject.present
