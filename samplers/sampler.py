"""What every sampler shares: how it is asked for rows, for its exact law and for plain facts.

Each row owns a fixed number of uniforms, drawn row after row from the generator. On a CPU the
generator is a sequential stream, so the same seed gives the same rows whatever the batch size and
the number of threads (up to a denoiser whose own rounding depends on them).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError, check_positive
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.sampling import CPU, batch_rows
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Run:
    """What a sampler did.

    Attributes:
        rows: int64 [n, d], the samples; S where a token was never revealed.
        steps: int64 [n, d], the denoiser call, from 0, at which each token was revealed;
            `calls` where none was.
        calls: denoiser calls of one trajectory.
        times: float64 [n, calls], the times handed to the denoiser where they differ by row.
    """

    rows: Tensor
    steps: Tensor
    calls: int
    times: Tensor | None = None


@dataclass(frozen=True)
class RoundCount:
    """Rounds that reveal something, when the values are those of the data.

    Attributes:
        mean: over the data.
        most: that any sequence of the data takes.
    """

    mean: float
    most: int


@dataclass(frozen=True, eq=False)
class Pace:
    """How fast tokens are revealed on a clock by a sampler that may mask them again.

    Attributes:
        times: float64 [calls], the start of each step.
        masked: 1−α there, the probability that a token is masked, [calls].
        reveal: the probability that a masked token is revealed in each step, [calls].
        end: 1−α where the last step ends.
    """

    times: Tensor
    masked: Tensor
    reveal: Tensor
    end: float


@dataclass(frozen=True)
class Sampler(ABC):
    """A way to reveal all tokens; with a denoiser it draws sequences. One file a kind.

    Attributes:
        kind: the kind's name.
        length: d.
        device: where it runs, and where its law is computed.
        dtype: of the uniforms and of the draws.
        batch: rows at a time; None chooses by size. It does not change the rows.
    """

    kind: ClassVar[str]

    length: int
    _: KW_ONLY
    device: torch.device = CPU
    dtype: torch.dtype = torch.float64
    batch: int | None = None

    def __post_init__(self) -> None:
        check_positive(length=self.length)
        if self.batch is not None and self.batch < 1:
            raise InputError(f"batch: need at least 1 row at a time, got {self.batch}")

    # --- what a kind says of itself -------------------------------------------------------------

    @property
    @abstractmethod
    def calls(self) -> int:
        """Denoiser calls of one trajectory."""

    @property
    def call_times(self) -> Tensor | None:
        """float64 [calls], the time of each call, where there are times and all rows share them."""
        return None

    @property
    def composition(self) -> tuple[int, ...] | None:
        """Sizes of the blocks that it always reveals in a uniformly random order, if it does."""
        return None

    @property
    def step_law(self) -> StepLaw | None:
        """When a token is revealed, whatever the others do, if that has a law of its own."""
        return None

    @property
    def grid(self) -> Schedule | None:
        """The rule, clock and grid of its steps, where it has them."""
        return None

    @property
    def pace(self) -> Pace | None:
        """Of a sampler without a step law whose steps keep the marginals of a clock (R1)."""
        return None

    @property
    @abstractmethod
    def uniforms(self) -> int:
        """How many uniforms a token of a row uses."""

    @abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """Plain facts: what it is called, its steps, its clock and grid where it has them."""

    def __str__(self) -> str:
        return self.kind

    def check(self, denoiser: Denoiser) -> None:
        """Find out that it cannot be run with a denoiser.

        Raises:
            InputError: if the denoiser depends on time, and the sampler has no times.
        """
        if not denoiser.time_free and self.call_times is None:
            raise InputError(
                f"times: this denoiser depends on time; give the {self.kind} sampler one time a "
                "denoiser call"
            )

    def share(self, denoiser: Denoiser) -> float:  # noqa: ARG002 - for kinds that depend on it
        """Largest part of a row's tokens that one denoiser call is asked for."""
        return 1.0

    def rounds_on(self, target: Target, denoiser: Denoiser) -> RoundCount | None:  # noqa: ARG002 - for kinds that depend on them
        """Rounds that reveal something, x ~ q_0; None if that depends on more than the data."""
        return RoundCount(float(self.calls), self.calls)

    @abstractmethod
    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """Draw some rows.

        Args:
            denoiser: what predicts the hidden tokens.
            uniforms: [b, `uniforms`, d], in [0, 1).
        """

    # --- what is asked of it --------------------------------------------------------------------

    def sample(self, denoiser: Denoiser, n: int, generator: torch.Generator) -> Tensor:
        """Draw n independent sequences, int64 [n, d]; S where a token was left masked."""
        return self.run(denoiser, n, generator).rows

    def run(self, denoiser: Denoiser, n: int, generator: torch.Generator) -> Run:
        """Draw n sequences and say at which denoiser call each token was revealed.

        Args:
            denoiser: what predicts the hidden tokens.
            n: rows, ≥ 0.
            generator: the only source of randomness, on the sampler's device.

        Raises:
            InputError: for impossible arguments, or a denoiser without mass where it is needed.
        """
        self.check(denoiser)
        d, device = self.length, self.device
        if n < 0:
            raise InputError(f"n: need a number of rows ≥ 0, got {n}")
        if generator.device.type != device.type:
            raise InputError(
                f"generator: lives on {generator.device}, the sampler runs on {device}; "
                f"use torch.Generator(device={device.type!r})"
            )
        batch = self.batch or batch_rows(d, denoiser.vocabulary, self.share(denoiser))
        runs = []
        for start in range(0, max(n, 1), batch):
            shape = (min(batch, n - start), self.uniforms, d)
            u = torch.rand(shape, generator=generator, dtype=self.dtype, device=device)
            runs.append(self.run_batch(denoiser, u))
        if len(runs) == 1:
            return runs[0]
        times = [run.times for run in runs if run.times is not None]
        return Run(
            torch.cat([run.rows for run in runs]),
            torch.cat([run.steps for run in runs]),
            runs[0].calls,
            torch.cat(times) if times else None,
        )

    def law(
        self, target: Target, denoiser: Denoiser, tables: CompositionTables | None = None
    ) -> OutputLaw:
        """The exact output law on the support, by the algorithm that denoiser and sampler allow.

        Args:
            target: the data law, whose support is listed.
            denoiser: what predicts the hidden tokens.
            tables: of this target and `samplers.denoiser.normalised` of this denoiser, if at
                hand; computed here where they are needed.

        Raises:
            InputError: if there is no such law: the lengths differ, or times are missing.
            TooLargeError: if it does not fit into memory.
        """
        if target.length != self.length:
            raise InputError(f"target: has length {target.length}, the sampler {self.length}")
        self.check(denoiser)
        return self._law(target, denoiser, tables)

    @abstractmethod
    def _law(
        self, target: Target, denoiser: Denoiser, given: CompositionTables | None
    ) -> OutputLaw: ...
