"""Temperature and top-p: another denoiser, made of the one that a sampler is given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from sharprates.samplers.changed import ChangedDenoiser
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from torch import Tensor


@dataclass(frozen=True)
class TemperedDenoiser(ChangedDenoiser):
    """p̂^{1/T}, cut to its most likely symbols, normalised.

    It changes p̂, and so the score error: top-p gives 0 to rare but possible symbols, so that ε_KL
    is infinite.

    Attributes:
        temperature: T ≥ 0; 0 is the limit: the most likely symbol, the smallest of equal ones.
        top_p: in (0, 1]; the fewest most likely symbols that hold this share of the mass stay
            (nucleus sampling), after the temperature. Of equal ones the smaller symbol comes first.

    Source: claim C2.
    """

    temperature: float = 1.0
    top_p: float = 1.0

    @property
    def normalised(self) -> bool:
        """True."""
        return True

    def __post_init__(self) -> None:
        check_tempering(self.temperature, self.top_p)

    def change(self, p: Tensor) -> Tensor:
        """See `samplers.changed.ChangedDenoiser`."""
        ordered, order = torch.sort(p, dim=-1, descending=True, stable=True)
        # relative to the largest, which then is 1 and cannot underflow
        top = ordered[..., :1]
        ordered = ordered / torch.where(top > 0, top, 1.0)
        if self.temperature == 0:
            ordered[..., 1:] = 0
        else:
            ordered = _normal(ordered ** (1 / self.temperature))
        # rounded, so that no symbol hangs on the last bit of a sum
        before = torch.round(ordered.cumsum(-1) - ordered, decimals=9)
        kept = torch.where(before < self.top_p, ordered, 0.0)
        return _normal(torch.zeros_like(p).scatter(-1, order, kept))


def check_tempering(temperature: float, top_p: float) -> None:
    """Refuse a temperature or a top-p that is none."""
    if not 0 <= temperature < math.inf:
        raise InputError(f"temperature: must be ≥ 0 and finite, got {temperature}")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p: must lie in (0, 1], got {top_p}")


def tempered_as(denoiser: Denoiser, temperature: float, top_p: float) -> Denoiser:
    """The denoiser at a temperature and a top-p; itself where they change nothing."""
    unchanged = temperature == 1 and top_p == 1
    return denoiser if unchanged else TemperedDenoiser(denoiser, temperature, top_p)


def _normal(p: Tensor) -> Tensor:
    """Divided by its sum; left at 0 where there is nothing."""
    total = p.sum(-1, keepdim=True)
    return p / torch.where(total > 0, total, 1.0)
