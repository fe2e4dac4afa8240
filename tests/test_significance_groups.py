"""Which methods differ significantly, and the groups of those that do not."""

import numpy as np
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


def test_a_method_more_changes_no_verdict_between_the_others():
    p = np.array([[1, 0.004, 0.02], [0.004, 1, 0.9], [0.02, 0.9, 1]])
    found = significance_groups.indistinguishable(p, declared=3)
    assert found.tolist() == [[True, False, True], [False, True, True], [True, True, True]]
    assert (significance_groups.indistinguishable(p[:2, :2], 3) == found[:2, :2]).all()
    assert significance_groups.indistinguishable(np.ones((1, 1)), 0).all()
