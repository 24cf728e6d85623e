"""Speculation in fractions against the sampler, and what a wrong order of verification does."""

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.policies import policy
from sharprates.samplers.speculative import SpeculativeSampler
from sharprates.verification import strategies as some
from sharprates.verification.checks import speculation
from sharprates.verification.checks.check import exact
from sharprates.verification.checks.choices import LeftBlocks, SurestFirst
from sharprates.verification.checks.trial import Example


@given(some.erring_with(st.just(some.AT_ONCE), max_length=3))
@settings(max_examples=30, deadline=None)
def test_costs_are_those_of_the_sampler(example: Example) -> None:
    it, target = exact(example.law), example.law.target
    for rule, text in ((LeftBlocks(), f"left-to-right:{it.d}"), (SurestFirst(), "threshold:1")):
        found = speculation.speculate(it, rule)
        sampler = SpeculativeSampler(it.d, policy(text, it.d), example.law.denoiser)
        costs = sampler.speculation(ExactDenoiser(target))
        for one in ("calls", "rejections", "accepted"):
            assert getattr(costs, one) == pytest.approx(float(getattr(found, one)), abs=1e-12)
        assert sum(found.law.values()) == 1


def test_two_bits_drafted_badly() -> None:
    """Each is ⅓ against ¾: the first is refused with 5/12, and the second does not matter then."""
    it = exact(speculation.UNFAIR)
    found = speculation.speculate(it, LeftBlocks())
    refused = fmpq(3, 4) - fmpq(1, 3)
    assert found.calls == 1 + refused
    assert found.drift == refused
    assert speculation._occupied_drift(it) == refused
    assert speculation._occupied_drift(it, last=True) > refused


def test_the_order_of_verification_may_not_see_the_draft() -> None:
    it = exact(speculation.UNFAIR)
    law = speculation.speculate(it, LeftBlocks(), speculation._by_draft).law
    honest = speculation.speculate(it, LeftBlocks()).law
    assert {row: Fraction(int(p.p), int(p.q)) for row, p in honest.items()} == {
        (0, 0): Fraction(1, 9),
        (0, 1): Fraction(2, 9),
        (1, 0): Fraction(2, 9),
        (1, 1): Fraction(4, 9),
    }
    assert law != honest
    assert sum(law.values()) == 1
