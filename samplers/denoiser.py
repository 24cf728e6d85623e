"""Denoisers: what predicts the hidden tokens of a partial state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from samplers.errors import InputError
from samplers.target import Target

Positions = tuple[Tensor, Tensor]
"""(row, position) index pairs, two int64 [n]: ask a denoiser for these conditionals only."""


class Denoiser(Protocol):
    """Predicts each hidden token's law from the revealed ones.

    In a partial state x the mask is the symbol S. The prediction p̂_i(a|x) stands for the score
    ŝ = α/(1−α)·p̂ (theory note, §0). If `normalised` is False its sum over a need not be 1.

    A denoiser may also have `relative_error`, a bound on the relative rounding error of its
    predictions (`relative_error` below); without it the numbers it returns are the denoiser.
    """

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        ...

    @property
    def time_free(self) -> bool:
        """True if the prediction does not depend on t."""
        ...

    @property
    def normalised(self) -> bool:
        """True if every prediction sums to 1 over the vocabulary."""
        ...

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict.

        Args:
            x: int64 [B, d], partial states, mask = S.
            t: time, a number or float64 [B]; time-free denoisers ignore it.
            positions: only these (row, position) pairs.

        Returns:
            float64 [B, d, S], or [n, S] where `positions` is given. Entries at revealed positions
            carry no meaning.
        """
        ...


def relative_error(denoiser: Denoiser) -> float:
    """Bound on the relative rounding error of a denoiser's predictions; 0 if it states none."""
    return float(getattr(denoiser, "relative_error", 0.0))


OFF_SUPPORT = ("uniform", "marginal", "first")

# Conditionals worked out at a time: 2^22 float64 numbers are 32 MiB.
_CELLS = 1 << 22
_HALF_ULP = 2.0**-53


