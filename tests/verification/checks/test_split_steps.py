"""Limits of split steps: known constants, and the same limits by many steps in float64."""

import itertools
from fractions import Fraction

import pytest
from sharprates.samplers import families
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.growth import GrowthSum
from sharprates.verification.checks.check import exact
from sharprates.verification.checks.split_steps import (
    first_order_in_steps,
    growth_in_steps,
    places,
)
from sharprates.verification.exact_experiment import exact_experiment


@pytest.mark.parametrize(
    ("text", "c"),
    [
        ("copies:3:2", "3/4"),
        ("parity:4:2", "1"),
        ("permutations:3:3", "5/4"),
        ("permutations:4:4", "13/6"),
        ("shared-symbols:3:2", "3/2"),
        ("uniform:3:2", "0"),
    ],
)
def test_first_order_constants_by_interpolation(text: str, c: str) -> None:
    it = exact(exact_experiment(families.family(text)))
    assert str(first_order_in_steps(it)) == c
    assert it.first_order == first_order_in_steps(it)


@pytest.mark.parametrize("coarse", [(Fraction(1),), (Fraction(1, 4), Fraction(3, 4))])
@pytest.mark.parametrize("text", ["copies:3:2", "parity:3:2", "pairs:4:2"])
def test_growth_in_steps_is_that_of_many(text: str, coarse: tuple[Fraction, ...]) -> None:
    it = exact(exact_experiment(families.family(text)))
    limit = float(growth_in_steps(it, coarse).mid())
    h, many = [float(x.mid()) for x in it.h], 1000
    w = [float(x) / many for x in coarse for _ in range(many)]
    assert many * GrowthSum.compute(FLOAT, w, h) == pytest.approx(limit, rel=3e-3)


def test_places_of_one_step_are_uniform_and_late_steps_count_late() -> None:
    assert [str(x) for x in places(4, (Fraction(1),))] == ["1/3"] * 3
    early, late = (places(3, w) for w in itertools.permutations((Fraction(3, 4), Fraction(1, 4))))
    assert early == late[::-1]
    assert early[0] > early[1]
    assert sum(early) == 1
