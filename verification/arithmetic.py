"""Number types in which a claim's formula is evaluated: exact rationals and balls (python-flint).

The float type, `theory.arithmetic.FLOAT`, lives with the formulas; it serves searches, whose finds
are decided here. Every number of a verdict ends as an `Interval` with exact endpoints.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, ctx, fmpq
from sharprates.theory.arithmetic import Number


class IrrationalError(ArithmeticError):
    """A formula needs a function that has no rational value; evaluate it in balls instead."""


@dataclass(frozen=True)
class Interval:
    """Endpoints between which a number is known to lie; a float is taken at its exact value.

    Attributes:
        lower: lower end, a rational, or a float (possibly infinite).
        upper: upper end.
    """

    lower: Fraction | float
    upper: Fraction | float

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:  # also catches NaN
            raise ValueError(f"interval: lower {self.lower} must not exceed upper {self.upper}")

    @property
    def width(self) -> float:
        """Upper minus lower, as a float."""
        return float(self.upper) - float(self.lower)

    @property
    def middle(self) -> float:
        """A float inside, for reports."""
        if self.lower == self.upper:
            return float(self.lower)
        return (float(self.lower) + float(self.upper)) / 2

    @staticmethod
    def exact(value: Fraction | float) -> Interval:
        """The interval of one point."""
        return Interval(value, value)

    @staticmethod
    def around(value: float, error: float) -> Interval:
        """All numbers within `error` of a float; the ends are exact sums, not rounded ones."""
        return Interval(Fraction(value) - Fraction(error), Fraction(value) + Fraction(error))


class Rational:
    """Exact arithmetic with `fmpq`; refuses what has no rational value."""

    name = "rational"

    def rational(self, p: int, q: int = 1) -> Number:
        """The number p/q."""
        return fmpq(p, q)

    def maximum(self, x: Number, y: Number) -> Number:
        """The larger of two rationals."""
        return x if x >= y else y

    def minimum(self, x: Number, y: Number) -> Number:
        """The smaller of two rationals."""
        return x if x <= y else y

    def _refuse(self, _: Number) -> Number:
        raise IrrationalError("this formula is not rational: evaluate it with --arithmetic ball")

    exp = log = sqrt = expm1 = log1p = cos = _refuse

    def pi(self) -> Number:
        """Not rational."""
        return self._refuse(0)


class Ball:
    """Ball arithmetic with `arb`: every result encloses the true value.

    Precision is flint's working precision; set it around a computation with `precision(bits)`.
    """

    name = "ball"

    def rational(self, p: int, q: int = 1) -> Number:
        """A ball around p/q."""
        return arb(p) / q if q != 1 else arb(p)

    def exp(self, x: Number) -> Number:
        """e^x."""
        return arb(x).exp()

    def log(self, x: Number) -> Number:
        """Natural logarithm."""
        return arb(x).log()

    def sqrt(self, x: Number) -> Number:
        """Square root of a non-negative number, which a ball may overlap 0 to enclose."""
        if arb(x) < 0:
            raise ArithmeticError(f"the square root of {float(arb(x).mid()):g}")
        return arb(x).nonnegative_part().sqrt()

    def expm1(self, x: Number) -> Number:
        """e^x − 1."""
        return arb(x).expm1()

    def log1p(self, x: Number) -> Number:
        """log(1 + x)."""
        return arb(x).log1p()

    def cos(self, x: Number) -> Number:
        """Cosine of x in radians."""
        return arb(x).cos()

    def maximum(self, x: Number, y: Number) -> Number:
        """Encloses the larger of two numbers."""
        return arb(x).max(arb(y))

    def minimum(self, x: Number, y: Number) -> Number:
        """Encloses the smaller of two numbers."""
        return arb(x).min(arb(y))

    def pi(self) -> Number:
        """Encloses π."""
        return arb.pi()


RATIONAL = Rational()
BALL = Ball()


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work in balls of this many bits inside the block."""
    with ctx.workprec(bits):
        yield


def power(x: Number, n: int) -> Number:
    """x^n, n ≥ 0, by products: flint's power of a ball whose midpoint is 0 knows nothing."""
    return math.prod([x] * n, start=fmpq(1))


def ball(value: Interval | Fraction | float) -> Number:
    """A ball that contains an interval, a rational or a float at its exact value."""
    if isinstance(value, Interval):
        return ball(value.lower).union(ball(value.upper))
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(value)


def interval(value: Number | Interval) -> Interval:
    """The exact endpoints of a ball, a rational or a float; an interval itself. +∞ stays one.

    Raises:
        ArithmeticError: if a ball is not finite; nothing is known then.
    """
    if isinstance(value, arb):
        if value.is_exact() and value > 0 and not value.is_finite():
            return Interval.exact(math.inf)
        if not value.is_finite():
            raise ArithmeticError(f"the ball {value} says nothing: raise the precision")
        return Interval(_endpoint(value.lower()), _endpoint(value.upper()))
    if isinstance(value, Interval):
        return value
    if isinstance(value, fmpq):
        return Interval.exact(as_fraction(value))
    return Interval.exact(float(value))


def _endpoint(exact: Number) -> Fraction:
    mantissa, exponent = exact.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def as_fraction(x: fmpq) -> Fraction:
    """A fraction of flint in Python's type."""
    return Fraction(int(x.p), int(x.q))


def as_fmpq(x: Fraction | int) -> fmpq:
    """A fraction in flint's type."""
    return fmpq(x.numerator, x.denominator)


def root(S: int, n: int) -> int:
    """⌊S^{1/n}⌋, exactly: the alphabet of a shared symbol if one of [S] is to hold n (L3)."""
    low, high = 1, 1 << (S.bit_length() // n + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**n <= S else (low, middle)
    return low
