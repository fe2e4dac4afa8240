"""From a caption to tagged words: the longest phrases of the lexicon, from left to right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from winnow.captioning import lexicon
from winnow.terrarium.slips import plural

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
        return Tag("number" if len(word) <= _LONGEST_NUMBER else "other", _digits(word), word)
    tens, hyphen, ones = word.partition("-")
    parts = [tag.value for part in (tens, ones) for _, tag in _table().get(part, ())[-1:]]
    if hyphen and len(parts) == 2 and all(part.isdecimal() for part in parts):
        high, low = int(parts[0]), int(parts[1])
        if high in range(20, 100, 10) and 0 < low < 10:
            return Tag("number", str(high + low), word)
    return Tag("other", word, word)


def _digits(word: str) -> str:
    return str(int(word[:_LONGEST_NUMBER]))


@cache
def _table() -> Mapping[str, tuple[tuple[int, Tag], ...]]:
    """By first word, the phrases that begin with it, the longest first."""
    found: dict[str, dict[str, tuple[int, Tag]]] = {}
    for tag in _entries():
        words = tokens(tag.word)
        found.setdefault(words[0], {}).setdefault(tag.word, (len(words), tag))
    return {
        first: tuple(sorted(entries.values(), key=lambda entry: -entry[0]))
        for first, entries in found.items()
    }


def _entries() -> Iterator[Tag]:
    """Every phrase of the lexicon; of those spelt alike, the first counts."""
    for use, words in lexicon.USES.items():
        for word in (use, *_split(words)):
            for serves in lexicon.SERVES:
                yield Tag("condition", f"used for {use}", f"{serves} {word}")
    for kind, table in (("condition", lexicon.CONDITIONS), ("side", lexicon.SIDES)):
        yield from _synonyms(kind, table, own=kind == "side")
    yield from _synonyms("number", lexicon.NUMBERS, own=False)
    for word in ("many", "several", "some"):
        yield Tag("number", word, word)
    for kind, phrases in (
        ("partitive", lexicon.PARTITIVE),
        ("opening", lexicon.OPENINGS),
        ("join", lexicon.JOINING),
        ("ignored", lexicon.IGNORED),
        ("no", lexicon.NEGATIONS),
        ("be", lexicon.BEING),
        ("there", lexicon.THERE),
        ("the", lexicon.DETERMINERS),
        ("a", ("a", "an")),
        ("and", ("and", "or", "as well as")),
        ("pause", (",", ";", ":")),
        ("stop", (".", "!", "?")),
        ("which", ("which", "that", "who")),
        ("it", ("it", "them")),
        ("ones", ("ones",)),
        ("aspect", lexicon.ASPECTS),
    ):
        yield from (Tag(kind, word, word) for word in phrases)
    for noun, (canonical, trait) in lexicon.COMPOUNDS.items():
        yield Tag("noun", f"{canonical}/{trait}", noun, False)
        yield Tag("noun", f"{canonical}/{trait}", plural(noun), True)
    yield from _nouns("noun", lexicon.OBJECTS)
    yield from _nouns("noun", lexicon.LAND)
    yield from _nouns("scene", lexicon.SCENES)
    yield from _nouns("plain", dict.fromkeys(_split(lexicon.PLAIN), ""))
    for table in (lexicon.COLOURS, lexicon.SIZES, lexicon.SHAPES, lexicon.QUALITIES):
        yield from _synonyms("adjective", table)
    yield from _synonyms("relation", lexicon.RELATIONS)
    yield from _synonyms("alone", lexicon.ALONE)


def _split(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _synonyms(kind: str, table: Mapping[str, str], own: bool = True) -> Iterator[Tag]:
    for canonical, words in table.items():
        for word in [*([canonical] if own else []), *_split(words)]:
            yield Tag(kind, canonical, word)


def _nouns(kind: str, table: Mapping[str, str]) -> Iterator[Tag]:
    for canonical, words in table.items():
        for word in [canonical, *_split(words)]:
            mass = word in lexicon.MASS
            if word in lexicon.COLLECTIVE:
                yield Tag(kind, canonical, word, True)
            else:
                yield Tag(kind, canonical, word, None if mass else False)
            if not mass and not word.startswith("the "):
                yield Tag(kind, canonical, lexicon.IRREGULAR.get(word, plural(word)), True)
