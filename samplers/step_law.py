"""The step law: in which step a parallel sampler reveals a token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from sharprates.samplers.errors import InputError
from torch import Tensor


@dataclass(frozen=True, eq=False)
class StepLaw:
    """When a parallel unmasking sampler reveals a token.

    Attributes:
        hazards: float64 [K], r_k in [0, 1]: a masked token is revealed in step k.
        clipped: number of steps whose rule asked for more than 1.
        asked: float64 [K], what the rule asked for, if it is not `hazards`. A denoiser whose
            prediction does not sum to 1 needs it; infinite in a step that fills all masks.
        given: float64 [K], the weights, if the law was made from them.
        fractions: the weights as exact rationals, if the law was made from these.
    """

    hazards: Tensor
    clipped: int = 0
    asked: Tensor | None = None
    given: Tensor | None = None
    fractions: tuple[Fraction, ...] | None = None

    @cached_property
    def _content(self) -> tuple[object, ...]:
        parts = (self.hazards, self.asked, self.given)
        shown = [None if part is None else part.numpy().tobytes() for part in parts]
        return (*shown, self.clipped, self.fractions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StepLaw) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    def __str__(self) -> str:
        shown = self.weights.tolist() if self.fractions is None else self.fractions
        some = " ".join(str(w) if isinstance(w, Fraction) else f"{w:g}" for w in shown[:8])
        return f"w=[{some}{' …' if len(shown) > 8 else ''}]"

    @property
    def steps(self) -> int:
        """K, a filling step included."""
        return int(self.hazards.shape[0])

    @property
    def unclipped(self) -> Tensor:
        """What the rule asked for, [K]: above 1 where the step clips."""
        return self.hazards if self.asked is None else self.asked

    @property
    def weights(self) -> Tensor:
        """w_k = r_k ∏_{l<k}(1−r_l): the probability that a token is revealed in step k, [K]."""
        if self.given is not None:
            return self.given
        return torch.from_numpy((_long(self.hazards) * self._stay[:-1]).astype(np.float64))

    @property
    def weight_error(self) -> float:
        """Bound on the relative rounding error of each weight, the hazards taken as exact.

        K differences and K products in extended precision, then one rounding to float64; fractions
        are rounded once.
        """
        if self.given is not None:
            return 0.0 if self.fractions is None else 2.0**-53
        return (2 * self.steps + 1) * float(np.finfo(np.longdouble).eps) + 2.0**-53

    @property
    def leftover(self) -> float:
        """w_∞: the probability that a token is never revealed."""
        if self.fractions is not None:
            return float(1 - sum(self.fractions))
        return float(self._stay[-1]) if self.given is None else _missing(self.given)

    def is_equal(self, steps: int) -> bool:
        """Whether w_k = 1/K without leftover; in float64 as far as that can say.

        Args:
            steps: K; a step that fills what is left is none of them.
        """
        if self.fractions is not None:
            return all(w == Fraction(1, steps) for w in self.fractions[:steps])
        off = (self.weights[:steps] * steps - 1).abs()
        return self.leftover < 1e-12 and bool((off < 1e-12).all())

    @property
    def _stay(self) -> npt.NDArray[np.longdouble]:
        """∏_{l<k}(1−r_l) for k = 0..K.

        In extended precision, where the platform has it, because K roundings add up: 10^6 steps
        cost 2e-10 in float64 and 1e-13 here.
        """
        stay = np.ones(self.steps + 1, dtype=np.longdouble)
        np.cumprod(1 - _long(self.hazards), out=stay[1:])
        return stay

    @staticmethod
    def from_hazards(hazards: Tensor) -> StepLaw:
        """A step law from reveal probabilities; those above 1 are clipped and counted.

        Args:
            hazards: [K], K ≥ 1, not negative.

        Raises:
            InputError: if a hazard is negative or not a number.
        """
        r = hazards.detach().to("cpu", torch.float64)
        if r.ndim != 1 or r.numel() == 0:
            raise InputError(f"hazards: need K ≥ 1 of them, got shape {list(r.shape)}")
        # α_s − α_t may round to −1e-17 where a clock is flat; a real negative value is an error.
        wrong = (~(r >= -1e-12)).nonzero()
        if len(wrong):
            k = int(wrong[0])
            raise InputError(
                f"hazards: must be numbers ≥ 0, but step {k + 1} of {len(r)} has {float(r[k])}: "
                "take another clock, grid or rule"
            )
        r = r.clamp(min=0)
        above = r > 1 + 1e-12
        return StepLaw(r.clamp(max=1), int(above.sum()), r if bool(above.any()) else None)

    @staticmethod
    def from_weights(weights: Tensor) -> StepLaw:
        """A step law from w; what is missing to 1 is leftover.

        Args:
            weights: [K], K ≥ 1, not negative, sum at most 1 (to 1e-9).

        Raises:
            InputError: if the weights are no sub-probability.
        """
        w = weights.detach().to("cpu", torch.float64)
        total = check_weights(w)
        w = w / max(1.0, total)
        # r_k = w_k / (what is left from step k on), summed from the end: no cancellation.
        rest = np.cumsum(_long(w)[::-1])[::-1] + _missing(w)
        r = np.divide(_long(w), rest, out=np.zeros_like(rest), where=rest > 0)
        return StepLaw(torch.from_numpy(r.astype(np.float64)), given=w)

    @staticmethod
    def from_fractions(weights: Sequence[Fraction]) -> StepLaw:
        """A step law from exact w, kept beside their float64 values.

        Args:
            weights: K ≥ 1 of them, not negative, sum at most 1.

        Raises:
            InputError: if the weights are no sub-probability.
        """
        if sum(weights) > 1:
            raise InputError(f"weights: their sum must be at most 1, got {sum(weights)}")
        rounded = StepLaw.from_weights(
            torch.tensor([float(w) for w in weights], dtype=torch.float64)
        )
        return replace(rounded, fractions=tuple(map(Fraction, weights)))

    @staticmethod
    def equal(steps: int) -> StepLaw:
        """w_k = 1/K, no leftover: steps equidistant in α. Source: S3, E6."""
        if steps < 1:
            raise InputError(f"steps: need K ≥ 1, got {steps}")
        weights = torch.full((steps,), 1.0 / steps, dtype=torch.float64)
        return StepLaw(1.0 / torch.arange(steps, 0, -1, dtype=torch.float64), given=weights)

    def filled(self) -> StepLaw:
        """With one more step that reveals all that is masked: w_∞ becomes its weight."""
        given = self.given
        if given is not None:
            given = _then(given, self.leftover)
        asked = _then(self.unclipped, math.inf)
        exact = self.fractions
        if exact is not None:
            exact += (Fraction(1) - sum(exact),)
        return StepLaw(_then(self.hazards, 1.0), self.clipped, asked, given, exact)


def check_weights(weights: Tensor) -> float:
    """Check that weights are a sub-probability.

    Args:
        weights: [K], K ≥ 1, not negative, sum at most 1 (to 1e-9).

    Returns:
        Their sum.

    Raises:
        InputError: if they are none.
    """
    w = weights.detach()
    if w.ndim != 1 or w.numel() == 0 or not bool((w >= 0).all()):
        raise InputError("weights: need K ≥ 1 numbers ≥ 0 with sum at most 1")
    total = math.fsum(w.tolist())
    if total > 1 + 1e-9:
        raise InputError(f"weights: their sum must be at most 1, got {total:.10g}")
    return total


def _long(x: Tensor) -> npt.NDArray[np.longdouble]:
    return x.numpy().astype(np.longdouble)


def _then(x: Tensor, last: float) -> Tensor:
    return torch.cat([x, torch.tensor([last], dtype=torch.float64)])


def _missing(weights: Tensor) -> float:
    """1 − Σw; what weights of sum 1 lack by rounding alone is not leftover."""
    missing = math.fsum([1.0, *(-weights).tolist()])  # rounded once, also where it is small
    return missing if missing > 1e-14 else 0.0
