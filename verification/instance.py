"""One instance in exact numbers: a law, a denoiser, a schedule, and all that a claim asks of them.

This is the third computation of these numbers, after `bindings` (float64 with error bounds) and the
samplers: plain loops over exact fractions, for small d. What is not rational (logarithms, clocks
with exponentials) is a ball in flint's working precision.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property, reduce
from typing import Any

import sympy
from flint import arb, fmpq
from sharprates.samplers.errors import InputError
from sharprates.samplers.family import Family
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.clocks import ancestral_hazard, clock, euler_hazard, tau_leaping_hazard
from sharprates.theory.evaluation import evaluate
from sharprates.theory.setting import Setting
from sharprates.verification.arithmetic import BALL, RATIONAL, IrrationalError, power
from sharprates.verification.exact import (
    Composition,
    Context,
    ExactTables,
    exact_tables,
    fractions_of,
    step_weights,
)

HAZARDS = {
    "euler": euler_hazard,
    "tau-leaping": tau_leaping_hazard,
    "ancestral": ancestral_hazard,
}

Predictions = Mapping[tuple[Context, int], tuple[Fraction, ...]]
"""(context, hidden position) → the S predicted probabilities, where they are not the exact ones."""


@dataclass(frozen=True)
class Grid:
    """A parallel sampler on a clock, K steps uniform in t from T to 0.

    Attributes:
        rule: ``euler``, ``tau-leaping`` or ``ancestral``.
        clock: its name.
        horizon: T.
        steps: K.
        fill: whether one more step reveals all that is still masked.
    """

    rule: str
    clock: str
    horizon: Fraction
    steps: int
    fill: bool = False

    def __post_init__(self) -> None:
        if self.rule not in HAZARDS:
            raise InputError(f"rule {self.rule!r} is unknown: use one of {', '.join(HAZARDS)}")
        clock(self.clock)
        if self.horizon <= 0 or self.steps < 1:
            raise InputError(f"grid: need T > 0 and K ≥ 1, got {self.horizon}, {self.steps}")


@dataclass(frozen=True)
class Instance:
    """A data law, a denoiser and a schedule, all in exact fractions.

    Of `steps`, `blocks` and `grid` at most one is given; a claim about q_0 alone needs none.

    Attributes:
        vocabulary: S.
        rows: the support, distinct, each of length d ≥ 1 with symbols 0..S−1.
        weights: one a row, positive, of sum 1.
        steps: step law w; what is missing to 1 is leftover.
        blocks: block sizes in order; (1, …, 1) is first-hitting sampling.
        grid: a sampler on a clock.
        predictions: where the denoiser is not the exact one.
        family: the member of a built-in family that q_0 is, if it is one.
    """

    vocabulary: int
    rows: tuple[Context, ...]
    weights: tuple[Fraction, ...]
    steps: tuple[Fraction, ...] = ()
    blocks: Composition = ()
    grid: Grid | None = None
    predictions: Predictions = field(default_factory=dict)
    family: Family | None = None

    def __post_init__(self) -> None:
        d, S = len(self.rows[0]) if self.rows else 0, self.vocabulary
        if d < 1 or len(self.weights) != len(self.rows) or len(set(self.rows)) < len(self.rows):
            raise InputError("instance: needs distinct rows of length ≥ 1, each with a weight")
        if any(len(row) != d or not all(0 <= x < S for x in row) for row in self.rows):
            raise InputError(f"instance: every row needs {d} symbols in 0..{S - 1}")
        if any(w <= 0 for w in self.weights) or sum(self.weights) != 1:
            raise InputError("instance: the weights must be positive and sum to 1")
        if bool(self.steps) + bool(self.blocks) + (self.grid is not None) > 1:
            raise InputError("instance: give one of steps, blocks and grid")
        if any(w < 0 for w in self.steps) or sum(self.steps) > 1:
            raise InputError("instance: steps must be ≥ 0 with sum at most 1")
        if self.blocks and (sum(self.blocks) != d or min(self.blocks) < 1):
            raise InputError(f"instance: blocks must be at least 1 and sum to {d}")
        for (context, place), law in self.predictions.items():
            hidden = len(context) == d and 0 <= place < d and context[place] == S
            hidden &= all(0 <= x <= S for x in context)
            if not hidden or len(law) != S or any(p < 0 for p in law) or sum(law) != 1:
                raise InputError(
                    f"instance: the prediction at {context}, {place} must be {S} probabilities "
                    f"of sum 1 for a hidden position"
                )

    @staticmethod
    def of(target: Target, **schedule: Any) -> Instance:
        """The instance of a target; a float weight is taken at its exact value, renormalised.

        Args:
            target: the data law.
            schedule: `steps`, `blocks` or `grid`, and `predictions`.
        """
        rows = tuple(tuple(row) for row in target.rows.tolist())
        return Instance(
            target.vocabulary, rows, fractions_of(target), family=target.family, **schedule
        )

    @property
    def length(self) -> int:
        """Sequence length d."""
        return len(self.rows[0])

    def target(self) -> Target:
        """The data law as a target with exact weights."""
        return Target.from_rows(self.rows, self.weights, self.vocabulary, family=self.family)

    def setting(self) -> Setting:
        """The facts that the hypotheses of a claim look at."""
        base = Setting(
            length=self.length,
            vocabulary=self.vocabulary,
            exact_denoiser=not self.predictions,
            family=None if self.family is None else self.family.name,
        )
        if self.grid is not None:
            facts: dict[str, Any] = {
                "steps": self.grid.steps,
                "sampler": self.grid.rule,
                "clock": self.grid.clock,
                "grid": "uniform",
                "last_step": "fill" if self.grid.fill else "leave",
            }
            w = Exact(self).weights
            facts["has_leftover"] = not (1 - sum(w) == 0 or self.grid.fill)
            facts["uniform_law"] = all(isinstance(x, fmpq) and x == fmpq(1, len(w)) for x in w)
        elif self.blocks:
            one_by_one = max(self.blocks) == 1
            facts = {
                "steps": len(self.blocks),
                "sampler": "fhs" if one_by_one else "blocks",
            }
        else:
            # No schedule is the limit K → ∞ of the uniform law: claims about c(q_0).
            count = len(self.steps)
            facts = {
                "steps": count or None,
                "has_leftover": count > 0 and sum(self.steps) < 1,
                "uniform_law": all(w == Fraction(1, count) for w in self.steps),
            }
        return Setting(**{**vars(base), **facts})


class Exact:
    """The numbers of one instance, each computed when it is first asked for.

    Balls have the working precision of that moment: make a new object after raising it.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.length, self.vocabulary = instance.length, instance.vocabulary

    @cached_property
    def pmf(self) -> dict[Context, Number]:
        """Support row → q_0(x)."""
        weights = (fmpq(w.numerator, w.denominator) for w in self.instance.weights)
        return dict(zip(self.instance.rows, weights, strict=True))

    @cached_property
    def marginal(self) -> dict[Context, Number]:
        """Context of positive probability → q_0(x_U)."""
        found: dict[Context, Number] = {}
        shown = list(itertools.product((False, True), repeat=self.length))
        for row, weight in self.pmf.items():
            for mask in shown:
                context = tuple(x if s else self.vocabulary for x, s in zip(row, mask, strict=True))
                found[context] = found.get(context, fmpq(0)) + weight
        return found

    def conditional(self, context: Context, place: int) -> list[Number]:
        """q_0(x_i = a | x_U) for a context of positive probability."""
        whole = self.marginal[context]
        extended = (with_symbol(context, place, a) for a in range(self.vocabulary))
        return [self.marginal.get(one, fmpq(0)) / whole for one in extended]

    def predict(self, context: Context, place: int) -> list[Number]:
        """The denoiser; outside the support its given predictions, else the exact conditional."""
        given = self.instance.predictions.get((context, place))
        if given is not None:
            return [fmpq(p.numerator, p.denominator) for p in given]
        return self.conditional(context, place)

    @cached_property
    def tables(self) -> ExactTables:
        """T_a on the support, for every composition a."""
        return exact_tables(self.pmf, self.vocabulary, self.predict)

    # --- the schedule -----------------------------------------------------------------------------

    @cached_property
    def path(self) -> list[dict[str, Number]]:
        """For each step on a grid: r, ρ, and 1−α at its start and end."""
        grid = self.instance.grid
        if grid is None:
            raise InputError("instance: a claim about a clock needs a grid")
        rule, bridge, masked = _formulas(grid.rule, grid.clock)
        ends = [grid.horizon * Fraction(grid.steps - k, grid.steps) for k in range(grid.steps + 1)]

        def walk(arithmetic: Arithmetic) -> list[dict[str, Number]]:
            one = arithmetic.rational(1)
            steps = []
            for t, s in itertools.pairwise(ends):
                times = {"t": t, "s": s}
                steps.append(
                    {
                        "r": arithmetic.minimum(one, evaluate(rule, times, arithmetic)),
                        "rho": evaluate(bridge, times, arithmetic),
                        "masked": evaluate(masked, times, arithmetic),
                    }
                )
            if grid.fill:  # at time 0 nothing is masked in the exact process
                steps.append({"r": one, "rho": one, "masked": arithmetic.rational(0)})
            return steps

        try:
            return walk(RATIONAL)
        except IrrationalError:
            return walk(BALL)

    def horizon(self) -> Fraction:
        """T."""
        if self.instance.grid is None:
            raise InputError("instance: a claim about a horizon needs a grid")
        return self.instance.grid.horizon

    @cached_property
    def weights(self) -> list[Number]:
        """The step law w."""
        if self.instance.grid is not None:
            return step_weights([step["r"] for step in self.path])
        if not self.instance.steps:
            raise InputError("instance: an output law needs steps or a grid")
        return [fmpq(w.numerator, w.denominator) for w in self.instance.steps]

    # --- information ------------------------------------------------------------------------------

    @cached_property
    def entropies(self) -> list[Number]:
        """The mean of H(X_U) over |U| = m, for m = 0..d, as balls."""
        sums = [arb(0)] * (self.length + 1)
        for context, mass in self.marginal.items():
            m = self.revealed(context)
            sums[m] = sums[m] - arb(mass) * arb(mass).log()
        return [total / math.comb(self.length, m) for m, total in enumerate(sums)]

    @cached_property
    def curve(self) -> list[Number]:
        """The information curve h_0..h_{d−1}, nats."""
        return [after - before for before, after in itertools.pairwise(self.entropies)]

    def mutual_information(self) -> Number:
        """Ī = h_0 − h_{d−1} ≥ 0, nats."""
        return (self.curve[0] - self.curve[-1]).nonnegative_part()

    def revealed(self, context: Context) -> int:
        """|U|, the number of revealed positions."""
        return self.length - context.count(self.vocabulary)

    # --- dependence and errors --------------------------------------------------------------------

    @cached_property
    def dependence(self) -> list[list[Number]]:
        """Entry (u, s): Σ over |U|=u, |B|=s of E TV(q_0(x_B|x_U), ∏_{i∈B} q_0(x_i|x_U))."""
        d, S = self.length, self.vocabulary
        found = [[fmpq(0)] * (d + 1) for _ in range(d + 1)]
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

    def block_errors(self) -> dict[Composition, Number]:
        """E4's D: composition → the sum over its blocks of the mean dependence at its place."""
        d = self.length
        table = {}
        for a in self.tables.tables[self.instance.rows[0]]:
            total, n = fmpq(0), 0
            for s in a:
                total += self.dependence[n][s] / (math.comb(d, n) * math.comb(d - n, s))
                n += s
            table[a] = total
        return table

    def _gaps(self, distance: Callable[[list[Number], list[Number]], Number]) -> list[Number]:
        """Σ over |U| = u and i ∉ U of the mean distance of p̂_i from p_i, u = 0..d−1."""
        sums: list[Number] = [fmpq(0)] * self.length
        for context, place in self.instance.predictions:
            mass = self.marginal.get(context)
            if mass is not None:
                gap = distance(self.conditional(context, place), self.predict(context, place))
                u = self.revealed(context)
                sums[u] = sums[u] + mass * gap
        return sums

    @cached_property
    def gaps(self) -> list[Number]:
        """Σ over |U| = u and i ∉ U of E TV(p_i, p̂_i)."""
        return self._gaps(_half_distance)

    def along_orders(self, gaps: list[Number]) -> Number:
        """E Σ_n of a distance, (U, i) along a uniform order. Source: H2."""
        d = self.length
        return sum((gap / (math.comb(d, u) * (d - u)) for u, gap in enumerate(gaps)), fmpq(0))

    def along_steps(self) -> Number:
        """ε_w of E3: the context reveals each other token with probability t_k."""
        total, t = fmpq(0), fmpq(0)
        d = self.length
        for w in self.weights:
            at = sum((t**u * (1 - t) ** (d - 1 - u) * g for u, g in enumerate(self.gaps)), fmpq(0))
            total, t = total + w * at, t + w
        return total

    def along_grid(self, term: str) -> Number:
        """A term of E1, or ε_1 of E2, along the grid."""
        d, total = self.length, fmpq(0)
        for step in self.path:
            r, masked = step["r"], step["masked"]
            at = [power(1 - masked, u) * power(masked, d - u) for u in range(d + 1)]
            if term == "clock":
                total = total + d * masked * abs(step["rho"] - r)
            elif term == "score":
                # Euler's H is r here: on the constant clock, where E2 lives, it never exceeds 1
                pairs = zip(at, self.gaps, strict=False)
                total = total + r * sum((x * gap for x, gap in pairs), fmpq(0))
            else:
                for u, s in itertools.product(range(d + 1), repeat=2):
                    if 2 <= s <= d - u:
                        inside = power(r, s) * power(1 - r, d - u - s)
                        total = total + at[u] * inside * self.dependence[u][s]
        return total

    # --- what is measured -------------------------------------------------------------------------

    def total_variation(self) -> Number:
        """TV(p_out, q_0), masks that are left over counting as wrong."""
        if self.instance.blocks:
            return self.tables.blocks_total_variation(self.instance.blocks)
        return self.tables.total_variation(self.weights)

    def divergence(self) -> Number:
        """KL(q_0‖p_out), nats, a ball; +∞ where a row is never put out."""
        blocks = self.instance.blocks
        if blocks:
            ways = math.factorial(self.length) // math.prod(map(math.factorial, blocks))
            law = {row: table[blocks] / ways for row, table in self.tables.tables.items()}
        else:
            law = self.tables.probability(self.weights)
        if any(p == 0 for p in law.values()):
            return arb("inf")
        return sum((arb(q) * (arb(q) / arb(law[row])).log() for row, q in self.pmf.items()), arb(0))

    def first_order(self) -> Number:
        """c(q_0) of L5 in its computable form: from marginals alone, without an output law."""
        d, S = self.length, self.vocabulary
        if d == 1:
            return fmpq(0)
        total = fmpq(0)
        for row, weight in self.pmf.items():
            bracket = fmpq(0)
            for n in range(d - 1):
                ratios = fmpq(0)
                for shown in itertools.combinations(range(d), n):
                    context = tuple(x if i in shown else S for i, x in enumerate(row))
                    whole = self.marginal[context]
                    hidden = [i for i in range(d) if i not in shown]
                    single = {i: with_symbol(context, i, row[i]) for i in hidden}
                    for i, j in itertools.combinations(hidden, 2):
                        both = with_symbol(single[i], j, row[j])
                        product = self.marginal[single[i]] * self.marginal[single[j]]
                        ratios += product / (whole * self.marginal[both])
                bracket += 1 - ratios / (math.comb(d, n) * math.comb(d - n, 2))
            if bracket > 0:
                total += weight * bracket
        return total * d / 2

    def block_laws(self) -> dict[Composition, list[Number]]:
        """P_a on the support, in the order of the rows."""
        ways = {
            a: math.factorial(self.length) // math.prod(map(math.factorial, a))
            for a in self.tables.tables[self.instance.rows[0]]
        }
        return {
            a: [self.tables.tables[row][a] / count for row in self.instance.rows]
            for a, count in ways.items()
        }


