"""The numbers of an experiment in exact fractions, for small d; balls where they are not rational.

The third computation of these numbers, after `quantities.float64` and the samplers: plain loops
over fractions. What is not rational (logarithms, clocks with exponentials) is a ball in flint's
working precision.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any

from flint import arb, fmpq
from sharprates.samplers.errors import InputError
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim
from sharprates.verification.arithmetic import BALL, RATIONAL, IrrationalError, as_fmpq, power
from sharprates.verification.exact_law import (
    Composition,
    Context,
    ExactTables,
    exact_tables,
    marginal_of,
    rational_pmf,
    step_weights,
    with_symbol,
)
from sharprates.verification.exact_losses import row_losses
from sharprates.verification.exact_schedule import steps_on_grid
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.base import Quantities


class ExactQuantities(Quantities):
    """The numbers of one instance, each computed when it is first asked for.

    Balls have the working precision of that moment: make a new object after raising it.
    """

    rises = True

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    @property
    def d(self) -> int:
        """Sequence length."""
        return self.experiment.length

    @property
    def S(self) -> int:
        """Vocabulary size."""
        return self.experiment.vocabulary

    @property
    def K(self) -> int | None:
        """Number of steps; None without a schedule."""
        return self.experiment.setting().steps

    @cached_property
    def pmf(self) -> dict[Context, Number]:
        """Support row → q_0(x)."""
        return rational_pmf(self.experiment.target)

    @cached_property
    def marginal(self) -> dict[Context, Number]:
        """Context of positive probability → q_0(x_U)."""
        return marginal_of(self.pmf, self.S)

    def conditional(self, context: Context, place: int) -> list[Number]:
        """q_0(x_i = a | x_U) for a context of positive probability."""
        whole = self.marginal[context]
        extended = (with_symbol(context, place, a) for a in range(self.S))
        return [self.marginal.get(one, fmpq(0)) / whole for one in extended]

    def predict(self, context: Context, place: int) -> list[Number]:
        """The denoiser; outside the support its given predictions, else the exact conditional."""
        given = self.experiment.predictions.get((context, place))
        if given is not None:
            return [as_fmpq(p) for p in given]
        return self.conditional(context, place)

    @cached_property
    def tables(self) -> ExactTables:
        """T_a on the support, for every composition a."""
        return exact_tables(self.pmf, self.S, self.predict)

    @property
    def compositions(self) -> Iterable[Composition]:
        """All compositions of d."""
        return self.tables.tables[self.experiment.rows[0]]

    # --- the schedule -----------------------------------------------------------------------------

    @cached_property
    def path(self) -> list[dict[str, Number]]:
        """For each step on a grid: r, ρ, and 1−α at its start."""
        if self.experiment.grid is None:
            raise InputError("experiment: a claim about a clock needs a grid")
        return steps_on_grid(self.experiment.grid)

    @property
    def T(self) -> Fraction:
        """The horizon."""
        grid = self.experiment.grid
        if grid is None or not isinstance(grid.horizon, Fraction):
            raise InputError("experiment: a claim about a horizon needs a grid")
        return grid.horizon

    @cached_property
    def w(self) -> list[Number]:
        """The step law w."""
        if self.experiment.grid is not None:
            return step_weights([step["r"] for step in self.path])
        if not self.experiment.steps:
            raise InputError("experiment: an output law needs steps or a grid")
        return [as_fmpq(w) for w in self.experiment.steps]

    @cached_property
    def W(self) -> Number:
        """max w_k, enclosed where the weights are balls."""
        exact = all(isinstance(w, fmpq) for w in self.w)
        return reduce((RATIONAL if exact else BALL).maximum, self.w)

    # --- information ------------------------------------------------------------------------------

    @cached_property
    def entropies(self) -> list[Number]:
        """The mean of H(X_U) over |U| = m, for m = 0..d, as balls."""
        sums = [arb(0)] * (self.d + 1)
        for context, mass in self.marginal.items():
            m = self.revealed(context)
            sums[m] = sums[m] - arb(mass) * arb(mass).log()
        return [total / math.comb(self.d, m) for m, total in enumerate(sums)]

    @cached_property
    def h(self) -> list[Number]:
        """The information curve h_0..h_{d−1}, nats."""
        return [after - before for before, after in itertools.pairwise(self.entropies)]

    @property
    def entropy(self) -> Number:
        """H(q_0), nats."""
        return self.entropies[-1]

    @cached_property
    def I_bar(self) -> Number:
        """Ī = h_0 − h_{d−1} ≥ 0, nats."""
        return (self.h[0] - self.h[-1]).nonnegative_part()

    def revealed(self, context: Context) -> int:
        """|U|, the number of revealed positions."""
        return self.d - context.count(self.S)

    # --- dependence and errors --------------------------------------------------------------------

    @cached_property
    def dependence(self) -> list[list[Number]]:
        """Entry (u, s): Σ over |U|=u, |B|=s of E TV(q_0(x_B|x_U), ∏_{i∈B} q_0(x_i|x_U))."""
        d, S = self.d, self.S
        found = [[fmpq(0)] * (d + 1) for _ in range(d)]
        for context, joint in self.marginal.items():
            shown = [i for i in range(d) if context[i] != S]
            for size in range(2, len(shown) + 1):
                for block in itertools.combinations(shown, size):
                    before = tuple(S if i in block else x for i, x in enumerate(context))
                    whole = self.marginal[before]
                    product = whole
                    for i in block:
                        product = product * self.marginal[with_symbol(before, i, context[i])]
                        product = product / whole
                    if joint > product:
                        found[len(shown) - size][size] += joint - product
        return found

    @cached_property
    def D(self) -> dict[Composition, Number]:
        """E4's D: composition → the sum over its blocks of the mean dependence at its place."""
        d = self.d
        table = {}
        for a in self.compositions:
            total, n = fmpq(0), 0
            for s in a:
                total += self.dependence[n][s] / (math.comb(d, n) * math.comb(d - n, s))
                n += s
            table[a] = total
        return table

    def _gaps(self, distance: Callable[[list[Number], list[Number]], Number]) -> list[Number]:
        """Σ over |U| = u and i ∉ U of the mean distance of p̂_i from p_i, u = 0..d−1."""
        sums: list[Number] = [fmpq(0)] * self.d
        for context, place in self.experiment.predictions:
            mass = self.marginal.get(context)
            if mass is not None:
                gap = distance(self.conditional(context, place), self.predict(context, place))
                u = self.revealed(context)
                sums[u] = sums[u] + mass * gap
        return sums

    @cached_property
    def gaps(self) -> list[Number]:
        """Σ over |U| = u and i ∉ U of E TV(p_i, p̂_i)."""
        return self._gaps(half_distance)

    def along_orders(self, gaps: list[Number]) -> Number:
        """E Σ_n of a distance, (U, i) along a uniform order. Source: H2."""
        d = self.d
        return sum((gap / (math.comb(d, u) * (d - u)) for u, gap in enumerate(gaps)), fmpq(0))

    @property
    def epsilon_FHS(self) -> Number:
        """Denoiser error along a uniform order."""
        return self.along_orders(self.gaps)

    @property
    def epsilon_KL(self) -> Number:
        """The same in KL, nats; an infinite ball where p̂ misses a possible symbol."""
        return self.along_orders(self._gaps(divergence_of))

    @cached_property
    def epsilon_w(self) -> Number:
        """ε_w of E3: the context reveals each other token with probability u_k."""
        return self.along_steps(self.gaps, self.w)

    def along_steps(self, sums: list[Number], law: list[Number]) -> Number:
        """Σ_k w_k Σ_i E of what is summed over (U, i) with |U| = u, u = 0..d−1; may be ∞."""
        total, t, d = fmpq(0), fmpq(0), self.d
        for w in law:
            for u, value in enumerate(sums):
                chance = w * t**u * (1 - t) ** (d - 1 - u)
                if chance != 0:  # 0·∞ is 0 here
                    total = total + chance * value
            t = t + w
        return total

    def E1_term(self, name: str) -> Number:
        """See `Quantities.E1_term`; the grids here end at 0."""
        d = self.d
        if name == "initialisation":
            return 1 - power(self.path[0]["masked"], d)
        if name == "early_stopping":
            return 0
        total = fmpq(0)
        for step in self.path:
            r, masked = step["r"], step["masked"]
            at = [power(1 - masked, u) * power(masked, d - u) for u in range(d)]
            if name == "clock":
                total = total + d * masked * abs(step["rho"] - r)
            elif name == "score":
                pairs = zip(at, self.gaps, strict=True)
                total = total + r * sum((x * gap for x, gap in pairs), fmpq(0))
            else:
                for u in range(d - 1):
                    for s in range(2, d - u + 1):
                        inside = power(r, s) * power(1 - r, d - u - s)
                        total = total + at[u] * inside * self.dependence[u][s]
        return total

    @property
    def epsilon_1(self) -> Number:
        """Score error of E2; Euler's H is r on the constant clock, where it never exceeds 1."""
        return self.E1_score

    # --- what is measured -------------------------------------------------------------------------

    @cached_property
    def law(self) -> dict[Context, Number]:
        """p_out on the support."""
        blocks = self.experiment.blocks
        return self.tables.blocks(blocks) if blocks else self.tables.probability(self.w)

    @cached_property
    def tv(self) -> Number:
        """TV(p_out, q_0), masks that are left over counting as wrong. Source: S5."""
        return self.tables.total_variation(self.law)

    @cached_property
    def kl(self) -> Number:
        """KL(q_0‖p_out), nats, a ball; +∞ where a row is never put out."""
        if any(p == 0 for p in self.law.values()):
            return arb("inf")
        pairs = ((arb(q), arb(self.law[row])) for row, q in self.pmf.items())
        return sum((q * (q / p).log() for q, p in pairs), arb(0))

    @cached_property
    def losses(self) -> list[tuple[Number, Number]]:
        """q_0(x) and what x loses to first order, for each row."""
        return row_losses(self.pmf, self.marginal, self.S)

    @cached_property
    def first_order(self) -> Number:
        """c(q_0) of L5, what those rows lose that do."""
        return sum((weight * loss for weight, loss in self.losses if loss > 0), fmpq(0))

    @property
    def off_support(self) -> Number:
        """What all rows lose together, which is what goes to no row."""
        return sum((weight * loss for weight, loss in self.losses), fmpq(0))

    @property
    def overweight(self) -> Number:
        """What those rows gain that do."""
        return sum((-weight * loss for weight, loss in self.losses if loss < 0), fmpq(0))

    @property
    def a(self) -> Composition:
        """Block sizes."""
        return self.experiment.blocks

    @property
    def q0(self) -> list[Number]:
        """q_0 on its support."""
        return list(self.pmf.values())

    @property
    def p_out(self) -> list[Number]:
        """p_out on the support of q_0, in the same order."""
        return list(self.law.values())

    @cached_property
    def P(self) -> dict[Composition, list[Number]]:
        """P_a on the support, in the order of the rows."""
        return {a: list(self.tables.blocks(a).values()) for a in self.compositions}

    def bound(
        self,
        claim: Claim,
        scale: Mapping[str, Any] | None = None,
        variant: str | None = None,
    ) -> Number:
        """The value of a claim's formula: a fraction where it is rational, else a ball."""
        return evaluate_claim(claim, self.values(claim.symbols(variant)), scale, variant)


