"""Steps of samplers as moves between the partial states of a short sequence, each with its weight.

They share nothing with `samplers` but predictions, so that the two check each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import permutations

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.target import all_states
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Moves:
    """All moves that reveal some masked tokens, or none.

    Attributes:
        states: int64 [C, d], all partial states in lexicographic order; the last one is all masks.
        source: int64 [M], the state before a move.
        target: int64 [M], the state after it.
        shown: bool [M, d], what it reveals.
    """

    states: Tensor
    source: Tensor
    target: Tensor
    shown: Tensor

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.states[-1, 0])

    @property
    def hidden(self) -> Tensor:
        """bool [C, d]: which positions are masked."""
        return self.states == self.vocabulary

    def code(self, positions: Tensor) -> Tensor:
        """Sets of positions bool [B, d] as numbers int64 [B]."""
        return (positions * 2 ** torch.arange(positions.shape[1])).sum(1)

    @cached_property
    def codes(self) -> Tensor:
        """int64 [M]: what each move reveals, as a number."""
        return self.code(self.shown)

    @cached_property
    def sizes(self) -> Tensor:
        """int64 [M]: how many tokens it reveals."""
        return self.shown.sum(1)

    def those(self, kept: Tensor, p: Tensor, share: Tensor | None = None) -> Step:
        """The moves bool [M] that a step may take.

        Args:
            kept: which ones.
            p: float64 [C, d, S], what values are drawn from.
            share: float64 [M], the probability that a move reveals what it reveals; None for 1.
        """
        chosen = kept.nonzero().squeeze(1)
        factors = torch.nn.functional.pad(p.flatten(), (0, 1), value=1.0)
        chance = factors[self._factors[chosen]].prod(-1)
        weight = chance if share is None else chance * share[chosen]
        return Step(self.source[chosen], self.target[chosen], weight)

    @cached_property
    def _factors(self) -> Tensor:
        """int64 [M, d]: where in p [C, d, S], flattened, a revealed value stands; −1 elsewhere."""
        d, S = self.shown.shape[1], self.vocabulary
        row = self.source[:, None] * d + torch.arange(d)
        return torch.where(self.shown, row * S + self.states[self.target], -1)


@cache
def moves(length: int, vocabulary: int) -> Moves:
    """The moves of all sequences of a length."""
    d, S = length, vocabulary
    # At each position: it stays masked, is revealed, or had been revealed before.
    pairs = torch.tensor([[S, S], *([S, a] for a in range(S)), *([a, a] for a in range(S))])
    both = pairs[all_states(d, len(pairs))]
    powers = torch.tensor([(S + 1) ** i for i in range(d - 1, -1, -1)])
    source, target = (both * powers[:, None]).sum(1).unbind(1)
    return Moves(all_states(d, S + 1), source, target, both[..., 0] != both[..., 1])


@dataclass(frozen=True, eq=False)
class Step:
    """A step: moves with their weights, those from one state adding up to 1.

    Attributes:
        source: int64 [M].
        target: int64 [M].
        weight: float64 [M].
    """

    source: Tensor
    target: Tensor
    weight: Tensor

    def uniforms(self, before: Tensor, after: Tensor, v: Tensor) -> Tensor:
        """Of moves that were seen P(a likelier one) + v·P(this one): uniform if v is.

        Args:
            before: int64 [n], states.
            after: int64 [n].
            v: float64 [n].

        Returns:
            float64 [n]; no number where such a move has probability 0.
        """
        possible = self.weight > 0
        many = int(max(self.source.max(), self.target.max(), before.max(), after.max())) + 1
        both = (self.source * many + self.target)[possible]
        codes, place = torch.unique(both, return_inverse=True)
        weight = torch.zeros(len(codes), dtype=torch.float64)
        weight.index_add_(0, place, self.weight[possible])
        # By state, the likeliest first; what is ahead of the first one is another state's.
        likely = weight.sort(descending=True, stable=True).indices
        order = likely[(codes[likely] // many).sort(stable=True).indices]
        sums = weight[order].cumsum(0) - weight[order]
        source = codes[order] // many
        ahead = torch.empty_like(weight)
        ahead[order] = sums - sums[torch.searchsorted(source, source)]
        asked = before * many + after
        found = torch.searchsorted(codes, asked).clamp(max=len(codes) - 1)
        return torch.where(codes[found] == asked, ahead[found] + v * weight[found], math.nan)

    def after(self, mass: Tensor) -> Tensor:
        """The law over states [C] after the step."""
        return torch.zeros_like(mass).index_add_(0, self.target, mass[self.source] * self.weight)


def by_hazards(m: Moves, p: Tensor, open_: Tensor, hazards: Sequence[float]) -> list[Step]:
    """Steps that each reveal every open token with a probability of their own.

    Args:
        m: the moves.
        p: float64 [C, d, S], what values are drawn from in all of them.
        open_: bool [C, d], masked tokens that may be revealed.
        hazards: of each step, in [0, 1].
    """
    allowed = (m.codes & ~m.code(open_)[m.source]) == 0
    values = m.those(allowed, p)
    # A float to the power of integers would be float32.
    shown = m.sizes[allowed].double()
    stay = open_.sum(1)[values.source] - shown
    weights = (values.weight * (r**shown * (1 - r) ** stay) for r in hazards)
    return [Step(values.source, values.target, weight) for weight in weights]


def by_choice(m: Moves, p: Tensor, chosen: Tensor) -> Step:
    """The tokens bool [C, d] are revealed."""
    return m.those(m.codes == m.code(chosen)[m.source], p)


def one_of(found: list[Step]) -> Step:
    """One of these, each as likely as another."""
    if len(found) == 1:
        return found[0]
    source, target = (
        torch.cat([getattr(one, name) for one in found]) for name in ("source", "target")
    )
    return Step(source, target, torch.cat([one.weight for one in found]) / len(found))


def at_random(m: Moves, p: Tensor, open_: Tensor, count: int) -> Step:
    """So many open tokens, fewer where fewer are left, each set as likely as another."""
    left = open_.sum(1)
    ways = torch.tensor([math.comb(n, min(count, n)) for n in left.tolist()], dtype=torch.float64)
    allowed = (m.codes & ~m.code(open_)[m.source]) == 0
    allowed &= m.sizes == left.clamp(max=count)[m.source]
    return m.those(allowed, p, 1 / ways[m.source])


MOST_AT_RANDOM = 6
"""Tokens of which all orders are gone through."""


def tie_orders(ties: str | None, length: int) -> list[list[int]]:
    """Orders in which positions come where they tie: one, or all of them for ``random`` ties."""
    first = list(range(length))
    if ties == "random":
        if length > MOST_AT_RANDOM:
            raise InputError(
                f"ties random: the orders of {length} tokens are too many; take at most "
                f"{MOST_AT_RANDOM} (--length)"
            )
        return [list(order) for order in permutations(first)]
    return [first[::-1] if ties == "right" else first]


def surest(score: Tensor, open_: Tensor, count: int, ties: str | None) -> list[Tensor]:
    """The open tokens of the largest scores, bool [B, d]; several, as likely, for random ties.

    Args:
        score: float64 [B, d]; rounded to 9 decimals, so that ties do not hang on the last bit.
        open_: bool [B, d].
        count: tokens, fewer where fewer are open.
        ties: which of equal ones comes first: ``left``, ``right``, or ``random``; None is left.
    """
    rounded = torch.where(open_, score.round(decimals=9), -math.inf)
    found = []
    for order in tie_orders(ties, score.shape[1]):
        columns = torch.tensor(order)
        first = rounded[:, columns].sort(dim=1, descending=True, stable=True).indices[:, :count]
        found.append(torch.zeros_like(open_).scatter(1, columns[first], True) & open_)
    return found


def keep_draws(
    m: Moves, p: Tensor, open_: Tensor, count: int, score: Tensor, ties: str | None
) -> Step:
    """Draws at all open tokens, of which those are kept whose draw has the largest score.

    Args:
        m: the moves.
        p: float64 [C, d, S], what values are drawn from.
        open_: bool [C, d].
        count: tokens.
        score: float64 [C, d, S], of each symbol.
        ties: as in `surest`.
    """
    all_drawn = by_choice(m, p, open_)
    source, drawn = all_drawn.source, m.states[all_drawn.target]
    of_drawn = score[source].gather(-1, drawn.clamp(max=m.vocabulary - 1)[..., None]).squeeze(-1)
    kept = surest(of_drawn, open_[source], count, ties)
    powers = torch.tensor([(m.vocabulary + 1) ** i for i in range(drawn.shape[1] - 1, -1, -1)])
    after = [torch.where(open_[source] & ~one, m.vocabulary, drawn) @ powers for one in kept]
    return one_of([Step(source, target, all_drawn.weight) for target in after])


def by_kernel(m: Moves, kernel: Tensor) -> Step:
    """A kernel of one's own: [C, C], or [C, d, S + 1] where tokens move independently."""
    C, d = m.states.shape
    if kernel.ndim == 3:
        product = torch.ones(C, C, dtype=torch.float64)
        for i in range(d):
            product *= kernel[:, i][:, m.states[:, i]]
        kernel = product
    source, target = kernel.nonzero(as_tuple=True)
    return Step(source, target, kernel[source, target])
