"""The information curve of a chain: by enumeration, and at a length that nobody enumerates."""

import pytest
import torch
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.target import Target, all_states
from sharprates.verification.planning.chain_information import chain_information
from sharprates.verification.profile import profile
from torch import Tensor

SLOW = torch.tensor([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.3, 0.1, 0.6]], dtype=torch.float64)


SPARSE = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5], [0.9, 0.0, 0.1]], dtype=torch.float64)


FLAT = torch.tensor([[0.3, 0.7], [0.3, 0.7]], dtype=torch.float64)


@pytest.mark.parametrize("transition", [SLOW, SPARSE, FLAT], ids=["slow", "sparse", "flat"])
@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_the_chain_s_information_is_exact(transition: Tensor, d: int) -> None:
    chain = MarkovChain.of(transition, d)
    states = all_states(d, chain.vocabulary)
    law = Target.from_rows(states, chain.log_probability(states).exp(), chain.vocabulary)
    exact = profile(law).information
    torch.testing.assert_close(chain_information(chain), exact, rtol=0, atol=1e-13)


def test_the_chain_s_information_at_length() -> None:
    """h falls from H(π) to the entropy given both neighbours; a longer reach changes nothing."""
    chain = MarkovChain.of(SLOW, 600)
    h = chain_information(chain)
    pi, A = chain.stationary, SLOW
    top = float(torch.special.entr(pi).sum())
    assert bool((h.diff() < 0).all())
    assert float(h[0]) == pytest.approx(top, abs=1e-14)
    joint = pi[:, None, None] * A[:, :, None] * A[None]
    both = torch.special.entr(joint).sum() - torch.special.entr(joint.sum(1)).sum()
    edge = 2 * float(pi @ torch.special.entr(A).sum(1)) / 600  # the ends have one neighbour
    assert float(h[-1]) == pytest.approx(float(both) * 598 / 600 + edge, abs=1e-13)
