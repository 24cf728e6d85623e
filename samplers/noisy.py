"""A denoiser that errs by a known amount."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sharprates.samplers.changed import ChangedDenoiser
from sharprates.samplers.errors import InputError
from torch import Tensor


@dataclass(frozen=True, eq=False)
class NoisyDenoiser(ChangedDenoiser):
    """(1 − ε)·p + ε/S: each prediction mixed with the uniform law.

    With the exact p it errs by TV(p, p̂) = ε·TV(p, uniform) ≤ ε(1 − 1/S) in each context.

    Attributes:
        amount: ε in [0, 1].
    """

    amount: float

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 1:
            raise InputError(f"noisy: needs a share in [0, 1], got {self.amount:g}")

    def change(self, p: Tensor) -> Tensor:
        """See `samplers.changed.ChangedDenoiser`."""
        return torch.lerp(p, torch.full_like(p, 1 / p.shape[-1]), self.amount)
