"""Captions, questions and referring expressions say what the layout holds."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.terrarium.captions import GRAMMAR, coarse_caption, human_captions, rule_caption
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.phrases import features, groups
from winnow.terrarium.questions import TYPES, questions, referring
from winnow.terrarium.schema import COUNTED_LAND, SCENES, Layout, Style
from winnow.terrarium.words import NOUNS, NUMBERS, URBAN

SEEDS = st.integers(0, 2**63 - 1)
COLOURS = ("white", "gray", "grey", "black", "red", "blue", "green", "brown", "yellow", "golden")
SAME = {"grey": "gray", "golden": "yellow"}
WORDS = {word: kind for kind, nouns in NOUNS.items() for pair in nouns for word in pair}
PHRASE = re.compile(
    rf"\b({'|'.join(NUMBERS[1:7])}|an?)\b((?: (?:{'|'.join(COLOURS)}|small|large|big|round"
    rf"|circular))*) ({'|'.join(sorted(WORDS, key=len, reverse=True))})\b"
    r"(?! (?:farm|facility|club|scene))"
)


def check(text: str, layout: Layout) -> int:
    """Assert that counts and colours in the text are true; return how many were checked."""
    checked = 0
    for number, adjectives, noun in PHRASE.findall(text.lower()):
        kind = WORDS[noun]
        found = groups(layout).get(kind)
        if kind == "building" or (kind == "field" and layout.scene != "farmland"):
            continue
        count = 1 if number in ("a", "an") else NUMBERS.index(number)
        said = [SAME.get(word, word) for word in adjectives.split() if word in COLOURS]
        if found is None:
            assert kind in COUNTED_LAND, (text, layout.scene)
            assert count <= len(features(layout, kind)), text
        elif said:
            assert count in (dict(found.colours).get(said[0]), found.count), text
            assert said[0] in dict(found.colours), text
        else:
            assert count == found.count, text
        checked += 1
    return checked


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_counts_and_colours_are_true(seed: int) -> None:
    layout = draw_layout(seed)
    for text in human_captions(layout, seed):
        check(text, layout)
    check(rule_caption(layout), layout)


def test_the_check_has_something_to_check() -> None:
    layouts = [draw_layout(seed) for seed in range(200)]
    checked = sum(check(text, one) for one in layouts for text in human_captions(one, 0))
    assert checked > 300


@settings(max_examples=200, deadline=None)
@given(SEEDS, st.sampled_from(SCENES))
def test_five_different_clean_sentences(seed: int, scene: str) -> None:
    texts = human_captions(draw_layout(seed, Style(scenes=(scene,))), seed)
    assert len({text.lower().rstrip(" .") for text in texts}) == 5
    for text in texts:
        assert not re.search(r"[<>{}|]|  |\ba a\b|\ban? [aeiou]?s\b", text), text
        assert not re.search(r"\ba [aeio]", text), text
        assert len(text.split()) >= 3, text


def test_every_pattern_is_used_somewhere() -> None:
    for scene in SCENES:
        layouts = [draw_layout(seed, Style(scenes=(scene,))) for seed in range(40)]
        texts = {text for layout in layouts for text in human_captions(layout, 1, 5)}
        assert len(texts) > 60
        assert len(GRAMMAR.sentences[scene]) >= 8


def test_captions_tell_images_apart() -> None:
    first = [human_captions(draw_layout(seed), seed)[0].lower() for seed in range(500)]
    assert len(set(first)) > 460


def test_coarse_captions_name_the_scene_only() -> None:
    layout = draw_layout(0, Style(scenes=("harbor",)))
    texts = {coarse_caption(layout, seed) for seed in range(60)}
    assert len(texts) > 8
    assert all(re.search("harbor|port|marina", text) for text in texts)


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_answers_follow_from_the_layout(seed: int) -> None:
    layout = draw_layout(seed)
    found = groups(layout)
    asked = questions(layout, seed)
    assert {"presence", "rural_urban", "choice"} <= {item["type"] for item in asked} <= set(TYPES)
    plural = {NOUNS[kind][0][1]: kind for kind in NOUNS}
    for item in asked:
        question, answer = item["question"], item["answer"]
        if item["type"] == "count":
            count = found[plural[question[9 : -len(" are there?")]]].count
            assert answer == (str(count) if count <= 6 else "more than 6")
        elif item["type"] == "comparison":
            a, b = question.removeprefix("are there more ").rstrip("?").split(" than ")
            more = found[plural[a]].count > found[plural[b]].count
            assert answer == ("yes" if more else "no")
        elif item["type"] == "rural_urban":
            assert answer == ("urban" if layout.scene in URBAN else "rural")
        elif item["type"] == "choice":
            assert len(set(item["options"])) == 4
            assert answer in item["options"]


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_expressions_fit_one_thing_only(seed: int) -> None:
    layout = draw_layout(seed)
    expressions = referring(layout, seed)
    texts = [item["expression"] for item in expressions]
    assert len(set(texts)) == len(texts)
    boxes = {thing.box: thing for thing in layout.things}
    for item in expressions:
        target = boxes[item["box"]]
        rivals = [thing for thing in layout.things if thing.kind == target.kind]
        if item["expression"].startswith(f"the {target.colour} "):
            assert sum(thing.colour == target.colour for thing in rivals) == 1
        if "leftmost" in item["expression"]:
            assert target.centre[0] == min(thing.centre[0] for thing in rivals)
