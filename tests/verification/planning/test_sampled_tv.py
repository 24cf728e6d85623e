"""Limits on KL and TV of long targets: against exact values where these can be enumerated."""

import math

import pytest
import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target, all_states
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.functions import rank_excess
from sharprates.theory.registry import CLAIMS
from sharprates.verification.planning.chain_information import chain_information
from sharprates.verification.planning.data_law import Tractable
from sharprates.verification.planning.sampled_tv import sampled_tv
from sharprates.verification.profile import profile
from sharprates.verification.statistics.budget import Ledger
from torch import Tensor

from book.examples.two_topics import ProductMixture

CHECKS = (
    *(f"{kind} {steps}" for kind in ("chain", "mixture") for steps in (2, 6, 40)),
    "long chain",
)
SLOW = torch.tensor([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.3, 0.1, 0.6]], dtype=torch.float64)


def mixture(d: int) -> ProductMixture:
    generator = torch.Generator().manual_seed(5)
    m = torch.rand(2, d, 2, generator=generator, dtype=torch.float64) ** 2 + 0.05
    return ProductMixture.of(
        torch.tensor([0.4, 0.6], dtype=torch.float64), m / m.sum(-1, keepdim=True)
    )


def enumerated(target: Tractable) -> Target:
    states = all_states(target.length, target.vocabulary)
    return Target.from_rows(states, target.log_probability(states).exp(), target.vocabulary)


def divergence(information: Tensor, law: StepLaw) -> float:
    """A = Σ_m (d·n_m − 1)·h_m."""
    d = len(information)
    excess = torch.tensor(rank_excess(FLOAT, d, law.weights.tolist()), dtype=torch.float64)
    return d * float(excess @ information)


@pytest.mark.parametrize("steps", [2, 6, 40])
@pytest.mark.parametrize("kind", ["chain", "mixture"])
def test_limits_enclose_exact_values(kind: str, steps: int, ledger: Ledger) -> None:
    target: Tractable = MarkovChain.of(SLOW, 5) if kind == "chain" else mixture(6)
    listed = enumerated(target)
    law = StepLaw.equal(steps)
    level = ledger.take(f"{kind} {steps}")
    found = sampled_tv(target, law, 1500, seed=steps, level=level, inner=2)
    h = profile(listed).information
    exact = total_variation(tables(listed, ExactDenoiser(listed)).law(law), listed).value
    assert found.lower <= exact <= found.upper
    assert found.divergence is not None
    assert found.divergence.lower <= divergence(h, law) <= found.divergence.upper
    values = {"d": target.length, "w": law.weights.tolist(), "h": h.tolist()}
    assert found.parts["E5"] >= CLAIMS["E5"].value(values, FLOAT, variant="entropy")
    assert found.parts["pinsker"] >= math.sqrt(divergence(h, law) / 2)


def test_limits_are_useful_at_length(ledger: Ledger) -> None:
    """d = 200: the divergence is known within two fifths, and another chain's is excluded."""
    chain = MarkovChain.of(SLOW, 200)
    law = StepLaw.equal(50)
    found = sampled_tv(chain, law, 1200, seed=3, level=ledger.take("long chain"), inner=1)
    exact = divergence(chain_information(chain), law)
    assert found.divergence is not None
    assert found.divergence.lower <= exact <= found.divergence.upper
    assert found.divergence.upper - found.divergence.lower < 0.8 * exact
    faster = MarkovChain.of(0.5 * SLOW + 0.5 * SLOW.mean(0), 200)
    assert not found.divergence.lower <= divergence(chain_information(faster), law)
    assert found.upper < 1


def test_a_lower_limit_that_says_something() -> None:
    """One step: independent tokens look unlike a chain, and likelihood sees it."""
    found = sampled_tv(MarkovChain.of(SLOW, 30), StepLaw.equal(1), 1500, level=1e-3, inner=1)
    assert found.lower > 0.5
    assert found.parts["allocations"] > found.lower


def test_masks_left_over_count_exactly() -> None:
    law = StepLaw.from_weights(torch.tensor([0.5, 0.49], dtype=torch.float64))
    found = sampled_tv(MarkovChain.of(SLOW, 20), law, 100, inner=1)
    assert found.divergence is None  # it is infinite one way, and no claim's other way
    assert set(found.parts) == {"allocations"}
    assert found.lower >= 1 - 0.99**20 - 1e-12
    assert found.to_json()["divergence"] is None


def test_a_product_law_has_no_divergence() -> None:
    target = ProductMixture.product(torch.tensor([[0.2, 0.8]] * 12, dtype=torch.float64))
    found = sampled_tv(target, StepLaw.equal(3), 3000, inner=1)
    assert found.divergence is not None
    assert found.divergence.mean == pytest.approx(0, abs=1e-12)
    assert found.upper < 0.02


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"samples": 1}, "need n ≥ 2"),
        ({"inner": 0}, "M ≥ 1"),
        ({"level": 0.0}, "level: must lie between 0 and 1"),
    ],
)
def test_bad_arguments_are_named(options: dict[str, float], hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        sampled_tv(MarkovChain.of(SLOW, 3), StepLaw.equal(2), **options)
