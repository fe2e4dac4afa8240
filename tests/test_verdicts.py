"""What an effect with its interval says of a claim."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.reporting.claims import (
    HELD,
    INCONCLUSIVE,
    NOT_HELD,
    NOT_RUN,
    of_direction,
    of_size,
    together,
)
from winnow.reporting.papers import Size
from winnow.reporting.values import Value

VERDICTS = (HELD, NOT_HELD, INCONCLUSIVE, NOT_RUN)
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
    ("low", "high", "up", "down"),
    [
        (0.01, 0.2, HELD, NOT_HELD),
        (-0.2, -0.01, NOT_HELD, HELD),
        (-0.1, 0.1, INCONCLUSIVE, INCONCLUSIVE),
        (0.0, 0.2, INCONCLUSIVE, INCONCLUSIVE),
        (0.0, 0.0, INCONCLUSIVE, INCONCLUSIVE),
    ],
)
def test_the_direction_is_read_from_the_interval(low, high, up, down):
    assert of_direction(effect(low, high), "up") == up
    assert of_direction(effect(low, high), "down") == down


def test_without_an_interval_nothing_is_told():
    bare = Value(0.5, None, None, None, 1)
    assert of_direction(bare, "up") == INCONCLUSIVE
    assert of_size(bare, "up", Size(value=0.5)) == INCONCLUSIVE


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
    assert of_direction(value, "up") == of_direction(mirrored(value), "down")
    for declared in (Size(value=size), Size(at_least=size)):
        assert of_size(value, "up", declared) == of_size(mirrored(value), "down", declared)


@given(effects(), SIZES)
def test_a_bound_that_is_exceeded_lies_in_the_direction(value, size):
    if of_size(value, "up", Size(at_least=size)) == HELD:
        assert of_direction(value, "up") == HELD
    if of_direction(value, "up") == NOT_HELD:
        assert of_size(value, "up", Size(at_least=size)) == NOT_HELD


@given(st.lists(st.sampled_from(VERDICTS), max_size=5))
def test_a_claim_is_as_good_as_its_worst_part(verdicts):
    found = together(verdicts)
    for order in itertools.islice(itertools.permutations(verdicts), 20):
        assert together(order) == found
    assert (found == NOT_HELD) == (NOT_HELD in verdicts)
    assert (found == HELD) == (set(verdicts) == {HELD})
    assert (found == NOT_RUN) == (set(verdicts) <= {NOT_RUN})
