"""A policy that is run, and the exact law of what it puts out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables, fixed_blocks
from sharprates.samplers.denoiser import Denoiser, normalised, relative_error
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.expansion import tables
from sharprates.samplers.output_law import UNIT, OutputLaw, rounding
from sharprates.samplers.policies import Policy, Random
from sharprates.samplers.sampler import RoundCount, Run, Sampler
from sharprates.samplers.sampling import draw, random_order
from sharprates.samplers.target import Target, listed
from sharprates.samplers.trajectories import (
    UNCAPPED,
    Rounds,
    Trajectories,
    trajectories,
    uncover,
)
from torch import Tensor

TIES = ("left", "seed")

MOST_ORDERS = 720
"""Rank orders that are enumerated: those of six tokens."""


@dataclass(frozen=True)
class PolicySampler(Sampler):
    """Reveals, round after round, what a policy chooses, with values drawn from the predictions.

    A row uses d uniforms for values, and d more for its ranks if it has any. An unnormalised
    denoiser is normalised first.

    Attributes:
        policy: what chooses.
        rounds: cap on them, last step, cache and times; see `samplers.trajectories.Rounds`.
        ties: of equally good positions the leftmost comes first (``left``), or that of lowest rank
            in an order drawn before the first round (``seed``).

    Source: the policies of claim P1.
    """

    kind = "policy"

    policy: Policy
    rounds: Rounds = UNCAPPED
    ties: str = "left"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.policy.check(self.length)
        self.rounds.check_times(self.policy, self.length)
        if self.ties not in TIES:
            raise InputError(f"ties {self.ties!r} is unknown: use one of {', '.join(TIES)}")

    @property
    def seeded(self) -> bool:
        """Whether it draws ranks."""
        return self.ties == "seed" or self.policy.needs_ranks

    @property
    def calls(self) -> int:
        """The largest number of rounds."""
        return self.rounds.end(self.policy, self.length)

    @property
    def call_times(self) -> Tensor | None:
        """See `samplers.sampler.Sampler`."""
        if self.rounds.times is None:
            return None
        return torch.tensor(self.rounds.times[: self.calls], dtype=torch.float64)

    @property
    def leaves(self) -> bool:
        """Whether the cap may end it with masks."""
        return self.rounds.last_step == "leave" and self.calls < self.policy.most_rounds(
            self.length
        )

    @property
    def composition(self) -> tuple[int, ...] | None:
        """That of `random:k`, which are blocks in a random order."""
        if not isinstance(self.policy, Random) or self.leaves or self.rounds.cache > 1:
            return None
        sizes = fixed_blocks(self.length, self.policy.count)
        return (*sizes[: self.calls - 1], sum(sizes[self.calls - 1 :]))

    @property
    def uniforms(self) -> int:
        """One for a token's value, one for its rank."""
        return 1 + self.seeded

    def __str__(self) -> str:
        parts = [self.policy.name, *(["ties by seed"] if self.ties == "seed" else [])]
        if self.rounds.most is not None:
            parts.append(f"R={self.rounds.most} {self.rounds.last_step}")
        return " ".join(parts + ([f"cache {self.rounds.cache}"] if self.rounds.cache > 1 else []))

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`."""
        return {
            "sampler": self.kind,
            "steps": self.calls,
            "policy": self.policy.name,
            "has_leftover": self.leaves,
            "seeded": self.seeded,
            "stale": self.rounds.cache > 1,
            "one_token": self.policy.one_token and self.calls == self.length,
        }

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`."""
        shape = (len(uniforms), self.length)
        ranks = torch.argsort(random_order(uniforms[:, 1]), dim=1) if self.seeded else None

        def reveal(row: Tensor, column: Tensor, p: Tensor) -> Tensor:
            return draw(p, uniforms[row, 0, column])

        x, steps = uncover(
            self.policy, denoiser, shape, reveal, self.rounds, ranks, uniforms.device
        )
        return Run(x, torch.where(steps < 0, self.calls, steps), self.calls)

    # --- the law --------------------------------------------------------------------------------

    def trajectories(
        self, denoiser: Denoiser, rows: Tensor, ranks: Tensor | None = None
    ) -> Trajectories:
        """The trajectories that sequences drive; see `samplers.trajectories.trajectories`."""
        given = self.rounds
        return trajectories(
            self.policy,
            denoiser,
            rows,
            given.most,
            given.last_step,
            ranks,
            cache=given.cache,
            times=given.times,
        )

    def orders(self) -> list[Tensor | None]:
        """All rank orders int64 [d], equally likely; one None where it has no ranks."""
        self.check_orders()
        if not self.seeded:
            return [None]
        return list(map(torch.tensor, itertools.permutations(range(self.length))))

    @property
    def few_orders(self) -> bool:
        """Whether its orders can be enumerated."""
        return not self.seeded or math.factorial(self.length) <= MOST_ORDERS

    def check_orders(self) -> None:
        """Find out before the work that its law is a mean over too many orders.

        Raises:
            TooLargeError: if there are more than `MOST_ORDERS`.
        """
        if not self.few_orders:
            count = math.factorial(self.length)
            raise TooLargeError(
                f"policy {self.policy.name}: its law is a mean over {count:.3g} orders of "
                f"{self.length} tokens, and {MOST_ORDERS} can be enumerated; break ties from the "
                "left, or take fewer tokens"
            )

    def rounds_on(self, target: Target, denoiser: Denoiser) -> RoundCount:
        """See `samplers.sampler.Sampler`; with a seed also a mean over the orders."""
        if self.composition is not None:
            return RoundCount(float(self.calls), self.calls)
        rows, weights = target.rows.to(self.device), target.weights.to(self.device)
        rounds = [self.trajectories(denoiser, rows, order).rounds for order in self.orders()]
        total = sum(float((weights * each).sum()) for each in rounds)
        return RoundCount(total / len(rounds), max(int(each.max()) for each in rounds))

    def law_on(self, target: Target, denoiser: Denoiser, rows: str = "support") -> OutputLaw:
        """The exact law by trajectories, a mean over the orders where it has ranks.

        Each probability is a product of d predictions, with their own error, a division that
        normalises, and one rounding for each factor; then a sum over the orders. The choices are
        those that the predictions as computed lead to.

        Args:
            target: the data law.
            denoiser: what predicts the hidden tokens.
            rows: ``support`` or ``all``.

        Raises:
            TooLargeError: if there are too many orders, or sequences.
        """
        self.check(denoiser)
        asked = listed(target, rows).to(self.device)
        orders = self.orders()
        total = torch.zeros(len(asked), dtype=torch.float64, device=self.device)
        for order in orders:
            total += self.trajectories(denoiser, asked, order).probability
        inside = relative_error(denoiser) / UNIT + target.vocabulary + 2
        error = rounding(self.length * inside + len(orders))
        return OutputLaw(
            listed(target, rows),
            (total / len(orders)).to("cpu"),
            target.vocabulary,
            rows == "all",
            error,
            error,
        )

    def _law(
        self, target: Target, denoiser: Denoiser, given: CompositionTables | None
    ) -> OutputLaw:
        if self.composition is not None and denoiser.time_free:
            given = given or tables(target, normalised(denoiser), device=self.device)
            return given.at(self.composition)
        return self.law_on(target, denoiser)
