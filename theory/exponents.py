"""Expressions that several upper bounds share: E5, E7, E8, KL7 and B1–B4."""

from __future__ import annotations

import sympy
from sharprates.theory.functions import (
    Conditioned,
    Largest,
    Leftover,
    RankDistance,
    RankDivergence,
    RankExcess,
    Root,
)
from sharprates.theory.symbols import symbol

d, K, w, h, I_bar = (symbol(name) for name in ("d", "K", "w", "h", "I_bar"))
_FIFTH, _HALF = sympy.Rational(1, 5), sympy.Rational(1, 2)

left, law = Leftover(w), Conditioned(w)

information = I_bar + Root(I_bar / 2)
"""Ī + √(Ī/2)."""

transport = d * RankDistance(d, law) * information
"""Of E5, by Ī."""

entropy = d * RankExcess(d, law, h)
"""Of E5, by the information curve."""


def with_leftover(bound: sympy.Expr) -> sympy.Expr:
    """1−(1−w_∞)^d + (1−w_∞)^d·B: a token is left over, or the bound B holds at w/(1−w_∞)."""
    return 1 - (1 - left) ** d + (1 - left) ** d * bound


def closed_distance(correction: sympy.Expr = _FIFTH) -> sympy.Expr:
    """E7's bound on TV(N, Unif) for equal steps, K ≥ d."""
    return (1 + correction * d / K) / (2 * K)


def coarse(step: sympy.Expr, root: sympy.Expr = _HALF) -> sympy.Expr:
    """Of E8, by Ī and the largest step."""
    return d * step * (I_bar + root * Root(sympy.E * I_bar))


def fine(root: sympy.Expr = _HALF) -> sympy.Expr:
    """Of E8, by the information curve."""
    divergence = RankDivergence(d, law, h)
    return divergence + root * Root(sympy.E * d * Largest(law) * divergence)
