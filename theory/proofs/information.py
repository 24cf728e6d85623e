"""KL1: the telescoping sum, decided with symbolic entropies."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations
from math import comb

from sharprates.theory.evaluation import evaluate
from sharprates.theory.functions import CompositionSum, all_compositions
from sharprates.theory.information import KL1
from sharprates.theory.proofs.proof import RATIONALS, Polynomials, proof
from sharprates.theory.symbols import symbol


@proof(
    "KL1",
    "one symbol for each entropy H(X_A), all orders, every composition of d ≤ 5",
    "compositions read backwards",
)
def _telescopes(broken: bool) -> Iterator[bool]:
    """KL1 from entropies H(X_A), one symbol a subset, averaged over all orders of the tokens.

    Given the order, a block B after U costs Σ_{i∈B} H(X_i|X_U) − H(X_B|X_U).
    """
    for d in range(1, 6):
        arithmetic = Polynomials(*(f"H{mask}" for mask in range(1, 1 << d)))
        H = [arithmetic.rational(0), *arithmetic.variables]
        mean = []  # of H(X_A) over sets of a size
        for size in range(d + 1):
            chosen = [H[mask] for mask in range(1 << d) if mask.bit_count() == size]
            mean.append(sum(chosen, arithmetic.rational(0)) * arithmetic.rational(1, comb(d, size)))
        h = [mean[m + 1] - mean[m] for m in range(d)]
        orders = list(permutations(range(d)))
        for a in all_compositions(d):
            total = arithmetic.rational(0)
            for order in orders:
                known, place = 0, 0
                for size in a:
                    block = order[place : place + size]
                    after = known | sum(1 << i for i in block)
                    for i in block:
                        total = total + H[known | 1 << i] - H[known]
                    total = total - (H[after] - H[known])
                    known, place = after, place + size
            average = total * arithmetic.rational(1, len(orders))
            values = {"a": a[::-1] if broken else a, "h": h}
            yield average == evaluate(KL1.expression, values, arithmetic)


_SUM = CompositionSum(symbol("d"), symbol("w"), symbol("P"))


@proof(
    "KL1",
    "its average over a is Σ(d·n_m − 1)h_m, all h, two rational step laws, d ≤ 5",
    "the step law read backwards",
)
def _average(broken: bool) -> Iterator[bool]:
    """The average of KL1 over the step law is Σ_m (d·n_m − 1)h_m: linear in h, so on unit h."""
    for d in range(1, 6):
        for w in ([Fraction(1, 3)] * 3, [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]):
            for m in range(d):
                h = [int(n == m) for n in range(d)]
                table = {
                    a: evaluate(KL1.expression, {"a": a, "h": h}, RATIONALS)
                    for a in all_compositions(d)
                }
                left = evaluate(_SUM, {"d": d, "w": w, "P": table}, RATIONALS)
                law = w[::-1] if broken else w
                values = {"d": d, "w": law, "h": h}
                yield left == KL1.value(values, RATIONALS, variant="average")
