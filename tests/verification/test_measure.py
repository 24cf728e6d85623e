"""Each experiment is measured by the algorithm that its denoiser allows, and another one agrees."""

import pytest
import torch
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser, Normalised
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError, TooLargeError, any_time
from sharprates.samplers.families import copies, dirichlet, uniform
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.propagation import propagate
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.tempered import TemperedDenoiser
from sharprates.verification.experiment import Experiment
from sharprates.verification.measure import Measure, check_arithmetic, check_size

from tests.samplers.perturbed import Drifting, Leaking, Scaled, Uniform

TARGET = dirichlet(3, 2, 0.5, seed=2)
EXACT = ExactDenoiser(TARGET)
CLOCK = clock("cosine")
TIMES = grid("uniform", CLOCK, 4, 1.0)


def on_grid(denoiser: Denoiser, last_step: str = "leave") -> Experiment:
    sampler = ParallelSampler(3, Schedule.at(TIMES, "euler", CLOCK, last_step))
    return Experiment(TARGET, denoiser, sampler)


def ones(denoiser: Denoiser) -> Experiment:
    return Experiment(TARGET, denoiser, FirstHittingSampler(3, CLOCK))


@pytest.mark.parametrize("last_step", ["leave", "fill"])
@pytest.mark.parametrize(
    "denoiser",
    [
        EXACT,
        Leaking(EXACT, 0.1),
        Scaled(EXACT, (0.5, 1.5)),
        Drifting(EXACT, Uniform(2), 0.4),
        Scaled(Drifting(EXACT, Uniform(2), 0.4), 1.6),
    ],
)
def test_parallel_samplers_agree_with_propagation(denoiser: Denoiser, last_step: str) -> None:
    experiment = on_grid(denoiser, last_step)
    measured = Measure.of(TARGET, denoiser, "float64").tv(experiment)
    times = torch.cat([TIMES[:-1], TIMES[-1:]])
    law = propagate(TARGET, denoiser, experiment.step_law, times)
    found = total_variation(law, TARGET)
    assert float(measured.lower) - found.error <= found.value <= float(measured.upper) + found.error


def test_first_hitting_draws_from_normalised_scores() -> None:
    for scores in (Scaled(EXACT, (0.5, 1.5)), TemperedDenoiser(EXACT, 0.5)):
        raw = Measure.of(TARGET, scores, "float64")
        drawn = Measure.of(TARGET, Normalised(scores), "float64")
        assert raw.tv(ones(scores)).middle == pytest.approx(
            drawn.tv(ones(Normalised(scores))).middle, abs=1e-15
        )
        assert raw.method(ones(scores)) == "float64"
    drifting = Drifting(EXACT, Uniform(2), 0.4)
    drift = Measure.of(TARGET, drifting, "float64")
    assert drift.method(ones(drifting)) == "estimate"
    assert drift.method(on_grid(drifting)) == "float64"
    assert 0.01 < drift.tv(ones(drifting)).middle < 0.4


def test_exact_arithmetic_needs_the_exact_denoiser() -> None:
    Measure.of(copies(2, 2), ExactDenoiser(copies(2, 2)), "rational")
    for refused in (
        lambda: Measure.of(TARGET, Leaking(EXACT, 0.1), "rational"),
        lambda: check_arithmetic("ball", exact_denoiser=False),
    ):
        with pytest.raises(InputError, match="use float64"):
            refused()
    check_arithmetic("float64", exact_denoiser=False)


def test_hours_of_work_are_refused_before_they_start() -> None:
    target = uniform(6, 3)
    exact = ExactDenoiser(target)
    check_size(target, exact, 10**7, 9)
    with pytest.raises(TooLargeError, match=r"10000000000 steps in all would take about .* days"):
        check_size(target, exact, 10**10, 9)
    check_size(target, Scaled(exact, 2.0), 64, 2)
    with pytest.raises(TooLargeError, match=r"is not normalised.*use fewer steps"):
        check_size(target, Scaled(exact, 2.0), 10**6, 2)
    drifting = Drifting(exact, Uniform(3), 0.5)
    check_size(target, drifting, 64, 1)
    with pytest.raises(TooLargeError, match=r"depends on time.*hitting times"):
        check_size(target, drifting, 64, 5000)
    many = copies(2, 1_000_000)
    with pytest.raises(TooLargeError, match=r"days: use fewer sequences or symbols.*--force"):
        check_size(many, ExactDenoiser(many), 1, 1)
    with any_time():
        check_size(many, ExactDenoiser(many), 1, 1)
    with any_time(), pytest.raises(TooLargeError, match=r"2\^2000 sets of tokens"):
        check_size(copies(2000, 2), ExactDenoiser(copies(2000, 2)), 1, 1)
