"""Clocks: each curve against the others and against a table of known values; grids; bad input."""

import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.clock import GRIDS, Clock, check_times, clock, default_horizon, grid
from sharprates.samplers.errors import InputError
from sharprates.samplers.schedule import ancestral
from torch import Tensor

NAMES = [
    "constant",
    "linear",
    "cosine",
    "cosine-late",
    "polynomial:0.5",
    "polynomial:2",
    "polynomial:3",
    "geometric",
    "geometric:0.01:5",
]

# α(t) in 40 digits.
TABLE = {
    "constant": lambda t: mpmath.exp(-t),
    "linear": lambda t: 1 - t,
    "cosine": lambda t: mpmath.cos(mpmath.pi * t / 2),
    "cosine-late": lambda t: 1 - mpmath.cos(mpmath.pi * (1 - t) / 2),
    "polynomial:0.5": lambda t: 1 - mpmath.sqrt(t),
    "polynomial:2": lambda t: 1 - t**2,
    "polynomial:3": lambda t: 1 - t**3,
    "geometric": lambda t: _geometric(t, "1e-4", 20),
    "geometric:0.01:5": lambda t: _geometric(t, 0.01, 5),
}


def _geometric(t, low, high):
    low, high = mpmath.mpf(low), mpmath.mpf(high)
    return mpmath.exp(low - low ** (1 - t) * high**t)


def scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("t", [1e-12, 1e-6, 0.1, 0.5, 0.9, 1.0])
def test_curves_are_those_of_the_table_also_near_zero(name, t):
    chosen = clock(name)
    with mpmath.workdps(40):
        alpha = TABLE[name](mpmath.mpf(t))
        assert float(chosen.alpha(scalar(t))) == pytest.approx(float(alpha), rel=1e-12, abs=1e-16)
        assert float(chosen.masked(scalar(t))) == pytest.approx(float(1 - alpha), rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
@given(t=st.floats(1e-6, 1 - 1e-6))
def test_speed_is_the_derivative_and_inverse_inverts(name, t):
    chosen = clock(name)
    leaf = scalar(t).requires_grad_()
    (slope,) = torch.autograd.grad(chosen.alpha(leaf), leaf)
    assert float(chosen.speed(scalar(t))) == pytest.approx(-float(slope), rel=1e-9)
    alpha = chosen.alpha(scalar(t))
    assert float(chosen.masked(scalar(t))) == pytest.approx(1 - float(alpha), abs=1e-15)
    # Where α is flat its inverse is ill-conditioned: what α says of the time must agree.
    assert float(chosen.alpha(chosen.inverse(alpha))) == pytest.approx(float(alpha), rel=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_ends(name):
    chosen = clock(name)
    assert float(chosen.alpha(scalar(0.0))) == 1
    assert float(chosen.masked(scalar(0.0))) == 0
    if math.isfinite(chosen.end) and "geometric" not in name:
        # Exactly 0 and 1: a sampler that starts there has no leftover.
        assert float(chosen.alpha(scalar(chosen.end))) == 0
        assert float(chosen.masked(scalar(chosen.end))) == 1
    assert default_horizon(chosen, 7) == (
        chosen.end if math.isfinite(chosen.end) else pytest.approx(math.log(700))
    )


def test_geometric_defaults():
    times = torch.linspace(0, 1, 11, dtype=torch.float64)
    short, long = clock("geometric"), clock("geometric:1e-4:20")
    assert torch.equal(short.alpha(times), long.alpha(times))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", GRIDS)
@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_grids_decrease_between_their_ends(name, kind, steps):
    chosen = clock(name)
    times = grid(kind, chosen, steps, 0.9, 0.01)
    assert times.dtype == torch.float64
    assert times.shape == (steps + 1,)
    assert (times[0], times[-1]) == (0.9, 0.01)
    assert bool((times.diff() < 0).all())


@pytest.mark.parametrize("name", NAMES)
def test_grids_are_what_their_names_say(name):
    chosen = clock(name)

    def even(values: torch.Tensor) -> None:
        gaps = values.diff()
        assert torch.allclose(gaps, gaps.mean().expand_as(gaps), rtol=1e-9, atol=0)

    even(grid("uniform", chosen, 10, 1.0))
    even(chosen.alpha(grid("alpha", chosen, 10, 1.0)))
    late = grid("logsnr", chosen, 10, 0.9, 0.05)
    even((chosen.alpha(late) / chosen.masked(late)).log())


@pytest.mark.parametrize(
    ("horizon", "delta", "steps"),
    [
        (6.0, 1e-3, 20),
        (0.7, 1e-3, 20),
        (6.0, 2.0, 5),
        (10.0, 0.001, 2),
        (3.0, 1e-6, 1),
        (5.0, 1.0, 4),
    ],
)
def test_exp_const_steps(horizon, delta, steps):
    times = grid("exp-const", clock("constant"), steps, horizon, delta)
    ratio = -times.diff() / times[:-1].clamp(max=1)
    assert torch.allclose(ratio, ratio[0].expand_as(ratio), rtol=1e-6, atol=0)
    assert times[-1] == delta


def test_many_exp_const_steps():
    times = grid("exp-const", clock("constant"), 100_000, 8.0, 1e-5)
    assert times.shape == (100_001,)


@given(
    name=st.sampled_from(["linear", "cosine", "cosine-late", "polynomial:2", "geometric:0.01:5"]),
    t=st.floats(0.01, 0.99),
)
def test_clock_from_alpha_alone(name, t):
    built_in = clock(name)
    copy = Clock.from_alpha("copy", built_in.alpha, 1.0)
    x = scalar(t)
    for curve in ("alpha", "masked", "speed"):
        ours, theirs = getattr(copy, curve)(x), getattr(built_in, curve)(x)
        assert float(ours) == pytest.approx(float(theirs), rel=1e-9, abs=1e-15)
    a = built_in.alpha(x)
    assert float(built_in.alpha(copy.inverse(a))) == pytest.approx(float(a), abs=1e-14)
    ours, theirs = grid("alpha", copy, 5, 1.0), grid("alpha", built_in, 5, 1.0)
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-9)


def test_speed_of_a_custom_clock_keeps_no_graph():
    copy = Clock.from_alpha("copy", lambda t: 1 - t**2, 1.0)
    with torch.no_grad():
        assert float(copy.speed(scalar(0.5))) == pytest.approx(1.0)
    assert not copy.speed(scalar(0.5)).requires_grad


@pytest.mark.parametrize(
    ("alpha", "end", "words"),
    [
        (lambda t: 1 - t, math.inf, "finite"),
        (lambda t: 1 - t, 0.0, "positive"),
        (lambda t: 0.5 - t / 2, 1.0, "α(0) must be 1"),
        (lambda t: 1 + t, 1.0, "decrease"),
        (lambda t: 1 - 2 * t, 1.0, "≥ 0"),
        (lambda t: torch.ones_like(t), 1.0, "decrease"),
        (lambda t: 1 - t * (1 - t), 1.0, "decrease"),
        (lambda t: torch.where(t > 0.5, math.nan, 1 - t), 1.0, "decrease"),
    ],
)
def test_impossible_clocks(alpha, end, words):
    with pytest.raises(InputError) as caught:
        Clock.from_alpha("mine", alpha, end)
    assert "mine" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["", "cosin", "constant:1", "linear:2", "polynomial", "polynomial:0", "polynomial:-1",
     "polynomial:nan", "polynomial:inf", "geometric:1", "geometric:2:1", "geometric:0:1",
     "geometric:1:1", "geometric:1:inf"],
)  # fmt: skip
def test_unknown_clocks(name):
    with pytest.raises(
        InputError, match=r"is unknown: (did you mean cosine\? U|u)se one of constant, linear"
    ):
        clock(name)


