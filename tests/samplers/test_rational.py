from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.rational import LONGEST, read_rational, writable


@given(st.fractions())
def test_quotients_are_read_exactly(value: Fraction) -> None:
    assert read_rational(str(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-290, max_value=1e290))
def test_floats_are_read_as_the_decimal_number_that_is_written(value: float) -> None:
    exact = read_rational(repr(value))
    assert float(exact) == value
    assert exact.denominator == 1 or set(_prime_factors(exact.denominator)) <= {2, 5}


def _prime_factors(n: int) -> list[int]:
    factors = []
    for p in (2, 5):
        while n % p == 0:
            factors.append(p)
            n //= p
    return factors + ([n] if n > 1 else [])


def test_decimals_do_not_round() -> None:
    assert read_rational("0.1") == Fraction(1, 10)
    assert read_rational("25e-2") == Fraction(1, 4)


@pytest.mark.parametrize(
    "text",
    ["", "x", "nan", "inf", "-inf", "1/0", "1e999999999", "1e-999999999", "1e", "0x10", "1,5"],
)
def test_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        read_rational(text)


def test_a_number_of_a_million_digits_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="of 1000002 characters: at most 4000"):
        read_rational("1/" + "9" * 10**6)


@given(st.integers(0, 2 * LONGEST), st.integers(0, 2 * LONGEST))
def test_what_is_writable_is_read_back(above: int, below: int) -> None:
    value = Fraction(10**above + 1, 10**below)
    if writable(value):
        assert read_rational(str(value)) == value
    else:
        assert above + below > 0.9 * LONGEST
