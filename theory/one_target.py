"""The values of the control problem with one target, as functions of the target's law.

One target X ∈ [S] is revealed bit by bit; its posteriors are a martingale p⁰ → p¹ → … and pay
Y = Σ_n(1 − p^n_X/p^{n+1}_X). `SignedValue` bounds E Y, `PositiveValue` bounds E Y_+ (X2–X4).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from sharprates.theory.arithmetic import FLOAT, Arithmetic, Number
from sharprates.theory.errors import TheoryError
from sharprates.theory.functions import Table, Vector, named

MOST_SYMBOLS = 20
"""Possible symbols up to which N is computed: its alternating sums lose digits beyond."""

ROUNDED_UP = Fraction(1, 10**6)
"""By what v_S is rounded up; the checks of X3 certify that this is enough."""

_SWEEPS = 10_000


# --- the signed problem: N ------------------------------------------------------------------------


def _symmetric(arithmetic: Arithmetic, y: Vector) -> list[Number]:
    """The elementary symmetric polynomials e_0..e_n of n numbers."""
    found = [arithmetic.rational(1)] + [arithmetic.rational(0)] * len(y)
    for value in y:
        for k in range(len(y), 0, -1):
            found[k] = found[k] + value * found[k - 1]
    return found


@named(
    r"\sum_{{A\ne\emptyset,\,1\notin A}}\frac{{(-1)^{{|A|-1}}}}{{|A|(|A|+1)}}"
    r"\textstyle\prod_{{b\in A}}{0}"
)
def LeastDual(arithmetic: Arithmetic, y: Vector) -> Number:
    """n_1 on the dual surface E max_b(E_b − 1 − n_b) = 0, from y_b = e^{n_1−n_b} ≤ 1, b ≠ 1."""
    total = arithmetic.rational(0)
    for k, value in enumerate(_symmetric(arithmetic, y)[1:], 1):
        total = total + value * arithmetic.rational((-1) ** (k - 1), k * (k + 1))
    return total


def _best_gaps(p: Sequence[float]) -> list[float]:
    """The y_b of the optimal n, p_1 the largest: n_1 − Σ_{b≠1} p_b log y_b is least there.

    It is convex in log y and linear in each y_b, so that each is set to its best value in turn.
    """
    y = [x / p[0] for x in p[1:]]
    for _ in range(_SWEEPS):
        change = 0.0
        for b, old in enumerate(y):
            others = _symmetric(FLOAT, y[:b] + y[b + 1 :])
            slope = sum((-1) ** k * e / ((k + 1) * (k + 2)) for k, e in enumerate(others))
            y[b] = min(1.0, p[b + 1] / slope)
            change = max(change, abs(y[b] / old - 1))
        if change < 1e-12:
            break
    return y


def _alive(p: Vector) -> list[Number]:
    """The positive probabilities, the largest first."""
    return sorted((x for x in p if float(x) > 0), key=float, reverse=True)


@named("N({0})")
def SignedValue(arithmetic: Arithmetic, p: Vector) -> Number:
    """N(p) of X2, by its dual: n·p at an n on the dual surface, which is never below N(p).

    The n is found in floats; N being least there, their error enters squared.

    Raises:
        TheoryError: for more than `MOST_SYMBOLS` possible symbols.
    """
    alive = _alive(p)
    if len(alive) > MOST_SYMBOLS:
        raise TheoryError(f"N: needs at most {MOST_SYMBOLS} possible symbols, got {len(alive)}")
    gaps = [Fraction(y) for y in _best_gaps([float(x) for x in alive])]
    y = [arithmetic.rational(x.numerator, x.denominator) for x in gaps]
    result = LeastDual.compute(arithmetic, y)
    for x, gap in zip(alive[1:], y, strict=True):
        result = result - x * arithmetic.log(gap)
    return result


@named(r"\textstyle\sum_jN({0})")
def SignedSum(arithmetic: Arithmetic, laws: Table) -> Number:
    """Σ_j N(law of x_j)."""
    values = (SignedValue.compute(arithmetic, law) for law in laws.values())
    return sum(values, arithmetic.rational(0))


@named(r"x-p_2\log2(x-p_3)-p_3\log2(x-p_2)")
def SignedClosed(arithmetic: Arithmetic, p: Vector) -> Number:
    """N(p) of at most three possible symbols, in closed form (X4)."""
    alive = _alive(p)
    if len(alive) > 3:
        raise TheoryError(f"N: the closed form needs at most 3 symbols, got {len(alive)}")
    zero = arithmetic.rational(0)
    _, second, third = (*alive, zero, zero)[:3]
    rest = arithmetic.rational(3, 2) - second - third
    root = arithmetic.sqrt(rest * rest - 4 * second * third)
    x = (second + third + arithmetic.rational(3, 2) - root) / 2
    result = x
    for one, other in ((second, third), (third, second)):
        if float(one) > 0:
            result = result - one * arithmetic.log(2 * (x - other))
    return result


# --- the positive part: v -------------------------------------------------------------------------


def one_target_curve(arithmetic: Arithmetic, x: Number) -> Number:
    """J(x) = −(1−x) log(1−x) − (1−log 2)x on [0, ½], J(x) = J(1−x); J(0) = 0, J(½) = log 2 − ½."""
    x = arithmetic.minimum(x, 1 - x)
    tail = (1 - x) * arithmetic.log1p(-x)
    return -tail - (1 - arithmetic.log(arithmetic.rational(2))) * x


def one_target_terms(arithmetic: Arithmetic, p: Vector) -> tuple[Number, Number, Number]:
    """H(p), Σ_a J(p_a) and log(1/max p)·max_a J(p_a), of which v(p) is made."""
    entropy = total = most = arithmetic.rational(0)
    largest = arithmetic.rational(0)
    for x in _alive(p):
        curve = one_target_curve(arithmetic, x)
        entropy, total = entropy - x * arithmetic.log(x), total + curve
        most, largest = arithmetic.maximum(most, curve), arithmetic.maximum(largest, x)
    return entropy, total, -arithmetic.log(largest) * most


def _gamma(arithmetic: Arithmetic, total: float, most: float) -> Number:
    """A γ of X3, near the one at which its two terms are equal."""
    if most == 0:  # X is known
        return arithmetic.rational(1)
    gamma = 2 * most / ((2 * FLOAT.log(2) - 1) * total + most)
    if gamma < 0.8854:  # the least γ is 2 − 2κ/log 2 = 0.88539…
        two = arithmetic.log(arithmetic.rational(2))
        return 2 - 2 * (2 * two - 1) / two
    chosen = Fraction(min(gamma, 1.0))
    return arithmetic.rational(chosen.numerator, chosen.denominator)


@named("v({0})")
def PositiveValue(arithmetic: Arithmetic, p: Vector) -> Number:
    """v(p) of X3: the larger of its two terms, at the γ that is best for p (found in floats)."""
    entropy, total, most = one_target_terms(arithmetic, p)
    gamma = _gamma(arithmetic, float(total), float(most))
    kappa = 2 * arithmetic.log(arithmetic.rational(2)) - 1
    return arithmetic.maximum(
        entropy - gamma / 2 * total, entropy - most * (2 - gamma) / (2 * kappa)
    )


@named(r"\textstyle\sum_jv({0})")
def PositiveSum(arithmetic: Arithmetic, laws: Table) -> Number:
    """Σ_j v(law of x_j)."""
    values = (PositiveValue.compute(arithmetic, law) for law in laws.values())
    return sum(values, arithmetic.rational(0))


def law_of_largest(largest: Fraction, symbols: int) -> list[Fraction]:
    """The law on S ≥ 2 symbols with this largest entry, all others equal: v is largest there."""
    return [largest, *[(1 - largest) / (symbols - 1)] * (symbols - 1)]


def worst_largest(symbols: int) -> Fraction:
    """The largest entry of the law at which v is largest, S ≥ 2; it is 1/S for S ≥ 4."""
    if symbols > 3:
        return Fraction(1, symbols)

    def value(largest: float) -> float:
        law = [largest, *[(1 - largest) / (symbols - 1)] * (symbols - 1)]
        return float(PositiveValue.compute(FLOAT, law))

    low, high = 1 / symbols, 0.9
    for _ in range(60):  # v rises to its maximum and falls from there
        third = (high - low) / 3
        if value(low + third) < value(high - third):
            low += third
        else:
            high -= third
    return Fraction(low).limit_denominator(10**9)


@named(r"v_{{{0}}}")
def LargestPositiveValue(arithmetic: Arithmetic, S: int) -> Number:
    """v_S = sup_p v(p), rounded up by `ROUNDED_UP`; 0 for one symbol."""
    if S == 1:
        return arithmetic.rational(0)
    law = law_of_largest(worst_largest(S), S)
    worst = [arithmetic.rational(x.numerator, x.denominator) for x in law]
    up = arithmetic.rational(ROUNDED_UP.numerator, ROUNDED_UP.denominator)
    return PositiveValue.compute(arithmetic, worst) + up
