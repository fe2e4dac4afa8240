"""What a parsed caption holds: assertions, and the noun phrases that they are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Assertion(NamedTuple):
    """One thing that a caption says.

    `kind` is scene, object, count, attribute, relation or condition. `subject` is a canonical
    singular noun, the scene for an attribute of the scene, "image" for scenes and conditions.
    `value` is "" for an object; "3", "many", "several", "few" or "some" for a count; "white",
    "large", "curved" for an attribute; "next to terminal", "on the left" for a relation; "airport",
    "winter". A count of "0" ("no cars") is the only assertion about a thing that does not come with
    one of its presence.
    """

    kind: str
    subject: str
    value: str


@dataclass
class Phrase:
    """A noun phrase. `word` is the noun as written; `number` and `traits` are canonical words.

    `many` is True for a plural, False for a singular, None where number means nothing.
    """

    noun: str
    word: str
    number: str
    traits: list[str]
    many: bool | None
    scene: bool = False


@dataclass
class ParsedCaption:
    """The assertions of a caption in order, the phrase each is about, and how it ends."""

    assertions: list[tuple[Assertion, Phrase | None]] = field(default_factory=list)
    phrases: list[Phrase] = field(default_factory=list)
    unfinished: bool = False

    def say(self, kind: str, subject: str, value: str, phrase: Phrase | None = None) -> None:
        """Add an assertion."""
        self.assertions.append((Assertion(kind, subject, value), phrase))
