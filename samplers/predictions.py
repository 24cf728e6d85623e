"""A denoiser that is exact but for given predictions at some contexts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import torch
from sharprates.samplers.denoiser import ExactDenoiser, Positions
from sharprates.samplers.errors import InputError
from sharprates.samplers.target import Target
from torch import Tensor

Predictions = Mapping[tuple[tuple[int, ...], int], tuple[Fraction, ...]]
"""(context, hidden position) → S probabilities; a context has d entries, its mask is S."""


@dataclass(frozen=True)
class GivenPredictions:
    """The exact conditionals, but for what is given; in fractions, and so known exactly.

    Attributes:
        target: the data law.
        given: what is predicted otherwise.
    """

    target: Target
    given: Predictions

    time_free = True
    normalised = True

    def __post_init__(self) -> None:
        d, S = self.target.length, self.target.vocabulary
        for (context, place), law in self.given.items():
            hidden = len(context) == d and 0 <= place < d and context[place] == S
            hidden &= all(0 <= x <= S for x in context)
            if not hidden or len(law) != S or any(p < 0 for p in law) or sum(law) != 1:
                raise InputError(
                    f"predictions: that at {context}, {place} must be {S} probabilities of sum 1 "
                    "for a hidden position"
                )

    def __hash__(self) -> int:
        return hash((self.target, tuple(sorted(self.given))))

    @property
    def vocabulary(self) -> int:
        """S, without the mask."""
        return self.target.vocabulary

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        """Predict; see `samplers.denoiser.Denoiser`."""
        out = ExactDenoiser(self.target)(x, t)
        for (context, place), law in self.given.items():
            out[(x == torch.tensor(context, device=x.device)).all(1), place] = torch.tensor(
                [float(p) for p in law], dtype=torch.float64, device=x.device
            )
        return out if positions is None else out[positions]
