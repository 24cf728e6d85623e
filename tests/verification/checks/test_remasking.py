"""Single steps of the checks of remasking, by hand."""

from fractions import Fraction

from flint import fmpq
from sharprates.verification.checks.remasking import (
    CHECKS,
    CONTEXT,
    admissible,
    relevant_terms,
    reveal_rate,
)
from sharprates.verification.checks.trial import STATED
from sharprates.verification.verdict import Verdict


def test_the_largest_sigma_reveals_all() -> None:
    late, early = Fraction(1, 3), Fraction(1, 2)
    assert admissible(early, late) == 1
    assert reveal_rate(Fraction(1), early, late) == Fraction(3, 4)
    assert admissible(Fraction(2, 3), Fraction(1, 2)) == Fraction(2, 3)
    assert reveal_rate(Fraction(2, 3), Fraction(2, 3), Fraction(1, 2)) == 1
    assert admissible(Fraction(1), Fraction(1, 2)) == 0


def test_a_context_is_relevant() -> None:
    terms, blocks = relevant_terms(CONTEXT)
    assert terms["relevant_tv"] == fmpq(1, 2)
    assert [len(one.block) for one in blocks] == [2, 1, 1]
    assert relevant_terms(CONTEXT, contexts=False)[0]["relevant_tv"] == 0


def test_edges_hold_and_mutants_die_on_them() -> None:
    for check in (one for one in CHECKS if one.claim in ("R2", "R5") and one.edges):
        for example in check.edges.values():
            assert check.evaluate(example, STATED).decision.verdict is Verdict.HOLDS
