"""Checks of S1–S5."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import torch
from flint import fmpq
from hypothesis import strategies as st
from sharprates.samplers.clock import clock as sampler_clock
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.expansion import tables
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.propagation import propagate
from sharprates.samplers.schedule import RULES
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.theory.clocks import clock as formula_clock
from sharprates.theory.evaluation import evaluate
from sharprates.theory.functions import all_compositions
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import BALL, Interval, as_fmpq, ball
from sharprates.verification.checks import channel
from sharprates.verification.checks.check import Check, changed, exact, formula, trial_of
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context, exact_monomials
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.statistics import step_tests
from sharprates.verification.statistics.budget import DEFAULT_BUDGET, Budget

# --- S1 -------------------------------------------------------------------------------------------

HAZARD_ERROR = 1e-12
"""Absolute error allowed to a float64 hazard: a few dozen roundings, of numbers up to some 20."""

_FORM = {"euler": None, "tau-leaping": "tau-leaping", "ancestral": "ancestral"}


def _hazards(example: Example, mutant: Mutant) -> Trial:
    """Each rule of the samplers against its formula, the clock's own formula put in."""
    plan = example["schedule"]
    times = plan.times(3)
    found = RULES[plan.rule](plan.chosen, times).clamp(0, 1).tolist()
    it = formula_clock(plan.clock)
    sides = []
    for k, r in enumerate(found):
        t, s = ball(float(times[k])), ball(float(times[k + 1]))
        values = {
            "t": t,
            "s": s,
            "alpha_t": evaluate(it.alpha, {"t": t}, BALL),
            "alpha_s": evaluate(it.at_end_of_step, {"s": s}, BALL),
            "speed": evaluate(it.speed, {"t": t}, BALL),
        }
        value = formula("S1", _FORM[plan.rule], values, mutant)
        sides.append((Interval.around(r, HAZARD_ERROR), value))
    return trial_of(example, Relation.EQUALITY, sides, counts=True)


# --- S2, S5 ---------------------------------------------------------------------------------------

CONVENTIONS = ("uniform", "first", "last")


def with_convention(
    it: ExactQuantities, convention: str, everywhere: bool = False
) -> channel.Predict:
    """The exact denoiser, and a convention at contexts of probability 0."""
    S = it.S
    laws: dict[str, Sequence[Number]] = {
        "uniform": [fmpq(1, S)] * S,
        "first": [fmpq(int(a == 0)) for a in range(S)],
        "last": [fmpq(int(a == S - 1)) for a in range(S)],
    }

    def predict(context: Context, place: int) -> Sequence[Number]:
        if context in it.marginal and not everywhere:
            return it.predict(context, place)
        return laws[convention]

    return predict


def _expansion(example: Example, mutant: Mutant) -> Trial:
    """p_out(x) step by step over all partial states, against the sum over compositions."""
    it = exact(example.law)
    found = channel.revealed(it.w, it.d, it.S, with_convention(it, "uniform"))
    laws = it.P
    sides = []
    for row, x in enumerate(it.pmf):
        table = {a: law[row] for a, law in laws.items()}
        values = {"d": it.d, "w": it.w, "P": table}
        sides.append((found.get(x, fmpq(0)), formula("S2", None, values, mutant)))
    return trial_of(example, Relation.EQUALITY, sides)


@st.composite
def _dyadic(draw: st.DrawFn) -> Example:
    """Weights and steps in sixteenths, which float64 holds exactly."""
    target = draw(some.sparse_laws(1, 4, 3))
    parts = draw(
        st.lists(st.integers(1, 16), min_size=target.support - 1, max_size=target.support - 1).map(
            lambda cuts: sorted({0, 16, *cuts})
        )
    )
    weights = [b - a for a, b in itertools.pairwise(parts)]
    rows = target.rows[: len(weights)].tolist()
    steps = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    w = tuple(Fraction(x, 16) for x in steps)
    law = Target.from_rows(rows, [Fraction(x, 16) for x in weights], target.vocabulary)
    return Example.of(exact_experiment(law, steps=w))


def _floats_contain(example: Example, _: Mutant, backwards: bool = False) -> Trial:
    """Both float64 laws of the samplers, with their stated errors, against the exact one."""
    it = exact(example.law)
    target = it.experiment.target
    denoiser = ExactDenoiser(target)
    w = it.experiment.steps[::-1] if backwards else it.experiment.steps
    law = StepLaw.from_weights(torch.tensor([float(x) for x in w], dtype=torch.float64))
    true = it.tables.probability(it.w)
    sides = []
    for found in (tables(target, denoiser).law(law), propagate(target, denoiser, law)):
        for row, p in zip(found.rows.tolist(), found.probability.tolist(), strict=True):
            sides.append((Interval.around(p, found.relative_error * p), true[tuple(row)]))
    return trial_of(example, Relation.EQUALITY, sides, counts=any(true.values()))


def _off_support(example: Example, mutant: Mutant, everywhere: bool = False) -> Trial:
    """½Σ|p_out − q_0| over all words and masks, with a convention, against the deficit."""
    it = exact(example.law)
    predict = with_convention(it, example["convention"], everywhere)
    found = channel.revealed(it.w, it.d, it.S, predict)
    measured = channel.distance(found, it.pmf)
    p_out = list(it.tables.probability(it.w).values())
    value = formula("S5", None, {"q0": list(it.pmf.values()), "p_out": p_out}, mutant)
    return trial_of(example, Relation.EQUALITY, [(measured, value)])


