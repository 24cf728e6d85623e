"""Factors on constants that no claim has."""

from fractions import Fraction

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.scale import check_scale


@pytest.mark.parametrize(
    ("name", "factor", "message"),
    [
        ("E3.nothing", Fraction(1), "E3 has E3.constant"),
        ("E3.constant", Fraction(0), "positive factor"),
        ("F1.constant", Fraction(1), "no constant"),
        ("E5.constant", Fraction(1), "no constant of the claims E3"),
    ],
)
def test_a_scale_of_nothing(name: str, factor: Fraction, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_scale({name: factor}, ["E3", "F1"])
