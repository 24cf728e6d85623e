"""The numbers of a policy in exact fractions: every support row drives one trajectory.

Trajectories that have revealed the same values are one until they part, so they form a tree: its
nodes are the contexts at which a round begins, with the probability to come there on the way to
x ~ q_0 and in the sampler's own run. All numbers are sums over nodes; contexts off the support are
never asked for (S5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from typing import TYPE_CHECKING

from flint import arb, ctx, fmpq
from sharprates.theory.arithmetic import Number
from sharprates.verification.arithmetic import BALL
from sharprates.verification.exact_information import all_but_largest, entropy_of, gini_of
from sharprates.verification.exact_law import Composition, Context, positive_gap
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.exact import ExactQuantities

if TYPE_CHECKING:
    from sharprates.verification.checks.choices import Chooser
    from sharprates.verification.checks.trial import Example


@dataclass(frozen=True)
class Turn:
    """A round of a trajectory, at its beginning.

    Attributes:
        context: what is revealed when it begins.
        block: the positions that it reveals.
        before: the sizes of the blocks before it.
        data: probability that x ~ q_0 comes here.
        run: probability that the sampler does.
        seed: place of the rule in `PolicyQuantities.rules`.
    """

    context: Context
    block: tuple[int, ...]
    before: Composition
    data: Number
    run: Number
    seed: int


@dataclass(frozen=True)
class Arrival:
    """The end of a trajectory: a support row, with what `Turn` says of it."""

    row: Context
    sizes: Composition
    data: Number
    run: Number


class PolicyQuantities(ExactQuantities):
    """The numbers of a policy on one instance.

    Attributes:
        rules: one for each value of the seed, all equally probable.
    """

    def __init__(self, experiment: Experiment, rules: Sequence[Chooser]) -> None:
        super().__init__(experiment)
        self.rules = tuple(rules)

    # --- trajectories -----------------------------------------------------------------------------

    @cached_property
    def _paths(self) -> tuple[list[Turn], list[Arrival]]:
        rounds: list[Turn] = []
        ends: list[Arrival] = []
        share = fmpq(1, len(self.rules))
        for seed, rule in enumerate(self.rules):
            start: Composition = ()
            waiting = [((self.S,) * self.d, start, share, share)]
            while waiting:
                context, before, data, run = waiting.pop()
                if self.S not in context:
                    ends.append(Arrival(context, before, data, run))
                    continue
                block = tuple(rule(self, context, len(before)))
                assert block, f"{rule} reveals nothing at {context}"
                rounds.append(Turn(context, block, before, data, run, seed))
                for after, true, guess in self.outcomes(context, block):
                    waiting.append((after, (*before, len(block)), data * true, run * guess))
        return rounds, ends

    @property
    def rounds(self) -> list[Turn]:
        """All rounds at contexts of positive probability under q_0, of every seed."""
        return self._paths[0]

    @property
    def ends(self) -> list[Arrival]:
        """All ends of trajectories, of every seed."""
        return self._paths[1]

    def outcomes(
        self, context: Context, block: Sequence[int]
    ) -> Iterator[tuple[Context, Number, Number]]:
        """What a block may show: the context after it, q_0(x_B|x_C) > 0 and ∏p̂_i(x_i|x_C)."""
        guesses = {i: self.predict(context, i) for i in block}
        for after in self.after(context, block):
            guess = math.prod((p[after[i]] for i, p in guesses.items()), start=fmpq(1))
            yield after, self.marginal[after] / self.marginal[context], guess

    def after(self, context: Context, block: Sequence[int]) -> Iterable[Context]:
        """The contexts of positive probability that a block may lead to."""
        S, seen = self.S, dict.fromkeys(block)
        rows = (
            row for row in self.pmf if all(c in (S, x) for c, x in zip(context, row, strict=True))
        )
        return dict.fromkeys(
            tuple(x if i in seen else c for i, (c, x) in enumerate(zip(context, row, strict=True)))
            for row in rows
        )

    def mean(self, value: Callable[[Turn], Number], run: bool = False) -> Number:
        """Σ over rounds of the probability to come there times a number."""
        total: Number = fmpq(0)
        for one in self.rounds:
            weight = one.run if run else one.data
            if weight != 0:
                total = total + weight * value(one)
        return total

    @cached_property
    def law(self) -> dict[Context, Number]:
        """q_π(x) on the support of q_0."""
        found = dict.fromkeys(self.pmf, fmpq(0))
        for end in self.ends:
            found[end.row] += end.run
        return found

    # --- what is measured -------------------------------------------------------------------------

    @cached_property
    def tv(self) -> Number:
        """TV(q_π, q_0)."""
        return positive_gap(self.pmf, self.law)

    @cached_property
    def kl(self) -> Number:
        """KL(q_0‖q_π), nats, a ball; +∞ where a row is never put out."""
        if any(p == 0 for p in self.law.values()):
            return arb("inf")
        return sum(
            (arb(q) * (arb(q) / arb(self.law[row])).log() for row, q in self.pmf.items()), arb(0)
        )

    @cached_property
    def run_rounds(self) -> Number:
        """E_{q_π}R, counting only runs that end on the support of q_0."""
        return sum((end.run * len(end.sizes) for end in self.ends), fmpq(0))

    # --- rounds -----------------------------------------------------------------------------------

    @cached_property
    def sizes(self) -> dict[Composition, Number]:
        """The law of the block sizes, in order."""
        found: dict[Composition, Number] = {}
        for end in self.ends:
            found[end.sizes] = found.get(end.sizes, fmpq(0)) + end.data
        return found

    @property
    def R(self) -> Number:
        """E[R], the mean number of rounds."""
        return sum((p * len(a) for a, p in self.sizes.items()), fmpq(0))

    @property
    def R_max(self) -> int:
        """The largest number of rounds."""
        return max(map(len, self.sizes))

    @property
    def log_R(self) -> Number:
        """E_x log E_ω R."""
        mean = dict.fromkeys(self.pmf, fmpq(0))
        for end in self.ends:
            mean[end.row] += end.data * len(end.sizes)
        return sum((q * arb(mean[row] / q).log() for row, q in self.pmf.items()), arb(0))

    @property
    def short(self) -> Number:
        """P(R < d)."""
        return sum((p for a, p in self.sizes.items() if len(a) < self.d), fmpq(0))

    @property
    def parallel(self) -> Number:
        """The mean number of rounds of two tokens or more."""
        return self.mean(lambda it: fmpq(int(len(it.block) > 1)))

    @property
    def run_parallel(self) -> Number:
        """The same in the sampler's own run."""
        return self.mean(lambda it: fmpq(int(len(it.block) > 1)), run=True)

    @property
    def parallel_tokens(self) -> Number:
        """The mean number of tokens revealed in these rounds."""
        return self.mean(lambda it: fmpq(len(it.block) if len(it.block) > 1 else 0))

    # --- errors -----------------------------------------------------------------------------------

    @property
    def block_tv(self) -> Number:
        """Δ_π: the exact denoiser's block errors."""
        return self.mean(self._block_tv)

    @property
    def block_tv_hat(self) -> Number:
        """Δ̂_π: the block errors of the denoiser."""
        return self.mean(self._block_tv_hat)

    @property
    def epsilon_pi(self) -> Number:
        """ε_π: the denoiser's errors at the revealed tokens."""
        return self.mean(self._token_errors)

    @property
    def run_tv(self) -> Number:
        """Δ_π of the sampler's own run."""
        return self.mean(self._block_tv, run=True)

    @property
    def run_tv_hat(self) -> Number:
        """Δ̂_π of the sampler's own run."""
        return self.mean(self._block_tv_hat, run=True)

    @property
    def run_epsilon(self) -> Number:
        """ε_π of the sampler's own run."""
        return self.mean(self._token_errors, run=True)

    def _block_tv_hat(self, it: Turn) -> Number:
        pairs = self.outcomes(it.context, it.block)
        return sum((true - guess for _, true, guess in pairs if true > guess), fmpq(0))

    def _block_tv(self, it: Turn) -> Number:
        exact = [self.conditional(it.context, i) for i in it.block]
        total = fmpq(0)
        for after, true, _ in self.outcomes(it.context, it.block):
            product = math.prod(
                (p[after[i]] for p, i in zip(exact, it.block, strict=True)), start=fmpq(1)
            )
            total += max(true - product, fmpq(0))
        return total

    def token_error(self, context: Context, place: int) -> Number:
        """TV(p_i, p̂_i) at a context."""
        pairs = zip(self.conditional(context, place), self.predict(context, place), strict=True)
        return sum((abs(p - q) for p, q in pairs), fmpq(0)) / 2

    def _token_errors(self, it: Turn) -> Number:
        return sum((self.token_error(it.context, i) for i in it.block), fmpq(0))

    # --- information, in balls --------------------------------------------------------------------

    def correlation(self, it: Turn) -> Number:
        """TC(X_B|x_C), nats."""
        if len(it.block) == 1:
            return fmpq(0)
        joint = entropy_of([true for _, true, _ in self.outcomes(it.context, it.block)])
        return sum((entropy_of(self.conditional(it.context, i)) for i in it.block), arb(0)) - joint

    def excess_entropy(self, it: Turn) -> Number:
        """ΣH_i − max H_i over the block, nats; 0 for one token."""
        return all_but_largest([entropy_of(self.conditional(it.context, i)) for i in it.block])

    def excess_gini(self, it: Turn) -> Number:
        """ΣG_i − max G_i over the block."""
        return all_but_largest([gini_of(self.conditional(it.context, i)) for i in it.block])

    @property
    def block_tc(self) -> Number:
        """TC_π, nats."""
        return self.mean(self.correlation)

    @property
    def root_tc(self) -> Number:
        """Σ √(TC/2)."""
        return self.mean(lambda it: BALL.sqrt(arb(self.correlation(it)) / 2))

    @property
    def block_entropy(self) -> Number:
        """Σ (ΣH − max H), nats."""
        return self.mean(self.excess_entropy)

    @property
    def gamma(self) -> Number:
        """The largest ΣH − max H of a block, nats."""
        return reduce(arb.max, (arb(self.excess_entropy(it)) for it in self.rounds), arb(0))

    # --- confidence -------------------------------------------------------------------------------

    def doubt_at(self, context: Context, place: int) -> Number:
        """1 − max p_i at a context."""
        return 1 - max(self.conditional(context, place))

    @property
    def tau(self) -> Number:
        """The least confidence of a token that is revealed with others; 1 if none is."""
        doubts = [self.doubt_at(it.context, i) for it in self.rounds for i in in_company(it)]
        return 1 - max(doubts, default=fmpq(0))

    @property
    def doubt(self) -> Number:
        """Σ (1 − max p_i) over tokens that are revealed with others."""
        return self.mean(
            lambda it: sum((self.doubt_at(it.context, i) for i in in_company(it)), fmpq(0))
        )

    def anchor_of(self, it: Turn) -> int:
        """The token of a block of which the denoiser is least sure, the leftmost of them."""
        return min(it.block, key=lambda i: (max(self.predict(it.context, i)), i))

    @property
    def data_doubt(self) -> Number:
        """Σ over blocks and i ∈ B∖j of E(1 − p̂_i(x_i|x_C)), x ~ q_0."""

        def value(it: Turn) -> Number:
            return sum(
                (missed(self, it.context, i) for i in it.block if i != self.anchor_of(it)), fmpq(0)
            )

        return self.mean(value)

    @property
    def anchor(self) -> Number:
        """Σ over blocks of TV(p_j, p̂_j)."""
        return self.mean(lambda it: self.token_error(it.context, self.anchor_of(it)))

    @property
    def run_gini(self) -> Number:
        """Σ (ΣĜ − max Ĝ) in the sampler's own run."""

        def value(it: Turn) -> Number:
            return all_but_largest([gini_of(self.predict(it.context, i)) for i in it.block])

        return self.mean(value, run=True)


def in_company(it: Turn) -> tuple[int, ...]:
    """The positions of a round, if there are two or more."""
    return it.block if len(it.block) > 1 else ()


def missed(it: ExactQuantities, context: Context, place: int) -> Number:
    """1 − Σ_a p_i(a)·p̂_i(a) at a context."""
    pairs = zip(it.conditional(context, place), it.predict(context, place), strict=True)
    return 1 - sum((p * q for p, q in pairs), fmpq(0))


@lru_cache(maxsize=64)
def _of(
    experiment: Experiment,
    rules: tuple[Chooser, ...],
    bits: int,  # noqa: ARG001 - a part of the key
) -> PolicyQuantities:
    return PolicyQuantities(experiment, rules)


def policied(example: Example) -> PolicyQuantities:
    """The numbers of an example's policy, kept for the claims and mutants that ask next."""
    return _of(example.law, example["rules"], ctx.prec)
