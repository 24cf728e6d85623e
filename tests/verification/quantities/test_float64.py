"""The numbers of an experiment in float64 lie within their stated errors of those in fractions."""

import itertools
import math
import random
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from flint import arb
from hypothesis import given, settings
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import copies, dirichlet, family, shared_symbols, uniform
from sharprates.samplers.families import product as product_law
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.remasking import RemaskingSampler, remasking
from sharprates.samplers.schedule import RULES, Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import Interval, ball, interval, precision, root
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import UNIT, profile
from sharprates.verification.quantities import float64 as module
from sharprates.verification.quantities.erring import ErringQuantities
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.quantities.float64 import FloatQuantities
from sharprates.verification.score_error import (
    Comparison,
    OrderError,
    order_error,
    score_error_of,
    shifted,
)

from tests.samplers.perturbed import Always

TERMS = ("initialisation", "score", "clock", "parallel", "early_stopping")
ALWAYS = ("entropy", "last_entropy", "I_bar", "epsilon_FHS", "epsilon_KL")
IN_STEPS = ("W", "epsilon_w")
ON_A_GRID = tuple(f"E1_{term}" for term in TERMS)


def numbers_of(experiment: Experiment) -> FloatQuantities:
    target = experiment.target
    comparison = Comparison.of(target)
    sums = comparison.sums(experiment.denoiser)
    errors = order_error(comparison, sums)
    return FloatQuantities(experiment, profile(target), sums.gaps, errors)


def share(found: Interval, exact: object) -> float:
    """How much of a stated error is used: |found − exact| over it, in balls of 400 bits."""
    low, high = ball(found.lower), ball(found.upper)
    off, error = abs(arb(exact) - (low + high) / 2), (high - low) / 2
    return 0.0 if bool(off < 1e-100) else math.inf if bool(error < 1e-100) else float(off / error)


def shares(experiment: Experiment, names: tuple[str, ...]) -> dict[str, float]:
    exact, floats = ExactQuantities(experiment), numbers_of(experiment)
    used = {}
    with precision(400):
        for name in names:
            number = getattr(exact, name)
            found = interval(getattr(floats, name))
            if name == "epsilon_KL" and not arb(number).is_finite():
                assert found.lower == math.inf
            else:
                used[name] = share(found, number)
        pairs = zip(exact.h, floats.h, strict=True)
        used["h"] = max(share(interval(found), number) for number, found in pairs)
    return used


def any_number(dice: random.Random) -> Fraction:
    """Of ordinary size, or tiny."""
    if dice.random() < 0.6:
        return Fraction(dice.uniform(0.1, 1))
    return Fraction(10.0 ** -dice.randint(1, 300))


def a_law(dice: random.Random, count: int) -> tuple[Fraction, ...]:
    numbers = [any_number(dice) for _ in range(count)]
    return tuple(number / sum(numbers) for number in numbers)


def an_experiment(dice: random.Random) -> tuple[Experiment, tuple[str, ...]]:
    """Tiny probabilities, predictions and weights among others; and what it has numbers for."""
    d, S = dice.randint(1, 4), dice.randint(2, 3)
    states = list(itertools.product(range(S), repeat=d))
    rows = dice.sample(states, dice.randint(1, min(8, len(states))))
    target = Target.from_rows(rows, a_law(dice, len(rows)), S)
    places = some.contexts(target)
    wrong = {
        place: a_law(dice, S) for place in dice.sample(places, min(len(places), dice.randint(1, 6)))
    }
    kind = dice.choice(("steps", "grid", "one by one"))
    if kind == "steps":
        weights = a_law(dice, dice.choice((2, 3, 41)))
        return exact_experiment(target, steps=weights[:-1], predictions=wrong), ALWAYS + IN_STEPS
    if kind == "one by one":
        return exact_experiment(target, blocks=(1,) * d, predictions=wrong), ALWAYS
    clock, rule = dice.choice(("linear", "constant", "cosine")), dice.choice(tuple(RULES))
    last = dice.choice(("leave", "fill"))
    grid = Schedule(rule, clock, "uniform", dice.choice((1, 3, 30)), Fraction(1), last_step=last)
    names = (*ALWAYS, *ON_A_GRID, "epsilon_w", *(["epsilon_1"] if clock == "constant" else []))
    return exact_experiment(target, grid=grid, predictions=wrong), names


