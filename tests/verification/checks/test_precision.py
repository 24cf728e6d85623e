"""G1's numbers: the model three ways, and the float32 lattice two ways."""

from fractions import Fraction

import pytest
import torch
from sharprates.samplers.gumbel import truncated_law
from sharprates.verification.arithmetic import interval, precision
from sharprates.verification.checks.precision import CHECKS, RARE, lattice_chance, quadrature
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.verdict import Verdict


def test_the_rare_symbol_of_the_note() -> None:
    """π = (1e-7, 1 − 1e-7): 5.5099e-8 in the model."""
    with precision(128):
        found = [interval(value) for value in quadrature(RARE)]
    assert found[0].middle == pytest.approx(5.5099e-8, rel=1e-4)
    assert found[0].width < 1e-30
    assert found[0].middle + found[1].middle == pytest.approx(1, abs=1e-15)
    law = truncated_law(torch.tensor([1e-7, 1 - 1e-7], dtype=torch.float64), 24)
    assert float(law[0]) == pytest.approx(found[0].middle, rel=1e-9)


@pytest.mark.parametrize(("zero", "value"), [(False, 7.3141e-8), (True, 1.3275e-7)])
def test_the_lattice_of_the_note(zero: bool, value: float) -> None:
    """With u = 0 allowed the sign flips: the rare symbol gains."""
    assert lattice_chance(1e-7, zero) == pytest.approx(value, rel=1e-4)


def test_equal_probabilities_are_not_moved() -> None:
    pi = (Fraction(1, 4),) * 4
    with precision(128):
        found = quadrature(pi)
    assert all(float(value) == pytest.approx(0.25, abs=1e-15) for value in found)


def test_the_formula_is_compared_at_every_symbol() -> None:
    pi = (Fraction(1, 10**8), Fraction(1, 3), Fraction(2, 3) - Fraction(1, 10**8))
    with precision(128):
        trial = CHECKS[0].evaluate(Example.of(pi=pi), STATED)
    assert len(trial.decision.sides) == 3
    assert trial.decision.verdict is Verdict.HOLDS
