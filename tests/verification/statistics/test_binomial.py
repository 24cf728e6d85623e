"""Both error rates of the binomial test and its bound, by enumeration."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import bdtrc
from scipy.stats import binom
from sharprates.verification.statistics.binomial import at_least, binomial_detects, binomial_test
from sharprates.verification.statistics.sample_test import MISSES

PROBABILITIES = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(1e-9, 1 - 1e-9))


@given(st.integers(1, 80), PROBABILITIES, st.sampled_from([0.2, 0.01, 1e-4]))
def test_binomial_error_rates_are_as_stated(n: int, p: float, level: float) -> None:
    def rejection(q: float) -> float:
        return math.fsum(
            float(binom.pmf(k, n, q))
            for k in range(n + 1)
            if not binomial_test("", k, n, p, level).passed
        )

    assert rejection(p) <= level * (1 + 1e-9)
    detects = binomial_detects(n, p, level)
    for q in (p - detects, p + detects):
        if 0 <= q <= 1 and detects < 1:
            assert rejection(q) >= 1 - MISSES - 1e-9


def test_binomial_test_at_the_ends() -> None:
    assert binomial_test("", 0, 100, 0.0, 1e-9).passed
    assert not binomial_test("", 1, 100, 0.0, 1e-9).passed
    assert binomial_test("", 100, 100, 1.0, 1e-9).passed
    assert not binomial_test("", 99, 100, 1.0, 1e-9).passed
    nothing = binomial_test("", 0, 0, 0.3, 1e-9)
    assert (nothing.passed, nothing.p_value, nothing.detects, nothing.n) == (True, 1.0, 1.0, 0)
    assert binomial_test("", 2, 4, 0.5, 1e-9).p_value == 1.0  # either tail is above a half


@given(st.integers(1, 60), PROBABILITIES, st.sampled_from([0.2, 1e-3]))
def test_clopper_pearson_covers(n: int, p: float, level: float) -> None:
    wrong = 0.0
    for k in range(n + 1):
        low = at_least(k, n, level)
        assert 0 <= low <= k / n
        # As far up as the level allows: where p is the bound, k or more have that probability.
        assert k == 0 or float(bdtrc(k - 1, n, low)) == pytest.approx(level)
        wrong += float(binom.pmf(k, n, p)) * (low > p)
    assert wrong <= level + 1e-12


@pytest.mark.parametrize("n", [1, 7, 100])
def test_a_surely_constant_count_rejects_at_the_first_other_one(n: int) -> None:
    first = 1 - MISSES ** (1 / n)
    assert binomial_detects(n, 0.0, 1e-9) == pytest.approx(first, rel=1e-12)
    assert binomial_detects(n, 1.0, 1e-9) == pytest.approx(first, rel=1e-12)


def test_where_one_side_is_never_rejected_nothing_is_detected_for_sure() -> None:
    # P(0 of 20) at 0.1 is 0.12: no count below rejects, large counts do
    assert binomial_test("", 0, 20, 0.1, 1e-3).passed
    assert not binomial_test("", 20, 20, 0.1, 1e-3).passed
    assert binomial_detects(20, 0.1, 1e-3) == binomial_detects(20, 0.9, 1e-3) == 1.0
    # 20 of 20 at 0.1 or 0.9: neither end of a range of one count
    assert binomial_detects(1, 0.5, 0.2) == 1.0


@pytest.mark.parametrize("level", [0.2, 0.01, 1e-4])
@pytest.mark.parametrize(("n", "p"), [(40, 0.3), (40, 0.5), (60, 0.75), (80, 0.0625)])
def test_what_is_detected_is_no_larger_than_the_level_makes_it(
    n: int, p: float, level: float
) -> None:
    """A little nearer to p one side is missed too often: at another level the number is another."""
    detects = binomial_detects(n, p, level)
    accepted = [k for k in range(n + 1) if binomial_test("", k, n, p, level).passed]

    def missed(q: float) -> float:
        return math.fsum(float(binom.pmf(k, n, q)) for k in accepted)

    nearer = [q for q in (p - 0.999 * detects, p + 0.999 * detects) if 0 <= q <= 1]
    assert detects == 1.0 or max(map(missed, nearer)) > MISSES
    # the accepted counts are those whose tails are above half the level, in exact fractions
    exact = Fraction(p)
    masses = [math.comb(n, k) * exact**k * (1 - exact) ** (n - k) for k in range(n + 1)]
    below = list(itertools.accumulate(masses))
    half = Fraction(level) / 2
    assert accepted == [
        k for k in range(n + 1) if below[k] > half and 1 - below[k] + masses[k] > half
    ]
