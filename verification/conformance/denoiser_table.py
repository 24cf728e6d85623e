"""Small denoisers given by tables: what samplers are run on, and what their laws are worked out on.

Small d and S: a law is a vector over all (S+1)^d partial states, a step a matrix over them.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.target import Target, all_states
from torch import Tensor


@dataclass(frozen=True, eq=False)
class DenoiserTable:
    """A denoiser by its predictions at all partial states, with the moves between these.

    Attributes:
        table: float64 [(S+1)^d, d, S], positive and normalised.
    """

    table: Tensor

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.table.shape[1])

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.table.shape[2])

    @cached_property
    def states(self) -> Tensor:
        """int64 [C, d], all partial states in lexicographic order; the last one is all masks."""
        return all_states(self.length, self.vocabulary + 1)

    @cached_property
    def hidden(self) -> Tensor:
        """bool [C, d]: which positions are masked."""
        return self.states == self.vocabulary

    @cached_property
    def revealed(self) -> Tensor:
        """bool [C, C, d]: positions that a move reveals; meaningless where it is no move."""
        return self.hidden[:, None] & ~self.hidden[None]

    @cached_property
    def values(self) -> Tensor:
        """float64 [C, C]: probability of the values that a move reveals; 0 if it is no move."""
        x, y, S = self.states[:, None], self.states[None], self.vocabulary
        is_move = ((x == y) | (x == S)).all(-1)
        C, d = self.states.shape
        index = y.clamp(max=S - 1).expand(C, C, d)
        p = self.table[:, None].expand(C, C, d, S).gather(-1, index[..., None]).squeeze(-1)
        product = torch.where(self.revealed, p, 1.0).prod(-1)
        return torch.where(is_move, product, 0.0)

    def step_by_hazard(self, hazard: float) -> Tensor:
        """Each masked token is revealed with this probability: float64 [C, C]."""
        # A float to the power of integers would be float32.
        shown = self.revealed.sum(-1, dtype=torch.float64)
        stay = self.hidden.sum(-1)[:, None] - shown
        return self.values * hazard**shown * (1 - hazard) ** stay.clamp(min=0)

    def step_by_argmax(self) -> Tensor:
        """All masked tokens get their most probable symbol: float64 [C, C]."""
        full = torch.where(self.hidden, self.table.argmax(-1), self.states)
        return (self.states[None] == full[:, None]).all(-1).to(torch.float64)


def _ordered(denoiser: DenoiserTable, x: int, hidden: list[int], order: str) -> list[int]:
    """Masked positions of a state, those first that are revealed first."""
    if order == "left-to-right":
        return hidden
    p = denoiser.table[x]
    top = p.topk(min(2, denoiser.vocabulary), dim=-1).values
    score = {
        "probability": top[:, 0],
        "margin": top[:, 0] - top[:, -1],
        "entropy": torch.xlogy(p, p).sum(-1),
    }[order].tolist()
    return sorted(hidden, key=lambda i: (-round(score[i], 9), i))


def _keep_surest_draws(
    denoiser: DenoiserTable, x: int, hidden: list[int], count: int, step: Tensor
) -> None:
    """Add to a row of a step all draws at the masked positions, of which the surest are kept."""
    d, S = denoiser.length, denoiser.vocabulary
    for drawn in all_states(len(hidden), S).tolist():
        p = [float(denoiser.table[x, i, a]) for i, a in zip(hidden, drawn, strict=True)]
        kept = sorted(range(len(hidden)), key=lambda j: (-round(p[j], 9), j))[:count]
        y = x + sum((drawn[j] - S) * (S + 1) ** (d - 1 - hidden[j]) for j in kept)
        step[x, y] += math.prod(p)


@lru_cache(maxsize=1024)
def step_by_count(denoiser: DenoiserTable, count: int, order: str) -> Tensor:
    """A step that reveals a fixed number of tokens, fewer where fewer are masked: float64 [C, C].

    Args:
        denoiser: by its table.
        count: tokens.
        order: ``uniform`` over the sets of positions, ``left-to-right``, or a measure of
            confidence; ``drawn`` draws at all masked positions and keeps the values that had
            the highest probability.
    """
    C, d = denoiser.table.shape[:2]
    step = torch.zeros(C, C, dtype=torch.float64)
    for x in range(C):
        hidden = denoiser.hidden[x].nonzero().flatten().tolist()
        c = min(count, len(hidden))
        if c == 0:
            step[x, x] = 1
        elif order == "drawn":
            _keep_surest_draws(denoiser, x, hidden, c, step)
        elif order == "uniform":
            exactly = denoiser.revealed[x].sum(-1) == c
            step[x] = torch.where(exactly, denoiser.values[x], 0.0) / math.comb(len(hidden), c)
        else:
            chosen = torch.zeros(d, dtype=torch.bool)
            chosen[_ordered(denoiser, x, hidden, order)[:c]] = True
            same = (denoiser.revealed[x] == chosen).all(-1)
            step[x] = torch.where(same, denoiser.values[x], 0.0)
    return step


@lru_cache(maxsize=128)
def tempered(denoiser: DenoiserTable, temperature: float) -> DenoiserTable:
    """The same with probabilities raised to 1/temperature and normalised."""
    if temperature == 1:
        return denoiser
    raised = denoiser.table ** (1 / temperature)
    return DenoiserTable(raised / raised.sum(-1, keepdim=True))


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
