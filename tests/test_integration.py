"""Descriptions of an image merged: the vote, the words for what stays, and the language model."""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.assertions.assertion import Assertion
from winnow.assertions.lexicon import ADJECTIVES, LEXICON, split_relation
from winnow.assertions.parser import assertions_of
from winnow.assertions.realisation import write_caption
from winnow.captioning.engine import Request
from winnow.captioning.integrate import integrate_by_model, integrate_by_vote
from winnow.captioning.perspectives import Perspective
from winnow.captioning.request_queue import Reply
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.captioning.verbs import EngineSettings
from winnow.captioning.vote import FAMILIES, closest, parse_description, plurals, vote
from winnow.command.line import main
from winnow.data.tables import CAPTIONS, LAYOUTS, QUARANTINE, read_table, write_table
from winnow.terrarium.perspectives import answers
from winnow.terrarium.schema import Layout

pytestmark = pytest.mark.usefixtures("same_environment")

# the words for what stays

SCENES = [*LEXICON.scenes]
NOUNS = [noun for noun in (*LEXICON.objects, *LEXICON.land) if noun not in ("ground", "plant")]
CONDITIONS = [*LEXICON.conditions, *(f"used for {use}" for use in LEXICON.uses)]
COUNTS = ["1", "2", "3", "7", "12", "24", "many", "several", "few", "some"]


@st.composite
def consistent(draw: st.DrawFn) -> list[Assertion]:
    """Assertions that one caption may make: relations are between things that are there."""
    found = [
        Assertion("scene", "image", s) for s in draw(st.lists(st.sampled_from(SCENES), max_size=1))
    ]
    nouns = draw(st.lists(st.sampled_from(NOUNS), max_size=4, unique=True))
    for noun in nouns:
        found.append(Assertion("object", noun, ""))
        if noun not in LEXICON.mass and draw(st.booleans()):
            found.append(Assertion("count", noun, draw(st.sampled_from(COUNTS))))
        traits = draw(st.lists(st.sampled_from(ADJECTIVES), max_size=2, unique=True))
        found += [Assertion("attribute", noun, trait) for trait in traits]
        alone = draw(st.lists(st.sampled_from([*LEXICON.alone, *LEXICON.sides]), max_size=1))
        found += [Assertion("relation", noun, value) for value in alone]
    for first, second in pairwise(nouns):
        for words in draw(st.lists(st.sampled_from([*LEXICON.relations]), max_size=1)):
            found.append(Assertion("relation", first, f"{words} {second}"))
    values = draw(st.lists(st.sampled_from(CONDITIONS), max_size=2, unique=True))
    return found + [Assertion("condition", "image", value) for value in values]


@settings(deadline=None)
@given(consistent())
def test_the_words_read_back_as_the_same_assertions(found: list[Assertion]) -> None:
    assert set(assertions_of(write_caption(found))) == set(found)


@settings(deadline=None)
@given(consistent(), st.sets(st.sampled_from(NOUNS)))
def test_plurals_change_no_assertion(found: list[Assertion], many: set[str]) -> None:
    assert set(assertions_of(write_caption(found, many))) == set(found)


def test_every_word_of_the_lexicon_can_be_said() -> None:
    wanted = [
        *(Assertion("scene", "image", scene) for scene in SCENES),
        *(Assertion("object", noun, "") for noun in (*NOUNS, "plant")),
        *(Assertion("condition", "image", value) for value in CONDITIONS),
    ]
    assert [one for one in wanted if assertions_of(write_caption([one])) != [one]] == []


def test_descriptions_of_terrarium_survive(world: World) -> None:
    layouts = read_table(world.pool.parent / "layouts.parquet", LAYOUTS)["layout"]
    said = [answers(Layout.from_dict(json.loads(text)), seed=1) for text in layouts]
    texts = [*world.human["text"], *(text for one in said for text in one.values() if text)]
    for text in texts:
        found = list(parse_description("any", text).assertions)
        assert set(assertions_of(write_caption(found))) == set(found), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "we can see three white airplanes, one terminal building and a pair of runways in an "
            "airport. the airplanes are beside the terminal. winter",
            "an airport with three white planes, a terminal and two runways, in winter. the planes "
            "are next to the terminal; the runways are in the airport.",
        ),
        ("a dark blue lake with several boats .", "a dark blue lake with several boats."),
        ("the soil is bare", "there is soil. the soil is bare."),
        ("two streets that cross", "there are two roads. the roads are crossing each other."),
        ("an empty car park without cars", "an empty parking lot with no cars."),
        ("a sunny day", "a place, in bright light."),
        ("what a day", ""),
    ],
)
def test_captions_read_naturally(text: str, expected: str) -> None:
    description = parse_description("any", text)
    assert write_caption(description.assertions, plurals([description])) == expected


