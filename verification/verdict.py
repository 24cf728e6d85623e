"""What is measured beside its bound: verdicts of three values, ratios, decisions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from sharprates.samplers.rational import brief
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval, interval


class Verdict(StrEnum):
    """What a comparison shows; `NONE` where the claim says nothing about this measurement."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"
    NONE = "none"


RESOLUTION = 1e-9
"""Widest overlap of two intervals that still reads as equality within the stated error."""


def compare(relation: Relation, measured: Interval, bound: Interval) -> Verdict:
    """Decide `measured` ≤ bound (upper), ≥ bound (lower) or = bound (equality).

    Endpoints are compared exactly. Intervals that overlap are equal as far as is known: that reads
    HOLDS if both are narrower than `RESOLUTION` together, UNDECIDED otherwise.

    Args:
        relation: of the claim; `WORST_CASE` and `LIMIT` rows have no verdict on an instance.
        measured: the left side.
        bound: the right side.

    Returns:
        The verdict.
    """
    if relation in (Relation.WORST_CASE, Relation.LIMIT):
        return Verdict.NONE
    below, above = measured.upper < bound.lower, measured.lower > bound.upper
    if relation is Relation.UPPER and (below or measured.upper == bound.lower):
        return Verdict.HOLDS
    if relation is Relation.LOWER and (above or measured.lower == bound.upper):
        return Verdict.HOLDS
    if below or above:
        return Verdict.FAILS
    close = measured.width + bound.width <= RESOLUTION
    return Verdict.HOLDS if close else Verdict.UNDECIDED


Side = tuple[Interval, Interval]
"""What was measured, and the bound."""


@dataclass(frozen=True)
class Decision:
    """A claim beside what was measured; an identity may compare several pairs of numbers at once.

    Attributes:
        relation: upper, lower or equality.
        sides: measured and bound, one pair or more.
    """

    relation: Relation
    sides: tuple[Side, ...]

    @cached_property
    def verdict(self) -> Verdict:
        """FAILS if any pair fails, else UNDECIDED if any is."""
        verdicts = {compare(self.relation, measured, bound) for measured, bound in self.sides}
        for verdict in (Verdict.FAILS, Verdict.UNDECIDED):
            if verdict in verdicts:
                return verdict
        return Verdict.HOLDS

    @property
    def settled(self) -> bool:
        """Whether more bits would change nothing: all points, or all told apart."""
        return all(
            (measured.lower == measured.upper and bound.lower == bound.upper)
            or measured.upper < bound.lower
            or bound.upper < measured.lower
            for measured, bound in self.sides
        )

    @cached_property
    def side(self) -> Side:
        """The pair that is nearest to failing, or fails worst."""
        if len(self.sides) == 1:
            return self.sides[0]
        return max(self.sides, key=lambda side: strain(self.relation, side))

    @property
    def measured(self) -> Interval:
        """The left side of `side`."""
        return self.side[0]

    @property
    def bound(self) -> Interval:
        """The right side of `side`."""
        return self.side[1]

    @property
    def ratio(self) -> float | None:
        """Measured over bound at `side`, as far as it is proved; see `quotient`."""
        return quotient(self.relation, self.side)

    @cached_property
    def strain(self) -> float:
        """See `strain`."""
        return strain(self.relation, self.side)

    @property
    def text(self) -> str:
        """Measured and bound at `side`: fractions where exact and short, else decimals."""
        return " against ".join(map(in_digits, self.side))


def in_digits(value: Interval) -> str:
    """A number for a reader: a fraction where it is exact and short, else decimals."""
    if value.lower == math.inf:
        return "∞"
    if value.lower == value.upper and (text := brief(Fraction(value.lower), 40)):
        return text if "/" not in text else f"{text} = {value.middle:.6g}"
    return f"{value.middle:.12g}"


def quotient(relation: Relation, side: Side) -> float | None:
    """Measured over bound, from the ends that are farther from failing; None if the bound is 0.

    So a ratio of 1 is a proof that the bound is attained, up to rounding of the quotient itself.
    """
    measured, bound = side
    if relation is Relation.UPPER:
        top, low = max(measured.lower, 0), bound.upper
    elif relation is Relation.LOWER:
        top, low = measured.upper, bound.lower
    else:
        overlap = measured.lower <= bound.upper and bound.lower <= measured.upper
        if overlap and measured.width + bound.width >= 1e-6 * abs(bound.middle):
            return 1.0  # equal as far as is known, both 0 included
        top, low = measured.middle, bound.middle
    if low == 0 or math.isinf(top) or math.isinf(low):
        return None
    return float(Fraction(top) / Fraction(low))


def strain(relation: Relation, side: Side) -> float:
    """How near a pair is to failing: 0 far, 1 attained, above 1 failed; of equality |ratio − 1|."""
    ratio = quotient(relation, side)
    if relation is Relation.UPPER:
        return 0.0 if ratio is None else ratio
    if relation is Relation.LOWER:
        return 0.0 if ratio is None else math.inf if ratio == 0 else 1 / ratio
    return math.inf if ratio is None else abs(ratio - 1)


def decision_of(relation: Relation, sides: Iterable[tuple[Number, Number]]) -> Decision:
    """A decision from numbers of any arithmetic.

    Raises:
        ArithmeticError: if a ball is not finite; it says nothing then.
    """
    return Decision(relation, tuple((interval(left), interval(right)) for left, right in sides))
