"""Entropies and Gini indices of single laws: fractions where they are rational, else balls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from flint import arb, fmpq
from sharprates.theory.arithmetic import Number


def entropy_of(law: Sequence[Number]) -> Number:
    """H, nats, a ball; rational where the law is a point mass."""
    return sum((-p * arb(p).log() for p in law if p not in (0, 1)), fmpq(0))


def gini_of(law: Sequence[Number]) -> Number:
    """G = 1 − Σ p²."""
    return 1 - sum((p * p for p in law), fmpq(0))


def all_but_largest(values: Sequence[Number]) -> Number:
    """The sum of some numbers but for the largest; enclosed where they are balls."""
    if all(isinstance(one, fmpq) for one in values):
        return sum(values, fmpq(0)) - max(values)
    if len(values) == 1:
        return fmpq(0)
    balls = [arb(one) for one in values]
    return sum(balls, arb(0)) - reduce(arb.max, balls)
