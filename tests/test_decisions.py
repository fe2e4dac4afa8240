"""What a difference says, with a declared margin and family."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.evaluation.intervals import Found, Spread
from winnow.evaluation.statistics import holm
from winnow.reporting.decisions import corrected, decide, equivalent


def effect(estimate, error=0.1, replicated=True):
    """A normal effect without seed variance."""
    draws = estimate + error * np.random.default_rng(0).normal(size=2000)
    return Found(estimate, draws, Spread(error**2, 0.0, 0.0, np.inf), replicated)


@pytest.mark.parametrize(
    ("estimate", "margin", "expected"),
    [
        (0.5, None, "held"),
        (-0.5, None, "not held"),
        (0.1, None, "inconclusive"),
        (0.0, 0.3, "no effect"),
        (0.3, 0.6, "no effect"),  # told from zero, but within the margin
        (0.1, 0.2, "inconclusive"),
        (0.5, 0.3, "held"),
        (-0.5, 0.3, "not held"),
    ],
)
def test_decisions(estimate, margin, expected):
    assert decide(effect(estimate), "up", True, margin) == expected
    assert decide(effect(-estimate), "down", True, margin) == expected


def test_what_was_not_run_or_has_no_power_decides_nothing():
    assert decide(None, "up", True) == "not run"
    assert decide(effect(0.5), "up", False, 0.9) == "no power"


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [(0.5, "not replicated"), (-0.5, "not replicated"), (0.0, "not replicated")],
)
def test_one_seed_decides_nothing(estimate, expected):
    assert decide(effect(estimate, replicated=False), "up", True, margin=0.3) == expected
    assert decide(effect(0.1, replicated=False), "up", True) == "inconclusive"


def test_a_corrected_p_replaces_the_interval():
    assert decide(effect(0.22), "up", True) == "held"
    assert decide(effect(0.22), "up", True, p=0.3) == "inconclusive"
    assert decide(effect(0.22), "up", True, p=0.01) == "held"


@given(st.floats(-1, 1), st.floats(0.01, 1), st.floats(0, 1))
def test_a_wider_margin_never_takes_equivalence_back(estimate, margin, more):
    found = effect(estimate)
    assert not equivalent(found, margin) or equivalent(found, margin + more)
    assert not equivalent(found, margin) or abs(estimate) < margin


P = st.floats(0, 1)
FAMILY = st.dictionaries(st.sampled_from("abcdefgh"), P, min_size=1)


@given(FAMILY)
def test_of_a_whole_family_it_is_holm(p):
    assert list(corrected(p, list(p)).values()) == holm(list(p.values()))


@given(FAMILY, P)
def test_a_further_row_changes_nobody(p, new):
    family = "abcdefgh"
    before, after = corrected(p, family), corrected({**p, "new": new}, family)
    assert {name: after[name] for name in p} == before
    assert after["new"] == corrected({"new": new}, family)["new"] >= new


@given(FAMILY, st.data())
def test_a_row_that_is_missing_helps_no_other(p, data):
    lost = data.draw(st.sampled_from(sorted(p)))
    rest = {name: value for name, value in p.items() if name != lost}
    fewer, all_of_them = corrected(rest, list(p)), corrected(p, list(p))
    assert all(fewer[name] >= all_of_them[name] for name in rest)
