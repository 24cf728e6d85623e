"""Blocks: a fixed number of tokens a step, at positions in a uniformly random order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, normalised
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.sampler import Run, Sampler
from sharprates.samplers.sampling import draw, random_order
from sharprates.samplers.target import Target
from torch import Tensor


@dataclass(frozen=True)
class BlockSampler(Sampler):
    """Reveals n_1, then n_2, … tokens of a uniformly random order, each block by one call.

    Its law is the vertex P_a of the composition a = (n_1, …, n_m); the sizes for s tokens a step
    are `samplers.compositions.fixed_blocks`. A row uses 2d uniforms: order and values. An
    unnormalised denoiser is normalised: values are drawn from ŝ/Σŝ.

    Attributes:
        sizes: the composition a of d, positive parts.

    Source: S2 (iii).
    """

    kind = "blocks"
    uniforms = 2

    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sizes or min(self.sizes) < 1 or sum(self.sizes) != self.length:
            raise InputError(
                f"sizes: need positive block sizes of sum {self.length}, got {self.sizes}"
            )

    @property
    def calls(self) -> int:
        """m, one call a block."""
        return len(self.sizes)

    @property
    def composition(self) -> tuple[int, ...]:
        """The sizes."""
        return self.sizes

    def __str__(self) -> str:
        return f"blocks {' '.join(map(str, self.sizes))}"

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`."""
        return {"sampler": self.kind, "steps": self.calls}

    def share(self, denoiser: Denoiser) -> float:  # noqa: ARG002 - the base's argument
        """The largest block's."""
        return max(self.sizes) / self.length

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`."""
        n, _, d = uniforms.shape
        order = random_order(uniforms[:, 0])
        x = torch.full((n, d), denoiser.vocabulary, device=self.device)
        steps = torch.empty_like(order)
        for k, end in enumerate(accumulate(self.sizes)):
            columns = order[:, end - self.sizes[k] : end].flatten()
            rows = torch.arange(n, device=self.device).repeat_interleave(self.sizes[k])
            predicted = denoiser(x, positions=(rows, columns))
            x[rows, columns] = draw(predicted, uniforms[rows, 1, columns])
            steps[rows, columns] = k
        return Run(x, steps, self.calls)

    def _law(
        self, target: Target, denoiser: Denoiser, given: CompositionTables | None
    ) -> OutputLaw:
        return (given or tables(target, normalised(denoiser), device=self.device)).at(self.sizes)
