"""E2, E3, E6, E7, E10: the sums, series and inequalities of their proofs, decided symbolically."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sharprates.theory.claim import Claim
from sharprates.theory.clocks import clock
from sharprates.theory.euler_upper import E2, E3, E6, E7
from sharprates.theory.functions import DistinctSteps, equal_steps_rank_excess
from sharprates.theory.proofs.laws import STEP, T, lag
from sharprates.theory.proofs.proof import (
    RATIONALS,
    Polynomials,
    fill,
    nonnegative_for_positive,
    proof,
)
from sharprates.theory.symbols import constant, symbol

D, K = symbol("d"), symbol("K")


def _numbers(claim: Claim, **changed: sympy.Expr) -> dict[sympy.Symbol, sympy.Expr]:
    return {
        constant(claim.id, name): changed.get(name, value)
        for name, value in claim.constants.items()
    }


@proof("E2", "the two sums over steps, for all h and K", "third power of the rate")
def _sums(broken: bool) -> Iterator[bool]:
    """The two sums behind E2, from the hazards, as closed geometric series."""
    h, j, steps = STEP, sympy.Symbol("j", positive=True), sympy.Symbol("n", positive=True)
    chosen = clock("constant")
    # at time t = j·h the expected number of masked tokens is d(1 − α), that of pairs C(d,2)(1−α)²
    hazard = (h * chosen.speed / chosen.masked).subs(T, j * h)
    masked = chosen.masked.subs(T, j * h)
    gap = (lag(h) / ((1 - sympy.exp(-T)) * sympy.exp(T))).subs(T, j * h)
    clock_term = sympy.simplify(masked * gap)
    pair_term = sympy.simplify((masked * hazard) ** (3 if broken else 2))
    expected = (
        (clock_term, (sympy.exp(h) - 1 - h) * sympy.exp(-j * h)),
        (pair_term, h**2 * sympy.exp(-2 * j * h)),
    )
    yield all(sympy.simplify(sympy.expand(a - b)) == 0 for a, b in expected)

    def geometric(rate: sympy.Expr) -> bool:
        """Σ_{j=1}^{n} e^{−rate·j} = (1 − e^{−rate·n})/(e^{rate} − 1), by induction on n."""

        def closed(n: sympy.Expr) -> sympy.Expr:
            return (1 - sympy.exp(-rate * n)) / (sympy.exp(rate) - 1)

        step = closed(steps + 1) - closed(steps) - sympy.exp(-rate * (steps + 1))
        return bool(sympy.simplify(step) == 0 and closed(sympy.Integer(0)) == 0)

    yield geometric(h) and geometric(2 * h)


@proof("E2", "the clock inequality, for all h > 0", "its constant × 0.99")
def _clock_inequality(broken: bool) -> Iterator[bool]:
    """(e^h − 1 − h)/(e^h − 1) ≤ E2.clock·h for all h > 0."""
    factor = E2.constants["clock"] * (sympy.Rational(99, 100) if broken else 1)
    e = sympy.exp(STEP)
    yield nonnegative_for_positive(factor * STEP * (e - 1) - (e - 1 - STEP), STEP, 2)


@proof("E2", "the parallel inequality, for all h > 0", "its constant × 0.99")
def _pair_inequality(broken: bool) -> Iterator[bool]:
    """C(d,2)·h²/(e^{2h} − 1) ≤ E2.parallel·d(d−1)·h for all h > 0."""
    factor = 2 * E2.constants["parallel"] * (sympy.Rational(99, 100) if broken else 1)
    yield nonnegative_for_positive(factor * (sympy.exp(2 * STEP) - 1) - STEP, STEP, 2)


@proof("E2", "the stated T and K give ε", "half of the steps")
def _steps_needed(broken: bool) -> Iterator[bool]:
    """T = log(2d/ε), K = d(d+1)T/(2ε) make E2's own terms add up to ε."""
    epsilon, d = sympy.Symbol("epsilon", positive=True), sympy.Symbol("d", positive=True)
    horizon = sympy.log(2 * d / epsilon)
    steps = d * (d + 1) * horizon / (2 * epsilon) / (2 if broken else 1)
    bound = E2.expression.subs(_numbers(E2)).subs(symbol("epsilon_1"), 0)
    bound = bound.subs({D: d, K: steps, symbol("T"): horizon}, simultaneous=True)
    yield sympy.simplify(bound - epsilon) == 0


