"""The exact output law of a sampler, and its total variation to the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.target import Target, all_states
from torch import Tensor

UNIT = 2.0**-53
"""Unit roundoff of float64."""

ROWS = ("support", "all")


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
        error: bound on the sum over rows of the absolute errors.
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


class TotalVariation(NamedTuple):
    """A total variation distance and a bound on its absolute error."""

    value: float
    error: float


def listed(target: Target, rows: str) -> Tensor:
    """The sequences on which a law is asked for.

    Args:
        target: the data law.
        rows: ``support`` or ``all``.

    Returns:
        int64 [N, d] or [S^d, d], in lexicographic order.

    Raises:
        InputError: if `rows` is neither.
        TooLargeError: if S^d sequences do not fit into memory.
    """
    if rows not in ROWS:
        raise InputError(f"rows {rows!r} is unknown: use one of {', '.join(ROWS)}")
    return target.rows if rows == "support" else all_states(target.length, target.vocabulary)


def on_rows(law: OutputLaw, target: Target) -> Tensor:
    """The target's probability of each sequence that the law lists.

    Args:
        law: a law on the target's support, or a dense one.
        target: the data law q_0.

    Returns:
        float64 [N], on the device of the law.

    Raises:
        InputError: if the law lists neither the target's support nor all states.
    """
    d, S = target.length, target.vocabulary
    same = law.rows.shape[1] == d and law.vocabulary == S
    if same and law.dense:
        powers = S ** torch.arange(d - 1, -1, -1)
        q = torch.zeros(S**d, dtype=torch.float64)
        q[(target.rows * powers).sum(1)] = target.weights
    elif same and torch.equal(law.rows.cpu(), target.rows):
        q = target.weights
    else:
        raise InputError(
            f"law: it does not list the support of target {target.name!r}; "
            "compute it for this target, or with rows='all'"
        )
    return q.to(law.probability.device)


def deficit(law: OutputLaw, target: Target) -> Tensor:
    """(q_0(x) − p_out(x))_+ on each listed row; their sum is TV, differentiable (S5).

    Args:
        law: a law on the target's support, or a dense one.
        target: the data law q_0.

    Returns:
        float64 [N], carrying the law's gradient.

    Raises:
        InputError: if the law lists neither the target's support nor all states.
    """
    return (on_rows(law, target) - law.probability).clamp(min=0)


def total_variation(law: OutputLaw, target: Target) -> TotalVariation:
    """TV(p_out, q_0), masks that are left over counting as wrong. Source: S5.

    On a support-only law it is Σ_{x ∈ supp q_0} (q_0 − p_out)_+. On a dense law it is
    ½(Σ_x |p_out − q_0| + mass of p_out outside [S]^d): another formula for the same number.

    Error: a sum of (q − p)_+, or of |q − p|/2, moves by at most the law's own error; the target's
    float weights miss sum 1 by a number that is measured; one rounding each for the differences,
    for the sum (`math.fsum` rounds once), and for the final formula.

    Args:
        law: a law on the target's support, or a dense one.
        target: the data law q_0.

    Returns:
        The distance and a bound on its absolute error.

    Raises:
        InputError: if the law lists neither the target's support nor all states.
    """
    missing = abs(1 - math.fsum(target.weights.tolist()))
    error = law.error + missing + 4 * UNIT
    if not law.dense:
        return TotalVariation(math.fsum(deficit(law, target).tolist()), error)
    p = law.probability.detach()
    distance = math.fsum((p - on_rows(law, target)).abs().tolist())
    return TotalVariation((distance + max(0.0, 1 - law.total)) / 2, error)
