"""A denoiser of scores made one of probabilities: what values are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Denoiser, Positions
from sharprates.samplers.errors import InputError
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Normalised:
    """ŝ/Σŝ: what samplers draw from that take the time of a jump elsewhere.

    Attributes:
        base: the denoiser whose predictions are divided by their sums.

    Source: H2.
    """

    base: Denoiser

    normalised = True

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.base.vocabulary

    @property
    def time_free(self) -> bool:
        """Whether the prediction does not depend on t."""
        return self.base.time_free

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        p = self.base(x, t, positions)
        masked = x == self.vocabulary
        masked = masked if positions is None else masked[positions]
        total = p.sum(-1, keepdim=True)
        if bool((total.squeeze(-1)[masked] == 0).any()):
            raise InputError(
                "denoiser: its weights at a masked token sum to 0, so none can be drawn; "
                "it must give every context some mass"
            )
        return p / torch.where(total > 0, total, 1.0)


def normalised(denoiser: Denoiser) -> Denoiser:
    """The denoiser itself if its predictions sum to 1, else divided by their sums."""
    return denoiser if denoiser.normalised else Normalised(denoiser)
