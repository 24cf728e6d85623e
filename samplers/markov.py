"""Stationary Markov chains: laws with exact conditionals at any length.

They let samplers run at d in the thousands against a law that is known: a chain is a denoiser,
draws its own exact rows, and gives the probability of any row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Positions
from sharprates.samplers.errors import InputError, check_memory
from sharprates.samplers.sampling import draw
from torch import Tensor

# Gaps looked at in one go; wide enough for most tokens, narrow enough to be cheap.
_WINDOW = 8

# Tokens in all, a token asked for, up to which a list of the revealed ones pays off (measured).
_CROWDED = 128


def _check_rows(name: str, p: Tensor) -> Tensor:
    """Check that the last axis holds laws (to 1e-9), and normalise them to rounding."""
    if not p.is_floating_point() or not bool(torch.isfinite(p).all()) or bool((p < 0).any()):
        raise InputError(f"{name}: need probabilities, finite and not negative")
    if bool(((p.sum(-1) - 1).abs() > 1e-9).any()):
        raise InputError(f"{name}: every row must sum to 1; divide by its sum")
    return p / p.sum(-1, keepdim=True)


def _normalise(p: Tensor) -> Tensor:
    """Divide by the row sums; a context of probability 0 gets the uniform law (a convention)."""
    total = p.sum(-1, keepdim=True)
    if bool((total > 0).all()):
        return p / total
    return torch.where(total > 0, p / total, 1 / p.shape[-1])


@dataclass(frozen=True, eq=False)
class MarkovChain:
    """A stationary Markov chain on [S], and the exact denoiser of its d-token law.

    Given the revealed tokens, a hidden one depends on its nearest revealed neighbours alone:
    p(a) ∝ (A^g)[left, a] · (A^h)[a, right] at gaps g and h. The powers are tabled up to the gap
    from which on A^g is stationary to rounding: farther neighbours tell nothing, and tables and
    search stay small however long d is.

    Build it with `MarkovChain.of`.

    Attributes:
        transition: float64 [S, S], A; rows sum to 1.
        stationary: float64 [S], π with πA = π.
        length: d.
        left: [(G+1)·(S+1), S] with rows (gap g, symbol l): A^g[l, ·]; (0, S) is π, no neighbour.
        right: the same for the right neighbour r: A^g[·, r]; (0, S) is 1.
        reach: G, the largest gap tabled; a neighbour beyond it counts as none.
    """

    transition: Tensor
    stationary: Tensor
    length: int
    left: Tensor
    right: Tensor
    reach: int

    time_free = True
    normalised = True

    @staticmethod
    def of(
        transition: Tensor, length: int, *, dtype: torch.dtype = torch.float64, device: str = "cpu"
    ) -> MarkovChain:
        """The chain with a transition matrix, and its tables.

        Args:
            transition: [S, S], rows sum to 1; one stationary law only.
            length: d ≥ 1.
            dtype: of the tables and predictions; powers are computed in float64.
            device: where the tables live.

        Raises:
            InputError: if the matrix is no transition matrix, or has several stationary laws.
            TooLargeError: if the tables do not fit into memory.
        """
        if transition.ndim != 2 or transition.shape[0] != transition.shape[1]:
            raise InputError(f"transition: need [S, S], got {list(transition.shape)}")
        if length < 1:
            raise InputError(f"length: need d ≥ 1, got {length}")
        A = _check_rows("transition", transition.to("cpu", torch.float64))
        S = A.shape[0]
        # πA = π and Σπ = 1: S + 1 equations whose solution is unique iff the rank is S.
        system = torch.cat([A.T - torch.eye(S, dtype=A.dtype), torch.ones(1, S, dtype=A.dtype)])
        if int(torch.linalg.matrix_rank(system[:-1], rtol=1e-12)) < S - 1:
            raise InputError("transition: has several stationary laws; connect its classes")
        side = torch.cat([torch.zeros(S, dtype=A.dtype), torch.ones(1, dtype=A.dtype)])
        pi = torch.linalg.lstsq(system, side[:, None]).solution[:, 0].clamp(min=0)
        pi = pi / pi.sum()

        powers = [torch.eye(S, dtype=A.dtype)]
        # Stationary to rounding: all rows alike, up to what float64 powers can resolve.
        while len(powers) < length and not torch.allclose(
            powers[-1], powers[-1][:1].expand(S, S), rtol=1e-14, atol=1e-30
        ):
            check_memory(
                48 * S * (S + 1) * (len(powers) + 1),
                f"powers of the transition matrix up to gap {len(powers)}",
                "take a shorter sequence, a smaller vocabulary or a chain that mixes faster",
            )
            power = powers[-1] @ A
            powers.append(power / power.sum(1, keepdim=True))
        stack = torch.stack(powers)
        gaps = stack.shape[0]
        left, right = torch.ones(2, gaps, S + 1, S, dtype=A.dtype)
        left[:, :S], right[:, :S] = stack, stack.transpose(1, 2)
        left[:, S] = pi
        return MarkovChain(
            A.to(device),
            pi.to(device),
            length,
            left.flatten(0, 1).to(device, dtype),
            right.flatten(0, 1).to(device, dtype),
            gaps - 1,
        )

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.transition.shape[0])

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002 - the protocol's; time-free
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict hidden tokens; see `samplers.denoiser.Denoiser`."""
        n, d, S = x.shape[0], self.length, self.vocabulary
        if positions is None:
            rows = torch.arange(n, device=x.device).repeat_interleave(d)
            columns = torch.arange(d, device=x.device).repeat(n)
        else:
            rows, columns = positions
        x = x.contiguous()
        # Many tokens a row: one list of what is revealed serves all. Few: look around each.
        many = n * d <= _CROWDED * columns.numel()
        search = self._from_list if many else self._from_windows
        left, right = search(x, rows, columns)
        predicted = self.at(left, right)
        return predicted.view(n, d, S) if positions is None else predicted

    def at(self, left: Tensor, right: Tensor) -> Tensor:
        """The prediction given the table rows of both nearest revealed tokens, [..., S]."""
        return _normalise(self.left[left] * self.right[right])

    def _from_list(self, x: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Table rows (gap, symbol) of both nearest revealed tokens, by one search in a list."""
        n, d, S = x.shape[0], self.length, self.vocabulary
        # Flat indices r·(d+2)+1+i of revealed tokens, with a sentinel at both ends of every row.
        shown = torch.ones(n, d + 2, dtype=torch.bool, device=x.device)
        shown[:, 1:-1] = x != S
        revealed = shown.view(-1).nonzero().squeeze(1)
        at = rows * (d + 2) + 1 + columns
        place = torch.searchsorted(revealed, at)

        def table_row(neighbour: Tensor) -> Tensor:
            row, column = neighbour // (d + 2), neighbour % (d + 2) - 1
            gap = (neighbour - at).abs()
            inside = (column >= 0) & (column < d) & (gap <= self.reach)
            symbol = x.view(-1)[row * d + column.clamp(0, d - 1)]
            return torch.where(inside, gap * (S + 1) + symbol, S)

        return table_row(revealed[place - 1]), table_row(revealed[place])

    def _from_windows(self, x: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """The same, by looking at the `reach` tokens on either side."""
        return self._nearest(x, rows, columns, -1), self._nearest(x, rows, columns, 1)

    def _nearest(self, x: Tensor, rows: Tensor, columns: Tensor, side: int) -> Tensor:
        """Table row of the nearest revealed token on one side; most are in the first window."""
        d, S = self.length, self.vocabulary
        index = torch.full_like(columns, S)
        open_ = torch.arange(columns.numel(), device=x.device)
        first = min(_WINDOW, self.reach)
        for low, high in ((1, first), (first + 1, self.reach)):
            if low > high or open_.numel() == 0:
                break
            gap = torch.arange(low, high + 1, device=x.device)
            place = columns[open_, None] + side * gap
            inside = (place >= 0) & (place < d)
            flat = rows[open_, None] * d + place.clamp(0, d - 1)
            symbol = torch.where(inside, x.view(-1)[flat], S)
            shown = symbol != S
            found = shown.any(1)
            nearest = shown.to(torch.uint8).argmax(1)[found]  # argmax gives the first of equals
            index[open_[found]] = gap[nearest] * (S + 1) + symbol[found, nearest]
            open_ = open_[~found]
        return index

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n exact rows from left to right, int64 [n, d]."""
        u = torch.rand(
            n, self.length, generator=generator, dtype=torch.float64, device=self.transition.device
        )
        rows = torch.empty(n, self.length, dtype=torch.int64, device=u.device)
        rows[:, 0] = draw(self.stationary.expand(n, -1), u[:, 0])
        for i in range(1, self.length):
            rows[:, i] = draw(self.transition[rows[:, i - 1]], u[:, i])
        return rows

    def log_probability(self, rows: Tensor) -> Tensor:
        """Logarithm of q_0 at full rows, int64 [n, d] → float64 [n]; −∞ where impossible."""
        moves = self.transition[rows[:, :-1], rows[:, 1:]].log().sum(1)
        return self.stationary[rows[:, 0]].log() + moves
