"""What the checks of C1–C3 compute on their own."""

import math
from fractions import Fraction

import pytest
from sharprates.samplers import families
from sharprates.verification.checks.assumptions import CHECKS, _balanced
from sharprates.verification.checks.check import decided
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Verdict


def check(name: str):
    return next(one for one in CHECKS if name in one.name)


def test_a_fair_bit_with_a_small_error() -> None:
    """½ ± ¼: ε_FHS = ¼, and √(ε_KL/2) = √(−log(1 − ¼)/4)."""
    example = next(iter(_balanced(1)))
    ((measured, bound),) = decided(check("fair bit"), example, STATED).decision.sides
    assert measured.lower == Fraction(1, 4)
    assert bound.middle == pytest.approx(0.26818, abs=1e-5)


def test_an_infinite_divergence_says_nothing() -> None:
    law = exact_experiment(
        families.family("uniform:1:2"),
        blocks=(1,),
        predictions={((2,), 0): (Fraction(1), Fraction(0))},
    )
    assert not check("TV, a denoiser").evaluate(Example.of(law), STATED).counts


def test_infinite_divergence_at_small_total_variation() -> None:
    example = Example.of(eta=Fraction(1, 1024))
    found = check("as small as one likes").evaluate(example, STATED)
    assert found.decision.verdict is Verdict.HOLDS
    assert found.decision.sides[1][0].lower == Fraction(1, 1024)
    (kept,) = check("as small as one likes").mutants
    found = decided(check("as small as one likes"), example, kept)
    assert found.decision.verdict is Verdict.FAILS


def test_leftover_costs_the_divergence_d_log() -> None:
    """Copies, w = (½, ¼): KL = KL(⅔, ⅓) − 2 log ¾."""
    law = exact_experiment(families.family("copies:2:2"), steps=(Fraction(1, 2), Fraction(1, 4)))
    ((measured, bound),) = decided(check("with leftover"), Example.of(law), STATED).decision.sides
    # together with chance 5/9, each word then ¼: p̄ = ½·4/9 + ¼·5/9 = 13/36
    by_hand = math.log(18 / 13) + 2 * math.log(4 / 3)
    assert measured.middle == pytest.approx(by_hand, abs=1e-12)
    assert measured.middle == pytest.approx(bound.middle, abs=1e-30)


def test_the_other_divergence_is_infinite_at_any_leftover() -> None:
    found = check("infinite at any leftover").evaluate(Example.of(left=Fraction(1, 2**30)), STATED)
    assert found.decision.verdict is Verdict.HOLDS
    assert found.decision.sides[1][0].lower == Fraction(1, 2**30)
