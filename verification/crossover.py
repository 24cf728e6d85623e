"""From how many steps on the denoiser's error dominates: more steps then buy little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sharprates.samplers.errors import InputError
from sharprates.verification.decomposition import Decomposition

MOST_STEPS = 1 << 14
"""Where the search gives up."""


@dataclass(frozen=True)
class Crossover:
    """Where the score term becomes at least half of the decomposition.

    Attributes:
        sampler: the rule.
        clock: its name.
        grid: its name.
        steps: the K found; None if there is none up to `searched`.
        searched: the largest K that was looked at.
    """

    sampler: str
    clock: str
    grid: str
    steps: int | None
    searched: int


def dominated_from(terms: Callable[[int], Decomposition]) -> int | None:
    """The smallest K found at which the score term is at least half of the sum.

    By doubling, then bisection: where the other terms fall in K, as they do on every built-in grid,
    it is the smallest of all.

    Args:
        terms: K to the decomposition at K steps.
    """

    def dominates(steps: int) -> bool:
        try:
            return terms(steps).score_dominates
        except InputError:  # a grid so fine that two times coincide
            return False

    high = 1
    while not dominates(high):
        high *= 2
        if high > MOST_STEPS:
            return None
    low = high // 2  # does not dominate, or is 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if dominates(middle) else (middle, high)
    return high


def dominated_among(terms: Mapping[int, Decomposition]) -> int | None:
    """The smallest K of these from which on the score term is at least half of the sum."""
    found = None
    for steps in sorted(terms, reverse=True):
        if not terms[steps].score_dominates:
            break
        found = steps
    return found
