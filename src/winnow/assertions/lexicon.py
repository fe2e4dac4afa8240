"""The words of captions: `lexicon.yaml`, read once and checked; forms of nouns and relations."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from winnow.data.yaml_file import own_tables
from winnow.terrarium.words import plural

Word = Annotated[str, Field(min_length=1)]
Words = tuple[Word, ...]
Table = dict[Word, Annotated[Words, BeforeValidator(lambda words: words or ())]]
"""Canonical words and their synonyms."""


class Lexicon(BaseModel):
    """The tables of `lexicon.yaml`, which explains them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: Table
    land: Table
    scenes: Table
    mass: frozenset[Word]
    collective: frozenset[Word]
    irregular: dict[Word, Word]
    compounds: dict[Word, tuple[Word, Word]]
    things_as_scenes: dict[Word, Word | None]
    scene_traits: dict[Word, Word]
    numbers: Table
    sizes: Table
    qualities: Table
    shapes: Table
    colours: Table
    relations: Table
    loose: frozenset[Word]
    alone: Table
    sides: Table
    conditions: Table
    condition_nouns: dict[Word, Word]
    condition_phrases: dict[Word, Word]
    serves: Words
    uses: Table
    exclusive: tuple[Words, ...]
    function_words: dict[Word, Words]
    plain: Words
    unseen: frozenset[Word]
    halves: frozenset[Word]

    @model_validator(mode="after")
    def _refers_to_known_words(self) -> Self:
        things = {*self.objects, *self.land}
        traits = {*self.sizes, *self.qualities, *self.shapes, *self.conditions}
        for name, words, known in (
            ("collective", self.collective, self.mass),
            ("loose", self.loose, self.relations),
            ("compounds", {noun for noun, _ in self.compounds.values()}, things),
            ("things_as_scenes", self.things_as_scenes, things),
            ("condition_nouns", self.condition_nouns.values(), things),
            ("exclusive", {word for group in self.exclusive for word in group}, traits),
        ):
            if unknown := sorted({*words} - {*known}):
                raise ValueError(f"{name}: {unknown[0]!r} is in no table that it refers to")
        return self


LEXICON = own_tables(__file__, Lexicon)
THINGS = frozenset({*LEXICON.objects, *LEXICON.land})
NOUNS = THINGS | LEXICON.scenes.keys()
# As they stand before a noun
ADJECTIVES = (*LEXICON.sizes, *LEXICON.qualities, *LEXICON.shapes, *LEXICON.colours)
_LONGEST_FIRST = sorted(LEXICON.relations, key=len, reverse=True)


def forms(noun: str) -> tuple[str, str]:
    """Singular and plural of a noun; the same for what has no plural."""
    return noun, noun if noun in LEXICON.mass else LEXICON.irregular.get(noun, plural(noun))


@cache
def split_relation(value: str) -> tuple[str, str]:
    """The words of a relation and the noun that they lead to, "" for none ("on the left")."""
    for words in _LONGEST_FIRST:
        noun = value.removeprefix(f"{words} ")
        if noun in NOUNS:
            return words, noun
    return value, ""
