"""The map of the smallest bound against hand-checked corners."""

from __future__ import annotations

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import claim
from studies import which


def test_few_tokens_and_many_symbols_are_the_birthday_bounds() -> None:
    """d(d−1)/2K against (d/2K)·log S: d − 1 < log S."""
    assert which.fewest(2, 4, 0.01) == "E3"
    assert which.fewest(4, 2, 0.01) == "E5"


def test_the_smallest_is_below_each_of_the_others() -> None:
    name = which.smallest(64, 16, 8, 0.5)
    assert name == "E8"
    values = {"d": 64, "S": 16, "K": 8, "I_bar": 0.5, "W": 1 / 8}
    value = {
        one: float(claim(one).value(values, FLOAT, variant=form))
        for one, form in (("E8", "step-size"), ("KL2", "equal-steps-tv"))
    }
    assert value["E8"] < value["KL2"]
    assert value["KL2"] == pytest.approx((64 * 0.5 / 16) ** 0.5)
