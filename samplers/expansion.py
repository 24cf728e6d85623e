"""The exact output law by composition expansion (S2): tables once, then any schedule."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations, pairwise

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, relative_error
from sharprates.samplers.dense_expansion import dense_expansion, sparse_matrix, without_heads
from sharprates.samplers.errors import (
    InputError,
    TooLargeError,
    check_memory,
    check_tokens,
    free_bytes,
)
from sharprates.samplers.marginal_table import conditional_error, marginal_table, powers, split
from sharprates.samplers.output_law import UNIT, rounding
from sharprates.samplers.target import Target, all_states, listed
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
    kept = dense_expansion(d, S, torch.device(device)) if count == S**d else None
    if kept:
        x = listed(target, rows).to(device)
        # Which marginals an exact prediction divides is known beforehand; a subclass may predict
        # otherwise.
        if kept.asked and type(denoiser) is ExactDenoiser and denoiser.has_table(d):
            table = kept.short_table(denoiser.at(kept.asked))
        else:
            table = kept.table(partial(_predictions, denoiser))
    elif (weights := _apart(target, denoiser, count, device)) is not None:
        x = listed(target, rows).to(device)
        table = _row_by_row(x, weights)
    else:
        x, table = _in_groups(target, denoiser, rows, count, device)
    error = rounding(_depth(d, relative_error(denoiser) / UNIT))
    return CompositionTables(x, table, S, rows == "all", error)


# Pairs x_U ⊂ x_V of the laws that are done together: what belongs to them stays in cache.
_PAIRS_TOGETHER = 1 << 16


def tables_of_many(laws: Tensor) -> tuple[Tensor, float]:
    """T_a(x) of many data laws of one length and vocabulary, with their exact denoisers.

    Small laws take most of their time in calls to torch; here some are done by each. Contexts of no
    mass predict the uniform law.

    Args:
        laws: [L, S, …, S], d axes of S; not negative, each with a positive sum; normalised here.

    Returns:
        float64 [L, S^d, 2^(d−1)], x in lexicographic order, a in that of `composition_index`; and a
        bound on the relative error of each entry.

    Raises:
        InputError: if a law is none, or the shape is another.
        TooLargeError: if d or S is so large that indices are not kept, or the tables do not fit.
    """
    count, *axes = laws.shape
    if not axes or len(set(axes)) > 1:
        raise InputError(f"laws: need shape (L, S, …, S), got {tuple(laws.shape)}")
    d, S, device = len(axes), axes[0], laws.device
    q = laws.to(torch.float64).reshape(count, -1)
    q = q / q.sum(1, keepdim=True)
    if not bool((q >= 0).all()):  # also where a sum is 0
        raise InputError("laws: need weights ≥ 0 with a positive, finite sum in each law")
    pairs = (1 + 2 * S) ** d
    together = min(count, max(1, _PAIRS_TOGETHER // pairs))
    kept = dense_expansion(d, S, device, together) if without_heads(d, S) else None
    if kept is None or kept.asked is None:
        raise TooLargeError(
            f"laws: {pairs} pairs of partial states are too many to be kept: take `tables` of each"
        )
    check_memory(8 * count * S**d << (d - 1), f"tables of {count} laws", "take fewer", device)
    found = torch.empty(count, S**d, 1 << (d - 1), dtype=torch.float64, device=device)
    rows = all_states(d, S).to(device)
    for some in _runs(count, together):
        masses = marginal_table(rows, split(q[some]), S)
        joint, mass = (masses.take(place) for place in kept.asked)
        predicted = torch.where(mass > 0, joint / mass, 1 / S)
        found[some] = kept.short_table(predicted).view(together, S**d, -1)
    prediction = conditional_error(S**d, float(q[q > 0].min()))
    return found, rounding(_depth(d, prediction / UNIT))


def _weights(target: Target, denoiser: Denoiser, device: str | torch.device) -> Tensor | None:
    """What makes exact predictions ratios of masses, where all of the support is at hand."""
    # A subclass may predict otherwise.
    exact = type(denoiser) is ExactDenoiser and denoiser.target == target
    return split(target.weights).to(device) if exact else None


def _apart(
    target: Target, denoiser: Denoiser, count: int, device: str | torch.device
) -> Tensor | None:
    """The weights, if rows are better done each for itself: if they share few of their contexts.

    A row has 3^d pairs of contexts, and all sequences together have (1 + 2S)^d; where there are few
    pairs, shared or not, to find out what is shared takes longer. So would comparing all rows, if
    there were more than 3^d/d of them.
    """
    d, S = target.length, target.vocabulary
    few = count * 3**d <= max(1 << 20, (1 + 2 * S) ** d) and count * d <= 3**d
    if count != target.support or not few or not without_heads(d, 1):
        return None
    return _weights(target, denoiser, device)


# Pairs of contexts of rows that are done together.
_ROW_PAIRS = 1 << 18


def _row_by_row(x: Tensor, weights: Tensor) -> Tensor:
    """T_a(x) of rows with exact predictions, [N, 2^(d−1)]; `weights` in two parts, [2, N].

    The contexts of one row are the subsets of its tokens, whatever these are: those of a law with a
    single symbol. So the indices kept for S = 1 serve all rows, as that many laws side by side.
    """
    (count, d), device = x.shape, x.device
    # A power of two, so that supports of all sizes need the same few indices.
    together = 1 << (min(count, max(1, _ROW_PAIRS // 3**d)).bit_length() - 1)
    check_memory(8 * count << (d - 1), f"tables of {count} sequences", "use fewer rows", device)
    kept = dense_expansion(d, 1, device, together)
    assert kept is not None, "so few tokens take no heads"
    assert kept.asked is not None, "so few tokens take no heads"
    found = torch.empty(count, 1 << (d - 1), dtype=torch.float64, device=device)
    for some in _runs(count, together):
        # Two rows share the contexts that hide all places where they differ.
        differ = ((x[some, None] != x) * powers(2, d, device)).sum(2)
        masses = weights.new_zeros(2, together, 1 << d)
        masses.scatter_add_(2, differ.expand(2, -1, -1), weights[:, None].expand(-1, together, -1))
        for axis in range(d):
            shown, hidden = masses.view(2, together, 1 << axis, 2, -1).unbind(3)
            hidden += shown
        joint, mass = (masses.sum(0).take(place) for place in kept.asked)
        found[some] = kept.short_table(joint / mass)
    return found


def _runs(count: int, together: int) -> Iterator[slice]:
    """Slices of so many at a time; the last one takes some of those before it."""
    for low in range(0, count, together):
        first = min(low, count - together)
        yield slice(first, first + together)


def _in_groups(
    target: Target, denoiser: Denoiser, rows: str, count: int, device: str | torch.device
) -> tuple[Tensor, Tensor]:
    """The sequences and T_a of each, for as many at a time as fit into memory."""
    d, S = target.length, target.vocabulary
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
    weights = _weights(target, denoiser, device) if size == count == target.support else None
    return x, torch.cat([_table(part, denoiser, weights) for part in torch.split(x, size)])


def _depth(d: int, prediction: float) -> float:
    """Roundings on the longest path to a table entry; `prediction` of them in each p̂.

    Filling V_v from V_u costs |B| factors and C(v, u) sums, for every block on the way.
    """
    return d * (prediction + 1) + _most_sums(d)


@cache
def _most_sums(d: int) -> int:
    """The largest Σ C(v, u) over the blocks of a way from 0 to d tokens."""
    return max((_most_sums(u) + math.comb(d, u) for u in range(d)), default=0)


def _working_bytes(d: int, S: int, count: int) -> int:
    """Upper estimate of what `_table` takes for so many rows."""
    contexts: list[int] = [math.comb(d, v) * min(count, S**v) for v in range(d + 1)]
    values = sum(contexts[v] << v for v in range(d + 1)) * 4
    pairs = [[contexts[v] * math.comb(v, u) for v in range(u, d + 1)] for u in range(d + 1)]
    # For each u: two lists of ancestors, and factors for two levels v.
    ancestors = 8 * max(sum(of_u) for of_u in pairs)
    factors = 16 * max(max(of_u) for of_u in pairs)
    return values + ancestors + factors + 16 * d * sum(contexts)


@dataclass(frozen=True, eq=False)
class _Level:
    """The contexts x_V with |V| = v.

    Attributes:
        states: int64 [C, d], partial states.
        positions: int64 [C, v], V in increasing order.
        below: int64 [C, v], index in the level below of the context without its k-th position.
        full: int64 [C, v], the values at `positions`.
        mass: float64 [C], that of the rows, if they have weights.
    """

    states: Tensor
    positions: Tensor
    below: Tensor
    full: Tensor
    mass: Tensor | None


def _levels(x: Tensor, S: int, weights: Tensor | None = None) -> list[_Level]:
    """The distinct contexts of the rows, by size; `weights` are the rows', split in two: [2, n]."""
    n, d = x.shape
    device = x.device
    rank_below: dict[tuple[int, ...], int] = {}
    # [number of V, n]: the context of each row at each V of the level.
    index_below = torch.zeros(1, n, dtype=torch.int64, device=device)
    levels: list[_Level] = []
    for v in range(d + 1):
        subsets = list(combinations(range(d), v))
        places = torch.tensor(subsets, dtype=torch.int64, device=device).view(len(subsets), v)
        shorter = [[rank_below[V[:k] + V[k + 1 :]] for k in range(v)] for V in subsets]
        parent = torch.tensor(shorter, dtype=torch.int64, device=device).view(len(subsets), v)
        code, bound = index_below, 1
        if v:
            # The context without V's last position, this position, and the value there.
            last = places[:, -1:]
            code = (index_below[parent[:, -1]] * d + last) * S + x.T[last.squeeze(1)]
            bound = levels[-1].states.shape[0] * d * S
        some, index = _places(code.reshape(-1), bound)
        which, row = some // n, some % n
        positions = places[which]
        states = torch.full((len(some), d), S, dtype=torch.int64, device=device)
        full = x[row[:, None], positions]
        states.scatter_(1, positions, full)
        below = index_below[parent[which], row[:, None]]
        mass = None
        if weights is not None:
            parts = weights.new_zeros(2, len(some))
            mass = parts.index_add_(1, index, weights.repeat(1, len(subsets))).sum(0)
        levels.append(_Level(states, positions, below, full, mass))
        rank_below = {V: rank for rank, V in enumerate(subsets)}
        index_below = index.view(len(subsets), n)
    return levels


