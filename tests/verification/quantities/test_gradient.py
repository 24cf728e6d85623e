"""Quantities with gradients: the same numbers as the exact ones, and gradients that are right."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.schedule import Schedule
from sharprates.theory.registry import CLAIMS
from sharprates.verification import strategies
from sharprates.verification.adversary.search import Support
from sharprates.verification.arithmetic import BALL
from sharprates.verification.exact_experiment import exact_experiment, experiment_on_rows
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.quantities.gradient import TINY, TORCH, GradientQuantities


def relaxed(instance):
    """An instance as floats; its denoiser's table is spread over rows."""
    rows = torch.tensor(instance.rows)
    d, n, S = instance.length, rows.shape[0], instance.vocabulary
    law = torch.tensor([float(w) for w in instance.weights], dtype=torch.float64)
    steps = horizon = error = wrong = None
    if instance.steps:
        steps = torch.tensor([float(w) for w in instance.steps], dtype=torch.float64)
    count = 0
    if instance.grid:
        horizon = torch.tensor(float(instance.grid.horizon), dtype=torch.float64)
        count = instance.grid.steps
    if instance.predictions:
        error = torch.zeros((2**d, d, n), dtype=torch.float64)
        wrong = torch.full((2**d, d, n, S), 1 / S, dtype=torch.float64)
        for subset in range(2**d):
            for k, row in enumerate(instance.rows):
                context = tuple(x if subset >> i & 1 else S for i, x in enumerate(row))
                for i in range(d):
                    given_law = instance.predictions.get((context, i))
                    if given_law is not None:
                        error[subset, i, k] = 1.0
                        wrong[subset, i, k] = torch.tensor(
                            [float(p) for p in given_law], dtype=torch.float64
                        )
    return GradientQuantities(Support(rows, S), law, steps, horizon, count, error, wrong)


def compare(instance, *names):
    ours, exact = relaxed(instance), ExactQuantities(instance)
    for name in names:
        a, b = getattr(ours, name), getattr(exact, name)
        if isinstance(b, dict):
            pairs = [(a[key], b[key]) for key in b]
        else:
            pairs = zip(a, b, strict=True) if isinstance(b, list) else [(a, b)]
        for x, y in pairs:
            assert float(x) == pytest.approx(float(y), abs=1e-10), name


COMMON = ["d", "S", "K", "h", "I_bar", "entropy", "last_entropy", "D", "epsilon_FHS", "q0"]
LAWS = strategies.laws(min_length=2, max_length=3)


@settings(max_examples=25)
@given(strategies.instances(LAWS, strategies.random_steps(4), erring=True))
def test_values_of_step_laws(instance):
    compare(instance, *COMMON, "w", "W", "epsilon_w", "p_out", "tv", "first_order")


@settings(max_examples=15)
@given(strategies.one_by_one(LAWS))
def test_values_of_first_hitting(instance):
    compare(instance, *COMMON, "tv")


@settings(max_examples=15)
@given(
    LAWS,
    st.sampled_from([Fraction(1, 2), Fraction(2), Fraction(5)]),
    st.integers(1, 4),
)
def test_values_on_a_grid(target, horizon, steps):
    instance = exact_experiment(
        target, grid=Schedule("euler", "constant", "uniform", steps, horizon)
    )
    terms = ["E1_initialisation", "E1_score", "E1_clock", "E1_parallel", "E1_early_stopping"]
    compare(instance, *COMMON, "w", "T", "epsilon_1", *terms, "tv")


def test_divergences():
    instance = experiment_on_rows(
        2,
        ((0, 0), (0, 1), (1, 1)),
        (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)),
        steps=(Fraction(1, 3), Fraction(2, 3)),
        predictions={((2, 2), 0): (Fraction(1, 3), Fraction(2, 3))},
    )
    compare(instance, "epsilon_KL", "kl")


def test_formulas_take_torch_numbers_and_give_gradients():
    instance = exact_experiment(
        strategies.families.family("copies:3:2"), steps=(Fraction(1, 4),) * 4
    )
    it = relaxed(instance)
    logits = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    moving = replace(it, steps=torch.softmax(logits, 0))
    for one in ("E3", "E4", "E8"):
        claim = CLAIMS[one]
        value = moving.bound(claim)
        exact = ExactQuantities(instance).values(claim.symbols())
        known = claim.value(exact, BALL)
        assert float(value.detach()) == pytest.approx(float(known), abs=1e-10)
    tv = moving.tv
    tv.backward()
    # equal steps are a critical point of copies neither in its first nor in its last step
    assert logits.grad is not None
    step = 1e-6
    for k in range(4):
        nudged = torch.zeros(4, dtype=torch.float64)
        nudged[k] = step
        up = replace(it, steps=torch.softmax(nudged, 0)).tv
        down = replace(it, steps=torch.softmax(-nudged, 0)).tv
        slope = float(up - down) / (2 * step)
        assert float(logits.grad[k]) == pytest.approx(slope, abs=1e-6)


def test_the_law_is_differentiable_through_the_conditionals():
    instance = exact_experiment(strategies.families.family("copies:2:2"), steps=(Fraction(1),))
    it = relaxed(instance)

    def tv(x):
        return replace(it, law=torch.stack([x, 1 - x])).tv

    x = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    value = tv(x)
    value.backward()
    # TV = 2x(1−x): 1 − Σ q², so the slope is 2 − 4x
    assert float(value.detach()) == pytest.approx(0.42)
    assert float(x.grad) == pytest.approx(0.8)


def test_number_type():
    one = TORCH.rational(1)
    assert float(TORCH.cos(one * 0)) == 1
    assert float(TORCH.pi()) == pytest.approx(3.14159265358979)
    assert float(TORCH.log1p(one)) == pytest.approx(0.69314718056)
    zero = torch.zeros((), dtype=torch.float64, requires_grad=True)
    TORCH.sqrt(zero).backward()
    assert torch.isfinite(zero.grad)
    assert TINY > 0
