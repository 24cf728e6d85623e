"""What the checks of B0–B4 compute on their own."""

from fractions import Fraction

import pytest
from flint import fmpq
from sharprates.verification.checks.check import decided
from sharprates.verification.checks.score_error import (
    CHECKS,
    erring,
    visited_often,
    with_exact_denoiser,
)
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.verdict import Verdict


@pytest.mark.parametrize(
    ("rho", "gain"),
    [(Fraction(1, 10), Fraction(121, 40)), (Fraction(1, 100), Fraction(10201, 400))],
)
def test_the_fractions_of_the_counterexample(rho: Fraction, gain: Fraction) -> None:
    found = decided(CHECKS[0], Example.of(rho=rho), STATED).decision
    ((measured, bound),) = found.sides
    assert measured.lower == measured.upper == bound.lower == gain
    assert found.text.startswith(str(gain))


def test_no_factor_is_enough() -> None:
    """With ρ = 1/4C the gain is above C times ε_w."""
    for factor in (1, 10, 1000):
        found = decided(CHECKS[0], Example.of(rho=Fraction(1, 4 * factor)), STATED).decision
        assert found.measured.lower > factor


def test_three_words_by_hand() -> None:
    """All eight allocations of ρ = 1/10; the sampler errs in one of them."""
    it = erring(visited_often(Fraction(1, 10)))
    s = Fraction(1, 20)
    first, second = (1 - s) ** 2 * s, Fraction(11, 20) ** 2
    # in that allocation 111 comes out with (11/20)²·½ in place of (11/20)²
    exact = erring(with_exact_denoiser(it.experiment))
    lost = exact.law[1, 1, 1] - it.law[1, 1, 1]
    assert lost == fmpq(*(first * second / 2).as_integer_ratio())
    assert exact.law[1, 1, 1] < fmpq(1, 10)  # so that all of the loss counts


def test_the_second_order_of_b4_is_needed_for_the_run() -> None:
    (check,) = [one for one in CHECKS if one.claim == "B4"]
    without = next(one for one in check.mutants if "second order" in one.name)
    example = Example(visited_often(Fraction(1, 10)))
    assert decided(check, example, STATED).decision.verdict is Verdict.HOLDS
    assert decided(check, example, without).decision.verdict is Verdict.FAILS
