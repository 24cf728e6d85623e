"""What held-out data and a model's predictions alone say of a policy's total variation (P9).

TV(p_out, q_0) ≤ E_{x~q_0} Σ_blocks [ Σ_{i∈B∖j} (1 − p̂_i(x_i|x_C)) + TV(p_j, p̂_j) ], where each
held-out x is uncovered by the policy, block B after block, and j is one token of each block, here
its leftmost. The first part is measured. The second, the score error of one token a block, is not:
it compares predictions with conditionals that nobody has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.policies import policy
from sharprates.samplers.trajectories import Rounds
from sharprates.verification import jobs
from sharprates.verification.driven import Driven, drive
from sharprates.verification.sampled_audit import Estimate, estimate
from sharprates.verification.statistics.bounded_mean import Confidence, empirical_bernstein
from sharprates.verification.statistics.budget import Budget
from torch import Tensor

ROWS = 256
"""Sequences of a task."""


@dataclass(frozen=True)
class Certificate:
    """Of one policy.

    Attributes:
        policy: its text.
        measured: the measured part of P9's bound, with proved limits. TV is at most that and the
            part that is not measured.
        level: probability at most with which the limits miss it.
        rounds: mean number of blocks: of so many tokens a sequence the score error is not measured.
        most_rounds: the largest number met.
        together: tokens revealed in blocks of two or more.
    """

    policy: str
    measured: Confidence
    level: float
    rounds: Estimate
    most_rounds: int
    together: Estimate


@dataclass(frozen=True)
class Stretch:
    """A part of the work: a policy, and where its sequences begin and end."""

    policy: str
    first: int
    last: int


def certify(
    rows: Tensor,
    denoiser: Denoiser,
    policies: Sequence[str],
    rounds: Rounds,
    budget: Fraction,
    progress: Callable[[str], None] = lambda _: None,
    workers: jobs.Workers | int = 1,
) -> list[Certificate]:
    """Certificates of policies, as far as they can be measured.

    Args:
        rows: int64 [n, d], n ≥ 2 independent draws from q_0.
        denoiser: the model; what it predicts is divided by its sum if it is not normalised.
        policies: their texts.
        rounds: cap, which fills, and how often the denoiser is asked.
        budget: probability at most that any of the limits is wrong.
        progress: told of each task that is done.
        workers: who does it, or how many processes. The results are the same.

    Raises:
        InputError: for a policy that does not fit, or a denoiser that depends on time.

    Source: P9.
    """
    (n, d), levels = rows.shape, Budget(budget, "certify").share(policies)
    for text in policies:
        policy(text, d)
    work = stretches(policies, n)

    def told(task: Stretch, _: Driven) -> None:
        progress(f"{task.policy}: {task.last} of {n}")

    shared = (rows, denoiser, rounds)
    parts = iter(jobs.run(work, uncovered, workers, None, lambda _: shared, told))
    return [
        _certificate(
            text, [next(parts) for task in work if task.policy == text], d, levels[text].alpha
        )
        for text in policies
    ]


def stretches(policies: Sequence[str], n: int) -> list[Stretch]:
    """All tasks, policy by policy."""
    starts = range(0, n, ROWS)
    return [Stretch(text, low, min(low + ROWS, n)) for text in policies for low in starts]


def uncovered(shared: tuple[Tensor, Denoiser, Rounds], task: Stretch) -> Driven:
    """Let some of the sequences drive a policy."""
    rows, denoiser, rounds = shared
    some = rows[task.first : task.last]
    return drive(policy(task.policy, rows.shape[1]), denoiser, some, rounds)


def _certificate(text: str, parts: Sequence[Driven], d: int, level: float) -> Certificate:
    def all_of(name: str) -> Tensor:
        return torch.cat([getattr(driven, name) for driven in parts]).to(torch.float64)

    rounds = all_of("rounds")
    return Certificate(
        text,
        # at least one round, in which one token is left out
        empirical_bernstein(all_of("measured"), 0.0, d - 1.0, level),
        level,
        estimate(rounds),
        int(rounds.max()),
        estimate(all_of("together")),
    )
