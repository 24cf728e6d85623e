"""What a bound needs to know of a data law: its information curve and how dependent its blocks are.

All of it comes from one table, the marginal probability q_0(x_U) of every subset U at every support
row, and is averaged over subsets of a size, because the samplers reveal uniformly random subsets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import TooLargeError, check_memory
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.verification.arithmetic import BALL, ball
from sharprates.verification.exact_law import fractions_of
from torch import Tensor

UNIT = 2.0**-53
"""Unit roundoff of float64."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Averages over uniformly random subsets, for a data law and its exact conditionals.

    Attributes:
        information: h_m, the mean of H(X_i | X_U) over |U| = m and i ∉ U, nats, float64 [d].
        entropy: H(q_0), nats.
        dependence: float64 [d + 1, d + 1]; entry (u, s) sums over disjoint U, B of sizes u, s the
            mean of TV(q_0(x_B|x_U), ∏_{i∈B} q_0(x_i|x_U)) over x_U ~ q_0. Source: E1, E4.
        error: absolute error that float64 may have caused in `entropy`, in each h_m, and in the
            mean of `dependence` over the C(d, u)·C(d−u, s) pairs that an entry sums.
        gap_error: `gap_rounding` of the data law.
    """

    information: Tensor
    entropy: float
    dependence: Tensor
    error: float
    gap_error: float

    @property
    def mutual_information(self) -> float:
        """Ī = h_0 − h_{d−1} = (1/d) Σ_i I(X_i; X_{−i}), nats."""
        return float(self.information[0] - self.information[-1])


def marginals(target: Target) -> Tensor:
    """q_0(x_U) for every subset U and support row, float64 [2^d, N]; bit i of U is position i.

    Raises:
        TooLargeError: if the table does not fit into memory.
    """
    d, n = target.length, target.support
    check_memory(8 * 2**d * n, f"the marginals of {n} rows on 2^{d} subsets", "use fewer rows")
    table = torch.empty((2**d, n), dtype=torch.float64)
    table[0] = 1.0
    # Classes of rows that agree on U, refined by one position: small integers, so that bincount
    # does what a sort of whole patterns would do slower.
    classes = torch.zeros((2**d, n), dtype=torch.int64)
    for subset in range(1, 2**d):
        top = subset.bit_length() - 1
        code = classes[subset ^ (1 << top)] * target.vocabulary + target.rows[:, top]
        classes[subset] = torch.unique(code, return_inverse=True)[1]
        sums = torch.zeros(n, dtype=torch.float64).index_add_(0, classes[subset], target.weights)
        table[subset] = sums[classes[subset]]
    return table


def profile(target: Target) -> Profile:
    """Compute the profile of a data law.

    Args:
        target: with d ≤ some 14 and N·3^d products affordable.

    Returns:
        The profile. Rounding: a marginal sums at most N positive terms and a product has at most d
        factors of two marginals each, so a gap is off by at most (2d + 4)(N + 2)·2^-53, a logarithm
        by that too, and a mean over the rows adds N·2^-53 of its size. A sum over subsets of a size
        has at most C(d, ⌊d/2⌋) terms; two such sums make an entry of `dependence`.
    """
    d, q = target.length, target.weights
    table = marginals(target)
    sizes = torch.tensor([subset.bit_count() for subset in range(2**d)])
    entropies = -(torch.log(table) @ q)  # H(X_U)
    by_size = torch.zeros(d + 1, dtype=torch.float64).index_add_(0, sizes, entropies)
    mean = by_size / torch.tensor([float(math.comb(d, m)) for m in range(d + 1)])

    dependence = torch.zeros((d + 1, d + 1), dtype=torch.float64)
    for subset in range(2**d):
        outside = [i for i in range(d) if not subset >> i & 1]
        product, union = torch.ones((1, target.support), dtype=torch.float64), [subset]
        for i in outside:  # doubles: without i, with i
            factor = table[subset | 1 << i] / table[subset]
            product = torch.cat([product, product * factor])
            union += [v | 1 << i for v in union]
        joint = table[torch.tensor(union)] / table[subset]
        # Σ over patterns of (q(x_V) − q(x_U)·product)_+, as a mean over the rows that show them
        gaps = (1 - product / joint).clamp(min=0) @ q
        u = subset.bit_count()
        added = torch.tensor([v.bit_count() for v in union]) - u
        # a sum of its own first: fewer roundings one upon the other
        dependence[u] += torch.zeros_like(dependence[u]).index_add_(0, added, gaps)

    rounding = ((2 * d + 8) * (target.support + 2) + 2 * math.comb(d, d // 2)) * UNIT
    return Profile(
        mean.diff(),
        float(entropies[-1]),
        dependence,
        rounding * max(1.0, float(entropies.max())),
        gap_rounding(target),
    )


def gap_rounding(target: Target) -> float:
    """Bound on the error of float64 in a denoiser's mean distance g from the exact conditionals.

    Over contexts of one size it is at most this times 1 + g: that of p, then of a difference and of
    sums over S symbols and all contexts, whose number at size u is at most C(d, u)·min(N, S^u).
    """
    d, S, N = target.length, target.vocabulary, target.support
    contexts: int = max(math.comb(d, u) * min(N, S**u) for u in range(d + 1))
    return ExactDenoiser(target).relative_error + (S + N + contexts + 4) * UNIT


def subset_law(length: int, revealed: Tensor) -> Tensor:
    """Probability a^u (1−a)^{d−u} that exactly a given subset of size u is revealed.

    Args:
        length: d.
        revealed: probability a that a token is revealed, [K].

    Returns:
        float64 [K, d + 1].
    """
    u = torch.arange(length + 1)
    return revealed[:, None] ** u * (1 - revealed[:, None]) ** (length - u)


def exact_information(target: Target) -> list[Number]:
    """The information curve h_0..h_{d−1} in balls of the working precision, from exact weights.

    Slower than `profile`, by a logarithm in balls for each pattern of each subset.

    Raises:
        TooLargeError: if that is more than four million logarithms.
    """
    d = target.length
    if target.support * 2**d > 4_000_000:
        raise TooLargeError(f"{target.name}: too many patterns for exact entropies; use float64")
    by_size: list[Number] = [ball(0.0)] * (d + 1)
    rows = list(zip(map(tuple, target.rows.tolist()), fractions_of(target), strict=True))
    for subset in range(2**d):
        law: dict[tuple[int, ...], Fraction] = {}
        for row, weight in rows:
            key = tuple(x for i, x in enumerate(row) if subset >> i & 1)
            law[key] = law.get(key, Fraction(0)) + weight
        entropy = sum((-ball(q) * BALL.log(ball(q)) for q in law.values()), ball(0.0))
        u = subset.bit_count()
        by_size[u] = by_size[u] + entropy / math.comb(d, u)
    return [by_size[m + 1] - by_size[m] for m in range(d)]
