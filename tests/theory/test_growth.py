"""g, its rate and sums over steps in exact fractions, and known curves; proofs have integrals."""

from fractions import Fraction
from math import comb

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.functions import BlockDivergence, RankDivergence
from sharprates.theory.growth import (
    CurveDtc,
    CurveTc,
    Growth,
    GrowthRate,
    GrowthSum,
    InnerGrowth,
    ShownEntropy,
    StepGrowth,
)
from sharprates.theory.proofs.proof import RATIONALS

t = sympy.Symbol("t")
curves = st.lists(st.fractions(0, 3, max_denominator=7), min_size=1, max_size=7).map(
    lambda h: sorted(h, reverse=True)
)
shares = st.fractions(0, 1, max_denominator=9)


def polynomial(h: list[Fraction]) -> sympy.Expr:
    """g(t), from its definition."""
    d = len(h)
    return d * sum(
        comb(d - 1, j) * t**j * (1 - t) ** (d - 1 - j) * sympy.Rational(h[0] - h[j])
        for j in range(d)
    )


def exactly(value: sympy.Expr) -> Fraction:
    number = sympy.Rational(sympy.expand(value))
    return Fraction(int(number.p), int(number.q))


@settings(max_examples=40)
@given(curves, shares)
def test_g_and_its_rate(h: list[Fraction], at: Fraction) -> None:
    g, place = polynomial(h), sympy.Rational(at)
    assert Growth.compute(RATIONALS, at, h) == exactly(g.subs(t, place))
    assert GrowthRate.compute(RATIONALS, at, h) == exactly(sympy.diff(g, t).subs(t, place))
    assert GrowthRate.compute(RATIONALS, at, h) >= 0


@given(curves)
def test_from_nothing_to_everything(h: list[Fraction]) -> None:
    zero, one = Fraction(0), Fraction(1)
    tc, dtc = CurveTc.compute(RATIONALS, h), CurveDtc.compute(RATIONALS, h)
    assert StepGrowth.compute(RATIONALS, zero, one, h) == tc
    assert tc + dtc == len(h) * (h[0] - h[-1])
    assert tc == BlockDivergence.compute(RATIONALS, (len(h),), h)
    assert InnerGrowth.compute(RATIONALS, zero, one, h) <= min(tc, dtc)
    assert Growth.compute(RATIONALS, zero, h) == 0
    assert Growth.compute(RATIONALS, one, h) == len(h) * (h[0] - h[-1])


@given(curves, st.lists(st.integers(0, 4), min_size=1, max_size=5).filter(any))
def test_all_steps_are_the_divergence_of_the_rank_law(
    h: list[Fraction], numbers: list[int]
) -> None:
    w = [Fraction(x, sum(numbers)) for x in numbers]
    assert GrowthSum.compute(RATIONALS, w, h) == RankDivergence.compute(RATIONALS, len(h), w, h)


@given(curves, shares)
def test_entropy_of_what_is_shown(h: list[Fraction], alpha: Fraction) -> None:
    d = len(h)
    mean = sum(
        comb(d, m) * alpha**m * (1 - alpha) ** (d - m) * sum(h[:m], Fraction(0))
        for m in range(d + 1)
    )
    assert ShownEntropy.compute(RATIONALS, alpha, h) == mean


def test_copies_and_parity() -> None:
    """Copies depend from the first token on, parity at the last: g' = 12·(1−t)² and 12·t²."""
    copies, parity = [1, 0, 0, 0], [1, 1, 1, 0]
    at = Fraction(1, 3)
    assert GrowthRate.compute(RATIONALS, at, copies) == 12 * (1 - at) ** 2
    assert GrowthRate.compute(RATIONALS, at, parity) == 12 * at**2


def test_a_sum_of_rounded_weights_stays_at_one() -> None:
    w = [0.1] * 10  # 1 − 1.1e-16, and their running sums exceed 1 with an eleventh
    assert GrowthSum.compute(FLOAT, [*w, 2e-16], [1.0, 0.5, 0.2]) == pytest.approx(
        GrowthSum.compute(FLOAT, w, [1.0, 0.5, 0.2]), rel=1e-12
    )
