"""Three-valued verdicts: a measured interval against a bound's interval."""

from __future__ import annotations

from enum import StrEnum

from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval


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
