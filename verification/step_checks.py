"""Checks of single steps and of trajectories: what a sampler does, not only what comes out.

A wrong step can leave the end-to-end TV nearly unchanged. These checks take what a sampler did
(states before and after a step, the step or time at which each token was revealed), so they apply
to any sampler, ours or a user's. Statistical ones take a level from `verification.budget`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.errors import InputError
from sharprates.verification.statistics import Check, binomial_check, certain, dkw_check, law_check
from torch import Tensor


def carry_over(before: Tensor, after: Tensor, mask: int) -> Check:
    """Revealed tokens stay as they are. Exact.

    Args:
        before: int64 [B, d] or [d], states before a step.
        after: int64 [B, d], states after it.
        mask: S.
    """
    kept = (before == mask) | (before == after)
    return certain("carry-over", bool(kept.all()), after.shape[0])


def unmask_probability(
    before: Tensor, after: Tensor, mask: int, hazard: float, level: float
) -> Check:
    """Each masked token is revealed with the probability that the step rule says. Binomial.

    Args:
        before: int64 [B, d] or [d], states before the step.
        after: int64 [B, d], states after it, drawn independently.
        mask: S.
        hazard: claimed probability r.
        level: false-alarm probability.

    Source: S1.
    """
    masked = (before == mask).expand_as(after)
    revealed = int((after[masked] != mask).sum())
    return binomial_check("unmask probability", revealed, int(masked.sum()), hazard, level)


def unmask_pattern(state: Tensor, after: Tensor, mask: int, hazard: float, level: float) -> Check:
    """Masked tokens are revealed independently of each other: the law of the revealed set.

    Args:
        state: int64 [d], the state before the step, m masks; 2^m cells.
        after: int64 [B, d], states after it, drawn independently.
        mask: S.
        hazard: claimed probability r of each token.
        level: false-alarm probability.

    Source: S1.
    """
    hidden = (state == mask).nonzero().squeeze(1)
    m = hidden.numel()
    bits = 2 ** torch.arange(m, device=after.device)
    pattern = ((after[:, hidden] != mask) * bits).sum(1)
    size = (torch.arange(2**m)[:, None] // bits.cpu() % 2).sum(1).to(torch.float64)
    law = hazard**size * (1 - hazard) ** (m - size)
    return law_check("unmask pattern", torch.bincount(pattern, minlength=2**m), law, level)


def token_conditionals(
    state: Tensor, after: Tensor, mask: int, conditionals: Tensor, level: float
) -> list[Check]:
    """Revealed values follow the denoiser's prediction, at each masked position.

    Args:
        state: int64 [d], the state before the step.
        after: int64 [B, d], states after it, drawn independently.
        mask: S.
        conditionals: float64 [d, S], the predictions at that state, normalised.
        level: false-alarm probability of all positions together.

    Returns:
        One check a masked position.
    """
    hidden = (state == mask).nonzero().squeeze(1).tolist()
    checks = []
    for i in hidden:
        values = after[:, i][after[:, i] != mask]
        found = torch.bincount(values, minlength=mask)
        name = f"token conditionals, position {i}"
        checks.append(law_check(name, found, conditionals[i], level / len(hidden)))
    return checks


def values_independent(
    state: Tensor, after: Tensor, mask: int, conditionals: Tensor, level: float
) -> list[Check]:
    """Values that one step reveals together are independent, pair by pair of neighbours.

    Args:
        state: int64 [d], the state before the step.
        after: int64 [B, d], states after it, drawn independently.
        mask: S.
        conditionals: float64 [d, S], the predictions at that state, normalised.
        level: false-alarm probability of all pairs together.

    Returns:
        One check for each two successive masked positions.
    """
    hidden = (state == mask).nonzero().squeeze(1).tolist()
    pairs = list(pairwise(hidden))
    checks = []
    for i, j in pairs:
        both = after[(after[:, i] != mask) & (after[:, j] != mask)]
        found = torch.bincount(both[:, i] * mask + both[:, j], minlength=mask**2)
        law = torch.outer(conditionals[i], conditionals[j]).flatten()
        name = f"values independent, positions {i} and {j}"
        checks.append(law_check(name, found, law, level / len(pairs)))
    return checks


def step_law(steps: Tensor, weights: Tensor, level: float) -> Check:
    """Tokens are revealed in step k with probability w_k, or never: the whole grid at once.

    Args:
        steps: int64 [n, d], the step of each token, K where none; all n·d independent.
        weights: float64 [K], w.
        level: false-alarm probability.

    Source: S1, S2.
    """
    leftover = (1 - weights.sum()).clamp(min=0)
    # What a sum of K weights lacks by rounding alone is not leftover.
    leftover = torch.where(leftover > 1e-12, leftover, 0.0)
    law = torch.cat([weights, leftover[None]])
    found = torch.bincount(steps.flatten(), minlength=law.numel())
    return law_check("step law", found, law, level)


def leftover(rows: Tensor, mask: int, probability: float, level: float) -> Check:
    """Masks are left over as often as the step law says; a sampler may not fill them silently.

    Args:
        rows: int64 [n, d], what the sampler put out.
        mask: S.
        probability: w_∞.
        level: false-alarm probability.
    """
    return binomial_check("leftover", int((rows == mask).sum()), rows.numel(), probability, level)


def call_times(recorded: Sequence[float], expected: Tensor) -> Check:
    """The denoiser was called at the grid's times, in their order, and no more often. Exact.

    Args:
        recorded: the time of each call of one trajectory.
        expected: float64 [K].
    """
    same = len(recorded) == expected.numel() and bool(
        (torch.tensor(recorded, dtype=torch.float64) - expected).abs().le(1e-12).all()
    )
    return certain("call times", same, len(recorded))


def hitting_times(times: Tensor, clock: Clock, horizon: float, level: float) -> Check:
    """The d unmasking times of each row follow the exact reverse process.

    With n tokens masked, ((1−α(τ_{n−1}))/(1−α(τ_n)))^n is uniform, independently for n = d..1.

    Args:
        times: float64 [n, d], each row's unmasking times from the first to the last.
        clock: the clock.
        horizon: T, where all is masked; may be infinite.
        level: false-alarm probability.

    Source: S4.
    """
    start = torch.full_like(times[:, :1], horizon)
    masked = clock.masked(torch.cat([start, times], 1))
    waiting = torch.arange(times.shape[1], 0, -1, dtype=torch.float64, device=times.device)
    return dkw_check("hitting times", (masked[:, 1:] / masked[:, :-1]) ** waiting, level)


def order_uniform(steps: Tensor, level: float) -> Check:
    """One token a step, in a uniformly random order: which position comes first and second.

    Args:
        steps: int64 [n, d], the step of each token, distinct within a row.
        level: false-alarm probability.

    Source: S4.
    """
    d = steps.shape[1]
    order = torch.argsort(steps, 1)
    second = order[:, 1] if d > 1 else order[:, 0]
    found = torch.bincount(order[:, 0] * d + second, minlength=d * d)
    law = torch.full((d, d), 1 / max(1, d * (d - 1)), dtype=torch.float64)
    if d > 1:
        law.fill_diagonal_(0)
    return law_check("order uniform", found, law.flatten(), level)


def order_and_values_independent(steps: Tensor, found: Tensor, law: Tensor, level: float) -> Check:
    """The first position and the sequence that comes out are independent (exact denoiser, FHS).

    Args:
        steps: int64 [n, d], the step of each token.
        found: int64 [n], the cell of each row's sequence.
        law: float64 [N], the law of the cells.
        level: false-alarm probability.

    Source: S4, H1.
    """
    d, N = steps.shape[1], law.numel()
    first = steps.argmin(1)
    joint = torch.bincount(first * N + found.to(first.device), minlength=d * N)
    return law_check("order and values independent", joint, law.repeat(d) / d, level)


def rows_independent(
    found: Tensor, law: Tensor, level: float, lags: Sequence[int] = (1,)
) -> list[Check]:
    """Rows of one call are independent: cells of row pairs follow the product law.

    Args:
        found: int64 [n], a cell of each row: of its sequence, or of its first position.
        law: float64 [N], the law of one row's cell; N² cells are compared.
        level: false-alarm probability of all lags together.
        lags: distances between the rows of a pair; a batch size finds batches that repeat.

    Returns:
        One check a lag.

    Raises:
        InputError: if there are fewer than 2·lag rows.
    """
    N = law.numel()
    joint = torch.outer(law, law).flatten()
    checks = []
    for lag in lags:
        if found.numel() < 2 * lag:
            raise InputError(f"lags: {lag} needs at least {2 * lag} rows, got {found.numel()}")
        # Disjoint pairs (i, i + lag): blocks of 2·lag rows, first half against second half.
        blocks = found[: found.numel() // (2 * lag) * (2 * lag)].view(-1, 2, lag)
        pairs = torch.bincount((blocks[:, 0] * N + blocks[:, 1]).flatten(), minlength=N * N)
        name = f"rows independent, lag {lag}"
        checks.append(law_check(name, pairs, joint, level / len(lags)))
    return checks
