"""Grids of steps for a curve: the growth g, what steps cost, and that no fewer do."""

import itertools
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.verification.planning import fewest_steps
from sharprates.verification.planning.block_schedule import mean_excess
from sharprates.verification.planning.fewest_steps import fewest_times, grid_cost, growth
from sharprates.verification.planning.loss_curve import loss_curve

curves = st.lists(st.floats(0, 3), min_size=1, max_size=7).map(
    lambda values: np.array(sorted(values, reverse=True))
)


@given(curves, st.fractions(0, 1, max_denominator=20))
def test_growth_by_its_sum_in_fractions(h: np.ndarray, t: Fraction) -> None:
    d = h.size
    exact = sum(
        d * comb(d - 1, j) * t**j * (1 - t) ** (d - 1 - j) * (Fraction(h[0]) - Fraction(h[j]))
        for j in range(d)
    )
    assert growth(h, np.array([float(t)]))[0] == pytest.approx(float(exact), abs=1e-12)


@given(curves, st.lists(st.integers(1, 99), max_size=4, unique=True))
def test_the_cost_of_a_grid_is_the_mean_over_its_blocks(h: np.ndarray, inner: list[int]) -> None:
    """KL1's average, which knows nothing of g."""
    times = (1.0, *(t / 100 for t in sorted(inner, reverse=True)), 0.0)
    weights = (-np.diff(times)).tolist()
    average = mean_excess(loss_curve(range(h.size), h, h.size), weights)
    assert grid_cost(h, times) == pytest.approx(average, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(curves, st.floats(0.05, 3))
def test_no_grid_of_fewer_steps_is_enough(h: np.ndarray, most: float) -> None:
    """Against all grids of tenths."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fewest_steps, "PARTS", 10)
        found = fewest_times(h, most, 10)

    def grids(steps: int):
        for inner in itertools.combinations(range(1, 10), steps - 1):
            yield (1.0, *(t / 10 for t in reversed(inner)), 0.0)

    fewest = 10 if found is None else len(found) - 1
    for steps in range(1, fewest):
        assert min(grid_cost(h, times) for times in grids(steps)) > most * (1 - 1e-8)
    if found is None:
        assert grid_cost(h, next(grids(10))) > most * (1 - 1e-8)
    else:
        assert grid_cost(h, found) <= most


def test_long_curves_and_limits() -> None:
    """K·ΣΓ tends to (∫√g')²/2; equal steps cost d·Ī/2 (U2)."""
    d = 4096
    h = 1 / np.sqrt(1 + np.arange(d) / 1000)
    uniform = tuple((64 - k) / 64 for k in range(65))
    assert 64 * grid_cost(h, uniform) == pytest.approx(d * (h[0] - h[-1]) / 2, rel=0.02)
    times = fewest_times(h, grid_cost(h, uniform), 64)
    assert times is not None
    fine = np.linspace(0, 1, 20001)
    root = np.sqrt(np.diff(growth(h, fine)) / np.diff(fine)).mean()
    steps = len(times) - 1
    assert steps < 60
    assert steps * grid_cost(h, times) == pytest.approx(root**2 / 2, rel=0.03)
    assert fewest_times(h, grid_cost(h, uniform), steps - 1) is None
    assert fewest_times(h, 1e-9, d) is None