@cache
def _formulas(rule: str, name: str) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """The rule's hazard, ρ and 1−α, as functions of a step's ends t and s."""
    chosen = clock(name)
    return HAZARDS[rule](chosen), ancestral_hazard(chosen), chosen.masked


def with_symbol(context: Context, place: int, symbol: int) -> Context:
    """The context with one more position revealed."""
    return (*context[:place], symbol, *context[place + 1 :])


def _half_distance(p: list[Number], q: list[Number]) -> Number:
    return sum((abs(a - b) for a, b in zip(p, q, strict=True)), fmpq(0)) / 2


def _divergence(p: list[Number], q: list[Number]) -> Number:
    """KL(p‖q), an infinite ball where q misses a symbol of p."""
    total = arb(0)
    for a, b in zip(p, q, strict=True):
        if a > 0:
            total = total + (arb(a) * (arb(a) / arb(b)).log() if b > 0 else arb("inf"))
    return total


def _largest(it: Exact) -> Number:
    """max w_k, enclosed where the weights are balls."""
    rational = all(isinstance(w, fmpq) for w in it.weights)
    return reduce((RATIONAL if rational else BALL).maximum, it.weights)


VALUES: Mapping[str, Callable[[Exact], Any]] = {
    "d": lambda it: it.length,
    "S": lambda it: it.vocabulary,
    "K": lambda it: it.instance.setting().steps,
    "T": lambda it: it.horizon(),
    "w": lambda it: it.weights,
    "W": _largest,
    "h": lambda it: it.curve,
    "I_bar": lambda it: it.mutual_information(),
    "entropy": lambda it: it.entropies[-1],
    "last_entropy": lambda it: it.curve[-1],
    "a": lambda it: it.instance.blocks,
    "q0": lambda it: list(it.pmf.values()),
    "p_out": lambda it: list(it.tables.probability(it.weights).values()),
    "P": lambda it: it.block_laws(),
    "D": lambda it: it.block_errors(),
    "epsilon_w": lambda it: it.along_steps(),
    "epsilon_1": lambda it: it.along_grid("score"),
    "epsilon_FHS": lambda it: it.along_orders(it.gaps),
    "epsilon_KL": lambda it: it.along_orders(it._gaps(_divergence)),
    "E1_initialisation": lambda it: 1 - power(it.path[0]["masked"], it.length),
    "E1_score": lambda it: it.along_grid("score"),
    "E1_clock": lambda it: it.along_grid("clock"),
    "E1_parallel": lambda it: it.along_grid("parallel"),
    "E1_early_stopping": lambda _: 0,
}
"""Name of a value of a formula → how an instance provides it, exact or as a ball."""