BACKWARDS = changed("the steps in reverse order", w=lambda w: w[::-1])
LOPSIDED = {
    "a law and steps that are not symmetric": some.family_experiment(
        "parity:3:2", steps=(Fraction(1, 2), Fraction(1, 4), Fraction(1, 8))
    )
}
SMALL = some.instances(some.laws(min_length=2, max_length=3), some.step_laws(4))

# --- S3, S4 ---------------------------------------------------------------------------------------


def _equal_steps_monomials(example: Example, mutant: Mutant) -> Trial:
    d, K = example["d"], example["K"]
    found = exact_monomials([fmpq(1, K)] * K, d)
    sides = [
        (found[a], formula("S3", None, {"K": K, "m": len(a), "d": d}, mutant))
        for a in all_compositions(d)
    ]
    return trial_of(example, Relation.EQUALITY, sides)


def _none_is_unmasked(example: Example, mutant: Mutant) -> Trial:
    """P(all still masked at s | all masked at t), from the joint law at both times."""
    it = exact(example.law)
    late, early = as_fmpq(example["alpha_t"]), as_fmpq(example["alpha_s"])
    S, start = it.S, (it.S,) * it.d
    joint = channel.masked_twice(it.pmf, early, late, S)
    before = sum((mass for (_, x), mass in joint.items() if x == start), fmpq(0))
    values = {"alpha_t": late, "alpha_s": early, "n": it.d}
    sides = [(joint.get((start, start), fmpq(0)) / before, formula("S4", None, values, mutant))]
    return trial_of(example, Relation.EQUALITY, sides)


SAMPLES = 4000
_RUNS = ("linear", "cosine", "constant")
LEVELS = Budget(DEFAULT_BUDGET / 100).share(
    [f"S4/{name}/{what}" for name in _RUNS for what in ("times", "order")]
)
"""False-alarm levels of the checks by chance.

A hundredth of a run's budget in all, so that the test suite can run them beside its own.
"""


def _hitting(example: Example, _: Mutant, late: float = 1.0, ordered: bool = False) -> Trial:
    """A run of the sampler: hitting times by S4, a uniform order; p-values against the level."""
    level = LEVELS[f"S4/{example['clock']}/times"].alpha  # all shares are equal
    target: Target = example["_target"]
    chosen = sampler_clock(example["clock"])
    horizon = 3.0 if example["clock"] == "constant" else 1.0
    sampler = FirstHittingSampler(target.length, chosen, horizon)
    generator = torch.Generator().manual_seed(example["seed"])
    run = sampler.run(ExactDenoiser(target), SAMPLES, generator)
    times, steps = run.times, run.steps
    assert times is not None
    if late != 1:
        times = chosen.inverse(1 - chosen.masked(times) ** late)
    if ordered:
        steps = steps.sort(1).values
    found = (
        step_tests.hitting_times(times, chosen, horizon, level),
        step_tests.order_uniform(steps, level),
    )
    sides = [(one.p_value, level) for one in found]
    return trial_of(example, Relation.LOWER, sides, counts=True)


def _runs(seed: int) -> list[Example]:
    target = some.family_target("pairs:4:2")
    return [Example.of(clock=name, samples=SAMPLES, seed=seed, _target=target) for name in _RUNS]


CHECKS = (
    Check(
        "S1",
        "the rules of the samplers on every clock and grid",
        some.schedules(max_steps=12).map(lambda plan: Example.of(schedule=plan)),
        _hazards,
        method=Method.TESTED,
        mutants=(
            changed("1.01 times the speed", speed=lambda x: x * 1.01),
            changed("α_t for α_s", alpha_s=lambda a: a * 0.99),
        ),
    ),
    Check(
        "S2",
        "step by step over all partial states, a denoiser that may err",
        some.instances(some.laws(max_length=3), some.step_laws(4), erring=True),
        _expansion,
        edges=LOPSIDED,
        mutants=(
            BACKWARDS,
            changed("compositions read backwards", P=lambda P: {a: P[a[::-1]] for a in P}),
        ),
    ),
    Check(
        "S2",
        "float64 expansion and propagation contain the exact law",
        _dyadic(),
        _floats_contain,
        method=Method.TESTED,
        edges=LOPSIDED,
        mutants=(
            Mutant("the steps in reverse order", trial=partial(_floats_contain, backwards=True)),
        ),
    ),
    Check(
        "S3",
        "prefix sums over the steps, every composition",
        st.builds(Example.of, d=st.integers(1, 6), K=st.integers(1, 12)),
        _equal_steps_monomials,
        mutants=(changed("one more part", m=lambda m: m + 1),),
    ),
    Check(
        "S4",
        "survival from the joint law at two times",
        some.at_two_times(),
        _none_is_unmasked,
        mutants=(changed("n + 1 for n", n=lambda n: n + 1),),
    ),
    Check(
        "S4",
        f"{SAMPLES} runs of the first-hitting sampler: times and order",
        _runs,
        _hitting,
        method=Method.SAMPLED,
        mutants=(
            Mutant("times too late", trial=partial(_hitting, late=1.2)),
            Mutant("positions in order", trial=partial(_hitting, ordered=True)),
        ),
        rated=False,
    ),
    Check(
        "S5",
        "TV over all words, under several conventions",
        st.builds(Example.of, SMALL, convention=st.sampled_from(CONVENTIONS)),
        _off_support,
        mutants=(
            Mutant(
                "the convention used on the support, too",
                trial=partial(_off_support, everywhere=True),
            ),
        ),
    ),
)
