"""Parallel unmasking: Euler, τ-leaping, ancestral and any other step law, run in torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.denoiser import Denoiser, Positions
from sharprates.samplers.sampling import CPU, Run, check_times, draw, in_batches, masked_positions
from sharprates.samplers.step_law import Rule, StepLaw, step_law
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ParallelSampler:
    """Reveals each masked token in step k independently, with values from one denoiser call.

    Under a normalised denoiser a token is revealed in step k with probability r_k. Otherwise, at a
    prediction of mass m = Σ_a p̂(a), it is revealed with probability min(1, asked_k·m), which is the
    jump vector of the step, rescaled to total 1 where it exceeds that (E1). Its value is drawn from
    p̂/m.

    Each row uses 2d uniforms whatever K is. A token's first one is compared with the probability
    that it has been revealed by step k, which is the inverse CDF of its step; its second one draws
    the value.

    Attributes:
        denoiser: what predicts the hidden tokens.
        length: d.
        law: the step law.
        times: float64 [K], the time handed to the denoiser in each step.
        device: where it runs.
        dtype: of the uniforms and of the draws.
        batch: rows at a time; None chooses by size. It does not change the rows.

    Source: S1, E1.
    """

    denoiser: Denoiser
    length: int
    law: StepLaw
    times: Tensor | None = None
    device: torch.device = CPU
    dtype: torch.dtype = torch.float64
    batch: int | None = None

    def __post_init__(self) -> None:
        check_times(self.times, self.law.steps, self.denoiser)

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.denoiser.vocabulary

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n sequences, int64 [n, d]; masks that are left stay S."""
        return self.run(n, generator).rows

    def run(self, n: int, generator: torch.Generator) -> Run:
        """Draw n sequences and say at which step each token was revealed.

        Args:
            n: rows, ≥ 0.
            generator: on the sampler's device.

        Raises:
            InputError: for impossible arguments, or a denoiser without mass where it is needed.
        """
        blind = self.denoiser.normalised
        share = max(float(self.law.weights.max()), 1e-9) if blind else 1.0
        one = self._value_blind if blind else self._by_mass
        return in_batches(self, n, generator, 2, share, one)

    def step(self, x: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """One step alone, from any partial states.

        Args:
            x: int64 [B, d], mask = S.
            k: step, 0..K-1.
            generator: on the sampler's device.

        Returns:
            int64 [B, d], the states after step k; `x` is not changed.
        """
        shape = (x.shape[0], 2, self.length)
        u = torch.rand(shape, generator=generator, dtype=self.dtype, device=self.device)
        x = x.clone()
        masked = masked_positions(x, self.vocabulary)
        if self.denoiser.normalised:
            hit = u[:, 0][masked] < float(self.law.hazards[k])
            rows, columns = masked[0][hit], masked[1][hit]
            predicted = self._predict(x, k, (rows, columns))
        else:
            predicted = self._predict(x, k, masked)
            hit = u[:, 0][masked] < self._hazard(predicted, k)
            rows, columns = masked[0][hit], masked[1][hit]
            predicted = predicted[hit]
        x[rows, columns] = draw(predicted, u[rows, 1, columns])
        return x

    def _predict(self, x: Tensor, k: int, positions: Positions) -> Tensor:
        t = None if self.times is None else float(self.times[k])
        return self.denoiser(x, t, positions=positions)

    def _hazard(self, predicted: Tensor, k: int) -> Tensor:
        """Reveal probabilities at predictions [n, S] that need not be normalised, float64 [n]."""
        mass = predicted.sum(-1, dtype=torch.float64)
        asked = mass * float(self.law.unclipped[k])
        # A step that fills asks for ∞; where nothing is predicted nothing can be drawn.
        return torch.where(mass > 0, asked, 0.0).clamp(max=1)

    def _value_blind(self, u: Tensor) -> Run:
        """All steps of a batch when hazards do not depend on the state: steps are drawn first."""
        n, d, K = u.shape[0], self.length, self.law.steps
        by_step = torch.cumsum(self.law.weights, 0)
        # From a step that reveals all on, rounding must leave no mask.
        by_step[torch.cummax((self.law.hazards >= 1).to(torch.int8), 0).values > 0] = 1
        by_step = by_step.to(self.device, self.dtype)
        at = torch.searchsorted(by_step, u[:, 0].contiguous(), right=True)
        # One sort in place of K searches through the batch; short keys sort twice as fast.
        keys = at.flatten().to(torch.int16 if K < 2**15 else torch.int64)
        order = torch.sort(keys, stable=True).indices
        values = u[:, 1].flatten()
        x = torch.full((n, d), self.vocabulary, device=self.device)
        counts = torch.bincount(at.flatten(), minlength=K + 1).tolist()
        for k, flat in enumerate(torch.split(order, counts)[:K]):
            # Ask only for rows that reveal something now; where none does, the call is still made.
            rows, local = torch.unique_consecutive(flat // d, return_inverse=True)
            contexts = x[rows] if rows.numel() else x[:1]
            drawn = draw(self._predict(contexts, k, (local, flat % d)), values[flat])
            x.view(-1)[flat] = drawn
        return Run(x, at, K)

    def _by_mass(self, u: Tensor) -> Run:
        """All steps of a batch when hazards depend on the state through the predicted mass."""
        n, d, K = u.shape[0], self.length, self.law.steps
        x = torch.full((n, d), self.vocabulary, device=self.device)
        at = torch.full_like(x, K)
        survival = torch.ones(n, d, dtype=torch.float64, device=self.device)
        for k in range(K):
            masked = masked_positions(x, self.vocabulary)
            predicted = self._predict(x, k, masked)
            survival[masked] *= 1 - self._hazard(predicted, k)
            hit = u[:, 0][masked] >= survival[masked]
            rows, columns = masked[0][hit], masked[1][hit]
            x[rows, columns] = draw(predicted[hit], u[rows, 1, columns])
            at[rows, columns] = k
        return Run(x, at, K)


def parallel_sampler(
    denoiser: Denoiser,
    length: int,
    rule: str | Rule,
    clock: Clock,
    times: Tensor,
    last_step: str = "leave",
    *,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float64,
    batch: int | None = None,
) -> ParallelSampler:
    """The sampler of a rule on a clock and a grid; for any denoiser, normalised or not.

    Args:
        denoiser: what predicts the hidden tokens; it gets the time at each step's start.
        length: d.
        rule: a name in `samplers.step_law.RULES`, or a function of (clock, times).
        clock: the clock.
        times: float64 [K + 1], decreasing.
        last_step: ``leave`` masks that remain, or ``fill`` them in one more call at the last time.
        device: where it runs.
        dtype: of the uniforms and of the draws.
        batch: rows at a time.

    Raises:
        InputError: for an unknown rule or last step, or a negative hazard.

    Source: S1, E1.
    """
    law = step_law(rule, clock, times, last_step)
    return ParallelSampler(denoiser, length, law, times[: law.steps], device, dtype, batch)