def evaluate_claim(
    claim: Claim,
    values: Mapping[str, Any],
    scale: Mapping[str, Any] | None = None,
    variant: str | None = None,
) -> Number:
    """A claim's formula: in fractions if all its values are rational and it can be, else in balls.

    Args:
        claim: the claim.
        values: by name: numbers, sequences or tables of them.
        scale: factors on its constants.
        variant: its form.
    """
    if all(map(rational, values.values())):
        with suppress(IrrationalError):
            return claim.value(values, RATIONAL, scale, variant)
    return claim.value(values, BALL, scale, variant)


def rational(value: Any) -> bool:
    """Whether a value of a formula, a table or sequence included, is exact."""
    if isinstance(value, Mapping):
        return all(map(rational, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(rational, value))
    return isinstance(value, (int, Fraction, fmpq))


def half_distance(p: list[Number], q: list[Number]) -> Number:
    """TV(p, q)."""
    return sum((abs(a - b) for a, b in zip(p, q, strict=True)), fmpq(0)) / 2


def divergence_of(p: list[Number], q: list[Number]) -> Number:
    """KL(p‖q), an infinite ball where q misses a symbol of p."""
    total = arb(0)
    for a, b in zip(p, q, strict=True):
        if a > 0:
            total = total + (arb(a) * (arb(a) / arb(b)).log() if b > 0 else arb("inf"))
    return total
