"""The mean of the plug-in, and the least mean at a given TV, against enumeration."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom
from sharprates.verification.statistics.plug_in_tv import (
    LeastMean,
    _cdf,
    _curve,
    _shortfall,
    _tangent,
    deviation,
    least_mean,
    mean,
)

Array = NDArray[np.float64]


@st.composite
def laws(draw: st.DrawFn, cells: int | None = None) -> Array:
    k = draw(st.integers(2, 6)) if cells is None else cells
    parts = np.array(draw(st.lists(st.floats(1e-3, 1), min_size=k, max_size=k)))
    law: Array = parts / parts.sum()
    return law


def enumerated_mean(n: int, q: Array, p: Array) -> float:
    """E TV(p̂, q), by all multinomial outcomes."""
    total = 0.0
    for counts in product(range(n + 1), repeat=len(q)):
        if sum(counts) == n:
            ways = math.factorial(n) / math.prod(math.factorial(c) for c in counts)
            chance = ways * math.prod(float(v) ** c for v, c in zip(p, counts, strict=True))
            total += chance * 0.5 * float(np.abs(np.array(counts) / n - q).sum())
    return total


@given(st.integers(1, 5), laws(3), laws(3))
def test_mean_agrees_with_enumeration(n: int, q: Array, p: Array) -> None:
    assert mean(n, q, p) == pytest.approx(enumerated_mean(n, q, p), abs=1e-13)


@given(st.integers(3, 400), st.floats(1e-4, 0.9), st.floats(1e-4, 0.999))
def test_derivatives_agree_with_differences(n: int, q: float, p: float) -> None:
    a, x, h = np.array([q]), np.array([p]), 1e-6
    direct = float(
        (np.clip(q - np.arange(n + 1) / n, 0, None) * binom.pmf(range(n + 1), n, p)).sum()
    )
    curve = _curve(n, a)
    value, fall, bend = (float(one[0]) for one in curve(x))
    assert float(_shortfall(n, a, x)[0]) == pytest.approx(direct, abs=1e-12)
    assert value == pytest.approx(direct, abs=1e-12)
    (low, *low_fall), (high, *high_fall) = curve(x - h), curve(x + h)
    slope, change = (low - high) / (2 * h), (low_fall[0] - high_fall[0]) / (2 * h)
    assert fall == pytest.approx(float(slope[0]), abs=1e-6 * (1 + n))
    assert bend == pytest.approx(float(change[0]), abs=1e-6 * n**2)


def test_a_binomial_has_all_its_chance_between_its_ends() -> None:
    for n, p in product((0, 3), (0.0, 0.25, 1.0)):
        chance = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
        below = [0.0, *np.cumsum(chance), 1.0]
        assert _cdf(n, np.arange(-1.0, n + 2), np.array(p)) == pytest.approx(np.array(below))


@pytest.mark.parametrize("n", [2, 7, 1000])
def test_the_ends_are_limits(n: int) -> None:
    # q = 1 is one cell that has everything
    for q in (1e-5, 1 / 3, 1.0):
        curve = _curve(n, np.array([q]))
        for end, near in ((0.0, 1e-13), (1.0, 1 - 1e-13)):
            at, beside = curve(np.array([end])), curve(np.array([near]))
            for one, other in zip(at[:2], beside[:2], strict=True):
                assert float(one[0]) == pytest.approx(float(other[0]), abs=1e-9)


@pytest.mark.parametrize("n", [2, 10, 100_000])
@pytest.mark.parametrize("q", [1e-4, 0.3, 0.9, 1.0])
def test_a_tangent_lies_below_the_curve_and_nearly_touches_it(n: int, q: float) -> None:
    cell, slopes = np.array([q]), np.array([0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0])
    around = q + math.sqrt(q * (1 - q) / n) * np.linspace(-9, 9, 2001)
    for low, high in ((0.0, q), (q, 1.0)):
        p = np.append(around.clip(low, high), [low, high])
        least = (_curve(n, cell)(p)[0][:, None] + slopes * p[:, None]).min(0)
        found = _tangent(n, cell, slopes, np.array([low]), np.array([high]))[:, 0]
        assert (found <= least + 1e-12).all()
        if (n, q) == (100_000, 0.3):
            assert (found > least - 1.5e-7)[1:-1].all()


def test_equal_cells_have_equal_means() -> None:
    q = np.array([0.25, 0.125, 0.25, 0.375])
    assert mean(5, q, q) == pytest.approx(enumerated_mean(5, q, q), abs=1e-13)


@given(st.integers(2, 300), laws(), st.integers(0, 10**6))
def test_no_law_has_a_smaller_mean_than_the_least(n: int, q: Array, seed: int) -> None:
    g = least_mean(n, q)
    rng = np.random.default_rng(seed)
    for spread in (0.1, 1.0, 10.0):
        p = q * rng.gamma(spread, size=len(q))
        p = p / p.sum() * rng.choice([1.0, 0.95])  # the rest lies outside the support of q
        tv = float(np.clip(q - p, 0, None).sum())
        assert g(tv) <= mean(n, q, p) + 1e-12


def test_the_least_mean_is_nearly_attained() -> None:
    # Many equal cells: raise one half, lower the other. The bound comes within 2 % of it.
    n, N = 20_000, 500
    q = np.full(N, 1 / N)
    g = least_mean(n, q)
    for shift in (0.02, 0.05, 0.1, 0.2):
        p = q * (1 + shift * np.where(np.arange(N) % 2, 2, -2))
        assert g(shift) <= mean(n, q, p) <= 1.02 * g(shift)
    # And this is far more than the trivial bound τ where sampling noise is large.
    assert g(0.05) > 1.3 * 0.05


@given(st.integers(2, 300), laws(), st.floats(0, 1))
def test_inverse_undoes_the_least_mean(n: int, q: Array, tau: float) -> None:
    g = least_mean(n, q)
    assert g.inverse(g(tau)) >= tau - 1e-9
    grid = [g(t) for t in np.linspace(0, 1, 20)]
    assert all(b >= a for a, b in pairwise(grid))
    for value in (0.0, 0.3, 1.0, 2.0):
        tau = g.inverse(value)
        assert 0 <= tau <= 1
        assert tau == 1 or tau == 0 or g(tau) == pytest.approx(value, abs=1e-9)


def test_a_flat_tangent_above_the_value_excludes_everything() -> None:
    bound = LeastMean(np.array([0.0, 1.0]), np.array([0.2, 0.0]))
    assert bound.inverse(0.1) == 0.0
    assert bound.inverse(0.3) == pytest.approx(0.3)


def test_deviation_is_mcdiarmids() -> None:
    t = deviation(1000, 1e-6)
    assert math.exp(-2 * 1000 * t**2) == pytest.approx(1e-6)
    # It holds in an exact case: two cells, where the plug-in is |X/n − ½|.
    n, q = 200, np.array([0.5, 0.5])
    centre = mean(n, q, q)
    for level in (0.3, 0.05, 1e-3):
        k = np.arange(n + 1)
        above = np.abs(k / n - 0.5) - centre >= deviation(n, level)
        assert float(binom.pmf(k, n, 0.5)[above].sum()) <= level


@pytest.mark.parametrize("n", [1, 2, 50])
def test_a_cell_that_has_all_the_mass_falls_short_by_what_others_take(n: int) -> None:
    assert mean(n, np.ones(1), np.full(1, 0.25)) == pytest.approx(0.75, rel=1e-12)


@pytest.mark.parametrize("n", [200, 5000])
@pytest.mark.parametrize("a", [0.5, 0.3])
def test_of_two_cells_the_least_mean_is_attained_to_a_thousandth(n: int, a: float) -> None:
    """There a law at a TV takes it from either cell, for the other one or for none of them."""
    q = np.array([a, 1 - a])
    g = least_mean(n, q)
    for t in (0.0, 0.001, 0.01, 0.02, 0.04, 0.2, 0.3):
        laws = [np.array([a + t, 1 - a - t]), np.array([a - t, 1 - a + t]), q * (1 - t)]
        assert g(t) >= 0.999 * min(mean(n, q, p) for p in laws)


def test_the_inverse_ends_at_one() -> None:
    assert least_mean(10, np.array([0.5, 0.5])).inverse(2.0) == 1.0
    assert LeastMean(np.array([0.5]), np.array([0.0])).inverse(0.9) == 0.9
