"""The foundry's multimodal model: what it is told, that it sees and learns, and how it is saved."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from conftest import World
from PIL import Image
from workflow_helpers import ROOT

from winnow.captioning.perspectives import load_perspectives
from winnow.captioning.questions import load_questions
from winnow.command.line import main
from winnow.data.files import digest_files, read_json
from winnow.data.tables import CAPTIONS, LAYOUTS, PAIR, SUBSET, read_table, write_table
from winnow.models import mllm as models
from winnow.models import qwen2_vl
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.perspectives import VIEWPOINTS, answers
from winnow.terrarium.phrases import labels
from winnow.training import mllm
from winnow.training.instruction_data import (
    CLOSED,
    OPEN,
    QuestionAnswer,
    perspective_dialogues,
    question_dialogues,
)
from winnow.training.settings import MllmTraining

PERSPECTIVES = ROOT / "workflow/perspectives.yaml"
QUESTIONS = ROOT / "workflow/questions.yaml"
TALK = [
    QuestionAnswer("What is this?", "a river"),
    QuestionAnswer("Say it again: hello hello hello", "hello", about_image=False),
    QuestionAnswer("Which place does this long question ask about?", "an airport with two planes"),
]
SETTINGS = MllmTraining.model_validate(
    {"images_seen": 32, "answers_seen": 32, "batch_size": 8, "precision": "float32"}
)

pytestmark = pytest.mark.usefixtures("same_environment")


@pytest.fixture(scope="module")
def processor() -> Any:
    return models.train_processor([t for e in TALK for t in (e.question, e.answer)], 400)


@pytest.fixture
def model(processor: Any) -> Any:
    torch.set_num_threads(1)
    return models.build(len(processor.tokenizer), seed=0, width=64, layers=1, depth=1)


def pictures(count: int) -> np.ndarray:
    side = models.SIDE
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


# what it is told


def test_answers_differ_by_seed_and_repeat_for_one() -> None:
    layout = draw_layout(3)
    assert set(answers(layout, 0)) == set(VIEWPOINTS)
    assert answers(layout, 0) == answers(layout, 0)
    assert any(answers(layout, seed) != answers(layout, 0) for seed in range(1, 5))


@pytest.mark.parametrize("seed", range(0, 300, 7))
def test_answers_are_never_empty_and_read_well(seed: int) -> None:
    for text in answers(draw_layout(seed), seed).values():
        assert text == text.strip() and "  " not in text and "<" not in text
        assert " a a" not in text and " a o" not in text and not text.endswith(",")


def test_prompts_of_the_file_are_answered_from_the_layout(world: World) -> None:
    layouts = read_table(world.layouts_path, LAYOUTS)
    uids = world.of("reference")["uid"].tolist()[:3]
    rules = dict.fromkeys(uids, "two planes {rule}.")
    perspectives = load_perspectives(PERSPECTIVES)
    said = perspective_dialogues(uids, world.human, layouts, rules, perspectives, seed=0)
    assert len(said) == 3
    for exchanged in said:
        questions = {exchange.question for exchange in exchanged}
        assert {p.prompt for p in perspectives.perspectives.values()} <= questions
        assert any("two planes {rule}." in question for question in questions)


def test_unknown_perspectives_and_real_images_are_answered_by_people(
    world: World, tmp_path: Path
) -> None:
    content = yaml.safe_load(PERSPECTIVES.read_text())
    content["perspectives"] = {"mood": {"prompt": "How does it feel?", "words": 9}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    perspectives = load_perspectives(tmp_path / "mine.yaml")
    uid = world.of("reference")["uid"].iloc[0]
    own = set(world.human.loc[world.human["uid"] == uid, "text"])
    layouts = read_table(world.layouts_path, LAYOUTS)
    (with_layout,) = perspective_dialogues([uid], world.human, layouts, {}, perspectives, seed=0)
    (without,) = perspective_dialogues(
        [uid], world.human, layouts.iloc[:0], {}, perspectives, seed=0
    )
    assert {e.answer for e in with_layout if e.question == "How does it feel?"} == own
    assert {e.answer for e in without} == own


def test_the_quiz_asks_what_the_layout_answers(world: World) -> None:
    layouts, reference = read_table(world.layouts_path, LAYOUTS), world.of("reference").head(5)
    categories = load_questions(QUESTIONS)
    wordings = {text for category in categories.values() for text in category.questions}
    said = question_dialogues(reference, world.human, layouts, categories, seed=0)
    assert said == question_dialogues(reference, world.human, layouts, categories, seed=0)
    assert said != question_dialogues(reference, world.human, layouts, categories, seed=1)
    for exchanged in said:
        asked = [exchange.question for exchange in exchanged]
        assert len(set(asked)) == len(asked) and all(exchange.about_image for exchange in exchanged)
        assert sum(question in wordings for question in asked) == OPEN
        assert 1 <= sum(question not in wordings for question in asked) <= CLOSED


def test_the_quiz_of_real_images_is_about_their_scenes(world: World) -> None:
    layouts, reference = read_table(world.layouts_path, LAYOUTS).iloc[:0], world.of("reference")
    categories = load_questions(QUESTIONS)
    (first, *_) = question_dialogues(reference, world.human, layouts, categories, seed=0)
    row = reference.iloc[0]
    own = set(world.human.loc[world.human["uid"] == row["uid"], "text"])
    assert first[0].question.startswith("what does the image show? (")
    assert first[0].answer == row["scene"] and row["scene"] in first[0].question
    assert len(first) == 1 + OPEN and {e.answer for e in first[1:]} <= own
    unknown = reference.assign(scene=None)
    (without, *_) = question_dialogues(unknown, world.human, layouts, categories, seed=0)
    assert len(without) == OPEN


# it sees what transformers sees


def test_patches_are_those_of_the_processor(processor: Any) -> None:
    images = pictures(3)
    wanted = processor.image_processor([Image.fromarray(i) for i in images], return_tensors="pt")
    found = qwen2_vl.patches(processor.image_processor, images)
    frames = wanted["pixel_values"].reshape(3, -1, 3, 2, models.PATCH, models.PATCH)
    for frame in range(2):
        torch.testing.assert_close(found, frames[:, :, :, frame])


def test_features_are_those_of_the_tower(processor: Any, model: Any) -> None:
    images = pictures(3)
    inputs = processor.image_processor([Image.fromarray(i) for i in images], return_tensors="pt")
    with torch.inference_mode():
        wanted = model.model.get_image_features(**inputs).pooler_output
        found = qwen2_vl.vision_features(model.model.visual, processor.image_processor, images)
    torch.testing.assert_close(found, torch.stack(list(wanted)), atol=1e-5, rtol=1e-4)


def test_loss_is_that_of_the_model_one_by_one(processor: Any, model: Any) -> None:
    images = pictures(len(TALK))
    talk = mllm.tokenise(processor, TALK)
    about = [c.about_image for c in talk]
    assert about == [True, False, True]
    total, tokens = 0.0, 0
    with torch.inference_mode():
        features = qwen2_vl.vision_features(model.model.visual, processor.image_processor, images)
        found = mllm.answer_loss(model, features, talk)
        for image, exchange, conversation in zip(images, TALK, talk, strict=True):
            content = [{"type": "image"}] * exchange.about_image
            text = processor.apply_chat_template(
                [
                    {
                        "role": "user",
                        "content": [*content, {"type": "text", "text": exchange.question}],
                    }
                ],
                add_generation_prompt=True,
            )
            picture = [Image.fromarray(image)] if exchange.about_image else None
            inputs = processor(text=[text], images=picture, return_tensors="pt")
            assert inputs["input_ids"][0].tolist() == conversation.prompt.tolist()
            ids = torch.tensor(np.concatenate([conversation.prompt, conversation.answer]))[None]
            inputs |= {
                "input_ids": ids,
                "attention_mask": torch.ones_like(ids),
                "mm_token_type_ids": (ids == models.IMAGE).int(),
            }
            logits = model(**inputs).logits[0, len(conversation.prompt) - 1 : -1]
            chosen = torch.tensor(conversation.answer)[:, None]
            total -= logits.log_softmax(dim=1).gather(1, chosen).sum().item()
            tokens += len(conversation.answer)
    assert found.item() == pytest.approx(total / tokens, rel=1e-5)


# it learns, and repeats


def test_it_learns_to_answer(processor: Any, model: Any) -> None:
    talk = mllm.tokenise(processor, TALK)
    settings = SETTINGS.model_copy(
        update={"learning_rate": 3e-3, "answers_seen": 240, "batch_size": 4, "warmup": 0.1}
    )
    losses = mllm.train_language(model, processor, pictures(4), [talk] * 4, settings, seed=0)
    assert len(losses) == 30
    assert np.mean(losses[-3:]) < 0.5 * losses[0]
    assert not model.training


def test_the_tower_learns_to_see(processor: Any, model: Any) -> None:
    layouts = [draw_layout(seed) for seed in range(8)]
    settings = SETTINGS.model_copy(update={"learning_rate": 3e-3, "images_seen": 160})
    named = [labels(layout) for layout in layouts]
    losses = mllm.train_vision(model, processor, pictures(8), named, settings, seed=0)
    assert np.mean(losses[-3:]) < 0.7 * losses[0]


def test_train_mllm_repeats_and_loads_as_any_transformers_model(
    world: World, tmp_path: Path
) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    words = ["train-mllm", "--pool", world.pool, "--human", world.human_path]
    words += ["--layouts", world.layouts_path, "--perspectives", PERSPECTIVES, "--threads", "1"]
    words += ["--questions", QUESTIONS, "--role", "mllm_small"]
    settings = ["--images-seen=16", "--answers-seen=16", "--batch-size=4", "--precision=float32"]
    for name in ("one", "two"):
        assert main([str(w) for w in [*words, "--output", tmp_path / name, *settings]]) == 0
    weights = [tmp_path / name / "model.safetensors" for name in ("one", "two")]
    assert digest_files(weights[:1]) == digest_files(weights[1:])
    record = read_json(tmp_path / "one" / "foundry.json")
    assert record["parameters"]["images"] == 24 and np.isfinite(record["loss"])
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path / "one")
    assert loaded.dtype == torch.float16
    assert AutoProcessor.from_pretrained(tmp_path / "one").tokenizer.padding_side == "left"
    card = tmp_path / "card.md"
    words = ["evaluate-mllm", "--pool", world.pool, "--layouts", world.layouts_path]
    words += ["--perspectives", PERSPECTIVES, "--model", tmp_path / "one", "--role", "mllm_small"]
    assert main([str(w) for w in [*words, "--output", card, "--threads", "1"]]) == 0
    text = card.read_text()
    assert "# Stand-in `mllm_small`" in text and "| rural_urban | " in text
    assert text.count("\n| detail |") == 1 and "a smaller one" in text


def test_a_tuned_model_repeats(world: World, tmp_path: Path) -> None:
    subset = world.raw[PAIR].head(12)
    write_table(tmp_path / "subset.parquet", subset, SUBSET)
    write_table(tmp_path / "raw.parquet", world.raw, CAPTIONS)
    trained = models.build(600, 0, width=64, layers=1, depth=1)
    start = tmp_path / "start"
    models.save(trained, models.train_processor(world.raw["text"], 600), start)
    words = ["tune-mllm", "--pool", world.pool, "--captions", tmp_path / "raw.parquet"]
    words += ["--subset", tmp_path / "subset.parquet", "--model", start, "--threads", "1"]
    settings = ["--samples-seen=16", "--batch-size=4", "--precision=float32"]
    for name in ("one", "two"):
        assert main([str(w) for w in [*words, "--output", tmp_path / name, *settings]]) == 0
    weights = [tmp_path / name / "model.safetensors" for name in ("one", "two")]
    assert digest_files(weights[:1]) == digest_files(weights[1:])
    assert digest_files(weights[:1]) != digest_files([start / "model.safetensors"])
    assert read_json(tmp_path / "one" / "training.json")["parameters"]["pairs"] == 12


def test_nothing_to_tune_on_is_an_error(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path / "subset.parquet", world.raw[PAIR].head(0), SUBSET)
    write_table(tmp_path / "raw.parquet", world.raw, CAPTIONS)
    trained = models.build(600, 0, width=64, layers=1, depth=1)
    models.save(trained, models.train_processor(world.raw["text"], 600), tmp_path / "start")
    words = ["tune-mllm", "--pool", world.pool, "--captions", tmp_path / "raw.parquet"]
    words += ["--subset", tmp_path / "subset.parquet", "--model", tmp_path / "start"]
    words += ["--output", tmp_path / "out", "--threads", "1", "--samples-seen=16"]
    assert main([str(w) for w in words]) != 0
    assert "the subset is empty" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
