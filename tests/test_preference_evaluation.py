"""Pair accuracy of score models, and the judge against what is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.data.metrics import Cell, read_metrics
from winnow.data.tables import (
    CANDIDATES,
    LAYOUTS,
    OUTCOMES,
    PREFERENCES,
    RATINGS,
    empty,
    read_table,
    write_table,
)
from winnow.evaluation import judge_agreement
from winnow.evaluation.preference import INSTRUCTION, pair_outcomes, preferred, summary
from winnow.evaluation.settings import Statistics
from winnow.terrarium.noise import KINDS, normalised

FEW = Statistics(resamples=100)
KIND = ("text", "caption", "closed", "open", "remote_sensing")
scores = st.floats(-1e6, 1e6) | st.integers(-2, 2).map(float)
rows = st.lists(
    st.tuples(st.sampled_from(KIND), st.integers(0, 5), scores, scores), min_size=1, max_size=40
)


def table(drawn):
    uids = [None if kind == "text" else f"u{image}" for kind, image, _, _ in drawn]
    prompts = [f"what is {image}?" for _, image, _, _ in drawn]
    return pd.DataFrame({"uid": uids, "kind": [row[0] for row in drawn], "prompt": prompts})


def found(drawn):
    chosen, rejected = (np.array([row[i] for row in drawn]) for i in (2, 3))
    return summary(pair_outcomes(table(drawn), chosen, rejected), FEW)


@given(st.lists(st.tuples(scores, scores), min_size=1))
def test_ties_count_half_and_the_other_order_is_the_rest(drawn):
    chosen, rejected = np.array(drawn).T
    value = preferred(chosen, rejected)
    assert (
        set(value) <= {0.0, 0.5, 1.0} and (value == 0.5).tolist() == (chosen == rejected).tolist()
    )
    assert value + preferred(rejected, chosen) == pytest.approx(np.ones(len(drawn)))
    assert preferred(chosen, chosen) == pytest.approx(0.5)
    assert preferred(np.tanh(chosen / 1e7), np.tanh(rejected / 1e7)) == pytest.approx(
        value, abs=0.5
    )


@settings(max_examples=30)
@given(rows, st.randoms(use_true_random=False))
def test_metrics_are_means_within_bounds_whatever_the_order(drawn, random):
    result = found(drawn)
    groups = {f"accuracy/{kind}": [kind] for kind in KIND} | {"accuracy/instruction": INSTRUCTION}
    for name, kinds in groups.items():
        values = [(np.sign(c - r) + 1) / 2 for kind, _, c, r in drawn if kind in kinds]
        assert result.n.get(name, 0) == len(values)
        if values:
            assert result.metrics[name] == pytest.approx(np.mean(values))
    both = ("accuracy/caption", "accuracy/instruction")
    assert ("accuracy" in result.metrics) == all(name in result.metrics for name in both)
    if "accuracy" in result.metrics:
        mean = sum(result.metrics[name] for name in both) / 2
        assert result.metrics["accuracy"] == pytest.approx(mean)
        assert result.n["accuracy"] == sum(result.n[name] for name in both)
    assert set(result.metrics) == set(result.intervals) == set(result.n)
    for name, (low, high) in result.intervals.items():
        assert 0 <= low <= result.metrics[name] + 1e-9 and result.metrics[name] - 1e-9 <= high <= 1
    shuffled = random.sample(drawn, len(drawn))
    assert found(shuffled).metrics == pytest.approx(result.metrics)


def test_pairs_about_text_change_no_interval_of_images():
    rng = np.random.default_rng(0)
    drawn = [("caption", i % 9, *rng.normal(size=2)) for i in range(60)]
    drawn += [("closed", i % 9, *rng.normal(size=2)) for i in range(60)]
    with_text = found([*drawn, *(("text", i // 2, *rng.normal(size=2)) for i in range(30))])
    for name, interval in found(drawn).intervals.items():
        assert with_text.intervals[name] == interval
    low, high = with_text.intervals["accuracy/text"]
    assert low < with_text.metrics["accuracy/text"] < high


def test_no_outcome_has_no_metric():
    assert summary(empty(OUTCOMES), FEW) == ({}, {}, {}, {})


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(WinnowError, match="rejected text of pair 1 has the score nan"):
        preferred(np.zeros(2), np.array([0.0, np.nan]))


@pytest.fixture(scope="module")
def scored(world, mllm, tmp_path_factory):
    """A score model with random weights, and pairs of reference images whose words differ."""
    from winnow.models import score

    folder = tmp_path_factory.mktemp("scored")
    (folder / "model").mkdir()
    score.save(score.start_from(mllm, 0), folder / "model")
    write_json(folder / "model" / "training.json", {"losses": [0.7, 0.6], "epochs": 1})
    uids = world.of("reference")["uid"].tolist()
    texts = dict(world.human.drop_duplicates("uid")[["uid", "text"]].to_numpy())
    lines = [
        (uid, kind, "", "what is it?", texts[uid], texts[other], "a", "b", None, split)
        for i, (uid, other) in enumerate(zip(uids, uids[1:] + uids[:1], strict=True))
        for kind in ("caption", "closed")
        for split in ("train" if i % 2 else "test",)
    ]
    lines += [(None, "text", "", "say it", "one two", "two two", "a", "b", None, "test")]
    pairs = pd.DataFrame(lines, columns=[name.rstrip("?") for name in PREFERENCES])
    write_table(folder / "pairs.parquet", pairs, PREFERENCES)
    return folder, pairs


def evaluate(world, folder, output, pairs="pairs.parquet"):
    return main([
        "evaluate-score-model", "--pool", str(world.pool), "--preferences", str(folder / pairs),
        "--model", str(folder / "model"), "--output", str(output),
        "--cell={track: preference, captions: reference, scorer: score_small, ratio: 1.0, seed: 3}",
        "--dataset", "terrarium", "--threads", "1", "--resamples=100",
    ])  # fmt: skip


def test_a_score_model_becomes_a_cell(same_environment, world, scored, tmp_path):
    folder, pairs = scored
    assert evaluate(world, folder, tmp_path / "cell") == 0
    place = {"track": "preference", "captions": "reference", "scorer": "score_small"}
    cell = Cell(**place, ratio=1.0, seed=3)
    record = read_metrics(tmp_path / "cell" / "metrics.json", cell)
    outcomes = read_table(tmp_path / "cell" / "outcomes.parquet", OUTCOMES)
    test = pairs[pairs["split"] == "test"]
    assert record.n["accuracy/caption"] == (test["kind"] == "caption").sum()
    assert record.n["accuracy/text"] == 1 and 0 <= record.metrics["accuracy"] <= 1
    assert set(outcomes["group"]) == {*test["uid"].dropna(), "text1"}
    assert read_json(tmp_path / "cell" / "training.json") == {"losses": [0.7, 0.6]}
    assert record.provenance["training"] == {"epochs": 1}
    write_table(folder / "turned.parquet", turned(pairs), PREFERENCES)
    assert evaluate(world, folder, tmp_path / "turned", "turned.parquet") == 0
    other = read_metrics(tmp_path / "turned" / "metrics.json", cell)
    for name, value in record.metrics.items():
        assert other.metrics[name] == pytest.approx(1 - value)


def turned(pairs):
    return pairs.rename(columns={"chosen": "rejected", "rejected": "chosen"})


def test_both_texts_are_scored_with_the_image_and_in_any_order(world, scored):
    from winnow.evaluation.pair_scores import pair_scores
    from winnow.models import score

    folder, pairs = scored
    model, path = score.load(folder / "model"), folder / "pairs.parquet"
    values = pair_scores(model, world.pool, world.samples, pairs, path)
    assert np.isfinite(values).all() and len(np.unique(values[pairs["kind"] == "caption"])) > 8
    back = pair_scores(model, world.pool, world.samples, turned(pairs)[::-1], path)[::-1, ::-1]
    assert back == pytest.approx(values, abs=1e-4)
    blind = pair_scores(model, world.pool, world.samples, pairs.assign(uid=None), path)
    assert (np.abs(blind - values)[:-1] > 1e-4).all()
    with pytest.raises(WinnowError, match=r"pairs\.parquet: uid nowhere is not in"):
        pair_scores(model, world.pool, world.samples, pairs.assign(uid="nowhere"), path)


def test_nothing_held_out_is_refused(same_environment, world, scored, tmp_path, capsys):
    folder, pairs = scored
    write_table(folder / "none.parquet", pairs.assign(split="train"), PREFERENCES)
    assert evaluate(world, folder, tmp_path / "cell", "none.parquet") == 2
    assert "none.parquet: no pair is held out" in capsys.readouterr().err
    assert not (tmp_path / "cell").exists()


@pytest.fixture(scope="module")
def asked(world):
    layouts = read_table(world.layouts_path, LAYOUTS)
    reference = world.of("reference")
    return judge_agreement.right_and_wrong_captions(reference, world.human, layouts, 0)


def test_known_captions_differ_by_one_mistake_of_their_kind(world, asked):
    right = asked[asked["proposer"] == judge_agreement.RIGHT].set_index("uid")["text"]
    assert set(right.index) == set(world.of("reference")["uid"]) and right.index.is_unique
    wrong = asked[asked["proposer"] == judge_agreement.WRONG]
    assert set(wrong["category"]) <= set(KINDS) and {"mismatch", "count"} <= set(wrong["category"])
    assert not wrong.duplicated(["uid", "category"]).any()
    true = world.human.groupby("uid")["text"].agg(
        lambda texts: {normalised(text) for text in texts}
    )
    for uid, text in zip(wrong["uid"], wrong["text"], strict=True):
        assert normalised(text) not in true[uid] and text != right[uid]


def rated(asked, right, wrong):
    is_right = asked["proposer"] == judge_agreement.RIGHT
    return asked.assign(**{name: np.where(is_right, right, wrong) for name in RATINGS})


@pytest.mark.parametrize(("right", "wrong", "value"), [(5, 4, 1.0), (3, 3, 0.5), (1, 2, 0.0)])
def test_agreement_is_by_kind_and_ties_count_half(asked, right, wrong, value):
    outcomes = judge_agreement.agreement_outcomes(rated(asked, right, wrong))
    result = summary(outcomes, FEW)
    assert set(result.metrics.values()) == {value}
    kinds = set(asked.loc[asked["category"] != "", "category"])
    assert set(result.metrics) == {"agreement/caption", *(f"agreement/{kind}" for kind in kinds)}
    wrong_ones = asked[asked["proposer"] == judge_agreement.WRONG]
    assert result.n["agreement/caption"] == len(wrong_ones)
    assert not outcomes.duplicated(["metric", "query"]).any()
    assert judge_agreement.agreement_outcomes(rated(asked[:0], 1, 2)).empty


def closed(uid, reference, *texts):
    names = [name.rstrip("?") for name in CANDIDATES]
    lines = [(uid, "closed", "count", f"how many, {uid}?", reference, t, "large") for t in texts]
    return pd.DataFrame(lines, columns=names)


def test_known_answers_set_the_right_one_against_each_wrong_one():
    proposed = [closed("a", "3", "2", "2", "3.", "4"), closed("b", "Yes", "yes")]
    known = judge_agreement.right_and_wrong_answers(pd.concat(proposed, ignore_index=True))
    told = list(zip(known["uid"], known["text"], known["proposer"], strict=True))
    assert told == [("a", "3", "right"), ("a", "2", "wrong"), ("a", "4", "wrong")]
    outcomes = judge_agreement.agreement_outcomes(rated(known, 4, 2))
    assert outcomes["metric"].tolist() == ["agreement/instruction"] * 2
    assert judge_agreement.right_and_wrong_answers(closed("b", "yes", "yes")).empty


def test_the_truth_as_a_judge_becomes_a_cell(same_environment, world, tmp_path):
    write_table(tmp_path / "people.parquet", closed("a", "3", "2"), CANDIDATES)
    words = [
        "evaluate-judge", "--pool", str(world.pool), "--human", str(world.human_path),
        "--layouts", str(world.layouts_path), "--questions", "workflow/questions.yaml",
        "--rubric", "workflow/rubric.yaml", "--candidates", str(tmp_path / "people.parquet"),
        "--judge", "truth", "--resamples=100", "--dataset", "known mistakes",
        "--cell={track: preference, captions: reference, scorer: judge, ratio: 1.0, seed: 0}",
    ]  # fmt: skip
    assert main([*words, "--output", str(tmp_path / "cell")]) == 0
    cell = Cell(track="preference", captions="reference", scorer="judge", ratio=1.0, seed=0)
    record = read_metrics(tmp_path / "cell" / "metrics.json", cell)
    assert record.metrics["agreement/caption"] > 0.7
    assert "agreement/instruction" not in record.metrics  # the truth would only agree with itself
    write_table(tmp_path / "none.parquet", empty(LAYOUTS), LAYOUTS)
    words[words.index("--layouts") + 1] = str(tmp_path / "none.parquet")
    assert main([*words, "--output", str(tmp_path / "unknown")]) == 0
    assert read_metrics(tmp_path / "unknown" / "metrics.json", cell).metrics == {}
