"""The exact numbers of a denoiser that errs, for the claims B0–B4.

Those of a run come from the sampler's partial states, step by step: what is put out that way is a
second computation of its law.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import cached_property

from flint import arb, fmpq
from sharprates.theory.arithmetic import Number
from sharprates.theory.functions import ordered_partitions
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import BALL
from sharprates.verification.exact_law import (
    Context,
    Predict,
    exact_monomials,
    positive_gap,
    with_symbol,
)
from sharprates.verification.quantities.exact import (
    ExactQuantities,
    divergence_of,
    evaluate_claim,
    half_distance,
)


class ErringQuantities(ExactQuantities):
    """The numbers of one instance with a denoiser that may err."""

    @cached_property
    def alloc_tv(self) -> Number:
        """T̄ of B1, over ordered set partitions; a token that is left over counts 1."""
        weights, d = exact_monomials(self.w, self.d), self.d
        total = 1 - sum(self.w, fmpq(0)) ** d
        for sizes, weight in weights.items():
            for blocks in ordered_partitions(d, sizes):
                total = total + weight * positive_gap(self.pmf, self._in_blocks(blocks))
        return total

    def _in_blocks(self, blocks: Sequence[Sequence[int]]) -> dict[Context, Number]:
        """The exact denoiser's output law, given who is revealed with whom; on the support."""
        law = {}
        for row in self.pmf:
            chance, context = fmpq(1), (self.S,) * self.d
            for block in blocks:
                after = context
                for i in block:
                    chance *= self.conditional(context, i)[row[i]]
                    after = with_symbol(after, i, row[i])
                context = after
            law[row] = chance
        return law

    # --- in the contexts of q_0 -------------------------------------------------------------------

    @property
    def _revealed_law(self) -> list[Number]:
        total = sum(self.w, fmpq(0))
        return [w / total for w in self.w] if total != 0 else self.w

    @cached_property
    def epsilon_log(self) -> Number:
        """ε^log of B2 at w/(1−w_∞), nats; ∞ where p̂ misses a possible symbol."""
        return self.along_steps(self._gaps(_excess), self._revealed_law)

    @cached_property
    def kl_root(self) -> Number:
        """Σ_k w_k Σ_i E[KL_i + √(KL_i/2)], at the same law."""
        return self.along_steps(self._gaps(_with_root), self._revealed_law)

    @cached_property
    def theta(self) -> Number:
        """The largest ϑ with p̂_i ≥ ϑ·p_i in all contexts of positive probability."""
        least = fmpq(1)
        for context, place in self.experiment.predictions:
            if context in self.marginal:
                p, q = self.conditional(context, place), self.predict(context, place)
                least = min([least, *(b / a for a, b in zip(p, q, strict=True) if a > 0)])
        return least

    @cached_property
    def epsilon_sup(self) -> Number:
        """ε^∞ of B4."""
        worst: dict[tuple[tuple[bool, ...], int], Number] = {}
        for context, place in self.experiment.predictions:
            if context in self.marginal:
                key = (tuple(x != self.S for x in context), place)
                gap = half_distance(self.conditional(context, place), self.predict(context, place))
                worst[key] = max(worst.get(key, fmpq(0)), gap)
        sums = [fmpq(0)] * self.d
        for (shown, _), gap in worst.items():
            sums[sum(shown)] += gap
        return self.along_steps(sums, self.w)

    # --- in the contexts of a run -----------------------------------------------------------------

    @cached_property
    def epsilon_exact_run(self) -> Number:
        """Σ_k E Σ TV(p_i, p̂_i) over the tokens revealed, in runs with the exact denoiser."""
        return self.along_run(self.conditional)[0]

    @cached_property
    def epsilon_own_run(self) -> Number:
        """The same in runs with p̂; contexts of probability 0 count 0."""
        return self.along_run(self.predict)[0]

    def along_run(self, predict: Predict) -> tuple[Number, dict[Context, Number]]:
        """Run a denoiser through the steps, partial state by partial state.

        Args:
            predict: the one that is run.

        Returns:
            The error of p̂ at the tokens that it reveals, and its output law on the support.
        """
        S, d = self.S, self.d
        states = {(S,) * d: fmpq(1)}
        error, masked = fmpq(0), fmpq(1)
        for w in self.w:
            if w == 0:
                continue
            r = w / masked
            after: dict[Context, Number] = {}
            for context, mass in states.items():
                part = {context: mass}
                for i in (i for i in range(d) if context[i] == S):
                    error += mass * r * self._gap(context, i)
                    chances = predict(context, i)
                    moved: dict[Context, Number] = {}
                    for state, value in part.items():
                        moved[state] = moved.get(state, fmpq(0)) + value * (1 - r)
                        for a in range(S):
                            shown = with_symbol(state, i, a)
                            if shown in self.marginal:  # what leaves the support never returns
                                chance = value * r * chances[a]
                                moved[shown] = moved.get(shown, fmpq(0)) + chance
                    part = moved
                for state, value in part.items():
                    after[state] = after.get(state, fmpq(0)) + value
            states, masked = after, masked - w
        return error, {row: states.get(row, fmpq(0)) for row in self.pmf}

    def _gap(self, context: Context, place: int) -> Number:
        if (context, place) not in self.experiment.predictions:
            return fmpq(0)
        return half_distance(self.conditional(context, place), self.predict(context, place))

    # --- E5 of the tokens shown -------------------------------------------------------------------

    @cached_property
    def marginal_bound(self) -> Number:
        """max_k b_k of B4: E5 for the law of x_U at the steps before k, over all k and U ≠ [d]."""
        worst, before = arb(0), list[Number]()
        for w in self.w:
            t = sum(before, fmpq(0))
            if w != 0 and t != 0:
                law = [weight / t for weight in before]
                for size in range(2, self.d):
                    for shown in itertools.combinations(range(self.d), size):
                        worst = BALL.maximum(worst, self._entropy_bound(shown, law))
            before.append(w)
        return worst

    def _entropy_bound(self, shown: tuple[int, ...], law: list[Number]) -> Number:
        h, d = self._curve(shown), len(shown)
        values = {"d": d, "S": self.S, "w": law, "h": h}
        return evaluate_claim(CLAIMS["E5"], {**values, "I_bar": (h[0] - h[-1]).nonnegative_part()})

    def _curve(self, shown: tuple[int, ...]) -> list[Number]:
        """The information curve of the law of x_U, nats."""
        mean = [
            sum((self._entropies[some] for some in itertools.combinations(shown, m)), arb(0))
            / math.comb(len(shown), m)
            for m in range(len(shown) + 1)
        ]
        return [after - before for before, after in itertools.pairwise(mean)]

    @cached_property
    def _entropies(self) -> dict[tuple[int, ...], Number]:
        """H(X_U) of every U, nats."""
        found: dict[tuple[int, ...], Number] = {}
        for context, mass in self.marginal.items():
            shown = tuple(i for i, x in enumerate(context) if x != self.S)
            found[shown] = found.get(shown, arb(0)) - arb(mass) * arb(mass).log()
        return found


Distance = Callable[[list[Number], list[Number]], Number]


def _excess(p: list[Number], q: list[Number]) -> Number:
    """Σ p(log p/q)_+, an infinite ball where q misses a symbol of p."""
    total = arb(0)
    for a, b in zip(p, q, strict=True):
        if a > b:
            total = total + (arb(a) * (arb(a) / arb(b)).log() if b > 0 else arb("inf"))
    return total


def _with_root(p: list[Number], q: list[Number]) -> Number:
    """KL + √(KL/2)."""
    divergence = divergence_of(p, q).nonnegative_part()
    return divergence + (divergence / 2).sqrt()
