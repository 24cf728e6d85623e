"""Step rules against S1 in 30 digits; times and step laws of schedules, and their equality."""

import itertools
from fractions import Fraction

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.clock import Clock, clock, grid
from sharprates.samplers.errors import InputError
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.schedule import RULES, Schedule, ancestral, euler, step_law, tau_leaping
from sharprates.samplers.step_law import StepLaw


def test_a_schedule_is_the_step_law_of_its_rule_on_its_grid() -> None:
    cosine = clock("cosine")
    plan = Schedule("euler", "cosine", "uniform", 5, 0.75, 0.125, "fill")
    times = grid("uniform", cosine, 5, 0.75, 0.125)
    assert torch.equal(plan.times(3), times)
    assert plan.law(3) == step_law("euler", cosine, times, "fill")
    assert str(plan) == "euler cosine uniform K=5 T=0.75 δ=0.125 fill"
    given = Schedule.at(times, "euler", "cosine", "fill")
    assert given.law(3) == plan.law(3)
    assert given.steps == 5
    assert str(given) == "euler cosine times K=5 fill"


def test_the_default_horizon_depends_on_the_length() -> None:
    plan = Schedule("ancestral", "constant", "uniform", 4)
    assert float(plan.times(2)[0]) < float(plan.times(9)[0])


def test_equal_schedules_have_one_hash() -> None:
    one = Schedule("euler", "linear", "uniform", 5, Fraction(1, 2))
    assert {one, Schedule("euler", "linear", "uniform", 5, 0.5)} == {one}
    assert torch.equal(one.times(2), Schedule("euler", "linear", "uniform", 5, 0.5).times(2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": "heun"}, "rule 'heun' is unknown"),
        ({"last_step": "argmax"}, "last step 'argmax' is unknown"),
        ({"grid": None}, "grid: give the name of one, or times"),
        ({"times_given": (1.0, 0.0)}, "grid: give the name of one, or times"),
    ],
)
def test_bad_schedules_are_named(changes: dict[str, object], message: str) -> None:
    plan = {"rule": "euler", "clock": "linear", "grid": "uniform", "steps": 3}
    with pytest.raises(InputError, match=message):
        Schedule(**{**plan, **changes})


def test_a_step_law_keeps_its_fractions() -> None:
    exact = (Fraction(1, 3), Fraction(1, 6))
    law = StepLaw.from_fractions(exact)
    assert law.fractions == exact
    assert law.weights.tolist() == [1 / 3, 1 / 6]
    assert law.leftover == 0.5
    assert law.weight_error == 2.0**-53
    assert law.filled().fractions == (*exact, Fraction(1, 2))
    assert law == StepLaw.from_fractions(exact)
    assert hash(law) == hash(StepLaw.from_fractions(exact))
    assert law != StepLaw.from_weights(law.weights)
    assert str(law) == "w=[1/3 1/6]"
    with pytest.raises(InputError, match="at most 1, got 7/6"):
        StepLaw.from_fractions((Fraction(1, 2), Fraction(2, 3)))


def test_what_equal_steps_are() -> None:
    third = Fraction(1, 3)
    assert StepLaw.from_fractions((third,) * 3).is_equal(3)
    assert not StepLaw.from_fractions((third, third)).is_equal(2)
    assert StepLaw.equal(7).is_equal(7)
    assert StepLaw.equal(7).filled().is_equal(7)
    assert not StepLaw.from_weights(torch.tensor([0.5, 0.4])).is_equal(2)


CLOCKS = ["constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric"]


ALPHA = {
    "constant": lambda t: mpmath.exp(-t),
    "linear": lambda t: 1 - t,
    "cosine": lambda t: mpmath.cos(mpmath.pi * t / 2),
    "polynomial:2": lambda t: 1 - t**2,
}


def times_of(name: str, steps: int = 8, delta: float = 0.0) -> torch.Tensor:
    chosen = clock(name)
    return grid("uniform", chosen, steps, min(chosen.end, 5.0), delta)


@pytest.mark.parametrize("name", ALPHA)
def test_rules_are_those_of_the_note(name):
    times = times_of(name, delta=0.01)
    with mpmath.workdps(30):
        alpha = ALPHA[name]
        points = [mpmath.mpf(t) for t in times.tolist()]
        for k, (t, s) in enumerate(itertools.pairwise(points)):
            H = (t - s) * -mpmath.diff(alpha, t) / (1 - alpha(t))
            rho = (alpha(s) - alpha(t)) / (1 - alpha(t))
            wanted = {"euler": H, "tau-leaping": 1 - mpmath.exp(-H), "ancestral": rho}
            for rule, value in wanted.items():
                got = float(RULES[rule](clock(name), times)[k])
                assert got == pytest.approx(float(value), rel=1e-9), (rule, k)


