"""Intervals over queries and training seeds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from winnow.data.errors import WinnowError
from winnow.evaluation import intervals
from winnow.evaluation.intervals import Repeats, SeedVariance
from winnow.evaluation.statistics import cluster_weights, percentile_interval

QUERIES, RESAMPLES = 120, 200
WEIGHTS = cluster_weights(np.random.default_rng(0), RESAMPLES, QUERIES) / QUERIES


def repeats(outcomes):
    """The mean of outcomes [queries, S]."""
    return Repeats(outcomes.mean(axis=0), WEIGHTS @ outcomes)


def simulated(seed, count=3, seeds_sd=0.0, luck=0.3, hard=None):
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=(QUERIES, 1)) if hard is None else hard
    luck = luck * rng.normal(size=(QUERIES, count))
    return hard + luck + seeds_sd * rng.normal(size=count)


def without_queries(values):
    """A metric that is the same in every resample."""
    values = np.asarray(values, dtype=float)
    return Repeats(values, np.broadcast_to(values, (RESAMPLES, len(values))))


WORLDS = st.builds(
    simulated,
    st.integers(0, 10**6),
    st.integers(2, 5),
    st.floats(0, 1),
    st.floats(0, 1),
)
QUICK = settings(deadline=None, max_examples=25)


@QUICK
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=6), st.sampled_from([90.0, 95.0, 99.0]))
def test_without_queries_it_is_the_t_interval(values, level):
    found = intervals.value(without_queries(values))
    mean, error = np.mean(values), stats.sem(values)
    expected = (
        stats.t.interval(level / 100, len(values) - 1, mean, error) if error else (mean, mean)
    )
    assert intervals.interval(found, level) == pytest.approx(expected, abs=1e-6, rel=1e-6)


def test_without_queries_a_difference_is_tested_as_by_welch():
    a, b = [0.3, 0.5, 0.9, 0.4], [0.2, 0.1, 0.25]
    found = intervals.difference(without_queries(a), without_queries(b))
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert intervals.p_value(found) == pytest.approx(expected.pvalue, rel=1e-6)
    theirs = expected.confidence_interval(0.95)
    assert intervals.interval(found) == pytest.approx((theirs.low, theirs.high), rel=1e-6)


def test_paired_seeds_without_queries_are_tested_as_by_student():
    a, b = [0.3, 0.5, 0.9, 0.4], [0.2, 0.45, 0.75, 0.33]
    found = intervals.difference(without_queries(a), without_queries(b), paired=True)
    assert intervals.p_value(found) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6)


def test_equal_seeds_leave_the_interval_of_the_queries():
    outcomes = np.repeat(simulated(0, 1), 3, axis=1)
    found = intervals.value(repeats(outcomes))
    assert found.replicated
    assert intervals.interval(found) == pytest.approx(
        tuple(percentile_interval(found.draws)), rel=1e-6
    )


@QUICK
@given(WORLDS)
def test_no_interval_is_shorter_than_that_of_the_queries(outcomes):
    found = intervals.value(repeats(outcomes))
    low, high = intervals.interval(found)
    inner = percentile_interval(found.draws)
    assert low <= inner[0] + 1e-9 and inner[1] - 1e-9 <= high
    assert low <= found.estimate <= high


@QUICK
@given(WORLDS, st.floats(-10, 10), st.floats(0.01, 100))
def test_translation_and_scale(outcomes, shift, scale):
    ends = np.array(intervals.interval(intervals.value(repeats(outcomes))))
    moved = intervals.value(repeats(shift + scale * outcomes))
    size = 1e-6 * (1 + abs(shift) + scale)
    assert intervals.interval(moved) == pytest.approx(tuple(shift + scale * ends), abs=size)


@QUICK
@given(st.integers(0, 10**6), st.floats(0, 1), st.booleans())
def test_a_difference_is_symmetric(seed, spread, paired):
    hard = simulated(seed, 1)
    a, b = (repeats(simulated(seed + i, 3, spread, hard=hard)) for i in (1, 2))
    one = intervals.difference(a, b, paired=paired)
    other = intervals.difference(b, a, paired=paired)
    low, high = intervals.interval(other)
    assert intervals.interval(one) == pytest.approx((-high, -low), abs=1e-9)
    assert intervals.p_value(one) == pytest.approx(intervals.p_value(other), rel=1e-6)


def test_a_method_does_not_differ_from_itself():
    one = repeats(simulated(1))
    assert intervals.p_value(intervals.difference(one, one, paired=True)) == 1.0
    assert intervals.interval(intervals.difference(one, one, paired=True)) == (0.0, 0.0)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_fewer_seeds_of_the_same_spread_make_it_wider(count):
    """Seeds one standard deviation apart, each with the luck of the others."""

    def width(seeds):
        offsets = np.linspace(-1, 1, seeds)
        offsets /= np.std(offsets, ddof=1)
        low, high = intervals.interval(intervals.value(repeats(simulated(2, 1) + offsets)))
        return high - low

    assert width(count) > width(count + 1)


@QUICK
@given(WORLDS, WORLDS)
def test_p_is_the_level_of_the_interval_that_ends_at_zero(first, second):
    found = intervals.difference(repeats(first), repeats(second))
    p = intervals.p_value(found)
    if 1e-6 < p < 1:
        assert intervals.half_width(p, found.spread) == pytest.approx(abs(found.estimate), rel=1e-6)


def test_small_p_values_are_those_of_student():
    assert intervals.p_values(
        np.array([40.0]), intervals.Spread(0.0, 0.0, 1.0, 30.0)
    ) == pytest.approx(2 * stats.t.sf(40, 30), rel=1e-6)


def test_pairwise_is_the_difference_of_every_two():
    hard = simulated(3, 1)
    methods = [repeats(simulated(i, 2 + i % 2, 0.1, hard=hard)) for i in range(4)]
    gaps, p = intervals.pairwise(methods)
    assert np.all(np.diag(p) == 1)
    for i, a in enumerate(methods):
        for j, b in enumerate(methods):
            if i != j:
                found = intervals.difference(a, b)
                assert gaps[i, j] == pytest.approx(found.estimate)
                assert p[i, j] == pytest.approx(intervals.p_value(found), rel=1e-4)


def test_one_seed_borrows_the_variance_of_others():
    others = [repeats(simulated(i, 4, 0.5)) for i in range(3)]
    borrowed = intervals.pooled(others)
    assert borrowed is not None and borrowed.df == 9
    single = repeats(simulated(9, 1))
    helpless, single = single, single._replace(lent=borrowed)
    alone, helped = intervals.value(helpless), intervals.value(single)
    assert not alone.replicated and not helped.replicated
    widths = [np.diff(intervals.interval(found))[0] for found in (alone, helped)]
    assert widths[1] > 1.5 * widths[0]
    both = intervals.difference(single, repeats(simulated(10, 1))._replace(lent=borrowed))
    assert both.spread.df == pytest.approx(borrowed.df)  # one estimate, counted once


def test_one_seed_is_enough_where_nothing_is_trained():
    outcomes = simulated(9, 1)
    single = repeats(outcomes)._replace(lent=intervals.UNTRAINED)
    found = intervals.value(single)
    assert found.replicated
    assert intervals.interval(found) == pytest.approx(tuple(percentile_interval(found.draws)))
    assert intervals.difference(single, repeats(simulated(8, 3))).replicated
    assert not intervals.difference(single, repeats(simulated(8, 1))).replicated


def test_nothing_is_borrowed_of_single_seeds():
    assert intervals.pooled([repeats(simulated(1, 1))]) is None


def test_a_relative_change_carries_the_seeds_over():
    """The delta method: the change of logarithms to first order."""
    a, b = without_queries([2.0, 2.2, 2.1]), without_queries([1.0, 1.1, 0.9])
    change = intervals.combined([[a], [b]], lambda x, y: x / y - 1)
    assert change.estimate == pytest.approx(1.1)
    expected = stats.sem([2.0, 2.2, 2.1]) ** 2 + (2.1 * stats.sem([1.0, 1.1, 0.9])) ** 2
    assert change.spread.seeds == pytest.approx(expected, rel=1e-4)


def test_two_metrics_of_one_method_share_its_seeds():
    a = repeats(simulated(4, 3, 1.0))
    gap = intervals.combined([[a, a]], np.subtract)
    assert gap.spread.seeds == pytest.approx(0, abs=1e-12)


def test_resamples_without_a_value_are_left_out():
    outcomes = simulated(5)
    draws = WEIGHTS @ outcomes
    draws[:3, 1] = np.nan
    found = intervals.value(Repeats(outcomes.mean(axis=0), draws))
    assert len(found.draws) == RESAMPLES - 3 and np.isfinite(intervals.interval(found)).all()
    draws[1:] = np.nan
    with pytest.raises(WinnowError, match="resamples"):
        intervals.value(Repeats(outcomes.mean(axis=0), draws))


def test_seeds_of_different_number_are_not_paired():
    with pytest.raises(WinnowError, match="3 of one method, 2 of the other"):
        intervals.difference(repeats(simulated(1, 3)), repeats(simulated(1, 2)), paired=True)


def test_borrowed_metrics_add_up_as_if_they_moved_together():
    one = without_queries([1.0])._replace(lent=SeedVariance(0.04, 0.0, 5))
    found = intervals.combined([[one, one]], np.add)
    assert found.spread.seeds == pytest.approx(0.16)


def test_coverage_with_three_seeds_that_vary():
    """Of 300 runs whose seeds vary twice as much as the queries let them; 93 to 97 % is meant."""
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(300):
        hard = rng.normal(size=(QUERIES, 1))
        luck = 0.5 * rng.normal(size=(QUERIES, 3))
        found = intervals.value(repeats(hard + luck + 0.2 * rng.normal(size=3)))
        low, high = intervals.interval(found)
        held += low <= 0 <= high
    assert 0.91 <= held / 300 <= 0.99
