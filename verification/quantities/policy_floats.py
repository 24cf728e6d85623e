"""The numbers of a policy in float64 with their errors, as balls, by what each data row drives.

Rows that share a context share its rounds, so every mean over the data is a sum over rows, and a
block's total variation is one over the groups of rows that agree before and after it. Contexts off
the support are never asked for (S5).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, normalised, relative_error
from sharprates.samplers.policies import entropy, rounded, sureness
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.trajectories import Trajectories
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim, Relation
from sharprates.verification.arithmetic import Interval, ball
from sharprates.verification.profile import UNIT
from sharprates.verification.quantities.float64 import FloatQuantities
from torch import Tensor


@dataclass(frozen=True, eq=False)
class BlockRound:
    """One round of the rows that reveal something in it.

    Attributes:
        weight: float64 [n], q_0 of each row, its seed's share included.
        size: int64 [n], tokens of its block.
        row: int64 [m], of each token revealed.
        p: float64 [m, S], its exact conditional.
        guess: float64 [m, S], its prediction.
        shown: int64 [m], its value.
        before: int64 [n], rows that agree at the round's start have one number.
        after: int64 [n], the same at its end.
    """

    weight: Tensor
    size: Tensor
    row: Tensor
    p: Tensor
    guess: Tensor
    shown: Tensor
    before: Tensor
    after: Tensor

    def by_row(self, tokens: Tensor) -> Tensor:
        """Sums over each row's tokens: [m] to [n]."""
        return torch.zeros_like(self.weight).index_add_(0, self.row, tokens)

    def at(self, p: Tensor) -> Tensor:
        """p of the value shown: [m, S] to [m]."""
        return p.gather(1, self.shown[:, None]).squeeze(1)

    def block_tv(self, p: Tensor) -> float:
        """Σ over contexts of q_0(x_C)·TV(q_0(x_B|x_C), ∏p_i)."""
        product = torch.ones_like(self.weight).scatter_reduce_(0, self.row, self.at(p), "prod")
        true = _masses(self.weight, self.after)
        one = torch.zeros_like(true, dtype=torch.int64)  # a row of each group, whichever
        one[self.after] = torch.arange(len(self.after), device=one.device)
        drawn = _masses(self.weight, self.before)[self.before[one]] * product[one]
        return float((true - drawn).clamp(min=0).sum())

    @property
    def company(self) -> Tensor:
        """Which tokens are revealed with others, bool [m]."""
        return self.size[self.row] > 1

    @property
    def errors(self) -> Tensor:
        """TV(p_i, p̂_i), [m]."""
        return (self.p - self.guess).abs().sum(1) / 2

    @property
    def anchor(self) -> Tensor:
        """Of each block the token of which the denoiser is least sure, the leftmost: bool [m]."""
        sure = rounded(sureness(self.guess))
        least = torch.full_like(self.weight, math.inf).scatter_reduce_(0, self.row, sure, "amin")
        place = torch.arange(len(self.row), device=self.row.device)
        found = torch.where(sure == least[self.row], place, len(place))
        first = torch.full_like(self.size, len(place)).scatter_reduce_(0, self.row, found, "amin")
        return place == first[self.row]


def _masses(weight: Tensor, group: Tensor) -> Tensor:
    """The weight of each group."""
    count = int(group.max()) + 1
    return torch.zeros(count, dtype=weight.dtype, device=weight.device).index_add_(0, group, weight)


