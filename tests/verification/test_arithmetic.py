import math
from fractions import Fraction

import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from sharprates.verification.arithmetic import (
    BALL,
    RATIONAL,
    Interval,
    IrrationalError,
    ball,
    interval,
    power,
    precision,
)

rationals = st.fractions(-5, 5, max_denominator=1000)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e-3))
def test_an_interval_around_a_float_has_the_exact_sum_as_its_end(
    value: float, error: float
) -> None:
    around = Interval.around(value, error)
    assert around.upper - Fraction(value) == Fraction(error)
    assert around.lower <= value <= around.upper


def test_an_interval_refuses_ends_that_are_out_of_order_or_no_numbers() -> None:
    for lower, upper in [(1.0, 0.0), (float("nan"), 1.0), (0.0, float("nan"))]:
        with pytest.raises(ValueError, match="must not exceed"):
            Interval(lower, upper)


@given(rationals, rationals)
def test_balls_enclose_what_rationals_compute(x: Fraction, y: Fraction) -> None:
    a, b = (RATIONAL.rational(v.numerator, v.denominator) for v in (x, y))
    for exact, enclosed in [
        (a + b, ball(x) + ball(y)),
        (a * b, ball(x) * ball(y)),
        (RATIONAL.maximum(a, b), BALL.maximum(ball(x), ball(y))),
        (RATIONAL.minimum(a, b), BALL.minimum(ball(x), ball(y))),
    ]:
        truth, ends = interval(exact), interval(enclosed)
        assert ends.lower <= truth.lower <= ends.upper


@given(rationals)
def test_the_ends_of_a_ball_are_exact(x: Fraction) -> None:
    with precision(30):
        ends = interval(ball(x))
    assert ends.lower <= x <= ends.upper
    assert ends.width <= 1e-7
    with precision(200):
        assert interval(ball(x)).width < 1e-50


def test_irrational_functions_are_refused_in_rationals_and_enclosed_in_balls() -> None:
    for name in ("exp", "log", "sqrt", "expm1", "log1p", "cos"):
        with pytest.raises(IrrationalError, match="ball"):
            getattr(RATIONAL, name)(fmpq(1, 2))
    with pytest.raises(IrrationalError):
        RATIONAL.pi()
    known = [
        (BALL.exp(1), "2.71828182845904523536"),
        (BALL.expm1(1), "1.71828182845904523536"),
        (BALL.log(2), "0.693147180559945309417"),
        (BALL.log1p(1), "0.693147180559945309417"),
        (BALL.sqrt(2), "1.41421356237309504880"),
        (BALL.cos(0), "1"),
        (BALL.pi(), "3.14159265358979323846"),
    ]
    for value, digits in known:
        assert value.overlaps(arb(digits))
        assert interval(value).width < 1e-14


def test_a_ball_without_bounds_says_so() -> None:
    with pytest.raises(ArithmeticError, match="raise the precision"):
        interval(arb(1) / arb(0))


def test_a_ball_of_an_interval_contains_both_ends() -> None:
    ends = interval(ball(Interval(Fraction(1, 3), 0.5)))
    assert ends.lower <= Fraction(1, 3)
    assert ends.upper >= 0.5


def test_an_exact_infinity_stays_one_and_ignorance_does_not() -> None:
    assert interval(arb("inf")) == Interval.exact(math.inf)
    for nothing in (arb("nan"), arb("-inf"), arb(0, arb("inf"))):
        with pytest.raises(ArithmeticError, match="raise the precision"):
            interval(nothing)


def test_the_power_of_a_ball_around_zero_is_known() -> None:
    around = arb(0, 1e-19)  # flint's own power takes its logarithm
    assert power(around, 1).overlaps(around)
    assert interval(power(around, 3)).width < 1e-50
    assert power(around, 0) == 1
    assert power(fmpq(2, 3), 3) == fmpq(8, 27)
