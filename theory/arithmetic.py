"""The number types in which a formula is evaluated, behind one small protocol."""

from __future__ import annotations

import math
from typing import Any, Protocol, TypeAlias

Number: TypeAlias = Any
"""A number with + - * / and integer powers: float, fmpq, arb and torch share no base class."""


class Arithmetic(Protocol):
    """What a formula needs beyond python's operators.

    An exact rational arithmetic raises on `exp`, `log`, `cos`, `pi` and on irrational roots.
    """

    @property
    def name(self) -> str:
        """What a report calls it, e.g. ``float64``."""

    def rational(self, p: int, q: int = 1) -> Number:
        """The number p/q."""

    def exp(self, x: Number) -> Number:
        """e^x."""

    def expm1(self, x: Number) -> Number:
        """e^x − 1, accurate for small x."""

    def log(self, x: Number) -> Number:
        """The natural logarithm of x ≥ 0; −∞ at 0 where the type has it."""

    def log1p(self, x: Number) -> Number:
        """log(1 + x), accurate for small x; −∞ at −1 where the type has it."""

    def sqrt(self, x: Number) -> Number:
        """The square root of x ≥ 0."""

    def cos(self, x: Number) -> Number:
        """The cosine of x in radians."""

    def maximum(self, x: Number, y: Number) -> Number:
        """The larger of x and y."""

    def minimum(self, x: Number, y: Number) -> Number:
        """The smaller of x and y."""

    def pi(self) -> Number:
        """The circle constant."""


class Float64:
    """Python floats; rounding is not tracked."""

    name = "float64"

    def rational(self, p: int, q: int = 1) -> Number:
        """The float nearest to p/q, whatever the size of p and q."""
        return p / q

    def exp(self, x: Number) -> Number:
        """e^x, ∞ where it overflows."""
        try:
            return math.exp(x)
        except OverflowError:
            return math.inf

    def expm1(self, x: Number) -> Number:
        """e^x − 1, ∞ where it overflows."""
        try:
            return math.expm1(x)
        except OverflowError:
            return math.inf

    def log(self, x: Number) -> Number:
        """The natural logarithm, −∞ at 0."""
        return math.log(x) if x else -math.inf

    def log1p(self, x: Number) -> Number:
        """log(1 + x), −∞ at −1."""
        return math.log1p(x) if x != -1 else -math.inf

    def sqrt(self, x: Number) -> Number:
        """The square root."""
        return math.sqrt(x)

    def cos(self, x: Number) -> Number:
        """The cosine of x in radians."""
        return math.cos(x)

    def maximum(self, x: Number, y: Number) -> Number:
        """The larger one."""
        return max(x, y)

    def minimum(self, x: Number, y: Number) -> Number:
        """The smaller one."""
        return min(x, y)

    def pi(self) -> Number:
        """The circle constant."""
        return math.pi


FLOAT = Float64()
