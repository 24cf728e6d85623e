import math

import pytest
import sympy
import torch
from sharprates.samplers.clock import clock as sampler_clock
from sharprates.samplers.schedule import RULES
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.clocks import ancestral_hazard, clock, euler_hazard, tau_leaping_hazard
from sharprates.theory.errors import TheoryError
from sharprates.theory.evaluation import evaluate
from sharprates.theory.symbols import symbol

NAMES = [
    "constant",
    "linear",
    "cosine",
    "cosine-late",
    "polynomial:2",
    "polynomial:0.5",
    "geometric",
    "geometric:0.1:5",
]
TIMES = (0.1, 0.35, 0.8)


def digits(expression: sympy.Expr, late: float, early: float = 0.0) -> float:
    """The formula to thirty digits, rounded once."""
    at = {symbol("t"): sympy.Rational(late), symbol("s"): sympy.Rational(early)}
    return float(expression.subs(at).evalf(30))


@pytest.mark.parametrize("name", NAMES)
def test_clocks_start_at_one_and_fall(name: str) -> None:
    alpha = clock(name).alpha
    values = [evaluate(alpha, {"t": t}, FLOAT) for t in (0.0, *TIMES)]
    assert values[0] == pytest.approx(1)
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_samplers_have_the_same_clocks(name: str) -> None:
    ours, theirs = clock(name), sampler_clock(name)
    t = torch.tensor(TIMES, dtype=torch.float64)
    for expression, values in (
        (ours.alpha, theirs.alpha(t)),
        (ours.masked, theirs.masked(t)),
        (ours.speed, theirs.speed(t)),
    ):
        found = [digits(expression, time) for time in TIMES]
        assert values.tolist() == pytest.approx(found, rel=1e-10, abs=1e-15)
    assert math.isinf(theirs.end) == (ours.end == sympy.oo)


@pytest.mark.parametrize("name", NAMES)
def test_the_samplers_have_the_same_rules(name: str) -> None:
    hazards = {
        "euler": euler_hazard,
        "tau-leaping": tau_leaping_hazard,
        "ancestral": ancestral_hazard,
    }
    times = torch.tensor(TIMES[::-1], dtype=torch.float64)
    for rule, hazard in hazards.items():
        values = RULES[rule](sampler_clock(name), times).tolist()
        expression = hazard(clock(name))
        found = [
            digits(expression, late, early)
            for late, early in zip(TIMES[:0:-1], TIMES[-2::-1], strict=True)
        ]
        assert values == pytest.approx(found, rel=1e-10)


def test_the_rules_differ() -> None:
    # the mutant of the comparison above: two rules mixed up
    chosen = clock("cosine")
    values = {
        digits(hazard(chosen), 0.8, 0.35)
        for hazard in (euler_hazard, tau_leaping_hazard, ancestral_hazard)
    }
    assert len({round(value, 6) for value in values}) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sine", "unknown: use one of constant, linear"),
        ("polynomial", "unknown"),
        ("linear:2", "unknown"),
        ("polynomial:two", "must be numbers"),
    ],
)
def test_unknown_clocks(name: str, message: str) -> None:
    with pytest.raises(TheoryError, match=message):
        clock(name)
