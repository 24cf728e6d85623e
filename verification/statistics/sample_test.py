"""The outcome of a statistical test: its p-value, its level, and what it would have detected.

The p-value is proved to be at most x with probability at most x where the claim holds, for every
number of samples, no asymptotics. A discrepancy of the size that a test states is rejected with
probability at least 99 %: `MISSES` are the rest. Levels come from `verification.statistics.budget`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MISSES = 0.01
"""Probability at most with which a test misses a discrepancy of the size that it states."""


@dataclass(frozen=True)
class SampleTest:
    """The outcome of one statistical test.

    Attributes:
        name: what was tested.
        p_value: at most x with probability at most x, if the claim holds.
        level: false-alarm probability; the test fails if the p-value is not above it.
        n: independent samples.
        detects: smallest discrepancy rejected with probability ≥ 1 − `MISSES`; 1 if none is.
        distance: in what the discrepancy is measured: ``tv``, ``kolmogorov`` (at most the TV),
            ``copies`` (share of samples), or ``agreement`` (chance that two samples are equal).
    """

    name: str
    p_value: float
    level: float
    n: int
    detects: float
    distance: str = "tv"

    @property
    def passed(self) -> bool:
        """True if the data do not contradict the claim at this level."""
        return self.p_value > self.level

    def __str__(self) -> str:
        verdict = "holds" if self.passed else "FAILS"
        return (
            f"{self.name}: {verdict} (p ≤ {self.p_value:.3g} at level {self.level:.3g}, "
            f"n = {self.n}, detects {self.distance} {self.detects:.3g})"
        )


def sampling_error(n: int) -> float:
    """A frequency of n samples falls this far below its probability with chance ≤ `MISSES`."""
    return math.sqrt(-math.log(MISSES) / (2 * n))  # Hoeffding
