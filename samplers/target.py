"""The data law q_0 on [S]^d, stored as its support: distinct rows with positive weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from samplers.errors import InputError
from samplers.memory import require


@dataclass(frozen=True, eq=False)
class Target:
    """A data law q_0 on [S]^d with finite support.

    Build it with `Target.from_rows` or `Target.from_pmf`, which check and sort.

    Attributes:
        name: what a report calls it.
        rows: int64 [N, d], the support, distinct and in lexicographic order, entries in 0..S-1.
        weights: float64 [N], positive, sum 1 to rounding.
        vocabulary: S.
        family: name of the built-in family it belongs to (see `samplers.families`), if any.
        symbols: the S symbols as text, if the data came as text.
        fractions: the weights as exact rationals, where they are known, same order as `rows`.
    """

    name: str
    rows: Tensor
    weights: Tensor
    vocabulary: int
    family: str | None = None
    symbols: tuple[str, ...] | None = None
    fractions: tuple[Fraction, ...] | None = None

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.rows.shape[1])

    @property
    def support(self) -> int:
        """Number N of sequences with positive probability."""
        return int(self.rows.shape[0])

    @staticmethod
    def from_rows(
        rows: Tensor | Sequence[Sequence[int]],
        weights: Tensor | Sequence[float] | Sequence[Fraction],
        vocabulary: int,
        *,
        name: str = "target",
        family: str | None = None,
        symbols: tuple[str, ...] | None = None,
    ) -> Target:
        """Build a target from weighted sequences; repeats are merged, weight 0 is dropped.

        Args:
            rows: int [n, d], entries in 0..S-1, d ≥ 1.
            weights: [n], non-negative, positive sum; normalised here. If all are `Fraction` or
                `int`, the exact weights are kept.
            vocabulary: S ≥ 1.
            name: what a report calls it.
            family: built-in family, if it is one.
            symbols: the S symbols as text.

        Raises:
            InputError: naming the argument, if a shape, a symbol or a weight is impossible.
        """
        x = torch.as_tensor(rows, dtype=torch.int64)
        if x.ndim != 2 or x.shape[0] == 0 or x.shape[1] == 0:
            raise InputError(f"rows: need shape [n, d] with n, d ≥ 1, got {list(x.shape)}")
        if int(x.min()) < 0 or int(x.max()) >= vocabulary:
            raise InputError(
                f"rows: symbols must lie in 0..{vocabulary - 1}, got {int(x.min())}..{int(x.max())}"
            )
        exact = not isinstance(weights, Tensor) and all(
            isinstance(v, (Fraction, int)) for v in weights
        )
        w = torch.as_tensor([float(v) for v in weights], dtype=torch.float64)
        if w.shape != (x.shape[0],):
            raise InputError(f"weights: need {x.shape[0]} of them, one a row, got {list(w.shape)}")
        if not bool(torch.isfinite(w).all()) or bool((w < 0).any()):
            raise InputError("weights: must be finite and not negative")
        if float(w.sum()) <= 0:
            raise InputError("weights: all are 0; a law needs positive mass")

        unique, inverse = torch.unique(x, dim=0, return_inverse=True)
        merged = torch.zeros(unique.shape[0], dtype=torch.float64).index_add_(0, inverse, w)
        merged = merged / merged.sum()
        keep = merged > 0
        fractions: tuple[Fraction, ...] | None = None
        if exact:
            sums = [Fraction(0)] * unique.shape[0]
            for index, weight in zip(inverse.tolist(), weights, strict=True):
                sums[index] += Fraction(weight)
            total = sum(sums, Fraction(0))
            fractions = tuple(v / total for v, k in zip(sums, keep.tolist(), strict=True) if k)
        return Target(name, unique[keep], merged[keep], vocabulary, family, symbols, fractions)

    @staticmethod
    def from_pmf(pmf: Tensor, *, name: str = "pmf", family: str | None = None) -> Target:
        """Build a target from a dense table of probabilities.

        Args:
            pmf: [S]*d, non-negative; normalised here.
            name: what a report calls it.
            family: built-in family, if it is one.

        Raises:
            InputError: if the axes differ in length, or a weight is impossible.
        """
        if pmf.ndim == 0 or len(set(pmf.shape)) != 1:
            raise InputError(f"pmf: need shape (S,)*d, all axes alike, got {tuple(pmf.shape)}")
        states = all_states(pmf.ndim, pmf.shape[0])
        return Target.from_rows(
            states, pmf.to(torch.float64).reshape(-1), pmf.shape[0], name=name, family=family
        )

    def pmf(self) -> Tensor:
        """The law as a dense float64 table of shape (S,)*d.

        Raises:
            TooLargeError: if S^d float64 numbers do not fit into memory.
        """
        d, S = self.length, self.vocabulary
        require(8 * S**d, f"the dense table of {S}^{d} states", "work with the support instead")
        dense = torch.zeros((S,) * d, dtype=torch.float64)
        dense[tuple(self.rows.unbind(1))] = self.weights
        return dense


def all_states(length: int, vocabulary: int) -> Tensor:
    """All S^d full states, int64 [S^d, d], in lexicographic order.

    Raises:
        TooLargeError: if they do not fit into memory.
    """
    count = vocabulary**length
    require(
        16 * count * length,
        f"the list of all {vocabulary}^{length} states",
        "use the support-only evaluation",
    )
    code = torch.arange(count)
    powers = vocabulary ** torch.arange(length - 1, -1, -1)
    return code[:, None] // powers % vocabulary
