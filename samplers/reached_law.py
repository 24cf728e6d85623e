"""The exact law of a policy by propagation over the partial states that it reaches.

Shares nothing with `samplers.trajectories` but policies and denoisers, so that the two check each
other; it also knows what is put out off the data's support, and how long that takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Denoiser, normalised
from sharprates.samplers.errors import check_memory
from sharprates.samplers.policies import Policy
from sharprates.samplers.trajectories import UNCAPPED, Rounds
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ReachedLaw:
    """What is put out.

    Attributes:
        rows: int64 [N, d], distinct, in lexicographic order, S where a mask is left.
        mass: float64 [N], positive.
        mean_rounds: the mean number of rounds of the run itself.
    """

    rows: Tensor
    mass: Tensor
    mean_rounds: float


def reached_law(
    policy: Policy,
    denoiser: Denoiser,
    length: int,
    rounds: Rounds = UNCAPPED,
    ranks: Tensor | None = None,
    device: torch.device | None = None,
) -> ReachedLaw:
    """The law of what a policy puts out.

    Args:
        policy: what chooses.
        denoiser: what predicts; normalised here.
        length: d, small, since up to S^d sequences are reached.
        rounds: how long it goes on.
        ranks: int64 [d]; see `samplers.policies.Policy.choose`.
        device: where it is computed.

    Raises:
        TooLargeError: if the states reached do not fit into memory.
    """
    d, S, predict = length, denoiser.vocabulary, normalised(denoiser)
    # a state is followed together with the one at which the denoiser was asked last
    x = opening = torch.full((1, d), S, device=device)
    mass = torch.ones(1, dtype=torch.float64, device=x.device)
    mean_rounds = 0.0
    for k in range(rounds.end(policy, d)):
        if k % rounds.cache == 0:
            opening = x
        masked = x == S
        live = masked.any(1)
        mean_rounds += float(mass[live].sum())
        time = None if rounds.times is None else rounds.times[k]
        p = predict(opening, time).detach().to(x.device, torch.float64)
        chosen = masked.clone()
        if not rounds.fills(k):
            seeds = None if ranks is None else ranks.to(x.device).expand(int(live.sum()), d)
            shown = torch.where(masked[live][..., None], p[live], 0.0)
            chosen[live] = policy.choose(x[live], shown, k, seeds)
        before = torch.arange(len(x), device=x.device)
        for i in range(d):
            # the predictions are those at the round's start; values branch position by position
            check_memory(
                8 * mass.numel() * S * (4 * d + 4),
                f"the {mass.numel() * S} partial states in round {k}",
                "take a shorter sequence or a smaller vocabulary",
            )
            stay = (~chosen[before, i]).nonzero().squeeze(1)
            branch = chosen[before, i].nonzero().squeeze(1)
            weight = mass[branch, None] * p[before[branch], i]
            parent, value = (weight > 0).nonzero().unbind(1)
            moved = x[branch[parent]]
            moved[:, i] = value
            x = torch.cat([x[stay], moved])
            mass = torch.cat([mass[stay], weight[parent, value]])
            before = torch.cat([before[stay], before[branch[parent]]])
        both, mass = merged(torch.cat([x, opening[before]], 1), mass)
        x, opening = both[:, :d], both[:, d:]
    rows, mass = merged(x, mass)
    return ReachedLaw(rows, mass, mean_rounds)


def merged(x: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct states in lexicographic order, and the mass of each."""
    x, index = torch.unique(x, dim=0, return_inverse=True)
    return x, torch.zeros(len(x), dtype=mass.dtype, device=mass.device).index_add_(0, index, mass)
