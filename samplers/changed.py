"""What denoisers share that are made of another one by changing its predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sharprates.samplers.denoiser import Denoiser, Positions
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ChangedDenoiser(ABC):
    """A denoiser whose every prediction is a function of its base's.

    What it returns in float64 is the denoiser: no rounding error is stated.

    Attributes:
        base: the denoiser that is changed.
    """

    base: Denoiser

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.base.vocabulary

    @property
    def time_free(self) -> bool:
        """Whether the prediction does not depend on t."""
        return self.base.time_free

    @property
    def normalised(self) -> bool:
        """Whether every prediction sums to 1."""
        return self.base.normalised

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        return self.change(self.base(x, t, positions))

    @abstractmethod
    def change(self, p: Tensor) -> Tensor:
        """What it makes of the base's prediction, [..., S]."""
