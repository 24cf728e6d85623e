"""Trials of F1–F5 on one law that can be checked by hand."""

from fractions import Fraction

import pytest
from sharprates.samplers import families
from sharprates.verification.checks.check import changed
from sharprates.verification.checks.forward import CHECKS
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Verdict

COPIES = exact_experiment(families.family("copies:2:2"))
AT_A_TIME = Example.of(COPIES, alpha=Fraction(1, 3), speed=2)
AT_TWO = Example.of(COPIES, alpha_t=Fraction(1, 4), alpha_s=Fraction(1, 2))


def trial(claim_id: str, place: int = 0):
    return [check for check in CHECKS if check.claim == claim_id][place].evaluate


def test_every_partial_state_is_compared() -> None:
    found = trial("F1")(AT_A_TIME, STATED)
    assert (
        len(found.decision.sides) == 2 + 4 + 1
    )  # full words of positive probability, one token, none
    assert found.decision.verdict is Verdict.HOLDS
    assert sum(measured.lower for measured, _ in found.decision.sides) == 1


@pytest.mark.parametrize(("claim_id", "value"), [("F2", Fraction(5, 9)), ("F3", Fraction(8, 9))])
def test_the_ends(claim_id: str, value: Fraction) -> None:
    """α = ⅓: 1 − (2/3)² = 5/9 of the mass is not all masks; 1 − (1/3)² = 8/9 is not full."""
    ((measured, bound),) = trial(claim_id)(AT_A_TIME, STATED).decision.sides
    assert measured.lower == bound.lower == value
    ((measured, bound),) = trial(claim_id, 1)(AT_A_TIME, STATED).decision.sides
    assert measured.lower == value < bound.lower


def test_scores_and_rates() -> None:
    """α/(1−α) = ½: the first token of a fair pair has the score ¼, a copy ½ or 0."""
    scores = {measured.lower for measured, _ in trial("F4")(AT_A_TIME, STATED).decision.sides}
    assert scores == {0, Fraction(1, 4), Fraction(1, 2)}
    rates = {measured.lower for measured, _ in trial("F4", 1)(AT_A_TIME, STATED).decision.sides}
    assert rates == {6 * score for score in scores}  # −α′/α = 2·3


def test_the_bridge() -> None:
    """ρ = ⅓: from two masks to two equal symbols with chance ρ²·½, never to unequal ones."""
    found = trial("F5")(AT_TWO, STATED)
    assert Fraction(1, 18) in {measured.lower for measured, _ in found.decision.sides}
    assert found.decision.verdict is Verdict.HOLDS
    broken = changed("", alpha_s=lambda a: a / 2 + 1)
    assert trial("F5")(AT_TWO, broken).decision.verdict is Verdict.FAILS
