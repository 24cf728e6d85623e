"""Small denoisers given by tables: samplers are run on them, their laws worked out on them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.target import Target, all_states
from sharprates.verification.conformance.steps import Moves, moves
from torch import Tensor


@dataclass(frozen=True, eq=False)
class DenoiserTable:
    """A denoiser by its predictions at all partial states.

    Attributes:
        table: float64 [(S+1)^d, d, S], positive and normalised; the states are in lexicographic
            order.
        late: the predictions at the end of the grid, where they depend on time: between its ends
            they are mixed in proportion.
        prompt: int64 [d], where a sampler starts; None for all masks.
    """

    table: Tensor
    late: Tensor | None = None
    prompt: Tensor | None = None

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.table.shape[1])

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.table.shape[2])

    @property
    def moves(self) -> Moves:
        """The moves between its states."""
        return moves(self.length, self.vocabulary)

    @property
    def start(self) -> Tensor:
        """int64 [d], the prompt or all masks."""
        return self.moves.states[-1] if self.prompt is None else self.prompt

    @property
    def first(self) -> int:
        """The place of `start` among the states."""
        S = self.vocabulary
        return int(sum(a * (S + 1) ** i for i, a in enumerate(reversed(self.start.tolist()))))

    def at(self, left: float) -> Tensor:
        """Its predictions with this share of the grid's time left."""
        return self.table if self.late is None else left * self.table + (1 - left) * self.late


def sharpened(p: Tensor, temperature: float, top_k: int | None, top_p: float | None) -> Tensor:
    """What values are drawn from: p^(1/temperature), the k largest, the fewest of mass top_p.

    Temperature 0 takes the first of the largest. Of equal ones the cut keeps the first.
    """
    S = p.shape[-1]
    if temperature == 0:
        return torch.nn.functional.one_hot(p.argmax(-1), S).double()
    if temperature == 1 and top_k is None and top_p is None:
        return p
    q = torch.softmax(p.log() / temperature, -1)
    if top_k is None and top_p is None:
        return q
    ordered, places = q.sort(dim=-1, descending=True, stable=True)
    kept = torch.arange(S) < (S if top_k is None else top_k)
    ordered = torch.where(kept, ordered, 0.0)
    ordered = ordered / ordered.sum(-1, keepdim=True)
    if top_p is not None:
        # The one that crosses the bound is kept.
        ordered = torch.where(ordered.cumsum(-1) - ordered < top_p, ordered, 0.0)
        ordered = ordered / ordered.sum(-1, keepdim=True)
    return torch.zeros_like(q).scatter(-1, places, ordered)


@lru_cache(maxsize=64)
def exact_denoiser(length: int, vocabulary: int, seed: int) -> DenoiserTable:
    """The exact denoiser of a random law on all sequences."""
    chance, rows = random.Random(seed), all_states(length, vocabulary)
    # Dirichlet weights of concentration 0.6, by logarithms of gamma variables.
    logs = [
        math.log(chance.gammavariate(1.6, 1)) + math.log(1 - chance.random()) / 0.6 for _ in rows
    ]
    weights = torch.softmax(torch.tensor(logs, dtype=torch.float64), 0)
    target = Target.from_rows(rows, weights, vocabulary)
    p = ExactDenoiser(target)(all_states(length, vocabulary + 1))
    # A floor keeps every logarithm finite and every cell within reach of a test.
    p = p.clamp(min=1e-3)
    return DenoiserTable(p / p.sum(-1, keepdim=True))


@lru_cache(maxsize=64)
def order_dependent_denoiser(length: int, vocabulary: int, seed: int) -> DenoiserTable:
    """Predictions that belong to no law, so that the order of revealing shows in the output."""
    generator = torch.Generator().manual_seed(seed)
    shape = ((vocabulary + 1) ** length, length, vocabulary)
    u = torch.rand(shape, generator=generator, dtype=torch.float64).clamp(min=1e-6)
    p = (-u.log()) ** 2 + 0.02
    return DenoiserTable(p / p.sum(-1, keepdim=True))


def tied_denoiser(length: int, vocabulary: int) -> DenoiserTable:
    """All positions are as sure as each other, in every state: only ties decide."""
    C = (vocabulary + 1) ** length
    p = torch.arange(1.0, vocabulary + 1, dtype=torch.float64) ** 2
    # Which symbol is the likely one depends on state and position, so that the order shows.
    shift = torch.arange(C)[:, None] + torch.arange(length)
    places = (torch.arange(vocabulary) + shift[..., None]) % vocabulary
    return DenoiserTable((p / p.sum())[places])


WIDE = (1e-4, 1e-3, 1e-2, 0.04, 0.09, 0.16, 0.25, 0.4489)
"""Probabilities of the wide denoiser: rare tokens, and enough of them for a cut to show."""


FEWEST = 20
"""Of a token that is expected less often than this no ratio is reported."""


def wide_denoiser(length: int) -> DenoiserTable:
    """Eight symbols, the same law in every state, in another order at each position."""
    p = torch.tensor([WIDE[::-1], WIDE, *(WIDE[i:] + WIDE[:i] for i in range(2, length))])
    p = p[:length].double() / p[:length].double().sum(-1, keepdim=True)
    return DenoiserTable(p.expand(9**length, -1, -1).clone())
