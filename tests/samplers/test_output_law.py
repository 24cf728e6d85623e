"""Bounds on the rounding of an output law."""

import math
from fractions import Fraction

import pytest
from sharprates.samplers.output_law import UNIT, compound, rounding


@pytest.mark.parametrize("depth", [0, 1, 1000, 1e9])
def test_rounding_bounds_that_many_roundings(depth):
    exact = 1 / (1 - Fraction(UNIT)) ** int(depth) - 1 if depth <= 1000 else depth * Fraction(UNIT)
    assert rounding(depth) >= float(exact) * (1 - 1e-12)
    assert rounding(depth) <= float(exact) * 1.001


@pytest.mark.parametrize("errors", [(), (0.0,), (1e-16, 1e-16), (1e-17,) * 5, (0.1, 0.2)])
def test_compound_bounds_a_product(errors):
    exact = math.prod(1 + Fraction(e) for e in errors) - 1
    assert Fraction(compound(*errors)) >= exact
    assert compound(*errors) <= float(exact) * (1 + 1e-11)