def _places(code: Tensor, bound: int) -> tuple[Tensor, Tensor]:
    """One place of each distinct number below `bound`, in rising order, and the rank of each."""
    if bound > 4 * code.shape[0]:
        found, code = torch.unique(code, return_inverse=True)
        bound = found.shape[0]
    place = torch.full((bound,), -1, device=code.device)
    place[code] = torch.arange(code.shape[0], device=code.device)
    met = place >= 0
    return place[met], (met.cumsum(0) - 1)[code]


# Predictions asked for at a time: 2^21 float64 numbers are 16 MiB. Larger blocks are slower: the
# allocator returns them to the system, which clears their pages anew for every batch.
_CELLS = 1 << 21


def _predictions(denoiser: Denoiser, states: Tensor) -> Tensor:
    """p̂ at partial states: float64 [B, d, S], checked."""
    found = denoiser(states).detach().to(states.device, torch.float64)
    shown = states != denoiser.vocabulary
    if not bool(((found >= 0) | shown[..., None]).all()):
        raise InputError("denoiser: every prediction must be a number ≥ 0")
    return found


def _edges(lower: _Level, upper: _Level, denoiser: Denoiser) -> Tensor:
    """p̂(x_i | x_{V∖i}) for each context V of the upper level, i its k-th position: [v, C]."""
    if lower.mass is not None and upper.mass is not None:
        return (upper.mass[:, None] / lower.mass[upper.below]).T.contiguous()
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
        prediction = _predictions(denoiser, lower.states[low:high])
        part = slice(first, last)
        out[order[part]] = prediction[parents[part] - low, position[part], value[part]]
    return out.view(upper.below.shape).T.contiguous()


