"""Remasking by its definitions, in fractions: steps, local errors, relevant reveals, correctors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from flint import fmpq
from sharprates.theory.arithmetic import Number
from sharprates.verification.checks.channel import Law, Predict, distance
from sharprates.verification.exact_law import Context, with_symbol
from sharprates.verification.quantities.exact import ExactQuantities

Places = tuple[int, ...]
"""Positions, ascending."""

Draw = Callable[[Context, Places], Mapping[Context, Number]]
"""(state, masked positions) → what the state becomes when these are drawn, with probabilities."""


def parts_of(places: Iterable[int]) -> Iterator[Places]:
    """All parts_of."""
    given = tuple(places)
    return itertools.chain.from_iterable(
        itertools.combinations(given, n) for n in range(len(given) + 1)
    )


def chance(part: Places, whole: Sequence[int], p: Number) -> Number:
    """The probability that just this part is chosen, each position with probability p."""
    return p ** len(part) * (1 - p) ** (len(whole) - len(part))


def masked_at(state: Context, mask: int) -> Places:
    """The masked positions."""
    return tuple(i for i, x in enumerate(state) if x == mask)


def revealed_at(state: Context, mask: int) -> Places:
    """The revealed positions."""
    return tuple(i for i, x in enumerate(state) if x != mask)


@dataclass(frozen=True, eq=False)
class Redraws:
    """What a data law and a denoiser make of partial states.

    Attributes:
        of: the data law and where the denoiser errs.
        off: the symbol that is predicted off the support; None for all alike.
    """

    of: ExactQuantities
    off: int | None = None

    @cached_property
    def predict(self) -> Predict:
        """The denoiser, at any state."""
        it, S = self.of, self.of.S

        def at(state: Context, place: int) -> Sequence[Number]:
            if state in it.marginal:
                return it.predict(state, place)
            return [fmpq(a == self.off) if self.off is not None else fmpq(1, S) for a in range(S)]

        return at

    def jointly(self, state: Context, places: Places) -> dict[Context, Number]:
        """q_0(x_B | x_U), for a state of positive probability."""
        found: dict[Context, Number] = {}
        for symbols in itertools.product(range(self.of.S), repeat=len(places)):
            after = state
            for i, a in zip(places, symbols, strict=True):
                after = with_symbol(after, i, a)
            mass = self.of.marginal.get(after, fmpq(0)) / self.of.marginal[state]
            if mass:
                found[after] = mass
        return found

    def independently(
        self, state: Context, places: Places, predict: Predict | None = None
    ) -> dict[Context, Number]:
        """∏_{i ∈ B} p̂_i(x_i | x_U)."""
        found: dict[Context, Number] = {state: fmpq(1)}
        for i in places:
            p = (predict or self.predict)(state, i)
            found = {
                with_symbol(after, i, a): mass * p[a]
                for after, mass in found.items()
                for a in range(self.of.S)
                if p[a]
            }
        return found

    def from_what_is_kept(self, state: Context, places: Places, forgotten: Places) -> Law:
        """As `independently`, but without the tokens that are masked in the same step."""
        context = state
        for i in forgotten:
            context = with_symbol(context, i, self.of.S)
        drawn = self.independently(context, places)
        return {
            tuple(after[i] if i in places else x for i, x in enumerate(state)): mass
            for after, mass in drawn.items()
        }

    def step(
        self,
        law: Mapping[Context, Number],
        sigma: Number,
        reveal: Number,
        draw: Draw,
        *,
        kept: bool = False,
    ) -> Law:
        """One step: masked tokens are revealed, those that were revealed before are masked.

        Args:
            law: over partial states.
            sigma: σ.
            reveal: r.
            draw: how values are drawn.
            kept: whether values are drawn without the tokens about to be masked.
        """
        S, found = self.of.S, dict[Context, Number]()
        for state, mass in law.items():
            masked, revealed = masked_at(state, S), revealed_at(state, S)
            for block in parts_of(masked):
                for again in parts_of(revealed):
                    share = mass * chance(block, masked, reveal) * chance(again, revealed, sigma)
                    if not share:
                        continue
                    drawn = (
                        self.from_what_is_kept(state, block, again) if kept else draw(state, block)
                    )
                    for value, p in drawn.items():
                        after = value
                        for i in again:
                            after = with_symbol(after, i, S)
                        found[after] = found.get(after, fmpq(0)) + share * p
        return found

    def then(self, law: Mapping[Context, Number], block: Places, again: Places) -> Law:
        """One step of a schedule: this block is revealed, these others are masked again."""
        found: Law = {}
        for state, mass in law.items():
            for after, p in self.independently(state, block).items():
                masked = after
                for i in again:
                    masked = with_symbol(masked, i, self.of.S)
                found[masked] = found.get(masked, fmpq(0)) + mass * p
        return found

    # --- errors of a block ----------------------------------------------------------------------

    def local(self, state: Context, places: Places) -> Number:
        """TV(q_0(x_B | x_U), ∏ p_i) with the exact p_i."""
        return distance(
            self.jointly(state, places),
            self.independently(state, places, lambda x, i: self.of.conditional(x, i)),
        )

    def of_block(self, state: Context, reveal: Number) -> Number:
        """Σ_B r^|B| (1−r)^{m−|B|} TV(q_0(x_B | x_U), ∏ p_i) over the blocks of masked tokens."""
        masked = masked_at(state, self.of.S)
        return sum(
            (
                chance(block, masked, reveal) * self.local(state, block)
                for block in parts_of(masked)
                if len(block) > 1
            ),
            fmpq(0),
        )

    def score(self, state: Context, places: Places) -> Number:
        """Σ_{i ∈ B} TV(p_i, p̂_i)."""
        total = fmpq(0)
        for i in places:
            exact, given = self.of.conditional(state, i), self.predict(state, i)
            total += sum(abs(p - q) for p, q in zip(exact, given, strict=True)) / 2
        return total

    def mean(
        self, measure: Callable[[Context, Places], Number], known: Places, places: Places
    ) -> Number:
        """E_{q_0} of an error of a block at the contexts that reveal these positions."""
        it = self.of
        return sum(
            (
                mass * measure(state, places)
                for state, mass in it.marginal.items()
                if revealed_at(state, it.S) == known
            ),
            fmpq(0),
        )

    # --- correctors -----------------------------------------------------------------------------

    def corrected(self, law: Mapping[Context, Number], size: int) -> Law:
        """A random set of positions of that size is masked and drawn again, independently."""
        it, found = self.of, dict[Context, Number]()
        blocks = list(itertools.combinations(range(it.d), size))
        for state, mass in law.items():
            for block in blocks:
                context = state
                for i in block:
                    context = with_symbol(context, i, it.S)
                for after, p in self.independently(context, block).items():
                    found[after] = found.get(after, fmpq(0)) + mass * p / len(blocks)
        return found

    def contraction(self, size: int) -> Number:
        """κ: the corrector brings any two laws closer by the factor 1 − κ (Dobrushin)."""
        it = self.of
        states = list(itertools.product(range(it.S), repeat=it.d))
        images = [self.corrected({state: fmpq(1)}, size) for state in states]
        most = max(
            (distance(one, other) for one, other in itertools.combinations(images, 2)),
            default=fmpq(0),
        )
        return 1 - most

    def corrector_error(self, size: int) -> tuple[Number, Number]:
        """E_{q_0} δ(B | x_{−B}) and E_{q_0} Σ_B TV(p_i, p̂_i), B uniform of that size."""
        d = self.of.d
        blocks = list(itertools.combinations(range(d), size))
        sums = [fmpq(0), fmpq(0)]
        for block in blocks:
            rest = tuple(i for i in range(d) if i not in block)
            for place, measure in enumerate((self.local, self.score)):
                sums[place] += self.mean(measure, rest, block)
        return sums[0] / len(blocks), sums[1] / len(blocks)


# --- value-blind schedules ------------------------------------------------------------------------


@dataclass(frozen=True)
class RevealedBlock:
    """A block of one step of a schedule.

    Attributes:
        known: U, what is revealed when it is drawn.
        block: B.
    """

    known: Places
    block: Places


def relevant(
    past: Sequence[RevealedBlock], final: frozenset[int], *, contexts: bool = True
) -> list[RevealedBlock]:
    """Of each block the reveals whose values matter for what is put out.

    A value matters if it is there at the end, or if it is in the context of a later reveal that
    matters.

    Args:
        past: the blocks, in order.
        final: the positions that are revealed at the end.
        contexts: False forgets the second way, which is wrong.
    """
    needed, found = set(final), []
    for one in reversed(past):
        block = tuple(i for i in one.block if i in needed)
        found.append(RevealedBlock(one.known, block))
        needed -= set(one.block)
        if block and contexts:
            needed |= set(one.known)
    return found[::-1]
