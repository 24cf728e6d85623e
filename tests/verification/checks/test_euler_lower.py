"""What the checks of L0–L7 and X1 compute on their own: known constants, limits, long families."""

from fractions import Fraction

import pytest
import torch
from sharprates.samplers import families
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.checks.check import exact
from sharprates.verification.checks.euler_lower import (
    CHECKS,
    MATCHINGS,
    coarse_and_fine,
    extrapolated,
    on_uniform_grid,
    random_law,
)
from sharprates.verification.checks.split_steps import first_order_in_steps
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Verdict


def test_matchings_of_six_words_attain_the_conjecture() -> None:
    """(d/2)(H_3 − 1) = 2·5/6 at d = 4, S = 3."""
    assert str(first_order_in_steps(exact(MATCHINGS))) == "5/3"


@pytest.mark.parametrize(("coarse_first", "value"), [(True, 1.1103), (False, 0.3897)])
def test_where_the_coarse_steps_are_matters(coarse_first: bool, value: float) -> None:
    """Copies, d = 3, S = 2: 200 steps of 1/400 and 10⁴ of 1/20000, in both orders (L5)."""
    w = coarse_and_fine(1, coarse_first)
    assert len(w) == 10_200
    law = StepLaw.from_weights(torch.tensor(w, dtype=torch.float64))
    assert families.structured_tv("copies:3:2", law).tv / sum(x * x for x in w) == pytest.approx(
        value, abs=5e-5
    )


def test_the_placed_steps_are_near_their_limit() -> None:
    check = next(one for one in CHECKS if "coarse steps first" in one.name)
    for place in ("first", "last"):
        trial = check.evaluate(Example.of(coarse=place, split=1), STATED)
        ((distance, tolerance),) = trial.decision.sides
        assert trial.decision.verdict is Verdict.HOLDS
        assert tolerance.upper == pytest.approx(27 / 400)
        assert distance.upper < 0.01


def test_extrapolation_is_exact_for_polynomials() -> None:
    values = [2 + 3 / K - 5 / K**2 + 7 / K**3 for K in (8, 16, 32, 64)]
    assert extrapolated(values) == pytest.approx(2, abs=1e-12)


def test_a_grid_down_to_zero_leaves_nothing_to_ancestral_steps() -> None:
    assert on_uniform_grid("ancestral", 16, 3.0).leftover == 0
    assert 0 < on_uniform_grid("tau-leaping", 16, 3.0).leftover < 1


def test_random_laws_have_the_leftover_asked_for() -> None:
    assert random_law(3, 20, 0.01).leftover == pytest.approx(0.01)
    assert random_law(3, 20, 0.0).leftover == pytest.approx(0, abs=1e-12)


def test_groups_with_free_tokens_left_over() -> None:
    """d = 5 in pairs: two pairs and a constant token, K = 2, nothing left: 1 − (3/4)²."""
    check = next(one for one in CHECKS if one.name == "(a) groups of shared symbols, any step law")
    half = (Fraction(1, 2),) * 2
    law = exact_experiment(families.family("groups:5:2"), steps=half)
    ((measured, bound),) = check.evaluate(Example(law, {"g": 2}), STATED).decision.sides
    assert measured.lower == bound.lower == Fraction(7, 16)
