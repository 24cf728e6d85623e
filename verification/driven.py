"""Sequences of the data that drive a policy: what each of them says of its law."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.chain_trajectories import can_follow, chain_trajectories
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.policies import Policy
from sharprates.samplers.trajectories import Rounds, Trajectories, trajectories
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Driven:
    """One number a sequence x.

    Attributes:
        log_probability: log q_π(x), float64 [n]; −∞ where q_π(x) = 0.
        rounds: R(x), int64 [n].
        parallel: int64 [n], rounds of two tokens or more.
        together: int64 [n], tokens revealed in these rounds.
        measured: float64 [n], Σ over rounds of Σ_{i∈B∖j} (1 − p̂_i(x_i|x_C)), where j is the
            leftmost token of the round's block B: the part of P9 that needs data and predictions
            alone. In [0, d − R(x)].
    """

    log_probability: Tensor
    rounds: Tensor
    parallel: Tensor
    together: Tensor
    measured: Tensor


def drive(policy: Policy, denoiser: Denoiser, rows: Tensor, rounds: Rounds) -> Driven:
    """Let sequences drive a policy, by the fastest way that there is for it.

    Args:
        policy: what chooses.
        denoiser: what predicts.
        rows: int64 [n, d].
        rounds: cap, last step, and how often the denoiser is asked.

    Raises:
        InputError: if the choice needs a seed, or the denoiser a time.
    """
    if policy.needs_ranks:
        raise InputError(
            f"policy {policy.name}: reveals in a random order, and from samples only rules are "
            "measured that need none; an audit shows it on data short enough to be listed"
        )
    if not denoiser.time_free:
        raise InputError(
            "denoiser: depends on time, and a policy asks it without one; if a function of yours "
            "ignores t, write `function.time_free = True` after it"
        )
    if can_follow(policy, denoiser, rounds):
        found = chain_trajectories(policy, denoiser, rows, rounds)
    else:
        found = trajectories(
            policy, denoiser, rows, rounds.most, rounds.last_step, cache=rounds.cache
        )
    return _numbers(found)


def _numbers(found: Trajectories) -> Driven:
    n, d = found.rows.shape
    revealed = found.round_of >= 0
    # what is left masked counts in a round of its own, beyond the last one, with no error: TV
    # counts it apart, since then q_π(x) = 0
    round_of = torch.where(revealed, found.round_of, d)
    size = torch.zeros(n, d + 1, dtype=torch.int64).scatter_add_(1, round_of, revealed.long())
    position = torch.arange(d).expand(n, -1)
    leftmost = torch.full((n, d + 1), d).scatter_reduce_(1, round_of, position, "amin")
    first = leftmost.gather(1, round_of) == position
    error = torch.where(revealed & ~first, 1 - found.predicted, 0.0)
    return Driven(
        found.log_probability,
        found.rounds,
        (size[:, :d] > 1).sum(1),
        torch.where(size > 1, size, 0)[:, :d].sum(1),
        error.sum(1),
    )
