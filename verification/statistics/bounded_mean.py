"""The mean of bounded values: limits from samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Confidence:
    """A mean with limits, each of which fails with its share of the level.

    Attributes:
        mean: of the samples.
        lower: below the true value.
        upper: above it.
    """

    mean: float
    lower: float
    upper: float


def empirical_bernstein(values: Tensor, low: float, high: float, level: float) -> Confidence:
    """Limits for the mean of i.i.d. values in [low, high]; each fails with probability ≤ level/2.

    Args:
        values: float64 [n], n ≥ 2.
        low: smallest possible value.
        high: largest possible value.
        level: for both limits together.

    Source:
        Maurer, Pontil, Empirical Bernstein bounds, COLT 2009, theorem 4.
    """
    n, log_term = values.numel(), math.log(4 / level)
    width = math.sqrt(2 * float(values.var()) * log_term / n)
    width += 7 * (high - low) * log_term / (3 * (n - 1))
    mean = float(values.mean())
    return Confidence(mean, max(low, mean - width), min(high, mean + width))
