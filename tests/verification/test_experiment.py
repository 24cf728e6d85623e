"""Exact numbers of an instance, against the float64 path and against a second exact formula."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.registry import CLAIMS
from sharprates.verification.arithmetic import RATIONAL, interval, precision
from sharprates.verification.checks.trial import Example
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_schedule import steps_on_grid
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import profile
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.quantities.float64 import FloatQuantities
from sharprates.verification.strategies import Perturbed
from sharprates.verification.verify import store

from tests.verification.subsets import score_gaps


@st.composite
def targets(draw):
    d, S = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rows = draw(
        st.lists(
            st.tuples(*[st.integers(0, S - 1)] * d), min_size=1, max_size=min(6, S**d), unique=True
        )
    )
    weights = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(rows, weights, S)


@given(targets(), st.sampled_from(["euler", "tau-leaping", "ancestral"]), st.booleans(), st.data())
def test_all_values_agree_with_the_float_path(target, rule, fill, data):
    d, S = target.length, target.vocabulary
    row = data.draw(st.sampled_from(target.rows.tolist()))
    place = data.draw(st.integers(0, d - 1))
    shown = data.draw(st.lists(st.booleans(), min_size=d, max_size=d))
    context = tuple(
        x if s and i != place else S for i, (x, s) in enumerate(zip(row, shown, strict=True))
    )
    law = (Fraction(1, 3), *[Fraction(2, 3) / (S - 1)] * (S - 1)) if S > 1 else (Fraction(1),)
    name = data.draw(st.sampled_from(["constant", "linear", "cosine", "polynomial:2"]))
    horizon = Fraction(5) if name == "constant" else Fraction(1)
    instance = exact_experiment(
        target,
        grid=Schedule(rule, name, "uniform", 4, horizon, last_step="fill" if fill else "leave"),
        predictions={(context, place): law},
    )
    shape, steps = profile(target), instance.step_law
    gaps = score_gaps(target, instance.denoiser)
    exact, floats = ExactQuantities(instance), FloatQuantities(instance, shape, gaps)
    names = ["w", "W", "h", "I_bar", "entropy", "last_entropy", "epsilon_w", "epsilon_FHS"]
    names += ["E1_initialisation", "E1_score", "E1_clock", "E1_parallel", "E1_early_stopping", "T"]
    if name == "constant" and rule == "euler":
        names.append("epsilon_1")
    for one in names:
        ours, theirs = getattr(exact, one), getattr(floats, one)
        pairs = zip(ours, theirs, strict=True) if isinstance(ours, list) else [(ours, theirs)]
        for a, b in pairs:
            assert float(a) == pytest.approx(float(b), abs=1e-12), one
    tv = total_variation(tables(target, instance.denoiser).law(steps), target)
    assert float(exact.tv) == pytest.approx(tv.value, abs=1e-12)


@given(targets())
def test_first_order_constant_by_two_formulas(target):
    exact = ExactQuantities(exact_experiment(target))
    if target.length == 1:
        assert exact.first_order == 0
        return
    values = exact.values(("d", "q0", "P"))
    assert exact.first_order == CLAIMS["L5"].value(values, RATIONAL)


def test_first_order_constant_is_the_limit():
    target = family("permutations:3:3")
    instance = exact_experiment(target, steps=(Fraction(1, 2000),) * 2000)
    exact = ExactQuantities(instance)
    assert float(2000 * exact.tv) == pytest.approx(float(exact.first_order), rel=2e-3)


@given(targets(), st.integers(1, 3))
def test_instance_bound_and_divergence(target, steps):
    weights = (Fraction(1, steps),) * steps
    exact = ExactQuantities(exact_experiment(target, steps=weights))
    with precision(128):
        bound = CLAIMS["E4"].value(exact.values(("d", "w", "D")), RATIONAL)
        assert exact.tv <= bound
    law = tables(target, ExactDenoiser(target)).law(StepLaw.equal(steps))
    kl = float((target.weights * (target.weights / law.probability).log()).sum())
    assert interval(exact.kl).middle == pytest.approx(kl, abs=1e-12)


def test_settings():
    copies = family("copies:3:2")
    half = Fraction(1, 2)
    uniform = exact_experiment(copies, steps=(half, half)).setting()
    assert uniform.equal_steps
    assert not uniform.has_leftover
    assert uniform.steps == 2
    assert exact_experiment(copies, steps=(half,)).setting().has_leftover
    assert exact_experiment(copies, blocks=(1, 1, 1)).setting().sampler == "fhs"
    assert exact_experiment(copies, blocks=(1, 2)).setting().sampler == "blocks"
    linear = Schedule("euler", "linear", "uniform", 4, Fraction(1))
    assert exact_experiment(copies, grid=linear).setting().equal_steps
    cosine = replace(linear, clock="cosine")
    assert not exact_experiment(copies, grid=cosine).setting().equal_steps
    constant = exact_experiment(copies, grid=replace(linear, clock="constant")).setting()
    assert constant.has_leftover
    assert constant.clock == "constant"
    assert exact_experiment(copies).setting().steps is None


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule("euler", "linear", "uniform", 2, Fraction(0)),
        Schedule("euler", "linear", "uniform", 2, 1.0),
        Schedule("euler", "linear", "alpha", 2, Fraction(1)),
    ],
)
def test_schedules_without_exact_numbers(schedule):
    with pytest.raises(ValueError, match="fraction T > 0"):
        steps_on_grid(schedule)


def test_numbers_that_need_a_grid():
    exact = ExactQuantities(exact_experiment(family("copies:2:2")))
    for one in ("T", "E1_clock"):
        with pytest.raises(ValueError, match="needs a grid"):
            getattr(exact, one)


def test_an_instance_in_words() -> None:
    law = family("copies:2:2")
    half = (Fraction(1, 2),) * 2
    assert str(exact_experiment(law, steps=half)) == ("d=2 S=2 copies q0=[00:1/2 11:1/2] equal K=2")
    erring = exact_experiment(law, blocks=(1, 1), predictions={((2, 2), 1): half})
    assert "blocks=(1 1) p̂_2(__)=(1/2 1/2)" in str(erring)
    on_a_grid = exact_experiment(
        law, grid=Schedule("euler", "linear", "uniform", 3, Fraction(1, 2), last_step="fill")
    )
    assert str(on_a_grid).endswith("euler linear T=1/2 K=3 fill")
    assert "q0=[000:1/4 011:1/4 101:1/4 110:1/4]" in str(exact_experiment(family("parity:3:2")))
    many = exact_experiment(family("copies:2:30"), steps=(Fraction(1, 3),))
    assert "uniform on 30 rows" in str(many)
    assert Example(many, {"b": 2, "_hidden": 3}).text.endswith("w=(1/3), b=2")


def test_what_is_exact_is_said_in_fractions_and_what_is_not_by_its_parts() -> None:
    target = family("copies:2:2")
    floats = Experiment(
        target,
        ExactDenoiser(target),
        ParallelSampler(2, Schedule("euler", "linear", "uniform", 4, 1.0)),
    )
    assert not floats.exact
    assert (
        str(floats)
        == "copies:2:2 (euler linear uniform K=4 T=1.0 leave; exact, off-support uniform)"
    )
    assert not Experiment(target, Perturbed(ExactDenoiser(target))).exact
    fractions = replace(floats.grid, horizon=Fraction(1))
    for options in ({}, {"grid": fractions}, {"steps": (Fraction(1),)}, {"blocks": (2,)}):
        assert exact_experiment(target, **options).exact
    assert store("E3", Example(floats), {}, Path()) is None
