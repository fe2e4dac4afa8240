"""What a run can tell apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from winnow.evaluation.intervals import Repeats, Spread, p_values
from winnow.evaluation.power import (
    Noise,
    plan_power,
    power,
    qualify,
    smallest_difference,
)

QUICK = settings(deadline=None, max_examples=15)
POSITIVE = st.floats(1e-4, 1.0)


def test_without_seeds_it_is_the_normal_formula():
    spread = Spread(0.04, 0.0, 0.0, np.inf)
    expected = 0.2 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8))
    assert smallest_difference(spread) == pytest.approx(expected, rel=1e-4)


def test_without_queries_it_is_the_power_of_the_t_test():
    spread = Spread(0.0, 0.0, 0.01, 4.0)
    limit = stats.t.ppf(0.975, 4)
    for gap in (0.1, 0.3, 0.5):
        exact = stats.nct.sf(limit, 4, gap / 0.1) + stats.nct.cdf(-limit, 4, gap / 0.1)
        assert power(gap, spread) == pytest.approx(exact, abs=0.005)


def test_of_nothing_that_varies_every_difference_is_told():
    assert smallest_difference(Spread(0.0, 0.0, 0.0, np.inf)) == 0.0


def test_power_is_the_share_of_significant_runs():
    rng = np.random.default_rng(0)
    spread = Spread(1.0, 0.2, 0.8, 4.0)
    estimates = 3.0 + np.sqrt(1.8) * rng.normal(size=4000)
    drawn = spread._replace(seeds=0.8 * rng.chisquare(4, 4000) / 4)
    found = np.mean(p_values(estimates, drawn) < 0.05)
    assert power(3.0, spread) == pytest.approx(found, abs=0.03)


@QUICK
@given(POSITIVE, POSITIVE, POSITIVE, st.integers(2, 5), st.integers(50, 5000))
def test_more_seeds_and_more_queries_tell_smaller_differences(a, b, c, seeds, queries):
    noise = Noise(a, b, c)

    def least(count, questions):
        return smallest_difference(noise.spread(count, questions, 2.0 * (count - 1)))

    assert least(seeds + 1, queries) < least(seeds, queries)
    assert least(seeds, 2 * queries) < least(seeds, queries)


@QUICK
@given(POSITIVE, POSITIVE, POSITIVE, st.integers(2, 5), st.integers(50, 5000))
def test_noise_gives_back_the_spread_it_comes_from(a, b, c, seeds, queries):
    noise = Noise(a, b, c)
    again = Noise.of(noise.spread(seeds, queries, 4.0), seeds, queries)
    assert again == pytest.approx(noise, rel=1e-6)


def test_a_plan_has_just_enough_queries():
    noise = Noise(0.0001, 0.3, 0.2)
    for seeds, queries in plan_power(noise, 0.05, range(3, 6)):
        assert queries is not None
        df = 2.0 * (seeds - 1)
        assert power(0.05, noise.spread(seeds, queries, df)) >= 0.8
        assert power(0.05, noise.spread(seeds, queries - 1, df)) < 0.8


def test_where_seeds_vary_too_much_no_queries_help():
    found = plan_power(Noise(0.01, 0.1, 0.1), 0.1, [2, 30])
    assert found[0].queries is None and found[1].queries is not None


def control(mean, spread=0.01):
    rng = np.random.default_rng(int(100 * mean))
    values = mean + spread * np.array([-1.0, 0.0, 1.0])
    return Repeats(values, values + spread * rng.normal(size=(200, 3)))


def test_controls_that_are_told_apart_qualify_a_metric():
    found = qualify(control(0.2), control(0.4))
    assert found.headroom == pytest.approx(0.2) and found.low > 0 and found.decides()
    assert found.decides(0.19) and not found.decides(0.21)
    assert 0 < found.smallest < 0.2


def test_the_lower_of_a_distance_is_the_better_one():
    assert qualify(control(20, 0.5), control(10, 0.5), higher_is_better=False).decides()
    assert not qualify(control(20, 0.5), control(10, 0.5)).decides()


def test_controls_that_are_alike_do_not():
    assert not qualify(control(0.30, 0.05), control(0.31, 0.05)).decides()
