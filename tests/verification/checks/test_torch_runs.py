"""Float64 trials: which algorithm, which hypotheses, and a bound that is broken on purpose."""

from fractions import Fraction

import pytest
from sharprates.samplers import families
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.schedule import Schedule
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.torch_runs import in_floats, quantities_of
from sharprates.verification.checks.trial import STATED, Example, Mutant
from sharprates.verification.experiment import Experiment
from sharprates.verification.strategies import Perturbed
from sharprates.verification.verdict import Verdict

TARGET = families.family("copies:3:2")
EXACT = ExactDenoiser(TARGET)


def run(denoiser=EXACT, **changes) -> Experiment:
    plan = {
        "clock": "linear",
        "grid": "uniform",
        "steps": 4,
        "horizon": None,
        "delta": 0.0,
        "rule": "ancestral",
        "last_step": "leave",
    }
    schedule = Schedule(**{**plan, **changes})
    return Experiment(TARGET, denoiser, ParallelSampler(TARGET.length, schedule))


def tv_of(experiment: Experiment) -> Interval:
    """Its total variation, as the trials have it."""
    found = quantities_of(experiment).measured_tv
    assert found is not None
    return found


def test_total_variation_of_copies() -> None:
    """L2 at four equal steps, worked out: 1 − E 2^{−(N−1)}."""
    w = Fraction(1, 4)
    stays = sum((w / 2 + k * w) ** 3 - (k * w) ** 3 for k in range(4)) * 2
    found = tv_of(run())
    assert found.lower <= 1 - stays <= found.upper
    assert found.width < 1e-13


def test_propagation_takes_over_where_expansion_does_not_apply() -> None:
    plain = tv_of(run())
    for denoiser in (Perturbed(EXACT, share=0.0, slope=1.0), Perturbed(EXACT, 0.0, mass=1.0)):
        assert tv_of(run(denoiser)).middle == pytest.approx(plain.middle, abs=1e-13)
    slow = tv_of(run(Perturbed(EXACT, 0.0, mass=0.5)))
    assert slow.middle > plain.middle  # half the rate leaves masks


def test_an_experiment_knows_its_schedule() -> None:
    assert quantities_of(run()).experiment.setting().equal_steps
    stopped = quantities_of(run(delta=0.25)).experiment.setting()
    assert not stopped.equal_steps
    assert stopped.has_leftover
    growing = quantities_of(run(Perturbed(EXACT, slope=1.0), last_step="fill"))
    assert not growing.experiment.setting().time_free
    assert growing.gaps is not None
    assert growing.gaps.shape == (5, 4)


def test_a_claim_outside_its_hypotheses_does_not_count() -> None:
    trial = in_floats("E7")(Example.of(run(delta=0.25)), STATED)
    assert not trial.counts
    assert in_floats("E7")(Example.of(run()), STATED).counts


def test_a_broken_bound_fails_and_a_close_one_is_decided() -> None:
    example = Example.of(run(steps=1))
    tight = in_floats("E5")(example, STATED)  # attained: copies in one step
    assert tight.decision.verdict is Verdict.HOLDS
    assert tight.decision.ratio == pytest.approx(1, abs=1e-12)
    broken = Mutant("", {"E5.constant": Fraction(99, 100)})
    assert in_floats("E5")(example, broken).decision.verdict is Verdict.FAILS
