"""Decisions: ratios that are proofs, and more bits where they are needed."""

from fractions import Fraction

import pytest
from flint import arb
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.theory.claim import Relation
from sharprates.theory.registry import CLAIMS
from sharprates.verification.decide import PRECISIONS, at_rising_precision, decide
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.verdict import Decision, Verdict, decision_of


def test_bits_are_added_until_the_sides_differ() -> None:
    tried = []

    def sides(gap: int) -> Decision:
        tried.append(gap)
        one = arb(1)
        return decision_of(Relation.UPPER, [(one.exp(), one.exp() + arb(2) ** -gap)])

    assert at_rising_precision(lambda: sides(60), lambda found: found).verdict is Verdict.HOLDS
    assert len(tried) == 1
    found = at_rising_precision(lambda: sides(300), lambda found: found)
    assert found.settled
    assert len(tried) == 3
    # equal to hundreds of bits is equal: the last precision is not tried
    assert at_rising_precision(lambda: sides(10**6), lambda found: found).verdict is Verdict.HOLDS
    assert len(tried) == 5 < 3 + len(PRECISIONS)


def test_a_ball_that_says_nothing_is_tried_again_and_then_raised() -> None:
    with pytest.raises(ArithmeticError, match="says nothing"):
        at_rising_precision(
            lambda: decision_of(Relation.UPPER, [(arb("nan"), arb(1))]), lambda found: found
        )


def test_a_claim_on_an_experiment() -> None:
    copies = exact_experiment(family("copies:2:2"), steps=(Fraction(1, 2),) * 2)
    found = decide(CLAIMS["E3"], lambda: ExactQuantities(copies))
    assert (found.measured.lower, found.bound.lower) == (Fraction(1, 4), Fraction(1, 2))
    tighter = {"E3.constant": Fraction(49, 100)}
    assert decide(CLAIMS["E3"], lambda: ExactQuantities(copies), scale=tighter).verdict == "fails"
    with pytest.raises(InputError, match="does not give"):
        decide(CLAIMS["F1"], lambda: ExactQuantities(copies))


def test_digits_lost_to_cancellation_come_back_at_the_last_precision() -> None:
    def sides() -> Decision:
        far = arb(10) ** 300
        return decision_of(Relation.UPPER, [((far + arb(1).exp()) - far, arb(3))])

    found = at_rising_precision(sides, lambda decision: decision)
    assert found.verdict is Verdict.HOLDS
    assert 2.71 < found.measured.middle < 2.72
