"""What a symbolic proof is, and the exact arithmetics in which claims are evaluated for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim
from sharprates.theory.errors import TheoryError
from sharprates.theory.symbols import symbol

Facts = Callable[[bool], Iterable[bool]]


@dataclass(frozen=True)
class Proof:
    """A check that decides part of a claim exactly, for the listed sizes.

    Attributes:
        claim: id of the claim.
        says: what is proved, with the sizes.
        mutant: the false statement that the same check must reject.
        facts: what must be true, one after the other; with True that of the mutant.
    """

    claim: str
    says: str
    mutant: str
    facts: Facts

    def holds(self, broken: bool) -> bool:
        """Whether all facts are true; those after a false one are not worked out."""
        return all(self.facts(broken))

    def verify(self) -> None:
        """Run the check on the claim and on the mutant.

        Raises:
            TheoryError: if the claim's part is refuted, or the mutant is not.
        """
        if not self.holds(False):
            raise TheoryError(f"{self.claim}: not so: {self.says}")
        if self.holds(True):
            raise TheoryError(f"{self.claim}: the check cannot tell it from: {self.mutant}")


PROOFS: list[Proof] = []
"""All symbolic proofs; `proof` enters each where it is defined."""


def proof(claim: str, says: str, mutant: str) -> Callable[[Facts], Facts]:
    """Enter the check that follows into `PROOFS`; the arguments are those of `Proof`."""

    def enter(facts: Facts) -> Facts:
        PROOFS.append(Proof(claim, says, mutant, facts))
        return facts

    return enter


class _Exact:
    """Raises wherever a value would leave the exact type."""

    name = "exact"

    def _refuse(self, *_: Number) -> Number:
        raise TheoryError("exact arithmetic: no irrational functions and no order here")

    exp = expm1 = log = log1p = sqrt = cos = maximum = minimum = pi = _refuse


class Rationals(_Exact):
    """Python's fractions."""

    def rational(self, p: int, q: int = 1) -> Number:
        """The fraction p/q."""
        return Fraction(p, q)

    def maximum(self, x: Number, y: Number) -> Number:
        """The larger one."""
        return max(x, y)

    def minimum(self, x: Number, y: Number) -> Number:
        """The smaller one."""
        return min(x, y)


class Polynomials(_Exact):
    """Polynomials with rational coefficients, in which equality is identity."""

    def __init__(self, *names: str) -> None:
        self.ring, *generators = sympy.ring(names, sympy.QQ)
        self.variables: list[Any] = generators

    def rational(self, p: int, q: int = 1) -> Number:
        """The constant polynomial p/q."""
        return self.ring(sympy.QQ(p, q))


RATIONALS = Rationals()


def nonnegative_for_positive(f: sympy.Expr, x: sympy.Symbol, order: int) -> bool:
    """Whether f > 0 on x > 0 follows from f(0), f′(0), … ≥ 0 and the derivative of that order > 0.

    Args:
        f: smooth for x ≥ 0.
        x: a symbol declared positive.
        order: which derivative is seen to be positive by sympy.
    """
    for _ in range(order):
        if not sympy.simplify(f.subs(x, 0)) >= 0:
            return False
        f = sympy.simplify(sympy.diff(f, x))
    return bool(f.is_positive)


def fill(claim: Claim, variant: str | None = None, **values: object) -> sympy.Expr:
    """A claim's formula with symbols replaced by sympy values, constants by their numbers."""
    expression = claim.form(variant).expression
    known = {symbol(name): value for name, value in values.items()}
    return expression.subs(known, simultaneous=True)
