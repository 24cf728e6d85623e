"""The exact output law by composition expansion (S2): tables once, then any schedule."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import torch
from sharprates.samplers.denoiser import Denoiser, relative_error
from sharprates.samplers.errors import InputError
from sharprates.samplers.memory import free_bytes, require
from sharprates.samplers.output_law import UNIT, OutputLaw, compound, listed, rounding
from sharprates.samplers.step_law import StepLaw, check_weights
from sharprates.samplers.target import Target
from torch import Tensor

# ---------------------------------------------------------------------------------------------
# Compositions. One of d, (n_1, …, n_m), has the index Σ_j 2^(n_1+…+n_j − 1) over j < m: bit i−1
# says that a block ends after i tokens. So (d) has index 0 and (1, …, 1) has 2^(d−1) − 1.
# ---------------------------------------------------------------------------------------------


def composition_index(parts: Sequence[int]) -> int:
    """Index of a composition: bit i−1 is set where a block other than the last ends at token i.

    Args:
        parts: block sizes, each ≥ 1.

    Raises:
        InputError: if there is no block, or an empty one.
    """
    if not parts or min(parts) < 1:
        raise InputError(f"composition {tuple(parts)}: need at least one block, each of size ≥ 1")
    index = end = 0
    for size in parts[:-1]:
        end += size
        index |= 1 << (end - 1)
    return index


def compositions(length: int) -> list[tuple[int, ...]]:
    """All 2^(d−1) compositions of d, in the order of their index."""
    found = []
    for cuts in range(1 << (length - 1)):
        ends = [i + 1 for i in range(length - 1) if cuts >> i & 1]
        found.append(tuple(b - a for a, b in zip([0, *ends], [*ends, length], strict=True)))
    return found


def multinomials(length: int) -> Tensor:
    """d!/∏ n_j! of each composition, in the order of their index: float64 [2^(d−1)], exact."""
    counts = [
        math.factorial(length) // math.prod(map(math.factorial, parts))
        for parts in compositions(length)
    ]
    return torch.tensor(counts, dtype=torch.float64)


def _chunk(steps: int) -> int:
    """Steps appended one by one to a chunk, before chunks are joined in pairs.

    Appending takes less work a step than joining, but is sequential: half of √K balances them. Few
    steps are one chunk, and need no joining.
    """
    return steps if steps <= 64 else min(64, math.isqrt(steps) // 2)


def monomials(weights: Tensor, length: int) -> Tensor:
    """M_a(w) for all compositions a of d; differentiable in w.

    Chunks of steps are joined by M_a(w∪w') = Σ_{a=bc} M_b(w)·M_c(w'). During the work a composition
    of any m ≤ d has the index 2^(m−1) + its index among those of m, the empty one 0: every set bit
    then is the end of a block, and a = bc splits the index into b = low bits, c = the others.

    Args:
        weights: [K], the step law w; or [n, K], many of them.
        length: d.

    Returns:
        float64 [2^(d−1)] or [n, 2^(d−1)], in the order of `composition_index`.
    """
    w = weights.to(torch.float64).reshape(-1, weights.shape[-1])
    # So much at a time stays in cache.
    columns, chunk = max(1, _SMALL >> length), _chunk(w.shape[1])
    together = max(1, columns * chunk // max(1, w.shape[1]))
    found = []
    for laws in torch.split(w, together):
        parts = [_block(part, length, chunk) for part in torch.split(laws, columns * chunk, 1)]
        found.append(_joined(torch.stack(parts, 1), length)[1 << (length - 1) :].T)
    return torch.cat(found).reshape(*weights.shape[:-1], -1)


def _block(w: Tensor, d: int, chunk: int) -> Tensor:
    """All compositions of 0..d over one block of steps: [n, k] to [2^d, n]."""
    n, k = w.shape
    columns = -(-k // chunk)
    if columns == 1 and w.numel() << d <= _SMALL:
        return _summed(w, d)
    # A step of weight 0 changes nothing, so it may fill up the last chunk.
    padded = torch.nn.functional.pad(w, (0, columns * chunk - k))
    state = [w.new_ones(1, columns, n)]
    state += [w.new_zeros(1 << (m - 1), columns, n) for m in range(1, d + 1)]
    for step in padded.view(n, columns, chunk).permute(2, 1, 0).contiguous():
        state = _appended(state, step)
    return _joined(torch.cat(state), d)


# Numbers for whose sake a call to torch is not worth its start: 2 MiB of them.
_SMALL = 1 << 18


def _summed(w: Tensor, d: int) -> Tensor:
    """The same as `_block` for all steps at once, by sums over time: a third of the calls."""
    found = [w.new_ones(1, len(w))]
    # Over the compositions of m: the value of those whose last block is revealed in each step.
    ending = w[None]
    for _ in range(1, d):
        upto = ending.cumsum(2)
        found.append(upto[:, :, -1])
        before = torch.nn.functional.pad(upto[:, :, :-1], (1, 0))
        ending = torch.cat([ending, before]) * w
    found.append(ending.sum(2))
    return torch.cat(found)


def _appended(state: Sequence[Tensor], w: Tensor) -> list[Tensor]:
    """One more step for each chunk: of the compositions of m, for m = 0..d, [·, m, n]; and [m, n].

    The sizes stay apart: joined into one tensor they would be copied twice a step.
    """
    found = [state[0]]
    # Over the compositions of 0..m−1: the value times w^(what is missing to m).
    last = w * state[0]
    for of_m in state[1:]:
        found.append(of_m + last)
        if len(found) < len(state):
            last = torch.cat([last, of_m]) * w
    return found


def _joined(state: Tensor, d: int) -> Tensor:
    """Join all chunks, neighbours first: [2^d, m, n] to [2^d, n]."""
    while (m := state.shape[1]) > 1:
        left, right = state[:, : m - 1 : 2], state[:, 1::2]
        joined = right.clone(memory_format=torch.contiguous_format)
        for j in range(1, d + 1):
            # b has size j: its index has leading bit j−1. c is any index below 2^(d−j).
            b, c = left[1 << (j - 1) : 1 << j], right[: 1 << (d - j)]
            with_b = joined.view(1 << (d - j), 1 << j, *b.shape[1:])[:, 1 << (j - 1) :]
            with_b.addcmul_(c[:, None], b)
        state = torch.cat([joined, state[:, m - 1 :]], 1) if m % 2 else joined
    return state[:, 0]


def _monomial_depth(steps: int, d: int) -> int:
    """Roundings on the longest path to an M_a(w), the weights taken as exact.

    After c appended steps a value of size m has seen m products and c sums: m + c ≤ (1 + c)·m. A
    join adds the errors of its two factors, which keeps a bound proportional to m, and at most
    d + 1 sums and a product.
    """
    chunk = _chunk(steps)
    levels = math.ceil(math.log2(-(-steps // chunk))) + 2  # within blocks, then of blocks
    return d * (1 + chunk + levels * (d + 2))


# ---------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class CompositionTables:
    """T_a(x) for every composition a and every listed sequence x, of one target and denoiser.

    T_a = Σ over ordered set partitions with block sizes a = d!/∏n_j!·P_a, and the output law is
    p_out = Σ_a M_a(w)·T_a, for every step law w and whatever K is. Source: S2.

    Attributes:
        rows: int64 [N, d], the sequences x, in lexicographic order.
        table: float64 [N, 2^(d−1)], a in the order of `composition_index`.
        vocabulary: S.
        dense: True if `rows` is all of [S]^d.
        relative_error: bound on the relative error of each entry.
    """

    rows: Tensor
    table: Tensor
    vocabulary: int
    dense: bool
    relative_error: float

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.rows.shape[1])

    def law(self, steps: StepLaw | Tensor) -> OutputLaw:
        """The output law of a parallel unmasking sampler; differentiable in weights.

        Args:
            steps: a step law, or its weights w [K], which may carry a gradient.

        Raises:
            InputError: if weights are no sub-probability.
        """
        if isinstance(steps, StepLaw):
            w, error = steps.weights, steps.weight_error
        else:
            w, error = steps, 0.0
            check_weights(w)
        d = self.length
        values = monomials(w.to(self.table.device), d)
        depth = _monomial_depth(w.shape[0], d) + values.shape[0] + 1
        relative = compound(self.relative_error, rounding(depth), *[error] * d)
        return self._law(self.table @ values, relative)

    def at(self, parts: Sequence[int]) -> OutputLaw:
        """P_a, the law at one composition: the vertex that always reveals blocks of these sizes.

        (1, …, 1) is first-hitting sampling, (d,) is one step, (s, …, s) fixed-size blocks.

        Args:
            parts: block sizes with sum d, in the order of revealing.

        Raises:
            InputError: if the sizes do not sum to d.
        """
        if sum(parts) != self.length:
            raise InputError(f"composition {tuple(parts)}: its sum must be d = {self.length}")
        index = composition_index(parts)
        ways = math.factorial(self.length) // math.prod(map(math.factorial, parts))
        relative = compound(self.relative_error, rounding(1))
        return self._law(self.table[:, index] / ways, relative)

    def mixture(self, chances: Tensor) -> OutputLaw:
        """Σ_a chances_a·P_a, the law of any order-uniform, value-blind sampler.

        Args:
            chances: float64 [2^(d−1)], the probability of each composition; what is missing to 1 is
                that of masks left over. It may carry a gradient.

        Raises:
            InputError: if the shape is not [2^(d−1)].
        """
        count = 1 << (self.length - 1)
        if chances.shape != (count,):
            raise InputError(f"chances: need shape [{count}], got {list(chances.shape)}")
        device = self.table.device
        scaled = chances.to(device, torch.float64) / multinomials(self.length).to(device)
        relative = compound(self.relative_error, rounding(count + 2))
        return self._law(self.table @ scaled, relative)

    def _law(self, probability: Tensor, relative: float) -> OutputLaw:
        return OutputLaw(self.rows, probability, self.vocabulary, self.dense, relative, relative)


def first_hitting(length: int) -> tuple[int, ...]:
    """The composition of first-hitting sampling: one token at a time. Source: S2, S4."""
    return (1,) * length


def fixed_blocks(length: int, size: int) -> tuple[int, ...]:
    """The composition of blocks of one size, the last one with what remains. Source: S2.

    Raises:
        InputError: if the size is below 1.
    """
    if size < 1:
        raise InputError(f"blocks: need a size ≥ 1, got {size}")
    full, rest = divmod(length, size)
    return (size,) * full + ((rest,) if rest else ())


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
    count = target.support if rows == "support" else S**d
    size = count
    # Rows are independent of each other; smaller groups share fewer contexts but need less memory.
    while size > 1 and _working_bytes(d, S, size) > min(3 << 30, free_bytes(device) // 2):
        size = -(-size // 2)
    require(
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
