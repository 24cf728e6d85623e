"""Denoisers: what predicts the hidden tokens of a partial state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.marginal_table import (
    Places,
    conditional_error,
    is_small,
    marginal_table,
    powers,
    split,
)
from sharprates.samplers.target import Target
from torch import Tensor

Positions = tuple[Tensor, Tensor]
"""(row, position) index pairs, two int64 [n]: ask a denoiser for these conditionals only."""


class Denoiser(Protocol):
    """Predicts each hidden token's law from the revealed ones.

    In a partial state x the mask is the symbol S. The prediction p̂_i(a|x) stands for the score
    ŝ = α/(1−α)·p̂. If `normalised` is False its sum over a need not be 1.

    A denoiser may also have `relative_error`, a bound on the relative rounding error of its
    predictions (`relative_error` below); without it the numbers it returns are the denoiser.

    One that depends on time may say how: `breaks`, the times between which it is constant, or
    `variation(early, late)`, a bound on the TV between its predictions of a token at any two times
    between these (`variation` below); with both, the bound holds between breaks. Without either,
    all that comes from averages over time is an estimate.
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


def breaks(denoiser: object) -> tuple[float, ...] | None:
    """The times at which a denoiser says that it may jump; None if it does not say."""
    found: tuple[float, ...] | None = getattr(denoiser, "breaks", None)
    return found


def variation(denoiser: Denoiser, early: float, late: float) -> float:
    """Bound on the TV between a denoiser's predictions of a token at any two times in between.

    Of predictions divided by their sums; 1, which says nothing, if it states neither this nor its
    breaks.

    Args:
        denoiser: any.
        early: the times lie after this,
        late: and before this, which may be infinite.
    """
    if denoiser.time_free:
        return 0.0
    jumps, stated = breaks(denoiser), getattr(denoiser, "variation", None)
    if any(early < t < late for t in jumps or ()):
        return 1.0
    if stated is None:
        return 1.0 if jumps is None else 0.0
    found = float(stated(early, late))
    return found if found < 1 else 1.0  # also where it is not a number


OFF_SUPPORT = ("uniform", "marginal", "first")

# Conditionals worked out at a time: 2^22 float64 numbers are 32 MiB.
_CELLS = 1 << 22
# Numbers read of the support for patterns that are worked out together.
_TOGETHER = 1 << 18


