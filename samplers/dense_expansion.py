"""The composition expansion over all of a small [S]^d: its indices are made once, then kept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache, lru_cache

import torch
from sharprates.samplers.target import all_states
from torch import Tensor

# Largest (1+2S)^d, the number of pairs of contexts x_U ⊂ x_V: what is kept has up to 10 MiB.
_MOST_PAIRS = 1 << 17


@dataclass(frozen=True, eq=False)
class DenseExpansion:
    """What the expansion over all of [S]^d needs, whatever the denoiser.

    Contexts stand by their number of revealed tokens, then in lexicographic order. For each u there
    is a sparse matrix from the contexts with u tokens to those with more; its entry at (V, U) is
    the product of the predictions p̂(x_i|x_U) of all i ∈ V∖U.

    Attributes:
        states: int64 [(S+1)^d − S^d, d], the contexts that hide a token.
        starts: where the contexts with 0, 1, …, d tokens begin, and (S+1)^d.
        below: for each u, int32: the place of x_U among those with u tokens, for each entry.
        rows: for each u, int32: where the entries of each x_V begin, and their number.
        cells: for each u, int64 [entries, d−u]: the predictions to multiply, as places in the flat
            table [(S+1)^d − S^d, d, S]; the place behind its end stands for 1.
    """

    states: Tensor
    starts: tuple[int, ...]
    below: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]
    cells: tuple[Tensor, ...]

    def table(self, predictions: Tensor) -> Tensor:
        """T_a(x) of all x in [S]^d.

        Args:
            predictions: float64 [(S+1)^d − S^d, d, S], p̂ at `states`.

        Returns:
            float64 [S^d, 2^(d−1)].
        """
        d, starts = self.states.shape[1], self.starts
        flat = torch.cat([predictions.reshape(-1), predictions.new_ones(1)])
        # Columns as in `expansion`: 2^(u−1) … 2^u − 1 come from the contexts with u tokens.
        values = predictions.new_zeros(starts[-1], 1 << (d - 1))
        values[0] = 1
        for u in range(d):
            left, right = (1 << u) >> 1, 1 << u
            here = values[starts[u] : starts[u + 1], : max(1, left)]
            factors = flat[self.cells[u]].prod(1)
            size = (starts[-1] - starts[u + 1], here.shape[0])
            matrix = sparse_matrix(self.rows[u], self.below[u], factors, size)
            values[starts[u + 1] :, left:right] = matrix @ here
        return values[starts[d] :]


def sparse_matrix(rows: Tensor, columns: Tensor, entries: Tensor, size: tuple[int, int]) -> Tensor:
    """A sparse matrix by rows (CSR), unchecked."""
    _warn_once()
    return torch.sparse_csr_tensor(rows, columns, entries, size, check_invariants=False)


@cache
def _warn_once() -> None:
    """Let torch say, unheard, that its support of such matrices is beta; it says so once only."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        torch.sparse_csr_tensor([0, 0], [], torch.zeros(0), (1, 1), check_invariants=False)


@lru_cache(maxsize=32)
def dense_expansion(d: int, S: int, device: torch.device) -> DenseExpansion | None:
    """The expansion over [S]^d; None if it is too large to be kept."""
    if (1 + 2 * S) ** d > _MOST_PAIRS:
        return None
    states = all_states(d, S + 1)
    revealed = (states < S).sum(1)
    order = torch.argsort(revealed, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    starts = [0, *torch.bincount(revealed, minlength=d + 1).cumsum(0).tolist()]
    # A pair x_U ⊂ x_V: each position is in U with a symbol, in V∖U with a symbol, or masked.
    pairs = all_states(d, 2 * S + 1)
    powers = (S + 1) ** torch.arange(d - 1, -1, -1)
    lower = torch.where(pairs < S, pairs, S)
    upper = torch.where(pairs < 2 * S, pairs % S, S)
    source, sink = place[(lower * powers).sum(1)], place[(upper * powers).sum(1)]
    sizes = (lower < S).sum(1)
    added = (pairs >= S) & (pairs < 2 * S)
    cells = (source[:, None] * d + torch.arange(d)) * S + pairs - S
    cells = torch.where(added, cells, starts[d] * d * S)
    below, rows, of_u = [], [], []
    for u in range(d):
        chosen = ((sizes == u) & added.any(1)).nonzero().squeeze(1)
        chosen = chosen[torch.argsort(sink[chosen], stable=True)]
        counts = torch.bincount(sink[chosen] - starts[u + 1], minlength=starts[-1] - starts[u + 1])
        below.append((source[chosen] - starts[u]).to(device, torch.int32))
        rows.append(torch.cat([counts.new_zeros(1), counts.cumsum(0)]).to(device, torch.int32))
        of_u.append(cells[chosen].sort(1).values[:, : d - u].contiguous().to(device))
    hiding = states[order[: starts[d]]].to(device)
    return DenseExpansion(hiding, tuple(starts), tuple(below), tuple(rows), tuple(of_u))
