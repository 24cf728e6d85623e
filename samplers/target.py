"""The data law q_0 on [S]^d, stored as its support: distinct rows with positive weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from sharprates.samplers.errors import InputError, check_memory
from sharprates.samplers.family import Family
from torch import Tensor

ROWS = ("support", "all")


@dataclass(frozen=True, eq=False)
class Target:
    """A data law q_0 on [S]^d with finite support.

    Build it with `Target.from_rows` or `Target.from_pmf`, which check and sort.

    Attributes:
        name: what a report calls it.
        rows: int64 [N, d], the support, distinct and in lexicographic order, entries in 0..S-1.
        weights: float64 [N], positive, sum 1 to rounding.
        vocabulary: S.
        family: the member of a built-in family that it is, if it is one.
        symbols: the S symbols as text, if the data came as text.
        fractions: the weights as exact rationals, where they are known, same order as `rows`.
    """

    name: str
    rows: Tensor
    weights: Tensor
    vocabulary: int
    family: Family | None = None
    symbols: tuple[str, ...] | None = None
    fractions: tuple[Fraction, ...] | None = None

    @cached_property
    def _content(self) -> tuple[Any, ...]:
        """What makes two data laws the same, whatever they are called."""
        numbers = (self.rows.numpy().tobytes(), self.weights.numpy().tobytes())
        return (self.vocabulary, tuple(self.rows.shape), self.family, self.fractions, *numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

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
        weights: Tensor | Sequence[float | Fraction],
        vocabulary: int,
        *,
        name: str = "target",
        family: Family | None = None,
        symbols: tuple[str, ...] | None = None,
    ) -> Target:
        """Build a target from weighted sequences; repeats are merged, weight 0 is dropped.

        Args:
            rows: int [n, d], entries in 0..S-1, d ≥ 1.
            weights: [n], non-negative, positive sum; normalised here. If all are `Fraction` or
                `int`, the exact weights are kept.
            vocabulary: S ≥ 1.
            name: what a report calls it.
            family: the member of a built-in family that it is, if it is one.
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
        shape = tuple(weights.shape) if isinstance(weights, Tensor) else (len(weights),)
        if shape != x.shape[:1]:
            raise InputError(f"weights: need shape ({x.shape[0]},), one a row, got {shape}")

        unique, inverse = torch.unique(x, dim=0, return_inverse=True)
        fractions: tuple[Fraction, ...] | None = None
        if not isinstance(weights, Tensor) and all(isinstance(v, (Fraction, int)) for v in weights):
            fractions = _exact_law(weights, inverse.tolist(), unique.shape[0])
            w = torch.tensor([float(v) for v in fractions], dtype=torch.float64)
            keep = torch.tensor([v > 0 for v in fractions])
            if bool((w[keep] == 0).any()):
                raise InputError(
                    "weights: one is below 1e-308 of the whole, too little for float64: drop it"
                )
            fractions = tuple(v for v in fractions if v > 0)
        else:
            given = torch.as_tensor(
                weights if isinstance(weights, Tensor) else [float(v) for v in weights],
                dtype=torch.float64,
            )
            if not bool(torch.isfinite(given).all()) or bool((given < 0).any()):
                raise InputError("weights: must be finite and not negative")
            w = torch.zeros(unique.shape[0], dtype=torch.float64).index_add_(0, inverse, given)
            if not 0 < float(w.sum()) < math.inf:
                raise InputError(f"weights: need a positive, finite sum, got {float(w.sum())}")
            w = w / w.sum()
            keep = w > 0
        return Target(name, unique[keep], w[keep], vocabulary, family, symbols, fractions)

    @staticmethod
    def from_pmf(pmf: Tensor, *, name: str = "pmf", family: Family | None = None) -> Target:
        """Build a target from a dense table of probabilities.

        Args:
            pmf: [S]*d, non-negative; normalised here.
            name: what a report calls it.
            family: the member of a built-in family that it is, if it is one.

        Raises:
            InputError: if the axes differ in length, or a weight is impossible.
        """
        if pmf.ndim == 0 or len(set(pmf.shape)) != 1:
            raise InputError(f"pmf: need shape (S,)*d, all axes alike, got {tuple(pmf.shape)}")
        states = pmf.nonzero()
        if states.shape[0] == 0:
            raise InputError("pmf: all entries are 0; a law needs positive mass")
        return Target.from_rows(
            states, pmf[tuple(states.unbind(1))], pmf.shape[0], name=name, family=family
        )

    def pmf(self) -> Tensor:
        """The law as a dense float64 table of shape (S,)*d.

        Raises:
            TooLargeError: if S^d float64 numbers do not fit into memory.
        """
        d, S = self.length, self.vocabulary
        check_memory(
            8 * S**d, f"the dense table of {S}^{d} states", "work with the support instead"
        )
        dense = torch.zeros((S,) * d, dtype=torch.float64)
        dense[tuple(self.rows.unbind(1))] = self.weights
        return dense


def _exact_law(
    weights: Sequence[float | Fraction], position: list[int], count: int
) -> tuple[Fraction, ...]:
    """Normalised exact weights of `count` rows; `position` says where each weight belongs."""
    sums: list[float | Fraction] = [0] * count  # of int and Fraction only; 0 stays an int
    for index, weight in zip(position, weights, strict=True):
        if weight < 0:
            raise InputError("weights: must be finite and not negative")
        sums[index] += weight
    total = Fraction(sum(sums))
    if total == 0:
        raise InputError("weights: need a positive, finite sum, got 0")
    # Few distinct values are common (uniform laws have one): divide each once.
    share = {value: Fraction(value) / total for value in set(sums)}
    return tuple(share[value] for value in sums)


def all_states(length: int, vocabulary: int) -> Tensor:
    """All S^d full states, int64 [S^d, d], in lexicographic order.

    Raises:
        TooLargeError: if they do not fit into memory.
    """
    count = vocabulary**length
    check_memory(
        16 * count * length,
        f"the list of all {vocabulary}^{length} states",
        "use the support-only evaluation",
    )
    code = torch.arange(count)
    powers = vocabulary ** torch.arange(length - 1, -1, -1)
    return code[:, None] // powers % vocabulary


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
