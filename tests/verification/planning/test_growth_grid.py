"""The grid that is best in ΣΓ: against a search without its equations, and its first order."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sharprates.samplers.errors import InputError
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.growth import Growth, GrowthRate, GrowthSum
from sharprates.verification.planning.growth_grid import GrowthCurve, least_growth_grid

curves = st.lists(st.floats(0, 3), min_size=2, max_size=9).map(
    lambda h: np.sort(np.array(h))[::-1].copy()
)


def cost(times: np.ndarray, h: np.ndarray) -> float:
    """ΣΓ by the formula of the theory."""
    return float(GrowthSum.compute(FLOAT, np.diff(times).tolist(), h.tolist()))


@given(curves, st.floats(0, 1))
def test_the_curve_is_that_of_the_theory(h: np.ndarray, t: float) -> None:
    g = GrowthCurve(h)
    assert g(t) == pytest.approx(Growth.compute(FLOAT, t, h.tolist()), rel=1e-10, abs=1e-12)
    assert g.rate(t) == pytest.approx(GrowthRate.compute(FLOAT, t, h.tolist()), rel=1e-9, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(curves.filter(lambda h: h[0] - h[-1] > 0.05), st.integers(2, 5), st.integers(0, 99))
def test_no_search_finds_a_better_grid(h: np.ndarray, steps: int, seed: int) -> None:
    def grid(z: np.ndarray) -> np.ndarray:
        w = np.exp(z - z.max())
        times = np.concatenate([[0.0], np.cumsum(w / w.sum())])
        times[-1] = 1.0
        return times

    found = least_growth_grid(h, steps)
    assert found[0] == 0
    assert found[-1] == 1
    assert bool((np.diff(found) > 0).all())
    best = cost(found, h)
    for start in (np.zeros(steps), np.random.default_rng(seed).normal(size=steps)):
        searched = minimize(lambda z: cost(grid(z), h), start, method="Nelder-Mead")
        assert best <= searched.fun + 1e-9
    assert best < cost(np.linspace(0, 1, steps + 1), h) + 1e-12


def test_steps_are_near_one_over_the_root_of_the_rate() -> None:
    h = np.array([1.0, 0.7, 0.3, 0.25, 0.1])
    times = least_growth_grid(h, 400)
    g = GrowthCurve(h)
    middle = (times[1:] + times[:-1]) / 2
    product = np.diff(times) * np.sqrt([g.rate(float(t)) for t in middle])
    assert product.max() / product.min() == pytest.approx(1, abs=0.02)


def test_nothing_to_gain_and_long_curves() -> None:
    np.testing.assert_array_equal(least_growth_grid(np.ones(4), 2), [0, 0.5, 1])
    np.testing.assert_array_equal(least_growth_grid(np.ones(1), 2), [0, 0.5, 1])
    np.testing.assert_array_equal(least_growth_grid(np.array([1.0, 0]), 1), [0, 1])
    h = 8 / (1 + np.arange(512) / 50)
    start = time.perf_counter()
    times = least_growth_grid(h, 64)
    assert time.perf_counter() - start < 5
    assert cost(times, h) < 0.7 * cost(np.linspace(0, 1, 65), h)
    with pytest.raises(InputError, match="steps: need K ≥ 1, got 0"):
        least_growth_grid(h, 0)
