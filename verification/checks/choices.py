"""Rules of policies in exact fractions, as the checks of P1–P11 take them."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from flint import arb, fmpq
from sharprates.theory.arithmetic import Number
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.exact_information import all_but_largest, entropy_of, gini_of
from sharprates.verification.exact_law import Context, with_symbol

if TYPE_CHECKING:  # imports are few floors deep
    from sharprates.verification.quantities.exact import ExactQuantities


class Chooser(Protocol):
    """A policy for one seed; its text tells it apart from others."""

    def __call__(self, it: ExactQuantities, context: Context, turn: int) -> Sequence[int]:
        """The hidden positions that round `turn`, counted from 0, reveals; at least one."""


def hidden(it: ExactQuantities, context: Context) -> list[int]:
    """The masked positions of a context."""
    return [i for i, x in enumerate(context) if x == it.S]


@dataclass(frozen=True)
class Scattered:
    """Any function of context and round: which one, its number says.

    Attributes:
        number: of the function.
        most: largest number of tokens a round.
    """

    number: int
    most: int = 99

    def __call__(self, it: ExactQuantities, context: Context, turn: int) -> Sequence[int]:
        """See `Chooser`."""
        drawn = random.Random(f"{self.number} {context} {turn}")
        among = hidden(it, context)
        return sorted(drawn.sample(among, drawn.randint(1, min(self.most, len(among)))))

    def __str__(self) -> str:
        few = f", at most {self.most}" if self.most < 99 else ""
        return f"scattered {self.number}{few}"


@dataclass(frozen=True)
class LeftBlocks:
    """Blocks of given sizes from left to right; what is left over is one more.

    Attributes:
        sizes: of the blocks.
    """

    sizes: tuple[int, ...] = ()

    def __call__(self, it: ExactQuantities, context: Context, turn: int) -> Sequence[int]:
        """See `Chooser`."""
        among = hidden(it, context)
        return among[: self.sizes[turn]] if turn < len(self.sizes) else among

    def __str__(self) -> str:
        return f"left to right {' '.join(map(str, self.sizes)) or 'at once'}"


@dataclass(frozen=True)
class SurestFirst:
    """The positions of the largest max_a p̂ first, of equal ones the leftmost.

    Attributes:
        threshold: all that have at least this, but at least one.
        besides: as many of the next best ones besides.
    """

    threshold: Fraction = Fraction(1)
    besides: int = 0

    def __call__(self, it: ExactQuantities, context: Context, turn: int) -> Sequence[int]:  # noqa: ARG002 - of every rule
        """See `Chooser`."""
        best = {i: max(it.predict(context, i)) for i in hidden(it, context)}
        order = sorted(best, key=lambda i: (-best[i], i))
        sure = sum(best[i] >= as_fmpq(self.threshold) for i in order)
        return order[: max(1, sure + self.besides)]

    def __str__(self) -> str:
        return f"surest {self.threshold}" + (f" and {self.besides} more" if self.besides else "")


@dataclass(frozen=True)
class SmallestExcess:
    """Sorted by G (or H), the longest prefix whose sum but for the largest is within a limit.

    Attributes:
        limit: of ΣG − max G; or, with `bit`, an ε for ΣH − max H ≤ h(ε).
        bit: whether entropies are compared.
    """

    limit: Fraction
    bit: bool = False

    def __call__(self, it: ExactQuantities, context: Context, turn: int) -> Sequence[int]:  # noqa: ARG002 - of every rule
        """See `Chooser`."""
        among = hidden(it, context)
        measure = entropy_of if self.bit else gini_of
        value = {i: measure(it.predict(context, i)) for i in among}
        order = sorted(among, key=lambda i: (float(arb(value[i]).mid()), i))
        allowed = two_point_entropy(self.limit) if self.bit else as_fmpq(self.limit)
        taken = 1
        # of balls: not above it for all that is known, so that equality passes
        while taken < len(order) and not (
            all_but_largest([value[i] for i in order[: taken + 1]]) > allowed
        ):
            taken += 1
        return order[:taken]

    def __str__(self) -> str:
        return f"excess of {'H within h' if self.bit else 'G within '}({self.limit})"


@dataclass(frozen=True)
class Halving:
    """Bisection for chains of order m: separators of m tokens, each a token a round.

    Attributes:
        order: m.
    """

    order: int = 1

    def __call__(self, it: ExactQuantities, context: Context, turn: int) -> Sequence[int]:  # noqa: ARG002 - of every rule
        """See `Chooser`."""
        return rounds_of_halving(len(context), self.order)[turn]

    def __str__(self) -> str:
        return f"bisection {self.order}"


@lru_cache(maxsize=256)
def rounds_of_halving(length: int, order: int) -> list[list[int]]:
    """The positions of each round of bisection: level after level, m rounds each."""
    rounds: list[list[int]] = []
    gaps = [(0, length)]
    while gaps:
        level: list[list[int]] = [[] for _ in range(order)]
        deeper = []
        for start, stop in gaps:
            first = start + max(0, stop - start - order) // 2
            for j, place in enumerate(range(first, min(first + order, stop))):
                level[j].append(place)
            deeper += [(start, first), (first + order, stop)]
        gaps = [(start, stop) for start, stop in deeper if start < stop]
        rounds += [places for places in level if places]
    return rounds


def two_point_entropy(epsilon: Fraction) -> Number:
    """h(ε), nats."""
    return entropy_of([as_fmpq(epsilon), as_fmpq(1 - epsilon)])


# --- what no policy is ----------------------------------------------------------------------------


def drawn_law(it: ExactQuantities) -> dict[Context, Number]:
    """The law of a sampler whose confidence is that of the values just drawn, one token a round.

    It draws a candidate at every masked position and keeps the one of largest p̂. The choice sees
    the draw, so this is no policy: two tokens (½, ½) and (9/10, 1/10) have TV = 9/100.
    """
    law = {(it.S,) * it.d: fmpq(1)}
    for _ in range(it.d):
        after: dict[Context, Number] = {}
        for context, mass in law.items():
            if context not in it.marginal:  # lost; only what stays on the support is asked for
                continue
            among = hidden(it, context)
            p = {i: it.predict(context, i) for i in among}
            for values in itertools.product(range(it.S), repeat=len(among)):
                drawn = dict(zip(among, values, strict=True))
                chance = math.prod((p[i][a] for i, a in drawn.items()), start=mass)
                if chance != 0:
                    best = max(among, key=lambda i: (p[i][drawn[i]], -i))
                    kept = with_symbol(context, best, drawn[best])
                    after[kept] = after.get(kept, fmpq(0)) + chance
        law = after
    return {row: law.get(row, fmpq(0)) for row in it.pmf}
