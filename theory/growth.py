"""How dependence grows while tokens are revealed: g, its rate, and what steps cost (U1, U2, U4).

Tokens are revealed each with probability t, and h is the information curve, a sequence h_0..h_{d−1}
in nats. All functions are linear in h and, at rational t, exact in rationals.
"""

from __future__ import annotations

from itertools import pairwise

from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.functions import Vector, binomial_law, named


def _sum(arithmetic: Arithmetic, weights: Vector, values: Vector) -> Number:
    pairs = zip(weights, values, strict=True)
    return sum((x * y for x, y in pairs), arithmetic.rational(0))


def _losses(h: Vector) -> list[Number]:
    """h_0 − h_j, what j revealed tokens tell of another one."""
    return [h[0] - x for x in h]


def _tails(arithmetic: Arithmetic, n: int, t: Number) -> list[Number]:
    """P(Bin(n, t) > j) for j = 0..n−1, summed from the small end."""
    found, total = [], arithmetic.rational(0)
    for value in binomial_law(arithmetic, n, t)[:0:-1]:
        total = total + value
        found.append(total)
    return found[::-1]


@named(r"g({0})")
def Growth(arithmetic: Arithmetic, t: Number, h: Vector) -> Number:
    """g(t) = d Σ_j Bin(d−1, t)(j)·(h_0 − h_j): what is known of all tokens at t, nats."""
    return len(h) * _sum(arithmetic, binomial_law(arithmetic, len(h) - 1, t), _losses(h))


@named(r"g'({0})")
def GrowthRate(arithmetic: Arithmetic, t: Number, h: Vector) -> Number:
    """g'(t) = d(d−1) Σ_j Bin(d−2, t)(j)·(h_j − h_{j+1}) ≥ 0; 0 for one token."""
    d = len(h)
    if d == 1:
        return arithmetic.rational(0)
    drops = [x - y for x, y in pairwise(h)]
    return d * (d - 1) * _sum(arithmetic, binomial_law(arithmetic, d - 2, t), drops)


@named(r"\int_{{{0}}}^{{{1}}}({1}-u)\,g'(u)\,du")
def StepGrowth(arithmetic: Arithmetic, start: Number, stop: Number, h: Vector) -> Number:
    """Γ(p, q) = ∫_p^q (g(u) − g(p)) du, with ∫_0^q d·Bin(d−1, u)(j) du = P(Bin(d, q) > j)."""
    d, losses = len(h), _losses(h)
    before, after = _tails(arithmetic, d, start), _tails(arithmetic, d, stop)
    whole = _sum(arithmetic, [y - x for x, y in zip(before, after, strict=True)], losses)
    return whole - (stop - start) * Growth.compute(arithmetic, start, h)


@named(r"\sum_k\Gamma(u_k,u_{{k+1}})")
def GrowthSum(arithmetic: Arithmetic, w: Vector, h: Vector) -> Number:
    """Σ_k Γ(u_k, u_{k+1}) over the steps of a step law, u_k = Σ_{l<k} w_l."""
    total, start, one = arithmetic.rational(0), arithmetic.rational(0), arithmetic.rational(1)
    for weight in w:
        stop = arithmetic.minimum(start + weight, one)  # sums of rounded weights may exceed 1
        total = total + StepGrowth.compute(arithmetic, start, stop, h)
        start = stop
    return total


@named(r"\int_{{{0}}}^{{{1}}}u(1-u)\,g'(u)\,du")
def InnerGrowth(arithmetic: Arithmetic, start: Number, stop: Number, h: Vector) -> Number:
    """Ξ(p, q): Σ_j (h_j − h_{j+1})·(j+1)(d−1−j)/(d+1)·[P(Bin(d+1, u) > j+1)] from p to q."""
    d = len(h)
    before, after = _tails(arithmetic, d + 1, start), _tails(arithmetic, d + 1, stop)
    return sum(
        (
            (h[j] - h[j + 1])
            * arithmetic.rational((j + 1) * (d - 1 - j), d + 1)
            * (after[j + 1] - before[j + 1])
            for j in range(d - 1)
        ),
        arithmetic.rational(0),
    )


@named(r"\textstyle\sum_m(h_0-h_m)")
def CurveTc(arithmetic: Arithmetic, h: Vector) -> Number:
    """Σ_m (h_0 − h_m), the total correlation."""
    return sum(_losses(h), arithmetic.rational(0))


@named(r"\textstyle\sum_m(h_m-h_{{d-1}})")
def CurveDtc(arithmetic: Arithmetic, h: Vector) -> Number:
    """Σ_m (h_m − h_{d−1}), the dual total correlation."""
    return sum((x - h[-1] for x in h), arithmetic.rational(0))


@named(r"\mathbb E\,H(X_U)")
def ShownEntropy(arithmetic: Arithmetic, alpha: Number, h: Vector) -> Number:
    """E H(X_U), each token in U with probability α: Σ_j h_j·P(Bin(d, α) > j)."""
    return _sum(arithmetic, _tails(arithmetic, len(h), alpha), h)
