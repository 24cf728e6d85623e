"""Trajectories on a Markov chain by looking at what changes only: made for d in the thousands.

A prediction depends on the nearest revealed tokens alone, so there are few different ones: their
scores are tabled, and a revealed token changes the scores up to its neighbours only. A rule that
takes the best positions needs the best of some hundred blocks, not of d positions. A round costs
about as much as the tokens that it reveals, whatever d is; `samplers.trajectories` asks for all
predictions in each round, and gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce

import torch
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.policies import LeftToRight, Policy, Prefix, rounded
from sharprates.samplers.tempered import TemperedDenoiser
from sharprates.samplers.trajectories import UNCAPPED, Rounds, Trajectories
from torch import Tensor

Changes = tuple[Callable[[Tensor], Tensor], ...]
"""Predictions [..., S] to predictions, one after the other: how a denoiser differs from a chain."""

# Contexts whose scores are tabled: 2^24 float64 are 128 MiB.
_CONTEXTS = 1 << 24

# Contexts whose predictions are worked out together, in numbers.
_CELLS = 1 << 22


@dataclass(frozen=True, eq=False)
class _Scores:
    """Of each context: left table row · W + right table row.

    Attributes:
        score: float64 [W²].
        rank: int64 [W²], its place among all scores as rules compare them; equal ones share it.
    """

    score: Tensor
    rank: Tensor


def _rule(policy: Policy) -> Prefix | None:
    """The rule that takes the best positions, of all or of the leftmost block, if there is one."""
    inner = policy.inner if isinstance(policy, LeftToRight) else policy
    return inner if isinstance(inner, Prefix) else None


def _chain(denoiser: Denoiser) -> tuple[MarkovChain, Changes] | None:
    """The chain behind a denoiser, if there is one, and how its predictions are changed."""
    if isinstance(denoiser, NoisyDenoiser | TemperedDenoiser):
        found = _chain(denoiser.base)
        return found and (found[0], (*found[1], denoiser.change))
    return (denoiser, ()) if isinstance(denoiser, MarkovChain) else None


def can_follow(policy: Policy, denoiser: Denoiser, rounds: Rounds = UNCAPPED) -> bool:
    """Whether `chain_trajectories` is for them: best positions first, on a chain that mixes."""
    found = _chain(denoiser)
    small = found is not None and len(found[0].left) ** 2 <= _CONTEXTS
    return small and _rule(policy) is not None and rounds.cache == 1


def _predictions(chain: MarkovChain, changes: Changes, left: Tensor, right: Tensor) -> Tensor:
    """p̂ given the table rows of both neighbours, [..., S]."""
    return reduce(lambda p, change: change(p), changes, chain.at(left, right))


@lru_cache(maxsize=4)
def _scores(rule: Prefix, chain: MarkovChain, changes: Changes) -> _Scores:
    """Kept, since many batches of rows share them."""
    W, S = len(chain.left), chain.vocabulary
    right = torch.arange(W)
    size = max(1, _CELLS // (W * S))
    score = torch.cat(
        [
            rule.score(_predictions(chain, changes, left[:, None], right))
            for left in torch.split(torch.arange(W), size)
        ]
    ).flatten()
    return _Scores(score, torch.unique(rounded(score), return_inverse=True)[1])


def chain_trajectories(
    policy: Policy, denoiser: Denoiser, rows: Tensor, rounds: Rounds = UNCAPPED
) -> Trajectories:
    """The trajectories that sequences drive, as `samplers.trajectories.trajectories` has them.

    Args:
        policy: of those that `can_follow` is true for.
        denoiser: likewise; on the CPU.
        rows: int64 [N, d], held all at once: some 40·(d + 2·reach)·N bytes.
        rounds: cap on the rounds, and what happens there.
    """
    rule, found = _rule(policy), _chain(denoiser)
    assert rule is not None, "see can_follow"
    assert found is not None, "see can_follow"
    policy.check(rows.shape[1])
    run = _Run(rule, *found, rows, policy.size if isinstance(policy, LeftToRight) else None)
    for k in range(rounds.end(policy, rows.shape[1])):
        live = run.live
        if not len(live):
            break
        run.reveal(k, *(run.all() if rounds.fills(k) else run.best(live)))
    return Trajectories(rows, run.predicted, run.round_of)


class _Run:
    """Rows on their way from all hidden to all revealed.

    Every row has `reach` columns beside its tokens on either side that count as revealed, so that
    no neighbour need be looked for beyond an end, and columns up to a multiple of the block size.
    All tables are flat, with index row · width + column: so torch looks them up several times
    faster than by pairs.
    """

    def __init__(
        self,
        rule: Prefix,
        chain: MarkovChain,
        changes: Changes,
        rows: Tensor,
        window: int | None,
    ) -> None:
        """All tokens hidden; `window` is the size of left-to-right blocks, if there are any."""
        self.rule, self.chain, self.changes, self.rows = rule, chain, changes, rows
        self.scores, self.window = _scores(rule, chain, changes), window
        (n, d), S, self.pad = rows.shape, chain.vocabulary, chain.reach
        self.block = max(32, chain.reach)  # then a token changes its own and two blocks at most
        self.width = -(-(d + 2 * self.pad) // self.block) * self.block
        tokens = torch.zeros(n, self.width, dtype=torch.bool)
        tokens[:, self.pad : self.pad + d] = True
        self.state = torch.where(tokens, S, -1).flatten()
        self.left = torch.full_like(self.state, S)  # the tables' row of no neighbour
        self.right = self.left.clone()
        # equally good positions stand from left to right
        self.order = torch.arange(self.width - 1, -1, -1)
        blank = self.scores.rank[S * len(chain.left) + S] * self.width + self.order
        self.key = torch.where(tokens, blank, -1).flatten()
        self.best_of = self.key.view(-1, self.block).amax(1)
        self.predicted = torch.zeros(rows.shape, dtype=torch.float64)
        self.round_of = torch.full_like(rows, -1)

    @property
    def live(self) -> Tensor:
        """The rows that have hidden tokens, int64 [m]."""
        hidden = (self.best_of >= 0).view(len(self.rows), -1)
        return hidden.any(1).nonzero().squeeze(1)

    def best(self, live: Tensor, most: int = 2) -> tuple[Tensor, Tensor]:
        """The (row, column) pairs that the rule takes next.

        Args:
            live: int64 [m], rows with hidden tokens.
            most: how many of the best positions are looked at; more where all of them are taken.
        """
        n, d = self.rows.shape
        if self.window is None:
            count = self.width // self.block
            blocks = self.best_of.view(n, -1)[live].topk(min(most, count)).indices
            flat = (live[:, None] * count + blocks).flatten()
            keys = self.key.view(-1, self.block).index_select(0, flat).view(len(live), -1)
        else:
            tokens = self.key.view(n, -1)[live, self.pad : self.pad + d]
            shown = tokens.view(len(live), -1, self.window)
            leftmost = (shown.amax(2) >= 0).to(torch.uint8).argmax(1)
            keys = shown[torch.arange(len(live)), leftmost]
        whole = most >= (d if self.window is None else self.window)
        keys = keys.topk(min(most, keys.shape[1])).values
        column = self.width - 1 - keys % self.width
        score = self.scores.score[self._context((live[:, None] * self.width + column).flatten())]
        taken = self.rule.taken(score.view_as(keys)) & (keys >= 0)
        again = taken.all(1) & (not whole)
        row, place = (taken & ~again[:, None]).nonzero().unbind(1)
        pairs = live[row], column[row, place]
        if bool(again.any()):
            more = self.best(live[again], 8 * most)
            pairs = torch.cat([pairs[0], more[0]]), torch.cat([pairs[1], more[1]])
        return pairs

    def all(self) -> tuple[Tensor, Tensor]:
        """The (row, column) pairs of all hidden tokens."""
        row, column = (self.key.view(len(self.rows), -1) >= 0).nonzero().unbind(1)
        return row, column

    def _context(self, places: Tensor) -> Tensor:
        return self.left.gather(0, places) * len(self.chain.left) + self.right.gather(0, places)

    def reveal(self, round: int, row: Tensor, column: Tensor) -> None:
        """Reveal tokens in a round, and bring up to date what depends on them."""
        S, token, at = self.chain.vocabulary, column - self.pad, row * self.width + column
        symbol = self.rows[row, token]
        p = _predictions(self.chain, self.changes, self.left[at], self.right[at])
        self.predicted[row, token] = p.gather(1, symbol[:, None]).squeeze(1)
        self.round_of[row, token] = round
        self.state[at], self.key[at] = symbol, -1
        gaps = torch.arange(1, self.pad + 1)
        table_rows = (gaps * (S + 1) + symbol[:, None]).flatten()
        changed = []
        for side, neighbour in ((1, self.left), (-1, self.right)):
            places = (at[:, None] + side * gaps).flatten()
            shown = (self.state.gather(0, places) != S).view(len(at), self.pad)
            # up to the next revealed token on that side
            near = (shown.to(torch.uint8).cummax(1).values == 0).flatten().nonzero().squeeze(1)
            places = places.gather(0, near)
            neighbour.scatter_(0, places, table_rows.gather(0, near))
            changed.append(places)
        places = torch.cat(changed)
        rank = self.scores.rank.gather(0, self._context(places))
        self.key.scatter_(0, places, rank * self.width + self.order.gather(0, places % self.width))
        if 3 * len(at) > len(self.best_of):
            self.best_of = self.key.view(-1, self.block).amax(1)
            return
        blocks = (at[:, None] // self.block + torch.tensor([-1, 0, 1])).flatten()
        blocks = blocks.clamp(0, len(self.best_of) - 1)
        self.best_of[blocks] = self.key.view(-1, self.block).index_select(0, blocks).amax(1)
