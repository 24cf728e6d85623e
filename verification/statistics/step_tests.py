"""Tests of what a sampler does step by step, of any sampler, ours or a user's.

A wrong step can leave the law of what comes out nearly unchanged. These tests take states before
and after a step, or the step or time at which each token was revealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from sharprates.samplers.clock import Clock
from sharprates.verification.statistics.binomial import binomial_test
from sharprates.verification.statistics.distribution import dkw_test
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import SampleTest
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ObservedStep:
    """What one step has made of one state, many times and independently.

    Attributes:
        state: int64 [d], before the step.
        after: int64 [B, d], after it.
        mask: S.
        hazard: claimed probability r with which each masked token is revealed.
        conditionals: float64 [d, S], the predictions at that state, normalised.
    """

    state: Tensor
    after: Tensor
    mask: int
    hazard: float
    conditionals: Tensor

    @property
    def hidden(self) -> list[int]:
        """The masked positions."""
        return (self.state == self.mask).nonzero().squeeze(1).tolist()

    @property
    def carried_over(self) -> bool:
        """Whether revealed tokens stay as they are."""
        return bool(((self.state == self.mask) | (self.state == self.after)).all())

    @property
    def frequency(self) -> float:
        """How often a masked token was revealed."""
        return float((self.after[:, self.hidden] != self.mask).double().mean())

    def unmask_probability(self, level: float) -> SampleTest:
        """Each masked token is revealed with the claimed probability. Source: S1."""
        after = self.after[:, self.hidden]
        revealed = int((after != self.mask).sum())
        return binomial_test("unmask probability", revealed, after.numel(), self.hazard, level)

    def unmask_pattern(self, level: float) -> SampleTest:
        """Masked tokens are revealed independently: the law of the revealed set. Source: S1."""
        m = len(self.hidden)
        bits = 2 ** torch.arange(m, device=self.after.device)
        pattern = ((self.after[:, self.hidden] != self.mask) * bits).sum(1)
        size = (torch.arange(2**m)[:, None] // bits.cpu() % 2).sum(1).to(torch.float64)
        law = self.hazard**size * (1 - self.hazard) ** (m - size)
        return law_test("unmask pattern", torch.bincount(pattern, minlength=2**m), law, level)

    def token_conditionals(self, level: float) -> list[SampleTest]:
        """Revealed values follow the prediction: one test a masked position, one level for all."""
        tests = []
        for i in self.hidden:
            values = self.after[:, i][self.after[:, i] != self.mask]
            counts = torch.bincount(values, minlength=self.mask)
            name = f"token conditionals, position {i}"
            part = level / len(self.hidden)
            tests.append(law_test(name, counts, self.conditionals[i], part))
        return tests

    def values_independent(self, level: float) -> list[SampleTest]:
        """Values revealed together are independent: one test a pair of neighbours, one level."""
        pairs, tests = list(pairwise(self.hidden)), []
        for i, j in pairs:
            first, second = self.after[:, i], self.after[:, j]
            both = (first != self.mask) & (second != self.mask)
            cell = first[both] * self.mask + second[both]
            law = torch.outer(self.conditionals[i], self.conditionals[j]).flatten()
            name = f"values independent, positions {i} and {j}"
            counts = torch.bincount(cell, minlength=self.mask**2)
            tests.append(law_test(name, counts, law, level / len(pairs)))
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
    return law_test("step law", torch.bincount(steps.flatten(), minlength=law.numel()), law, level)


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
    counts = torch.bincount(order[:, 0] * d + second, minlength=d * d)
    law = torch.full((d, d), 1 / max(1, d * (d - 1)), dtype=torch.float64)
    if d > 1:
        law.fill_diagonal_(0)
    return law_test("order uniform", counts, law.flatten(), level)
