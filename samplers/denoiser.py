"""Denoisers: what predicts the hidden tokens of a partial state."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

Positions = tuple[Tensor, Tensor]
"""(row, position) index pairs, two int64 [n]: ask a denoiser for these conditionals only."""


class Denoiser(Protocol):
    """Predicts each hidden token's law from the revealed ones.

    In a partial state x the mask is the symbol S. The prediction p̂_i(a|x) stands for the score
    ŝ = α/(1−α)·p̂ (theory note, §0). If `normalised` is False its sum over a need not be 1.
    """

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        ...

    @property
    def time_free(self) -> bool:
        """True if the prediction does not depend on t."""
        ...

    @property
    def normalised(self) -> bool:
        """True if every prediction sums to 1 over the vocabulary."""
        ...

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict.

        Args:
            x: int64 [B, d], partial states, mask = S.
            t: time, a number or float64 [B]; time-free denoisers ignore it.
            positions: only these (row, position) pairs.

        Returns:
            float64 [B, d, S], or [n, S] where `positions` is given. Entries at revealed positions
            carry no meaning.
        """
        ...
