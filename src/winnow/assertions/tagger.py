"""From a caption to tagged words: the longest phrases of the lexicon, from left to right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from winnow.assertions.lexicon import LEXICON, Table, forms
from winnow.terrarium.words import LAND_USES, plural

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019`-][^\W_]+)*|[.,;:!?]")
_LONGEST_NUMBER = 6  # digits; more are no count of anything


class Tag(NamedTuple):
    """A word or phrase of a caption. `kind` says what it does, `value` is its canonical word.

    `many` is True for a plural, False for a singular, None where number means nothing.
    """

    kind: str
    value: str
    word: str
    many: bool | None = None


def tokens(text: str) -> list[str]:
    """Words in lower case and the punctuation between them."""
    return _TOKEN.findall(text.lower())


def tags(text: str) -> Iterator[Tag]:
    """The caption as tags; words that the lexicon lacks have the kind "other"."""
    words, start = tokens(text), 0
    table = _table()
    while start < len(words):
        for length, tag in table.get(words[start], ()):
            if length == 1 or " ".join(words[start : start + length]) == tag.word:
                yield tag
                start += length
                break
        else:
            yield _unknown(words[start])
            start += 1


def _unknown(word: str) -> Tag:
    if word.isdecimal():
        kind = "number" if len(word) <= _LONGEST_NUMBER else "other"
        return Tag(kind, str(int(word[:_LONGEST_NUMBER])), word)
    tens, hyphen, ones = word.partition("-")
    parts = [tag.value for part in (tens, ones) for _, tag in _table().get(part, ())[-1:]]
    if hyphen and len(parts) == 2 and all(part.isdecimal() for part in parts):
        high, low = int(parts[0]), int(parts[1])
        if high in range(20, 100, 10) and 0 < low < 10:
            return Tag("number", str(high + low), word)
    return Tag("other", word, word)


@cache
def _table() -> Mapping[str, tuple[tuple[int, Tag], ...]]:
    """By first word, the phrases that begin with it, the longest first."""
    found: dict[str, dict[str, tuple[int, Tag]]] = {}
    for tag in _phrases():
        words = tokens(tag.word)
        found.setdefault(words[0], {}).setdefault(tag.word, (len(words), tag))
    return {
        first: tuple(sorted(entries.values(), key=lambda entry: -entry[0]))
        for first, entries in found.items()
    }


def _phrases() -> Iterator[Tag]:
    """Every phrase of the lexicon; of those spelt alike, the first counts."""
    terrarium = [item for uses in LAND_USES.values() for item in uses.items()]
    for word, use in [*terrarium, *_words(LEXICON.uses)]:
        for serves in LEXICON.serves:
            yield Tag("condition", f"used for {use}", f"{serves} {word}")
    yield from _synonyms("condition", LEXICON.conditions)
    yield from (Tag("side", side, word) for word, side in _words(LEXICON.sides))
    yield from _synonyms("number", LEXICON.numbers)
    yield from (Tag("number", word, word) for word in ("many", "several", "some"))
    for kind, words in LEXICON.function_words.items():
        yield from (Tag(kind, word, word) for word in words)
    for compound, (noun, trait) in LEXICON.compounds.items():
        yield Tag("noun", f"{noun}/{trait}", compound, False)
        yield Tag("noun", f"{noun}/{trait}", plural(compound), True)
    yield from _nouns("noun", LEXICON.objects)
    yield from _nouns("noun", LEXICON.land)
    yield from _nouns("scene", LEXICON.scenes)
    yield from _nouns("plain", dict.fromkeys(LEXICON.plain, ()))
    for table in (LEXICON.colours, LEXICON.sizes, LEXICON.shapes, LEXICON.qualities):
        yield from (Tag("adjective", value, word) for word, value in _words(table))
    yield from (Tag("relation", value, word) for word, value in _words(LEXICON.relations))
    yield from (Tag("alone", value, word) for word, value in _words(LEXICON.alone))


def _words(table: Table) -> Iterator[tuple[str, str]]:
    """Each word of a table, the canonical one too, with its canonical word."""
    for canonical, words in table.items():
        yield from ((word, canonical) for word in (canonical, *words))


def _synonyms(kind: str, table: Table) -> Iterator[Tag]:
    """The synonyms alone."""
    return (Tag(kind, canonical, word) for canonical, words in table.items() for word in words)


def _nouns(kind: str, table: Table) -> Iterator[Tag]:
    for word, canonical in _words(table):
        mass = word in LEXICON.mass
        several = word in LEXICON.collective
        yield Tag(kind, canonical, word, True if several else None if mass else False)
        if not mass and not word.startswith("the "):
            yield Tag(kind, canonical, forms(word)[1], True)
