"""Simulated error rates against stated ones, by a binomial band at a level of the budget."""

import torch
from scipy.special import bdtrc
from torch import Tensor

LEVEL = 0.05
RUNS = 1500


def rarely(hits: int, runs: int, rate: float, level: float) -> bool:
    """Are `hits` of `runs` compatible with a rate of at most `rate`?"""
    return hits == 0 or float(bdtrc(hits - 1, runs, rate)) > level


def random_law(k: int, seed: int) -> Tensor:
    w = torch.rand(k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.05
    return w / w.sum()


def halves(p: Tensor, tv: float) -> Tensor:
    """A law at the given TV from p: one half of the cells raised, the other lowered."""
    up = torch.arange(len(p)) % 2 == 0
    q = p.clone()
    q[up] *= 1 + tv / float(p[up].sum())
    q[~up] *= 1 - tv / float(p[~up].sum())
    return q


def one_cell(p: Tensor, tv: float) -> Tensor:
    """A law at the given TV from p: the last cell takes from all others."""
    q = p * (1 - tv / float(p[:-1].sum()))
    q[-1] = p[-1] + tv
    return q