def test_clock_with_a_text_for_a_number():
    with pytest.raises(InputError, match="must be numbers"):
        clock("polynomial:two")


@pytest.mark.parametrize(
    ("kind", "name", "steps", "horizon", "delta", "words"),
    [
        ("uniform", "linear", 0, 1.0, 0.0, "K ≥ 1, got 0"),
        ("uniform", "linear", 4, 0.0, 0.0, "0 < T < ∞, got 0"),
        ("uniform", "linear", 4, -1.0, 0.0, "0 < T < ∞"),
        ("uniform", "constant", 4, math.inf, 0.0, "0 < T < ∞"),
        ("uniform", "linear", 4, math.nan, 0.0, "0 < T < ∞"),
        ("uniform", "cosine", 4, 2.0, 0.0, "clock cosine ends at 1, got 2"),
        ("uniform", "linear", 4, 1.0, 1.0, "0 ≤ δ < T"),
        ("uniform", "linear", 4, 1.0, -0.1, "0 ≤ δ < T"),
        ("logsnr", "linear", 4, 1.0, 0.1, "0 < α < 1 at both ends"),
        ("logsnr", "linear", 4, 0.9, 0.0, "0 < α < 1 at both ends"),
        ("exp-const", "constant", 4, 3.0, 0.0, "needs δ > 0"),
        ("even", "linear", 4, 1.0, 0.0, "is unknown: use one of uniform, alpha"),
        ("uniform", "linear", 1000, 0.5, 0.5 - 1e-15, "decrease strictly"),
        ("uniform", "linear", 10**14, 1.0, 0.0, "steps would take"),
    ],
)
def test_impossible_grids(kind, name, steps, horizon, delta, words):
    with pytest.raises(InputError) as caught:
        grid(kind, clock(name), steps, horizon, delta)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([1.0], "K + 1 ≥ 2"),
        ([[1.0, 0.0]], "K + 1 ≥ 2"),
        ([2.0, 0.0], "lie in [0, 1]"),
        ([1.0, -0.5], "lie in [0, 1]"),
        ([1.0, math.nan], "lie in [0, 1]"),
        ([1.0, 0.5, 0.5, 0.0], "t_1 = 0.5 is followed by 0.5"),
        ([0.1, 0.2], "t_0 = 0.1 is followed by 0.2"),
    ],
)
def test_impossible_times(times, words):
    with pytest.raises(InputError) as caught:
        check_times(torch.tensor(times), clock("linear"))
    assert words in str(caught.value)


def test_explicit_times_pass():
    times = check_times(torch.tensor([1.0, 0.25, 0.0], dtype=torch.float32), clock("linear"))
    assert times.dtype == torch.float64
    assert times.tolist() == [1.0, 0.25, 0.0]


def test_a_noise_that_begins_below_one() -> None:
    def alpha(t: Tensor) -> Tensor:
        return torch.exp(-(10.0 ** (2 * t - 3)))

    begun = Clock.begun_before("late", alpha, 1.0, lead=0.5)
    times = torch.tensor([1.0, 0.4, 0.1, 0.0], dtype=torch.float64)
    assert begun.end == 1.5
    assert torch.allclose(begun.alpha(times + 0.5), alpha(times))
    # A step reveals what it does on the noise itself: P(unmasked in it | masked before it).
    right = (alpha(times[1:]) - alpha(times[:-1])) / (1 - alpha(times[:-1]))
    assert torch.allclose(ancestral(begun, times + 0.5), right)
    # Divided by α(0) it is another sampler: at the end it would reveal all.
    whole = alpha(times) / alpha(times[-1:])
    assert abs((1 - (1 - whole[1:]) / (1 - whole[:-1]) - right)[-1]) > 0.3
    with pytest.raises(InputError, match="lead must be positive"):
        Clock.begun_before("late", alpha, 1.0, lead=0.0)
