"""Questions about images: the file of open ones, and closed ones from layouts and scenes."""

from pathlib import Path

import pytest
import yaml
from workflow_helpers import ROOT

from winnow.captioning.questions import closed_questions, load_questions
from winnow.data.errors import WinnowError
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.perspectives import VIEWPOINTS

QUESTIONS = ROOT / "workflow/questions.yaml"


def test_the_file_has_twelve_categories_of_five_questions() -> None:
    categories = load_questions(QUESTIONS)
    assert len(categories) == 12
    assert all(len(category.questions) == 5 for category in categories.values())
    wordings = [text for category in categories.values() for text in category.questions]
    assert len(set(wordings)) == 60
    assert {category.viewpoint for category in categories.values()} <= set(VIEWPOINTS)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- a list", "top level"),
        ("water: {viewpoint: layout}", "water.questions"),
        ("water: {viewpoint: layout, questions: []}", "water.questions"),
        ("water: {viewpoint: layout, questions: [where], more: 1}", "water.more"),
        ("Water!: {viewpoint: layout, questions: [where]}", "Water!"),
        ("water: [", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused_by_key(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(WinnowError, match=r"mine\.yaml: ") as refusal:
        load_questions(tmp_path / "mine.yaml")
    assert told in str(refusal.value)


def test_files_that_are_not_there_or_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match="no such file"):
        load_questions(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WinnowError, match="not valid YAML"):
        load_questions(tmp_path / "bytes.yaml")
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({"a": {"viewpoint": "b", "questions": [""]}}))
    with pytest.raises(WinnowError, match=r"a\.questions\.0"):
        load_questions(tmp_path / "one.yaml")


@pytest.mark.parametrize("seed", range(0, 60, 7))
def test_choices_hold_the_answer(seed: int) -> None:
    asked = closed_questions(draw_layout(seed), None, [], seed)
    assert {question.kind for question in asked} >= {"presence", "rural_urban", "choice"}
    for question in asked:
        if question.kind == "choice":
            options = question.question.rpartition("(")[2].rstrip(")").split(", ")
            assert question.answer in options and len(set(options)) == 4


def test_without_a_layout_the_scene_is_asked_if_there_are_others() -> None:
    (asked,) = closed_questions(None, "river", ["river", "lake"], 0)
    assert asked.answer == "river" and "lake" in asked.question
    assert closed_questions(None, "river", ["river"], 0) == []
    assert closed_questions(None, None, ["river", "lake"], 0) == []
