"""The rate in d, S and ε: steps that are enough for every law, over steps that some law needs.

Both come from the planner's inversions of the claims' own formulas at equal steps: E3, E5
(with the exact TV(N, Unif)) and E7 above, L1, L3 and L6 (each at its best group size) below. Their
quotient says how far the theory is from the exact number of steps in the worst case over q_0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from sharprates.verification.arithmetic import precision
from sharprates.verification.planning.bounds import BoundCurve, lower_bounds, upper_bounds
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.step_count import BITS, invert

UPPER = ("E3", "E5", "E7")
LENGTHS = (4, 16, 64, 256, 1024, 4096)
VOCABULARIES = (2, 4, 16, 256, 65536)
ERRORS = (0.25, 0.1, 0.01)
CANDIDATES = 3
"""Group sizes of a claim that are inverted: those whose bound is largest near the answer."""


@dataclass(frozen=True)
class Point:
    """Both step counts at one (d, S, ε).

    Attributes:
        length: d.
        vocabulary: S.
        tv: ε.
        enough: claim → steps that are enough for every law.
        needed: claim → steps below which some law has more than ε.
    """

    length: int
    vocabulary: int
    tv: float
    enough: Mapping[str, int]
    needed: Mapping[str, int]

    @property
    def upper(self) -> int:
        """Fewest steps that are known to be enough."""
        return min(self.enough.values())

    @property
    def lower(self) -> int:
        """Most steps that are known to be needed."""
        return max(self.needed.values())

    @property
    def factor(self) -> float:
        """Upper over lower, at least 1."""
        return self.upper / self.lower


def point(length: int, vocabulary: int, tv: float) -> Point:
    """Invert the bounds at one (d, S, ε).

    Args:
        length: d ≥ 2.
        vocabulary: S ≥ 2.
        tv: ε in (0, 1).
    """
    ask = Question(length, vocabulary, tv)
    guess = max(1, round(length * math.log(vocabulary) / (2 * tv)))
    enough: dict[str, int] = {}
    for bound in upper_bounds(ask):
        if bound.claim in UPPER:
            steps = invert(bound, ask, guess).steps
            if steps is not None:
                enough[bound.claim] = steps
    near = min(enough.values())
    needed = {}
    for claim, bounds in _by_claim(lower_bounds(ask)).items():
        with precision(BITS):
            bounds.sort(key=lambda bound: -float(bound.at(near) or 0))
        found = [invert(bound, ask, near).steps or 1 for bound in bounds[:CANDIDATES]]
        needed[claim] = max(found)
    return Point(length, vocabulary, tv, enough, needed)


def _by_claim(bounds: Sequence[BoundCurve]) -> dict[str, list[BoundCurve]]:
    found: dict[str, list[BoundCurve]] = {}
    for bound in bounds:
        found.setdefault(bound.claim, []).append(bound)
    return found


def scan(
    lengths: Sequence[int] = LENGTHS,
    vocabularies: Sequence[int] = VOCABULARIES,
    errors: Sequence[float] = ERRORS,
) -> list[Point]:
    """All points of a grid.

    Args:
        lengths: of d.
        vocabularies: of S.
        errors: of ε.

    Returns:
        The points, ε running fastest.
    """
    return [point(*at) for at in product(lengths, vocabularies, errors)]


def largest(points: Sequence[Point]) -> Point:
    """Where the theory is farthest from the exact number of steps."""
    return max(points, key=lambda one: one.factor)


@dataclass(frozen=True)
class Exponents:
    """A fit log K = c + length·log d + size·log min(d, log S) + error·log(1/ε).

    The rate of L6 is K = Θ(d·min(d, log S)/ε): all three exponents 1.

    Attributes:
        length: exponent of d.
        size: exponent of min(d, log S).
        error: exponent of 1/ε.
        residual: largest |fitted − log K|.
    """

    length: float
    size: float
    error: float
    residual: float


def exponents(points: Sequence[Point], steps: Callable[[Point], int]) -> Exponents:
    """Least squares over the points.

    Args:
        points: at least four, not all alike.
        steps: which count: `Point.upper` or `Point.lower`.
    """
    rows = np.array(
        [
            [
                1.0,
                math.log(one.length),
                math.log(min(one.length, math.log(one.vocabulary))),
                -math.log(one.tv),
            ]
            for one in points
        ]
    )
    logs = np.log([float(steps(one)) for one in points])
    fit = np.linalg.lstsq(rows, logs, rcond=None)[0]
    residual = float(np.abs(rows @ fit - logs).max())
    return Exponents(float(fit[1]), float(fit[2]), float(fit[3]), residual)
