"""The information curve of a Markov chain, exactly, at any length."""

from __future__ import annotations

import math

import torch
from scipy.special import gammaln
from sharprates.samplers.markov import MarkovChain
from torch import Tensor


def chain_information(chain: MarkovChain) -> Tensor:
    """The information curve h_0..h_{d−1} of a Markov chain, exactly, at any length.

    A hidden token depends on its nearest revealed neighbours. With m of the other d − 1 tokens
    revealed, gaps g and h to them have chance C(d−1−g−h, m−2)/C(d−1, m) at each of the d − g − h
    places that have room; so h_m = H(π) − Σ P(g, h)·I(X_0; X_{−g}, X_h), neighbours beyond the
    chain's reach telling nothing.

    Args:
        chain: the chain.

    Returns:
        float64 [d], nats.
    """
    d, pi = chain.length, chain.stationary.cpu()
    reach = min(chain.reach, d - 1)
    m = torch.arange(d, dtype=torch.float64)
    log_factorial = torch.from_numpy(gammaln(torch.arange(d + 1, dtype=torch.float64).numpy() + 1))

    def chance(hidden: int, shown: int) -> Tensor:
        """That so many given tokens are hidden and so many shown, for every m: [d]."""
        rest = d - 1 - hidden - shown
        ways = torch.full((d,), -math.inf, dtype=torch.float64)
        if rest >= 0:
            index = torch.arange(shown, shown + rest + 1)  # C(rest, m − shown)
            ways[index] = (
                log_factorial[rest]
                - log_factorial[index - shown]
                - log_factorial[rest - index + shown]
            )
        total = log_factorial[d - 1] - log_factorial[:d] - log_factorial[d - 1 - m.long()]
        return torch.exp(ways - total)

    def entropy(p: Tensor) -> float:
        return float(torch.special.entr(p).sum())

    powers = [torch.linalg.matrix_power(chain.transition.cpu(), g) for g in range(reach + 1)]
    top = entropy(pi)
    one_side = [top - float(pi @ torch.special.entr(p).sum(1)) for p in powers]  # I(X_0; X_g)
    told = torch.zeros(d, dtype=torch.float64)
    for g in range(1, reach + 1):
        single = chance(g - 1, 1) * (d - g) / d
        for h in range(1, min(reach, d - 1 - g) + 1):
            joint = pi[:, None, None] * powers[g][:, :, None] * powers[h][None]  # left, X_0, right
            both = top + entropy(joint.sum(1)) - entropy(joint)
            weight = chance(g + h - 2, 2) * (d - g - h) / d
            # Both within reach: told once by the pair, no more by the two single sums below.
            told += weight * (both - one_side[g] - one_side[h])
        told += 2 * single * one_side[g]
    return top - told
