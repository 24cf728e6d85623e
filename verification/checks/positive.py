"""Checks of X3 on laws and martingales, and of its constants v_S in balls."""

from __future__ import annotations

import heapq
import itertools
from fractions import Fraction

from flint import arb, fmpq
from hypothesis import strategies as st
from sharprates.theory.claim import Relation
from sharprates.theory.one_target import law_of_largest, worst_largest
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.checks.check import (
    Check,
    changed,
    exact,
    formula,
    trial_of,
)
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.exact_losses import last_payments, token_laws

# --- v_S ------------------------------------------------------------------------------------------

CLOSE = Fraction(4, 10**7)
"""Between which limits v_S is enclosed: narrower than what it is rounded up by."""

_ABOVE = Fraction(2, 10**6)
"""More than v_S is rounded up by and `CLOSE` together."""

_SYMBOLS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 20)


def curve_in_balls(x: fmpq) -> arb:
    """J(x) of X3."""
    x = min(x, 1 - x)
    rest = arb(1 - x)
    return -rest * rest.log() - (1 - arb(2).log()) * arb(x)


class _Largest:
    """The two terms of v(p) as functions of M = max p, the law on S symbols being worst for M.

    At given M the entropy and −ΣJ are largest where the other entries are equal, and the largest
    J(p_a) is J(M). The entropy falls with M, and J is concave: so ends of an interval bound it.
    """

    def __init__(self, symbols: int) -> None:
        self.S = symbols
        self.kappa = 2 * arb(2).log() - 1
        self.least_gamma = 2 - 2 * self.kappa / arb(2).log()

    def _parts(self, largest: fmpq) -> tuple[arb, arb, arb]:
        """The entropy, J(M), and the sum of the other J."""
        rest = 1 - largest
        spread = arb(rest) * (arb(rest) / (self.S - 1)).log() if rest > 0 else arb(0)
        entropy = -arb(largest) * arb(largest).log() - spread
        return entropy, curve_in_balls(largest), (self.S - 1) * curve_in_balls(rest / (self.S - 1))

    def bound(self, low: fmpq, high: fmpq) -> tuple[arb, arb]:
        """Bounds on v between two M: one that it does not exceed, and one that it reaches there.

        At a γ at which both terms are equal at the first M neither a smaller nor a larger γ gives
        less there, and at the least or largest γ one of the terms alone says so.
        """
        entropy, curve, others = self._parts(low)
        last, last_others = self._parts(high)[1:]
        fall = -arb(low).log() * curve
        gamma = 2 * fall / (self.kappa * (curve + others) + fall)
        gamma = gamma.max(self.least_gamma).min(arb(1)).mid()
        gamma = arb(gamma).max(self.least_gamma)
        slope = (2 - gamma) / (2 * self.kappa)
        here = entropy - gamma / 2 * (curve + others), entropy - fall * slope
        above = (
            entropy - gamma / 2 * (curve.min(last) + others.min(last_others)),
            entropy + arb(high).log() * curve.min(last) * slope,
        )
        if gamma >= 1:
            reached = here[0]
        elif not gamma > self.least_gamma:
            reached = here[1]
        else:
            reached = here[0].min(here[1])
        return above[0].max(above[1]), reached


def enclosed_constant(symbols: int) -> tuple[arb, arb]:
    """Limits of v_S no farther apart than `CLOSE`: the largest M-interval is halved, best first."""
    of = _Largest(symbols)
    count = itertools.count()
    whole = fmpq(1, symbols), fmpq(1)
    upper, best = of.bound(*whole)
    heap = [(-float(upper.upper()), next(count), *whole)]
    while True:
        low, high = heapq.heappop(heap)[2:]
        upper = of.bound(low, high)[0]
        if upper - best <= as_fmpq(CLOSE):
            return best, upper
        middle = (low + high) / 2
        for a, b in ((low, middle), (middle, high)):
            above, reached = of.bound(a, b)
            best = best.max(reached)
            heapq.heappush(heap, (-float(above.upper()), next(count), a, b))


