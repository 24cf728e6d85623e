"""The composition expansion over all of [S]^d: indices are those of a few tokens, made once."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import torch
from sharprates.samplers.errors import check_memory, free_bytes
from sharprates.samplers.marginal_table import Places
from sharprates.samplers.target import all_states
from torch import Tensor

# Pairs of tails, whose indices are kept: at most 10 MiB of them.
_MOST_PAIRS = 1 << 19
# Matrices with so few entries in all, zeros included, are multiplied in less time than a sparse
# product takes to start, and no second thread need be woken for them.
_FILLED = 1 << 15
# Heads are worth their calls to torch if the tails have so many tokens at least.
_FEWEST_TOKENS = 5
# Products of predictions that are made for each context at most.
_MOST_PRODUCTS = 1 << 5


@dataclass(frozen=True, eq=False)
class Head:
    """A context of the first h positions.

    Attributes:
        context: int64 [h], mask = S.
        hidden: bool [h].
        tokens: how many it shows.
        larger: the numbers of the heads that show its tokens and others.
        added: int64, for each of these: the place of its other tokens among all states of `hidden`.
    """

    context: Tensor
    hidden: Tensor
    tokens: int
    larger: tuple[int, ...]
    added: Tensor


@dataclass(frozen=True, eq=False)
class DenseExpansion:
    """What the expansion over all of [S]^d needs, whatever the denoiser.

    A context x_U has a head, its first h positions, and a tail, the others. For each head and each
    number of tail tokens there is one sparse matrix, from the contexts with so many to those with
    more in their tail; its entries are the products of the predictions of these. It serves all x_V
    whose heads have more tokens, too: what it is multiplied with is scaled by the products of the
    predictions of those. So no index is computed: the matrices differ by their entries alone.

    Heads and tails stand by their number of tokens, then in lexicographic order.

    Attributes:
        heads: all (S+1)^h of them.
        vocabulary: S.
        tails: int64 [n, d−h], all n = (S+1)^(d−h) of them.
        starts: where those with 0, 1, … tokens begin, and n.
        rows: for each number u of tail tokens, int32: where the entries of each x_V with more of
            them begin, and their number.
        below: for each u, int32: the place of x_U among those with u tokens, for each entry.
        cells: int32 [parts, entries of all u], where the products to multiply stand among those
            of some positions at a time.
        filled: where the matrices of all u ≥ 1 are small, int64: the place of each entry among all
            of theirs, zeros included.
        asked: where there are no heads, the places of the marginals that the exact predictions at
            the tails that hide a token are made of.
    """

    heads: tuple[Head, ...]
    vocabulary: int
    tails: Tensor
    starts: tuple[int, ...]
    rows: tuple[Tensor, ...]
    below: tuple[Tensor, ...]
    cells: Tensor
    filled: Tensor | None
    asked: Places | None

    @property
    def length(self) -> int:
        """Sequence length d."""
        return len(self.heads[0].context) + int(self.tails.shape[1])

    def table(self, predict: Callable[[Tensor], Tensor]) -> Tensor:
        """T_a(x) of all x in [S]^d.

        Args:
            predict: p̂ at partial states [B, d]: float64 [B, d, S].

        Returns:
            float64 [S^d, 2^(d−1)].

        Raises:
            TooLargeError: if the tables do not fit into memory.
        """
        d, S, device = self.length, self.vocabulary, self.tails.device
        h = len(self.heads[0].context)
        if self.asked is not None:
            return self.short_table(predict(self.tails[: self.starts[-2]]))
        alike = _alike(d, S, h, device)
        found = torch.empty(S**d, 1 << (d - 1), dtype=torch.float64, device=device)
        begins = all_states(alike, S).tolist() if alike else [[]]
        by_head = (columns for begin in begins for columns in self._columns(predict, begin))
        for part, columns in zip(found.chunk(S**h), by_head, strict=True):
            torch.cat(columns, 1, out=part)
        return found

    def short_table(self, predicted: Tensor) -> Tensor:
        """T_a(x) of all x where there are no heads: in few calls to torch, which take the time.

        Args:
            predicted: p̂ at the tails that hide a token, float64 [B, d, S].

        Returns:
            float64 [S^d, 2^(d−1)].
        """
        starts, n, entries = self.starts, self.starts[-1], self._entries(predicted)
        # By the number u of tokens before the last block, rows of all tails with more of them.
        blocks = [entries[: n - starts[1], None]]
        for u, matrix in enumerate(self._matrices(entries[n - starts[1] :]), 1):
            before = zip(starts[1:], blocks, strict=False)
            here = [block[starts[u] - first : starts[u + 1] - first] for first, block in before]
            blocks.append(matrix @ torch.cat(here, 1))
        return torch.cat([block[starts[-2] - n :] for block in blocks], 1)

    def _matrices(self, entries: Tensor) -> Iterator[Tensor]:
        """Those of all u ≥ 1."""
        n, levels = self.starts[-1], pairwise(self.starts[1:-1])
        sizes = [(n - high, high - low) for low, high in levels]
        if self.filled is not None:
            filled = entries.new_zeros(sum(map(math.prod, sizes)))
            filled.index_copy_(0, self.filled, entries)
            yield from map(Tensor.view, torch.split(filled, [*map(math.prod, sizes)]), sizes)
            return
        parts = torch.split(entries, [one.shape[0] for one in self.below[1:]])
        yield from map(sparse_matrix, self.rows[1:], self.below[1:], parts, sizes)

    def _entries(self, predicted: Tensor) -> Tensor:
        """Of all matrices, from predictions at tails for their tokens: [B, d−h, S]."""
        B, length, S = predicted.shape
        parts, m = self.cells.shape[0], _together(length, S)
        factors = _factors(predicted, parts * m).view(parts, m, S + 1, B)
        products = _products(factors.unbind(1)).reshape(-1)
        return products.index_select(0, self.cells.view(-1)).view(parts, -1).prod(0)

    def _columns(
        self, predict: Callable[[Tensor], Tensor], begin: Sequence[int]
    ) -> Iterator[list[Tensor]]:
        """T_a of all x that begin so, for one head after the other: blocks of columns."""
        d, S, starts, n = self.length, self.vocabulary, self.starts, len(self.tails)
        levels = list(pairwise(starts))
        heads = {
            number: head
            for number, head in enumerate(self.heads)
            if all(a in (b, S) for a, b in zip(head.context.tolist(), begin, strict=False))
        }
        # By the head of x_V and the number u of tokens before its last block, columns as in
        # `expansion`: 2^(u−1) … 2^u − 1 of all tails with which x_V has more than u tokens.
        blocks: dict[int, list[Tensor]] = {number: [] for number in heads}

        def block(V: int, u: int, low: int, high: int) -> Tensor:
            """Its rows for tails number `low` to `high`."""
            mine, shown = blocks[V], heads[V].tokens
            while u >= len(mine):
                new = len(mine)
                count = n - starts[max(0, new + 1 - shown)]
                mine.append(predicted.new_zeros(count, max(1, (1 << new) >> 1)))
            first = n - len(mine[u])
            return mine[u][low - first : high - first] if high - low < len(mine[u]) else mine[u]

        for U, head in heads.items():
            # What is predicted where a head or a tail hides nothing is not needed.
            h, count = len(head.context), n if head.larger else starts[-2]
            states = self.tails[:count]
            if h:
                states = torch.cat([head.context.expand(count, h), states], 1)
            predicted = predict(states)
            entries = self._entries(predicted[: starts[-2], h:])
            by_level = torch.split(entries, [len(one) for one in self.below])
            larger = []
            if head.larger:
                scales = _products(_factors(predicted[:, :h][:, head.hidden]))[head.added]
                larger = [
                    pair for pair in zip(head.larger, scales, strict=True) if pair[0] in heads
                ]
            for tokens, (low, high) in enumerate(levels):
                u = head.tokens + tokens
                columns = [block(U, before, low, high) for before in range(u)]
                if u == d:
                    yield columns
                    break
                here = torch.cat(columns, 1) if u else predicted.new_ones(1, 1)
                if high < n:
                    size = (n - high, high - low)
                    matrix = sparse_matrix(
                        self.rows[tokens], self.below[tokens], by_level[tokens], size
                    )
                    block(U, u, high, n).addmm_(matrix, here)
                for V, scale in larger:
                    values = here * scale[low:high, None]
                    block(V, u, low, high).add_(values)
                    if high < n:
                        block(V, u, high, n).addmm_(matrix, values)
            del blocks[U]  # its memory is needed no more


def _alike(d: int, S: int, head: int, device: torch.device) -> int:
    """How many tokens sequences share that are done together.

    None, unless all sequences at once need too much: each token makes the work 1/(1+3S) more. The
    numbers do not depend on it.

    Raises:
        TooLargeError: if even those that share their heads do not fit into memory.
    """
    if not head:
        return 0
    alike, free = 0, free_bytes(device)
    while alike < head and working_bytes(d, S, head, alike) > free // 2:
        alike += 1
    check_memory(
        (8 * S**d << (d - 1)) + working_bytes(d, S, head, alike),
        f"composition tables of length {d} for {S**d} sequences",
        "use rows='support', or shorter sequences",
        device,
    )
    return alike


def working_bytes(d: int, S: int, head: int, alike: int) -> int:
    """Upper estimate of what the work on the sequences takes that share so many tokens."""
    # Half a number for x_U ⊂ x_V; a shared position is masked in both, in one, or in none.
    values: int = 4 * (1 + 2 * S) ** (d - alike) * 3**alike
    of_a_head: int = 16 * (S + 1) ** (d - head) * (d * S + (S + 1) ** head)
    return values + of_a_head + 24 * _MOST_PAIRS


def _together(length: int, S: int) -> int:
    """Positions whose products are made at a time, in parts of much the same size."""
    most = max(1, next(m for m in range(8, -1, -1) if (S + 1) ** m <= _MOST_PRODUCTS))
    return -(-length // -(-length // most))


def _factors(predicted: Tensor, positions: int = 0) -> Tensor:
    """What a token multiplies by: [B, k, S] to [k, S+1, B], the last is 1 for none added.

    More positions than k add none.
    """
    more = max(0, positions - predicted.shape[1])
    return torch.nn.functional.pad(predicted.permute(1, 2, 0), (0, 0, 0, 1, 0, more), value=1.0)


def _products(factors: Sequence[Tensor] | Tensor) -> Tensor:
    """∏_i factors[i][y_i] of all words y, in lexicographic order.

    From m times [·, S+1, B] to [·, (S+1)^m, B].
    """
    found = factors[0]
    for factor in factors[1:]:
        found = (found[..., :, None, :] * factor[..., None, :, :]).flatten(-3, -2)
    return found


def _sums(letters: Tensor, weights: Sequence[int]) -> Tensor:
    """Σ_i w_i·letters[y_i] of all words y, in lexicographic order."""
    found = letters.new_zeros(1)
    for weight in weights:
        found = (found[:, None] + weight * letters).flatten()
    return found


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


def without_heads(d: int, S: int) -> bool:
    """Whether `dense_expansion` keeps all pairs of partial states, so that it has no heads."""
    pairs: int = (1 + 2 * S) ** d
    return pairs <= _MOST_PAIRS


@lru_cache(maxsize=32)
def dense_expansion(d: int, S: int, device: torch.device, laws: int = 1) -> DenseExpansion | None:
    """The expansion over [S]^d; None where S is so large that indices are better found anew.

    Args:
        d: length.
        S: vocabulary.
        device: of the indices.
        laws: how many data laws are done side by side, each with its own predictions. Tails, and so
            the rows of a table, then stand by their tokens first and by their law next. More than
            one take no heads.
    """
    length = max(m for m in range(d + 1) if (1 + 2 * S) ** m <= _MOST_PAIRS)
    if length < min(d, _FEWEST_TOKENS):
        return None
    _alike(d, S, d - length, device)  # before the heads of what never fits are listed
    tails, starts, place = _by_tokens(length, S, laws)
    # A pair x_U ⊂ x_V is a word: a letter is a token of U, S + a token of V∖U, or 2S for a mask.
    letter = torch.arange(2 * S + 1)
    in_lower = letter < S
    lower = torch.where(in_lower, letter, S)
    upper = torch.where(letter < 2 * S, letter % S, S)
    added = torch.where(in_lower, S, letter - S)
    powers = [(S + 1) ** i for i in range(length - 1, -1, -1)]
    source, sink = (place[:, _sums(one, powers)].flatten() for one in (lower, upper))
    tokens = _sums(in_lower.to(torch.int64), [1] * length).repeat(laws)
    order = torch.argsort(tokens * len(tails) + sink, stable=True)
    order = order[source[order] != sink[order]]
    source, sink, tokens = source[order], sink[order], tokens[order]
    cells, m = [], _together(length, S)
    for part, first in enumerate(range(0, length, m)):
        # its words are numbers of m digits in base S + 1, however many positions are left
        weights = [
            (S + 1) ** (first + m - 1 - i) if first <= i < first + m else 0 for i in range(length)
        ]
        word = part * (S + 1) ** m + _sums(added, weights).repeat(laws)[order]
        cells.append(word * starts[-2] + source)
    rows, below, filled, begin = [], [], [], 0
    for u, (low, high) in enumerate(pairwise(starts[:-1])):
        mine = tokens == u
        row, column = sink[mine] - high, source[mine] - low
        counts = torch.bincount(row, minlength=len(tails) - high)
        rows.append(torch.nn.functional.pad(counts.cumsum(0), (1, 0)).to(device, torch.int32))
        below.append(column.to(device, torch.int32))
        if u:
            filled.append(begin + row * (high - low) + column)
            begin += (len(tails) - high) * (high - low)
    asked = None
    if length == d:
        law = place.new_empty(len(tails))
        law[place] = torch.arange(laws)[:, None].expand_as(place)
        hide = slice(starts[-2])
        asked = Places.of(tails[hide].to(device), S).in_table(law[hide].to(device), (S + 1) ** d)
    return DenseExpansion(
        _heads(d - length, S, device),
        S,
        tails.to(device),
        starts,
        tuple(rows),
        tuple(below),
        torch.stack(cells).to(device, torch.int32),
        torch.cat(filled).to(device) if 0 < begin <= _FILLED else None,
        asked,
    )


def _by_tokens(length: int, S: int, laws: int = 1) -> tuple[Tensor, tuple[int, ...], Tensor]:
    """All partial states by their number of tokens, where each number begins, each one's place.

    Of several laws: by the tokens, then law by law; places [laws, (S+1)^length].
    """
    states = all_states(length, S + 1).repeat(laws, 1)
    shown = (states < S).sum(1)
    order = torch.argsort(shown, stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    starts = (0, *torch.bincount(shown, minlength=length + 1).cumsum(0).tolist())
    return states[order], starts, place.view(laws, -1)


def _heads(length: int, S: int, device: torch.device) -> tuple[Head, ...]:
    """All contexts of so many positions."""
    states, _, _ = _by_tokens(length, S)
    found = []
    for context in states:
        hidden = context == S
        larger = ((states == context) | hidden).all(1).nonzero().squeeze(1)[1:]
        powers = (S + 1) ** torch.arange(int(hidden.sum()) - 1, -1, -1)
        found.append(
            Head(
                context.to(device),
                hidden.to(device),
                length - len(powers),
                tuple(larger.tolist()),
                (states[larger][:, hidden] * powers).sum(1).to(device),
            )
        )
    return tuple(found)
