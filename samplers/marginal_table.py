"""All marginals of a data law in one table, where that is small."""

from __future__ import annotations

import torch
from torch import Tensor

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
        parts: float64 [n, N], parts of their weights, which are added up apart.
        vocabulary: S.

    Returns:
        float64 [(S+1)^d], states in lexicographic order, mask = S.
    """
    d, S = rows.shape[1], vocabulary
    table = parts.new_zeros(len(parts), S**d)
    table[:, (rows * _powers(S, d, rows.device)).sum(1)] = parts
    for axis in range(d):
        table = table.view(len(parts), (S + 1) ** axis, S, -1)
        table = torch.cat([table, table.sum(2, keepdim=True)], 2)
    return table.view(len(parts), -1).sum(0)


def joint_and_mass(
    table: Tensor, x: Tensor, vocabulary: int, positions: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor]:
    """q_0(x_i = a, x_U) and q_0(x_U); where i is revealed, both are the latter.

    Args:
        table: of `marginal_table`.
        x: int64 [B, d], partial states.
        vocabulary: S.
        positions: (row, position) pairs, or None for all.

    Returns:
        [B, d, S] and [B, 1, 1], or [n, S] and [n, 1].
    """
    d, S = x.shape[1], vocabulary
    powers = _powers(S + 1, d, x.device)
    state = (x * powers).sum(1)
    if positions is None:
        state, hidden = state[:, None], x == S
    else:
        rows, place = positions
        state, hidden, powers = state[rows], x[rows, place] == S, powers[place]
    moves = (torch.arange(S, device=x.device) - S) * powers[:, None]
    return table[state[..., None] + hidden[..., None] * moves], table[state][..., None]


def _powers(base: int, length: int, device: torch.device) -> Tensor:
    return base ** torch.arange(length - 1, -1, -1, device=device)
