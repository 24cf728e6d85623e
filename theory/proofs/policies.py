"""P3, P5, P6, P10, C4, Q1: exact values and bounds, decided exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from math import comb, perm

import sympy
from sharprates.theory.assumptions import C4
from sharprates.theory.functions import all_compositions
from sharprates.theory.policies import P3, P5, P10
from sharprates.theory.proofs.proof import RATIONALS, fill, proof
from sharprates.theory.symbols import symbol

EPSILON, ETA = symbol("epsilon"), symbol("eta")


@proof("P3", "copies, the exact value, symbolic ε, n ≤ 6, S ≤ 5", "n + 1 for n")
def _copies(broken: bool) -> Iterator[bool]:
    """Copies hold p_a on a…a, where the product holds p_a^n ≤ p_a: TV = 1 − Σ_a p_a^n."""
    for S in range(2, 6):
        weights = [1 - EPSILON, *[EPSILON / (S - 1)] * (S - 1)]
        for n in range(2, 7):
            shared = sum(p**n for p in weights)
            claimed = fill(P3, "copies", n=n + broken, S=S)
            yield sympy.expand(1 - shared - claimed) == 0


@proof("P5", "blocks keep at most R/n, equality at R ≥ n − 1, all sizes, n ≤ 11", "(R − 1)/n")
def _rounds(broken: bool) -> Iterator[bool]:
    """∏(m)_B/m^B ≤ R/n; equal for single tokens and for a pair followed by single tokens."""
    for n in range(2, 12):
        for sizes in all_compositions(n):
            kept, masked = Fraction(1), n
            for size in sizes:
                kept *= Fraction(perm(masked, size), masked**size)
                masked -= size
            bound = Fraction(len(sizes) - broken, n)
            equal = set(sizes[1:]) <= {1} and sizes[0] <= 2
            yield kept == bound if equal else kept < bound
        yield P5.value({"d": n, "R_max": n}, RATIONALS, variant="least-tv") == 0


@proof("P6", "blocks on the walk, all sizes, n ≤ 5, as rationals: exp(2^n KL)", "without − n log 2")
def _walk(broken: bool) -> Iterator[bool]:
    """Both sides times 2^n are logarithms of rationals, which are compared."""
    for n in range(1, 6):
        for sizes in all_compositions(n):
            measured = Fraction(1)
            for bits in itertools.product((0, 1), repeat=n):
                start, output = 0, Fraction(1)
                for size in sizes:
                    for j in range(1, size + 1):  # X_{start+j} given X_start is a binomial
                        ones = sum(bits[start : start + j])
                        output *= Fraction(comb(j, ones), 2**j)
                    start += size
                measured *= Fraction(1, 2**n) / output
            claimed = Fraction(1, 1 if broken else 2 ** (n * 2**n))
            for size in sizes:
                for j in range(1, size + 1):
                    for i in range(j + 1):
                        claimed *= Fraction(2**j, comb(j, i)) ** (2 ** (n - j) * comb(j, i))
            yield measured == claimed


@proof("P10", "pairs of equal bits: TV of one and of n pairs, symbolic ε, n ≤ 6", "ε for 2ε")
def _pairs(broken: bool) -> Iterator[bool]:
    """A pair overlaps with the product in ε² + (1−ε)²; independent pairs multiply."""
    factor = 1 if broken else 2
    for n in range(1, 7):
        exact = 1 - (EPSILON**2 + (1 - EPSILON) ** 2) ** n
        claimed = fill(P10, "pairs", parallel=n)
        if n == 1:
            yield sympy.expand(exact - factor * EPSILON * (1 - EPSILON)) == 0
            yield sympy.expand(exact - fill(P10, parallel=1)) == 0
        yield sympy.expand(exact - claimed) == 0


@proof("C4", "attained at d = 1 by mirrored bits, symbolic probability", "d = 2")
def _mirrored(broken: bool) -> Iterator[bool]:
    """p = (a, 1−a) against (1−a, a): 1 − η = 2√(a(1−a)), and TV² = (1−2a)²."""
    a = sympy.Symbol("a", positive=True)
    square = fill(C4, d=1 + broken).args[0].subs(ETA, 1 - 2 * sympy.sqrt(a * (1 - a)))
    yield sympy.expand(square - (1 - 2 * a) ** 2) == 0


@proof("Q1", "a token: accepted and replaced mass add up to p, two symbols", "acceptance p/2p̂")
def _one_token(broken: bool) -> Iterator[bool]:
    """min(p, p̂) + (1 − Σ min(p, p̂))·(p − p̂)_+/Σ(p − p̂)_+ = p, where p̂ is larger at one symbol."""
    p, q = sympy.symbols("p q", positive=True)
    # p < q at the symbol 0, so p > q at the symbol 1
    kept = [p / 2 if broken else p, 1 - q]
    rejected = 1 - sum(kept)
    yield sympy.simplify(kept[0] - p) == 0
    yield sympy.simplify(kept[1] + rejected - (1 - p)) == 0
