"""L1–L7: closed forms against the sampler itself on each family, and the limits.

All families are uniform on their support, and there p_out is the same at every row, so that TV is
1 − N·p_out(x). Both sides are polynomials in the hazards (symbolic, with leftover) and in 1/S or
1/b of a known degree; they are compared at more values of S or b than that degree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import sympy
from sharprates.theory.claim import Claim
from sharprates.theory.clocks import ancestral_hazard, clock
from sharprates.theory.euler_lower import L1, L2, L3, L4, L5, L6, L7
from sharprates.theory.evaluation import evaluate
from sharprates.theory.first_order import E9, E10
from sharprates.theory.functions import DistinctSteps, SharedSymbols, SumOfSquares
from sharprates.theory.proofs.laws import S as EARLY
from sharprates.theory.proofs.laws import T as LATE
from sharprates.theory.proofs.proof import RATIONALS, Polynomials, fill, proof
from sharprates.theory.proofs.sampler import (
    Row,
    in_groups,
    lifted,
    permutations_in_groups,
    reveal,
    reveal_in_blocks,
    rows_of_copies,
    rows_of_pairs,
    rows_of_parity,
    rows_of_reed_solomon,
    rows_of_shared_symbols,
    uniform_conditional,
    weights_from_hazards,
)
from sharprates.theory.symbols import constant, symbol

_ALL = "symbolic hazards with leftover, three steps"

STEPS = 3


def _agrees(
    claim: Claim, values: dict[str, int], support: list[Row], variant: str | None = None
) -> bool:
    """Whether a closed form is the TV of the sampler on a uniform support, for all hazards."""
    d = len(support[0])
    arithmetic = Polynomials(*(f"r{k}" for k in range(STEPS)))
    hazards = arithmetic.variables
    if variant == "parity":  # stated without leftover
        hazards = [*hazards[:-1], arithmetic.rational(1)]
    weights = weights_from_hazards(arithmetic, hazards)
    claimed = evaluate(claim.form(variant).expression, {"d": d, "w": weights, **values}, arithmetic)
    # All rows of a small support; of a large one three, since the family is transitive.
    few = len(support) <= 9
    for x in support if few else (support[0], support[len(support) // 2], support[-1]):
        conditional = lifted(arithmetic, uniform_conditional(support, x))
        if 1 - len(support) * reveal(arithmetic, d, hazards, conditional) != claimed:
            return False
    return True


@proof("L1", f"exact value for all S, d ≤ 5 (degree ⌊d/2⌋ in 1/S), {_ALL}", "S + 1")
def _pairs(broken: bool) -> Iterator[bool]:
    yield from (
        _agrees(L1, {"S": S + broken}, rows_of_pairs(d, S))
        for d in range(1, 6)
        for S in range(1, d // 2 + 2)  # degree ⌊d/2⌋
    )


@proof("L2", f"exact value for all S, d ≤ 5 (degree d − 1 in 1/S), {_ALL}", "S + 1")
def _copies(broken: bool) -> Iterator[bool]:
    yield from (
        _agrees(L2, {"S": S + broken}, rows_of_copies(d, S))
        for d in range(1, 6)
        for S in range(1, d + 1)
    )


@proof("L4", f"parity, for all S, d ≤ 5 (degree 1 in 1/S), {_ALL}", "S + 1")
def _parity(broken: bool) -> Iterator[bool]:
    yield from (
        _agrees(L4, {"S": S + broken, "k": d - 1}, rows_of_parity(d, S))
        and _agrees(L4, {"S": S + broken}, rows_of_parity(d, S), "parity")
        for d in range(2, 6)
        for S in (1, 2, 3)  # degree 1
    )


@proof(
    "L4",
    f"Reed–Solomon codes (d,k) = (3,1), (3,2), (4,2), (4,3) (degree d − k in 1/S), {_ALL}",
    "k + 1 for k",
)
def _threshold(broken: bool) -> Iterator[bool]:
    sizes = ((3, 1, (3, 5, 7)), (3, 2, (3, 5)), (4, 2, (5, 7, 11)), (4, 3, (5, 7)))
    yield from (
        _agrees(L4, {"S": S, "k": k + broken}, rows_of_reed_solomon(d, k, S))
        for d, k, fields in sizes  # degree d − k
        for S in fields
    )


@proof("L3", f"exact value for all b, d ≤ 4 (degree C(d,2) in 1/b), {_ALL}", "b + 1")
def _shared(broken: bool) -> Iterator[bool]:
    yield from (
        _agrees(L3, {"b": b + broken}, rows_of_shared_symbols(d, b))
        for d, top in ((2, 2), (3, 4), (4, 7))  # degree C(d,2), the value b = 1 included
        for b in range(1, top + 1)
    )


def _interpolate_at_zero(points: list[Fraction], values: list[Any]) -> Any:
    """The value at 0 of the polynomial through the points, by Lagrange."""
    total = None
    for i, (x, value) in enumerate(zip(points, values, strict=True)):
        factor = Fraction(1)
        for j, y in enumerate(points):
            if j != i:
                factor *= y / (y - x)
        term = value * sympy.QQ(factor.numerator, factor.denominator)
        total = term if total is None else total + term
    return total


@proof("L3", "tends to 1 − d!·e_d(w) as b → ∞, d ≤ 4, symbolic w of four steps", "d + 1 for d")
def _many_symbols(broken: bool) -> Iterator[bool]:
    """The value at 1/b = 0 of L3's polynomial in 1/b is 1 − d!·e_d(w)."""
    for d in (2, 3, 4):
        arithmetic = Polynomials(*(f"w{k}" for k in range(4)))
        w = arithmetic.variables
        bases = range(1, d * (d - 1) // 2 + 2)
        values = [evaluate(L3.expression, {"d": d, "b": b, "w": w}, arithmetic) for b in bases]
        limit = _interpolate_at_zero([Fraction(1, b) for b in bases], values)
        form = L3.form("supremum").expression
        yield limit == evaluate(form, {"d": d + broken, "w": w}, arithmetic)


@proof(
    "L3",
    "the bound for every law, with E6: no negative coefficient, d ≤ 5, five steps",
    "1/(b+1) for 1/b",
)
def _coinciding_pair(broken: bool) -> Iterator[bool]:
    """Where two tokens share a step the price is at most 1/b: all coefficients of the gap ≥ 0."""
    for d in (2, 3, 4, 5):
        for b in (2, 3, 5):
            arithmetic = Polynomials(*(f"w{k}" for k in range(5)))
            w = arithmetic.variables
            all_revealed = sum(w[1:], w[0]) ** d
            distinct = DistinctSteps.compute(arithmetic, d, w)
            price = arithmetic.rational(1, b + broken)
            gap = distinct + price * (all_revealed - distinct)
            gap = gap - SharedSymbols.compute(arithmetic, d, b, w)
            yield all(coefficient >= 0 for coefficient in gap.coeffs())


@proof(
    "L1",
    "the bound for every law is a sum of squares above, and attained at equal steps, K ≤ 6",
    "K + 1 for K",
)
def _every_law_of_pairs(broken: bool) -> Iterator[bool]:
    """K·Σw² − (Σw)² is a sum of squares, so one pair agrees at most with 1 − (1−1/S)/K."""
    for steps in range(1, 7):
        arithmetic = Polynomials(*(f"w{k}" for k in range(steps)))
        w = arithmetic.variables
        gap = steps * SumOfSquares.compute(arithmetic, w) - sum(w[1:], w[0]) ** 2
        squares = arithmetic.rational(0)
        for i in range(steps):
            for j in range(i):
                squares = squares + (w[i] - w[j]) ** 2
        yield gap == squares
        for S in (1, 2, 3):
            for d in (2, 3, 4, 5):
                law = [RATIONALS.rational(1, steps + broken)] * steps
                exact = evaluate(L1.expression, {"S": S, "d": d, "w": law}, RATIONALS)
                values = {"S": S, "d": d, "K": steps}
                # at equal steps the bound for every law is the exact value
                yield exact == L1.value(values, RATIONALS, variant="every-law")


@proof(
    "L6",
    "(a) groups (g,d) = (2,4), (2,5), (3,3), (3,4) for every b in place of 2 (degree "
    f"C(g,2)·⌊d/g⌋ in 1/b), and (3,6) at b = 2, {_ALL}",
    "g + 1 for g",
)
def _groups(broken: bool) -> Iterator[bool]:
    """L6a's formula with b for its 2: a polynomial in 1/b of degree C(g,2)·⌊d/g⌋."""
    for g, d, top in ((2, 4, 3), (2, 5, 3), (3, 3, 4), (3, 4, 4), (3, 6, 2)):
        for b in range(1, top + 1):  # all degree + 1 values, but for the last size b = 1 and 2
            form = L6.expression.replace(
                SharedSymbols, lambda g, _, w, b=b: SharedSymbols(g, sympy.Integer(b), w)
            )
            claim = replace(L6, expression=form)
            yield _agrees(claim, {"g": g + broken}, in_groups(d, g, rows_of_shared_symbols(g, b)))


@proof("L6", f"(b) permutations (S,d) = (2,2), (2,4), (3,3), {_ALL}", "one more group")
def _permutations(broken: bool) -> Iterator[bool]:
    yield from (
        _agrees(
            L6,
            {"S": S, "d": d + S * broken},
            permutations_in_groups(d, S),
            "permutations",
        )
        for S, d in ((2, 2), (2, 4), (3, 3))
    )


# --- limits ---------------------------------------------------------------------------------------


def first_order_by_rows(
    d: int, support: list[Row], beta: list[Fraction] | None = None
) -> sympy.Rational:
    """c(q_0) of L5 by enumeration of the laws P_a, or its form for β."""
    x_rows = support if len(support) <= 9 else support[:1]
    table: dict[tuple[int, ...], list[Any]] = {}
    for n in range(d - 1):
        a = (1,) * n + (2,) + (1,) * (d - 2 - n)
        table[a] = [
            reveal_in_blocks(RATIONALS, d, a, uniform_conditional(support, x)) for x in x_rows
        ]
    # with fewer rows than the support each of them stands for its share
    share = Fraction(1, len(x_rows))
    scale = Fraction(len(support), len(x_rows))
    table = {a: [scale * value for value in law] for a, law in table.items()}
    values = {"d": d, "q0": [share] * len(x_rows), "P": table}
    if beta is None:
        return L5.value(values, RATIONALS)
    return L5.value({**values, "beta": beta}, RATIONALS, variant="steps")


def _equal_steps_limit(value: Callable[[int], Fraction], degree: int) -> Fraction:
    """lim K·TV(K) as K → ∞, where K^degree·TV(K) is a polynomial in K of that degree − 1."""
    K = sympy.Symbol("K")
    points = [(k, k**degree * value(k)) for k in range(1, degree + 2)]
    rational = [(k, sympy.Rational(v.numerator, v.denominator)) for k, v in points]
    polynomial = sympy.Poly(sympy.interpolate(rational, K), K)
    leading = polynomial.coeff_monomial(K ** (degree - 1))
    if polynomial.degree() > degree - 1:
        return Fraction(-1)  # TV does not vanish with 1/K
    return Fraction(int(leading.p), int(leading.q))


@proof(
    "L5",
    "c is the limit of K·TV: copies and parity (S = 2, d ≤ 5; S = 3, d ≤ 4), permutations",
    "twice c",
)
def _limits(broken: bool) -> Iterator[bool]:
    """c of L5, by enumeration of P_a, is lim K·TV of the exact values L2, L4 and L6b."""
    cases: list[tuple[Claim, str | None, dict[str, int], list[Row]]] = []
    for S, top in ((2, 5), (3, 4)):
        for d in range(2, top + 1):
            cases.append((L2, None, {"d": d, "S": S}, rows_of_copies(d, S)))
            cases.append((L4, None, {"d": d, "S": S, "k": d - 1}, rows_of_parity(d, S)))
    for S, d in ((2, 4), (3, 3)):
        cases.append((L6, "permutations", {"d": d, "S": S}, permutations_in_groups(d, S)))
    for claim, variant, values, support in cases:
        form = claim.form(variant).expression

        def exact(K: int, form: Any = form, values: Any = values) -> Fraction:
            law = {"w": [Fraction(1, K)] * K}
            return Fraction(evaluate(form, {**values, **law}, RATIONALS))

        c = first_order_by_rows(values["d"], support)
        if values["S"] == 2:  # E9 is attained
            yield c == Fraction(values["d"], 4)
        if variant:
            yield c == L6.value(values, RATIONALS, variant="permutations-limit")
        yield _equal_steps_limit(exact, values["d"]) == c * (2 if broken else 1)


@proof("E10", "attained: shared symbols, (d,b) up to (3,3) and (4,2)", "b + 1")
def _short(broken: bool) -> Iterator[bool]:
    yield from (
        first_order_by_rows(d, rows_of_shared_symbols(d, b))
        == fill(E10, d=d, S=(b + broken) ** (d - 1))
        for d, b in ((2, 2), (2, 3), (3, 2), (3, 3), (4, 2))
    )


@proof(
    "L5",
    "copies, d = 3, S = 2: 9/8 with the coarse steps first, 3/8 with them last",
    "the other half of the steps",
)
def _coarse_steps(broken: bool) -> Iterator[bool]:
    """Copies, d = 3, S = 2: coarse steps on one half, n² fine ones on the other, n → ∞.

    The exact value L2, summed symbolically, over Σw² tends to L5's form with μ uniform on the
    coarse half; 9/8 if the coarse steps come first, 3/8 if last (finite instances,
    1.1103 and 0.3897, are near them).
    """
    n = sympy.Symbol("n", positive=True, integer=True)
    k, x = sympy.symbols("k x")

    def block(first: sympy.Expr, count: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
        """L2's sum and Σw² over `count` equal steps, `first` of the law being already revealed."""
        weight = 1 / (2 * count)
        after = 1 - first - (k + 1) * weight
        term = sympy.expand(2 * ((weight / 2 + after) ** 3 - after**3))
        return sympy.summation(term, (k, 0, count - 1)), count * weight**2

    for coarse_first in (True, False):
        half = sympy.Rational(1, 2)
        coarse = block(sympy.Integer(0) if coarse_first else half, n)
        fine = block(half if coarse_first else sympy.Integer(0), n**2)
        value = (1 - coarse[0] - fine[0]) / (coarse[1] + fine[1])
        limit = sympy.limit(sympy.cancel(value), n, sympy.oo)
        low, high = (0, half) if coarse_first != broken else (half, 1)
        beta = [sympy.integrate(2 * (x if m else 1 - x), (x, low, high)) for m in range(2)]
        fractions = [Fraction(int(value.p), int(value.q)) for value in beta]
        expected = first_order_by_rows(3, rows_of_copies(3, 2), fractions)
        yield limit == sympy.Rational(expected.numerator, expected.denominator)


@proof("L7", "parity at S = 2, ancestral steps, symbolic T, d ≤ 5", "d + 1 for d")
def _grid(broken: bool) -> Iterator[bool]:
    """L7 for parity: the exact value on the uniform grid, over h, tends to the binary form.

    Ancestral steps on the constant-rate clock from T = K·h. With E = e^h and L = e^{−T} the sums
    over steps are geometric and rational in E and L, so TV/h tends to the derivative at E = 1.
    """
    E, L, a = sympy.symbols("E L a", positive=True)
    horizon = symbol("T")
    # the mass revealed before the time at which α = a is that of the bridge from T
    bridge = ancestral_hazard(clock("constant")).subs(
        {LATE: horizon, EARLY: LATE}, simultaneous=True
    )
    before = sympy.simplify(bridge.subs({LATE: -sympy.log(a), horizon: -sympy.log(L)}))
    for d in (2, 3, 4, 5):
        # Σ_k w_k u_k^{d−1}; the step that starts at α = a has w = a(E − 1)/(1 − L)
        poly = sympy.Poly(sympy.expand(a / (1 - L) * before ** (d - 1)), a)
        total = sympy.Integer(0)
        for (power,), coefficient in poly.terms():
            # (E − 1)·Σ_{j=1}^{K} e^{−j·h·power} = (1 − L^power)·(E − 1)/(E^power − 1)
            total += coefficient * (1 - L**power) / sympy.Add(*(E**i for i in range(power)))
        value = (1 - sympy.Rational(1, 2)) * (1 - d * total)
        slope = sympy.diff(value, E).subs(E, 1)
        claimed = fill(L7, "binary", d=d + broken).subs(horizon, -sympy.log(L))
        yield sympy.cancel(value.subs(E, 1)) == 0
        yield sympy.cancel(slope - claimed) == 0


@proof("L7", "the supremum's constant, symbolic T, d ≤ 5", "the density itself")
def _grid_supremum(broken: bool) -> Iterator[bool]:
    """L7: Σ_k w_k²/h → ∫ρ² over the time, ρ the density of the reveal time; times C(d,2)."""
    horizon = symbol("T")
    density = clock("constant").speed / (1 - sympy.exp(-horizon))
    integral = sympy.integrate(density ** (1 if broken else 2), (LATE, 0, horizon))
    for d in range(2, 6):
        claimed = fill(L7, d=d)
        yield sympy.simplify(sympy.binomial(d, 2) * integral - claimed) == 0


@proof("L7", "the cost of the grid at S = 2, T/(1−e^(−T)) − T/d, for all d and T", "without − T/d")
def _grid_cost(broken: bool) -> Iterator[bool]:
    """L7's rate in 1/K at S = 2 over that of equal steps, E9's bound; both are attained."""
    d, horizon = symbol("d"), symbol("T")
    per_step = fill(L7, "binary") * horizon  # h = T/K
    uniform = fill(E9).subs(constant("E9", "factor"), E9.constants["factor"])
    stated = horizon / (1 - sympy.exp(-horizon)) - (0 if broken else horizon / d)
    yield sympy.simplify(per_step / uniform - stated) == 0
