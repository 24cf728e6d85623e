"""What the checks of P1, P2, P4, P9, P10 and P11 compute on their own."""

from fractions import Fraction

import pytest
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.checks import policies
from sharprates.verification.checks.check import Check, decided, exact
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Verdict

HALF = Fraction(1, 2)


def check(claim: str, name: str) -> Check:
    return next(one for one in policies.CHECKS if one.claim == claim and name in one.name)


def test_confidence_in_the_values_drawn_is_rejected_by_the_smallest_law() -> None:
    example = policies.TWO_INDEPENDENT["two independent tokens"]
    ((measured, bound),) = policies._drawn(example, STATED).decision.sides
    assert (measured.lower, bound.lower) == (Fraction(9, 100), 0)
    honest = policies._exact_rows(example, STATED)
    assert honest.decision.verdict is Verdict.HOLDS


def test_pairs_attain_the_rule() -> None:
    for epsilon in (Fraction(1, 3), HALF):
        example = policies.pair_by_pair(1, epsilon)
        found = decided(check("P10", "γ = h"), example, STATED)
        assert found.decision.ratio == 1
        two = policies.pair_by_pair(2, epsilon)
        assert decided(check("P10", "exact value"), two, STATED).decision.verdict is Verdict.HOLDS


def test_block_diffusion_with_one_block_is_the_parallel_sampler() -> None:
    w = (HALF, Fraction(1, 3), Fraction(1, 6))
    law = policies.pairs_in_blocks(2, 2, 2, 3).law
    one = Example.of(law, size=4, laws=(w,))
    tv, values = policies._block_diffusion(one, "coincidence")
    whole = exact(exact_experiment(law.target, steps=w))
    assert tv == whole.tv
    sampler = ParallelSampler(4, StepLaw.from_fractions(w))
    floats = sampler.law(law.target, law.denoiser)
    gap = (law.target.weights - floats.probability).clamp(min=0).sum()
    assert float(gap) == pytest.approx(float(tv))
    assert values["distinct"] == 0  # four tokens in three steps


def test_block_diffusion_one_token_a_block_is_exact() -> None:
    law = policies.pairs_in_blocks(2, 2, 2, 3).law
    single = Example.of(law, size=1, laws=((HALF, HALF),) * 4)
    tv, values = policies._block_diffusion(single, None)
    assert tv == 0
    assert abs(float(values["exponent"])) < 1e-30
