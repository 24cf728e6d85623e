"""What the precision of its uniforms does to a categorical draw by Gumbel-max.

Gumbel-max takes the largest log π_m − log(−log u_m), which is the first to ring of exponential
clocks: −log(u_m)/π_m. A uniform of b random bits is at most 1 − 2^−b, so −log u ≥ c =
−log(1 − 2^−b), and clock m cannot ring before c/π_m: rare symbols come late, or never.

The samplers of this package draw by inverse CDF in float64 instead (`samplers.sampling.draw`),
where each probability is off by at most 2^−53.
"""

from __future__ import annotations

import math

import torch
from sharprates.samplers.errors import InputError
from torch import Tensor

BITS = {torch.bfloat16: 8, torch.float32: 24, torch.float64: 53}
"""Bits b of a uniform: the largest that `torch.rand` returns in each dtype is 1 − 2^−b."""


def truncated_law(probabilities: Tensor, bits: int) -> Tensor:
    """The law of Gumbel-max when u is continuous uniform on (0, 1 − 2^−b).

    Clocks in the order in which they may start, π_1 ≥ π_2 ≥ …; while the first i run, one of them
    rings at rate A_i = π_1 + … + π_i, and it is m with chance π_m/A_i.

    Args:
        probabilities: float64 [..., n], not negative; need not be normalised.
        bits: b ≥ 1.

    Returns:
        float64 [..., n], sum 1.

    Source: G1; Zheng et al., arXiv 2409.02908.
    """
    earliest = -math.log1p(-(2.0**-bits))
    pi, order = torch.sort(probabilities, dim=-1, descending=True, stable=True)
    start = earliest / pi  # ∞ where π = 0
    rate = pi.cumsum(-1)
    running = torch.arange(1, pi.shape[-1] + 1, dtype=pi.dtype, device=pi.device)
    silent = torch.exp(running * earliest - rate * start)  # none has rung when clock i starts
    next_start = torch.cat([start[..., 1:], torch.full_like(start[..., :1], math.inf)], -1)
    rings = silent * -torch.expm1(-rate * (next_start - start))
    share = torch.where(torch.isfinite(start), rings / rate, 0.0)
    # clock m runs in its own interval and all later ones
    later = share.flip(-1).cumsum(-1).flip(-1)
    return torch.zeros_like(pi).scatter(-1, order, pi * later)


def all_uniforms(dtype: torch.dtype, zero: bool = True) -> Tensor:
    """What `torch.rand` returns on a CPU, each value as often as it is likely.

    float32 is k/2^24. bfloat16 is a float32 uniform rounded to nearest; what would become 1 becomes
    0, so that 0 has a chance of 2^-9 and the largest value is 1 − 2^-8.

    Args:
        dtype: float32 or bfloat16.
        zero: whether to keep u = 0; code that clamps or adds an ε does not.

    Raises:
        InputError: for another dtype, which has other uniforms, or too many to walk.
    """
    u = torch.arange(2**24, dtype=torch.float32) / 2**24
    if dtype == torch.bfloat16:
        u = u.to(dtype)
        u = torch.where(u == 1, torch.zeros_like(u), u)
    elif dtype != torch.float32:
        raise InputError(f"dtype: can walk the uniforms of float32 and bfloat16, got {dtype}")
    return u if zero else u[u > 0]


_AT_ONCE = 2**14


def lattice_law(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """The law of argmax(log π − log(−log u)), computed in the dtype of equally likely uniforms.

    Args:
        probabilities: float64 [n], positive.
        uniforms: [N], e.g. `all_uniforms`; u = 0 never wins.

    Returns:
        float64 [n]; of equal keys the first one wins.
    """
    noise = torch.log(uniforms).neg_().log_().neg_()
    if bool((noise[1:] < noise[:-1]).any()):
        noise = noise.sort().values
    # Within bfloat16 few noises differ; searchsorted needs float32, which holds them exactly.
    noise, counts = torch.unique_consecutive(noise, return_counts=True)
    chance = counts.to(torch.float64).div_(uniforms.numel())
    keys = [(noise + one).to(torch.float32) for one in probabilities.to(noise.dtype).log()]
    reached = torch.nn.functional.pad(chance.cumsum(0), (1, 0))
    law = []
    for m, mine in enumerate(keys):
        total = 0.0
        # in pieces: memory for all uniforms at once costs more than the sum
        for wins, own in zip(chance.split(_AT_ONCE), mine.split(_AT_ONCE), strict=True):
            for j, other in enumerate(keys):
                if j != m:
                    wins = wins * reached[torch.searchsorted(other, own, right=j > m)]
            total += float(wins.sum())
        law.append(total)
    return torch.tensor(law, dtype=torch.float64)
