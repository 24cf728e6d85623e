"""S1–S4 and the consequences of S2 for leftover, decided exactly."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from random import Random
from typing import Any

import sympy
from sharprates.theory.clocks import (
    CLOCKS,
    ancestral_hazard,
    clock,
    euler_hazard,
    tau_leaping_hazard,
)
from sharprates.theory.euler_lower import L0
from sharprates.theory.euler_upper import E4
from sharprates.theory.evaluation import evaluate
from sharprates.theory.functions import CompositionSum, Monomial, all_compositions
from sharprates.theory.laws import S1, S2, S3, S4
from sharprates.theory.proofs.proof import (
    RATIONALS,
    Polynomials,
    fill,
    nonnegative_for_positive,
    proof,
)
from sharprates.theory.proofs.sampler import (
    Conditional,
    from_table,
    lifted,
    reveal,
    reveal_in_blocks,
    weighted_conditional,
    weights_from_hazards,
)
from sharprates.theory.symbols import symbol

T, S = symbol("t"), symbol("s")
STEP = sympy.Symbol("step", positive=True)


@proof(
    "S1",
    "the three rules on every clock are the formula with that clock put in",
    "twice the speed",
)
def _formulas(broken: bool) -> Iterator[bool]:
    for chosen in CLOCKS.values():
        values: dict[str, Any] = {
            "alpha_t": chosen.alpha,
            "alpha_s": chosen.at_end_of_step,
            "speed": chosen.speed * (2 if broken else 1),
        }
        hazard = euler_hazard(chosen)
        pairs = (
            (fill(S1, **values), sympy.Min(1, hazard)),
            (fill(S1, "tau-leaping", **values), tau_leaping_hazard(chosen)),
            (fill(S1, "ancestral", **values), ancestral_hazard(chosen)),
        )
        yield all(sympy.simplify(left - right) == 0 for left, right in pairs)


@proof("S1", "Euler and ancestral coincide on the linear clock", "on 1 − t², too")
def _linear(broken: bool) -> Iterator[bool]:
    chosen = clock("polynomial:2" if broken else "linear")
    yield sympy.simplify(euler_hazard(chosen) - ancestral_hazard(chosen)) == 0


def lag(step: sympy.Symbol, broken: bool = False) -> sympy.Expr:
    """(ρ − H)·(1 − e^{−t})·e^t on the constant-rate clock at s = t − step, from the hazards."""
    chosen = clock("constant")
    difference = (ancestral_hazard(chosen) - euler_hazard(chosen)).subs(S, T - step)
    product = difference * (1 - sympy.exp(-T)) * sympy.exp(T)
    return sympy.simplify(sympy.expand(-product if broken else product))


@proof("S1", "on the constant-rate clock Euler lags, for every t and every step size", "it leads")
def _constant_lags(broken: bool) -> Iterator[bool]:
    """ρ − H ≥ 0 for every step size, because e^h − 1 − h ≥ 0."""
    yield nonnegative_for_positive(lag(STEP, broken), STEP, 2)


@proof(
    "S1", "on cosine and on 1 − t^p, p = 2, 3, Euler leads, with H > 1", "on the linear clock, too"
)
def _euler_leads(broken: bool) -> Iterator[bool]:
    """One step from the end of the domain: H > 1 = ρ on cosine and polynomial clocks."""
    names = ("linear",) if broken else ("cosine", "polynomial:2", "polynomial:3")
    yield from (
        euler_hazard(clock(name)).subs({T: 1, S: 0}) > 1
        and ancestral_hazard(clock(name)).subs({T: 1, S: 0}) == 1
        for name in names
    )


def _expand(
    arithmetic: Any, d: int, weights: list[Any], conditional: Conditional, broken: bool
) -> Any:
    """The right side of S2; the mutant reads compositions from right to left."""
    table = {
        a: reveal_in_blocks(arithmetic, d, a[::-1] if broken else a, conditional)
        for a in all_compositions(d)
    }
    values = {"d": d, "w": weights, "P": table}
    return evaluate(S2.expression, values, arithmetic)


@proof(
    "S2",
    "step-by-step law = expansion as polynomials in hazards and in all conditionals, d ≤ 3, K = 3",
    "compositions read backwards",
)
def _symbolic_denoiser(broken: bool) -> Iterator[bool]:
    """Both sides of S2 as polynomials in hazards and in every p̂_i(x_i|x_U)."""
    for d, K in ((1, 3), (2, 3), (3, 3)):
        contexts = [(i, U) for i in range(d) for U in range(1 << d) if not U >> i & 1]
        names = [f"r{k}" for k in range(K)] + [f"p{i}_{U}" for i, U in contexts]
        arithmetic = Polynomials(*names)
        hazards = arithmetic.variables[:K]
        conditional = from_table(dict(zip(contexts, arithmetic.variables[K:], strict=True)))
        left = reveal(arithmetic, d, hazards, conditional)
        weights = weights_from_hazards(arithmetic, hazards)
        right = _expand(arithmetic, d, weights, conditional, broken)
        yield left == right


@cache
def _random_law(d: int) -> tuple[tuple[tuple[int, ...], Fraction], ...]:
    random = Random(d)
    weights = [random.randint(1, 9) for _ in range(1 << d)]
    rows = product(range(2), repeat=d)
    return tuple(
        (row, Fraction(weight, sum(weights))) for row, weight in zip(rows, weights, strict=True)
    )


def _conditional_at(d: int, x: tuple[int, ...]) -> Conditional:
    agreement: dict[int, Fraction] = {}
    for row, weight in _random_law(d):
        mask = sum(1 << i for i in range(d) if row[i] == x[i])
        agreement[mask] = agreement.get(mask, Fraction(0)) + weight
    return weighted_conditional(agreement, d)


@proof(
    "S2",
    "the same with symbolic hazards and a rational q_0 on two symbols, d ≤ 5",
    "compositions read backwards",
)
def _rational_target(broken: bool) -> Iterator[bool]:
    """Both sides of S2 as polynomials in the hazards, exact denoiser of a rational q_0."""
    for d, K in ((2, 3), (3, 3), (4, 3), (5, 2)):
        arithmetic = Polynomials(*(f"r{k}" for k in range(K)))
        hazards = arithmetic.variables
        weights = weights_from_hazards(arithmetic, hazards)
        for x in ((0,) * d, (0, 1) * (d // 2) + (1,) * (d % 2)):
            conditional = lifted(arithmetic, _conditional_at(d, x))
            left = reveal(arithmetic, d, hazards, conditional)
            yield left == _expand(arithmetic, d, weights, conditional, broken)


@proof(
    "S3",
    "for all K, by interpolation of degree m in K, every composition of d ≤ 6",
    "one more factor 1/K",
)
def _equal_steps(broken: bool) -> Iterator[bool]:
    """M_a(1/K, …)·K^d and C(K, m) are polynomials in K of degree m: equal at m + 1 points."""
    for d in range(1, 7):
        for a in all_compositions(d):
            for K in range(1, len(a) + 3):
                values = {"K": K, "m": len(a), "d": d + broken}
                claimed = evaluate(S3.expression, values, RATIONALS)
                yield Monomial.compute(RATIONALS, a, [Fraction(1, K)] * K) == claimed


@proof(
    "S4",
    "the distribution function is that of n bridges of F5, and the quantile inverts it, n ≤ 8",
    "n + 1 for n",
)
def _first_hitting(broken: bool) -> Iterator[bool]:
    """S4's distribution function is that of n bridges which all stay; its quantile inverts it."""
    rho, z = fill(S1, "ancestral"), sympy.Symbol("z", positive=True)
    for n in range(1, 9):
        survival = fill(S4, n=n + broken)
        masked = fill(S4, "quantile", n=n, v=z**n)
        inverse = survival.subs(symbol("alpha_s"), 1 - masked)
        yield sympy.simplify(survival - (1 - rho) ** n) == 0
        yield sympy.simplify(inverse - z**n) == 0