@dataclass(frozen=True)
class ExactDenoiser:
    """The conditionals q_0(x_i | x_U) of a target.

    Where q_0(x_U) = 0 they are a convention, on which no TV to q_0 depends (S5).

    Attributes:
        target: the data law q_0.
        off_support: ``uniform`` 1/S, ``marginal`` q_0(x_i), or ``first`` the symbol 0.
    """

    target: Target
    off_support: str = "uniform"
    _copies: dict[torch.device, tuple[Tensor, Tensor]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _marginals: dict[torch.device, Tensor] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    time_free = True
    normalised = True

    def __post_init__(self) -> None:
        if self.off_support not in OFF_SUPPORT:
            raise InputError(
                f"off_support {self.off_support!r} is unknown: use one of {', '.join(OFF_SUPPORT)}"
            )

    def __str__(self) -> str:
        return f"exact, off-support {self.off_support}"

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.target.vocabulary

    @property
    def relative_error(self) -> float:
        """Bound on the relative rounding error of a prediction."""
        return conditional_error(self.target.support, float(self.target.weights.min()))

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
        if x.numel() and not 0 <= int(x.min()) <= int(x.max()) <= S:
            raise InputError(f"x: symbols must lie in 0..{S}, where {S} is the mask")
        if self.has_table(d):
            found = self.at(Places.of(x, S, positions), positions)
            return found if positions is not None else found * (x == S)[..., None]
        contexts, which = _distinct(x, S)
        wanted = which if positions is None else which[positions[0]]
        by_context = torch.argsort(wanted)
        wanted = wanted[by_context]
        shape = (x.shape[0], d, S) if positions is None else (wanted.shape[0], S)
        out = torch.zeros(shape, dtype=torch.float64, device=x.device)
        groups = list(self._groups(contexts))
        bounds = torch.tensor([one[:2] for one in groups], dtype=torch.int64, device=x.device)
        ends = torch.searchsorted(wanted, bounds).tolist()
        for (first, last, pattern), (low, high) in zip(groups, ends, strict=True):
            if low == high:
                continue
            hidden, table = self._conditionals(contexts[first:last], pattern)
            items, local = by_context[low:high], wanted[low:high] - first
            if positions is None:
                # Each context is wanted at least once: as many as there are means once each.
                if local.shape[0] != table.shape[0]:
                    hidden, table = hidden[local], table[local]
                out[items[:, None], hidden] = table
            else:
                rank = (contexts[first:last] == S).cumsum(1) - 1
                out[items] = table[local, rank[local, positions[1][items]]]
        return out

    def has_table(self, length: int) -> bool:
        """Whether predictions for sequences so long are looked up in a table."""
        q = self.target
        return length == q.length and is_small(length, q.vocabulary, q.support)

    def at(self, where: Places, positions: Positions | None = None) -> Tensor:
        """Predict where the marginals to be divided stand at known places of the table.

        Args:
            where: these places.
            positions: the pairs that they are for, if they are for pairs.

        Returns:
            float64 [B, d, S], 1 or a convention at revealed positions, or [n, S].
        """
        device = where.mass.device
        if device not in self._marginals:
            self._marginals[device] = marginal_table(*self._support(device), self.vocabulary)
        joint, mass = (self._marginals[device].take(place) for place in where)
        convention = self._convention(device)[slice(None) if positions is None else positions[1]]
        return torch.where(mass > 0, joint / mass, convention)

    def _groups(self, contexts: Tensor) -> Iterator[tuple[int, int, Tensor]]:
        """Slices of contexts that hide equally many positions, and a number for each pattern: [n].

        Bounded in size; small patterns go together, since each call to torch takes its time.
        """
        if contexts.shape[0] == 0:
            return
        d, S = self.target.length, self.vocabulary
        masked = contexts == S
        starts = _changes(masked)
        ends = [*starts[1:], contexts.shape[0]]
        widths = masked[starts].sum(1).tolist()
        pattern = torch.zeros(contexts.shape[0], dtype=torch.int64, device=contexts.device)
        pattern[starts[1:]] = 1
        pattern = pattern.cumsum(0)
        # Longer keys have no room for a pattern's number.
        together = _TOGETHER // (self.target.support * d) if S**d < 2**40 else 1
        place = 0
        while place < len(starts):
            width, first = widths[place], starts[place]
            size, stop = max(1, _CELLS // max(1, width * S)), place + 1
            while (
                stop < min(len(starts), place + together)
                and widths[stop] == width
                and ends[stop] <= first + size
            ):
                stop += 1
            for low in range(first, ends[stop - 1] if width else first, size):
                high = min(low + size, ends[stop - 1])
                yield low, high, pattern[low:high] - pattern[low]
            place = stop

    def _conditionals(self, contexts: Tensor, pattern: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden positions [n, h], and q_0(x_i = a | context) at each of them: [n, h, S]."""
        rows, parts = self._support(contexts.device)
        S, count, masked = self.vocabulary, contexts.shape[0], contexts == self.vocabulary
        patterns = torch.arange(int(pattern[-1]) + 1, device=rows.device)
        hidden = masked.nonzero()[:, 1].view(count, -1)
        shown = (~masked[torch.searchsorted(pattern, patterns)]).nonzero()[:, 1]
        shown = shown.view(len(patterns), -1)
        mine = rows[:, shown].flatten(0, 1)
        keys = _keys(torch.cat([mine, contexts.gather(1, shown[pattern])]), S)
        numbers = torch.cat([patterns.repeat(rows.shape[0]), pattern])
        keys = keys + numbers * (keys.max() + 1)
        ours, theirs = keys[: mine.shape[0]], keys[mine.shape[0] :]  # ascending: see `_distinct`
        place = torch.searchsorted(theirs, ours).clamp(max=count - 1)
        met = (theirs[place] == ours).nonzero().squeeze(1)
        context, row = place[met], met // len(patterns)
        width = hidden.shape[1]
        column = torch.arange(width, device=rows.device)
        cell = (context[:, None] * width + column) * S + rows[row[:, None], hidden[context]]
        both = parts[:, row, None].expand(-1, -1, width).reshape(2, -1)
        sums = torch.zeros(2, count * width * S, dtype=torch.float64, device=rows.device)
        sums = sums.index_add_(1, cell.reshape(-1), both).view(2, count, width, S)
        joint, mass = sums.sum(0), sums[:, :, :1].sum(3, keepdim=True).sum(0)
        return hidden, torch.where(mass > 0, joint / mass, self._convention(rows.device)[hidden])

    def _convention(self, device: torch.device) -> Tensor:
        """The prediction where the context has no mass: [d, S]."""
        shape = (self.target.length, self.vocabulary)
        if self.off_support == "uniform":
            return torch.full(shape, 1 / self.vocabulary, dtype=torch.float64, device=device)
        table = torch.zeros(shape, dtype=torch.float64, device=device)
        if self.off_support == "first":
            table[:, 0] = 1
            return table
        rows, parts = self._support(device)
        table.scatter_add_(1, rows.T, parts.sum(0).expand(shape[0], -1))
        return table / table.sum(1, keepdim=True)

    def _support(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Rows and split weights on a device."""
        if device not in self._copies:
            parts = split(self.target.weights)
            self._copies[device] = (self.target.rows.to(device), parts.to(device))
        return self._copies[device]


def _keys(x: Tensor, base: int) -> Tensor:
    """One int64 a row, equal just where rows are equal; mixed radix, or ranks if that overflows."""
    if base ** x.shape[1] < 2**63:
        return (x * powers(base, x.shape[1], x.device)).sum(1)
    ranks: Tensor = torch.unique(x, dim=0, return_inverse=True)[1]
    return ranks


def _distinct(x: Tensor, mask: int) -> tuple[Tensor, Tensor]:
    """The distinct rows of x, and x's indices among them.

    In the order of how many positions they hide, then of which, then of the values shown.
    """
    _, inverse = torch.unique(_keys(x, mask + 1), return_inverse=True)
    count = int(inverse.max()) + 1 if inverse.numel() else 0
    some = torch.zeros(count, dtype=torch.int64, device=x.device)
    some[inverse] = torch.arange(x.shape[0], device=x.device)
    rows = x[some]
    masked = (rows == mask).to(torch.int64)
    order = torch.argsort(_keys(masked, 2), stable=True)
    order = order[torch.argsort(masked.sum(1)[order], stable=True)]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(count, device=x.device)
    return rows[order], rank[inverse]


def _changes(x: Tensor) -> list[int]:
    """Indices of the rows that differ from the row before, the first included."""
    new = (x[1:] != x[:-1]).any(1).nonzero().squeeze(1) + 1
    return [0, *new.tolist()]


@dataclass(frozen=True, eq=False)
class Normalised:
    """ŝ/Σŝ: what samplers draw from that take the time of a jump elsewhere.

    Attributes:
        base: the denoiser whose predictions are divided by their sums.

    Source: H2.
    """

    base: Denoiser

    normalised = True

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.base.vocabulary

    @property
    def time_free(self) -> bool:
        """Whether the prediction does not depend on t."""
        return self.base.time_free

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        p = self.base(x, t, positions)
        masked = x == self.vocabulary
        masked = masked if positions is None else masked[positions]
        total = p.sum(-1, keepdim=True)
        if bool((total.squeeze(-1)[masked] == 0).any()):
            raise InputError(
                "denoiser: its weights at a masked token sum to 0, so none can be drawn; "
                "it must give every context some mass"
            )
        return p / torch.where(total > 0, total, 1.0)


def normalised(denoiser: Denoiser) -> Denoiser:
    """The denoiser itself if its predictions sum to 1, else divided by their sums."""
    return denoiser if denoiser.normalised else Normalised(denoiser)
