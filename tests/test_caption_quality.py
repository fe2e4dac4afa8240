"""Metrics of caption sets: from verdicts, from texts, and the verbs that write them."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from winnow.assertions.check import check
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.metrics import Cell, read_metrics
from winnow.data.tables import (
    CAPTIONS,
    FACTS,
    LAYOUTS,
    OUTCOMES,
    PAIR,
    TRUTH,
    empty,
    read_table,
    write_table,
)
from winnow.evaluation import text_statistics
from winnow.evaluation.caption_quality import check_captions, quality_outcomes
from winnow.evaluation.captioning import evaluate, evaluator_scores
from winnow.evaluation.settings import Statistics
from winnow.evaluation.statistics import (
    cluster_weights,
    estimates,
    group_difference,
    paired_difference,
)
from winnow.scoring.engine import pool_pairs
from winnow.terrarium.schema import Layout

pytestmark = pytest.mark.usefixtures("same_environment")


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def outcomes(rows: list[tuple[str, float]], metric: str = "m") -> pd.DataFrame:
    """Outcomes of one metric: (group, value), queries numbered."""
    groups, values = [group for group, _ in rows], [value for _, value in rows]
    queries = [f"q{i}" for i in range(len(rows))]
    return table(metric=[metric] * len(rows), query=queries, group=groups, value=values)


# by the truth


def test_metrics_are_shares_of_verdicts() -> None:
    truth = table(uid=["a", "a", "b"], caption_id=[0, 1, 0], kind=["clean", "count", "clean"])
    rows = [
        ("a", 0, "scene", "image", "airport", "right"),
        ("a", 1, "scene", "image", "harbor", "invented"),
        ("a", 0, "object", "plane", "", "right"),
        ("a", 0, "object", "grass", "", "right"),  # ground cover: for precision alone
        ("a", 1, "object", "church", "", "invented"),
        ("a", 1, "count", "church", "2", "invented"),
        ("a", 0, "count", "plane", "2", "right"),
        ("a", 1, "count", "plane", "3", "wrong"),
        ("a", 0, "object", "runway", "", "missing"),
        ("a", 0, "attribute", "plane", "white", "wrong"),
    ]
    facts = pd.DataFrame(rows, columns=list(FACTS))
    found = quality_outcomes(truth, facts)
    assert not found.duplicated(["metric", "query"]).any()
    assert estimates(found) == pytest.approx(
        {
            "scene_accuracy": 1 / 2,
            "object_precision": 2 / 3,
            "object_recall": 1 / 2,
            "count_accuracy": 1 / 2,
            "attribute_accuracy": 0.0,
            "hallucination_rate": 1 / 3,
            "clean_rate": 2 / 3,
        }
    )
    assert set(found["group"]) == {"a", "b"}


def test_nothing_judged_is_no_outcome() -> None:
    assert quality_outcomes(empty(TRUTH), empty(FACTS)).empty


def run_judge(world: World, captions: Path, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    layouts, truth, facts = world.human_path.with_name("layouts.parquet"), "t.parquet", "f.parquet"
    words = ["check-captions", "--captions", str(captions), "--layouts", str(layouts)]
    assert main([*words, "--output", str(folder / truth), "--facts", str(folder / facts)]) == 0
    return read_table(folder / truth, TRUTH), read_table(folder / facts, FACTS)


def test_the_verb_judges_every_caption(world: World, tmp_path: Path) -> None:
    truth, facts = run_judge(world, world.human_path, tmp_path)
    assert truth[PAIR].equals(world.human[PAIR])
    assert (truth["kind"] == "clean").mean() > 0.98
    layouts = read_table(world.human_path.with_name("layouts.parquet"), LAYOUTS)
    uid, number, text = world.human[["uid", "caption_id", "text"]].iloc[7]
    layout = Layout.from_dict(json.loads(layouts.set_index("uid")["layout"][uid]))
    kind, found = check(text, layout)
    mine = facts[(facts["uid"] == uid) & (facts["caption_id"] == number)]
    assert [tuple(row) for row in mine.iloc[:, 2:].to_numpy()] == [tuple(fact) for fact in found]
    assert truth["kind"].iloc[7] == kind


def test_known_noise_is_worse_than_none(world: World, tmp_path: Path) -> None:
    values = {}
    for name, path in (("human", world.human_path), ("raw", world.raw_path)):
        (tmp_path / name).mkdir()
        values[name] = estimates(quality_outcomes(*run_judge(world, path, tmp_path / name)))
    assert values["raw"]["clean_rate"] < values["human"]["clean_rate"] - 0.2
    assert values["raw"]["object_precision"] < values["human"]["object_precision"] == 1.0
    assert values["raw"]["hallucination_rate"] > values["human"]["hallucination_rate"] == 0.0


def test_layouts_that_do_not_fit(world: World) -> None:
    layouts = read_table(world.human_path.with_name("layouts.parquet"), LAYOUTS)
    some = world.human.head(5)
    truth, _ = check_captions(world.human, layouts.head(3), Path("layouts.parquet"))
    assert set(truth["uid"]) == set(layouts["uid"].head(3))
    with pytest.raises(WinnowError, match=r"layouts\.parquet: has the layout of none"):
        check_captions(some, layouts[~layouts["uid"].isin(some["uid"])], Path("layouts.parquet"))
    with pytest.raises(WinnowError, match=f"layout of uid {some['uid'].iloc[0]} cannot be read"):
        check_captions(some, layouts.assign(layout="{}"), Path("layouts.parquet"))


# differences of caption sets

values = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=30
)


@settings(deadline=None, max_examples=40)
@given(values, st.integers(0, 2**32 - 1))
def test_group_difference_of_the_same_rows_is_paired(
    rows: list[tuple[str, float]], seed: int
) -> None:
    a = outcomes(rows)
    b = a.assign(value=np.random.default_rng(seed).choice([0.0, 0.5, 1.0], len(a)))
    found = group_difference(a, b, "m", resamples=200, seed=3)
    assert found == pytest.approx(paired_difference(a, b, "m", resamples=200, seed=3), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(values, values)
def test_group_difference_flips_when_swapped(
    first: list[tuple[str, float]], second: list[tuple[str, float]]
) -> None:
    a, b = outcomes([("a", 1.0), *first]), outcomes([("a", 0.0), *second])
    found = group_difference(a, b, "m", resamples=200)
    swapped = group_difference(b, a, "m", resamples=200)
    assert swapped.difference == pytest.approx(-found.difference)
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))
    assert swapped.p == found.p and found.low <= found.high


def test_group_difference_is_the_direct_bootstrap() -> None:
    rng = np.random.default_rng(0)
    a = outcomes([(f"g{i:02d}", float(rng.random() < 0.8)) for i in rng.integers(0, 40, 300)])
    b = outcomes([(f"g{i:02d}", float(rng.random() < 0.5)) for i in rng.integers(5, 45, 200)])
    common = sorted(set(a["group"]) & set(b["group"]))
    sides = []
    for rows in (a, b):
        by = rows.groupby("group")["value"]
        sides.append((by.sum().reindex(common).to_numpy(), by.size().reindex(common).to_numpy()))
    weights = cluster_weights(np.random.default_rng(9), 4000, len(common))
    (sa, na), (sb, nb) = sides
    draws = weights @ sa / (weights @ na) - weights @ sb / (weights @ nb)
    found = group_difference(a, b, "m", resamples=4000)
    assert found.difference == pytest.approx(sa.sum() / na.sum() - sb.sum() / nb.sum())
    assert (found.low, found.high) == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.015)
    assert found.p < 0.01


def test_group_difference_needs_common_images() -> None:
    with pytest.raises(WinnowError, match="share no image that has 'm'"):
        group_difference(outcomes([("a", 1.0)]), outcomes([("b", 1.0)]), "m")


# as texts

texts = st.lists(
    st.lists(st.sampled_from(["a", "red", "car", "lake", "on"]), max_size=7).map(" ".join),
    min_size=1,
    max_size=12,
)


def set_of(lines: list[str]) -> pd.DataFrame:
    return table(uid=[f"u{i // 2}" for i in range(len(lines))], caption_id=list(range(len(lines))),
                 text=lines)  # fmt: skip


@settings(deadline=None)
@given(texts)
def test_statistics_are_their_definitions(lines: list[str]) -> None:
    captions = set_of(lines)
    found, n = text_statistics.set_statistics(captions)
    tokens = [line.split() for line in lines]
    unigrams = [word for line in tokens for word in line]
    bigrams = [pair for line in tokens for pair in pairwise(line)]
    assert found["captions"] == len(lines) and found["images"] == (len(lines) + 1) // 2
    assert found["vocabulary"] == len(set(unigrams))
    for name, grams in (("distinct_1", unigrams), ("distinct_2", bigrams)):
        assert (name in found) == bool(grams)
        if grams:
            assert found[name] == len(set(grams)) / len(grams) and n[name] == len(grams)
    filled = [line for line in tokens if line]
    assert ("self_bleu" in found) == (len(filled) > 1)
    if len(filled) > 1:
        smooth = SmoothingFunction().method1
        expected = [
            sentence_bleu(
                [other for j, other in enumerate(filled) if j != i], line, smoothing_function=smooth
            )
            for i, line in enumerate(filled)
        ]
        assert found["self_bleu"] == pytest.approx(np.mean(expected))
    assert set(found) == set(n) and np.isfinite(list(found.values())).all()


def test_words() -> None:
    assert text_statistics.words("A t-shaped pier, 2 boats.") == [
        "a",
        "t-shaped",
        "pier",
        "2",
        "boats",
    ]


def test_words_of_scripts_without_blanks_are_characters() -> None:
    captions = table(uid=["a", "b"], caption_id=[0, 0], text=["机场旁边停着飞机", "河上的桥"])
    outcomes = text_statistics.caption_outcomes(captions, np.zeros(2))
    assert outcomes.query("metric == 'length'")["value"].tolist() == [8.0, 4.0]
    metrics, _ = text_statistics.set_statistics(captions)
    assert metrics["vocabulary"] == 11 and metrics["distinct_1"] == 11 / 12


def test_the_sample_does_not_depend_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_statistics, "SAMPLE", 25)
    rng = np.random.default_rng(0)
    nouns = ["car", "lake", "plane", "house", "road", "tree", "tank"]
    captions = set_of([" ".join(rng.choice(nouns, 6)) for _ in range(text_statistics.SAMPLE + 20)])
    found, n = text_statistics.set_statistics(captions, seed=1)
    assert n["self_bleu"] == text_statistics.SAMPLE
    again, _ = text_statistics.set_statistics(captions.sample(frac=1, random_state=0), seed=1)
    assert again == found
    assert text_statistics.set_statistics(captions, seed=2)[0]["self_bleu"] != found["self_bleu"]


def test_the_same_caption_again_is_all_the_same() -> None:
    found, _ = text_statistics.set_statistics(set_of(["a red car on a lake"] * 4))
    assert found["self_bleu"] == pytest.approx(1.0)
    assert found["vocabulary"] == 5 and found["distinct_1"] == 5 / 24


def test_an_empty_set_has_no_means() -> None:
    found, outcomes = evaluate(set_of([]), np.array([]), [], Statistics())
    assert found.metrics == {"images": 0, "captions": 0, "vocabulary": 0}
    assert found.intervals == {} and outcomes.empty


# the verb


def run(world: World, standin: Path, output: Path, captions: Path, *more: str) -> int:
    return main(
        ["evaluate-captions", "--pool", str(world.pool), "--captions", str(captions), "--model",
         str(standin), "--output", str(output), "--dataset", "terrarium",
         "--cell={track: captioning, captions: raw, scorer: none, ratio: 1.0, seed: 0}",
         "--threads", "1", *more, "--resamples=100"]
    )  # fmt: skip


def test_the_cell_with_truth(world: World, standin: Path, tmp_path: Path) -> None:
    truth, facts = run_judge(world, world.raw_path, tmp_path)
    output = tmp_path / "cell"
    more = ["--truth", str(tmp_path / "t.parquet"), "--facts", str(tmp_path / "f.parquet")]
    assert run(world, standin, output, world.raw_path, *more) == 0
    cell = Cell(track="captioning", captions="raw", scorer="none", ratio=1.0, seed=0)
    record = read_metrics(output / "metrics.json", cell)
    rows = read_table(output / "outcomes.parquet", OUTCOMES)
    assert {k: v for k, v in record.metrics.items() if k in set(rows["metric"])} == pytest.approx(
        estimates(rows)
    )
    judged = estimates(quality_outcomes(truth, facts))
    assert {name: record.metrics[name] for name in judged} == pytest.approx(judged)
    assert set(record.n) == set(record.metrics) == set(record.higher_is_better)
    assert set(record.intervals) == set(rows["metric"])
    for name, (low, high) in record.intervals.items():
        assert low <= record.metrics[name] + 1e-9 and record.metrics[name] <= high + 1e-9
    worse = {name for name, higher in record.higher_is_better.items() if not higher}
    assert worse == {"hallucination_rate", "self_bleu"}
    assert record.unit == "mixed" and record.model == "human+noise"
    assert record.metrics["captions_per_image"] == 2 and record.metrics["images"] == 48
    assert read_json(output / "cost.json")["samples"] == 96


def test_the_cell_without_truth(world: World, standin: Path, tmp_path: Path) -> None:
    """As for a real pool: of all splits' captions, the pool's count."""
    assert run(world, standin, tmp_path / "cell", world.human_path) == 0
    record = read_metrics(tmp_path / "cell/metrics.json")
    assert record.metrics["captions"] == 5 * 48
    assert set(record.metrics) == {
        "images", "captions", "vocabulary", "distinct_1", "distinct_2", "self_bleu", "length",
        "captions_per_image", "evaluator_score",
    }  # fmt: skip
    pairs = pool_pairs(world.pool, world.human)
    scores = evaluator_scores(world.pool, pairs, standin, 1)
    assert record.metrics["evaluator_score"] == pytest.approx(scores.mean(), abs=1e-6)
    lengths = [len(text_statistics.words(text)) for text in pairs["text"]]
    assert record.metrics["length"] == pytest.approx(np.mean(lengths))


def test_kinds_without_facts_give_the_clean_rate(
    world: World, standin: Path, tmp_path: Path
) -> None:
    known = ["--truth", str(world.truth_path)]
    assert run(world, standin, tmp_path / "cell", world.raw_path, *known) == 0
    record = read_metrics(tmp_path / "cell/metrics.json")
    clean = (world.truth["kind"] == "clean").mean()
    assert record.metrics["clean_rate"] == pytest.approx(clean)
    assert "object_recall" not in record.metrics


def test_what_cannot_be_evaluated(
    world: World, standin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "cell"
    facts = ["--facts", str(tmp_path / "f.parquet")]
    assert run(world, standin, output, world.raw_path, *facts) == 2
    assert "--facts: needs --truth" in capsys.readouterr().err
    other = world.truth.assign(uid="0" * 32, caption_id=range(len(world.truth)))
    write_table(tmp_path / "t.parquet", other, TRUTH)
    truth = ["--truth", str(tmp_path / "t.parquet")]
    assert run(world, standin, output, world.raw_path, *truth) == 2
    assert "t.parquet: holds none of the captions" in capsys.readouterr().err
    write_table(tmp_path / "c.parquet", pd.concat([world.raw, world.raw.head(1)]), CAPTIONS)
    assert run(world, standin, output, tmp_path / "c.parquet") == 2
    assert "occurs again in row 96" in capsys.readouterr().err
    assert not output.exists()