def _constant(example: Example, mutant: Mutant) -> Trial:
    """v_S as the formula has it is at least the supremum, and at most `_ABOVE` more."""
    lower, upper = enclosed_constant(example["S"])
    value = formula("X3", None, {"d": 2, "S": example["S"]}, mutant)
    sides = [(upper, value), (value, lower + as_fmpq(_ABOVE))]
    return trial_of(example, Relation.UPPER, sides, counts=True)


def _digits(trials: list[Trial]) -> str:
    found = []
    for trial in trials:
        (upper, _), (_, above) = trial.decision.sides
        lower = above.middle - float(_ABOVE)
        found.append(f"v_{trial.example['S']} in [{lower:.7f}, {upper.middle:.7f}]")
    return ", ".join(found)


def _least_of_all(example: Example, mutant: Mutant) -> Trial:
    """v(p) ≤ v_S."""
    p = example["p_X"]
    value = formula("X3", "payoff", {"p_X": p})
    bound = formula("X3", None, {"d": 2, "S": len(p)}, mutant)
    return trial_of(example, Relation.UPPER, [(value, bound)], counts=max(p) < 1)


# --- laws and martingales -------------------------------------------------------------------------


def _first_order(example: Example, mutant: Mutant) -> Trial:
    """c(q_0) against both forms."""
    it = exact(example.law)
    values = {"d": it.d, "S": it.S, "marginals": token_laws(it.marginal, it.d, it.S)}
    c = it.first_order
    sides = [(c, formula("X3", variant, values, mutant)) for variant in (None, "marginals")]
    return trial_of(example, Relation.UPPER, sides, counts=c > 0)


def _payoff(example: Example, mutant: Mutant) -> Trial:
    """E Y_+ of the last token's posteriors."""
    it = exact(example.law)
    payoff = sum(
        (mass * paid for mass, paid in last_payments(it.pmf, it.marginal, it.S) if paid > 0),
        fmpq(0),
    )
    claimed = formula(
        "X3", "payoff", {"p_X": token_laws(it.marginal, it.d, it.S)[it.d - 1,]}, mutant
    )
    return trial_of(example, Relation.UPPER, [(payoff, claimed)], counts=payoff > 0)


def _scaled(factor: Fraction) -> Mutant:
    return Mutant(f"{float(factor)} of the bound", {"X3.constant": factor})


CHECKS = (
    Check(
        "X3",
        "c(q_0) of laws on any number of symbols, against both forms",
        some.laws_of_few_symbols(),
        _first_order,
        edges=some.SHUFFLED,
        mutants=(_scaled(Fraction(97, 100)), changed("S − 1 for S", S=lambda S: S - 1)),
        effort=2,
        hunts=True,
    ),
    Check(
        "X3",
        "E Y_+ of the posteriors of the last token",
        some.laws_of_few_symbols(),
        _payoff,
        edges=some.SHUFFLED,
        mutants=(_scaled(Fraction(97, 100)),),
        rated=False,
        hunts=True,
    ),
    Check(
        "X3",
        "v_S, the largest v(p), between two limits in balls",
        lambda count: [Example.of(S=S) for S in _SYMBOLS[: 4 + count // 10]],
        _constant,
        mutants=(_scaled(1 - Fraction(1, 10**5)), _scaled(1 + Fraction(1, 10**5))),
        rated=False,
        note=_digits,
    ),
    Check(
        "X3",
        "v(p) of any law is at most v_S",
        st.integers(2, 6).flatmap(lambda S: some.simplex(S, 12)).map(lambda p: Example.of(p_X=p)),
        _least_of_all,
        edges={
            f"the worst law, S = {S}": Example.of(p_X=tuple(law_of_largest(worst_largest(S), S)))
            for S in (2, 3, 4)
        },
        mutants=(_scaled(Fraction(999, 1000)),),
        rated=False,
    ),
)