def test_what_is_not_known_is_not_said() -> None:
    assert write_caption([Assertion("relation", "plane", "next to terminal")]) == ""
    assert write_caption([]) == ""


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("next to storage tank", ("next to", "storage tank")),
        ("on both sides of road", ("on both sides of", "road")),
        ("on the left", ("on the left", "")),
        ("nearby", ("nearby", "")),
    ],
)
def test_relations_are_parted(value: str, parts: tuple[str, str]) -> None:
    assert split_relation(value) == parts


# the vote


def merged(*texts: str, votes: int = 2) -> str:
    """The caption of descriptions that are each a perspective of their own."""
    found = [parse_description(str(number), text) for number, text in enumerate(texts)]
    return write_caption(vote(found, votes), plurals(found))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("an airport with a plane", "a ship at the airport"), "an airport."),
        (("three planes", "three planes", "two planes"), "there are three planes."),
        (("two planes", "three planes", "three planes", "two planes"), "there are two planes."),
        (("two planes", "three planes"), "there are planes."),
        (("a plane", "three planes"), "the plane can be seen."),
        (("a red car", "a blue car", "a blue car"), "there is a blue car."),
        (("two red and blue cars", "two blue and red cars"), "there are two red and blue cars."),
        (("a red car", "a red car", "a blue car", "a blue car"), "there is a red car."),
        (("a small red car", "a large red car"), "there is a red car."),
        (("two red cars and one blue one", "three cars"), "there are three cars."),
        (("a forest", "a beach", "a beach"), "a beach."),
        (("no cars", "no cars", "a car", "a car", "a car"), "there is a car."),
        (("a road without cars", "no cars", "a red car"), "there are no cars."),
        (("the houses are white", "the houses are white"), "the houses are white."),
        (
            ("planes beside a terminal", "planes near a terminal", "planes beside a terminal"),
            "there are planes and a terminal. the planes are next to the terminal.",
        ),
    ],
)
def test_what_two_perspectives_agree_on_stays(texts: tuple[str, ...], expected: str) -> None:
    assert merged(*texts) == expected


def test_descriptions_from_one_perspective_have_one_vote() -> None:
    same = [parse_description("objects", "a red car"), parse_description("objects", "a red car")]
    assert vote(same, 2) == []
    assert vote(same, 1) == [
        Assertion("object", "car", ""),
        Assertion("count", "car", "1"),
        Assertion("attribute", "car", "red"),
    ]


WORDS = [
    *(
        "two planes",
        "three planes",
        "a red car",
        "blue cars",
        "no cars",
        "many large cars",
        "a road",
    ),
    *("a lake", "an airport", "a forest", "next to a road", "on the left", "the road is small"),
    *("in winter", "in autumn", "used for sport", "with", "and", "is", "red", "planes", "."),
]
described = st.lists(st.sampled_from(WORDS), max_size=10).map(" ".join)
voters = st.lists(
    st.builds(parse_description, st.sampled_from("abcd"), described), min_size=1, max_size=6
)


@settings(deadline=None)
@given(voters, st.integers(1, 4))
def test_the_vote_keeps_no_assertion_without_backing_and_no_contradiction(
    found: list,
    votes: int,  # type: ignore[type-arg]
) -> None:
    stay = vote(found, votes)
    assert len(set(stay)) == len(stay)
    for kind, subject, value in stay:
        if (kind, value) == ("count", "some"):
            wanted = {
                d.perspective for d in found for c in d.assertions
                if (c.kind, c.subject) == ("count", subject) and c.value not in ("0", "1")
            }  # fmt: skip
        else:
            wanted = {
                d.perspective for d in found if Assertion(kind, subject, value) in d.assertions
            }
        assert len(wanted) >= votes
    counted = [assertion.subject for assertion in stay if assertion.kind == "count"]
    assert len(set(counted)) == len(counted)
    assert sum(assertion.kind == "scene" for assertion in stay) <= 1
    for family in FAMILIES:
        for one in (c for c in stay if c.value in family):
            for other in (c for c in stay if c.value in family and c[:2] == one[:2]):
                assert any({one, other} <= set(d.assertions) for d in found)
    assert set(assertions_of(write_caption(stay, plurals(found)))) <= set(stay)


