"""An imperfect denoiser of a data law, and all that its samplers' bounds need to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sharprates.samplers.clock import Clock
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.target import Target
from sharprates.verification.score_error import Comparison, OrderError, hitting_error, order_error
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Faults:
    """What is wrong with a denoiser.

    Attributes:
        denoiser: the imperfect one.
        comparison: the exact one, at all contexts.
        gaps: gap sums of a time-free denoiser, [d + 1]; None if it depends on time.
        errors: along uniform orders: one entry without a clock, or one for each clock of the
            hitting times, where the denoiser depends on them.
    """

    denoiser: Denoiser
    comparison: Comparison
    gaps: Tensor | None
    errors: tuple[tuple[Clock | None, OrderError], ...]

    @property
    def normalised(self) -> bool:
        """Whether the denoiser's predictions sum to 1."""
        return self.denoiser.normalised

    @property
    def time_free(self) -> bool:
        """Whether they do not depend on time."""
        return self.denoiser.time_free

    def along(self, times: Tensor) -> Tensor:
        """Gap sums of a time-free denoiser, [d + 1]; of any other one a time, [K, d + 1]."""
        return self.comparison.along(self.denoiser, times) if self.gaps is None else self.gaps


def faults_of(target: Target, denoiser: Denoiser, clocks: Sequence[Clock]) -> Faults:
    """Compare a denoiser with the exact one at all contexts.

    Args:
        target: the data law.
        denoiser: what is measured.
        clocks: of the hitting times; a time-free denoiser needs none.
    """
    comparison = Comparison.of(target)
    if denoiser.time_free:
        sums = comparison.sums(denoiser)
        return Faults(denoiser, comparison, sums.gaps, ((None, order_error(comparison, sums)),))
    errors = tuple((one, hitting_error(comparison, denoiser, one)) for one in clocks)
    return Faults(denoiser, comparison, None, errors)
