"""What the checks of U1–U4 compute on their own."""

import math

import pytest
from flint import fmpq
from sharprates.samplers import families
from sharprates.verification.checks.check import decided, exact
from sharprates.verification.checks.dependence import (
    CHECKS,
    NEARLY_INDEPENDENT,
    STATED,
    nested,
    step_divergence,
)
from sharprates.verification.checks.trial import STATED as AS_STATED
from sharprates.verification.checks.trial import Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Verdict


def check(name: str):
    return next(one for one in CHECKS if name in one.name)


def test_nested_sets_have_their_probabilities() -> None:
    p, q = fmpq(1, 3), fmpq(3, 4)
    found = list(nested(2, p, q))
    assert sum(weight for *_, weight in found) == 1
    assert sum(weight for shown, _, weight in found if 0 in shown) == p
    assert sum(weight for _, after, weight in found if 0 in after) == q
    assert all(shown <= after for shown, after, _ in found)
    assert [x for *x, _ in nested(1, fmpq(0), fmpq(1))] == [[set(), {0}]]


def test_a_step_of_copies_pays_if_both_come_at_once() -> None:
    """Two copies: log 2 if both are revealed in the step, (q − p)²."""
    it = exact(exact_experiment(families.family("copies:2:2")))
    found = float(step_divergence(it, fmpq(1, 4), fmpq(3, 4)).mid())
    assert found == pytest.approx(math.log(2) / 4, abs=1e-14)


def test_the_bound_without_a_root_fails_on_two_tokens() -> None:
    """TV = 1/128, while 1 − exp(−KL) is 60 times smaller, KL = ΣΓ being exact at d = 2, K = 1."""
    of_tv = check("TV against")
    (rootless,) = of_tv.mutants
    example = Example(NEARLY_INDEPENDENT)
    assert decided(of_tv, example, AS_STATED).decision.verdict is Verdict.HOLDS
    found = decided(of_tv, example, rootless).decision
    assert found.verdict is Verdict.FAILS
    assert found.measured.middle == 1 / 128
    assert found.bound.middle == pytest.approx(1.26e-4, rel=1e-2)
    it = exact(NEARLY_INDEPENDENT)
    assert float(it.kl.mid()) == pytest.approx(-math.log1p(-found.bound.middle), rel=1e-9)


@pytest.mark.parametrize("grid", STATED)
def test_limits_on_half_copies_and_half_parity(grid: str) -> None:
    found = check("three grids").evaluate(Example.of(grid=grid), AS_STATED).decision
    assert found.verdict is Verdict.HOLDS
