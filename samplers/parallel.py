"""Parallel unmasking: Euler, τ-leaping, ancestral and any other step law, run in torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, Positions
from sharprates.samplers.events import draw_values
from sharprates.samplers.expansion import tables
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.propagation import propagate
from sharprates.samplers.sampler import RoundCount, Run, Sampler
from sharprates.samplers.sampling import draw, first_above, masked_positions
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from torch import Tensor


@dataclass(frozen=True)
class ParallelSampler(Sampler):
    """Reveals each masked token in step k independently, with values from one denoiser call.

    Under a normalised denoiser a token is revealed in step k with probability r_k. Otherwise, at a
    prediction of mass m = Σ_a p̂(a), it is revealed with probability min(1, asked_k·m), which is the
    jump vector of the step, rescaled to total 1 where it exceeds that (E1). Its value is drawn from
    p̂/m.

    Each row uses 2d uniforms whatever K is. A token's first one is compared with the probability
    that it has been revealed by step k, which is the inverse CDF of its step; its second one draws
    the value. A normalised denoiser that sees no time is called for steps that reveal something
    alone: at most min(K, d) times a batch.

    Attributes:
        schedule: when it takes its steps; or a step law alone, without times.

    Source: S1, E1.
    """

    kind = "parallel"
    uniforms = 2

    schedule: Schedule | StepLaw

    @cached_property
    def step_law(self) -> StepLaw:
        """The step law."""
        given = self.schedule
        return given if isinstance(given, StepLaw) else given.law(self.length)

    @property
    def grid(self) -> Schedule | None:
        """The schedule, unless there is a step law alone."""
        return None if isinstance(self.schedule, StepLaw) else self.schedule

    @property
    def calls(self) -> int:
        """K, and one more where a step fills what is left."""
        return self.step_law.steps

    @cached_property
    def call_times(self) -> Tensor | None:
        """The time at the start of each step; that of a step that fills is the last one."""
        if isinstance(self.schedule, StepLaw):
            return None
        return self.schedule.times(self.length)[: self.calls]

    def __str__(self) -> str:
        return str(self.schedule)

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`; a step law alone has no rule's name."""
        law, schedule = self.step_law, self.schedule
        steps = schedule.steps
        known = {
            "steps": steps,
            "has_leftover": law.leftover > 0,
            "equal_steps": law.is_equal(steps),
        }
        if isinstance(schedule, StepLaw):
            return known
        return known | {
            "sampler": schedule.rule_name,
            "custom_rule": not isinstance(schedule.rule, str),
            "clock": schedule.chosen.name,
            "grid": schedule.grid,
            "delta": float(schedule.times_given[-1] if schedule.times_given else schedule.delta),
            "last_step": schedule.last_step,
        }

    def share(self, denoiser: Denoiser) -> float:
        """The largest weight's, or one token's by event, if steps can be drawn before values."""
        if not denoiser.normalised:
            return 1.0
        w = self.step_law.weights
        token = min(1 / self.length, float(w.sum())) if denoiser.time_free else 0.0
        return max(float(w.max()), token, 1e-9)

    def rounds_on(self, target: Target, denoiser: Denoiser) -> RoundCount | None:  # noqa: ARG002 - blind to values
        """Σ_k (1 − (1−w_k)^d) and min(K, d), unless what is revealed depends on the values."""
        if not denoiser.normalised:
            return None
        w = self.step_law.weights
        mean = -torch.expm1(self.length * torch.log1p(-w)).sum()
        return RoundCount(float(mean), min(self.calls, self.length))

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`."""
        run = self._value_blind if denoiser.normalised else self._by_mass
        return run(denoiser, uniforms)

    def _law(
        self, target: Target, denoiser: Denoiser, given: CompositionTables | None
    ) -> OutputLaw:
        if denoiser.time_free and denoiser.normalised:
            return (given or tables(target, denoiser, device=self.device)).law(self.step_law)
        return propagate(target, denoiser, self.step_law, self.call_times, device=self.device)

    def step(self, denoiser: Denoiser, x: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """One step alone, from any partial states.

        Args:
            denoiser: what predicts the hidden tokens.
            x: int64 [B, d], mask = S.
            k: step, 0..K-1.
            generator: on the sampler's device.

        Returns:
            int64 [B, d], the states after step k; `x` is not changed.
        """
        shape = (x.shape[0], 2, self.length)
        u = torch.rand(shape, generator=generator, dtype=self.dtype, device=self.device)
        x = x.clone()
        masked = masked_positions(x, denoiser.vocabulary)
        if denoiser.normalised:
            hit = u[:, 0][masked] < float(self.step_law.hazards[k])
            rows, columns = masked[0][hit], masked[1][hit]
            predicted = self._predict(denoiser, x, k, (rows, columns))
        else:
            predicted = self._predict(denoiser, x, k, masked)
            hit = u[:, 0][masked] < self._hazard(predicted, k)
            rows, columns = masked[0][hit], masked[1][hit]
            predicted = predicted[hit]
        x[rows, columns] = draw(predicted, u[rows, 1, columns])
        return x

    def _predict(self, denoiser: Denoiser, x: Tensor, k: int, positions: Positions) -> Tensor:
        t = None if self.call_times is None else float(self.call_times[k])
        return denoiser(x, t, positions=positions)

    def _hazard(self, predicted: Tensor, k: int) -> Tensor:
        """Reveal probabilities at predictions [n, S] that need not be normalised, float64 [n]."""
        mass = predicted.sum(-1, dtype=torch.float64)
        asked = mass * float(self.step_law.unclipped[k])
        # A step that fills asks for ∞; where nothing is predicted nothing can be drawn.
        return torch.where(mass > 0, asked, 0.0).clamp(max=1)

    def _value_blind(self, denoiser: Denoiser, u: Tensor) -> Run:
        """All steps of a batch when hazards do not depend on the state: steps are drawn first."""
        by_step = torch.cumsum(self.step_law.weights, 0)
        # From a step that reveals all on, rounding must leave no mask.
        by_step[torch.cummax((self.step_law.hazards >= 1).to(torch.int8), 0).values > 0] = 1
        by_step = by_step.to(self.device, self.dtype)
        at, K = first_above(by_step, u[:, 0]), self.step_law.steps
        x = draw_values(denoiser, at, u[:, 1], K, self.call_times)
        return Run(x, at.to(torch.int64), K)

    def _by_mass(self, denoiser: Denoiser, u: Tensor) -> Run:
        """All steps of a batch when hazards depend on the state through the predicted mass."""
        n, d, K = u.shape[0], self.length, self.step_law.steps
        x = torch.full((n, d), denoiser.vocabulary, device=self.device)
        at = torch.full_like(x, K)
        survival = torch.ones(n, d, dtype=torch.float64, device=self.device)
        for k in range(K):
            masked = masked_positions(x, denoiser.vocabulary)
            predicted = self._predict(denoiser, x, k, masked)
            survival[masked] *= 1 - self._hazard(predicted, k)
            hit = u[:, 0][masked] >= survival[masked]
            rows, columns = masked[0][hit], masked[1][hit]
            x[rows, columns] = draw(predicted[hit], u[rows, 1, columns])
            at[rows, columns] = k
        return Run(x, at, K)