@proof("E3", "the bound against sympy's symmetric polynomial, d ≤ 5, six steps", "(d+1)! for d!")
def _elementary(broken: bool) -> Iterator[bool]:
    """DistinctSteps is d! times the elementary symmetric polynomial, as sympy has it."""
    for d in range(1, 6):
        arithmetic = Polynomials(*(f"w{k}" for k in range(6)))
        w = arithmetic.variables
        own = DistinctSteps.compute(arithmetic, d, w)
        table = sympy.symmetric_poly(d, *arithmetic.ring.symbols)
        yield own == arithmetic.ring(table * sympy.factorial(d + broken))


@proof(
    "E3", "series as K → ∞, and d(d−1)/(2K) above for K ≥ d − 1, d ≤ 10", "the linear form × 0.99"
)
def _series(broken: bool) -> Iterator[bool]:
    """With x = 1/K: E3's uniform form is d(d−1)/2·x + O(x²), and below it for 0 < x ≤ 1/(d−1)."""
    x = sympy.Symbol("x", positive=True)
    factor = sympy.Rational(99, 100) if broken else 1
    for d in range(3, 11):  # at d = 2 the two are equal
        values = {**_numbers(E3), symbol("epsilon_w"): 0, D: d}
        linear = fill(E3, "linear").subs(values).subs(K, 1 / x) * factor
        product = sympy.prod(1 - j * x for j in range(d))
        # f = x²·g exactly; g has no zero on (0, 1/(d−1)] and is positive at the end
        rest = sympy.Poly(sympy.expand(linear - 1 + product), x)
        yield all(rest.coeff_monomial(power) == 0 for power in (1, x))
        quotient = sympy.Poly(sympy.cancel(rest.as_expr() / x**2), x)
        end = sympy.Rational(1, d - 1)
        yield quotient.count_roots(0, end) == 0 and bool(quotient.eval(end) > 0)


@proof("E3", "closed form for equal steps, d ≤ 6, K ≤ 8", "K + 1 for K")
def _equal_steps_value(broken: bool) -> Iterator[bool]:
    """d!·e_d at w_k = 1/K is the product of E3 and E6, d ≤ 6, K ≤ 8."""
    for d in range(1, 7):
        for steps in range(1, 9):
            values = {"d": d, "K": steps, "epsilon_w": 0}
            law = [RATIONALS.rational(1, steps + broken)] * steps
            main = E3.value({**values, "w": law}, RATIONALS)
            uniform = E3.value(values, RATIONALS, variant="equal-steps")
            yield main == uniform == E6.value(values, RATIONALS)


@proof(
    "E6",
    "Schur–Ostrowski criterion as a polynomial identity, d ≤ 5, up to seven steps",
    "the opposite sign",
)
def _schur_ostrowski(broken: bool) -> Iterator[bool]:
    """(w_1 − w_2)(∂_1 − ∂_2)(1 − d!e_d) = (w_1 − w_2)²·d!·e_{d−2}(w_3, …), so never negative.

    The function is symmetric, so one pair of places stands for all.
    """
    for d in range(1, 6):
        for steps in range(2, 8):
            arithmetic = Polynomials(*(f"w{k}" for k in range(steps)))
            w = arithmetic.variables
            value = E3.value({"d": d, "w": w, "epsilon_w": 0}, arithmetic)
            slope = value.diff(w[0]) - value.diff(w[1])
            others = arithmetic.rational(0)
            if d >= 2:
                others = DistinctSteps.compute(arithmetic, d - 2, w[2:])
                others = d * (d - 1) * others
            gap = w[0] - w[1]
            if broken:
                gap = w[1] - w[0]
            yield slope == gap * others
            swapped = value.compose([(w[0], w[1]), (w[1], w[0])])
            cycled = value.compose(list(zip(w, [*w[1:], w[0]], strict=True)))
            yield value == swapped == cycled  # these two generate all permutations
            yield all(coefficient >= 0 for coefficient in others.coeffs())


@proof("E7", "Euler–Maclaurin with its boundary terms, symbolic K, d ≤ 8", "twice the terms")
def _euler_maclaurin(broken: bool) -> Iterator[bool]:
    """The boundary terms of E7's proof are Σ_m n_m z^m − Σ_m z^m/d, as polynomials in z and 1/K.

    Left: Faulhaber's sums in K. Right: the coefficients that the bound is computed from.
    """
    z, steps, x = sympy.symbols("z K x", positive=True)
    k = sympy.Symbol("k", integer=True)
    for d in range(2, 9):
        left = sympy.Integer(0)
        for power in range(d):
            total = sympy.summation(k**power, (k, 0, steps - 1))
            term = sympy.binomial(d - 1, power) * (z - 1) ** power
            left += term * total / steps ** (power + 1)
        left -= sympy.Add(*(z**m for m in range(d))) / d
        left = sympy.expand(sympy.expand(left).subs(steps, 1 / x))
        right = sympy.expand(_boundary_terms(d, z, x) * (2 if broken else 1))
        yield sympy.expand(left - right) == 0
        for points in (d, d + 1, 3 * d):
            own = equal_steps_rank_excess(RATIONALS, d, points)
            poly = sympy.Poly(right.subs(x, sympy.Rational(1, points)), z)
            yield all(poly.coeff_monomial(z**m) == own[m] for m in range(d))


