"""Updates of what changes against `trajectories`, which asks for all predictions in each round."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.chain_trajectories import can_follow, chain_trajectories
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.letters import letters
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.policies import policy
from sharprates.samplers.tempered import TemperedDenoiser
from sharprates.samplers.trajectories import Rounds, trajectories

RULES = (
    "confidence:1",
    "confidence:3",
    "margin:2",
    "entropy:2",
    "threshold:0.4",
    "threshold:0.7",
    "factor:1.5",
    "factor:40",
    "entropy-bounded:0.6",
    "left-to-right:3:confidence:2",
    "left-to-right:4:threshold:0.6",
)


def check(
    chain: MarkovChain, denoiser: Denoiser, text: str, d: int, seed: int, rounds: Rounds
) -> None:
    rows = chain.sample(7, torch.Generator().manual_seed(seed))
    rule = policy(text, d)
    assert can_follow(rule, denoiser, rounds)
    found = chain_trajectories(rule, denoiser, rows, rounds)
    slow = trajectories(rule, denoiser, rows, rounds.most, rounds.last_step)
    assert torch.equal(found.round_of, slow.round_of)
    assert float((found.predicted - slow.predicted).abs().max()) < 1e-15


@given(
    st.sampled_from(RULES),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 99),
    st.sampled_from(["exact", "noisy", "tempered", "both"]),
    st.sampled_from([Rounds(), Rounds(2), Rounds(2, "leave")]),
)
def test_both_give_the_same_trajectories(
    text: str, S: int, blocks: int, seed: int, kind: str, rounds: Rounds
) -> None:
    # eighths make ties, zeros impossible neighbours
    g = torch.Generator().manual_seed(seed)
    A = torch.randint(0, 4, (S, S), generator=g, dtype=torch.float64)
    A[:, 0] += 1
    d = 12 * blocks
    chain = MarkovChain.of(A / A.sum(1, keepdim=True), d)
    denoiser: Denoiser = chain
    if kind in ("tempered", "both"):
        denoiser = TemperedDenoiser(denoiser, 0.5, 0.9)
    if kind in ("noisy", "both"):
        denoiser = NoisyDenoiser(denoiser, 0.1)
    check(chain, denoiser, text, d, seed, rounds)


@pytest.mark.parametrize("text", RULES)
def test_on_english_letters_beyond_the_reach(text: str) -> None:
    chain = letters(108)
    assert chain.length > 3 * chain.reach
    check(chain, chain, text, 108, 1, Rounds())


def test_what_it_is_not_for() -> None:
    chain = letters(32)
    assert not can_follow(policy("bisection"), chain)
    assert not can_follow(policy("left-to-right:4"), chain)
    assert not can_follow(policy("confidence:2"), chain, Rounds(cache=2))
    assert not can_follow(policy("confidence:2"), letters(32, 2))
    slow = MarkovChain.of(torch.tensor([[0.999, 0.001], [0.001, 0.999]], dtype=torch.float64), 3000)
    assert not can_follow(policy("confidence:2"), slow)
