"""What the size of an effect says of a claim, and what its comparisons say together."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.reporting.decisions import (
    HELD,
    INCONCLUSIVE,
    NO_EFFECT,
    NO_POWER,
    NOT_HELD,
    NOT_RUN,
    VERDICTS,
    of_size,
    together,
)
from winnow.reporting.papers import Size
from winnow.reporting.values import Value

NUMBERS = st.floats(-100, 100, allow_nan=False)
SIZES = st.floats(0.01, 100)


def effect(low, high):
    return Value((low + high) / 2, low, high, 10, 1)


@st.composite
def effects(draw):
    return effect(*sorted((draw(NUMBERS), draw(NUMBERS))))


def mirrored(value):
    return Value(-value.estimate, -value.high, -value.low, value.n, value.seeds)


@pytest.mark.parametrize(
    ("low", "high", "bound", "value"),
    [
        (0.36, 0.50, HELD, NOT_HELD),
        (0.30, 0.40, INCONCLUSIVE, HELD),
        (0.10, 0.30, NOT_HELD, NOT_HELD),
        (-0.5, -0.36, NOT_HELD, NOT_HELD),
    ],
)
def test_a_bound_is_exceeded_and_a_value_is_met(low, high, bound, value):
    assert of_size(effect(low, high), "up", Size(at_least=35), 0.01) == bound
    assert of_size(effect(low, high), "up", Size(value=35), 0.01) == value
    assert of_size(effect(-high, -low), "down", Size(at_least=35), 0.01) == bound


@given(effects(), SIZES)
def test_up_and_down_mirror_each_other(value, size):
    for declared in (Size(value=size), Size(at_least=size)):
        assert of_size(value, "up", declared) == of_size(mirrored(value), "down", declared)


@given(effects(), SIZES)
def test_a_bound_that_is_exceeded_lies_in_the_direction(value, size):
    if of_size(value, "up", Size(at_least=size)) == HELD:
        assert value.low > 0


@given(st.lists(st.sampled_from(VERDICTS), max_size=5))
def test_a_claim_is_as_good_as_its_worst_part(verdicts):
    found = together(verdicts)
    for order in itertools.islice(itertools.permutations(verdicts), 20):
        assert together(order) == found
    known = set(verdicts)
    assert (found == NOT_HELD) == (NOT_HELD in known)
    assert (found == NO_EFFECT) == (NO_EFFECT in known and NOT_HELD not in known)
    assert (found == HELD) == (known == {HELD})
    assert (found == NOT_RUN) == (known <= {NOT_RUN})
    assert (found == NO_POWER) == (NO_POWER in known and known <= {NO_POWER, NOT_RUN})
    assert (found == INCONCLUSIVE) or found in known or not known
