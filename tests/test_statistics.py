"""The bootstrap, paired differences and Holm's correction."""

import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.data.errors import WinnowError
from winnow.evaluation import statistics as stats


def outcomes(values, metric="m", groups=None):
    values = np.asarray(values, dtype=float)
    query = [f"q{i:05d}" for i in range(len(values))]
    return pd.DataFrame(
        {
            "metric": metric,
            "query": query,
            "group": query if groups is None else groups,
            "value": values,
        }
    )


bits = st.lists(st.integers(0, 1), min_size=4, max_size=60)


@settings(deadline=None, max_examples=30)
@given(bits)
def test_interval_holds_the_mean(values):
    low, high = stats.bootstrap(outcomes(values), resamples=400)["m"]
    assert low - 1e-12 <= np.mean(values) <= high + 1e-12


@settings(deadline=None, max_examples=20)
@given(bits, st.randoms(use_true_random=False), st.integers(0, 5))
def test_order_of_rows_does_not_matter_and_the_seed_decides(values, random, seed):
    table = outcomes(values, groups=[f"g{i % 3}" for i in range(len(values))])
    order = list(range(len(values)))
    random.shuffle(order)
    first = stats.bootstrap(table, 200, seed)["m"]
    assert first == pytest.approx(stats.bootstrap(table.iloc[order], 200, seed)["m"], abs=1e-12)
    assert first == stats.bootstrap(table, 200, seed)["m"]


def test_weights_are_the_resample():
    """The weight matrix gives what resampling the groups one by one gives."""
    rng = np.random.default_rng(1)
    table = outcomes(rng.random(30), groups=rng.choice(list("abcdefgh"), 30))
    plan = stats.Resampling(table, resamples=5)
    drawn = plan.draws(table["value"].to_numpy()[:, None])[:, 0, 0]
    fresh = np.random.default_rng([0, zlib.crc32(b"retrieval")])
    picks = fresh.integers(0, 8, size=(5, 8))
    by_group = dict(enumerate(sorted(set(table["group"]))))
    for value, pick in zip(drawn, picks, strict=True):
        rows = pd.concat([table[table["group"] == by_group[g]] for g in pick])
        assert value == pytest.approx(rows["value"].mean())


def test_clusters_widen_the_interval():
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 100), 5)
    single = stats.bootstrap(outcomes(values))["m"]
    clustered = stats.bootstrap(outcomes(values, groups=np.repeat(np.arange(100), 5).astype(str)))[
        "m"
    ]
    assert clustered[1] - clustered[0] > 1.8 * (single[1] - single[0])


def test_coverage_of_a_known_mean():
    rng = np.random.default_rng(3)
    samples = (rng.random((150, 400)) < 0.3).astype(float)
    plan = stats.Resampling(outcomes(samples[0]), resamples=1000)
    low, high = stats.percentile_interval(plan.draws(samples.T)[:, 0])
    covered = np.mean((low <= 0.3) & (high >= 0.3))
    assert 0.90 <= covered <= 0.99


def test_means_of_means_are_resampled_jointly():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2, 200)
    table = pd.concat(
        [
            outcomes(values, "image_retrieval_recall@1"),
            outcomes(1 - values, "text_retrieval_recall@1"),
        ]
    )
    means = stats.headline_means(table["metric"])
    assert means == {"mean_recall": ["image_retrieval_recall@1", "text_retrieval_recall@1"]}
    intervals = stats.bootstrap(table, means=means)
    assert intervals["mean_recall"] == pytest.approx((0.5, 0.5))  # the two cancel in every resample
    assert stats.estimates(table, means)["mean_recall"] == pytest.approx(0.5)


def test_strata_are_resampled_apart():
    rng = np.random.default_rng(0)
    a, b = (outcomes(rng.integers(0, 2, 80), f"{name}/acc1") for name in "ab")
    assert stats.headline_means(["b/acc1", "a/acc1", "a/acc5"]) == {
        "acc1": ["a/acc1", "b/acc1"],
        "acc5": ["a/acc5"],
    }
    both = stats.bootstrap(pd.concat([a, b]), means={"acc1": ["a/acc1", "b/acc1"]})
    assert both["a/acc1"] == stats.bootstrap(a)["a/acc1"]  # another set changes nothing
    width = np.diff(both["acc1"]) / np.diff(both["a/acc1"])
    assert 0.6 < width < 0.85  # about 1 / sqrt(2), because the sets are independent


def test_a_metric_missing_from_some_resamples():
    table = pd.concat([outcomes([1.0], "rare"), outcomes(np.arange(6) % 2, "common")])
    assert stats.bootstrap(table)["rare"] == (1.0, 1.0)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=4, max_size=50))
def test_difference_is_antisymmetric(pairs):
    a, b = (outcomes(column) for column in zip(*pairs, strict=True))
    there = stats.paired_difference(a, b, "m", resamples=300)
    back = stats.paired_difference(b, a, "m", resamples=300)
    assert (there.difference, there.low, there.high) == pytest.approx(
        (-back.difference, -back.high, -back.low)
    )
    assert there.p == back.p and 0 < there.p <= 1
    assert there.difference == pytest.approx(a["value"].mean() - b["value"].mean())


def test_difference_finds_what_is_there_and_nothing_else():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2, 400)
    better = np.maximum(base, rng.random(400) < 0.2)
    found = stats.paired_difference(outcomes(better), outcomes(base), "m")
    assert found.p == pytest.approx(2 / 10_001) and found.low > 0
    same = stats.paired_difference(outcomes(base), outcomes(base), "m")
    assert same == (0, 0, 0, 1)


def test_p_values_are_nearly_uniform_without_a_difference():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(300, 200))
    plan = stats.Resampling(outcomes(values[:, 0]), resamples=1000)
    p = [d.p for d in stats.differences(plan, values, "m")]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.10


def test_seeds_are_averaged_per_query():
    a, b = outcomes([0, 1, 1, 0]), outcomes([1, 1, 0, 0])
    assert stats.average_seeds([a, b.iloc[::-1]])["value"].tolist() == [0.5, 1, 0.5, 0]
    found = stats.paired_difference([a, b], [outcomes([0, 0, 0, 0])], "m", resamples=100)
    assert found.difference == 0.5


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (outcomes([0, 1]), "no row"),
        (outcomes([0, 1, 1], metric="x"), "metric 'x'"),
        (outcomes([0, 1, 1]).replace("q00001", "zzz"), "q00001"),
        (outcomes([0, 1, 1], groups=["a", "b", "c"]), "q00000"),
    ],
)
def test_outcomes_of_other_queries_are_refused(other, named):
    with pytest.raises(WinnowError, match=named):
        stats.paired_difference(outcomes([0, 1, 1]), other, "m")


def test_unknown_metrics_are_named():
    with pytest.raises(WinnowError, match="acc9"):
        stats.bootstrap(outcomes([0, 1]), means={"mean": ["acc9"]})
    with pytest.raises(WinnowError, match="acc9"):
        stats.paired_difference(outcomes([0, 1]), outcomes([0, 1]), "acc9")
    with pytest.raises(WinnowError, match="no outcomes"):
        stats.bootstrap(outcomes([]))


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_is_monotone_and_never_below_the_raw_p(pvalues):
    adjusted = np.array(stats.holm(pvalues))
    assert (adjusted >= np.array(pvalues)).all() and (adjusted <= 1).all()
    order = np.argsort(pvalues, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_holm_by_hand():
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
