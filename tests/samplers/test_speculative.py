"""Speculation: its run, its exact law and its costs, each against the other."""

import math

import pytest
import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.speculative import SpeculativeSampler
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import cells, counts
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.strategies import Perturbed

CHECKS = ("speculation",)
RULES = ("confidence:2", "threshold:0.7", "entropy-bounded:0.6", "left-to-right:3")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_no_drafter_changes_the_law(rule: str, share: float) -> None:
    q = dirichlet(3, 3, 0.5, 4)
    drafter = Perturbed(ExactDenoiser(q), share=share) if share else None
    sampler = SpeculativeSampler(3, policy(rule, 3), drafter)
    law = sampler.law(q, ExactDenoiser(q))
    assert float((law.probability - q.weights).abs().sum()) <= law.error < 1e-12
    found = sampler.speculation(ExactDenoiser(q))
    assert found.calls == pytest.approx(found.rejections + found.accepted, abs=1e-13)
    assert 1 <= found.calls <= 3 <= found.evaluations


def test_a_verifier_that_errs_has_its_own_law() -> None:
    """One token a round by the same rule gives the law of the verifier, as q_π does."""
    q = dirichlet(3, 2, 0.5, 1)
    erring = Perturbed(ExactDenoiser(q), share=0.25, wrong=1)
    alone = PolicySampler(3, policy("left-to-right:1", 3)).law(q, erring)
    drafted = SpeculativeSampler(3, policy("left-to-right:3", 3), ExactDenoiser(q)).law(q, erring)
    assert torch.allclose(alone.probability, drafted.probability, rtol=0, atol=1e-15)
    assert total_variation(drafted, q).value > 0.05


def test_calls_by_hand() -> None:
    """Three fair copies drafted at once: the second differs with ½, and the third with ½ besides.

    A rejection at the second leaves one token, which the next call draws: 1·½ + 2·½ calls.
    """
    sampler = SpeculativeSampler(3, policy("left-to-right:3", 3))
    found = sampler.speculation(ExactDenoiser(family("copies:3:2")))
    assert found.calls == 1.5
    assert found.evaluations == 3 + 0.5 * 1
    assert (found.rejections, found.accepted) == (0.75, 0.75)


def test_the_run_follows_law_and_calls(ledger: Ledger) -> None:
    q = dirichlet(3, 3, 0.5, 4)
    drafter = Perturbed(ExactDenoiser(q), share=0.5)
    sampler = SpeculativeSampler(3, policy("confidence:2", 3), drafter)
    n = 20_000
    run = sampler.run(ExactDenoiser(q), n, torch.Generator().manual_seed(7))
    calls = (run.steps.amax(1) + 1).double()
    expected = sampler.speculation(ExactDenoiser(q)).calls
    assert abs(float(calls.mean()) - expected) <= 6 * float(calls.std()) / math.sqrt(n)
    p = torch.cat([q.weights, torch.zeros(1, dtype=torch.float64)])
    name = "speculation"
    check = law_test(name, counts(cells(q, run.rows), q), p, ledger.take(name))
    assert check.passed, str(check)


def test_rows_do_not_depend_on_the_batch() -> None:
    q = dirichlet(3, 3, 0.5, 4)
    draws = [
        SpeculativeSampler(3, policy("threshold:0.7", 3), batch=batch).sample(
            ExactDenoiser(q), 50, torch.Generator().manual_seed(1)
        )
        for batch in (None, 7)
    ]
    assert torch.equal(*draws)


def test_a_rule_with_an_order_of_its_own_is_refused() -> None:
    with pytest.raises(InputError, match="policy random:2: draws an order before"):
        SpeculativeSampler(4, policy("random:2", 4))
