"""All contexts of a data law: its partial states of positive probability, and their parents.

By S5 no total variation needs any other context, however large S^d is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.errors import check_memory
from sharprates.samplers.target import Target
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Contexts:
    """The distinct partial states x_U below the support of a target, fewer revealed tokens first.

    Attributes:
        states: int64 [C, d], mask = S; the first one is all masks.
        mass: float64 [C], q_0(x_U).
        revealed: int64 [C], |U|.
        parents: int64 [C, d], the context in which position i ∈ U is masked too; 0 where i ∉ U.
        full: int64 [N], the context of each support row that reveals all of it.
        vocabulary: S.
    """

    states: Tensor
    mass: Tensor
    revealed: Tensor
    parents: Tensor
    full: Tensor
    vocabulary: int

    @staticmethod
    def of(target: Target) -> Contexts:
        """The contexts of a target: at most N·2^d.

        Raises:
            TooLargeError: if they do not fit into memory.
        """
        d, n, S = target.length, target.support, target.vocabulary
        check_memory(
            8 * (n << d) * (2 * d + 4),
            f"the contexts of {n} sequences of length {d}",
            "use fewer or shorter sequences",
        )
        place = torch.zeros((1 << d, n), dtype=torch.int64)  # context of each row at each subset U
        states, mass, parents = [], [], []
        count = 0
        for subset in sorted(range(1 << d), key=lambda u: (u.bit_count(), u)):
            shown = [i for i in range(d) if subset >> i & 1]
            # rows that agree without the last shown position, refined by it
            code = target.rows.new_zeros(n)
            if shown:
                code = place[subset ^ (1 << shown[-1])] * S + target.rows[:, shown[-1]]
            found, inverse = torch.unique(code, return_inverse=True)
            some = torch.zeros_like(found)
            some[inverse] = torch.arange(n)
            place[subset] = inverse + count
            state = torch.full((len(found), d), S)
            state[:, shown] = target.rows[some][:, shown]
            states.append(state)
            mass.append(torch.zeros(len(found), dtype=torch.float64))
            mass[-1].index_add_(0, inverse, target.weights)
            before = torch.zeros_like(state)
            for i in shown:
                before[:, i] = place[subset ^ (1 << i), some]
            parents.append(before)
            count += len(found)
        joined = torch.cat(states)
        revealed = (joined < S).sum(1)
        full = place[(1 << d) - 1]
        return Contexts(joined, torch.cat(mass), revealed, torch.cat(parents), full, S)

    @property
    def length(self) -> int:
        """Sequence length d."""
        return int(self.states.shape[1])

    @property
    def count(self) -> int:
        """How many contexts there are."""
        return int(self.states.shape[0])
