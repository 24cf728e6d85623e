"""What the checks of P3, P3C and P8 compute on their own."""

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from sharprates.theory.policies import P3C
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.verification import strategies as some
from sharprates.verification.checks import one_round
from sharprates.verification.checks.check import decided
from sharprates.verification.checks.trial import STATED, Example, Mutant
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.verdict import Verdict


@pytest.mark.parametrize(
    ("law", "distance", "copies"),
    [
        (one_round.FOUR, fmpq(120, 128), Fraction(119, 128)),
        (one_round.FIVE, fmpq(211, 243), Fraction(210, 243)),
    ],
)
def test_copies_are_not_worst_for_four_tokens_and_more(
    law: Experiment, distance: fmpq, copies: Fraction
) -> None:
    it = one_round.at_once(law)
    _, epsilon = one_round._confident(it)
    assert it.tv == distance
    values = {"n": it.d, "S": it.S, "epsilon": Fraction(int(epsilon.p), int(epsilon.q))}
    assert P3C.value(values, RATIONALS) == copies
    assert one_round._triple(Example.of(law), STATED).decision.verdict is Verdict.FAILS


def test_the_search_looks_at_the_conjectured_value() -> None:
    """Copies attain it; independent tokens have no distance; a sure law says nothing."""
    copies = np.zeros((2, 2, 2))
    copies[0, 0, 0], copies[1, 1, 1] = 2 / 3, 1 / 3
    assert one_round._triple_ratio(copies) == pytest.approx(1)
    assert one_round._triple_ratio(np.full((2, 2, 2), 1 / 8)) == pytest.approx(0)
    sure = np.zeros((2, 2, 2))
    sure[0, 0, 0] = 1
    assert one_round._triple_ratio(sure) == -1


def test_what_the_search_finds_is_close_to_the_value_and_not_above() -> None:
    found = list(one_round._climbed(3))
    ratios = [one_round._triple(one, STATED).decision.ratio or 0 for one in found]
    assert max(ratios) > 0.9
    assert max(ratios) <= 1


def test_beyond_the_published_range_another_tuple_may_be_likelier() -> None:
    (check,) = [one for one in one_round.CHECKS if "published" in one.name]
    law = check.edges["two thirds of the way"]
    assert check.evaluate(law, STATED).decision.verdict is Verdict.HOLDS
    wider = next(one for one in check.mutants if one.name.startswith("nε"))
    assert decided(check, law, wider).decision.verdict is Verdict.FAILS


def test_predictions_need_the_true_law_in_their_indices() -> None:
    """Two fair copies predicted to be 0 surely: Ĝ = 0, while 1 − p·p̂ = ½ and TV(p_j, p̂_j) = ½."""
    sure = (Fraction(1), Fraction(0))
    law = exact_experiment(
        some.copies_of(2, 2, Fraction(1, 2)), predictions={((2, 2), i): sure for i in (0, 1)}
    )
    (side, _) = one_round._estimated(Example.of(law), STATED).decision.sides
    assert (side[0].lower, side[1].lower) == (Fraction(1, 2), 1)
    own = one_round._estimated(Example.of(law), Mutant(""), own=True).decision.sides
    assert own[0][1].lower == Fraction(1, 2)
