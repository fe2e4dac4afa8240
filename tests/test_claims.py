"""What the parser reads in captions: the grammar's, real ones, unfinished ones, any string."""

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from winnow.captioning import lexicon
from winnow.captioning.claims import Claim, claims, read
from winnow.captioning.tagging import tags
from winnow.terrarium.schema import SCENES
from winnow.terrarium.words import NOUNS, NUMBERS, SCENE_PHRASES

# words of every kind, so that random captions are read and not skipped
VOCABULARY = sorted(
    {
        *lexicon.OBJECTS, *lexicon.LAND, *lexicon.SCENES, *lexicon.COLOURS, *lexicon.SHAPES,
        *lexicon.RELATIONS, *lexicon.ALONE, *lexicon.SIDES, *lexicon.OPENINGS, *lexicon.JOINING,
        *lexicon.NEGATIONS, *lexicon.BEING, *lexicon.THERE, *lexicon.DETERMINERS, *lexicon.ASPECTS,
        "a", "an", "and", ",", ".", "one", "ones", "two", "7", "many", "it", "which", "planes",
        "in winter", "used for housing", "stands", "dirt road", "unheard-of",
    }
)  # fmt: skip
captions = st.lists(st.sampled_from(VOCABULARY), max_size=30).map(" ".join)


def said(text: str) -> set[str]:
    """Claims as words, for reading: "object plane", "count plane 3"."""
    return {" ".join(part for part in claim if part) for claim in claims(text)}


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
        assert Claim("scene", "image", scene) in claims(f"a satellite image of {phrase}")


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
    assert claims(f"{NUMBERS[number]} red cars") == claims(f"{number} red cars")


@given(st.integers(21, 99))
def test_compound_numbers(number: int) -> None:
    tens = {int(digits): word for digits, word in lexicon.NUMBERS.items() if digits.isdecimal()}
    if number % 10:
        word = f"{tens[number // 10 * 10]}-{NUMBERS[number % 10]}"
        assert claims(f"{word} ships") == claims(f"{number} ships")
        assert Claim("count", "ship", str(number)) in claims(f"{word} ships")


@given(st.text())
def test_any_string_is_read(text: str) -> None:
    for claim in claims(text):
        assert all(isinstance(part, str) for part in claim)


@given(captions)
def test_claims_are_well_formed(text: str) -> None:
    found = claims(text)
    assert len(set(found)) == len(found)
    assert {claim.kind for claim in found} <= {
        "scene", "object", "count", "attribute", "relation", "condition"
    }  # fmt: skip
    there = {claim.subject for claim in found if claim.kind == "object"}
    there |= {claim.value for claim in found if claim.kind == "scene"} | {"ground"}
    for claim in found:
        if claim.kind == "attribute":
            assert claim.subject in there
        if claim.kind == "count" and claim.value != "0":
            assert claim.subject in there


@given(captions)
def test_spaces_and_capitals_do_not_matter(text: str) -> None:
    expected = claims(text)
    assert claims(text.upper()) == expected
    assert claims(f"  {text.replace(' ', '   ')}\n") == expected


@given(captions)
def test_finding_claims_in_order(text: str) -> None:
    """Objects are claimed in the order in which their nouns stand."""
    assume("stand" not in text and "ground" not in text)  # a verb, too; no claim by itself
    read_as = list(tags(text))
    nouns = [tag.value.partition("/")[0] for tag in read_as if tag.kind == "noun"]
    first = {noun: nouns.index(noun) for noun in nouns}
    objects = [claim.subject for claim in claims(text) if claim.kind == "object"]
    places = [first[noun] for noun in objects if noun in first]
    assert len(places) == len(objects)
    if all(tag.kind != "no" for tag in read_as):  # what is denied is no claim of its presence
        assert places == sorted(places)


@pytest.mark.parametrize(
    "text",
    [
        "three planes and a", "a lake surrounded by", "there are two", "houses near the",
        "a large white", "cars on a bridge over", "the trees are", "a storage", "boats next",
    ],
)  # fmt: skip
def test_cut_captions_are_unfinished(text: str) -> None:
    assert read(text).unfinished
    assert not read(f"{text} grass .").unfinished


@pytest.mark.parametrize(
    "text",
    ["a lake", "the planes are white", "grass with trees around", "two cars and a red one", ""],
)
def test_whole_captions_are_finished(text: str) -> None:
    assert not read(text).unfinished


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=6))
def test_time_is_linear(words: list[str]) -> None:
    text = " ".join(words * (20_000 // len(words)))
    start = time.process_time()
    claims(text)
    assert time.process_time() - start < 5