def _boundary_terms(d: int, z: sympy.Symbol, x: sympy.Symbol) -> sympy.Expr:
    terms = []
    for j in range(1, d + 1):
        # sympy's B_1 is +1/2; the sum from 0 to K − 1 needs −1/2
        bernoulli = sympy.bernoulli(j) * (-1 if j == 1 else 1)
        falling = sympy.ff(d - 1, j - 1)
        shape = (z - 1) ** (j - 1) * (z ** (d - j) - 1)
        terms.append(bernoulli / sympy.factorial(j) * x**j * falling * shape)
    return sympy.Add(*terms)


@proof(
    "E7",
    "the remainder is within the correction for all K ≥ d (norms and Bernoulli numbers listed "
    "to j = 30)",
    "the correction × 0.9",
)
def _remainder(broken: bool) -> Iterator[bool]:
    """The closed form of E7 from its boundary terms, for all K ≥ d.

    With y = d/K ≤ 1: j = 1 and 2 give 1/(2K) + (d−1)/(12K²) (norms of the two polynomials); for
    even j ≥ 4, |B_j|/j! = 2ζ(j)/(2π)^j, (d−1)_{j−1} ≤ d^{j−1} and a norm of at most 2^j give at
    most (ζ(4)/d)·(y/π)^j each, in all (ζ(4)/d)·(y/π)⁴/(1−(y/π)²). Times 2K/y, against the
    correction:
    1/6 + 2ζ(4)·y²/π⁴/(1−(y/π)²) ≤ 1/5, whose left side grows with y; at y = 1 it says π² ≥ 3.
    """
    z, y = sympy.symbols("z y", positive=True)
    for j in range(2, 31, 2):
        known = 2 * sympy.zeta(j) / (2 * sympy.pi) ** j
        yield abs(sympy.bernoulli(j)) / sympy.factorial(j) == known
        for d in range(j, j + 4):
            shape = sympy.Poly((z - 1) ** (j - 1) * (z ** (d - j) - 1), z)
            norm = sum(abs(c) for c in shape.coeffs())
            yield norm <= 2**j and (norm == 4 or j != 2 or d == 2)
    correction = E7.constants["correction"] * (sympy.Rational(9, 10) if broken else 1)
    tail = 2 * sympy.zeta(4) * y**2 / sympy.pi**4 / (1 - (y / sympy.pi) ** 2)
    grows = sympy.simplify(sympy.diff(tail, y) / (y / (1 - (y / sympy.pi) ** 2) ** 2))
    worst = sympy.simplify(sympy.Rational(1, 6) + tail.subs(y, 1))
    yield bool(grows.is_positive and worst <= correction)


@proof("E10", "AM–GM, one more ratio at a time, up to nine ratios", "x² for x")
def _geometric_mean(broken: bool) -> Iterator[bool]:
    """((n + x)/(n + 1))^{n+1} ≥ x for x ≥ 0: the step from n to n + 1 ratios of AM–GM.

    The difference is (x − 1)² times a polynomial without negative coefficients.
    """
    x = sympy.Symbol("x", positive=True)
    for n in range(1, 9):
        mean = ((n + x) / (n + 1)) ** (n + 1)
        gap = sympy.Poly(sympy.expand(mean - x ** (2 if broken else 1)), x)
        rest, left_over = sympy.div(gap, sympy.Poly((x - 1) ** 2, x))
        yield left_over.is_zero and all(c >= 0 for c in rest.all_coeffs())


@proof("E10", "the sum of powers is least at equal steps", "exponent 1/m")
def _power_mean(broken: bool) -> Iterator[bool]:
    """x^{1+1/m} is convex on x > 0 for every m > 0; at p_a = 1/S its sum is S^{−1/m}."""
    x, m, symbols = (sympy.Symbol(name, positive=True) for name in "xmS")
    power = x ** (1 / m if broken else 1 + 1 / m)
    at_uniform = sympy.powsimp(symbols * power.subs(x, 1 / symbols))
    equal = sympy.simplify(at_uniform - symbols ** (-1 / m)) == 0
    yield bool(sympy.simplify(sympy.diff(power, x, 2)).is_positive and equal)