def _table(x: Tensor, denoiser: Denoiser, weights: Tensor | None) -> Tensor:
    """T_a(x) of some rows: [n, 2^(d−1)]; `weights` where the denoiser is exact for these rows."""
    ((_, table),) = deque(_by_level(x, denoiser, weights), maxlen=1)
    return table


def reached(target: Target, denoiser: Denoiser) -> tuple[Iterator[tuple[Tensor, Tensor]], float]:
    """How a run reaches the contexts of a target: T_a(x_U) for every context x_U, by its size.

    Before step k a parallel sampler has revealed exactly x_U with probability
    (1−u_k)^{d−|U|} Σ_{a ⊨ |U|} M_a(w_{<k})·T_a(x_U). Source: S2, for the tokens of U.

    Args:
        target: the data law.
        denoiser: normalised and time-free.

    Returns:
        For each |U| = 0..d the contexts, [C, d] with the mask S, and T_a(x_U) [C, 2^(|U|−1)] in the
        order of `composition_index`; and a bound on the relative error of each entry.

    Raises:
        TooLargeError: if the tables do not fit into memory.
    """
    d, S = target.length, target.vocabulary
    check_memory(
        _working_bytes(d, S, target.support),
        f"the runs of length {d} through the contexts of {target.support} sequences",
        "use fewer or shorter sequences",
    )
    error = rounding(_depth(d, relative_error(denoiser) / UNIT))
    return _by_level(target.rows, denoiser, _weights(target, denoiser, "cpu")), error


