"""P9: what is measured and what is not bound the exact TV together; the limits hold."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import dirichlet, family
from sharprates.samplers.letters import letters
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.target import Target
from sharprates.samplers.trajectories import Rounds, trajectories
from sharprates.verification.certificate import certify
from sharprates.verification.driven import drive
from sharprates.verification.statistics.budget import Ledger

CHECKS = ("limits",)
POLICIES = ("confidence:2", "threshold:0.6", "left-to-right:3", "entropy-bounded:0.5")


def not_measured(text: str, denoiser: Denoiser, target: Target) -> float:
    """E Σ_blocks TV(p_j, p̂_j) at the leftmost token of each block, context after context."""
    exact, total = ExactDenoiser(target), 0.0
    path = trajectories(policy(text), denoiser, target.rows)
    for row, rounds, weight in zip(target.rows, path.round_of, target.weights, strict=True):
        for k in range(int(rounds.max()) + 1):
            state = torch.where(rounds < k, row, target.vocabulary)[None]
            j = int((rounds == k).nonzero()[0])
            gap = (exact(state) - denoiser(state))[0, j].abs().sum() / 2
            total += float(weight * gap)
    return total


def measured(text: str, denoiser: Denoiser, target: Target) -> float:
    found = drive(policy(text), denoiser, target.rows, Rounds())
    return float(target.weights @ found.measured)


@given(st.integers(0, 50), st.sampled_from(POLICIES), st.sampled_from([0.0, 0.05]))
def test_both_parts_bound_the_exact_tv(seed: int, text: str, noise: float) -> None:
    target = dirichlet(3, 2, 0.3, seed)
    exact = ExactDenoiser(target)
    denoiser = NoisyDenoiser(exact, noise) if noise else exact
    law = PolicySampler(3, policy(text)).law(target, denoiser)
    bound = measured(text, denoiser, target) + not_measured(text, denoiser, target)
    assert total_variation(law, target).value <= bound + 1e-12


def test_copies_attain_it() -> None:
    """So no smaller multiple of the measured part would do: the mutant of the test above."""
    target = family("copies:2:3")
    exact = ExactDenoiser(target)
    law = PolicySampler(2, policy("confidence:2")).law(target, exact)
    tv = total_variation(law, target)
    assert measured("confidence:2", exact, target) == pytest.approx(2 / 3)
    assert tv.value > 0.99 * measured("confidence:2", exact, target)


def test_limits_hold_the_mean_over_the_data(ledger: Ledger) -> None:
    target = dirichlet(4, 2, 0.5, 1)
    exact = ExactDenoiser(target)
    g = torch.Generator().manual_seed(0)
    rows = target.rows[torch.multinomial(target.weights, 600, replacement=True, generator=g)]
    level = ledger.take("limits")
    found = certify(rows, exact, POLICIES[:2], Rounds(), Fraction(level))
    for one in found:
        true = measured(one.policy, exact, target)
        assert one.measured.lower <= true <= one.measured.upper
        assert one.level == pytest.approx(level / 2)
    again = certify(rows, exact, POLICIES[:1], Rounds(), Fraction(1, 10))
    assert again[0].measured.upper < found[0].measured.upper


def test_one_token_a_round_leaves_nothing_to_measure() -> None:
    law = letters(64)
    rows = law.sample(10, torch.Generator().manual_seed(0))
    (found,) = certify(rows, law, ["confidence:1"], Rounds(), Fraction(1, 10))
    assert (found.measured.mean, found.rounds.mean) == (0, 64)


def test_what_it_cannot_certify() -> None:
    law = letters(8)
    rows = law.sample(4, torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match="in a random order"):
        certify(rows, law, ["random:2"], Rounds(), Fraction(1, 10))
    timed = NoisyDenoiser(law, 0.1)
    object.__setattr__(timed, "base", type("Timed", (), {"time_free": False, "vocabulary": 27})())
    with pytest.raises(InputError, match="depends on time, and a policy asks it without"):
        certify(rows, timed, ["confidence:2"], Rounds(), Fraction(1, 10))
