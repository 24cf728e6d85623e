"""Bounds inverted in the steps K: how many are enough, how many some law needs.

Step counts come from inverting the claims' own formulas, so that a count in balls is certified.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sharprates.verification.arithmetic import precision
from sharprates.verification.planning.bounds import BoundCurve, Role, lower_bounds, upper_bounds
from sharprates.verification.planning.exact_steps import smallest_steps
from sharprates.verification.planning.question import MOST_STEPS, Question

BITS = 128


@dataclass(frozen=True)
class StepCount:
    """What one claim says about the number of steps.

    Attributes:
        claim: its id.
        role: ``enough`` or ``needed``; fewer than are needed are forbidden.
        steps: K; None where the claim gives none.
        reason: why there is none, or may be fewer.
        form: which of the claim's formulas was inverted.
        arithmetic: name of the number type.
        detail: parameters chosen on the way.
    """

    claim: str
    role: Role
    steps: int | None
    reason: str | None
    form: str
    arithmetic: str
    detail: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """As JSON, without the claim's id."""
        return {name: value for name, value in asdict(self).items() if name != "claim"}


def invert(bound: BoundCurve, ask: Question, guess: int = 1) -> StepCount:
    """The smallest K at which a bound is at most ε; in balls, with certainty.

    Args:
        bound: an upper bound, or a lower one, which forbids the K at which it is above ε.
        ask: the question.
        guess: where to begin.
    """

    def enough(steps: int) -> bool:
        value = bound.at(steps)
        if value is None:
            return False
        # What is not certainly above ε is not forbidden.
        return bool(value <= ask.tv) if bound.role == "enough" else not bool(value > ask.tv)

    steps, reason = None, ask.nothing_left if bound.role == "enough" else None
    if reason is None:
        with precision(BITS):
            steps = smallest_steps(enough, guess, bound.most)
        if steps is None:
            reason = _why_none(bound, ask)
        elif steps == bound.least > 1:
            reason = f"K ≥ {steps} only: is not evaluated below"
    detail = {} if steps is None else bound.detail(steps)
    return StepCount(
        bound.claim, bound.role, steps, reason, bound.form, bound.arithmetic.name, detail
    )


def _why_none(bound: BoundCurve, ask: Question) -> str:
    reason = bound.why_not(MOST_STEPS)
    if reason is None and bound.most < MOST_STEPS:
        return f"is above ε = {ask.tv:g} up to K = {bound.most}, and is not evaluated beyond"
    return reason or f"is above ε = {ask.tv:g} at any number of steps"


def _birthday(ask: Question) -> int:
    """E3's K but for a few: −log ∏(1−j/K) ≈ d(d−1)/(2K) + d³/(6K²), solved to two orders."""
    room = max(-math.log1p(-ask.left), 1e-300)  # none: `invert` says so
    d = min(ask.length, MOST_STEPS)  # fits a float
    return round(min(MOST_STEPS, d * (d - 1) / (2 * room) + d / 3))


def enough_steps(ask: Question) -> tuple[StepCount, ...]:
    """What each upper bound asks for, in the order of the theory."""
    bounds = {bound.claim: bound for bound in upper_bounds(ask)}
    guesses = {"E3": _birthday(ask)}
    counts = {
        claim: invert(bound, ask, guesses.get(claim, 1))
        for claim, bound in bounds.items()
        if claim != "E5"
    }
    # E5 is never above E7, and near it; far from it E5 is slow.
    counts["E5"] = invert(bounds["E5"], ask, counts["E7"].steps or ask.length)
    return tuple(counts[claim] for claim in bounds)


def needed_steps(ask: Question) -> tuple[StepCount, ...]:
    """What L1, L3 and L6 forbid, each at the group size that forbids most."""
    best: dict[str, StepCount] = {}
    for bound in lower_bounds(ask):
        known = best.get(bound.claim)
        with precision(BITS):
            value = None if known is None or known.steps is None else bound.at(known.steps)
        if known is None or known.steps is None:
            best[bound.claim] = invert(bound, ask)
        elif value is not None and bool(value > ask.tv):
            best[bound.claim] = invert(bound, ask, known.steps)
    return tuple(best.values())
