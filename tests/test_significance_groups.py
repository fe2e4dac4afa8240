"""Which methods differ significantly, and the groups of those that do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.reporting import significance_groups


def matrix(flags, size):
    """A symmetric matrix with a true diagonal from the flags of the pairs above it."""
    alike = np.eye(size, dtype=bool)
    rows, columns = np.triu_indices(size, 1)
    alike[rows, columns] = alike[columns, rows] = flags[: len(rows)]
    return alike


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 9), st.lists(st.booleans(), min_size=36, max_size=36))
def test_two_methods_share_a_number_exactly_where_they_are_alike(size, flags):
    alike = matrix(flags, size)
    found = significance_groups.indistinguishable_groups(alike)
    for i in range(size):
        assert found[i] == sorted(set(found[i])) and found[i]
        for j in range(size):
            assert bool(set(found[i]) & set(found[j])) == alike[i, j]
    used = sorted({number for numbers in found for number in numbers})
    assert used == list(range(1, len(used) + 1))
    if size:
        assert found[0][0] == 1  # the best method is in the first group


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(1, 8))
def test_groups_of_a_ladder_are_runs(values, reach):
    """Where only the distance counts, groups are the longest runs of near values."""
    ordered = -np.sort(-np.array(values))
    found = significance_groups.indistinguishable_groups(np.abs(ordered[:, None] - ordered) < reach)
    assert all(numbers == list(range(numbers[0], numbers[-1] + 1)) for numbers in found)
    assert len({n for numbers in found for n in numbers}) <= len(values)


def test_numbers_in_words():
    assert (
        significance_groups.joined_numbers([]) == ""
        and significance_groups.joined_numbers([2]) == "2"
    )
    assert significance_groups.joined_numbers([1, 2, 3, 5, 7, 8]) == "1-3, 5, 7-8"


def resampled(means, resamples=2000, spread=0.01, seed=0):
    """Draws [resamples, M] that share most of their luck, as those of paired methods do."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, 5 * spread, (resamples, 1))
    return np.array(means) + luck + rng.normal(0, spread, (resamples, len(means)))


def test_p_is_that_of_the_paired_difference():
    values = np.array([0.5, 0.5 + 1.96 * np.sqrt(2) * 0.01, 0.9])
    p = significance_groups.p_values(values, resampled(values))
    assert p[0, 1] == pytest.approx(0.05, abs=0.01) and p[0, 2] < 1e-30
    assert (p == p.T).all() and (np.diag(p) == 1).all()


def test_equal_methods_and_constant_ones():
    draws = resampled([0.5, 0.6])[:, [0, 0, 1]]
    p = significance_groups.p_values(np.array([0.5, 0.5, 0.6]), draws)
    assert p[0, 1] == 1 and p[0, 2] < 1e-6
    constant = np.tile([0.2, 0.3], (50, 1))
    assert significance_groups.p_values(np.array([0.2, 0.3]), constant)[0, 1] == 0
    assert significance_groups.p_values(np.array([0.2]), constant[:, :1]).tolist() == [[1]]


def test_resamples_without_a_value_are_left_out():
    draws = resampled([0.5, 0.6])
    holed = draws.copy()
    holed[::3, 1] = np.nan
    expected = significance_groups.p_values(
        np.array([0.5, 0.6]), draws[np.arange(len(draws)) % 3 > 0]
    )
    assert significance_groups.p_values(np.array([0.5, 0.6]), holed) == pytest.approx(expected)
    holed[:] = np.nan
    assert (significance_groups.p_values(np.array([0.5, 0.6]), holed) == 1).all()


def test_a_thousand_pairs_still_differ_significantly():
    """The share of resamples beyond zero, two in 2001 at least, would tell none of them apart."""
    values = np.linspace(0.9, 0.1, 50)
    alike = significance_groups.indistinguishable(
        significance_groups.p_values(values, resampled(values, spread=0.001))
    )
    assert (alike == np.eye(50, dtype=bool)).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31))
def test_methods_without_a_difference_share_a_group(seed):
    draws = resampled([0.5] * 5, seed=seed)
    values = np.array([0.5] * 5) + np.random.default_rng(seed).normal(0, 0.004, 5)
    assert significance_groups.indistinguishable(significance_groups.p_values(values, draws)).all()


def test_comparisons_are_corrected_over_the_pairs():
    values = np.array([0.5, 0.5 + 2.2 * np.sqrt(2) * 0.01, 0.7])
    draws = resampled(values)
    (alone,) = significance_groups.compare(values, draws, [(1, 0)])
    first, second = significance_groups.compare(values, draws, [(1, 0), (2, 0)])
    assert alone.significant and alone.adjusted == alone.difference.p == first.adjusted
    assert second.difference.difference == pytest.approx(0.2) and second.adjusted < 1e-6
    assert second.difference.low < 0.2 < second.difference.high
    assert significance_groups.compare(values, draws, []) == []
    back = significance_groups.compare(values, draws, [(0, 2)])[0].difference
    assert (back.low, back.high) == pytest.approx((-second.difference.high, -second.difference.low))
