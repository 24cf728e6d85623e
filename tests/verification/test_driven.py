"""What a sequence says of a policy, on laws small enough to work it out by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import family
from sharprates.samplers.letters import letters
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.policies import policy
from sharprates.samplers.trajectories import Rounds, trajectories
from sharprates.verification.driven import drive


def test_copies_in_blocks_of_two() -> None:
    q = family("copies:4:2")
    found = drive(policy("left-to-right:2"), ExactDenoiser(q), q.rows, Rounds())
    # the first block is guessed, one token left out: 1 − ½; the second is known
    assert found.measured.tolist() == [0.5, 0.5]
    assert found.together.tolist() == [4, 4]
    assert found.parallel.tolist() == [2, 2]
    assert found.rounds.tolist() == [2, 2]
    assert found.log_probability.exp().tolist() == pytest.approx([0.25, 0.25])


def test_what_is_left_masked_is_in_no_round() -> None:
    q = family("copies:4:2")
    found = drive(policy("left-to-right:2"), ExactDenoiser(q), q.rows, Rounds(1, "leave"))
    assert found.measured.tolist() == [0.5, 0.5]
    assert found.together.tolist() == [2, 2]
    assert found.parallel.tolist() == [1, 1]
    assert found.log_probability.exp().tolist() == [0, 0]


@given(st.integers(0, 20), st.sampled_from(["confidence:3", "threshold:0.4", "left-to-right:4"]))
def test_numbers_are_those_of_the_trajectory(seed: int, text: str) -> None:
    chain = letters(8)
    denoiser = NoisyDenoiser(chain, 0.1)
    rows = chain.sample(2, torch.Generator().manual_seed(seed))
    found, path = (
        drive(policy(text), denoiser, rows, Rounds()),
        trajectories(policy(text), denoiser, rows),
    )
    for i in range(2):
        measured, together = 0.0, 0
        for k in range(int(path.rounds[i])):
            block = (path.round_of[i] == k).nonzero().squeeze(1).tolist()
            measured += sum(1 - float(path.predicted[i, j]) for j in block[1:])
            together += len(block) if len(block) > 1 else 0
        assert float(found.measured[i]) == pytest.approx(measured, abs=1e-12)
        assert int(found.together[i]) == together
        assert float(found.measured[i]) <= 8 - int(found.rounds[i])
