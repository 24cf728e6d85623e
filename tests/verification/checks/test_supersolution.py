"""The pieces of E9's proof that are computed here."""

from fractions import Fraction

import numpy as np
import pytest
from sharprates.samplers import families
from sharprates.verification.checks.supersolution import (
    CHECKS,
    EDGE,
    STARTS,
    Start,
    gap,
    proved,
    subdivide_slab,
)
from sharprates.verification.checks.trial import STATED, Example, Mutant
from sharprates.verification.exact_experiment import exact_experiment


def _phi(x):
    return x - 1 - np.log(x)


def gap_in_full(start: Start, p, q, v, w):
    """The inequality of the proof, written down once more, at points."""
    u = v * start.first, w * start.second
    left = [np.maximum(x - _phi(r), 0) for x, r in zip(u, (p / q, (1 - p) / (1 - q)), strict=True)]
    theta = np.minimum(v, w)
    after = np.minimum(left[0] / start.first, left[1] / start.second)
    right = q * u[0] + (1 - q) * u[1] - theta * start.tangents(p, q)[0]
    return right - (q * left[0] + (1 - q) * left[1] - start.value(q) * after)


@pytest.mark.parametrize("p0", STARTS)
def test_the_inequality_at_random_points(p0: Fraction) -> None:
    rng = np.random.default_rng(0)
    p, q = rng.uniform(EDGE, 1 - EDGE, (2, 200_000))
    v, w = rng.uniform(0, 1, (2, 200_000))
    assert gap_in_full(Start.at(p0), p, q, v, w).min() > -1e-12
    assert gap_in_full(Start.at(p0, 1.5), p, q, v, w).min() < -0.05


@pytest.mark.parametrize("p0", STARTS)
def test_budgets_enter_by_their_smaller_share_alone(p0: Fraction) -> None:
    rng = np.random.default_rng(2)
    p, q = rng.uniform(EDGE, 1 - EDGE, (2, 100_000))
    v, w = rng.uniform(0, 1, (2, 100_000))
    theta = np.minimum(v, w)
    start = Start.at(p0)
    least = gap_in_full(start, p, q, theta, theta)
    assert (gap_in_full(start, p, q, v, w) - least).min() > -1e-12
    assert gap(start, p, q, theta) == pytest.approx(least, abs=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("p0", STARTS)
def test_no_point_of_a_proved_box_violates_the_inequality(p0: Fraction, scale: float) -> None:
    """At 1.5 Ĵ many points do, so that a bound that is too high would show."""
    rng = np.random.default_rng(1)
    widths = 10 ** rng.uniform(-5, 0, (20_000, 3))
    near = rng.uniform(EDGE, 1 - EDGE, (20_000, 1)) + widths[:, :1] * rng.normal(size=(20_000, 2))
    low = np.concatenate([near, rng.uniform(0, 1, (20_000, 1))], 1)
    low[10_000:] = rng.uniform(EDGE, 1 - EDGE, (10_000, 3))
    limits = np.array([EDGE, EDGE, 0]), np.array([1 - EDGE, 1 - EDGE, 1])
    ends = np.stack([np.clip(x, *limits) for x in (low, low + widths)], 2)
    start = Start.at(p0, scale)
    decided = proved(start, ends)
    assert decided.mean() > 0.1
    for _ in range(5):
        inside = ends[..., 0] + rng.uniform(0, 1, ends.shape[:2]) * (ends[..., 1] - ends[..., 0])
        p, q, theta = inside.T
        values = gap_in_full(start, p, q, theta, theta)
        assert values[decided].min() > -1e-12
        if scale > 1:
            assert (values < -1e-3).mean() > 0.01


@pytest.mark.parametrize("p0", STARTS)
def test_the_largest_bend_of_the_curve(p0: Fraction) -> None:
    start, p = Start.at(p0), np.linspace(0.01, 0.99, 2000)
    above, below = (start.value_and_slope(p + x)[1] for x in (1e-6, -1e-6))
    second = (above - below) / 2e-6
    for low, high in ((0.1, 0.3), (0.3, 0.6), (0.45, 0.502), (0.6, 0.7), (0.75, 0.9)):
        inside = -second[(p > low) & (p < high)].min()
        assert start.bend(np.array(low), np.array(high)) == pytest.approx(inside, abs=1e-2)


@pytest.mark.parametrize("p0", STARTS)
def test_the_curve_is_smooth_and_ends_at_zero(p0: Fraction) -> None:
    start = Start.at(p0)
    p = np.linspace(0.01, 0.99, 300)
    slope = (start.value(p + 1e-6) - start.value(p - 1e-6)) / 2e-6
    assert slope == pytest.approx(start.value_and_slope(p)[1], abs=1e-4)
    assert start.value(np.array([0.0, 1.0])) == pytest.approx(0, abs=1e-15)


def test_more_boxes_decide_more() -> None:
    few, more = (subdivide_slab(Start.at(Fraction(1, 3)), (0.5, 0.6), n) for n in (1000, 30_000))
    assert few[0] == more[0] == 0  # nothing is violated
    assert 0.1 > few[1] > more[1] > 0
    assert subdivide_slab(Start.at(Fraction(1, 2)), (EDGE, 1 - EDGE), 100_000) == (
        0,
        0,
    )  # all proved
    assert subdivide_slab(Start.at(Fraction(1, 2), 1.5), (EDGE, 0.1), 30_000)[0] > 0.01


def test_copies_attain_the_value_of_the_control_problem() -> None:
    """One copy of the bit: the payoff is 1 − ½ with certainty."""
    law = exact_experiment(families.family("copies:2:2"))
    ((measured, bound),) = CHECKS[2].evaluate(Example.of(law), STATED).decision.sides
    assert measured.lower == bound.lower == Fraction(1, 2)


def test_the_start_is_tight_at_one_half_alone() -> None:
    at_half = CHECKS[1].evaluate(Example.of(p0=Fraction(1, 2)), STATED)
    assert at_half.decision.sides[0][0].middle == pytest.approx(0.5, abs=1e-12)
    third = CHECKS[1].evaluate(Example.of(p0=Fraction(1, 3)), Mutant(""))
    assert third.decision.sides[0][0].upper < Fraction(49, 100)
