"""How a clause relates noun phrases to one another."""

from __future__ import annotations

from winnow.assertions.assertion import ParsedCaption, Phrase
from winnow.assertions.lexicon import LEXICON

SHARED = 4  # phrases that one relation or adjective is shared among
# Said of the last of several noun phrases, unless "are" binds them together.
_TIGHT = frozenset({"in", "on"})
# Said of what stands before: "cars on a bridge over a river".
_CROSSING = frozenset({"over", "across", "under"})
# Carried on by "and": "surrounded by trees and houses".
_CARRIED = frozenset({"between", "among", "surrounded by", "around", "next to", "near"})


class Clause:
    """What the clause at hand is about, and the relation that waits for its other end."""

    def __init__(self, caption: ParsedCaption) -> None:
        self.caption = caption
        self.last: Phrase | None = None  # the noun phrase before, in whatever clause
        self.heads: list[Phrase] = []  # what the clause is about
        self.relation = ""  # what waits to relate `subjects` to the next noun phrase
        self.subjects: list[Phrase] = []
        self.carried: tuple[list[Phrase], str] | None = None  # the last relation, for "and"
        self.joined = ""  # "and" or "," since the last noun phrase
        self.link = ""  # what joined the last noun phrase to the one before
        self.fresh = True  # the next noun phrase begins a clause
        self.bound = False  # the clause has its "is"

    def begin(self) -> None:
        """Another clause, which goes on about what was said: "with", "where"."""
        self.drop()
        self.fresh, self.bound, self.joined = True, False, ""

    def end(self) -> None:
        """The end of a sentence."""
        self.begin()
        self.heads, self.carried = [], None

    def place(self, phrase: Phrase) -> None:
        """Relate a new noun phrase to what was said before it."""
        if self.relation:
            self._relate(self.subjects, self.relation, phrase)
            self.carried = (self.subjects, self.relation)
            self.relation, self.subjects = "", []
        elif self.joined == "and" and self.carried and not self.fresh:
            if self.carried[1] in _CARRIED:
                self._relate(*self.carried, phrase)
            self.heads = [phrase]
        elif self.joined and not self.fresh and not self.bound:
            self.heads = [*self.heads[: SHARED - 1], phrase]
        else:
            self.heads, self.bound = [phrase], False
        self.link = self.joined
        self.last, self.fresh, self.joined = phrase, False, ""

    def _relate(self, subjects: list[Phrase], relation: str, other: Phrase) -> None:
        for subject in subjects:
            if subject.noun != other.noun:
                self.caption.say("relation", subject.noun, f"{relation} {other.noun}", subject)

    def relate(self, relation: str) -> None:
        """A relation, whose other end is the next noun phrase."""
        self.drop()
        self.relation, self.subjects = relation, self._subjects(relation)
        if relation == "covered by" and not self.subjects:  # "the land cover is mostly water"
            self.subjects = [Phrase("ground", "ground", "", [], None)]

    def _subjects(self, relation: str) -> list[Phrase]:
        last = [self.last] if self.last else []
        if not self.heads or not last:
            return self.heads or last
        if self.last in self.heads:
            return last if relation in _TIGHT and not self.bound else self.heads
        if relation in _CROSSING:
            return last
        return self.heads if relation in _TIGHT else [*self.heads, *last]

    def relate_back(self) -> None:
        """The other end is a pronoun: "a lake with an island in it"."""
        phrases = self.caption.phrases
        if not self.relation or len(phrases) < 2 or phrases[-1] is not self.last:
            return
        other = phrases[-2]
        beside = other.scene and self.relation == "next to"  # "a desert with a road beside it"
        if not beside and not (self.link == "and" and self.relation in _TIGHT):
            self._relate([phrases[-1]], self.relation, other)

    def drop(self) -> None:
        """Nothing follows a relation: some stand alone, "with trees around"; others say nothing."""
        if self.relation in LEXICON.loose:
            self.say_alone(self.relation)
        self.relation, self.subjects = "", []

    def say_alone(self, relation: str) -> None:
        """A relation that needs no other end, of the noun phrase before it."""
        if self.last is not None:
            self.caption.say("relation", self.last.noun, relation, self.last)

    def bind(self, plural: bool) -> list[Phrase]:
        """What adjectives behind "is" or "are" will be said of."""
        self.drop()
        if self.link == "," and self.last:  # "..., the boats are": lists end in "and"
            self.heads = [self.last]
        if len(self.heads) < 2:
            candidates = [*self.heads, *([self.last] if self.last else [])]
            agreeing = [p for p in candidates if p.many is None or p.many == plural]
            self.heads = (agreeing or candidates)[:1]
        self.bound = True
        return self.heads[:SHARED]
