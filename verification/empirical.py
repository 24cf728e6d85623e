"""Running samplers beside their exact laws: empirical total variation with a proved interval."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError, check_seed, check_time
from sharprates.samplers.fields import check_types
from sharprates.samplers.output_law import OutputLaw
from sharprates.verification.experiment import Experiment
from sharprates.verification.measure import ROUNDING
from sharprates.verification.statistics.budget import DEFAULT_BUDGET, Budget
from sharprates.verification.statistics.empirical_tv import (
    Empirical,
    cells,
    counts,
    empirical_tv,
    law_on_cells,
)
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import SampleTest

_TOKENS = 2**22  # of samples held at a time


_ROWS = 3e5
"""Rows that a sampler of few steps and tokens draws in a second; others are slower."""


@dataclass(frozen=True)
class Sampling:
    """How the samplers of a run are sampled.

    Attributes:
        samples: n a sampler; 0 runs none.
        seed: of the first sampler's generator; each next one takes the next seed.
        budget: false-alarm probability of the whole run.
        device: ``cpu`` or ``cuda``.
    """

    samples: int = 0
    seed: int = 0
    budget: Fraction = DEFAULT_BUDGET
    device: str = "cpu"

    def check(self) -> None:
        """Find bad options before any work is done.

        Raises:
            InputError: naming the option and the remedy.
        """
        check_types(self)
        if self.samples < 0 or self.samples == 1:
            raise InputError(f"samples: need n ≥ 2, or 0 for none, got {self.samples}")
        check_time(self.samples / _ROWS, f"{self.samples} samples", "take fewer")
        Budget(self.budget)
        check_seed(self.seed)
        if self.device not in ("cpu", "cuda"):
            raise InputError(f"device {self.device!r} is unknown: use cpu or cuda")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError("device cuda: no CUDA device is at hand; use cpu")

    def levels(self, runs: int) -> list[float]:
        """The level of each sampler's checks; together they spend the budget, and no more."""
        shares = Budget(self.budget, "audit").share([str(place) for place in range(runs)])
        return [share.alpha for share in shares.values()]


def empirical(
    experiment: Experiment,
    denoiser: Denoiser,
    law: OutputLaw,
    sampling: Sampling,
    seed: int,
    level: float,
) -> tuple[Empirical, SampleTest | None]:
    """Run an experiment's sampler, enclose its total variation to the target, and test its law.

    Args:
        experiment: what to run.
        denoiser: what it is given: the experiment's, or a table of it for many samples.
        law: the exact law that the sampler should have.
        sampling: how many samples, and where.
        seed: of the generator.
        level: false-alarm probability of interval and test together.

    Returns:
        An interval that trusts nothing known about the sampler, and the test against `law`; none
        against a law that is an estimate, since nothing would follow from it.
    """
    sampler, target = experiment.sampler, experiment.target
    assert sampler is not None, "nothing is run without a sampler"
    generator = torch.Generator(sampler.device).manual_seed(seed)
    found = torch.zeros(target.support + 1, dtype=torch.int64)
    # Counted part by part: the generator goes on, and memory does not grow with n.
    most = max(1, _TOKENS // target.length)
    for start in range(0, sampling.samples, most):
        rows = sampler.sample(denoiser, min(most, sampling.samples - start), generator).cpu()
        found += counts(cells(target, rows), target)
    # The exact law only chooses, before sampling, the event that bounds TV from below.
    should = law_on_cells(law, target)
    interval = empirical_tv(found, target, level / 2, seed, should)
    if law.error > ROUNDING:
        return interval, None
    return interval, law_test(experiment.setting().sampler, found, should, level / 2)
