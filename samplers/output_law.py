"""The exact output law of a sampler, and what it knows of its rounding error."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

UNIT = 2.0**-53
"""Unit roundoff of float64."""


def rounding(depth: float) -> float:
    """Bound (1−u)^{−n} − 1 on the relative error of n roundings of non-negative numbers.

    Args:
        depth: n, the number of additions, products and quotients on the longest path.
    """
    return math.expm1(-depth * math.log1p(-UNIT))


def compound(*errors: float) -> float:
    """Bound ∏(1 + e) − 1 on the relative error of a product; 1 + e alone would round e away."""
    return math.expm1(math.fsum(math.log1p(e) for e in errors)) * (1 + 1e-12)


@dataclass(frozen=True, eq=False)
class OutputLaw:
    """What a sampler puts out: the probability of each of the listed sequences.

    The law lives on ([S] ∪ {mask})^d. Listed are the support of a target, which is all that its TV
    needs (S5), or all of [S]^d; what is missing to 1 lies elsewhere.

    Attributes:
        rows: int64 [N, d], distinct, in lexicographic order.
        probability: float64 [N]; it may carry a gradient.
        vocabulary: S.
        dense: True if `rows` is all of [S]^d.
        relative_error: bound on the relative error of each probability, infinite if none is known.
        error: bound on how far the probability of any event may be off; the sum over rows of the
            absolute errors is one.
    """

    rows: Tensor
    probability: Tensor
    vocabulary: int
    dense: bool
    relative_error: float
    error: float

    @property
    def total(self) -> float:
        """Mass on the listed rows; if dense, what is missing to 1 kept a mask."""
        return math.fsum(self.probability.detach().tolist())