@dataclass(frozen=True, eq=False)
class PolicyFloats(FloatQuantities):
    """As `FloatQuantities`, of a policy; symbols as in `quantities.policies`."""

    @property
    def sampler(self) -> PolicySampler:
        """The policy that is run."""
        assert isinstance(self.experiment.sampler, PolicySampler)
        return self.experiment.sampler

    @cached_property
    def _paths(self) -> list[Trajectories]:
        """The trajectories of the data, for each order of a seed."""
        sampler, rows = self.sampler, self.experiment.target.rows.to(self.sampler.device)
        return [
            sampler.trajectories(self.experiment.denoiser, rows, order)
            for order in sampler.orders()
        ]

    @cached_property
    def _rounds(self) -> list[BlockRound]:
        return [self._round(path, t) for path in self._paths for t in range(int(path.rounds.max()))]

    def _round(self, path: Trajectories, t: int) -> BlockRound:
        given, target = self.sampler.rounds, self.experiment.target
        block = path.round_of == t
        live = block.any(1)
        rows, block, round_of = path.rows[live], block[live], path.round_of[live]
        shown = round_of >= 0
        before = torch.where(shown & (round_of < t), rows, self.S)
        opening = torch.where(shown & (round_of < t - t % given.cache), rows, self.S)
        row, column = block.nonzero().unbind(1)
        p = _asked(ExactDenoiser(target), before, None, row, column)
        guess = p
        if given.cache > 1 or not self.experiment.setting().exact_denoiser:
            time = None if given.times is None else given.times[t]
            drawn_from = normalised(self.experiment.denoiser)
            guess = _asked(drawn_from, opening, time, row, column)
        weight = target.weights.to(rows.device)[live] / len(self._paths)
        groups = [
            torch.unique(state, dim=0, return_inverse=True)[1]
            for state in (before, torch.where(block, rows, before))
        ]
        return BlockRound(weight, block.sum(1), row, p, guess, rows[row, column], *groups)

    def _ball(self, value: float, scale: float) -> Number:
        """A sum in float64 whose terms, in absolute value, add up to no more than a scale.

        A term is a weight times products of a row's predictions, and as many weights as rows are
        added; predictions have their own errors, and a sum over symbols that normalises them.
        """
        target, denoiser = self.experiment.target, self.experiment.denoiser
        errors = relative_error(denoiser) + relative_error(ExactDenoiser(target))
        each = errors + (2 * self.S + 8) * UNIT
        terms = (target.support * len(self._paths) + 64) * UNIT
        return ball(Interval.around(value, (terms + self.d * each) * (1 + 1e-9) * scale))

    def _mean(self, tokens: Tensor | None, one: BlockRound) -> float:
        """Σ over a round's tokens of q_0 of their rows times a number; of rows for None."""
        numbers = one.weight if tokens is None else one.weight[one.row] * tokens
        return float(numbers.sum())

    def _of_tokens(self, number: Any) -> Number:
        """Σ over rounds and tokens of a number in [0, 1] of each: BlockRound → [m]."""
        return self._ball(sum(self._mean(number(one), one) for one in self._rounds), self.d)

    # --- total variation ----------------------------------------------------------------------

    @cached_property
    def leftover(self) -> Number:
        """The probability that a capped policy leaves a mask, on the data."""
        if not self.sampler.leaves:
            return ball(Interval.exact(0))
        weights = self.experiment.target.weights
        left = sum(float(weights[(path.round_of < 0).any(1).cpu()].sum()) for path in self._paths)
        return self._ball(left / len(self._paths), 1)

    @cached_property
    def block_tv_hat(self) -> Number:
        """Δ̂_π: the block errors of the denoiser."""
        return self._ball(sum(one.block_tv(one.guess) for one in self._rounds), 2 * self.d)

    @cached_property
    def block_tv(self) -> Number:
        """Δ_π: the exact denoiser's block errors."""
        return self._ball(sum(one.block_tv(one.p) for one in self._rounds), 2 * self.d)

    @cached_property
    def epsilon_pi(self) -> Number:
        """ε_π: the denoiser's errors at the revealed tokens."""
        return self._of_tokens(lambda one: one.errors)

    # --- rounds -------------------------------------------------------------------------------

    @cached_property
    def R(self) -> Number:
        """E[R], the mean number of rounds."""
        return self._ball(sum(self._mean(None, one) for one in self._rounds), self.d)

    @property
    def R_max(self) -> int:
        """The largest number of rounds."""
        return max(int(path.rounds.max()) for path in self._paths)

    @cached_property
    def sizes(self) -> dict[tuple[int, ...], Number]:
        """The law of the block sizes, in order."""
        weights, found = self.experiment.target.weights.tolist(), Counter[tuple[int, ...]]()
        for path in self._paths:
            for weight, row in zip(weights, path.round_of.tolist(), strict=True):
                counts = Counter(row)
                found[tuple(counts[t] for t in sorted(counts))] += weight / len(self._paths)
        return {sizes: self._ball(weight, 1) for sizes, weight in found.items()}

    @property
    def short(self) -> Number:
        """P(R < d)."""
        return sum((p for a, p in self.sizes.items() if len(a) < self.d), ball(Interval.exact(0)))

    @cached_property
    def parallel(self) -> Number:
        """The mean number of rounds of two tokens or more."""
        found = (float(one.weight[one.size > 1].sum()) for one in self._rounds)
        return self._ball(sum(found), self.d)

    @cached_property
    def parallel_tokens(self) -> Number:
        """The mean number of tokens revealed in these rounds."""
        return self._of_tokens(lambda one: one.company.to(one.p.dtype))

    # --- confidence and entropy ---------------------------------------------------------------

    @cached_property
    def tau(self) -> Number:
        """The least confidence of a token that is revealed with others; 1 if none is."""
        sure = [sureness(one.p)[one.company] for one in self._rounds]
        return self._ball(float(torch.cat([*sure, torch.ones(1)]).min()), 1)

    @cached_property
    def doubt(self) -> Number:
        """Σ (1 − max p_i) over tokens that are revealed with others."""
        return self._of_tokens(lambda one: torch.where(one.company, 1 - sureness(one.p), 0.0))

    @cached_property
    def gamma(self) -> Number:
        """The largest ΣH − max H of a block, nats; exactly 0 where one token at most is not sure.

        A root of a small error is a large one, so it matters.
        """
        found = [0.0]
        for one in self._rounds:
            unsure = (one.p > 0).sum(1) > 1
            H = torch.where(unsure, entropy(one.p), 0.0)
            if bool((one.by_row(unsure.to(H.dtype)) <= 1).all()):
                continue
            most = torch.zeros_like(one.weight).scatter_reduce_(0, one.row, H, "amax")
            found.append(float((one.by_row(H) - most).max()))
        if len(found) == 1:
            return ball(Interval.exact(0))
        # p log p moves by p(1 + |log p|) times what p moves by, relative
        return self._ball(max(found), self.d * (math.log(self.S) + 1))

    @cached_property
    def data_doubt(self) -> Number:
        """Σ over blocks and i ∈ B∖j of E(1 − p̂_i(x_i|x_C)), x ~ q_0."""
        return self._of_tokens(lambda one: torch.where(one.anchor, 0.0, 1 - one.at(one.guess)))

    @cached_property
    def anchor(self) -> Number:
        """Σ over blocks of TV(p_j, p̂_j)."""
        return self._of_tokens(lambda one: torch.where(one.anchor, one.errors, 0.0))

    def bound(
        self,
        claim: Claim,
        scale: Mapping[str, Any] | None = None,
        variant: str | None = None,
    ) -> Number:
        """As of any sampler; where masks may be left every upper bound gains their probability."""
        value = super().bound(claim, scale, variant)
        upper = claim.form(variant).relation is Relation.UPPER
        return value + self.leftover if upper else value


def _asked(
    denoiser: Denoiser, x: Tensor, time: float | None, row: Tensor, column: Tensor
) -> Tensor:
    return denoiser(x, time, (row, column)).detach().to(x.device, torch.float64)