def test_rules_differ_so_a_wrong_one_is_seen():
    times = times_of("constant")
    laws = [step_law(rule, clock("constant"), times).weights for rule in RULES]
    for i in range(3):
        for j in range(i):
            assert float((laws[i] - laws[j]).abs().max()) > 1e-3


def test_euler_and_ancestral_coincide_on_the_linear_clock():
    chosen, times = clock("linear"), times_of("linear")
    assert torch.allclose(euler(chosen, times), ancestral(chosen, times), rtol=1e-14)


@given(steps=st.integers(1, 40), horizon=st.floats(0.1, 20))
def test_euler_lags_on_the_constant_clock(steps, horizon):
    chosen = clock("constant")
    times = grid("uniform", chosen, steps, horizon)
    assert bool((euler(chosen, times) <= ancestral(chosen, times) + 1e-15).all())
    assert bool((tau_leaping(chosen, times) <= euler(chosen, times)).all())


@pytest.mark.parametrize("name", ["cosine", "polynomial:2", "polynomial:3"])
def test_euler_leads_and_is_clipped_on_clocks_that_end_fast(name):
    chosen, times = clock(name), times_of(name)
    asked = euler(chosen, times)
    assert float(asked.max()) > 1
    law = step_law("euler", chosen, times)
    assert law.clipped == int((asked > 1).sum())
    assert float(law.hazards.max()) == 1
    assert torch.equal(law.unclipped, asked)
    assert law.leftover == 0
    # τ-leaping and the exact bridge never ask for more than 1.
    for rule in ("tau-leaping", "ancestral"):
        assert step_law(rule, chosen, times).clipped == 0


def test_a_hazard_of_exactly_one_is_not_clipped():
    assert step_law("euler", clock("linear"), times_of("linear")).clipped == 0


@pytest.mark.parametrize("name", CLOCKS)
@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_ancestral_leftover_telescopes(name, delta):
    chosen, times = clock(name), times_of(name, 16, delta)
    law = step_law("ancestral", chosen, times)
    masked = chosen.masked(times)
    assert law.leftover == pytest.approx(float(masked[-1] / masked[0]), rel=1e-12, abs=1e-16)
    alpha = chosen.alpha(times)
    assert torch.allclose(law.weights, alpha.diff() / masked[0], rtol=1e-10, atol=1e-16)


def test_last_step():
    chosen, times = clock("constant"), times_of("constant")
    left = step_law("tau-leaping", chosen, times)
    filled = step_law("tau-leaping", chosen, times, "fill")
    assert left.leftover > 0
    assert filled.leftover == 0
    assert (left.steps, filled.steps) == (8, 9)


def test_custom_rule_and_clock():
    chosen = Clock.from_alpha("square", lambda t: (1 - t) ** 2, 1.0)
    times = grid("uniform", chosen, 4, 1.0)

    def half(clock: Clock, times: torch.Tensor) -> torch.Tensor:
        return ancestral(clock, times) / 2

    assert torch.equal(step_law(half, chosen, times).hazards, ancestral(chosen, times) / 2)


def test_a_clock_beyond_float64_is_told_with_its_step():
    # 1 − α = t^1000 is 0 in float64 at t = 1/4: Euler asks for 0/0 there
    chosen = clock("polynomial:1000")
    with pytest.raises(InputError, match="step 4 of 4 has nan: take another clock"):
        step_law("euler", chosen, grid("uniform", chosen, 4, 1.0))


def test_impossible_names():
    chosen, times = clock("linear"), times_of("linear")
    with pytest.raises(InputError, match="rule 'heun' is unknown: use one of euler"):
        step_law("heun", chosen, times)
    with pytest.raises(InputError, match="last step 'drop' is unknown: use one of leave, fill"):
        step_law("euler", chosen, times, "drop")


def test_times_that_end_early_are_early_stopping() -> None:
    early = Schedule.at(torch.tensor([1.0, 0.5, 0.25]), "euler", "linear")
    assert ParallelSampler(2, early).facts()["delta"] == 0.25
    assert ParallelSampler(2, Schedule("euler", "linear", "uniform", 2)).facts()["delta"] == 0
