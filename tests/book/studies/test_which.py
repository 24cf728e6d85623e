"""The map of the smallest bound against hand-checked corners."""

from __future__ import annotations

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import claim
from studies import which


def test_few_tokens_are_the_bounds_on_shared_steps() -> None:
    """At d = 2 and ε = 1/100: E3 needs 1/ε steps, B1 (1 − 1/S)/ε, E5 about log S/ε."""
    assert which.fewest(2, 4, 0.01) == "B1"
    assert which.fewest(2, 65536, 0.01) == "E3"  # 100 steps as well, and the simpler bound
    assert which.fewest(8, 2, 0.01) == "E5"


def test_divergence_is_the_smallest_for_few_steps() -> None:
    """With K = 64 = d: KL7 is √(dĪ(1 + d/5K)/4K) = 0.387 at most, E5 0.44."""
    assert which.smallest(64, 16, 64, 0.5) == "KL7"
    assert which.smallest(64, 16, 512, 0.5) == "E5"
    assert which.smallest(64, 16, 8, 0.01) == "KL2"


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
