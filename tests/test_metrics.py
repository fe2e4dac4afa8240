"""Retrieval, zero-shot and detection against the reference implementations."""

import time

import numpy as np
import pandas as pd
import pytest
import torch
from clip_benchmark.metrics import zeroshot_classification, zeroshot_retrieval
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from winnow.data.errors import WinnowError
from winnow.evaluation import detection, retrieval, zeroshot
from winnow.evaluation.statistics import estimates, headline_means


class Frozen:
    """A model whose features are given: images and texts are row numbers."""

    def __init__(self, images, texts):
        self.images, self.texts = torch.tensor(images), torch.tensor(texts)

    def encode_image(self, rows):
        return self.images[rows]

    def encode_text(self, rows):
        return self.texts[rows]


def retrieval_case(seed, images=60, size=24):
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(images), rng.integers(1, 7, images))
    visual = rng.normal(size=(images, size))
    textual = visual[owner] + rng.normal(scale=2.0, size=(len(owner), size))
    return visual, textual, owner


@pytest.mark.parametrize("seed", range(3))
def test_retrieval_agrees_with_clip_benchmark(seed):
    visual, textual, owner = retrieval_case(seed)
    loader, tokens = [], torch.arange(len(owner))
    for start in range(0, 60, 16):
        rows = torch.arange(start, min(start + 16, 60))
        loader.append((rows, [[int(t) for t in tokens[owner == int(i)]] for i in rows]))
    expected = zeroshot_retrieval.evaluate(
        Frozen(visual, textual), loader, lambda texts: torch.tensor(texts), "cpu", amp=False,
        recall_k_list=[1, 5, 10],
    )  # fmt: skip
    found = retrieval.retrieval_outcomes(visual, textual, owner)
    means = headline_means(found["metric"])
    values = estimates(found, means)
    assert {k: values[k] for k in expected} == pytest.approx(expected, abs=1e-6)
    assert 0.05 < values["mean_recall"] < 0.95
    assert values["mean_recall"] == pytest.approx(np.mean(list(expected.values())), abs=1e-6)


def test_retrieval_in_blocks_and_in_any_order(monkeypatch):
    visual, textual, owner = retrieval_case(1)
    whole = retrieval.retrieval_outcomes(visual, textual, owner)
    monkeypatch.setattr(retrieval, "BLOCK", 500)
    pd.testing.assert_frame_equal(whole, retrieval.retrieval_outcomes(visual, textual, owner))
    order = np.random.default_rng(0).permutation(len(owner))
    shuffled = retrieval.retrieval_outcomes(visual, textual[order], owner[order])
    assert estimates(shuffled) == pytest.approx(estimates(whole))


def test_retrieval_ties_go_to_the_earlier():
    visual = np.eye(3)
    textual = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=float)  # captions 0 and 1 are equal
    owner = np.array([0, 1, 2])
    assert retrieval.image_ranks(visual, textual, owner).tolist() == [0, 1, 0]
    assert retrieval.text_ranks(visual, textual, owner).tolist() == [0, 1, 0]


def test_retrieval_names_its_queries():
    visual, textual, _ = retrieval_case(0, images=3)
    table = retrieval.retrieval_outcomes(
        visual, textual[:4], np.array([0, 1, 1, 2]), images=["a", "b", "c"]
    )
    first = table[table["metric"] == "image_retrieval_recall@1"]
    assert first["query"].tolist() == ["a#0", "b#0", "b#1", "c#0"]
    assert first["group"].tolist() == ["a", "b", "b", "c"]
    assert set(table[table["metric"] == "text_retrieval_recall@5"]["query"]) == {"a", "b", "c"}


def test_retrieval_refuses_what_it_cannot_rank():
    visual, textual, owner = retrieval_case(0, images=3)
    with pytest.raises(WinnowError, match="image 2 has no caption"):
        retrieval.retrieval_outcomes(visual, textual[owner < 2], owner[owner < 2])
    textual[0] = np.nan
    with pytest.raises(WinnowError, match="not finite"):
        retrieval.retrieval_outcomes(visual, textual, owner)


