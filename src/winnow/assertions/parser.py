"""What a caption asserts, by a lexical parser: things, counts, attributes, relations, the scene.

A caption is parsed once, from left to right, as noun phrases `[number] [adjectives] noun` and what
follows them ("the planes are white", "next to a terminal"). There is no grammar beyond that, so a
clumsy or unfinished caption is parsed as far as possible.
"""

from __future__ import annotations

from functools import lru_cache

from winnow.assertions.assertion import Assertion, ParsedCaption, Phrase
from winnow.assertions.clauses import SHARED, Clause
from winnow.assertions.lexicon import LEXICON
from winnow.assertions.tagger import Tag, tags
from winnow.terrarium.noise_kinds import WORDS

_GAP = 2  # unknown words that may stand between a number and its noun
# A caption does not end in one of these kinds of words.
_OPEN = frozenset({"number", "a", "the", "and", "join", "be", "no", "opening", "partitive"})


def assertions_of(text: str) -> list[Assertion]:
    """What a caption asserts, in its order and without repetition. Takes any string."""
    return list(dict.fromkeys(assertion for assertion, _ in parse(text).assertions))


@lru_cache(1 << 14)
def parse(text: str) -> ParsedCaption:
    """Parse a caption. Takes any string; the time is linear in its length.

    One text is checked against many images, so the result is kept: nobody may change it.
    """
    return _Parser(text).parse()


