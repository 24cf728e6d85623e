"""Compositions: the monomials of a step law, and tables that turn them into its output law (S2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.output_law import OutputLaw, compound, rounding
from sharprates.samplers.step_law import StepLaw, check_weights
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
    if w.shape[1] <= chunk and w.numel() << length <= _SMALL:  # nothing to split, none to join
        return _summed(w, length)[-1].T.reshape(*weights.shape[:-1], -1)
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
        return torch.cat(_summed(w, d))
    # A step of weight 0 changes nothing, so it may fill up the last chunk.
    padded = torch.nn.functional.pad(w, (0, columns * chunk - k))
    state = [w.new_ones(1, columns, n)]
    state += [w.new_zeros(1 << (m - 1), columns, n) for m in range(1, d + 1)]
    for step in padded.view(n, columns, chunk).permute(2, 1, 0).contiguous():
        state = _appended(state, step)
    return _joined(torch.cat(state), d)


# Numbers for whose sake a call to torch is not worth its start: 2 MiB of them.
_SMALL = 1 << 18


def _summed(w: Tensor, d: int) -> list[Tensor]:
    """The same as `_block` for all steps at once, by sums over time: a third of the calls.

    Of the compositions of m, for m = 0..d: [·, n].
    """
    found = [w.new_ones(1, len(w))]
    # Over the compositions of m: the value of those whose last block is revealed in each step.
    ending = w[None]
    for _ in range(1, d):
        upto = ending.cumsum(2)
        found.append(upto[:, :, -1])
        before = torch.nn.functional.pad(upto[:, :, :-1], (1, 0))
        ending = torch.cat([ending, before]) * w
    return [*found, ending.sum(2)]


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
