"""A denoiser's error subset by subset: what `score_error` computes over all contexts at once."""

import torch
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.target import Target
from torch import Tensor


def score_gaps(target: Target, denoiser: Denoiser, t: float | None = None) -> Tensor:
    """Distance of a denoiser from the exact conditionals, summed over subsets of a size.

    Args:
        target: the data law.
        denoiser: what is measured.
        t: the time given to it.

    Returns:
        float64 [d + 1]; entry u sums over |U| = u the mean over x_U ~ q_0 of
        Σ_{i∉U} max{Σ_a(p̂_i − p_i)_+, Σ_a(p_i − p̂_i)_+}, which is Σ_i TV(p_i, p̂_i) if p̂ is
        normalised. Source: E1.
    """
    d, S = target.length, target.vocabulary
    exact = ExactDenoiser(target)
    gaps = torch.zeros(d + 1, dtype=torch.float64)
    for subset in range(2**d - 1):
        hidden = torch.tensor([not subset >> i & 1 for i in range(d)])
        patterns, inverse = torch.unique(
            target.rows.masked_fill(hidden, S), dim=0, return_inverse=True
        )
        mass = torch.zeros(len(patterns), dtype=torch.float64)
        mass.index_add_(0, inverse, target.weights)
        difference = (denoiser(patterns, t) - exact(patterns, t))[:, hidden]
        over, under = difference.clamp(min=0).sum(-1), (-difference).clamp(min=0).sum(-1)
        gaps[subset.bit_count()] += mass @ torch.maximum(over, under).sum(-1)
    return gaps
