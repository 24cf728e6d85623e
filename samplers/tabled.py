"""A denoiser with all its answers looked up: many samples at small d."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Denoiser, Positions
from sharprates.samplers.sampling import CPU
from sharprates.samplers.target import all_states
from torch import Tensor

MOST_BYTES = 2**29
"""Largest table that is worth its memory."""


@dataclass(frozen=True, eq=False)
class TabledDenoiser:
    """The predictions of a time-free denoiser at all (S+1)^d partial states.

    Attributes:
        table: float64 [(S+1)^d, d, S], states in lexicographic order.
        normalised: as the denoiser's.
    """

    table: Tensor
    normalised: bool

    time_free = True

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return int(self.table.shape[2])

    def __call__(
        self,
        x: Tensor,
        t: Tensor | float | None = None,  # noqa: ARG002 - the protocol's; time-free
        positions: Positions | None = None,
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        d, base = self.table.shape[1], self.vocabulary + 1
        powers = [base**i for i in range(d - 1, -1, -1)]
        state = (x * torch.tensor(powers, device=x.device)).sum(1)
        if positions is None:
            return self.table[state]
        rows, columns = positions
        return self.table.view(-1, self.vocabulary)[state[rows] * d + columns]


def tabled(denoiser: Denoiser, length: int, device: torch.device = CPU) -> Denoiser:
    """The same denoiser, as a table where that fits into `MOST_BYTES`.

    Args:
        denoiser: any; returned as it is if it depends on time or its table would be too large.
        length: d.
        device: where the table is made and looked up.
    """
    S = denoiser.vocabulary
    if not denoiser.time_free or 8 * (S + 1) ** length * length * S > MOST_BYTES:
        return denoiser
    return TabledDenoiser(denoiser(all_states(length, S + 1).to(device)), denoiser.normalised)
