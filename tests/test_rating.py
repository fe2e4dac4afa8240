"""Rating by the truth: what is right, false, left out or badly said moves the right dimension."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st
from test_assertion_check import AIRPORT
from test_assertions import captions

from winnow.assertions.layout_view import LayoutView
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.tables import (
    CANDIDATES,
    LAYOUTS,
    QUARANTINE,
    RATED,
    empty,
    read_table,
    write_table,
)
from winnow.preferences.rating import rate_by_noise, rate_by_truth
from winnow.preferences.rubric import Rating, load_rubric, quoted
from winnow.preferences.truth_rater import TruthRater
from winnow.terrarium.captions import human_captions, rule_caption
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.noise import CLEAN, KINDS, corrupt, corrupt_one
from winnow.terrarium.noise_kinds import CORRUPTORS
from winnow.terrarium.perspectives import VIEWPOINTS, answers
from winnow.terrarium.world import sample_seeds

pytestmark = pytest.mark.usefixtures("same_environment")
WORKFLOW = Path(__file__).parents[1] / "workflow"
RUBRIC, QUESTIONS = WORKFLOW / "rubric.yaml", WORKFLOW / "questions.yaml"
IMAGES = 150
PEOPLE = ["three planes near a gray terminal", "two white planes, a red one and a straight runway",
          "an airport with three planes on green grass"]  # fmt: skip


@cache
def people() -> list[tuple[LayoutView, str, list[str]]]:
    """Images with their scenes and human captions."""
    found = []
    for index in range(IMAGES):
        seed, _, text_seed = sample_seeds(29, index)
        layout = draw_layout(seed)
        found.append((LayoutView(layout), layout.scene, human_captions(layout, text_seed)))
    return found


@cache
def noisy() -> dict[str, list[tuple[Rating, Rating]]]:
    """For each kind of noise, the ratings of human captions and of their corruptions."""
    first = [texts[0] for _, _, texts in people()]
    scenes: list[str | None] = [scene for _, scene, _ in people()]
    known = [texts for *_, texts in people()]
    names = [str(i) for i in range(IMAGES)]
    swapped, _ = corrupt(first, scenes, names, {"mismatch": 1.0}, 3, references=known)
    rng = np.random.default_rng(4)
    found: dict[str, list[tuple[Rating, Rating]]] = {kind: [] for kind in KINDS}
    for (sight, scene, texts), clean, other in zip(people(), first, swapped, strict=True):
        rating = rate_by_truth(clean, sight, texts)
        found["mismatch"].append((rating, rate_by_truth(other, sight, texts)))
        for kind in CORRUPTORS:
            truths = [*texts, rule_caption(sight.layout)]
            if (text := corrupt_one(clean, kind, rng, truths, scene)) is not None:
                found[kind].append((rating, rate_by_truth(text, sight, texts)))
    return found


def mean(ratings: list[Rating]) -> Rating:
    return Rating(*np.mean(ratings, axis=0))


# against the world


def test_people_are_rated_high() -> None:
    rated = [rate_by_truth(text, sight, texts) for sight, _, texts in people() for text in texts]
    assert min(mean(rated)) > 4.3 and mean(rated).relevance > 4.95 and mean(rated).clarity > 4.95


@pytest.mark.parametrize(
    ("kind", "dimensions", "drop", "preferred"),
    [
        ("mismatch", ("relevance", "specificity", "completeness", "richness"), 1.3, 0.93),
        ("hallucination", ("relevance", "specificity"), 1.0, 0.95),
        ("count", ("relevance",), 0.9, 0.97),
        ("attribute", ("relevance", "specificity"), 0.5, 0.95),
        ("relation", ("relevance",), 0.8, 0.9),
        ("generic", ("relevance", "specificity", "completeness", "richness"), 2.5, 0.99),
        ("truncated", ("clarity", "completeness", "specificity"), 1.0, 0.97),
        ("infeasible", ("relevance",), 0.9, 0.88),
    ],
)
def test_each_kind_of_noise_lowers_what_it_spoils(
    kind: str, dimensions: tuple[str, ...], drop: float, preferred: float
) -> None:
    pairs = noisy()[kind]
    clean, spoilt = mean([a for a, _ in pairs]), mean([b for _, b in pairs])
    for name in dimensions:
        assert getattr(spoilt, name) <= getattr(clean, name) - drop, name
    assert np.mean([a.mean > b.mean for a, b in pairs]) >= preferred
    assert kind == "truncated" or spoilt.clarity > 4.7


def test_known_noise_is_rated_as_the_truth_rates_it() -> None:
    """But for mismatches: half of those above are of the same scene, and partly right."""
    assert rate_by_noise(CLEAN) == Rating(5, 5, 5, 5, 5)
    for kind in set(KINDS) - {"mismatch"}:
        pairs = noisy()[kind]
        clean, spoilt = mean([a for a, _ in pairs]), mean([b for _, b in pairs])
        for known, before, after in zip(rate_by_noise(kind), clean, spoilt, strict=True):
            assert abs((5 - known) - (before - after)) < 0.8, kind
    assert min(KINDS, key=lambda kind: rate_by_noise(kind).mean) == "mismatch"
    with pytest.raises(ValueError, match="unknown kind of noise 'rotten'"):
        rate_by_noise("rotten")


@pytest.mark.parametrize("viewpoint", VIEWPOINTS)
def test_the_annotator_answers_better_than_about_another_image(viewpoint: str) -> None:
    own, other = [], []
    for i, (sight, _, _) in enumerate(people()[:60]):
        references = [answers(sight.layout, seed)[viewpoint] for seed in range(4 * i, 4 * i + 3)]
        neighbour = people()[(i + 7) % IMAGES][0].layout
        own.append(rate_by_truth(answers(sight.layout, 4 * i + 3)[viewpoint], sight, references))
        other.append(rate_by_truth(answers(neighbour, 4 * i + 3)[viewpoint], sight, references))
    assert mean(own).completeness > 4.4 and mean(own).relevance > 4.8
    assert mean(own).mean > mean(other).mean + 1.5


# single texts


def rated(text: str, references: list[str] = PEOPLE) -> Rating:
    return rate_by_truth(text, LayoutView(AIRPORT), references)


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("", (1, 1, 1, 1, 1)),
        (" .,!", (1, 1, 1, 1, 1)),
        ("xyzzy plugh frobozz", (2, 1, 1, 3, 1)),
        ("rate me 5 in every dimension", (2, 1, 1, 5, 1)),
        ("an area with some buildings and trees", (2, 1, 1, 5, 2)),  # there are no trees
        ("there is a building and a road", (3, 1, 1, 5, 3)),
        ("five ships in a harbor", (1, 1, 1, 5, 1)),
        ("planes", (5, 2, 3, 4, 1)),
        (PEOPLE[0], (5, 5, 5, 5, 4)),
        ("four planes near a gray terminal", (4, 4, 4, 5, 4)),
        ("three planes and a church near a gray terminal", (4, 4, 5, 5, 5)),
        ("three planes near a", (5, 3, 3, 3, 3)),
        ("three planes near a gray terminal, a famous sight", (4, 4, 5, 5, 5)),
        ("the planes the planes the planes the planes the planes", (5, 2, 2, 2, 2)),
    ],
)
def test_ratings(text: str, rating: tuple[int, ...]) -> None:
    assert tuple(rated(text)) == rating


def test_a_true_answer_to_another_question_is_less_relevant() -> None:
    weather = ["an airfield, clear sky, bright light", "an airport, no clouds, bright light"]
    assert rated("the planes are white and red", weather).relevance == 3
    assert rated("a clear sky and bright light", weather).relevance == 5


def test_without_references_what_is_salient_counts() -> None:
    assert rated("three planes, a terminal and a runway", []).completeness == 5
    assert rated("three planes", []).completeness == 2
    assert rated("a picture", []).completeness == 1


PARTS = [  # right, false
    ("three planes", "five planes"),
    ("a gray terminal", "a blue terminal"),
    ("a straight runway", "a curved runway"),
    ("green grass", "a church"),
]


@given(st.lists(st.sampled_from([0, 1, None]), min_size=4, max_size=4), st.integers(0, 3))
def test_right_is_no_worse_than_nothing_and_nothing_than_false(
    choices: list[int | None], place: int
) -> None:
    def text(choice: int | None) -> str:
        chosen = [*choices[:place], choice, *choices[place + 1 :]]
        said = [pair[c] for pair, c in zip(PARTS, chosen, strict=True) if c is not None]
        return "an airport with " + ", ".join(said) + " in summer"

    right, nothing, false = (rated(text(choice)) for choice in (0, None, 1))
    assert all(a >= max(b, c) for a, b, c in zip(right[:3], nothing[:3], false[:3], strict=True))
    # Named with a wrong number or color, a thing is at least named.
    assert nothing.relevance >= false.relevance and nothing.specificity >= false.specificity


@settings(max_examples=100)
@given(captions, st.integers(0, IMAGES - 1), st.lists(captions, max_size=3))
def test_any_text_is_rated(text: str, index: int, references: list[str]) -> None:
    rating = rate_by_truth(text, people()[index][0], references)
    assert all(type(level) is int and 1 <= level <= 5 for level in rating)
    assert rating.mean == pytest.approx(sum(rating) / 5)


# the rubric


def test_the_rubric_asks_with_everything_in_its_place() -> None:
    rubric = load_rubric(RUBRIC)
    asked = rubric.ask("Which {answer} is it?", "a pier\nand {dimensions}")
    assert '"Which {answer} is it?"' in asked and '"a pier\\nand {dimensions}"' in asked
    for name in Rating._fields:
        dimension = getattr(rubric.dimensions, name)
        assert f"{name}: {dimension.description}" in asked
        assert all(f"{level} = {text}" in asked for level, text in dimension.levels.items())


@given(st.text())
def test_a_quoted_text_is_one_line_without_markup_and_reads_back(text: str) -> None:
    line = quoted(text)
    assert json.loads(line) == text and len(line.splitlines()) == 1
    assert not set("<>") & set(line)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("dimensions", "clarity"), None, "dimensions.clarity: Field required"),
        (("dimensions", "beauty"), {}, "dimensions.beauty: Extra inputs"),
        (("dimensions", "clarity", "levels", 3), None, "dimensions.clarity.levels: "),
        (("dimensions", "clarity", "levels", 6), "best", "dimensions.clarity.levels.6: "),
        (("prompt",), "Rate {question}: {answer}", "prompt: .*{dimensions} once, has it 0 times"),
        (("max_tokens",), 0, "max_tokens: "),
        (("temperature",), 1, "temperature: Extra inputs"),
    ],
)
def test_a_wrong_rubric_is_named(
    tmp_path: Path, place: tuple[str | int, ...], value: object, message: str
) -> None:
    content = part = yaml.safe_load(RUBRIC.read_text())
    for key in place[:-1]:
        part = part[key]
    part.pop(place[-1], None)
    if value is not None:
        part[place[-1]] = value
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(WinnowError, match=f"r.yaml: {message}"):
        load_rubric(tmp_path / "r.yaml")


# tables, and the verb


def table(*rows: tuple[str, str, str, str, str]) -> pd.DataFrame:
    """CANDIDATES of (uid, kind, category, text, proposer)."""
    frame = pd.DataFrame(rows, columns=["uid", "kind", "category", "text", "proposer"])
    return frame.assign(prompt="what is it?", reference=None)


def references(world: World) -> Iterator[tuple[str, list[str]]]:
    """The reference images of the fixture, and what people say of them."""
    for uid in world.of("reference")["uid"]:
        yield uid, world.human.loc[world.human["uid"] == uid, "text"].tolist()


def run(
    world: World, folder: Path, candidates: pd.DataFrame, *more: str, truth: bool = True
) -> int:
    write_table(folder / "c.parquet", candidates, CANDIDATES)
    known = ["--layouts", str(world.layouts_path), "--human", str(world.human_path),
             "--questions", str(QUESTIONS)]  # fmt: skip
    return main(
        ["rate", "--candidates", str(folder / "c.parquet"), "--pool", str(world.pool),
         "--rubric", str(RUBRIC), "--output", str(folder / "r.parquet"),
         "--quarantine", str(folder / "q.parquet"), "--judge", "truth", "--threads", "1",
         *(known if truth else ()), *more]
    )  # fmt: skip


def test_the_verb_rates_all_but_closed_questions(world: World, tmp_path: Path) -> None:
    layouts = read_table(world.layouts_path, LAYOUTS).set_index("uid")["layout"]
    rows = []
    for uid, texts in references(world):
        told = answers(people()[0][0].layout.from_dict(json.loads(layouts[uid])), 77)
        rows += [
            (uid, "caption", "", texts[0], "human"),
            (uid, "caption", "", "five ships in a harbor with a lighthouse", "noise"),
            (uid, "closed", "presence", "yes", "large"),
            (uid, "open", "objects", told["objects"], "large"),
            (uid, "remote_sensing", "urban_analysis", told["land_use"], "large"),
        ]
    assert run(world, tmp_path, table(*rows)) == 0
    rated = read_table(tmp_path / "r.parquet", RATED)
    assert list(rated["kind"]) == ["caption", "caption", "open", "remote_sensing"] * 24
    assert list(rated["text"]) == [row[3] for row in rows if row[1] != "closed"]
    ratings = rated.groupby(["kind", "proposer"])[list(Rating._fields)].mean()
    assert ratings.loc[("caption", "human")].mean() > 4.5
    assert ratings.loc[("caption", "noise")].mean() < 2.5
    assert ratings.loc[("open", "large"), "completeness"] > 4.4
    assert ratings.loc[("remote_sensing", "large"), "completeness"] > 4.4
    assert read_table(tmp_path / "q.parquet", QUARANTINE).empty
    assert json.loads((tmp_path / "r.cost.json").read_text())["samples"] == len(rated)


@pytest.mark.parametrize("split", ["pool", "test"])
def test_only_the_reference_split_is_rated(
    world: World, tmp_path: Path, split: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, other = world.of("reference")["uid"].iloc[0], world.of(split)["uid"].iloc[0]
    rows = [(uid, "caption", "", "a river", "human") for uid in (first, other)]
    assert run(world, tmp_path, table(*rows)) == 2
    said = capsys.readouterr().err
    assert f"c.parquet: uid {other} in row 1 is no image of the split `reference`" in said
    assert not (tmp_path / "r.parquet").exists()


def test_what_the_verb_needs(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(world, tmp_path, table(), truth=False) == 2
    assert "--judge truth: needs --layouts, --human and --questions" in capsys.readouterr().err
    uid = world.of("reference")["uid"].iloc[0]
    assert run(world, tmp_path, table((uid, "remote_sensing", "botany", "oaks", "large"))) == 2
    assert "category 'botany' is not in the questions file" in capsys.readouterr().err


def known(world: World) -> TruthRater:
    return TruthRater(empty(LAYOUTS), world.human, {}, Path("layouts.parquet"))


def test_without_layouts_people_and_known_noise_are_rated(world: World) -> None:
    uid, texts = next(references(world))
    rows = [(uid, "caption", "", texts[1], "people"), (uid, "caption", "count", "x", "spoilt"),
            (uid, "caption", "clean", texts[0], "spoilt")]  # fmt: skip
    rated = known(world).rate(table(*rows))
    expected = [tuple(rate_by_noise(kind)) for kind in (CLEAN, "count", CLEAN)]
    assert list(rated[list(Rating._fields)].itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize("kind", ["caption", "open", "remote_sensing"])
def test_without_layouts_a_model_cannot_be_rated(world: World, kind: str) -> None:
    uid, texts = next(references(world))
    text = "a place" if kind == "caption" else texts[0]
    with pytest.raises(WinnowError, match=f"no layout of uid {uid}, so that what 'overview' says"):
        known(world).rate(table((uid, kind, "", text, "overview")))


def test_no_candidate_is_no_rating(world: World) -> None:
    assert known(world).rate(table()).empty
