"""From a rule, a clock and a grid to the step law: when a token is revealed (note, §0, S1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from samplers.clock import Clock
from samplers.errors import InputError

Rule = Callable[[Clock, Tensor], Tensor]
"""(clock, times [K + 1]) → reveal probabilities [K] before clipping."""


def euler(clock: Clock, times: Tensor) -> Tensor:
    """First-order rule H = h·(−α′)/(1−α) at the step's start; may exceed 1. Source: S1."""
    start = times[:-1]
    return -times.diff() * clock.speed(start) / clock.masked(start)


def tau_leaping(clock: Clock, times: Tensor) -> Tensor:
    """τ-leaping with one jump allowed, 1 − e^{−H}. Source: S1."""
    return -torch.expm1(-euler(clock, times))


def ancestral(clock: Clock, times: Tensor) -> Tensor:
    """The exact bridge (α_s − α_t)/(1 − α_t), a.k.a. Tweedie, MDLM. Source: F5, S1."""
    masked = clock.masked(times)
    return 1 - masked[1:] / masked[:-1]


RULES: dict[str, Rule] = {"euler": euler, "tau-leaping": tau_leaping, "ancestral": ancestral}
LAST_STEPS = ("leave", "fill")


@dataclass(frozen=True, eq=False)
class StepLaw:
    """When a parallel unmasking sampler reveals a token.

    Attributes:
        hazards: float64 [K], r_k in [0, 1]: a masked token is revealed in step k.
        clipped: number of steps whose rule asked for more than 1.
    """

    hazards: Tensor
    clipped: int = 0

    @property
    def weights(self) -> Tensor:
        """w_k = r_k ∏_{l<k}(1−r_l): the probability that a token is revealed in step k, [K]."""
        stay = torch.cumprod(1 - self.hazards, 0)
        return self.hazards * torch.cat([torch.ones_like(stay[:1]), stay[:-1]])

    @property
    def leftover(self) -> float:
        """w_∞: the probability that a token is never revealed."""
        return float(torch.prod(1 - self.hazards))

    @staticmethod
    def from_hazards(hazards: Tensor) -> StepLaw:
        """A step law from reveal probabilities; those above 1 are clipped and counted.

        Args:
            hazards: [K], K ≥ 1, not negative.

        Raises:
            InputError: if a hazard is negative or not a number.
        """
        r = hazards.to(torch.float64)
        if r.ndim != 1 or r.numel() == 0:
            raise InputError(f"hazards: need K ≥ 1 of them, got shape {list(r.shape)}")
        # α_s − α_t may round to −1e-17 where a clock is flat; a real negative value is an error.
        if bool(torch.isnan(r).any()) or float(r.min()) < -1e-12:
            raise InputError("hazards: must be numbers ≥ 0")
        above = r > 1 + 1e-12
        return StepLaw(r.clamp(0, 1), int(above.sum()))

    @staticmethod
    def from_weights(weights: Tensor) -> StepLaw:
        """A step law from w; what is missing to 1 is leftover.

        Args:
            weights: [K], K ≥ 1, not negative, sum at most 1 (to 1e-9).

        Raises:
            InputError: if the weights are no sub-probability.
        """
        w = weights.to(torch.float64)
        if w.ndim != 1 or w.numel() == 0 or not bool((w >= 0).all()) or float(w.sum()) > 1 + 1e-9:
            raise InputError("weights: need K ≥ 1 numbers ≥ 0 with sum at most 1")
        before = 1 - (torch.cumsum(w, 0) - w)
        # The last step of a law without leftover takes all that remains: exactly 1, not 1 ± 1e-16.
        r = torch.where(before > 1e-15, w / before.clamp(min=1e-300), torch.zeros_like(w))
        r = torch.where(r > 1 - 1e-12, torch.ones_like(r), r)
        return StepLaw(r.clamp(0, 1))

    @staticmethod
    def uniform(steps: int) -> StepLaw:
        """w_k = 1/K, no leftover: steps equidistant in α. Source: S3, E6."""
        if steps < 1:
            raise InputError(f"steps: need K ≥ 1, got {steps}")
        return StepLaw(1.0 / torch.arange(steps, 0, -1, dtype=torch.float64))

    def filled(self) -> StepLaw:
        """With one more step that reveals all that is masked: w_∞ becomes its weight."""
        return StepLaw(torch.cat([self.hazards, torch.ones(1, dtype=torch.float64)]), self.clipped)


def step_law(rule: str | Rule, clock: Clock, times: Tensor, last_step: str = "leave") -> StepLaw:
    """The step law of a rule on a clock and a grid.

    Args:
        rule: a name in `RULES`, or a function of (clock, times).
        clock: the clock.
        times: float64 [K + 1], decreasing.
        last_step: ``leave`` masks that remain, or ``fill`` them in one more step.

    Returns:
        The step law, with K hazards, or K + 1 for ``fill``.

    Raises:
        InputError: for an unknown rule or last step.
    """
    if isinstance(rule, str):
        if rule not in RULES:
            raise InputError(f"rule {rule!r} is unknown: use one of {', '.join(RULES)}")
        rule = RULES[rule]
    if last_step not in LAST_STEPS:
        raise InputError(f"last step {last_step!r} is unknown: use one of {', '.join(LAST_STEPS)}")
    law = StepLaw.from_hazards(rule(clock, times))
    return law.filled() if last_step == "fill" else law