def _by_level(
    x: Tensor, denoiser: Denoiser, weights: Tensor | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """The contexts of some rows with their tables, level by level; the last are the rows."""
    d = x.shape[1]
    levels = _levels(x, denoiser.vocabulary, weights)
    sizes = [level.states.shape[0] for level in levels]
    edges = {v: _edges(levels[v - 1], levels[v], denoiser) for v in range(1, d + 1)}
    below = [level.below for level in levels]
    states = [level.states for level in levels]
    del levels
    # Column c of V_v: the composition of v with index c. A last block v − u after a composition of
    # u sets bit u−1: columns 2^(u−1) … 2^u − 1 come from level u, column 0 from level 0.
    blank = torch.zeros(0, dtype=torch.float64, device=x.device)
    values = [blank.new_zeros(sizes[v], 1 << max(0, v - 1)) for v in range(d + 1)]
    values[0][:] = 1
    # Pages that the system has cleared once are written many times.
    pairs = [[sizes[v] * math.comb(v, u) for v in range(u, d + 1)] for u in range(d + 1)]
    factors = blank.new_empty(2, max(max(of_u) for of_u in pairs))
    room = torch.empty(2, max(sum(of_u) for of_u in pairs), dtype=torch.int32, device=x.device)
    at_u = _ancestors(below, sizes, 0, room[0])
    for u in range(d):
        yield states[u], values[u]
        next_u = _ancestors(below, sizes, u + 1, room[(u + 1) % 2])
        left, right = (1 << u) >> 1, 1 << u
        factor = factors[u % 2, : sizes[u]].view(-1, 1).fill_(1)
        for v in range(u + 1, d + 1):
            shorter, width = factor, math.comb(v, u)
            factor = factors[v % 2, : sizes[v] * width].view(-1, width)
            out = values[v][:, left:right]
            for part in _parts(sizes[v], width):
                for k, group in _groups(v, u):
                    some = group.stop - group.start
                    reached = next_u[v][part, :some].reshape(-1)
                    edge = edges[u + 1][k].index_select(0, reached).view(-1, some)
                    product = torch.index_select(
                        shorter[:, :some], 0, below[v][part, k], out=factor[part, group]
                    )
                    product.mul_(edge)
                entries, columns = factor[part].view(-1), at_u[v][part].view(-1)
                count = len(entries) // width
                starts = torch.arange(
                    0, width * count + 1, width, dtype=torch.int32, device=x.device
                )
                matrix = sparse_matrix(starts, columns, entries, (count, sizes[u]))
                out[part].addmm_(matrix, values[u])
        values[u] = blank  # its memory is needed no more
        at_u = next_u
    yield states[d], values[d]


def _groups(v: int, u: int) -> Iterator[tuple[int, slice]]:
    """The subsets U of V with u members, as ranks within V, in lexicographic order, in groups.

    Let k be the smallest rank that U lacks. Those with the same k stand side by side, k falling, in
    the same order as the first so many subsets of V∖k with u members, and of V with u + 1 members
    (which are U∪k). So no index of subsets is needed.
    """
    start = 0
    for k in range(u, -1, -1):
        stop = start + math.comb(v - 1 - k, u - k)
        yield k, slice(start, stop)
        start = stop


def _ancestors(below: list[Tensor], sizes: list[int], u: int, room: Tensor) -> dict[int, Tensor]:
    """For each level v ≥ u: the index of the context at each subset U of V: int32 [C, C(v,u)]."""
    start = sizes[u]
    found = {u: torch.arange(start, dtype=torch.int32, out=room[:start]).view(-1, 1)}
    for v in range(u + 1, len(sizes)):
        width = math.comb(v, u)
        found[v] = room[start : start + sizes[v] * width].view(-1, width)
        start += sizes[v] * width
        for part in _parts(sizes[v], width):
            for k, group in _groups(v, u):
                shorter = found[v - 1][:, : group.stop - group.start]
                torch.index_select(shorter, 0, below[v][part, k], out=found[v][part, group])
    return found


# Entries of a sparse matrix built at a time: 2^18 of them are 3 MiB, and stay in cache.
_ENTRIES = 1 << 18


def _parts(count: int, width: int) -> Iterator[slice]:
    """Slices of so many rows with about `_ENTRIES` entries each."""
    size = max(1, _ENTRIES // width)
    return (slice(low, min(low + size, count)) for low in range(0, count, size))
