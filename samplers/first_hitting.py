"""The first-hitting sampler: true unmasking times of the reverse process, one token at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.clock import Clock, clock
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, normalised
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.hitting_law import hitting_law
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.sampler import Run, Sampler
from sharprates.samplers.sampling import draw, random_order
from sharprates.samplers.target import Target
from torch import Tensor


@dataclass(frozen=True)
class FirstHittingSampler(Sampler):
    """Simulates the unmasking times and positions of the reverse process, then draws the values.

    With n tokens masked at time τ_n the next one is revealed at the time with
    1−α(τ_{n−1}) = u^{1/n}·(1−α(τ_n)), at a position uniform among the masked ones. Every row has
    its own times and its own order; the denoiser is called d times and is given each row's time.
    A row uses 3d uniforms: times, order, values. An unnormalised denoiser is normalised: values are
    drawn from ŝ/Σŝ. With a time-free denoiser the law depends on no clock.

    Attributes:
        clock: its name or itself; None is the linear one, for time-free denoisers.
        horizon: T at which all is masked; None is the end of the clock's domain.

    Source: S4, H1, H2; Zheng et al., arXiv 2409.02908.
    """

    kind = "fhs"
    uniforms = 3

    clock: str | Clock | None = None
    horizon: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        chosen = self.chosen
        if self.horizon is not None and not 0 < self.horizon <= chosen.end:
            raise InputError(
                f"horizon: clock {chosen.name} lives on (0, {chosen.end:g}], got {self.horizon:g}"
            )

    @property
    def chosen(self) -> Clock:
        """The clock of the hitting times."""
        if isinstance(self.clock, Clock):
            return self.clock
        return clock(self.clock or "linear")

    @property
    def calls(self) -> int:
        """d, one call a token."""
        return self.length

    @property
    def composition(self) -> tuple[int, ...]:
        """(1, …, 1)."""
        return (1,) * self.length

    def __str__(self) -> str:
        return "fhs" if self.clock is None else f"fhs {self.chosen.name}"

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`."""
        name = None if self.clock is None else self.chosen.name
        return {"sampler": self.kind, "steps": self.length, "clock": name}

    def check(self, denoiser: Denoiser) -> None:
        """Find out that a time-dependent denoiser lacks a clock."""
        if not denoiser.time_free and self.clock is None:
            raise InputError("clock: this denoiser depends on time; name the clock of its times")

    def share(self, denoiser: Denoiser) -> float:  # noqa: ARG002 - the base's argument
        """One token's."""
        return 1 / self.length

    def _law(
        self, target: Target, denoiser: Denoiser, given: CompositionTables | None
    ) -> OutputLaw:
        if denoiser.time_free:
            given = given or tables(target, normalised(denoiser), device=self.device)
            return given.at(self.composition)
        return hitting_law(target, denoiser, self.chosen, horizon=self.horizon)

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`; its `times` are the hitting times."""
        u, chosen = uniforms, self.chosen
        n, d = u.shape[0], self.length
        end = torch.tensor(
            chosen.end if self.horizon is None else self.horizon,
            dtype=torch.float64,
            device=self.device,
        )
        waiting = torch.arange(d, 0, -1, dtype=torch.float64, device=self.device)
        # 1 − u is in (0, 1]: its logarithm is finite. A token still masked has log(1−α) summed up.
        logs = torch.log1p(-u[:, 0].to(torch.float64)) / waiting
        masked = chosen.masked(end) * torch.exp(torch.cumsum(logs, 1))
        times = chosen.inverse(1 - masked)
        order = random_order(u[:, 1])
        x = torch.full((n, d), denoiser.vocabulary, device=self.device)
        rows = torch.arange(n, device=self.device)
        # By steps first: each step then reads what lies together.
        by_step = zip(order.T.contiguous(), u[:, 2].T.contiguous(), times.T, strict=True)
        for columns, values, t in by_step:
            drawn = draw(denoiser(x, t, positions=(rows, columns)), values)
            x.scatter_(1, columns[:, None], drawn[:, None])
        steps = torch.empty_like(order)
        steps.scatter_(1, order, torch.arange(d, device=self.device).expand(n, d))
        return Run(x, steps, d, times)
