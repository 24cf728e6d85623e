"""All marginals of a data law in one table, where that is small."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

_HALF_ULP = 2.0**-53
# There is a table where there are no more states than this, or no more than this for each sequence
# of the support, up to 64 MiB. Only the target decides, so that a state's prediction is the same
# number whatever else is asked.
STATES, STATES_A_ROW, MOST_STATES = 1 << 16, 512, 1 << 23


def is_small(length: int, vocabulary: int, support: int) -> bool:
    """Whether the marginals of all (S+1)^d partial states are worth a table."""
    states: int = (vocabulary + 1) ** length
    return states <= min(max(STATES, STATES_A_ROW * support), MOST_STATES)


def marginal_table(rows: Tensor, parts: Tensor, vocabulary: int) -> Tensor:
    """q_0(x_U) of every partial state.

    Args:
        rows: int64 [N, d], the support.
        parts: float64 [n, …, N], parts of their weights, which are added up apart; between these
            axes there may be one of several laws.
        vocabulary: S.

    Returns:
        float64 […, (S+1)^d], states in lexicographic order, mask = S.
    """
    d, S, apart = rows.shape[1], vocabulary, parts.shape[:-1]
    code = (rows * powers(S, d, rows.device)).sum(1)
    table = parts.new_zeros(*apart, S**d).index_copy_(-1, code, parts)
    for axis in range(d):
        table = table.view(*apart, (S + 1) ** axis, S, -1)
        table = torch.cat([table, table.sum(-2, keepdim=True)], -2)
    return table.view(*apart, -1).sum(0)


def split(weights: Tensor) -> Tensor:
    """Weights as coarse + fine, exactly: [2, …].

    Coarse parts are multiples of 2^-52 with sum below 2, so any sum of them is exact in any order:
    the error of a marginal does not grow with the number of rows, as a plain sum's would.
    """
    coarse = (weights * 2.0**52).round() / 2.0**52
    return torch.stack([coarse, weights - coarse])


def conditional_error(support: int, smallest: float) -> float:
    """Bound on the relative rounding error of a quotient of two marginals.

    A marginal is an exact sum of coarse parts, a sum of at most N fine parts, and one addition (see
    `split`). Fine parts are at most min(w, 2^-53), so their sum errs by at most
    N·2^-53·min(1, 2^-53/min w) relative to the marginal.

    Args:
        support: N.
        smallest: min w, of the positive weights.
    """
    marginal = support * min(1.0, _HALF_ULP / smallest) + 1
    return (2 * marginal + 1) * _HALF_ULP * (1 + 1e-9)


class Places(NamedTuple):
    """Where the table holds q_0(x_i = a, x_U) and q_0(x_U): int64 [B, d, S] and [B, 1, 1].

    Of chosen pairs [n, S] and [n, 1]. Where i is revealed, both are the place of q_0(x_U).
    """

    joint: Tensor
    mass: Tensor

    @staticmethod
    def of(x: Tensor, vocabulary: int, positions: tuple[Tensor, Tensor] | None = None) -> Places:
        """What predictions at partial states are made of.

        Args:
            x: int64 [B, d], partial states.
            vocabulary: S.
            positions: (row, position) pairs, or None for all.
        """
        d, S = x.shape[1], vocabulary
        state, moves = (x * powers(S + 1, d, x.device)).sum(1), _moves(S, d, x.device)
        if positions is None:
            state, hidden = state[:, None], x == S
        else:
            rows, place = positions
            state, hidden, moves = state[rows], x[rows, place] == S, moves[place]
        return Places(state[..., None] + hidden[..., None] * moves, state[..., None])

    def in_table(self, law: Tensor, size: int) -> Places:
        """The same in the tables of several laws, one after the other.

        Args:
            law: int64 [B], which law each state is for.
            size: of one table.
        """
        begin = (law * size)[:, None, None]
        return Places(begin + self.joint, begin + self.mass)


@lru_cache(maxsize=64)
def powers(base: int, length: int, device: torch.device) -> Tensor:
    """Place values of the digits of a number in this base."""
    return base ** torch.arange(length - 1, -1, -1, device=device)


@lru_cache(maxsize=64)
def _moves(S: int, length: int, device: torch.device) -> Tensor:
    """From a masked state's number to that with a token: [d, S]."""
    return (torch.arange(S, device=device) - S) * powers(S + 1, length, device)[:, None]
