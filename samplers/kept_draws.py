"""Keeps the surest draws: a popular default that is no policy, its run and its exact law.

It draws a value at every mask and keeps those of the largest probability, so the choice depends on
the values drawn and probable ones are favoured: even one token a round with the exact denoiser does
not give q_0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, normalised, relative_error
from sharprates.samplers.errors import check_memory, check_positive
from sharprates.samplers.output_law import UNIT, OutputLaw, rounding
from sharprates.samplers.reached_law import merged
from sharprates.samplers.sampler import Run, Sampler
from sharprates.samplers.sampling import draw, masked_positions
from sharprates.samplers.target import Target, all_states
from torch import Tensor


@dataclass(frozen=True)
class KeptDraws(Sampler):
    """Draws at every mask, and keeps the `count` values of the largest probability.

    Probabilities are rounded to 9 decimals, so that ties do not hang on the last bit; of equal ones
    the leftmost position comes first. A row uses d uniforms a step. An unnormalised denoiser is
    normalised first.

    Attributes:
        count: tokens a step, ≥ 1; the last step takes what is left.

    Source: LLaDA's ``low_confidence`` at a temperature above 0.
    """

    kind = "kept draws"

    count: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(count=self.count)

    @property
    def calls(self) -> int:
        """⌈d/count⌉."""
        return -(-self.length // self.count)

    @property
    def uniforms(self) -> int:
        """One for each value that is drawn."""
        return self.calls

    def __str__(self) -> str:
        return f"kept draws {self.count}"

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`."""
        return {"sampler": self.kind, "steps": self.calls}

    def _surest(self, score: Tensor) -> Tensor:
        """The places of the `count` largest scores, ties to the left: [B, m] to int64 [B, c]."""
        ranked = torch.sort(torch.round(score, decimals=9), dim=1, descending=True, stable=True)
        return ranked.indices[:, : self.count]

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`."""
        n, _, d = uniforms.shape
        x = torch.full((n, d), denoiser.vocabulary, device=self.device)
        steps = torch.empty_like(x)
        for k in range(self.calls if n else 0):
            columns, predicted = _predicted(denoiser, x)
            drawn = draw(predicted.flatten(0, 1), uniforms[:, k].gather(1, columns).flatten())
            drawn = drawn.view_as(columns)
            best = self._surest(predicted.gather(-1, drawn[..., None]).squeeze(-1))
            x.scatter_(1, columns.gather(1, best), drawn.gather(1, best))
            steps.scatter_(1, columns.gather(1, best), k)
        return Run(x, steps, self.calls)

    def _law(
        self,
        target: Target,
        denoiser: Denoiser,
        given: CompositionTables | None,  # noqa: ARG002 - no tables are needed
    ) -> OutputLaw:
        """Each probability is a sum over values of products of d predictions, two roundings each.

        The number of values that share a position is at most S a step.
        """
        d, S = target.length, target.vocabulary
        x, mass = self.reached(denoiser)
        both, place = torch.unique(torch.cat([target.rows, x.cpu()]), dim=0, return_inverse=True)
        reached = torch.zeros(len(both), dtype=torch.float64)
        reached[place[target.support :]] = mass.cpu()
        depth = d * (2 + S + relative_error(denoiser) / UNIT) + len(mass)
        relative = rounding(depth)
        return OutputLaw(
            target.rows, reached[place[: target.support]], S, False, relative, relative
        )

    def reached(self, denoiser: Denoiser) -> tuple[Tensor, Tensor]:
        """All sequences that are put out, int64 [N, d], and their probabilities float64 [N]."""
        x = torch.full((1, self.length), denoiser.vocabulary, device=self.device)
        mass = torch.ones(1, dtype=torch.float64, device=self.device)
        for _ in range(self.calls):
            x, mass = self._propagated(denoiser, x, mass)
        return x, mass

    def _propagated(self, denoiser: Denoiser, x: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the law: candidates at all masked positions branch at once."""
        columns, predicted = _predicted(denoiser, x)
        (B, m), S = columns.shape, denoiser.vocabulary
        check_memory(
            8 * B * S**m * (2 * m + self.length),
            f"the {B * S**m} candidates at {m} positions",
            "take a shorter sequence or a smaller vocabulary",
        )
        values = all_states(m, S).to(x.device).expand(B, -1, m)
        # [B, m, S] at [B, candidates, m]: the probability of each candidate symbol.
        p = predicted.gather(-1, values.transpose(1, 2)).transpose(1, 2).reshape(-1, m)
        kept = self._surest(p)
        x = x.repeat_interleave(S**m, 0)
        places = columns.repeat_interleave(S**m, 0).gather(1, kept)
        x.scatter_(1, places, values.reshape(-1, m).gather(1, kept))
        weight = mass.repeat_interleave(S**m) * p.prod(-1)
        return merged(x[weight > 0], weight[weight > 0])


def _predicted(denoiser: Denoiser, x: Tensor) -> tuple[Tensor, Tensor]:
    """All masked positions [B, m], as many in every row, and the predictions [B, m, S] there."""
    masked = masked_positions(x, denoiser.vocabulary)
    p = normalised(denoiser)(x, positions=masked)
    return masked[1].view(len(x), -1), p.view(len(x), -1, denoiser.vocabulary)
