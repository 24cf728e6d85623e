"""A denoiser that errs by a known amount."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Denoiser, Positions
from sharprates.samplers.errors import InputError
from torch import Tensor


@dataclass(frozen=True, eq=False)
class NoisyDenoiser:
    """(1 − ε)·p + ε/S: each prediction mixed with the uniform law.

    With the exact p it errs by TV(p, p̂) = ε·TV(p, uniform) ≤ ε(1 − 1/S) in each context.

    Attributes:
        base: the denoiser that is mixed.
        amount: ε in [0, 1].
    """

    base: Denoiser
    amount: float

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 1:
            raise InputError(f"noisy: needs a share in [0, 1], got {self.amount:g}")

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.base.vocabulary

    @property
    def time_free(self) -> bool:
        """As the base's."""
        return self.base.time_free

    @property
    def normalised(self) -> bool:
        """As the base's."""
        return self.base.normalised

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        return self.change(self.base(x, t, positions))

    def change(self, p: Tensor) -> Tensor:
        """What it makes of the base's prediction, [..., S]."""
        return torch.lerp(p, torch.full_like(p, 1 / p.shape[-1]), self.amount)
