"""The exact output law in any number type, for small d: what decides where float64 cannot.

The same expansion as `samplers.expansion` (S2) without a tensor: dictionaries of
contexts, plain loops. It takes rationals to rationals, and balls to balls.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.functions import all_compositions
from sharprates.verification.arithmetic import as_fmpq

Context = tuple[int, ...]
"""A partial state: d entries, the mask is S."""

Composition = tuple[int, ...]
"""Block sizes, in order; they sum to d."""

Predict = Callable[[Context, int], Sequence[Number]]
"""(context, masked position) → the S predicted probabilities, in a number type."""


def with_symbol(context: Context, place: int, symbol: int) -> Context:
    """The context with one more position revealed."""
    return (*context[:place], symbol, *context[place + 1 :])


def fractions_of(target: Target) -> tuple[Fraction, ...]:
    """The weights as exact rationals: those it was built from, or its floats renormalised."""
    if target.fractions is not None:
        return target.fractions
    dyadic = [Fraction(w) for w in target.weights.tolist()]
    total = sum(dyadic, Fraction(0))
    return tuple(w / total for w in dyadic)


def rational_pmf(target: Target) -> dict[Context, Number]:
    """Support row → exact probability, as `fmpq`."""
    rows = map(tuple, target.rows.tolist())
    return dict(zip(rows, map(as_fmpq, fractions_of(target)), strict=True))


def marginal_of(pmf: Mapping[Context, Number], vocabulary: int) -> dict[Context, Number]:
    """Context of positive probability → q_0(x_U)."""
    found: dict[Context, Number] = {}
    for row, weight in pmf.items():
        for shown in itertools.product((False, True), repeat=len(row)):
            context = tuple(x if s else vocabulary for x, s in zip(row, shown, strict=True))
            found[context] = found.get(context, 0) + weight
    return found


def exact_predictor(pmf: Mapping[Context, Number], vocabulary: int) -> Predict:
    """The exact denoiser: conditionals of q_0 at contexts of positive probability.

    Args:
        pmf: support row → probability.
        vocabulary: S.

    Returns:
        A predictor; a context of probability 0 raises `KeyError`, since by S5 none is needed.
    """
    marginal = marginal_of(pmf, vocabulary)

    def predict(context: Context, position: int) -> list[Number]:
        whole = marginal[context]
        extended = (with_symbol(context, position, a) for a in range(vocabulary))
        return [marginal.get(c, 0 * whole) / whole for c in extended]

    return predict


@dataclass(frozen=True)
class ExactTables:
    """Composition tables T_a(x) on the support of q_0, in an exact number type.

    Attributes:
        pmf: support row → q_0(x).
        tables: support row → {composition a: T_a(x)}.
    """

    pmf: Mapping[Context, Number]
    tables: Mapping[Context, Mapping[Composition, Number]]

    def probability(self, weights: Sequence[Number]) -> dict[Context, Number]:
        """p_out(x) on the support, for a step law w. Source: S2."""
        length = len(next(iter(self.pmf)))
        scale = exact_monomials(weights, length)
        return {
            row: sum((scale[a] * value for a, value in table.items()), 0 * next(iter(weights)))
            for row, table in self.tables.items()
        }

    def total_variation(self, law: Mapping[Context, Number]) -> Number:
        """TV(law, q_0) = Σ over the support of (q_0 − law)_+. Source: S5."""
        return positive_gap(self.pmf, law)

    def blocks(self, sizes: Composition) -> dict[Context, Number]:
        """P_a(x) on the support, for blocks of given sizes, of random positions. Source: S2."""
        ways = math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes))
        return {row: table[sizes] / ways for row, table in self.tables.items()}


def positive_gap(pmf: Mapping[Context, Number], law: Mapping[Context, Number]) -> Number:
    """Σ_x (pmf(x) − law(x))_+ over the rows of pmf, in rationals or (enclosed) in balls."""
    total: Number = 0 * next(iter(pmf.values()))
    for row, q in pmf.items():
        gap = q - law[row]
        if hasattr(gap, "nonnegative_part"):  # a ball: encloses max(gap, 0) even if it overlaps 0
            total = total + gap.max(0 * gap)
        elif gap > 0:
            total = total + gap
    return total


def exact_tables(
    pmf: Mapping[Context, Number], vocabulary: int, predict: Predict | None = None
) -> ExactTables:
    """All composition tables of a law, by adding one block after the other.

    Args:
        pmf: support row → probability.
        vocabulary: S.
        predict: the denoiser; by default the exact one.

    Returns:
        The tables; 3^d products for each support row, so d ≤ 6 is quick.
    """
    denoise = predict or exact_predictor(pmf, vocabulary)
    cache: dict[tuple[Context, int], Sequence[Number]] = {}
    memo: dict[Context, dict[Composition, Number]] = {}

    def conditional(context: Context, position: int) -> Sequence[Number]:
        key = (context, position)
        if key not in cache:
            cache[key] = denoise(context, position)
        return cache[key]

    def reach(context: Context) -> dict[Composition, Number]:
        """Composition of the revealed tokens → total probability of reaching the context."""
        if context in memo:
            return memo[context]
        revealed = [i for i, x in enumerate(context) if x != vocabulary]
        found: dict[Composition, Number] = {} if revealed else {(): fmpq(1)}
        for size in range(1, len(revealed) + 1):
            for block in itertools.combinations(revealed, size):
                before = tuple(vocabulary if i in block else x for i, x in enumerate(context))
                factor: Number = fmpq(1)
                for i in block:
                    factor = factor * conditional(before, i)[context[i]]
                for a, value in reach(before).items():
                    key = (*a, size)
                    found[key] = found.get(key, fmpq(0)) + value * factor
        memo[context] = found
        return found

    return ExactTables(pmf, {row: reach(row) for row in pmf})


def exact_monomials(weights: Sequence[Number], length: int) -> dict[Composition, Number]:
    """M_a(w) for every composition a of d, by a prefix recursion over the steps."""
    zero = 0 * weights[0]
    sums: dict[Composition, Number] = {(): zero + 1}
    for n in range(1, length + 1):
        sums |= dict.fromkeys(all_compositions(n), zero)
    # longest first, so that a step extends what earlier steps have built
    order = sorted((a for a in sums if a), key=len, reverse=True)
    for w in weights:
        powers = [zero + 1]
        for _ in range(length):
            powers.append(powers[-1] * w)
        for a in order:
            sums[a] = sums[a] + sums[a[:-1]] * powers[a[-1]]
    return {a: value for a, value in sums.items() if sum(a) == length}


def step_weights(hazards: Sequence[Number]) -> list[Number]:
    """w_k = r_k ∏_{l<k}(1 − r_l) in the number type of the hazards."""
    weights, masked = [], 0 * hazards[0] + 1
    for r in hazards:
        weights.append(r * masked)
        masked = masked * (1 - r)
    return weights