@proof("E4", "the weights add up to (1 − w_∞)^d, symbolic w with leftover, d ≤ 5", "d + 1 for d")
@proof(
    "L0", "the mass on full words is (1 − w_∞)^d, symbolic w with leftover, d ≤ 5", "d + 1 for d"
)
def _total_weight(broken: bool) -> Iterator[bool]:
    for d, K in ((1, 2), (2, 3), (3, 3), (4, 3), (5, 3)):
        arithmetic = Polynomials(*(f"w{k}" for k in range(K)))
        weights, ones = arithmetic.variables, dict.fromkeys(all_compositions(d), 1)
        total = evaluate(_SUM, {"d": d, "w": weights, "P": ones}, arithmetic)
        values = {
            "d": d + broken,
            "w": weights,
            "D": dict.fromkeys(all_compositions(d + broken), 0),
        }
        for claim in (L0, E4):
            yield total == 1 - claim.value(values, arithmetic)


_SUM = CompositionSum(symbol("d"), symbol("w"), symbol("P"))


@proof(
    "C3",
    "on full words p_out is (1−w_∞)^d times its value at w/(1−w_∞), so that the divergences "
    "differ by −d·log(1−w_∞), symbolic w, d ≤ 5",
    "the power is the number of blocks",
)
def _homogeneous(broken: bool) -> Iterator[bool]:
    """M_a(c·w) = c^d·M_a(w) for every composition of d."""
    for d in range(1, 6):
        arithmetic = Polynomials("x", "y", "z", "c")
        *weights, c = arithmetic.variables
        for a in all_compositions(d):
            scaled = Monomial.compute(arithmetic, a, [c * weight for weight in weights])
            power = c ** (len(a) if broken else d)
            yield scaled == power * Monomial.compute(arithmetic, a, weights)
