"""What each row loses to first order at equal steps, and payments of one target; exact."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from flint import fmpq
from sharprates.theory.arithmetic import Number
from sharprates.verification.exact_law import Context, with_symbol

Masses = Mapping[Context, Number]
"""Rows or contexts of positive probability, each with it; S stands for a mask."""


def row_losses(pmf: Masses, marginal: Masses, vocabulary: int) -> list[tuple[Number, Number]]:
    """q_0(x) and ½ Σ_j F_j(x) of each row: K(1 − p_out(x)/q_0(x)) as K → ∞.

    Source: L5 in its computable form, from marginals alone, without an output law.

    Args:
        pmf: row → q_0(x).
        marginal: context → q_0(x_U).
        vocabulary: S.
    """
    found = []
    for row, weight in pmf.items():
        d, bracket = len(row), fmpq(0)
        for n in range(d - 1):
            ratios = fmpq(0)
            for shown in itertools.combinations(range(d), n):
                context = tuple(x if i in shown else vocabulary for i, x in enumerate(row))
                whole = marginal[context]
                hidden = [i for i in range(d) if i not in shown]
                single = {i: with_symbol(context, i, row[i]) for i in hidden}
                for i, j in itertools.combinations(hidden, 2):
                    both = with_symbol(single[i], j, row[j])
                    ratios += marginal[single[i]] * marginal[single[j]] / (whole * marginal[both])
            bracket += 1 - ratios / (math.comb(d, n) * math.comb(d - n, 2))
        found.append((weight, bracket * d / 2))
    return found


def last_payments(pmf: Masses, marginal: Masses, vocabulary: int) -> list[tuple[Number, Number]]:
    """q_0(x) and Y of X2–X4 for the target X = x_d, as x_1, …, x_{d−1}, X are shown in turn.

    Args:
        pmf: row → q_0(x).
        marginal: context → q_0(x_U).
        vocabulary: S.
    """
    found = []
    for row, mass in pmf.items():
        d = len(row)
        chances = []
        for n in range(d):
            seen = (*row[:n], *(vocabulary,) * (d - n))
            chances.append(marginal[with_symbol(seen, d - 1, row[-1])] / marginal[seen])
        paid = sum((1 - p / q for p, q in itertools.pairwise([*chances, fmpq(1)])), fmpq(0))
        found.append((mass, paid))
    return found


def token_laws(marginal: Masses, length: int, vocabulary: int) -> dict[Context, list[Number]]:
    """(j,) → the law of x_j, from context → q_0(x_U)."""
    nothing = (vocabulary,) * length
    return {
        (j,): [marginal.get(with_symbol(nothing, j, a), fmpq(0)) for a in range(vocabulary)]
        for j in range(length)
    }
