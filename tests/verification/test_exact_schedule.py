"""The facts of a schedule that hypotheses look at, where its weights are balls."""

from fractions import Fraction

import pytest
from sharprates.samplers.schedule import Schedule
from sharprates.verification.exact_schedule import exact_facts
from sharprates.verification.strategies import CLOCKS


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_exact_bridge_to_time_zero_leaves_no_mask(clock: str) -> None:
    schedule = Schedule("ancestral", clock, "uniform", 3, Fraction(1))
    assert not exact_facts(schedule)["has_leftover"]
    assert schedule.law(3).leftover == 0


def test_euler_that_lags_leaves_masks_unless_they_are_filled() -> None:
    for last_step, left in (("leave", True), ("fill", False)):
        schedule = Schedule("euler", "constant", "uniform", 3, Fraction(1), last_step=last_step)
        assert exact_facts(schedule)["has_leftover"] is left


def test_only_equal_fractions_are_equal_steps() -> None:
    linear = Schedule("euler", "linear", "uniform", 3, Fraction(1))
    assert exact_facts(linear) == {"has_leftover": False, "equal_steps": True}
    other = Schedule("ancestral", "polynomial:2", "uniform", 3, Fraction(1))
    assert exact_facts(other) == {"has_leftover": False, "equal_steps": False}
