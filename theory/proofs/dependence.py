"""U1, U4: what a step costs as an integral over g, decided for unit curves h.

All sides are linear in h, so unit vectors are enough, and polynomials in p and q of a degree below
d + 2: that many values of each decide them.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import comb
from typing import Any

import sympy
from sharprates.theory.dependence import U1
from sharprates.theory.growth import CurveDtc, InnerGrowth, StepGrowth
from sharprates.theory.proofs.proof import RATIONALS, proof

_t = sympy.Symbol("t")
LONGEST = 4


def _growth(h: list[int]) -> sympy.Poly:
    """g(t), term by term."""
    d, g = len(h), sympy.Poly(0, _t, domain="QQ")
    shown, hidden = sympy.Poly(_t, _t, domain="QQ"), sympy.Poly(1 - _t, _t, domain="QQ")
    for j in range(d):
        g += d * comb(d - 1, j) * (h[0] - h[j]) * shown**j * hidden ** (d - 1 - j)
    return g


def _integral(integrand: Any, start: Fraction, stop: Fraction) -> Fraction:
    """Of a polynomial in t from one fraction to another."""
    antiderivative = sympy.Poly(integrand, _t, domain="QQ").integrate()
    ends = (sympy.Rational(x.numerator, x.denominator) for x in (start, stop))
    low, high = map(antiderivative.eval, ends)
    return Fraction(int((high - low).p), int((high - low).q))


def _curves() -> Iterator[list[int]]:
    for d in range(1, LONGEST + 1):
        for m in range(d):
            yield [int(n == m) for n in range(d)]


def _steps(d: int) -> Iterator[tuple[Fraction, Fraction]]:
    places = [Fraction(k, d + 1) for k in range(d + 2)]
    yield from ((p, q) for p in places for q in places)


@proof(
    "U1",
    f"Γ, H as integrals and Γ(0, 1), unit h, polynomials in p and q, d ≤ {LONGEST}",
    "u − p for q − u",
)
def _step_integrals(broken: bool) -> Iterator[bool]:
    zero, one = Fraction(0), Fraction(1)
    for h in _curves():
        rate = _growth(h).diff()
        for p, q in _steps(len(h)):
            weight = _t - p if broken else q - _t
            values = {"start": p, "stop": q, "h": h}
            yield U1.value(values, RATIONALS) == _integral(weight * rate, p, q)
            yield InnerGrowth.compute(RATIONALS, p, q, h) == _integral(_t * (1 - _t) * rate, p, q)
        yield CurveDtc.compute(RATIONALS, h) == _integral(_t * rate, zero, one)
        whole = U1.value({"h": h}, RATIONALS, variant="whole")
        yield whole == _integral((1 - _t) * rate, zero, one)


@proof(
    "U4",
    f"(q − p)(g(u) − g(p)) at a uniform u has the mean Γ, unit h, p and q, d ≤ {LONGEST}",
    "u at the middle of the step",
)
def _unbiased(broken: bool) -> Iterator[bool]:
    for h in _curves():
        g = _growth(h)
        for p, q in _steps(len(h)):
            inside = g.eval(sympy.Rational(p + q) / 2) if broken else g
            mean = _integral(inside - g.eval(sympy.Rational(p)), p, q)
            yield StepGrowth.compute(RATIONALS, p, q, h) == mean
