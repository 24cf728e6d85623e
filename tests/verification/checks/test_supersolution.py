"""The pieces of E9's proof that are computed here."""

from fractions import Fraction

import numpy as np
import pytest

from samplers import families
from verification.checks.check import STATED, Example, Mutant
from verification.checks.supersolution import (
    CHECKS,
    EDGE,
    STARTS,
    Start,
    gap_range,
    subdivide,
)
from verification.instance import Instance


def _phi(x):  # type: ignore[no-untyped-def]
    return x - 1 - np.log(x)


def gap(start: Start, p, q, v, w):  # type: ignore[no-untyped-def]
    """The inequality of the proof, written down once more, at points."""
    u = v * start.first, w * start.second
    left = [np.maximum(x - _phi(r), 0) for x, r in zip(u, (p / q, (1 - p) / (1 - q)), strict=True)]
    theta = np.minimum(v, w)
    after = np.minimum(left[0] / start.first, left[1] / start.second)
    right = q * u[0] + (1 - q) * u[1] - theta * start.tangent(p, q)
    return right - (q * left[0] + (1 - q) * left[1] - start.value(q) * after)


@pytest.mark.parametrize("p0", STARTS)
def test_the_inequality_at_random_points(p0: Fraction) -> None:
    rng = np.random.default_rng(0)
    p, q = rng.uniform(EDGE, 1 - EDGE, (2, 200_000))
    v, w = rng.uniform(0, 1, (2, 200_000))
    assert gap(Start.at(p0), p, q, v, w).min() > -1e-12
    assert gap(Start.at(p0, 1.5), p, q, v, w).min() < -0.05


@pytest.mark.parametrize("p0", STARTS)
def test_budgets_enter_by_their_smaller_share_alone(p0: Fraction) -> None:
    rng = np.random.default_rng(2)
    p, q = rng.uniform(EDGE, 1 - EDGE, (2, 100_000))
    v, w = rng.uniform(0, 1, (2, 100_000))
    theta = np.minimum(v, w)
    start = Start.at(p0)
    assert (gap(start, p, q, v, w) - gap(start, p, q, theta, theta)).min() > -1e-12


@pytest.mark.parametrize("p0", STARTS)
def test_ranges_enclose_points_of_their_boxes(p0: Fraction) -> None:
    rng = np.random.default_rng(1)
    ends = np.sort(rng.uniform(EDGE, 1 - EDGE, (2000, 3, 2)), axis=2)
    p, q, theta = (ends[:, :, 0] + rng.uniform(0, 1, (2000, 3)) * (ends[:, :, 1] - ends[:, :, 0])).T
    start = Start.at(p0)
    low, high = gap_range(start, ends)
    values = gap(start, p, q, theta, theta) / theta
    assert bool((low <= values).all())
    assert bool((values <= high).all())
    narrow = np.stack([np.stack([x, x], 1) for x in (p, q, theta)], 1)
    low, high = gap_range(start, narrow)  # a box that is a point
    assert low == pytest.approx(values, abs=1e-11)
    assert high == pytest.approx(values, abs=1e-11)


@pytest.mark.parametrize("p0", STARTS)
def test_the_curve_is_smooth_and_ends_at_zero(p0: Fraction) -> None:
    start = Start.at(p0)
    p = np.linspace(0.01, 0.99, 300)
    slope = (start.value(p + 1e-6) - start.value(p - 1e-6)) / 2e-6
    assert slope == pytest.approx(start.slope(p), abs=1e-4)
    assert start.value(np.array([0.0, 1.0])) == pytest.approx(0, abs=1e-15)


def test_more_boxes_decide_more() -> None:
    shares = [subdivide(Start.at(Fraction(1, 2)), (0.2, 0.3), n) for n in (1000, 30_000)]
    assert shares[0][0] == shares[1][0] == 0  # nothing is violated
    assert 1 > shares[0][1] > shares[1][1] > 0
    assert subdivide(Start.at(Fraction(1, 2), 1.5), (EDGE, 0.1), 30_000)[0] > 0


def test_copies_attain_the_value_of_the_control_problem() -> None:
    """One copy of the bit: the payoff is 1 − ½ with certainty."""
    law = Instance.of(families.family("copies:2:2"))
    ((measured, bound),) = CHECKS[2].trial(Example.of(law), STATED).sides
    assert measured.lower == bound.lower == Fraction(1, 2)


def test_the_start_is_tight_at_one_half_alone() -> None:
    at_half = CHECKS[1].trial(Example.of(p0=Fraction(1, 2)), STATED)
    assert at_half.sides[0][0].middle == pytest.approx(0.5, abs=1e-12)
    third = CHECKS[1].trial(Example.of(p0=Fraction(1, 3)), Mutant(""))
    assert third.sides[0][0].upper < Fraction(49, 100)
