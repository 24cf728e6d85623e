"""Confidence-based unmasking: reveal first where the denoiser is surest; its run and its law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, relative_error
from sharprates.samplers.errors import InputError, check_memory, check_positive
from sharprates.samplers.output_law import UNIT, OutputLaw, rounding
from sharprates.samplers.sampler import Run, Sampler
from sharprates.samplers.sampling import draw, masked_positions
from sharprates.samplers.target import Target, all_states
from torch import Tensor

MEASURES = ("probability", "margin", "entropy", "drawn")


@dataclass(frozen=True)
class ConfidenceSampler(Sampler):
    """Reveals the `count` masked positions with the most confident predictions, step by step.

    Confidence is the largest probability, its lead over the second, or minus the entropy. It is
    rounded to 9 decimals, so that ties do not hang on the last bit; of equal ones the leftmost
    position comes first. Positions depend on revealed values alone, so with the exact denoiser one
    token a step gives q_0 exactly; several tokens a step do not. A row uses d uniforms, for values.

    The measure ``drawn`` draws a candidate at every masked position and keeps those whose candidate
    has the largest probability. The choice then depends on the values drawn, so probable ones are
    favoured: even one token a step with the exact denoiser does not give q_0. A row uses d uniforms
    a step. An unnormalised denoiser is normalised first.

    Attributes:
        count: tokens a step, ≥ 1; the last step takes what is left.
        measure: one of `MEASURES`.

    Source: S2 (value-dependent samplers); LLaDA and MaskGIT decode in this way.
    """

    kind = "confidence"

    count: int
    measure: str = "probability"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(count=self.count)
        if self.measure not in MEASURES:
            raise InputError(
                f"measure {self.measure!r} is unknown: use one of {', '.join(MEASURES)}"
            )

    @property
    def calls(self) -> int:
        """⌈d/count⌉."""
        return -(-self.length // self.count)

    @property
    def uniforms(self) -> int:
        """One for each value that is drawn."""
        return self.calls if self.measure == "drawn" else 1

    def __str__(self) -> str:
        return f"confidence {self.count} {self.measure}"

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`."""
        return {"sampler": self.kind, "steps": self.calls}

    def choose(self, denoiser: Denoiser, x: Tensor) -> tuple[Tensor, Tensor]:
        """The positions that are revealed next, and the predictions there.

        Args:
            denoiser: what predicts the hidden tokens.
            x: int64 [B, d], all rows with the same number m ≥ 1 of masks.

        Returns:
            Positions int64 [B, c], c = min(count, m), and probabilities [B, c, S].
        """
        columns, predicted = self.predict(denoiser, x)
        best = self.surest(self._confidence(predicted))
        chosen = predicted.gather(1, best[..., None].expand(-1, -1, denoiser.vocabulary))
        return columns.gather(1, best), chosen

    def predict(self, denoiser: Denoiser, x: Tensor) -> tuple[Tensor, Tensor]:
        """All masked positions [B, m] and the normalised predictions [B, m, S]; see `choose`."""
        S = denoiser.vocabulary
        masked = masked_positions(x, S)
        predicted = denoiser(x, positions=masked)
        predicted = (predicted / predicted.sum(-1, keepdim=True)).view(len(x), -1, S)
        return masked[1].view(len(x), -1), predicted

    def surest(self, score: Tensor) -> Tensor:
        """The places of the `count` largest scores, ties to the left: [B, m] to int64 [B, c]."""
        ranked = torch.sort(torch.round(score, decimals=9), dim=1, descending=True, stable=True)
        return ranked.indices[:, : self.count]

    def _confidence(self, p: Tensor) -> Tensor:
        if self.measure == "probability" or p.shape[-1] == 1:
            return p.amax(-1)
        if self.measure == "margin":
            first, second = p.topk(2, dim=-1).values.unbind(-1)
            return first - second
        return torch.xlogy(p, p).sum(-1)

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`."""
        u = uniforms
        n, _, d = u.shape
        x = torch.full((n, d), denoiser.vocabulary, device=self.device)
        steps = torch.empty_like(x)
        for k in range(self.calls if n else 0):
            if self.measure == "drawn":
                columns, predicted = self.predict(denoiser, x)
                drawn = draw(predicted.flatten(0, 1), u[:, k].gather(1, columns).flatten())
                drawn = drawn.view_as(columns)
                best = self.surest(predicted.gather(-1, drawn[..., None]).squeeze(-1))
                columns, drawn = columns.gather(1, best), drawn.gather(1, best)
            else:
                columns, predicted = self.choose(denoiser, x)
                drawn = draw(predicted.flatten(0, 1), u[:, 0].gather(1, columns).flatten())
            x.scatter_(1, columns, drawn.view_as(columns))
            steps.scatter_(1, columns, k)
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
        rows, mass = confidence_law(self, denoiser)
        both, place = torch.unique(torch.cat([target.rows, rows.cpu()]), dim=0, return_inverse=True)
        reached = torch.zeros(len(both), dtype=torch.float64)
        reached[place[target.support :]] = mass.cpu()
        d, S = target.length, target.vocabulary
        depth = d * (2 + S + relative_error(denoiser) / UNIT) + len(mass)
        relative = rounding(depth)
        return OutputLaw(
            target.rows, reached[place[: target.support]], S, False, relative, relative
        )


def confidence_law(sampler: ConfidenceSampler, denoiser: Denoiser) -> tuple[Tensor, Tensor]:
    """The exact output law, by propagation over the partial states that can be reached.

    Args:
        sampler: any; small d, since up to S^d sequences are reached.
        denoiser: what predicts the hidden tokens.

    Returns:
        Sequences int64 [N, d], distinct, in lexicographic order, and their probabilities
        float64 [N], positive.

    Raises:
        TooLargeError: if the states reached do not fit into memory.
    """
    d, S = sampler.length, denoiser.vocabulary
    x = torch.full((1, d), S, device=sampler.device)
    mass = torch.ones(1, dtype=torch.float64, device=sampler.device)
    for k in range(sampler.calls):
        if sampler.measure == "drawn":
            x, mass = _drawn_step(sampler, denoiser, x, mass)
            continue
        columns, predicted = sampler.choose(denoiser, x)
        for j in range(columns.shape[1]):
            # Positions and predictions stay those at the step's start; values branch one by one.
            check_memory(
                8 * mass.numel() * S * (4 * d + columns.shape[1] * (S + 1)),
                f"the {mass.numel() * S} partial states after step {k}",
                "take a shorter sequence or a smaller vocabulary",
            )
            parent, value = (mass[:, None] * predicted[:, j]).nonzero(as_tuple=True)
            mass = mass[parent] * predicted[parent, j, value]
            x = x[parent]
            columns, predicted = columns[parent], predicted[parent]
            x.scatter_(1, columns[:, j : j + 1], value[:, None])
        x, mass = _merged(x, mass)
    return x, mass


def _merged(x: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct states, and the mass of each."""
    x, index = torch.unique(x, dim=0, return_inverse=True)
    return x, torch.zeros(len(x), dtype=mass.dtype, device=mass.device).index_add_(0, index, mass)


def _drawn_step(
    sampler: ConfidenceSampler, denoiser: Denoiser, x: Tensor, mass: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of the measure ``drawn``: candidates at all masked positions branch at once."""
    columns, predicted = sampler.predict(denoiser, x)
    (B, m), S = columns.shape, denoiser.vocabulary
    check_memory(
        8 * B * S**m * (2 * m + sampler.length),
        f"the {B * S**m} candidates at {m} positions",
        "take a shorter sequence or a smaller vocabulary",
    )
    values = all_states(m, S).to(x.device).expand(B, -1, m)
    # [B, m, S] at [B, candidates, m]: the probability of each candidate symbol.
    p = predicted.gather(-1, values.transpose(1, 2)).transpose(1, 2).reshape(-1, m)
    kept = sampler.surest(p)
    x = x.repeat_interleave(S**m, 0)
    places = columns.repeat_interleave(S**m, 0).gather(1, kept)
    x.scatter_(1, places, values.reshape(-1, m).gather(1, kept))
    weight = mass.repeat_interleave(S**m) * p.prod(-1)
    return _merged(x[weight > 0], weight[weight > 0])
