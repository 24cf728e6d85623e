"""Blocks: a fixed number of tokens a step, at positions in a uniformly random order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.sampling import CPU, Run, check_times, draw, in_batches, random_order
from torch import Tensor


@dataclass(frozen=True, eq=False)
class BlockSampler:
    """Reveals n_1, then n_2, … tokens of a uniformly random order, each block by one call.

    Its law is the vertex P_a of the composition a = (n_1, …, n_m); the sizes for s tokens a step
    are `samplers.expansion.fixed_blocks`. A row uses 2d uniforms: order and values.

    Attributes:
        denoiser: what predicts the hidden tokens; normalised or not (values are drawn from ŝ/Σŝ).
        sizes: the composition a of d, positive parts.
        times: float64 [m], needed by a time-dependent denoiser.
        device: where it runs.
        dtype: of the uniforms and of the draws.
        batch: rows at a time; None chooses by size. It does not change the rows.

    Source: S2 (iii).
    """

    denoiser: Denoiser
    sizes: tuple[int, ...]
    times: Tensor | None = None
    device: torch.device = CPU
    dtype: torch.dtype = torch.float64
    batch: int | None = None

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1:
            raise InputError(f"sizes: need positive block sizes, got {self.sizes}")
        check_times(self.times, len(self.sizes), self.denoiser)

    @property
    def length(self) -> int:
        """Sequence length d."""
        return sum(self.sizes)

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.denoiser.vocabulary

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n sequences, int64 [n, d]; none has a mask left."""
        return self.run(n, generator).rows

    def run(self, n: int, generator: torch.Generator) -> Run:
        """Draw n sequences and say in which block each token was revealed.

        Args:
            n: rows, ≥ 0.
            generator: on the sampler's device.

        Raises:
            InputError: for impossible arguments, or a denoiser without mass where it is needed.
        """
        share = max(self.sizes) / self.length
        return in_batches(self, n, generator, 2, share, self._batch)

    def _batch(self, u: Tensor) -> Run:
        n, d = u.shape[0], self.length
        order = random_order(u[:, 0])
        x = torch.full((n, d), self.vocabulary, device=self.device)
        steps = torch.empty_like(order)
        for k, end in enumerate(accumulate(self.sizes)):
            columns = order[:, end - self.sizes[k] : end].flatten()
            rows = torch.arange(n, device=self.device).repeat_interleave(self.sizes[k])
            t = None if self.times is None else float(self.times[k])
            predicted = self.denoiser(x, t, positions=(rows, columns))
            x[rows, columns] = draw(predicted, u[rows, 1, columns])
            steps[rows, columns] = k
        return Run(x, steps, len(self.sizes))
