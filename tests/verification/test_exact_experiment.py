"""Exact experiments that cannot be."""

from fractions import Fraction

import pytest
from sharprates.samplers.families import family
from sharprates.verification.exact_experiment import exact_experiment


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({"steps": (Fraction(1),), "blocks": (2,)}, "one of"),
        ({"steps": (Fraction(2),)}, "at most 1"),
        ({"blocks": (1,)}, "sum 2"),
        ({"predictions": {((0, 2), 0): (Fraction(1), Fraction(0))}}, "hidden position"),
        ({"predictions": {((0, 2), 1): (Fraction(1), Fraction(1))}}, "hidden position"),
    ],
)
def test_bad_experiments(schedule, message):
    with pytest.raises(ValueError, match=message):
        exact_experiment(family("copies:2:2"), **schedule)
