"""When a parallel sampler takes its steps: a rule on a clock and a grid (S1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from sharprates.samplers.clock import Clock, check_times, clock, default_horizon, grid
from sharprates.samplers.errors import InputError, check_known
from sharprates.samplers.step_law import StepLaw
from torch import Tensor

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
        check_known("rule", rule, RULES)
        rule = RULES[rule]
    check_known("last step", last_step, LAST_STEPS)
    law = StepLaw.from_hazards(rule(clock, times))
    return law.filled() if last_step == "fill" else law


@dataclass(frozen=True)
class Schedule:
    """A step rule on a clock and a grid of K steps from T to δ.

    Attributes:
        rule: a name in `samplers.schedule.RULES`, or a function of (clock, times).
        clock: a name that `samplers.clock.clock` knows, or a clock.
        grid: a name in `samplers.clock.GRIDS`; None where times are given.
        steps: K.
        horizon: T; None for the clock's default, which depends on the length. A fraction lets an
            exact computation take it as it is.
        delta: early-stopping time δ.
        last_step: ``leave`` masks that remain, or ``fill`` them in one more call at the last time.
        times_given: K + 1 decreasing times, in place of grid, horizon and delta.
    """

    rule: str | Rule
    clock: str | Clock
    grid: str | None
    steps: int
    horizon: float | Fraction | None = None
    delta: float | Fraction = 0.0
    last_step: str = "leave"
    times_given: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.rule, str):
            check_known("rule", self.rule, RULES)
        check_known("last step", self.last_step, LAST_STEPS)
        if (self.grid is None) != (self.times_given is not None):
            raise InputError(f"grid: give the name of one, or times; got {self.grid!r} and times")

    @staticmethod
    def at(
        times: Tensor, rule: str | Rule, clock: str | Clock, last_step: str = "leave"
    ) -> Schedule:
        """The schedule of a rule at explicit times.

        Args:
            times: [K + 1], decreasing.
            rule: as the attribute.
            clock: as the attribute.
            last_step: as the attribute.
        """
        given = tuple(times.to(torch.float64).tolist())
        return Schedule(rule, clock, None, len(given) - 1, last_step=last_step, times_given=given)

    @property
    def chosen(self) -> Clock:
        """The clock."""
        return clock(self.clock) if isinstance(self.clock, str) else self.clock

    @property
    def rule_name(self) -> str:
        """The rule's name; of a function its own."""
        return self.rule if isinstance(self.rule, str) else self.rule.__name__

    def times(self, length: int) -> Tensor:
        """The grid's times for sequences of this length, float64 [K + 1].

        Raises:
            InputError: if a number is out of range for this grid and clock.
        """
        chosen = self.chosen
        if self.grid is None:
            return check_times(torch.tensor(self.times_given, dtype=torch.float64), chosen)
        end = default_horizon(chosen, length) if self.horizon is None else float(self.horizon)
        return grid(self.grid, chosen, self.steps, end, float(self.delta))

    def law(self, length: int) -> StepLaw:
        """The step law for sequences of this length, with K steps, or K + 1 for ``fill``."""
        return step_law(self.rule, self.chosen, self.times(length), self.last_step)

    def __str__(self) -> str:
        end = "" if self.horizon is None else f" T={self.horizon}"
        stop = f" δ={self.delta}" if self.delta else ""
        place = f"{self.rule_name} {self.chosen.name} {self.grid or 'times'}"
        return f"{place} K={self.steps}{end}{stop} {self.last_step}"
