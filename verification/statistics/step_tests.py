"""Tests of what a sampler does step by step, of any sampler, ours or a user's.

A wrong step can leave the law of what comes out nearly unchanged. These tests take states before
and after a step, or the step or time at which each token was revealed.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from sharprates.samplers.clock import Clock
from sharprates.verification.statistics.binomial import binomial_test
from sharprates.verification.statistics.distribution import dkw_test
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import SampleTest
from torch import Tensor


def carried_over(before: Tensor, after: Tensor, mask: int) -> bool:
    """Whether revealed tokens stay as they are.

    Args:
        before: int64 [B, d] or [d], states before a step.
        after: int64 [B, d], states after it.
        mask: S.
    """
    return bool(((before == mask) | (before == after)).all())


def unmask_probability(
    before: Tensor, after: Tensor, mask: int, hazard: float, level: float
) -> SampleTest:
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
    return binomial_test("unmask probability", revealed, int(masked.sum()), hazard, level)


def unmask_pattern(
    state: Tensor, after: Tensor, mask: int, hazard: float, level: float
) -> SampleTest:
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
    return law_test("unmask pattern", torch.bincount(pattern, minlength=2**m), law, level)


def token_conditionals(
    state: Tensor, after: Tensor, mask: int, conditionals: Tensor, level: float
) -> list[SampleTest]:
    """Revealed values follow the denoiser's prediction, at each masked position.

    Args:
        state: int64 [d], the state before the step.
        after: int64 [B, d], states after it, drawn independently.
        mask: S.
        conditionals: float64 [d, S], the predictions at that state, normalised.
        level: false-alarm probability of all positions together.

    Returns:
        One test a masked position.
    """
    hidden = (state == mask).nonzero().squeeze(1).tolist()
    tests = []
    for i in hidden:
        values = after[:, i][after[:, i] != mask]
        found = torch.bincount(values, minlength=mask)
        name = f"token conditionals, position {i}"
        tests.append(law_test(name, found, conditionals[i], level / len(hidden)))
    return tests


def values_independent(
    state: Tensor, after: Tensor, mask: int, conditionals: Tensor, level: float
) -> list[SampleTest]:
    """Values that one step reveals together are independent, pair by pair of neighbours.

    Args:
        state: int64 [d], the state before the step.
        after: int64 [B, d], states after it, drawn independently.
        mask: S.
        conditionals: float64 [d, S], the predictions at that state, normalised.
        level: false-alarm probability of all pairs together.

    Returns:
        One test for each two successive masked positions.
    """
    hidden = (state == mask).nonzero().squeeze(1).tolist()
    pairs = list(pairwise(hidden))
    tests = []
    for i, j in pairs:
        both = after[(after[:, i] != mask) & (after[:, j] != mask)]
        found = torch.bincount(both[:, i] * mask + both[:, j], minlength=mask**2)
        law = torch.outer(conditionals[i], conditionals[j]).flatten()
        name = f"values independent, positions {i} and {j}"
        tests.append(law_test(name, found, law, level / len(pairs)))
    return tests


def reveal_steps(steps: Tensor, weights: Tensor, level: float) -> SampleTest:
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
    return law_test("step law", found, law, level)


def hitting_times(times: Tensor, clock: Clock, horizon: float, level: float) -> SampleTest:
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
    return dkw_test("hitting times", (masked[:, 1:] / masked[:, :-1]) ** waiting, level)


def order_uniform(steps: Tensor, level: float) -> SampleTest:
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
    return law_test("order uniform", found, law.flatten(), level)
