import math
from fractions import Fraction

import pytest
from sharprates.theory.arithmetic import FLOAT


def test_rational_is_the_nearest_float_even_of_huge_integers() -> None:
    assert FLOAT.rational(1, 3) == 1 / 3
    assert FLOAT.rational(10**400, 3 * 10**400) == 1 / 3
    assert FLOAT.rational(1, 10**400) == 0.0


@pytest.mark.parametrize("x", [1e-12, 1e-8, -1e-9])
def test_small_arguments_keep_their_digits(x: float) -> None:
    # x + x²/2 and x − x²/2 are the functions to 1e-20 here; e^x − 1 in floats is off at 1e-8
    exact = Fraction(x)
    assert FLOAT.expm1(x) == pytest.approx(float(exact + exact**2 / 2), rel=1e-15, abs=0)
    assert FLOAT.log1p(x) == pytest.approx(float(exact - exact**2 / 2), rel=1e-15, abs=0)
    assert math.exp(x) - 1 != pytest.approx(float(exact + exact**2 / 2), rel=1e-15, abs=0)


def test_ends_of_the_domains() -> None:
    assert FLOAT.log(0.0) == FLOAT.log1p(-1.0) == -math.inf
    assert FLOAT.exp(1e4) == FLOAT.expm1(1e4) == math.inf
    assert FLOAT.sqrt(0.0) == 0.0


def test_constants_and_order() -> None:
    assert FLOAT.cos(FLOAT.pi()) == -1.0
    assert FLOAT.maximum(1.0, 2.0) == 2.0
    assert FLOAT.minimum(1.0, 2.0) == 1.0
