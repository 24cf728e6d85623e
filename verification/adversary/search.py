"""Tools of every hunt: marginals of a law on given rows, moves between supports, rounding.

Rows that agree on U share the marginal q_0(x_U). Which rows agree is fixed by the support, so the
marginals are linear in the weights, and everything built of them is differentiable in these.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

import torch
from sharprates.samplers.errors import check_memory
from sharprates.verification.exact_experiment import experiment_on_rows
from sharprates.verification.experiment import Experiment
from torch import Tensor

SMALLEST = 1e-30
"""Weights are kept above it: a ratio of marginals is then finite, and its gradient too."""


@dataclass(frozen=True, eq=False)
class Support:
    """A set of rows, and which of them agree where.

    Attributes:
        rows: int64 [N, d].
        vocabulary: S.
    """

    rows: Tensor
    vocabulary: int

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.rows.shape[1])

    @cached_property
    def agree(self) -> Tensor:
        """float64 [2^d, N, N]: 1 where two rows agree on the subset U (bit i is position i)."""
        n, d = self.rows.shape
        check_memory(
            16 * n * n << d, f"the agreement of {n} rows on 2^{d} subsets", "use fewer rows"
        )
        return agreement(self.rows[None])[:, 0].to(torch.float64)

    def marginals(self, weights: Tensor) -> Tensor:
        """q_0(x_U) for every U and row.

        Args:
            weights: [N, B], B laws on these rows.

        Returns:
            [2^d, N, B].
        """
        n = self.rows.shape[0]
        return (self.agree.reshape(-1, n) @ weights).reshape(-1, n, weights.shape[1])


def agreement(rows: Tensor) -> Tensor:
    """Which rows agree on which subset: bool [2^d, B, N, N] of rows [B, N, d]."""
    d = rows.shape[2]
    equal = rows[:, :, None, :] == rows[:, None, :, :]
    code = (equal * 2 ** torch.arange(d)).sum(-1)
    subsets = torch.arange(2**d)[:, None, None, None]
    return (code & subsets) == subsets


@cache
def pair_terms(d: int) -> tuple[Tensor, Tensor]:
    """All (U, {i,j}) with i, j ∉ U: int64 [4, terms] of U, U∪i, U∪j, U∪{i,j}; and weights.

    The weights average over the C(d, n)·C(d−n, 2) terms of each size n = |U|.
    """
    terms, weights = [], []
    for subset in range(2**d):
        outside = [i for i in range(d) if not subset >> i & 1]
        n = d - len(outside)
        for i, j in itertools.combinations(outside, 2):
            terms.append((subset, subset | 1 << i, subset | 1 << j, subset | 1 << i | 1 << j))
            weights.append(1 / (math.comb(d, n) * math.comb(d - n, 2)))
    return torch.tensor(terms).T, torch.tensor(weights, dtype=torch.float64)


def losses(marginals: Tensor) -> Tensor:
    """½ Σ_j F_j(x), what each row loses to first order (L5 in its computable form), differentiable.

    Args:
        marginals: [2^d, N, B].

    Returns:
        [N, B].
    """
    d = marginals.shape[0].bit_length() - 1
    terms, share = pair_terms(d)
    none, one, other, both = (marginals[index] for index in terms)
    return d / 2 * (d - 1 - torch.einsum("t,tnb->nb", share, one * other / (none * both)))


def first_order(marginals: Tensor, weights: Tensor) -> Tensor:
    """c(q_0) of L5, differentiable.

    Args:
        marginals: [2^d, N, B].
        weights: [N, B].

    Returns:
        [B].
    """
    return (weights * losses(marginals).clamp(min=0)).sum(0)


def uniform_first_order(rows: Tensor) -> Tensor:
    """c of the uniform laws on B lists of rows (a row may repeat): [B] of rows [B, N, d]."""
    counts = agreement(rows).sum(-1).to(torch.float64)  # [2^d, B, N]
    n = rows.shape[1]
    marginals = counts.transpose(1, 2) / n
    return first_order(marginals, torch.full((1, 1), 1 / n, dtype=torch.float64))


def all_rows(length: int, vocabulary: int) -> Tensor:
    """All of [S]^d, int64 [S^d, d]."""
    return torch.cartesian_prod(*[torch.arange(vocabulary)] * length).reshape(-1, length)


def as_weights(logits: Tensor) -> Tensor:
    """A point of the simplex in each column, no entry below `SMALLEST`."""
    return torch.softmax(logits, 0).clamp(min=SMALLEST)


# --- rounding -------------------------------------------------------------------------------------


def roundings(weights: Sequence[float], largest: int = 240) -> list[list[int]]:
    """Whole-number weights near a law, one list a denominator D ≤ `largest`, ascending in D.

    Each is the nearest law whose entries are multiples of 1/D: rounded down, and the rest given to
    the largest remainders.
    """
    total = sum(weights)
    shares = [w / total for w in weights]
    found = []
    for denominator in range(1, largest + 1):
        scaled = [share * denominator for share in shares]
        counts = [math.floor(x + 1e-9) for x in scaled]
        missing = denominator - sum(counts)
        order = sorted(range(len(counts)), key=lambda k: counts[k] - scaled[k])
        for k in order[: max(missing, 0)]:
            counts[k] += 1
        if sum(counts) == denominator:
            found.append(counts)
    return found


def simplest(values: Sequence[float], tolerance: float = 1e-9) -> int:
    """The first index whose value is within `tolerance`, relative, of the largest one."""
    best = max(values)
    return next(k for k, v in enumerate(values) if v >= best - tolerance * max(1.0, abs(best)))


def instance_of(
    rows: Sequence[Sequence[int]], counts: Sequence[int], vocabulary: int
) -> Experiment:
    """A readable instance: merged rows, symbols named in order of appearance, rows sorted.

    Renaming the symbols of a position changes none of the quantities that are hunted.
    """
    merged: dict[tuple[int, ...], int] = {}
    for row, count in zip(rows, counts, strict=True):
        if count:
            merged[tuple(row)] = merged.get(tuple(row), 0) + int(count)
    order = sorted(merged, key=lambda row: (-merged[row], row))
    names: list[dict[int, int]] = [{} for _ in order[0]]
    total = sum(merged.values())
    renamed = {
        tuple(names[i].setdefault(x, len(names[i])) for i, x in enumerate(row)): Fraction(
            merged[row], total
        )
        for row in order
    }
    return experiment_on_rows(
        vocabulary, tuple(sorted(renamed)), tuple(renamed[r] for r in sorted(renamed))
    )