class _Parser:
    """The noun phrase at hand, and what is said behind "is"; a method for each kind of tag."""

    def __init__(self, text: str) -> None:
        self.tags = [Tag("start", "", ""), *tags(text), Tag("end", "", ""), Tag("end", "", "")]
        self.place = 0
        self.caption = ParsedCaption()
        self.clause = Clause(self.caption)
        self.opened = False  # behind "an image of"
        self.denied = False  # behind "no"
        self.pronoun = False  # behind "a blue one"
        self.described: list[Phrase] = []  # behind "the planes are"
        self.waiting: list[tuple[str, list[str]]] = []  # "two red and" before "three blue cars"
        self.split = 0  # how many of the traits precede the last "and" or ","
        self.number, self.article, self.gap = "", "", 0
        self.traits: list[str] = []

    def parse(self) -> ParsedCaption:
        """Go through the tags."""
        for place, tag in enumerate(self.tags[1:-1], 1):
            self.place = place
            if tag.kind == "end":
                self.caption.unfinished = self._hangs()
            self.pronoun = False
            getattr(self, f"_{tag.kind}")(tag)
        return self.caption

    @property
    def _next(self) -> Tag:
        return self.tags[self.place + 1]

    @property
    def _before(self) -> Tag:
        return self.tags[self.place - 1]

    def _clear(self) -> None:
        self.number, self.traits, self.article, self.gap = "", [], "", 0

    # what may precede a noun

    def _number(self, tag: Tag) -> None:
        begun = self.number or self.article
        if tag.word == "one" and self.traits and begun and not self.described:
            self._ones(tag)  # "and a blue one"
            self.pronoun = True
            return
        self._settle()
        if self.clause.joined and self.number and self.traits and len(self.waiting) < SHARED:
            self.waiting.append((self.number, self.traits))
        traits = self.traits if tag.word.endswith(" of") else []  # "neat rows of crops"
        self._clear()
        self.number, self.traits = tag.value, traits

    def _the(self, tag: Tag) -> None:
        self._settle()
        self._clear()
        self.article = tag.kind

    _a = _the

    def _adjective(self, tag: Tag) -> None:
        self.traits.append(tag.value)

    def _ignored(self, tag: Tag) -> None:
        """A word that changes nothing."""

    _partitive = _ignored

    def _no(self, tag: Tag) -> None:
        self._settle()
        self._clear()
        self.denied = True

    def _other(self, tag: Tag) -> None:
        self.gap += 1
        if self.gap > _GAP:
            self._settle()
            self._clear()

    # nouns

    def _noun(self, tag: Tag) -> None:
        if tag.value == "stand" and self._is_verb():
            self._other(tag)
            return
        noun, _, trait = tag.value.partition("/")
        self._describe_up_to_split()
        if self.article == "a" and tag.many:  # "a green and trees": the first is a noun, too
            self.traits = self.traits[self.split :]
        traits = [*self.traits, *([trait] if trait else [])]
        if self._names_scene(noun, tag):
            scene = LEXICON.things_as_scenes[noun] or noun
            self.caption.say("scene", "image", scene)
            if self._next.value == "scene":
                self.clause.drop()
                self._place(Phrase(scene, tag.word, "", traits, None, True))
                return
        phrase = Phrase(noun, tag.word, self._count(noun, tag), traits, tag.many)
        for number, others in self.waiting:
            self._phrase(Phrase(noun, tag.word, number, others, tag.many))
        self._phrase(phrase)

    def _is_verb(self) -> bool:
        """Whether "stand" says how trees stand, not that there is a grandstand."""
        begun = self.number or self.article or self.traits or self.denied
        return not (begun or self._before.kind in ("start", "and", "join", "relation", "pause"))

    def _count(self, noun: str, tag: Tag) -> str:
        if self.denied:
            return "0"
        if self.number or noun not in LEXICON.objects:
            return self.number
        if tag.many:
            return "" if self.article else "some"
        return "1" if self.article == "a" else ""

    def _names_scene(self, noun: str, tag: Tag) -> bool:
        """Whether a thing is what the whole image is said to be of."""
        if noun not in LEXICON.things_as_scenes or self.denied:
            return False
        if self.clause.relation:
            return self._next.value == "scene"
        first = not self.caption.phrases and not self.number and not tag.many
        alone = self._next.kind in ("end", "stop", "condition", "pause")
        alone = alone or self._next.word in ("with", "seen")
        return self.opened or self._next.value == "scene" or (first and alone)

    def _scene(self, tag: Tag) -> None:
        self._describe_up_to_split()
        if self.denied:
            self._plain(tag)
            return
        more = LEXICON.scene_traits.get(tag.word)
        traits = [*self.traits, *([more] if more else [])]
        number = self.number if tag.many else ""
        self.caption.say("scene", "image", tag.value)
        self._details(Phrase(tag.value, tag.word, number, traits, tag.many, True))

    def _phrase(self, phrase: Phrase) -> None:
        if phrase.number == "0":
            self.caption.phrases.append(phrase)
            self.caption.say("count", phrase.noun, "0", phrase)
            self._clear()
            self.denied = False
            return
        if phrase.noun != "ground" or phrase.traits:
            self.caption.say("object", phrase.noun, "", phrase)
        self._details(phrase)

    def _details(self, phrase: Phrase) -> None:
        self.caption.phrases.append(phrase)
        if phrase.number:
            self.caption.say("count", phrase.noun, phrase.number, phrase)
        for trait in phrase.traits:
            self.caption.say("attribute", phrase.noun, trait, phrase)
        self._place(phrase)

    def _place(self, phrase: Phrase) -> None:
        self.clause.place(phrase)
        self.opened, self.waiting = False, []
        self._clear()

    def _ones(self, tag: Tag) -> None:
        """A noun said before: "two red cars and three blue ones"."""
        last = self.clause.last
        if last is None or last.scene:
            self._plain(tag)
            return
        noun = Tag("noun", last.noun, last.word, tag.kind == "ones")
        number = self._count(noun.value, noun)
        self._phrase(Phrase(noun.value, noun.word, number, self.traits, noun.many))

    def _plain(self, tag: Tag) -> None:
        """A noun that says nothing: "area", "picture"."""
        self._settle()
        self._clear()
        self.clause.relation, self.denied = "", False
        self.opened = self.opened and tag.word != "scene"

    def _it(self, tag: Tag) -> None:
        self.clause.relate_back()
        self._plain(tag)

    # what is said of a noun

    def _be(self, tag: Tag) -> None:
        self.described = self.clause.bind(tag.word not in ("is", "was", "looks", "seems"))
        self._clear()
        self.split = 0

    def _settle(self) -> None:
        """Give adjectives behind "is" to their subject."""
        if self.described:
            self._give(self.described, self.traits)
            self.traits, self.described = [], []

    def _describe_up_to_split(self) -> None:
        """Of "the trees are green, gray buildings", what stands before the comma."""
        if self.described:
            self._give(self.described, self.traits[: self.split])
            self.traits, self.described = self.traits[self.split :], []
            self.split = 0

    def _give(self, phrases: list[Phrase], traits: list[str]) -> None:
        for phrase in phrases:
            for trait in traits:
                phrase.traits.append(trait)
                self.caption.say("attribute", phrase.noun, trait, phrase)

    def _aspect(self, tag: Tag) -> None:
        """The adjective is the last noun's: "of irregular shape", "in white color"."""
        if self.clause.last is not None:
            self._give([self.clause.last], self.traits)
        self.clause.relation = ""
        self._clear()

    def _relation(self, tag: Tag) -> None:
        self._settle()
        self._clear()
        self.clause.relate(tag.value)

    def _alone(self, tag: Tag) -> None:
        self._settle()
        self._clear()
        self.clause.drop()
        self.clause.say_alone(tag.value)

    _side = _alone

    def _condition(self, tag: Tag) -> None:
        self._settle()
        self.caption.say("condition", "image", tag.value)
        if noun := LEXICON.condition_nouns.get(tag.word):
            self._noun(Tag("noun", noun, noun))

    # what joins and what ends

    def _and(self, tag: Tag) -> None:
        if self.clause.relation in LEXICON.loose:
            self.clause.drop()
        self.clause.joined, self.split = "and", len(self.traits)

    def _pause(self, tag: Tag) -> None:
        self.clause.drop()
        self.clause.joined, self.clause.carried = ",", None
        self.split, self.denied = len(self.traits), False

    def _which(self, tag: Tag) -> None:
        self._settle()
        if self.clause.last is not None:
            self.clause.heads = [self.clause.last]

    def _join(self, tag: Tag) -> None:
        self._settle()
        self._clear()
        self.clause.begin()

    def _there(self, tag: Tag) -> None:
        self._settle()
        self._clear()
        self.clause.end()
        self.denied = self.opened = False

    def _opening(self, tag: Tag) -> None:
        self._there(tag)
        self.opened = True

    def _stop(self, tag: Tag) -> None:
        self._there(tag)
        self.waiting = []

    _end = _stop

    def _hangs(self) -> bool:
        """Whether the caption ends where no sentence ends."""
        tag = self._before
        if tag.kind == "adjective":
            return not self.described
        if tag.kind == "relation":
            return tag.value not in LEXICON.loose
        if self.pronoun or tag.kind == "stop":
            return False
        return tag.kind in _OPEN or tag.word in WORDS.dangling or tag.word in LEXICON.halves