def test_where_nothing_is_agreed_the_closest_description_stands() -> None:
    found = [parse_description(name, text) for name, text in (("a", "a dog"), ("b", "two cars"))]
    assert closest(found).text == "a dog"
    found += [parse_description("b", "many cars and a road")]
    assert closest(found).text == "two cars"


# caption sets


def captions(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """CAPTIONS of (uid, perspective, text)."""
    table = [(uid, n, text, perspective, "mllm") for n, (uid, perspective, text) in enumerate(rows)]
    return pd.DataFrame(table, columns=list(CAPTIONS))


TWO = captions(
    ("b", "scene", "a harbor"),
    ("a", "scene", "a forest"),
    ("a", "objects", "a lake in a forest"),
    ("b", "objects", "three ships"),
    ("a", "layout", "{agreed} and a lake"),
)


def test_each_image_gets_one_caption() -> None:
    assert integrate_by_vote(TWO, 2).to_numpy().tolist() == [
        ["b", 0, "a harbor", "integrated", "integrated"],
        ["a", 0, "there are a forest and a lake.", "integrated", "integrated"],
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.text()), min_size=1))
def test_any_text_can_be_merged(rows: list[tuple[str, str, str]]) -> None:
    table = captions(*rows)
    result = integrate_by_vote(table, 2)
    assert result["uid"].tolist() == list(dict.fromkeys(uid for uid, _, _ in rows))


class Parrot:
    """A backend that answers from a function of the prompt."""

    identity = "parrot"

    def __init__(self, answer) -> None:  # type: ignore[no-untyped-def]
        self.answer, self.asked = answer, list[Request]()

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        for request in requests:
            self.asked.append(request)
            yield request, Reply(self.answer(request))


PROMPT = "Merge: {descriptions} Agreed: {agreed}"


@pytest.mark.parametrize(
    ("empty", "kept", "lost"), [("retry", 0, 1), ("drop", 0, 0), ("a place", 1, 0)]
)
def test_a_model_merges(tmp_path: Path, empty: str, kept: int, lost: int) -> None:
    backend = Parrot(lambda r: "" if r.key == "b" else "a lake among trees")
    perspective = Perspective(prompt=PROMPT, words=10, empty=empty)
    found, quarantine = integrate_by_model(
        TWO, 2, perspective, backend, Responses(tmp_path), TextGeneration(attempts=2)
    )
    assert found[found["uid"] == "a"].to_numpy().tolist() == [
        ["a", 0, "a lake among trees", "integrated", "integrated"]
    ]
    assert (found["uid"] == "b").sum() == kept
    assert len(quarantine) == lost and set(quarantine["stage"]) <= {"integrate"}
    asked = {request.key: request for request in backend.asked}
    assert asked["a"].prompt == (
        "Merge: scene: a forest\nobjects: a lake in a forest\nlayout: {agreed} and a lake "
        "Agreed: there are a forest and a lake."
    )
    assert "Agreed: nothing." in asked["b"].prompt
    assert asked["a"].image is None and asked["a"].max_tokens == 20


def test_the_verb(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = [tmp_path / "scene.parquet", tmp_path / "rest.parquet"]
    for path, rows in zip(parts, (TWO[:2], TWO[2:]), strict=True):
        write_table(path, rows, CAPTIONS)
    output, lost = tmp_path / "integrated.parquet", tmp_path / "quarantine.parquet"
    words = ["integrate", "--parts", *parts, "--output", output, "--quarantine", lost]
    words = [*map(str, words), "--threads=1"]
    assert main(words) == 0
    assert len(read_table(output, CAPTIONS)) == 2 and len(read_table(lost, QUARANTINE)) == 0
    assert main([*words, "--mode=llm"]) == 2
    assert "--perspectives" in capsys.readouterr().err
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(EngineSettings, "backend", lambda *_: Parrot(lambda _: "a pier"))
    prompts = tmp_path / "perspectives.yaml"
    prompts.write_text(
        json.dumps(
            {
                "perspectives": {"scene": {"prompt": "What?", "words": 5}},
                "integration": {"prompt": PROMPT, "words": 10},
            }
        )
    )
    assert main([*words, "--mode=llm", "--perspectives", str(prompts)]) == 0
    assert read_table(output, CAPTIONS)["text"].tolist() == ["a pier", "a pier"]
