"""Schedules: times, step laws, and equality by what they say."""

from fractions import Fraction

import pytest
import torch
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.errors import InputError
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw, step_law


def test_a_schedule_is_the_step_law_of_its_rule_on_its_grid() -> None:
    cosine = clock("cosine")
    plan = Schedule("euler", "cosine", "uniform", 5, 0.75, 0.125, "fill")
    times = grid("uniform", cosine, 5, 0.75, 0.125)
    assert torch.equal(plan.times(3), times)
    assert plan.law(3) == step_law("euler", cosine, times, "fill")
    assert str(plan) == "euler cosine uniform K=5 T=0.75 δ=0.125 fill"
    given = Schedule.at(times, "euler", "cosine", "fill")
    assert given.law(3) == plan.law(3)
    assert given.steps == 5
    assert str(given) == "euler cosine times K=5 fill"


def test_the_default_horizon_depends_on_the_length() -> None:
    plan = Schedule("ancestral", "constant", "uniform", 4)
    assert float(plan.times(2)[0]) < float(plan.times(9)[0])


def test_equal_schedules_have_one_hash() -> None:
    one = Schedule("euler", "linear", "uniform", 5, Fraction(1, 2))
    assert {one, Schedule("euler", "linear", "uniform", 5, 0.5)} == {one}
    assert torch.equal(one.times(2), Schedule("euler", "linear", "uniform", 5, 0.5).times(2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": "heun"}, "rule 'heun' is unknown"),
        ({"last_step": "argmax"}, "last step 'argmax' is unknown"),
        ({"grid": None}, "grid: give the name of one, or times"),
        ({"times_given": (1.0, 0.0)}, "grid: give the name of one, or times"),
    ],
)
def test_bad_schedules_are_named(changes: dict[str, object], message: str) -> None:
    plan = {"rule": "euler", "clock": "linear", "grid": "uniform", "steps": 3}
    with pytest.raises(InputError, match=message):
        Schedule(**{**plan, **changes})


def test_a_step_law_keeps_its_fractions() -> None:
    exact = (Fraction(1, 3), Fraction(1, 6))
    law = StepLaw.from_fractions(exact)
    assert law.fractions == exact
    assert law.weights.tolist() == [1 / 3, 1 / 6]
    assert law.leftover == 0.5
    assert law.weight_error == 2.0**-53
    assert law.filled().fractions == (*exact, Fraction(1, 2))
    assert law == StepLaw.from_fractions(exact)
    assert hash(law) == hash(StepLaw.from_fractions(exact))
    assert law != StepLaw.from_weights(law.weights)
    assert str(law) == "w=[1/3 1/6]"
    with pytest.raises(InputError, match="at most 1, got 7/6"):
        StepLaw.from_fractions((Fraction(1, 2), Fraction(2, 3)))


def test_what_a_uniform_law_is() -> None:
    third = Fraction(1, 3)
    assert StepLaw.from_fractions((third,) * 3).is_uniform(3)
    assert not StepLaw.from_fractions((third, third)).is_uniform(2)
    assert StepLaw.uniform(7).is_uniform(7)
    assert StepLaw.uniform(7).filled().is_uniform(7)
    assert not StepLaw.from_weights(torch.tensor([0.5, 0.4])).is_uniform(2)
