"""What becomes of a step law as each step is split ever finer, exactly: limits in 1/K."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from flint import arb, fmpq, fmpq_poly, fmpz_poly
from sharprates.theory.arithmetic import Number
from sharprates.theory.growth import GrowthSum
from sharprates.verification.arithmetic import BALL, as_fmpq
from sharprates.verification.quantities.exact import ExactQuantities


def first_order_in_steps(it: ExactQuantities, coarse: Sequence[Fraction] = (Fraction(1),)) -> fmpq:
    """lim r·TV as each step is split into r equal ones, by interpolation.

    p_out(x) is a polynomial in 1/r of degree at most d − 1, so its values at r = 1..d fix it; what
    is missing of q_0 at first order, where it is positive, adds up. One step split in r is the
    law of r equal steps: then this is c.
    """
    d = it.d
    nodes = [fmpq(1, r) for r in range(1, d + 1)]
    laws = [
        it.tables.probability([as_fmpq(x) / r for x in coarse for _ in range(r)])
        for r in range(1, d + 1)
    ]
    total = fmpq(0)
    for x in it.pmf:
        slope = fmpq(0)  # of the interpolating polynomial at 1/r = 0
        for j, here in enumerate(nodes):
            others = [node for i, node in enumerate(nodes) if i != j]
            scale = fmpq(1)
            for node in others:
                scale = scale * (here - node)
            rest = fmpq(0)
            for skipped in range(len(others)):
                term = fmpq(1)
                for i, node in enumerate(others):
                    term = term if i == skipped else term * -node
                rest = rest + term
            slope = slope + laws[j][x] * rest / scale
        total = total + max(-slope, fmpq(0))
    return total


def places(d: int, coarse: Sequence[Fraction]) -> list[fmpq]:
    """β_n = ∫ Bin(d−2, t)(n) μ(dt), μ of density w_k/Σw² on step k: its squares, spread evenly."""
    squares = sum(as_fmpq(x) ** 2 for x in coarse)
    ends = list(itertools.accumulate(map(as_fmpq, coarse), initial=fmpq(0)))
    beta = []
    for n in range(d - 1):
        powers = [0] * n + [math.comb(d - 2, n) * c for c in fmpz_poly([1, -1]) ** (d - 2 - n)]
        integral = fmpq_poly(powers).integral()
        pieces = (
            as_fmpq(x) * (integral(t) - integral(s))
            for x, (s, t) in zip(coarse, itertools.pairwise(ends), strict=True)
        )
        beta.append(sum(pieces, fmpq(0)) / squares)
    return beta


def growth_in_steps(it: ExactQuantities, coarse: Sequence[Fraction]) -> Number:
    """lim r·ΣΓ if every step is split into r: a polynomial of degree below d + 1 in 1/r, at 0."""
    d = it.d
    at = [fmpq(1, r) for r in range(1, d + 2)]
    values = []
    for r in range(1, d + 2):
        w = [arb(as_fmpq(x / r)) for x in coarse for _ in range(r)]
        values.append(r * GrowthSum.compute(BALL, w, it.h))
    total = arb(0)
    for x, value in zip(at, values, strict=True):
        weight = math.prod((y / (y - x) for y in at if y != x), start=fmpq(1))
        total = total + weight * value
    return total
