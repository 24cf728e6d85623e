"""The first-hitting sampler: true unmasking times of the reverse process, one token at a time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.sampling import CPU, Run, draw, in_batches, random_order
from torch import Tensor


@dataclass(frozen=True, eq=False)
class FirstHittingSampler:
    """Simulates the unmasking times and positions of the reverse process, then draws the values.

    With n tokens masked at time τ_n the next one is revealed at the time with
    1−α(τ_{n−1}) = u^{1/n}·(1−α(τ_n)), at a position uniform among the masked ones. Every row has
    its own times and its own order; the denoiser is called d times and is given each row's time.
    A row uses 3d uniforms: times, order, values.

    Attributes:
        denoiser: what predicts the hidden tokens; normalised or not (values are drawn from ŝ/Σŝ).
        length: d.
        clock: the clock.
        horizon: T at which all is masked; None is the end of the clock's domain.
        device: where it runs.
        dtype: of the uniforms and of the draws; times are float64.
        batch: rows at a time; None chooses by size. It does not change the rows.

    Source: S4, H1, H2; Zheng et al., arXiv 2409.02908.
    """

    denoiser: Denoiser
    length: int
    clock: Clock
    horizon: float | None = None
    device: torch.device = CPU
    dtype: torch.dtype = torch.float64
    batch: int | None = None

    def __post_init__(self) -> None:
        if self.horizon is not None and not 0 < self.horizon <= self.clock.end:
            raise InputError(
                f"horizon: clock {self.clock.name} lives on (0, {self.clock.end:g}], "
                f"got {self.horizon:g}"
            )

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.denoiser.vocabulary

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n sequences, int64 [n, d]; none has a mask left."""
        return self.run(n, generator).rows

    def run(self, n: int, generator: torch.Generator) -> Run:
        """Draw n sequences, with every row's order (`steps`) and hitting times (`times`).

        Args:
            n: rows, ≥ 0.
            generator: on the sampler's device.

        Raises:
            InputError: for impossible arguments, or a denoiser without mass where it is needed.
        """
        return in_batches(self, n, generator, 3, 1 / max(1, self.length), self._batch)

    def _batch(self, u: Tensor) -> Run:
        n, d = u.shape[0], self.length
        end = torch.tensor(
            self.clock.end if self.horizon is None else self.horizon,
            dtype=torch.float64,
            device=self.device,
        )
        waiting = torch.arange(d, 0, -1, dtype=torch.float64, device=self.device)
        # 1 − u is in (0, 1]: its logarithm is finite. A token still masked has log(1−α) summed up.
        logs = torch.log1p(-u[:, 0].to(torch.float64)) / waiting
        masked = self.clock.masked(end) * torch.exp(torch.cumsum(logs, 1))
        times = self.clock.inverse(1 - masked)
        order = random_order(u[:, 1])
        x = torch.full((n, d), self.vocabulary, device=self.device)
        rows = torch.arange(n, device=self.device)
        for j in range(d):
            columns = order[:, j]
            predicted = self.denoiser(x, times[:, j], positions=(rows, columns))
            x[rows, columns] = draw(predicted, u[:, 2, j])
        steps = torch.empty_like(order)
        steps.scatter_(1, order, torch.arange(d, device=self.device).expand(n, d))
        return Run(x, steps, d, times)
