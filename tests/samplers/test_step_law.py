"""Step rules against S1 in 30 digits, step laws against exact fractions, and bad input."""

import itertools
import math
from fractions import Fraction

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.clock import Clock, clock, grid
from sharprates.samplers.errors import InputError
from sharprates.samplers.step_law import RULES, StepLaw, ancestral, euler, step_law, tau_leaping

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


def exact_weights(hazards: list[float]) -> tuple[list[Fraction], Fraction]:
    """w_k and w_∞ of the hazards that the float numbers are."""
    stay, weights = Fraction(1), []
    for r in map(Fraction, hazards):
        weights.append(r * stay)
        stay *= 1 - r
    return weights, stay


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


@given(hazards=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_weights_are_the_law_of_the_hazards_within_the_stated_error(hazards):
    law = StepLaw.from_hazards(torch.tensor(hazards, dtype=torch.float64))
    weights, leftover = exact_weights(hazards)
    tiny = 1e-300  # below, float64 itself has no relative accuracy
    for got, wanted in zip(law.weights.tolist(), weights, strict=True):
        assert abs(Fraction(got) - wanted) <= Fraction(law.weight_error) * wanted + Fraction(tiny)
    assert law.leftover == pytest.approx(float(leftover), rel=1e-15, abs=tiny)
    assert law.steps == len(hazards)
    assert law.clipped == 0


def test_many_steps_cost_little_accuracy():
    # ∏ (1 − 1/(l+1)) telescopes: w_k = 1/(k(k+1)) up to the rounding of the hazards themselves.
    hazards = 1 / torch.arange(2, 802, dtype=torch.float64)
    law = StepLaw.from_hazards(hazards)
    weights, _ = exact_weights(hazards.tolist())
    worst = max(
        abs(Fraction(got) / wanted - 1)
        for got, wanted in zip(law.weights.tolist(), weights, strict=True)
    )
    assert worst <= law.weight_error < 1e-14


@given(raw=st.lists(st.integers(0, 50), min_size=1, max_size=20), rest=st.integers(0, 50))
def test_weights_to_hazards_and_back(raw, rest):
    total = sum(raw) + rest
    if total == 0:
        return
    weights = torch.tensor([v / total for v in raw], dtype=torch.float64)
    law = StepLaw.from_weights(weights)
    assert torch.equal(law.weights, weights)
    assert law.leftover == pytest.approx(rest / total, abs=1e-15)
    assert law.weight_error == 0
    again = StepLaw.from_hazards(law.hazards)
    assert torch.allclose(again.weights, weights, rtol=1e-13, atol=1e-16)
    assert again.leftover == pytest.approx(law.leftover, abs=1e-15)
    if rest == 0:
        # The last step that does anything takes all that remains: exactly 1, not 1 ± 1e-16.
        assert float(law.hazards[max(i for i, v in enumerate(raw) if v)]) == 1


def test_weights_near_the_end_of_a_long_law_keep_their_accuracy():
    # 1 − Σ_{l<k} w_l would cancel here; the sum from the end does not.
    steps = 100_000
    law = StepLaw.from_weights(torch.full((steps,), 1 / steps, dtype=torch.float64))
    wanted = 1 / torch.arange(steps, 0, -1, dtype=torch.float64)
    assert torch.allclose(law.hazards, wanted, rtol=1e-11, atol=0)


def test_weights_with_a_sum_just_above_one_become_a_law():
    law = StepLaw.from_weights(torch.tensor([0.5, 0.5 + 5e-10]))
    assert math.fsum(law.weights.tolist()) == pytest.approx(1, abs=1e-15)
    assert law.leftover == 0


@given(steps=st.integers(1, 200))
def test_uniform(steps):
    law = StepLaw.uniform(steps)
    assert torch.equal(law.weights, torch.full((steps,), 1 / steps, dtype=torch.float64))
    assert law.leftover == 0
    assert torch.allclose(StepLaw.from_hazards(law.hazards).weights, law.weights, rtol=1e-13)


@pytest.mark.parametrize(
    "law",
    [
        StepLaw.from_hazards(torch.tensor([0.5, 0.25])),
        StepLaw.from_weights(torch.tensor([0.5, 0.125])),
        StepLaw.from_hazards(torch.tensor([1.5, 0.25])),
    ],
)
def test_filling_moves_the_leftover_into_a_last_step(law):
    filled = law.filled()
    assert filled.leftover == 0
    assert filled.steps == law.steps + 1
    assert torch.allclose(filled.weights[:-1], law.weights, rtol=1e-15)
    assert float(filled.weights[-1]) == pytest.approx(law.leftover, abs=1e-16)
    assert filled.clipped == law.clipped
    assert filled.unclipped[:-1].tolist() == law.unclipped.tolist()
    # However little a denoiser predicts in total, this step draws all.
    assert float(filled.unclipped[-1]) == math.inf


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


@pytest.mark.parametrize("hazards", [[], [[0.5]], [math.nan], [-0.1, 0.5], [0.5, -math.inf]])
def test_impossible_hazards(hazards):
    with pytest.raises(InputError, match="hazards"):
        StepLaw.from_hazards(torch.tensor(hazards))


def test_a_clock_beyond_float64_is_told_with_its_step():
    # 1 − α = t^1000 is 0 in float64 at t = 1/4: Euler asks for 0/0 there
    chosen = clock("polynomial:1000")
    with pytest.raises(InputError, match="step 4 of 4 has nan: take another clock"):
        step_law("euler", chosen, grid("uniform", chosen, 4, 1.0))


def test_a_negative_rounding_error_is_no_hazard():
    assert StepLaw.from_hazards(torch.tensor([-1e-17, 0.5])).hazards.tolist() == [0, 0.5]


@pytest.mark.parametrize("weights", [[], [[0.5]], [math.nan], [-0.1, 0.5], [0.6, 0.5], [math.inf]])
def test_impossible_weights(weights):
    with pytest.raises(InputError, match="weights"):
        StepLaw.from_weights(torch.tensor(weights))


def test_impossible_names():
    chosen, times = clock("linear"), times_of("linear")
    with pytest.raises(InputError, match="rule 'heun' is unknown: use one of euler"):
        step_law("heun", chosen, times)
    with pytest.raises(InputError, match="last step 'drop' is unknown: use one of leave, fill"):
        step_law("euler", chosen, times, "drop")
    with pytest.raises(InputError, match="K ≥ 1, got 0"):
        StepLaw.uniform(0)
