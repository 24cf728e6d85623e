"""The exact output law by composition expansion (S2): tables once, then any schedule."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import combinations, pairwise

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, relative_error
from sharprates.samplers.errors import InputError, check_memory, check_tokens, free_bytes
from sharprates.samplers.output_law import UNIT, rounding
from sharprates.samplers.target import Target, listed
from torch import Tensor


def tables(
    target: Target, denoiser: Denoiser, rows: str = "support", device: str | torch.device = "cpu"
) -> CompositionTables:
    """Compute T_a(x) for all compositions a, on the support or on all sequences.

    With V_v(x_V) = Σ over ordered partitions of V, grouped by sizes, V_v is filled from the V_u of
    all smaller contexts: a last block B = V∖U multiplies by ∏_{i∈B} p̂(x_i|x_U). Contexts are the
    distinct sub-patterns of the rows, so for u < v this is a sparse matrix with C(v, u) entries a
    row, times a dense one.

    Error: `_depth` counts roundings, with those of the denoiser.

    Args:
        target: the data law q_0.
        denoiser: normalised and time-free.
        rows: ``support``, all that TV needs (S5), or ``all`` of [S]^d.
        device: where the tables are computed and kept.

    Returns:
        The tables.

    Raises:
        InputError: if the denoiser is time-dependent, not normalised, or has another vocabulary.
        TooLargeError: if the tables do not fit into memory.
    """
    if denoiser.vocabulary != target.vocabulary:
        raise InputError(
            f"denoiser: its vocabulary is {denoiser.vocabulary}, the target's {target.vocabulary}"
        )
    if not (denoiser.time_free and denoiser.normalised):
        lacks = "depends on time" if denoiser.normalised else "is not normalised"
        raise InputError(
            f"denoiser: it {lacks}, so the composition expansion does not apply; "
            "use sharprates.samplers.propagation.propagate"
        )
    d, S = target.length, target.vocabulary
    check_tokens(d, target.name)
    count = target.support if rows == "support" else S**d
    size = count
    # Rows are independent of each other; smaller groups share fewer contexts but need less memory.
    while size > 1 and _working_bytes(d, S, size) > min(3 << 30, free_bytes(device) // 2):
        size = -(-size // 2)
    check_memory(
        8 * (count << (d - 1)) + _working_bytes(d, S, size),
        f"composition tables of length {d} for {count} sequences",
        "use shorter sequences" if rows == "support" else "use rows='support'",
        device,
    )
    x = listed(target, rows).to(device)
    table = torch.cat([_table(part, denoiser) for part in torch.split(x, size)])
    error = rounding(_depth(d, relative_error(denoiser) / UNIT))
    return CompositionTables(x, table, S, rows == "all", error)


def _depth(d: int, prediction: float) -> float:
    """Roundings on the longest path to a table entry; `prediction` of them in each p̂.

    Filling V_v from V_u costs |B| factors and C(v, u) sums, for every block on the way.
    """
    depth = [0.0] * (d + 1)
    for v in range(1, d + 1):
        depth[v] = max(depth[u] + (v - u) * (prediction + 1) + math.comb(v, u) for u in range(v))
    return depth[d]


def _working_bytes(d: int, S: int, count: int) -> int:
    """Upper estimate of what `_table` takes for so many rows."""
    contexts: list[int] = [math.comb(d, v) * min(count, S**v) for v in range(d + 1)]
    values = sum(contexts[v] << v for v in range(d + 1)) * 4
    pairs = [[contexts[v] * math.comb(v, u) for v in range(u, d + 1)] for u in range(d + 1)]
    indices = 4 * max(sum(a) + sum(b) for a, b in pairwise([*pairs, [0]]))
    largest = max(max(of_u) for of_u in pairs)
    return values + indices + 24 * largest + 16 * d * sum(contexts)


@dataclass(frozen=True, eq=False)
class _Level:
    """The contexts x_V with |V| = v.

    Attributes:
        states: int64 [C, d], partial states.
        positions: int64 [C, v], V in increasing order.
        below: int64 [C, v], index in the level below of the context without its k-th position.
        full: int64 [C, v], the values at `positions`.
    """

    states: Tensor
    positions: Tensor
    below: Tensor
    full: Tensor


def _levels(x: Tensor, S: int) -> list[_Level]:
    """The distinct contexts of the rows, by size."""
    n, d = x.shape
    device = x.device
    arange = torch.arange(n, device=device)
    rank_below: dict[tuple[int, ...], int] = {}
    # [number of V, n]: the context of each row at each V of the level.
    index_below = torch.zeros(1, n, dtype=torch.int64, device=device)
    levels = []
    for v in range(d + 1):
        subsets = list(combinations(range(d), v))
        index = torch.zeros(len(subsets), n, dtype=torch.int64, device=device)
        some, owner, size = [], [], 0
        for number, V in enumerate(subsets):
            if v == 0:
                inverse, found = index[0], 1
            else:
                code = index_below[rank_below[V[:-1]]] * S + x[:, V[-1]]
                values, inverse = torch.unique(code, return_inverse=True)
                found = values.shape[0]
            index[number] = inverse + size
            some.append(torch.zeros(found, dtype=torch.int64, device=device))
            some[-1][inverse] = arange
            owner.append(torch.full((found,), number, device=device))
            size += found
        row, which = torch.cat(some), torch.cat(owner)
        places = torch.tensor(subsets, dtype=torch.int64, device=device).view(len(subsets), v)
        positions = places[which]
        states = torch.full((size, d), S, dtype=torch.int64, device=device)
        full = x[row[:, None], positions]
        states.scatter_(1, positions, full)
        shorter = [[rank_below[V[:k] + V[k + 1 :]] for k in range(v)] for V in subsets]
        parent = torch.tensor(shorter, dtype=torch.int64, device=device).view(len(subsets), v)
        below = index_below[parent[which], row[:, None]]
        levels.append(_Level(states, positions, below, full))
        rank_below = {V: number for number, V in enumerate(subsets)}
        index_below = index
    return levels


# Predictions asked for at a time: 2^21 float64 numbers are 16 MiB. Larger blocks are slower: the
# allocator returns them to the system, which clears their pages anew for every batch.
_CELLS = 1 << 21


def _edges(lower: _Level, upper: _Level, denoiser: Denoiser) -> Tensor:
    """p̂(x_i | x_{V∖i}) for each context V of the upper level, i its k-th position: [v, C]."""
    count, d = lower.states.shape
    size = max(1, _CELLS // (d * denoiser.vocabulary))
    # Entries (V, k) in the order of the context that predicts them.
    parents, order = upper.below.reshape(-1).sort()
    position, value = upper.positions.reshape(-1)[order], upper.full.reshape(-1)[order]
    out = torch.zeros(parents.shape, dtype=torch.float64, device=parents.device)
    starts = torch.arange(0, count + size, size, device=parents.device).clamp(max=count)
    for (low, high), (first, last) in zip(
        pairwise(starts.tolist()),
        pairwise(torch.searchsorted(parents, starts).tolist()),
        strict=True,
    ):
        prediction = denoiser(lower.states[low:high]).detach().to(out)
        part = slice(first, last)
        out[order[part]] = prediction[parents[part] - low, position[part], value[part]]
    if not bool((out >= 0).all()):
        raise InputError("denoiser: every prediction must be a number ≥ 0")
    return out.view(upper.below.shape).T.contiguous()


def _table(x: Tensor, denoiser: Denoiser) -> Tensor:
    """T_a(x) of some rows: [n, 2^(d−1)]."""
    d = x.shape[1]
    levels = _levels(x, denoiser.vocabulary)
    sizes = [level.states.shape[0] for level in levels]
    edges = {v: _edges(levels[v - 1], levels[v], denoiser) for v in range(1, d + 1)}
    below = [level.below.T.contiguous() for level in levels]
    del levels
    # Column c of V_v: the composition of v with index c. A last block v − u after a composition of
    # u sets bit u−1: columns 2^(u−1) … 2^u − 1 come from level u, column 0 from level 0.
    blank = torch.zeros(0, dtype=torch.float64, device=x.device)
    values = [blank.new_zeros(sizes[v], 1 << max(0, v - 1)) for v in range(d + 1)]
    values[0][:] = 1
    at_u = _ancestors(below, sizes, 0)
    for u in range(d):
        next_u = _ancestors(below, sizes, u + 1)
        factor = blank.new_ones(1, sizes[u])
        for v in range(u + 1, d + 1):
            # Subsets U of V, as ranks within V, in lexicographic order. Let k be the smallest rank
            # that U lacks. Those with the same k stand side by side, k falling, in the same order
            # as the first so many subsets of V∖k with u members, and of V with u + 1 members
            # (which are U∪k). So no index of subsets is needed.
            groups = []
            for k in range(u, -1, -1):
                some = math.comb(v - 1 - k, u - k)
                edge = edges[u + 1][k].index_select(0, next_u[v][:some].reshape(-1))
                groups.append(factor[:some].index_select(1, below[v][k]) * edge.view(some, -1))
            factor = torch.cat(groups)
            left, right = (1 << u) >> 1, 1 << u
            _multiply(at_u[v], factor, values[u], values[v][:, left:right])
        values[u] = blank  # its memory is needed no more
        at_u = next_u
    return values[d]


def _ancestors(below: list[Tensor], sizes: list[int], u: int) -> dict[int, Tensor]:
    """For each level v ≥ u: the index of the context at each subset U of V: int32 [C(v,u), C]."""
    found = {u: torch.arange(sizes[u], dtype=torch.int32, device=below[u].device)[None]}
    for v in range(u + 1, len(sizes)):
        groups = [
            found[v - 1][: math.comb(v - 1 - k, u - k)].index_select(1, below[v][k])
            for k in range(u, -1, -1)
        ]
        found[v] = torch.cat(groups)
    return found


# Entries of a sparse matrix built at a time: 2^23 of them are 96 MiB.
_ENTRIES = 1 << 23


def _multiply(parents: Tensor, factors: Tensor, values: Tensor, out: Tensor) -> None:
    """out[c] = Σ_r factors[r, c]·values[parents[r, c]], as sparse times dense."""
    width, count = parents.shape
    size = max(1, _ENTRIES // width)
    for low in range(0, count, size):
        # A strided view (of one column) would be read as if it were contiguous: copy.
        columns = parents[:, low : low + size].T.contiguous().view(-1)
        entries = factors[:, low : low + size].T.contiguous().view(-1)
        rows = columns.shape[0] // width
        starts = torch.arange(rows + 1, dtype=torch.int32, device=columns.device) * width
        with warnings.catch_warnings():
            # torch calls all of its CSR support beta; this product is compared with `propagation`.
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            matrix = torch.sparse_csr_tensor(
                starts, columns, entries, (rows, values.shape[0]), check_invariants=False
            )
        out[low : low + size] = matrix @ values
