"""The smallest number of steps whose exact TV is at most ε."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sharprates.samplers.distance import TotalVariation
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.planning.question import MOST_STEPS, Question

MOST_TRIED = 100_000
"""Largest K at which exact TV is measured."""

Law = Callable[[int], StepLaw]
"""K → the step law of a schedule."""


def smallest_steps(
    enough: Callable[[int], bool], guess: int = 1, most: int = MOST_STEPS
) -> int | None:
    """A K ≥ 1 with enough(K) and, unless K = 1, not enough(K − 1); both are evaluated.

    It is the smallest of all if `enough` stays true once it is.

    Args:
        enough: whether K steps do.
        guess: where to begin.
        most: largest K to try.

    Returns:
        K, or None if nothing up to `most` does.
    """
    low, high, stride = 0, max(1, min(guess, most)), 1
    if enough(high):
        while high > 1:
            probe = max(1, high - stride)
            if not enough(probe):
                low = probe
                break
            high, stride = probe, 2 * stride
    else:
        while True:
            low = high
            if low == most:
                return None
            high = min(most, low + stride)
            if enough(high):
                break
            stride *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class SmallestSteps:
    """The smallest number of steps that was found with exact TV ≤ ε, on one schedule.

    Attributes:
        schedule: clock, grid, rule and last step, or ``equal steps``.
        steps: K without a filling step; None if none was found.
        tv: at K, or at the largest K tried.
        tv_before: at K − 1, found above ε; None at K = 1.
        reason: why there is no K.
        measured: K → TV, all that the search measured.
    """

    schedule: str
    steps: int | None
    tv: TotalVariation | None = None
    tv_before: TotalVariation | None = None
    reason: str | None = None
    measured: Mapping[int, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schedule": self.schedule,
            "steps": self.steps,
            "label": "smallest found",
            "tv": self.tv and self.tv._asdict(),
            "tv_before": self.tv_before and self.tv_before._asdict(),
            "reason": self.reason,
        }


def exact_steps(
    ask: Question,
    measure: Callable[[StepLaw], TotalVariation],
    laws: Mapping[str, Law],
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[SmallestSteps]:
    """The smallest K of equal steps and of other schedules, and the TV of its neighbour.

    Args:
        ask: the question.
        measure: step law → exact TV.
        laws: the other schedules by name.
        progress: told of each schedule before it is searched.
    """
    for name, law in {"equal steps": StepLaw.equal, **laws}.items():
        progress(name)
        yield _search(ask, measure, name, law)


def _search(
    ask: Question, measure: Callable[[StepLaw], TotalVariation], name: str, law: Law
) -> SmallestSteps:
    if ask.nothing_left:
        return SmallestSteps(name, None, reason=ask.nothing_left)
    measured: dict[int, TotalVariation] = {}

    def enough(steps: int) -> bool:
        measured[steps] = measure(law(steps))
        return measured[steps].value + measured[steps].error <= ask.left

    steps = smallest_steps(enough, most=MOST_TRIED)
    points = {K: measured[K].value for K in sorted(measured)}
    if steps is not None:
        before = measured.get(steps - 1)
        return SmallestSteps(name, steps, measured[steps], before, measured=points)
    most = measured[MOST_TRIED]
    left = law(MOST_TRIED).leftover
    masks = -math.expm1(ask.length * math.log1p(-left)) if left < 1 else 1.0
    why = f"TV is {most.value:.3g} at K = {MOST_TRIED}"
    if masks > ask.left / 10:
        why += f", of which masks left over cost {masks:.3g}: raise T, or fill the last step"
    return SmallestSteps(name, None, most, reason=why, measured=points)
