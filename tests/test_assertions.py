"""What the parser reads in captions: the grammar's, real ones, unfinished ones, any string."""

import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from winnow.assertions import lexicon
from winnow.assertions.assertion import Assertion
from winnow.assertions.lexicon import LEXICON, Lexicon
from winnow.assertions.parser import assertions_of, parse
from winnow.assertions.tagger import tags
from winnow.data.errors import WinnowError
from winnow.data.yaml_file import read_yaml
from winnow.terrarium.schema import SCENES
from winnow.terrarium.words import NOUNS, NUMBERS, SCENE_PHRASES

# words of every kind, so that random captions are read and not skipped
VOCABULARY = sorted(
    {
        *LEXICON.objects, *LEXICON.land, *LEXICON.scenes, *LEXICON.colours, *LEXICON.shapes,
        *LEXICON.relations, *LEXICON.alone, *LEXICON.sides,
        *(word for words in LEXICON.function_words.values() for word in words),
        "one", "two", "7", "many", "planes", "in winter", "used for housing", "stands", "dirt road",
        "unheard-of",
    }
)  # fmt: skip
captions = st.lists(st.sampled_from(VOCABULARY), max_size=30).map(" ".join)


def said(text: str) -> set[str]:
    """Assertions as words, for reading: "object plane", "count plane 3"."""
    return {" ".join(part for part in assertion if part) for assertion in assertions_of(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "three white planes, a terminal and two runways",
            {"object plane", "count plane 3", "attribute plane white", "object terminal",
             "count terminal 1", "object runway", "count runway 2"},
        ),
        (
            "the planes are white and small, the ground is covered by green grass",
            {"object plane", "attribute plane white", "attribute plane small", "object grass",
             "attribute grass green", "relation ground covered by grass"},
        ),
        (
            "the planes are next to the terminal, a road runs on the left",
            {"object plane", "object terminal", "relation plane next to terminal", "object road",
             "relation road on the left"},
        ),
        (
            "many green trees and several buildings are around a baseball field .",
            {"object tree", "count tree many", "attribute tree green", "object building",
             "count building several", "object baseball field", "count baseball field 1",
             "relation tree around baseball field", "relation building around baseball field"},
        ),
        (
            "The tanks are white, large and round.",
            {"object storage tank", "attribute storage tank white", "attribute storage tank large",
             "attribute storage tank round"},
        ),
        (
            "two red cars and three blue ones",
            {"object car", "count car 2", "attribute car red", "count car 3", "attribute car blue"},
        ),
        (
            "two red and three blue cars",
            {"object car", "count car 2", "attribute car red", "count car 3", "attribute car blue"},
        ),
        (
            "an image of winter under thin clouds in bright light",
            {"condition image winter", "condition image haze", "condition image bright light"},
        ),
        (
            "an urban area used for air traffic, an airport with one plane",
            {"condition image urban", "condition image used for air traffic", "scene image airport",
             "object plane", "count plane 1"},
        ),
        (
            "a lake of irregular shape in the middle of green trees",
            {"object lake", "attribute lake irregular", "object tree", "attribute tree green",
             "relation lake in the middle of tree"},
        ),
        ("a bridge without any cars", {"object bridge", "count bridge 1", "count car 0"}),
        ("trees are green, gray roads", {"object tree", "attribute tree green", "object road",
                                         "attribute road gray"}),
        ("there are a fairway, a green and trees", {"object fairway", "object tree"}),
        ("trees stand on both sides of a dirt track", {"object tree", "object road",
         "attribute road dirt", "relation tree on both sides of road"}),
        ("a gray stand", {"object stand", "count stand 1", "attribute stand gray"}),
        ("an island in a lake with trees on it", {"object island", "count island 1", "object lake",
         "relation island in lake", "object tree", "relation tree on lake"}),
        ("cars on a bridge over a river", {"object car", "count car some", "object bridge",
         "count bridge 1", "relation car on bridge", "object river", "relation bridge over river"}),
        ("a tennis court scene with grass", {"scene image tennis court", "object grass"}),
        ("nothing that any word here names", set()),
    ],
)  # fmt: skip
def test_captions_are_read(text: str, expected: set[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize("scene", SCENES)
def test_scenes_are_named(scene: str) -> None:
    for phrase in SCENE_PHRASES[scene]:
        assert Assertion("scene", "image", scene) in assertions_of(f"a satellite image of {phrase}")


@pytest.mark.parametrize("text", ["a lake", "a lake with two boats", "this is a lake near houses"])
def test_a_thing_is_the_scene_where_the_image_is_of_it(text: str) -> None:
    assert {"scene image lake", "object lake"} <= said(text)
    assert "scene image lake" not in said("houses near a lake")


@pytest.mark.parametrize("kind", NOUNS)
def test_every_word_for_a_thing_is_known(kind: str) -> None:
    (canonical,) = said(f"near the {NOUNS[kind][0][0]}")
    assert canonical.startswith("object ")
    for one, many in NOUNS[kind]:
        assert said(f"near the {one}") == said(f"near the {many}") == {canonical}


@pytest.mark.parametrize("number", range(2, 11))
def test_number_words_are_digits(number: int) -> None:
    assert assertions_of(f"{NUMBERS[number]} red cars") == assertions_of(f"{number} red cars")


@given(st.integers(21, 99))
def test_compound_numbers(number: int) -> None:
    tens = {int(n): words[0] for n, words in LEXICON.numbers.items() if n.isdecimal()}
    if number % 10:
        word = f"{tens[number // 10 * 10]}-{NUMBERS[number % 10]}"
        assert assertions_of(f"{word} ships") == assertions_of(f"{number} ships")
        assert Assertion("count", "ship", str(number)) in assertions_of(f"{word} ships")


@given(st.text())
def test_any_string_is_read(text: str) -> None:
    for assertion in assertions_of(text):
        assert all(isinstance(part, str) for part in assertion)


@given(captions)
def test_assertions_are_well_formed(text: str) -> None:
    found = assertions_of(text)
    assert len(set(found)) == len(found)
    assert {assertion.kind for assertion in found} <= {
        "scene", "object", "count", "attribute", "relation", "condition"
    }  # fmt: skip
    there = {assertion.subject for assertion in found if assertion.kind == "object"}
    there |= {assertion.value for assertion in found if assertion.kind == "scene"} | {"ground"}
    for assertion in found:
        if assertion.kind == "attribute":
            assert assertion.subject in there
        if assertion.kind == "count" and assertion.value != "0":
            assert assertion.subject in there


@given(captions)
def test_spaces_and_capitals_do_not_matter(text: str) -> None:
    expected = assertions_of(text)
    assert assertions_of(text.upper()) == expected
    assert assertions_of(f"  {text.replace(' ', '   ')}\n") == expected


@given(captions)
def test_finding_assertions_in_order(text: str) -> None:
    """Objects are asserted in the order in which their nouns stand."""
    assume("stand" not in text and "ground" not in text)  # a verb, too; asserts nothing by itself
    read_as = list(tags(text))
    nouns = [tag.value.partition("/")[0] for tag in read_as if tag.kind == "noun"]
    first = {noun: nouns.index(noun) for noun in nouns}
    objects = [one.subject for one in assertions_of(text) if one.kind == "object"]
    places = [first[noun] for noun in objects if noun in first]
    assert len(places) == len(objects)
    if all(tag.kind != "no" for tag in read_as):  # what is denied is no assertion of its presence
        assert places == sorted(places)


@pytest.mark.parametrize(
    "text",
    [
        "three planes and a", "a lake surrounded by", "there are two", "houses near the",
        "a large white", "cars on a bridge over", "the trees are", "a storage", "boats next",
    ],
)  # fmt: skip
def test_cut_captions_are_unfinished(text: str) -> None:
    assert parse(text).unfinished
    assert not parse(f"{text} grass .").unfinished


@pytest.mark.parametrize(
    "text",
    ["a lake", "the planes are white", "grass with trees around", "two cars and a red one", ""],
)
def test_whole_captions_are_finished(text: str) -> None:
    assert not parse(text).unfinished


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=6))
def test_time_is_linear(words: list[str]) -> None:
    text = " ".join(words * (20_000 // len(words)))
    start = time.process_time()
    assertions_of(text)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"off"', "off", r"relations.near.10: .*string.* \(line \d+\)"),
        ("road, dirt", "rode, dirt", "compounds: 'rode' is in no table"),
        ("\nplain:", "\nplane:", "plain: Field required"),
    ],
)
def test_a_slip_in_the_lexicon_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = (Path(lexicon.__file__).with_suffix(".yaml")).read_text()
    (tmp_path / "lexicon.yaml").write_text(text.replace(old, new))
    with pytest.raises(WinnowError, match=told):
        read_yaml(tmp_path / "lexicon.yaml", TypeAdapter(Lexicon))