@dataclass(frozen=True, eq=False)
class ExactDenoiser:
    """The conditionals q_0(x_i | x_U) of a target.

    Where q_0(x_U) = 0 they are a convention, on which no TV to q_0 depends (S5).

    Attributes:
        target: the data law q_0.
        off_support: ``uniform`` 1/S, ``marginal`` q_0(x_i), or ``first`` the symbol 0.
    """

    target: Target
    off_support: str = "uniform"
    _copies: dict[torch.device, tuple[Tensor, Tensor, Tensor]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        if self.off_support not in OFF_SUPPORT:
            raise InputError(
                f"off_support {self.off_support!r} is unknown: use one of {', '.join(OFF_SUPPORT)}"
            )

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.target.vocabulary

    @property
    def time_free(self) -> bool:
        """True."""
        return True

    @property
    def normalised(self) -> bool:
        """True."""
        return True

    @property
    def relative_error(self) -> float:
        """Bound on the relative rounding error of a prediction.

        A marginal is an exact sum of coarse parts, a sum of at most N fine parts, and one addition
        (see `_split`). Fine parts are at most min(w, 2^-53), so their sum errs by at most
        N·2^-53·min(1, 2^-53/min w) relative to the marginal. A conditional is a quotient of two.
        """
        smallest = float(self.target.weights.min())
        marginal = self.target.support * min(1.0, _HALF_ULP / smallest) + 1
        return (2 * marginal + 1) * _HALF_ULP * (1 + 1e-9)

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002, the protocol's argument
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict; see `Denoiser`. Distinct contexts are evaluated once.

        Args:
            x: int64 [B, d], partial states, mask = S.
            t: ignored.
            positions: only these (row, position) pairs.

        Returns:
            float64 [B, d, S], 0 at revealed positions, or [n, S].

        Raises:
            InputError: if x has another length or symbols outside 0..S.
        """
        d, S = self.target.length, self.vocabulary
        if x.ndim != 2 or x.shape[1] != d:
            raise InputError(f"x: need partial states [B, {d}], got {list(x.shape)}")
        if x.numel() and (int(x.min()) < 0 or int(x.max()) > S):
            raise InputError(f"x: symbols must lie in 0..{S}, where {S} is the mask")
        contexts, which = _distinct(x, S)
        wanted = which if positions is None else which[positions[0]]
        by_context = torch.argsort(wanted)
        wanted = wanted[by_context]
        shape = (x.shape[0], d, S) if positions is None else (wanted.shape[0], S)
        out = torch.zeros(shape, dtype=torch.float64, device=x.device)
        for first, last, hidden in self._groups(contexts):
            bounds = torch.tensor([first, last], device=x.device)
            low, high = torch.searchsorted(wanted, bounds).tolist()
            if low == high:
                continue
            table = self._conditionals(contexts[first:last], hidden)
            items, local = by_context[low:high], wanted[low:high] - first
            if positions is None:
                # Each context is wanted at least once: as many as there are means once each.
                once = local.shape[0] == table.shape[0]
                out[items[:, None], hidden] = table if once else table[local]
            else:
                rank = torch.zeros(d, dtype=torch.int64, device=x.device)
                rank[hidden] = torch.arange(hidden.shape[0], device=x.device)
                out[items] = table[local, rank[positions[1][items]]]
        return out

    def _groups(self, contexts: Tensor) -> Iterator[tuple[int, int, Tensor]]:
        """Slices of contexts that hide the same positions, and these; bounded in size."""
        if contexts.shape[0] == 0:
            return
        S = self.vocabulary
        starts = _changes((contexts == S).to(torch.int64))
        for first, last in zip(starts, [*starts[1:], contexts.shape[0]], strict=True):
            hidden = (contexts[first] == S).nonzero().squeeze(1)
            if hidden.shape[0] == 0:
                continue
            size = max(1, _CELLS // (hidden.shape[0] * S))
            for low in range(first, last, size):
                yield low, min(low + size, last), hidden

    def _conditionals(self, contexts: Tensor, hidden: Tensor) -> Tensor:
        """q_0(x_i = a | context) for contexts that hide the same positions: [n, hidden, S]."""
        rows, coarse, fine = self._support(contexts.device)
        S, count, width = self.vocabulary, contexts.shape[0], hidden.shape[0]
        shown = (contexts[0] != S).nonzero().squeeze(1)
        keys = _keys(torch.cat([rows[:, shown], contexts[:, shown]]), S)
        ordered, order = keys[rows.shape[0] :].sort()
        place = torch.searchsorted(ordered, keys[: rows.shape[0]]).clamp(max=count - 1)
        met = (ordered[place] == keys[: rows.shape[0]]).nonzero().squeeze(1)
        context = order[place[met]]
        column = torch.arange(width, device=rows.device)
        cell = (context[:, None] * width + column) * S + rows[met[:, None], hidden]

        def total(index: Tensor, length: int) -> Tensor:
            zero = torch.zeros(length, dtype=torch.float64, device=rows.device)
            sums = [
                zero.scatter_add(0, index.reshape(-1), w[met, None].expand_as(index).reshape(-1))
                for w in (coarse, fine)
            ]
            return sums[0] + sums[1]

        joint = total(cell, count * width * S).view(count, width, S)
        mass = total(context[:, None], count)[:, None, None]
        return torch.where(mass > 0, joint / mass, self._convention(hidden))

    def _convention(self, hidden: Tensor) -> Tensor:
        """The prediction where the context has no mass: [hidden, S]."""
        S = self.vocabulary
        shape = (hidden.shape[0], S)
        if self.off_support == "uniform":
            return torch.full(shape, 1 / S, dtype=torch.float64, device=hidden.device)
        table = torch.zeros(shape, dtype=torch.float64, device=hidden.device)
        if self.off_support == "first":
            table[:, 0] = 1
            return table
        rows, coarse, fine = self._support(hidden.device)
        weight = (coarse + fine).expand(hidden.shape[0], -1)
        table.scatter_add_(1, rows[:, hidden].T, weight)
        return table / table.sum(1, keepdim=True)

    def _support(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Rows and split weights on a device."""
        if device not in self._copies:
            parts = (self.target.rows, *_split(self.target.weights))
            self._copies[device] = (
                parts[0].to(device),
                parts[1].to(device),
                parts[2].to(device),
            )
        return self._copies[device]


def _split(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weights as coarse + fine, exactly.

    Coarse parts are multiples of 2^-52 with sum below 2, so any sum of them is exact in any order:
    the error of a marginal does not grow with the number of rows, as a plain sum's would.
    """
    coarse = (weights * 2.0**52).round() / 2.0**52
    return coarse, weights - coarse


def _keys(x: Tensor, base: int) -> Tensor:
    """One int64 a row, equal just where rows are equal; mixed radix, or ranks if that overflows."""
    d = x.shape[1]
    if base**d < 2**63:
        powers = [base**i for i in range(d - 1, -1, -1)]
        return (x * torch.tensor(powers, dtype=torch.int64, device=x.device)).sum(1)
    ranks: Tensor = torch.unique(x, dim=0, return_inverse=True)[1]
    return ranks


def _distinct(x: Tensor, mask: int) -> tuple[Tensor, Tensor]:
    """The distinct rows of x, those that hide the same positions side by side; and x's indices."""
    _, inverse = torch.unique(_keys(x, mask + 1), return_inverse=True)
    count = int(inverse.max()) + 1 if inverse.numel() else 0
    some = torch.zeros(count, dtype=torch.int64, device=x.device)
    some[inverse] = torch.arange(x.shape[0], device=x.device)
    rows = x[some]
    order = torch.argsort(_keys((rows == mask).to(torch.int64), 2), stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(count, device=x.device)
    return rows[order], rank[inverse]


def _changes(x: Tensor) -> list[int]:
    """Indices of the rows that differ from the row before, the first included."""
    new = (x[1:] != x[:-1]).any(1).nonzero().squeeze(1) + 1
    return [0, *new.tolist()]
