"""The kinds of noise: each function takes a caption and returns it corrupted, or None.

Every function has the signature (text, rng, truths, scene). `truths` are all the sentences known
to be true of the image, the caption included: what a corruption asserts must be in none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, TypeVar

from numpy.random import Generator
from pydantic import BaseModel, BeforeValidator

from winnow.data.language import WORD, is_unspaced
from winnow.data.yaml_file import own_tables
from winnow.terrarium.words import NUMBERS, plural

T = TypeVar("T")
Corruptor = Callable[[str, Generator, list[str], str | None], str | None]
Words = tuple[str, ...]


class Setting(BaseModel):
    """Objects for scenes with one of some words, each with the stems that would make it true."""

    words: Words
    invented: dict[str, Words]


class Unseen(BaseModel):
    """What no picture shows, for places with one of some words."""

    words: Words
    said: Words


class Natural(BaseModel):
    """The colours that some nouns can have."""

    nouns: frozenset[str]
    colours: Words


class NoiseWords(BaseModel):
    """The tables of `noise_kinds.yaml`, which explains them."""

    colours: Words
    colour_family: dict[str, str]
    attributes: dict[str, Words]
    same_size: dict[str, Words]
    relations: dict[str, Words]
    standalone: frozenset[str]
    settings: list[Setting]
    substitutes: dict[str, tuple[str, str, str]]
    invented_places: Words
    generic: Annotated[Words, BeforeValidator(str.splitlines)]
    generic_things: Words
    compounds: Words
    infeasible: list[Unseen]
    natural_colours: list[Natural]
    verbs: dict[str, str]
    countable: frozenset[str]
    dangling: frozenset[str]


WORDS = own_tables(__file__, NoiseWords)

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_RELATION = re.compile(
    rf"\b({'|'.join(sorted(map(re.escape, WORDS.relations), key=len, reverse=True))})\b"
    r"(?! (?:the picture|and|or|again)\b)",
    re.I,
)
_MORE = re.compile(r"\s+\w")
_VAGUE = {"many": 4, "lots of": 4, "a lot of": 4, "numerous": 4}
_PAIR = ("a pair of", "a couple of")
_NUMBER = re.compile(
    r"\b(" + "|".join((*NUMBERS[2:], *_VAGUE, *_PAIR)) + r"|[2-9])\b(?!\s*-)", re.I
)
_ADJECTIVES = "|".join((*WORDS.colours, *WORDS.colour_family, *WORDS.attributes, *WORDS.compounds))
_SINGLE = re.compile(
    rf"\b(there is )?(an?|one|a single) ((?:(?:{_ADJECTIVES}) )*)"
    rf"({'|'.join(sorted(WORDS.countable))})\b"
    r"(?! (?:lot|trunk|line|area|crown|farm|facility|club|complex|park|yard))"
    rf"( (?:{'|'.join(WORDS.verbs)})\b)?",
    re.I,
)

_SINGULAR = re.compile(rf"\b(?:{'|'.join(WORDS.verbs)})\b", re.I)


def _one(rng: Generator, options: Sequence[T]) -> T:
    return options[int(rng.random() * len(options))]


def _shuffled(rng: Generator, options: Iterable[T]) -> list[T]:
    items = list(options)
    return [items[int(i)] for i in rng.permutation(len(items))]


def _said(truths: list[str], words: Iterable[str]) -> bool:
    """Whether any of the words, or a word that begins with one of them, is in any truth."""
    pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + ")", re.I)
    return any(pattern.search(truth) for truth in truths)


def _replace(text: str, start: int, end: int, new: str) -> str:
    """Put `new` in place of text[start:end], with a capital where there was one."""
    old = text[start:end]
    capital = old[:1].isupper()
    text = text[:start] + (new[0].upper() + new[1:] if capital else new) + text[end:]
    return _agree_article(text, start)


def _agree_article(text: str, at: int) -> str:
    """Mend "a" or "an" in front of position `at`."""
    match = re.search(r"\b(a|an) $", text[:at], re.I)
    if not match or not text[at:]:
        return text
    right = "an" if text[at] in "aeiouAEIOU" else "a"
    right = right.capitalize() if match[1][0].isupper() else right
    return text[: match.start()] + right + " " + text[at:]


def hallucination(text: str, rng: Generator, truths: list[str], scene: str | None) -> str | None:
    """An object that is not there: added, or taken for one that is."""
    if not _WORD.search(text):
        return None
    if rng.random() < 0.3 and (changed := _substitute(text, rng, truths)):
        return changed
    place = (scene or text).lower()
    fitting = (one for one in WORDS.settings if any(word in place for word in one.words))
    for phrase, stems in _shuffled(rng, next(fitting).invented.items()):
        if not _said(truths, stems):
            return text + _one(rng, WORDS.invented_places).format(x=phrase)
    return None


def _substitute(text: str, rng: Generator, truths: list[str]) -> str | None:
    for match in _shuffled(rng, _WORD.finditer(text)):
        word = match[0].lower()
        for noun, (singular, many, stem) in WORDS.substitutes.items():
            if word in (noun, plural(noun)) and not _said(truths, [stem]):
                new = singular if word == noun else many
                return _replace(text, match.start(), match.end(), new)
    return None


def count(text: str, rng: Generator, truths: list[str], scene: str | None) -> str | None:
    """A wrong number: three for four, two for one."""
    for match in _shuffled(rng, _NUMBER.finditer(text)):
        old = match[1].lower()
        value = _value(old)
        steps = (2, 3) if old in _VAGUE else (value - 1, value + 1, value + 1, value + 2, value - 2)
        for new in _shuffled(rng, steps):
            if 2 <= new <= 10 and new != value and not _number_said(truths, new):
                word = str(new) if old.isdigit() else NUMBERS[new]
                return _replace(text, match.start(), match.end(), word)
    for match in _shuffled(rng, _SINGLE.finditer(text)):
        new = _one(rng, (2, 2, 3))
        noun = plural(match[4].lower())
        verb_later = not match[5] and match.start() == 0 and _SINGULAR.search(text, match.end())
        if verb_later or _said(truths, [noun]) or _number_said(truths, new):
            continue
        there = "there are " if match[1] else ""
        verb = f" {WORDS.verbs[match[5].strip().lower()]}" if match[5] else ""
        phrase = f"{there}{NUMBERS[new]} {match[3]}{noun}{verb}"
        return _replace(text, match.start(), match.end(), phrase)
    return None


def _value(word: str) -> int:
    if word in _PAIR:
        return 2
    if word in _VAGUE:
        return _VAGUE[word]
    return int(word) if word.isdigit() else NUMBERS.index(word)


def _number_said(truths: list[str], number: int) -> bool:
    words = [NUMBERS[number], str(number)]
    if number == 2:
        words += ["pair", "couple", "both"]
    return _said(truths, words)


def attribute(text: str, rng: Generator, truths: list[str], scene: str | None) -> str | None:
    """A wrong colour, size or shape."""
    for match in _shuffled(rng, _WORD.finditer(text)):
        word = match[0].lower()
        if word == "dark" and _SHADE.match(text, match.start()):
            continue
        colour = WORDS.colour_family.get(word, word)
        if colour in WORDS.colours:
            after = text[match.end() : match.end() + _REACH]
            options: Iterable[str] = [o for o in _colours_of(after) if o != colour]
        else:
            options = WORDS.attributes.get(word, ())
        for new in _shuffled(rng, options):
            same = [key for key, value in WORDS.colour_family.items() if value == new]
            if not _said(truths, [new, *WORDS.same_size.get(new, ()), *same]):
                return _replace(text, match.start(), match.end(), new)
    return None


_SHADE = re.compile(rf"dark (?:{'|'.join(WORDS.colours)})\b", re.I)
_REACH = 40
"""How many characters behind a colour its noun is looked for."""


def _colours_of(after: str) -> Sequence[str]:
    """Colours that what follows could have: no pink fields, no red lakes."""
    for word in _WORD.findall(after.lower())[:3]:
        for natural in WORDS.natural_colours:
            if word in natural.nouns:
                return natural.colours
    return WORDS.colours


def relation(text: str, rng: Generator, truths: list[str], scene: str | None) -> str | None:
    """A wrong place: far from for next to, right for left."""
    for match in _shuffled(rng, _RELATION.finditer(text)):
        # A preposition needs its object: "around" at the end of a caption is another word.
        phrase = match[1].lower()
        if phrase not in WORDS.standalone and not _MORE.match(text, match.end()):
            continue
        for new in _shuffled(rng, WORDS.relations[phrase]):
            if not _said(truths, [new]):
                return _replace(text, match.start(), match.end(), new)
    return None


def generic(text: str, rng: Generator, truths: list[str], scene: str | None) -> str | None:
    """A sentence that would do for almost any image."""
    first, second = _shuffled(rng, WORDS.generic_things)[:2]
    return _one(rng, WORDS.generic).format(a=first, b=second)


def truncated(text: str, rng: Generator, truths: list[str], scene: str | None) -> str | None:
    """The beginning only, cut in the middle of a phrase as at a token limit."""
    words = text.split()
    if len(words) < 5:
        return _truncated_unspaced(text, rng)
    ends = _ends(len(words))
    loose = [end for end in ends if words[end - 1].lower() in WORDS.dangling]
    return " ".join(words[: _one(rng, loose or list(ends))])


def _truncated_unspaced(text: str, rng: Generator) -> str | None:
    """The same of a sentence without blanks, behind one of its characters."""
    units = list(WORD.finditer(text)) if is_unspaced(text) else []
    return text[: units[_one(rng, _ends(len(units))) - 1].end()] if len(units) >= 5 else None


def _ends(count: int) -> range:
    """How many of `count` words, five or more, a cut leaves."""
    low, high = max(3, round(0.4 * count)), round(0.8 * count)
    return range(low, max(low, min(high, count - 1)) + 1)


def infeasible(text: str, rng: Generator, truths: list[str], scene: str | None) -> str | None:
    """Something that no picture from above can show: a sound, a name, a date, a feeling."""
    if not _WORD.search(text):
        return None
    place = f"{scene or ''} {text}".lower()
    fitting = [one.said for one in WORDS.infeasible if any(word in place for word in one.words)]
    return text + _one(rng, _one(rng, fitting))


CORRUPTORS: dict[str, Corruptor] = {
    kind.__name__: kind
    for kind in (hallucination, count, attribute, relation, generic, truncated, infeasible)
}
