"""What the checks of E1–E9 compute on their own, against other algorithms."""

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory.functions import DistinctSteps, RankDistance
from sharprates.verification.arithmetic import RATIONAL, interval, precision
from sharprates.verification.checks.check import decided, forms
from sharprates.verification.checks.euler_upper import (
    CHECKS,
    NEARLY_INDEPENDENT,
    _collide,
    _lengths_and_steps,
    rank_distance,
    rank_distance_ball,
)
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.strategies import step_laws
from sharprates.verification.verdict import Verdict
from sharprates.verification.verify import EXAMPLES


@given(st.integers(1, 4), step_laws(5))
def test_collisions_by_listing_are_one_minus_the_symmetric_polynomial(d, w) -> None:
    exact = [fmpq(x.numerator, x.denominator) for x in w]
    assert _collide(d, w) == 1 - DistinctSteps.compute(RATIONAL, d, exact)


@pytest.mark.parametrize(("d", "K"), [(1, 1), (2, 5), (5, 3), (7, 7), (12, 40)])
def test_rank_distance_by_polynomials(d: int, K: int) -> None:
    assert rank_distance(d, K) == RankDistance.compute(RATIONAL, d, [fmpq(1, K)] * K)


def test_the_closed_form_is_checked_at_every_size_of_an_ordinary_run() -> None:
    sizes = {(it["d"], it["K"]) for it in _lengths_and_steps(EXAMPLES)}
    assert sizes == {(d, K) for d in range(1, 65) for K in range(d, 10 * d + 1)}


@pytest.mark.parametrize(("d", "K"), [(41, 41), (48, 100), (64, 64), (64, 640)])
def test_the_ball_for_long_sequences_contains_the_exact_value(d: int, K: int) -> None:
    with precision(128):
        found = interval(rank_distance_ball(d, K))
    exact = rank_distance(d, K)
    assert found.lower <= Fraction(int(exact.p), int(exact.q)) <= found.upper
    assert found.width < 1e-15


def test_a_form_without_its_root_is_refuted_by_hand() -> None:
    """Weights .3 .2 .2 .3 in one step: TV = 1/10, Ī = 0.0201 nats, so 1 − e^{−2Ī} = 0.0395."""
    check = next(one for one in CHECKS if one.claim == "E8")
    without = next(one for one in check.mutants if "root" in one.name)
    example = Example.of(NEARLY_INDEPENDENT)
    found = decided(check, example, without)
    assert found.decision.verdict is Verdict.FAILS
    assert found.decision.side[0].lower == Fraction(1, 10)
    coarse, fine = (bound.middle for _, bound in found.decision.sides[1:3])
    assert coarse == pytest.approx(0.0395, abs=1e-4)
    assert fine < coarse
    assert decided(check, example, STATED).decision.verdict is Verdict.HOLDS


def test_several_forms_are_several_sides() -> None:
    trial = forms("E8", None, "coarse", "fine")(Example.of(NEARLY_INDEPENDENT), STATED)
    assert len(trial.decision.sides) == 3
    least, coarse, fine = (bound.middle for _, bound in trial.decision.sides)
    assert least == pytest.approx(min(coarse, fine))
