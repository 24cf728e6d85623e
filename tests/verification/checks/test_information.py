"""What the checks of KL1–KL7 compute on their own."""

import math
from fractions import Fraction

import pytest
from sharprates.samplers import families
from sharprates.verification.checks.check import decided
from sharprates.verification.checks.information import CHECKS
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Verdict


def check(name: str):
    return next(one for one in CHECKS if name in one.name)


def test_a_block_of_two_copies_costs_log_two() -> None:
    law = exact_experiment(families.family("copies:3:2"), blocks=(1, 2))
    ((measured, _),) = decided(
        check("ordered set partition"), Example.of(law), STATED
    ).decision.sides
    assert measured.middle == 0  # the second and third token are known by then
    law = exact_experiment(families.family("copies:3:2"), blocks=(2, 1))
    found = decided(check("ordered set partition"), Example.of(law), STATED)
    assert found.decision.sides[0][0].middle == pytest.approx(math.log(2), abs=1e-30)
    assert found.decision.verdict is Verdict.HOLDS


@pytest.mark.parametrize("K", [64, 1024])
def test_slopes_of_pairs(K: int) -> None:
    example = Example.of(family="pairs:4:2", K=K)
    found = check("TV falls").evaluate(example, STATED)
    assert found.decision.verdict is Verdict.HOLDS
    (alike,) = check("TV falls").mutants
    assert decided(check("TV falls"), example, alike).decision.verdict is Verdict.FAILS


def test_symmetric_leaks_attain_the_logarithm() -> None:
    """Copies in one step: λ = ½, every word halved, KL = log 2."""
    law = exact_experiment(families.family("copies:2:2"), steps=(Fraction(1),))
    ((measured, bound),) = decided(
        check("outside the support"), Example.of(law), STATED
    ).decision.sides
    assert measured.middle == pytest.approx(math.log(2), abs=1e-30)
    assert bound.middle == pytest.approx(measured.middle, abs=1e-30)
