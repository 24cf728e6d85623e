"""The values of the control problem with one target."""

import math
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.errors import TheoryError
from sharprates.theory.functions import Harmonic
from sharprates.theory.one_target import (
    MOST_SYMBOLS,
    LargestPositiveValue,
    LeastDual,
    PositiveSum,
    PositiveValue,
    SignedClosed,
    SignedSum,
    SignedValue,
    law_of_largest,
    one_target_curve,
    worst_largest,
)
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.verification.arithmetic import BALL
from sharprates.verification.strategies import simplex


@pytest.mark.parametrize("S", range(1, 13))
def test_the_uniform_law_has_the_harmonic_value(S: int) -> None:
    expected = Harmonic.compute(FLOAT, S) - 1
    assert SignedValue.compute(FLOAT, [1 / S] * S) == pytest.approx(expected, abs=1e-12)


@given(simplex(3, 12))
def test_three_symbols_have_a_closed_form(p: tuple[Fraction, ...]) -> None:
    law = [float(x) for x in p]
    closed = SignedClosed.compute(FLOAT, law)
    assert SignedValue.compute(FLOAT, law) == pytest.approx(closed, abs=1e-12)
    assert closed <= 5 / 6 + 1e-12


def test_two_symbols_by_hand() -> None:
    m = 0.3  # N = m(1 − log 2 − log m)
    expected = m * (1 - math.log(2) - math.log(m))
    assert SignedClosed.compute(FLOAT, [0.7, m]) == pytest.approx(expected, abs=1e-15)
    assert SignedValue.compute(FLOAT, [m, 0.7]) == pytest.approx(expected, abs=1e-13)


def test_what_is_known_has_no_value() -> None:
    vertex = [0.0, 1.0, 0.0]
    for function in (SignedValue, SignedClosed, PositiveValue):
        assert function.compute(FLOAT, vertex) == 0
    assert LargestPositiveValue.compute(FLOAT, 1) == 0


def test_the_dual_surface_of_two_and_three_symbols() -> None:
    y, z = Fraction(1, 2), Fraction(1, 3)
    assert LeastDual.compute(RATIONALS, [y]) == y / 2
    assert LeastDual.compute(RATIONALS, [y, z]) == y / 2 + z / 2 - y * z / 6


def test_sums_add_up() -> None:
    laws = {(0,): [0.5, 0.3, 0.2], (1,): [0.25, 0.25, 0.5]}
    for total, one in ((SignedSum, SignedValue), (PositiveSum, PositiveValue)):
        expected = sum(one.compute(FLOAT, law) for law in laws.values())
        assert total.compute(FLOAT, laws) == pytest.approx(expected)


def test_the_curve() -> None:
    assert one_target_curve(FLOAT, 0.0) == one_target_curve(FLOAT, 1.0) == 0
    assert one_target_curve(FLOAT, 0.5) == pytest.approx(math.log(2) - 0.5)
    assert one_target_curve(FLOAT, 0.2) == pytest.approx(one_target_curve(FLOAT, 0.8))
    slope = (one_target_curve(FLOAT, 1e-7) - 0) / 1e-7
    assert slope == pytest.approx(math.log(2), abs=1e-6)


V = {3: 0.856554, 4: 1.123270, 5: 1.343212, 6: 1.531215, 7: 1.698040, 8: 1.843991, 10: 2.089519}
"""The suprema, from a computation of their own."""


@pytest.mark.parametrize("S", V)
def test_the_constants_of_the_statement(S: int) -> None:
    found = LargestPositiveValue.compute(FLOAT, S)
    assert found == pytest.approx(V[S] + 1e-6, abs=1e-6)
    assert Harmonic.compute(FLOAT, S) - 1 < found < math.log(S)
    ball = LargestPositiveValue.compute(BALL, S)
    assert float(ball) == pytest.approx(found, abs=1e-14)


def test_the_worst_law() -> None:
    assert worst_largest(7) == Fraction(1, 7)
    at = float(worst_largest(3))
    assert at == pytest.approx(0.3844, abs=1e-4)
    best = PositiveValue.compute(FLOAT, [float(x) for x in law_of_largest(worst_largest(3), 3)])
    for other in (at - 1e-3, at + 1e-3):
        assert PositiveValue.compute(FLOAT, [other, *[(1 - other) / 2] * 2]) < best
    assert sum(law_of_largest(Fraction(1, 2), 4)) == 1


def test_too_many_symbols_are_refused() -> None:
    with pytest.raises(TheoryError, match=f"at most {MOST_SYMBOLS} possible symbols, got 21"):
        SignedValue.compute(FLOAT, [1 / 21] * 21)
    with pytest.raises(TheoryError, match="at most 3 symbols, got 4"):
        SignedClosed.compute(RATIONALS, [fmpq(1, 4)] * 4)