def test_every_number_is_within_its_error_however_small_what_it_is_made_of() -> None:
    """And hardly an error is a thousand times what is ever needed of it."""
    worst: dict[str, float] = defaultdict(float)
    dice = random.Random(1)
    for _ in range(40):
        experiment, names = an_experiment(dice)
        for name, used in shares(experiment, names).items():
            assert used <= 1, (name, used, str(experiment))
            worst[name] = max(worst[name], used)
    loose = {name for name, used in worst.items() if used < 1e-3}
    # two that are exact; the stated error of a third is that of the most dependent context, of
    # which as much is used as the processor's way to sum makes of it
    assert loose - {"E1_parallel"} == {"W", "E1_early_stopping"}
    assert worst["E1_parallel"] > 1e-5


def test_a_denoiser_that_repeats_the_conditionals_errs_by_nothing() -> None:
    """What float64 makes of fractions looks like one: only the slack of a gap covers it."""
    third = Fraction(1, 3)
    rows = [[0, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    law = Target.from_rows(rows, [Fraction(x, 21) for x in (1, 2, 4, 5, 9)], 2)
    same = some.conditionals(law)
    for plan in (
        {"steps": (third, third)},
        {"grid": Schedule("euler", "constant", "uniform", 3, Fraction(1))},
    ):
        experiment = exact_experiment(law, predictions=same, **plan)
        names = ["epsilon_FHS", "epsilon_w", *(["epsilon_1", "E1_score"] if "grid" in plan else [])]
        floats = numbers_of(experiment)
        for name in names:
            found = interval(getattr(floats, name))
            assert found.lower <= 0 <= found.upper < 1e-13
            bare = (2 * 64 + 8) * UNIT * found.middle
            assert found.middle > bare, name  # relative rounding alone would exclude 0
        assert interval(floats.epsilon_KL).upper < 1e-27


def test_a_sum_is_off_by_its_roundings_and_what_its_terms_are() -> None:
    with precision(200):
        found = interval(module._sum(0.5, 10, 1e-3))
        exact, other = interval(module._sum(0.5, 10)), interval(module._sum(-0.5, 10))
    assert float(found.lower - Fraction(0.5)) == pytest.approx(-1e-3, abs=1e-11)
    assert float(found.upper - Fraction(0.5)) == pytest.approx(1e-3, abs=1e-11)
    for sure in (exact, other):
        assert float((sure.upper - sure.lower) / Fraction(UNIT)) == pytest.approx(74, rel=1e-6)
    with pytest.raises(ArithmeticError, match="says nothing"):
        interval(module._sum(0.5, 10, math.inf))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_shift_moves_a_mean_gap_by_no_more_than_said_and_attains_it(n: int) -> None:
    subsets = torch.tensor([float(math.comb(n, u)) for u in range(n + 1)], dtype=torch.float64)

    def mean(gaps: list[float], a: Fraction) -> Fraction:
        terms = (
            math.comb(n, u) * a**u * (1 - a) ** (n - u) * Fraction(g) for u, g in enumerate(gaps)
        )
        return sum(terms, Fraction(0))

    shift = Fraction(1, 2**30)
    dice = random.Random(n)
    ends = [0.0] * n + [1.0]
    for gaps in (ends, ends[::-1], *([dice.random() for _ in range(n + 1)] for _ in range(5))):
        bound = shifted(torch.tensor(gaps, dtype=torch.float64) * subsets, float(shift))
        moved = max(
            abs(mean(gaps, a + shift) - mean(gaps, a))
            for a in (Fraction(0), Fraction(1, 3), 1 - shift)
        )
        assert moved <= bound
        assert bound == pytest.approx(n * float(shift) * max(gaps), abs=0)
        if gaps in (ends, ends[::-1]):
            assert moved >= 0.999999 * bound


def test_a_long_grid_keeps_its_terms_within_their_error() -> None:
    """Three hundred steps, and predictions that are off everywhere."""
    target = copies(3, 3)
    third = Fraction(1, 3)
    wrong = dict.fromkeys(some.contexts(target), (third, third, third))
    grid = Schedule("euler", "linear", "uniform", 300, Fraction(1))
    used = shares(exact_experiment(target, grid=grid, predictions=wrong), (*ON_A_GRID, "epsilon_w"))
    assert max(used.values()) <= 1


def test_the_error_of_a_wide_support_is_needed_and_enough() -> None:
    """h of a thousand rows of uneven weights: float64 errs far more than by one rounding."""
    target = dirichlet(5, 4, 0.2, seed=3)
    shape = profile(target)
    exact = ExactQuantities(exact_experiment(target))
    with precision(200):
        off = [
            abs(float(number - arb(found)))
            for number, found in zip(exact.h, shape.information.tolist(), strict=True)
        ]
    assert UNIT < max(off) <= shape.error < 1e-10


def test_a_step_law_of_fractions_is_exact() -> None:
    experiment = exact_experiment(copies(2, 2), steps=(Fraction(1, 3), Fraction(2, 3)))
    with precision(100):
        assert all(
            bool((w - x).contains(0))
            for w, x in zip(
                FloatQuantities(experiment, profile(experiment.target)).w,
                [arb(1) / 3, arb(2) / 3],
                strict=True,
            )
        )


@pytest.mark.parametrize(("S", "n", "found"), [(1, 3, 1), (8, 3, 2), (26, 3, 2), (27, 3, 3)])
def test_a_root_is_the_largest_whole_number_below(S: int, n: int, found: int) -> None:
    assert root(S, n) == found


@pytest.mark.parametrize(
    ("target", "b"),
    [
        (uniform(1, 3), 1),  # one token shares nothing
        (uniform(2, 3), 3),
        (uniform(3, 5), 2),
        (shared_symbols(3, 3), 3),
    ],
)
def test_what_a_vocabulary_has_room_for(target: Target, b: int) -> None:
    assert numbers_of(exact_experiment(target)).b == b


def test_the_errors_of_all_draws_add_up() -> None:
    experiment = exact_experiment(copies(3, 2), blocks=(1, 1, 1))
    errors = OrderError((0.0,) * 3, (0.0,) * 3, (0.0,) * 3, error=1e-3, divergence_error=1e-5)
    numbers = FloatQuantities(experiment, profile(experiment.target), errors=errors)
    with precision(100):
        assert interval(numbers.epsilon_FHS).width == pytest.approx(2 * 3e-3, rel=1e-6)
        assert interval(numbers.epsilon_KL).width == pytest.approx(2 * 3e-5, rel=1e-6)


def test_the_rounding_of_hazards_and_clocks_is_stated_apart_from_that_of_the_law() -> None:
    """A product law, whose profile is taken to be exact: what is left is that of each step."""
    target = product_law([[Fraction(1, 3), Fraction(2, 3)]] * 3)
    for rule in RULES:
        grid = Schedule(rule, "constant", "uniform", 200, Fraction(3))
        experiment = exact_experiment(target, grid=grid)
        shape = replace(profile(target), error=0.0, gap_error=0.0)
        exact, floats = ExactQuantities(experiment), FloatQuantities(experiment, shape)
        with precision(300):
            used = {
                name: share(interval(getattr(floats, name)), getattr(exact, name))
                for name in ("E1_initialisation", "E1_clock")
            }
        assert max(used.values()) <= 1
        assert max(used.values()) > 0


def test_steps_whose_sums_are_all_rounded_down_need_the_shift() -> None:
    """Each addition beyond ½ loses 0.49 of a last digit, and the error sits where all is shown."""
    d, steps = 8, 40_000
    unit = 2**-60
    weight = (2**53 // steps) * 2**7 + 62  # in units of 2^−60; 2^7 of them are the last digit
    law = StepLaw.from_weights(torch.full((steps,), weight * unit, dtype=torch.float64))
    target = copies(d, 2)
    experiment = Experiment(target, ExactDenoiser(target), ParallelSampler(d, law))
    gaps = torch.zeros(d + 1, dtype=torch.float64)
    gaps[d - 1] = 4.0
    total = sum((k * weight) ** (d - 1) for k in range(steps)) * weight * 4
    exact = Fraction(total, 2 ** (60 * d))
    found = interval(FloatQuantities(experiment, profile(target), gaps).epsilon_w)
    assert found.lower <= exact <= found.upper
    middle = (Fraction(found.lower) + Fraction(found.upper)) / 2
    assert abs(middle - exact) > (steps + d + 64) * Fraction(UNIT) * exact  # of a sum alone


def test_a_mean_over_many_contexts_needs_its_own_error() -> None:
    """Each of 991 contexts weighs 1/991, and their sum is rounded one way."""
    symbols = 991
    target = copies(2, symbols)
    gaps = Comparison.of(target).sums(Always(symbols)).gaps
    experiment = exact_experiment(target, blocks=(1, 1))
    numbers = FloatQuantities(experiment, profile(target), gaps)
    found, exact = interval(numbers.epsilon_FHS), Fraction(2 * (symbols - 1), symbols)
    assert found.lower <= exact <= found.upper
    middle = (Fraction(found.lower) + Fraction(found.upper)) / 2
    bare = (2 * 2 + 64) * UNIT * float(exact) + 4 * ExactDenoiser(target).relative_error
    assert float(abs(middle - exact)) > bare


WRONG = dict.fromkeys(some.contexts(copies(3, 3)), (Fraction(1, 3),) * 3)


def gapped(gap_error: float, **plan: object) -> FloatQuantities:
    """Three copies, a denoiser that is off everywhere; of the profile only one error is left."""
    target = copies(3, 3)
    experiment = exact_experiment(target, predictions=WRONG, **plan)
    shape = replace(profile(target), error=0.0, gap_error=gap_error)
    return FloatQuantities(experiment, shape, Comparison.of(target).sums(experiment.denoiser).gaps)


def radius(number: object) -> float:
    found = interval(number)
    return float((Fraction(found.upper) - Fraction(found.lower)) / 2)


CONSTANT = Schedule("euler", "constant", "uniform", 5, Fraction(2))


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("epsilon_w", {"steps": (Fraction(1, 2), Fraction(1, 4), Fraction(1, 8))}),
        ("epsilon_FHS", {"blocks": (1, 1, 1)}),
        ("epsilon_1", {"grid": CONSTANT}),
    ],
)
def test_each_cause_of_rounding_widens_an_error_by_its_own_share(
    name: str, plan: dict[str, object]
) -> None:
    far = 1e-3
    with precision(200):
        wide, narrow = gapped(far, **plan), gapped(0.0, **plan)
        total = float(interval(getattr(narrow, name)).middle)
        tokens = 3.0  # each is drawn once
        if name == "epsilon_1":
            path = narrow.trajectory
            tokens *= float((path.rates * path.masked).sum())
        assert total > 0.5
        assert radius(getattr(wide, name)) == pytest.approx((tokens + total) * far, rel=1e-8)
        terms = {"epsilon_w": 3 + 3, "epsilon_FHS": 2 * 3, "epsilon_1": 5 + 3}[name]
        shift = 0.0
        if name == "epsilon_w":
            assert wide.gaps is not None
            shift = shifted(wide.gaps[:3], 3 * UNIT)
        bare = (terms + 64) * UNIT * total + shift
        assert radius(getattr(narrow, name)) == pytest.approx(bare, rel=1e-6, abs=0)


def test_the_rounding_of_a_sum_of_five_terms_is_shared_out_among_them() -> None:
    with precision(200):
        numbers = gapped(0.0, grid=CONSTANT)
        assert numbers.decomposition is not None
        for term in TERMS:
            fifth = numbers.decomposition.error / 5
            assert radius(numbers.E1_term(term)) == pytest.approx(fifth, rel=1e-8, abs=0)


def test_an_exact_denoiser_errs_by_nothing_and_no_grid_has_no_horizon() -> None:
    target = copies(3, 3)
    shape = profile(target)
    names = ("epsilon_w", "epsilon_1", "epsilon_FHS", "epsilon_KL", "epsilon_score")
    exact = FloatQuantities(exact_experiment(target, grid=CONSTANT), shape)
    assert all(getattr(exact, name) == 0 for name in names)
    assert exact.T == 2
    first = FloatQuantities(exact_experiment(target, blocks=(1, 1, 1)), shape)
    assert first.T == 0
    assert first.decomposition is not None
    assert (first.decomposition.draws, first.decomposition.error) == ((0.0,) * 3, 0.0)
    assert first.decomposition.sum == 0
    for plan in ({}, {"blocks": (2, 1)}):  # no sampler at all, and one without terms
        assert FloatQuantities(exact_experiment(target, **plan), shape).decomposition is None


def test_a_sampler_that_masks_again_has_the_terms_of_its_own_pace() -> None:
    target = copies(3, 3)
    schedule = Schedule("ancestral", "linear", "uniform", 4)
    sampler = RemaskingSampler(3, schedule, remasking("0.2"))
    numbers = FloatQuantities(Experiment(target, ExactDenoiser(target), sampler), profile(target))
    assert sampler.pace is not None
    assert numbers.trajectory.rates.tolist() == sampler.pace.reveal.tolist()
    assert numbers.trajectory.masked.tolist() == sampler.pace.masked.tolist()
    assert numbers.decomposition is not None
    assert (numbers.decomposition.clock, numbers.decomposition.initialisation) == (0, 0)
    assert numbers.decomposition.parallel > 0.1


def test_parameters_of_families_are_those_of_the_target() -> None:
    def of(text: str) -> FloatQuantities:
        return numbers_of(exact_experiment(family(text)))

    assert (of("parity:4:2").k, of("mds:4:2:5").k, of("groups:4:2").g) == (3, 2, 2)
    assert (of("shared-symbols:3:5").b, of("copies:3:4").b) == (5, 2)
    law = Target.from_rows([[0, 0], [1, 1]], [1, 1], 4)
    assert numbers_of(exact_experiment(law)).b == 4


def test_a_finer_curve_is_made_once_and_where_it_is_asked_for() -> None:
    rough = numbers_of(exact_experiment(copies(3, 3)))
    assert rough.finer({"w", "epsilon_w"}) is None
    with precision(200):
        fine = rough.finer({"I_bar"})
        assert fine is not None
        assert radius(fine.I_bar) < 1e-50
    assert fine.finer({"I_bar"}) is None


# --- errors that the bounds linear in d count ----------------------------------------------------


def floats(it: Experiment) -> FloatQuantities:
    """As an audit makes them."""
    score = score_error_of(it.target, it.denoiser, [])
    shape = profile(it.target)
    return FloatQuantities(
        it, shape, score.gaps, score.errors[0][1], logs=score.logs, runs=score.runs
    )


@given(some.instances(some.laws(max_length=4), some.step_laws(5), erring=True))
@settings(max_examples=40)
def test_what_audits_count_lies_around_the_fractions(it: Experiment) -> None:
    """Runs from tables of compositions here, from partial states in the exact numbers."""
    exact = ErringQuantities(it)
    found = floats(it)
    for name in ("epsilon_w", "epsilon_log", "epsilon_exact_run", "epsilon_own_run"):
        wanted, stated = getattr(exact, name), getattr(found, name)
        if not arb(wanted).is_finite():
            assert not stated.is_finite()
            continue
        assert interval(stated).width < 1e-10
        assert interval(stated).lower <= interval(wanted).upper
        assert interval(wanted).lower <= interval(stated).upper


def test_a_symbol_that_is_missed_where_no_step_is_says_nothing() -> None:
    """All tokens in one step: contexts that show a token are never met."""
    wrong = {((0, 2), 1): (Fraction(0), Fraction(1))}
    law = some.family_target("uniform:2:2")
    one = exact_experiment(law, steps=(Fraction(1),), predictions=wrong)
    two = exact_experiment(law, steps=(Fraction(1, 2),) * 2, predictions=wrong)
    assert 0 <= interval(floats(one).epsilon_log).upper < 1e-12
    assert not floats(two).epsilon_log.is_finite()


def test_the_exact_denoiser_errs_nowhere() -> None:
    it = some.family_experiment("copies:2:2", steps=(Fraction(1, 2),) * 2)
    numbers = FloatQuantities(it, profile(it.target))
    assert numbers.epsilon_log == numbers.epsilon_exact_run == numbers.epsilon_own_run == 0
