"""From assertions to text: a caption of one or two sentences that parses to the same assertions.

Every phrase is tried on the parser before it is used. What the parser would read otherwise in front
of its noun ("bare soil" is one word to it) is said behind it ("the soil is bare").
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache

from winnow.assertions.assertion import Assertion
from winnow.assertions.lexicon import LEXICON, THINGS, forms, split_relation
from winnow.assertions.phrases import (
    Assertions,
    Subject,
    adjectives,
    condition,
    meaning,
    misread,
    noun_phrase,
    phrase_meaning,
    wordings,
)
from winnow.terrarium.words import SCENE_PHRASES, article, listed

_SINGULAR = {noun.split()[-1] for noun in THINGS}


def write_caption(assertions: Sequence[Assertion], plurals: Set[str] = frozenset()) -> str:
    """A caption that makes the `assertions`; "" if none of them can be said.

    Of several scenes, or several counts of one thing, the first is said. `plurals` are nouns
    without a count that are known to be more than one.
    """
    scene = next((one.value for one in assertions if one.kind == "scene"), "")
    subjects, known = _subjects(assertions, plurals), frozenset(assertions)
    opening = _opening(scene, subjects.get(scene, Subject(scene))) if scene else ""
    said = meaning(opening)
    phrases = _noun_phrases([s for s in subjects.values() if _is_listed(s)], said)
    said = said.union(*map(phrase_meaning, phrases))
    clauses = _clauses(subjects, said, known)
    said = said.union(*map(meaning, clauses))
    phrases += _noun_phrases([s for s in subjects.values() if s.present], said)
    ends = [text for c in assertions if c.kind == "condition" and (text := condition(c.value))]
    main = _main(opening, phrases)
    if ends:
        main = ", ".join([main or "a place", *ends])
    return " ".join(f"{part}." for part in (main, "; ".join(clauses)) if part)


def _noun_phrases(subjects: Sequence[Subject], said: Assertions) -> list[str]:
    """Those subjects that have not been named, as far as they can be."""
    missing = [s for s in subjects if not s.assertions & said]
    return [phrase for phrase in map(noun_phrase, missing) if phrase]


def _subjects(assertions: Sequence[Assertion], plurals: Set[str]) -> dict[str, Subject]:
    """By noun; things that people count come first, else in the order of the assertions."""
    subjects: dict[str, Subject] = {}
    for kind, noun, value in assertions:
        if kind in ("scene", "condition"):
            continue
        old = subjects.get(noun, Subject(noun, several=noun in plurals or misread(noun)))
        if kind == "object":
            old = replace(old, present=True)
        elif kind == "count" and not old.count:
            old = replace(old, count=value, several=value != "1")
        elif kind == "attribute":
            old = replace(old, traits=(*old.traits, value))
        elif kind == "relation":
            old = replace(old, relations=(*old.relations, value))
        subjects[noun] = old
    return dict(sorted(subjects.items(), key=lambda item: item[0] not in LEXICON.objects))


def _is_listed(subject: Subject) -> bool:
    """Whether a thing belongs in the main sentence: what nobody counted may do with a clause."""
    uncounted = subject.noun in LEXICON.objects and not subject.count
    return subject.count == "0" or (subject.present and not uncounted)


@lru_cache(maxsize=2**16)
def _opening(scene: str, subject: Subject) -> str:
    """What the image is of, with the traits of the scene where they read so; "" for no way.

    The scene may be one of the things itself: "a blue lake".
    """
    said = Assertion("scene", "image", scene)
    if subject.present:
        phrase = noun_phrase(replace(subject, relations=()))
        if phrase and meaning(phrase) == {said, *phrase_meaning(phrase)}:
            return phrase
        subject = Subject(scene)
    for wanted in (subject, replace(subject, traits=()), Subject(scene)):
        for phrase in _scene_phrases(scene, wanted):
            if meaning(phrase) == {said, *wanted.assertions}:
                return phrase
    return ""


def _scene_phrases(scene: str, subject: Subject) -> Iterator[str]:
    """Ways to say what the image is of, the most natural first."""
    words = [scene, *LEXICON.scenes.get(scene, ())]
    words.sort(key=lambda word: word != f"{scene} area")  # "residential" is no noun
    plain = [*SCENE_PHRASES.get(scene, ()), *map(article, words), article(f"{scene} scene"), scene]
    yield from plain
    for phrase in plain:
        first, _, rest = phrase.partition(" ")
        if first in ("a", "an"):
            yield article(f"{adjectives(subject.traits)} {rest}".strip())
    yield from wordings(subject)


def _main(opening: str, phrases: list[str]) -> str:
    """The main sentence. Without a scene, its first words must not be read as one ("a lake")."""
    if opening or not phrases:
        return f"{opening} with {listed(phrases)}" if phrases else opening
    wanted = frozenset().union(*map(phrase_meaning, phrases))
    texts: list[str] = []
    for first in range(len(phrases)):
        things = [*phrases[first:], *phrases[:first]]
        are = "are" if len(things) > 1 or things[0].split()[-1] not in _SINGULAR else "is"
        both = [f"there {are} {listed(things)}", f"{listed(things)} can be seen"]
        texts += reversed(both) if things[0].startswith("the ") else both
    texts.append(f"there are {' and '.join(phrases)}")
    return next((text for text in texts if meaning(text) == wanted), texts[0])


def _clauses(subjects: Mapping[str, Subject], said: Assertions, known: Assertions) -> list[str]:
    """What the main sentence left unsaid: a clause for each subject, or one for each assertion."""
    clauses = []
    for subject in subjects.values():
        ends = {
            Assertion("attribute", subject.noun, trait): trait
            for trait in subject.traits
            if Assertion("attribute", subject.noun, trait) not in said
        } | {
            Assertion("relation", subject.noun, value): _relation(value, subjects)
            for value in subject.relations
        }
        start = f"{_definite(subject)} {'are' if _plural(subject) else 'is'}"
        whole = f"{start} {listed(list(ends.values()))}" if ends else ""
        if whole and _says(whole, frozenset(ends), known):
            clauses.append(whole)
        elif whole:
            apart = [(f"{start} {end}", frozenset([one])) for one, end in ends.items()]
            clauses += [text for text, one in apart if _says(text, one, known)]
    return clauses


def _says(clause: str, wanted: Assertions, known: Assertions) -> bool:
    """Whether a clause asserts what it should, and nothing that is not known."""
    return wanted <= meaning(clause) <= known


def _relation(value: str, subjects: Mapping[str, Subject]) -> str:
    """What stands behind "is" or "are": "next to terminal" becomes "next to the terminals"."""
    words, noun = split_relation(value)
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
    return subject.noun in LEXICON.scenes and not subject.present