@pytest.mark.parametrize("classes", [4, 5, 12])
def test_zeroshot_agrees_with_clip_benchmark(classes, monkeypatch):
    # clip_benchmark 1.6.2 calls float() on arrays of one element, which NumPy 2.4 refuses
    scalar = lambda value: float(np.asarray(value).item())  # noqa: E731
    monkeypatch.setattr(zeroshot_classification, "float", scalar, raising=False)
    rng = np.random.default_rng(classes)
    names = [f"class {i}" for i in range(classes)]
    texts = rng.normal(size=(2 * classes, 16)) * 3
    labels = rng.integers(0, classes, 200)
    visual = texts[2 * labels] + rng.normal(scale=6, size=(200, 16))
    known = {text: i for i, text in enumerate(zeroshot.prompts(names))}
    model = Frozen(visual, texts)

    class Loader(list):
        class dataset:  # noqa: N801
            pass

    Loader.dataset.classes = names
    rows = torch.arange(200)
    loader = Loader(
        [(rows[:150], torch.tensor(labels[:150])), (rows[150:], torch.tensor(labels[150:]))]
    )
    expected = zeroshot_classification.evaluate(
        model, loader, lambda batch: torch.tensor([known[text] for text in batch]), names,
        list(zeroshot.TEMPLATES), "cpu", amp=False,
    )  # fmt: skip
    found = estimates(
        zeroshot.zeroshot_outcomes("set", visual, labels, zeroshot.class_features(texts))
    )
    assert found["set/acc1"] == pytest.approx(expected["acc1"], abs=1e-6)
    if classes < 5:
        assert list(found) == ["set/acc1"]
    else:
        assert found["set/acc5"] == pytest.approx(expected["acc5"], abs=1e-6)


def test_zeroshot_prompts_and_labels():
    assert zeroshot.prompts(["farm"]) == ["a satellite photo of farm.", "a satellite image of farm"]
    with pytest.raises(WinnowError, match="set a"):
        zeroshot.zeroshot_outcomes("a", np.ones((1, 2)), np.array([3]), np.eye(2))


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 3)), min_size=3, max_size=60
    )
)
def test_ranking_agrees_with_scikit_learn(rows):
    truth, ranks, weight = (np.array(column) for column in zip(*rows, strict=True))
    if not (truth @ weight and (~truth) @ weight):
        return
    for weights in (np.ones(len(rows)), weight.astype(float)):
        if not (truth @ weights and (~truth) @ weights):
            continue
        found = detection.ranking_metrics(truth, ranks.astype(float), weights[None])[:, 0]
        kept = weights > 0
        expected = [
            f(truth[kept], ranks[kept], sample_weight=weights[kept])
            for f in (average_precision_score, roc_auc_score)
        ]
        assert found == pytest.approx(expected, abs=1e-6)


def noisy_pairs(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.choice(["clean", "count", "mismatch", "truncated"], n, p=[0.4, 0.2, 0.3, 0.1])
    score = rng.normal(size=n) + (kind == "clean")
    uid = [f"u{i // 2:05d}" for i in range(n)]
    return pd.DataFrame({"uid": uid, "caption_id": np.arange(n) % 2, "kind": kind, "score": score})


def test_detection_of_each_kind():
    pairs = noisy_pairs()
    start = time.process_time()
    found = detection.detection_metrics(pairs, resamples=200)
    assert time.process_time() - start < 2
    clean = pairs["kind"] == "clean"
    for kind in ("count", "mismatch", "truncated"):
        part = pairs[clean | (pairs["kind"] == kind)]
        truth = part["kind"] == kind
        assert found.metrics[f"{kind}/auroc"] == pytest.approx(
            roc_auc_score(truth, -part["score"]), abs=1e-9
        )
        assert found.n[f"{kind}/auroc"] == len(part)
    expected = average_precision_score(~clean, -pairs["score"])
    assert found.metrics["average_precision"] == pytest.approx(expected, abs=1e-9)
    assert set(found.metrics) == set(found.intervals) == set(found.n)
    for metric, (low, high) in found.intervals.items():
        assert 0 <= low < found.metrics[metric] < high <= 1
    again = detection.detection_metrics(pairs.sample(frac=1, random_state=0), resamples=200)
    for metric, interval in found.intervals.items():
        assert again.intervals[metric] == pytest.approx(interval)


def test_detection_of_a_constant_score_and_of_nothing():
    pairs = noisy_pairs(200).assign(score=1.0)
    found = detection.detection_metrics(pairs, resamples=50)
    assert found.metrics["auroc"] == 0.5
    assert found.metrics["average_precision"] == pytest.approx((pairs["kind"] != "clean").mean())
    with pytest.raises(WinnowError, match="clean and noisy"):
        detection.detection_metrics(pairs.assign(kind="clean"))
    with pytest.raises(WinnowError, match="row 3"):
        detection.detection_metrics(pairs.assign(score=[0.0] * 3 + [np.nan] + [0.0] * 196))


def test_detection_outcomes_hold_every_pair():
    pairs = noisy_pairs(50)
    table = detection.detection_outcomes(pairs)
    assert (
        len(table) == 50 and table["query"].is_unique and set(table["metric"]) == set(pairs["kind"])
    )
