"""H2's integral form and H3, decided exactly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import factorial

import sympy
from sharprates.theory.clocks import CLOCKS
from sharprates.theory.first_hitting import H3
from sharprates.theory.forward import F4
from sharprates.theory.proofs.laws import T
from sharprates.theory.proofs.proof import Polynomials, fill, proof
from sharprates.theory.proofs.sampler import from_table, reveal_in_blocks
from sharprates.theory.symbols import symbol

ALPHA, ETA = symbol("alpha"), symbol("eta")


@proof(
    "H2",
    "compensator of the exact reverse jumps: a count of m masks lasts 1/m, any clock, d ≤ 8",
    "rate −α′ per token",
)
def _compensator(broken: bool) -> Iterator[bool]:
    """∫P(|M_t| = m)·(−α′/(1−α)) dt = 1/m on any clock: in α it is an integral over [0, 1]."""
    rate = fill(F4, "rate", alpha=ALPHA, speed=1, q=1)  # per unit of −α′ dt = dα
    for d in range(1, 9):
        for m in range(1, d + 1):
            law = sympy.binomial(d, m) * (1 - ALPHA) ** m * ALPHA ** (d - m)
            integrand = sympy.cancel(law * (1 if broken else rate))
            yield sympy.integrate(integrand, (ALPHA, 0, 1)) == sympy.Rational(1, m)


@proof(
    "H2",
    "α runs from 1 to 0 on every clock but the geometric one, which ends above 0",
    "to 0 on the geometric clock, too",
)
def _change_of_variable(broken: bool) -> Iterator[bool]:
    """α falls from 1 at t = 0 to 0 at the end of the domain: the substitution dα = α′dt is onto."""
    for name, chosen in CLOCKS.items():
        alpha = chosen.alpha.subs({symbol("sigma_0"): 1, symbol("sigma_1"): 20})
        start, end = sympy.limit(alpha, T, 0), sympy.limit(alpha, T, chosen.end, "-")
        # the geometric clock stops short of 0: what is left is α at the end of its domain
        rest = sympy.exp(-19) if name == "geometric" and not broken else 0
        yield sympy.simplify(start - 1) == 0 and sympy.simplify(end - rest) == 0


@proof(
    "H2", "the integral and the uniform order weigh every context alike, d ≤ 5", "one more factor α"
)
def _orders(broken: bool) -> Iterator[bool]:
    """The integral gives TV(p_i(·|x_U), p̂_i(·|x_U)) the weight that a uniform order gives it.

    That weight is P(U comes first, i next) = |U|!(d−|U|−1)!/d!, so the two forms of ε_FHS agree
    term by term, for every q_0 and every p̂.
    """
    rate = fill(F4, "rate", alpha=ALPHA, speed=1, q=1)
    for d in range(1, 6):
        for u in range(d):
            # U = {0..u−1} and i = u stand for all by symmetry
            hits = sum(
                set(order[:u]) == set(range(u)) and order[u] == u
                for order in permutations(range(d))
            )
            size = u + 1 if broken else u
            state = ALPHA**size * (1 - ALPHA) ** (d - u)  # P(revealed set = U), from F1
            integral = sympy.integrate(sympy.cancel(state * rate), (ALPHA, 0, 1))
            yield integral == sympy.Rational(hits, factorial(d))


@proof("H3", "both error patterns, symbolic η, d ≤ 6", "2η for η")
def _spread(broken: bool) -> Iterator[bool]:
    """H3 by running the chain: the all-zero word is kept with 1 − η at wrong contexts."""
    for d in range(1, 7):
        arithmetic = Polynomials("eta")
        (eta,) = arithmetic.variables
        one, keep = arithmetic.rational(1), 1 - eta
        once = {(i, known): one if known else keep for i in range(d) for known in range(1 << d)}
        always = dict.fromkeys(once, keep)
        values = [
            reveal_in_blocks(arithmetic, d, (1,) * d, from_table(table)) for table in (once, always)
        ]
        for value, form in zip(values, (None, "spread"), strict=True):
            claimed = fill(H3, form, d=d + broken, eta=ETA * (2 if broken else 1))
            yield arithmetic.ring(claimed.subs(ETA, sympy.Symbol("eta"))) == 1 - value
