"""What the checks of X2 and X4 compute on their own."""

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.one_target import SignedClosed
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import as_fmpq, interval
from sharprates.verification.checks.check import exact
from sharprates.verification.checks.signed import (
    climb_off_support,
    dying_payoff,
    enclosed_value,
    last_law,
    least_dual,
    off_support_by_blocks,
)
from sharprates.verification.exact_losses import last_payments


@given(some.laws_of_few_symbols())
def test_the_mass_off_the_support_by_two_computations(law) -> None:
    it = exact(some.exact_experiment(law))
    assert it.off_support == off_support_by_blocks(it)
    assert it.first_order == it.off_support + it.overweight


def test_permutations_of_three_pay_five_sixths() -> None:
    it = exact(some.SHUFFLED["permutations:3:3"])
    assert {(mass, paid) for mass, paid in last_payments(it.pmf, it.marginal, it.S)} == {
        (fmpq(1, 6), fmpq(5, 6))
    }
    assert it.off_support == fmpq(5, 4)
    assert it.overweight == 0


@given(st.lists(st.fractions(Fraction(1, 9), 1, max_denominator=9), min_size=1, max_size=4))
def test_the_last_of_several_has_a_law(y: list[Fraction]) -> None:
    law = last_law([fmpq(1), *map(as_fmpq, y)])
    assert sum(law) == 1
    assert min(law) > 0


def test_least_dual_by_hand() -> None:
    """Two symbols: E max(E_1, E_2 − n) − 1 = y/2, y = e^{−n}."""
    assert least_dual([fmpq(1), fmpq(1, 3)]) == fmpq(1, 6)
    assert least_dual([fmpq(1)] * 3) == fmpq(5, 6)


@given(st.integers(2, 5).flatmap(lambda S: some.simplex(S, 12)))
def test_the_value_is_enclosed_narrowly(p: tuple[Fraction, ...]) -> None:
    found = interval(enclosed_value(list(map(as_fmpq, p))))
    assert found.width < 1e-10
    if len(p) == 3:
        closed = SignedClosed.compute(FLOAT, [float(x) for x in p])
        assert found.lower - Fraction(1, 10**12) <= closed <= found.upper + Fraction(1, 10**12)


def test_dying_symbols_of_two_by_hand() -> None:
    """One look, at u = 1, where both are alive: then X is revealed, and half the mass dies."""
    assert dying_payoff([fmpq(1), fmpq(1)], 1) == fmpq(1, 2)


def test_finer_grids_pay_more_and_never_too_much() -> None:
    y = [fmpq(1), fmpq(3, 4), fmpq(1, 3)]
    value = float(interval(enclosed_value(last_law(y))).lower)
    paid = [float(dying_payoff(y, n)) for n in (2, 8, 32)]
    assert paid == sorted(paid)
    assert 0.98 * value < paid[-1] < value


@pytest.mark.parametrize("seed", [0, 1])
def test_ascent_finds_heavy_laws(seed: int) -> None:
    it = exact(climb_off_support(3, 3, seed))
    assert it.off_support > fmpq(4, 5)  # of 5/4
