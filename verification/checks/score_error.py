"""Checks of B0–B4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache, partial

from flint import arb, ctx, fmpq
from sharprates.samplers.target import Target
from sharprates.theory.claim import Relation
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import strategies as some
from sharprates.verification.checks.check import (
    LEFTOVER,
    LEFTOVER_FORGOTTEN,
    Check,
    changed,
    forms,
    formula,
    on_instances,
    tightened,
    trial_of,
)
from sharprates.verification.checks.torch_runs import in_floats
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.erring import ErringQuantities
from sharprates.verification.verdict import decision_of

HALF = Fraction(1, 2)


@lru_cache(maxsize=64)
def _erring(experiment: Experiment, bits: int) -> ErringQuantities:  # noqa: ARG001 - a part of the key
    return ErringQuantities(experiment)


def erring(experiment: Experiment) -> ErringQuantities:
    """The numbers of an experiment, kept for the mutants and forms that ask next."""
    return _erring(experiment, ctx.prec)


def of_example(example: Example) -> ErringQuantities:
    """Those of an example."""
    return erring(example.law)


# --- B0 -------------------------------------------------------------------------------------------


def visited_often(rho: Fraction, share: Fraction = HALF) -> Experiment:
    """B0: 111 is rare, but one step of the exact sampler reveals 11 with probability (1+ρ)²/4.

    Args:
        rho: probability of 111.
        share: of ρ, the weight of the second step.
    """
    rows = [(1, 1, 1), (0, 1, 0), (1, 0, 0)]
    law = Target.from_rows(rows, [rho, (1 - rho) / 2, (1 - rho) / 2], 2)
    steps = (1 - rho * share, rho * share)
    return exact_experiment(law, steps=steps, predictions={((1, 1, 2), 2): (HALF, HALF)})


def _gain(example: Example, mutant: Mutant, run: bool = False) -> Trial:
    """What the error adds to TV over ε_w; as a mutant over the error in the run's contexts."""
    rho = example["rho"]
    it = erring(visited_often(rho))
    exact_denoiser = erring(with_exact_denoiser(it.experiment))
    error = it.epsilon_exact_run if run else it.epsilon_w
    gain = (it.tv - exact_denoiser.tv) / error
    return trial_of(example, Relation.EQUALITY, [(gain, formula("B0", None, {"rho": rho}, mutant))])


def with_exact_denoiser(experiment: Experiment) -> Experiment:
    """The same law and steps with the exact denoiser."""
    return exact_experiment(experiment.target, steps=experiment.steps)


# --- B1 -------------------------------------------------------------------------------------------

OF_B1 = ("coincidence", "blocks", "steps", "divergence", None)


def _allocations(example: Example, mutant: Mutant) -> Trial:
    """TV against T̄ + ε_w, and that against every form."""
    it, claim = of_example(example), claim_of("B1")
    names = set().union(*(claim.symbols(form) for form in ("allocations", *OF_B1)))
    values = it.values(names)
    mean = formula("B1", "allocations", values)
    sides = [(it.tv, formula("B1", "allocations", values, mutant))]
    sides += [(mean, formula("B1", form, values, mutant)) for form in OF_B1]
    return trial_of(example, Relation.UPPER, sides)


def _equal_steps(example: Example, mutant: Mutant) -> Trial:
    it = of_example(example)
    claim, setting = claim_of("B1"), it.experiment.setting()
    sides = []
    for form in ("equal-steps", "equal-steps-linear", "equal-steps-divergence"):
        if claim.applies(setting, form) is None:
            values = it.values(claim.symbols(form))
            sides.append((it.alloc_tv + it.epsilon_w, formula("B1", form, values, mutant)))
    return trial_of(example, Relation.UPPER, sides)


# --- B2 -------------------------------------------------------------------------------------------

OF_B2 = (None, "entropy", "transport", "coarse", "fine")


def _bit_that_errs(share: Fraction) -> Experiment:
    """One fair bit that is predicted ½ + share."""
    return some.family_experiment(
        "uniform:1:2",
        steps=(Fraction(1),),
        predictions={((2,), 0): (HALF + share, HALF - share)},
    )


def _errs(it: Experiment) -> bool:
    """Whether it errs in a context of q_0, and nowhere gives 0 to a possible symbol."""
    return bool(0 < erring(it).theta < 1)


# --- B4 -------------------------------------------------------------------------------------------


def _second_order(example: Example, mutant: Mutant) -> Trial:
    """TV against the bound, and the error in the run against ε_w + ε^∞ max b_k."""
    it, claim = of_example(example), claim_of("B4")
    values = it.values(claim.symbols())
    bare = {**values, "h": [arb(0)] * it.d, "I_bar": arb(0), "w": [fmpq(1)]}
    sides = [
        (it.tv, formula("B4", None, values, mutant)),
        (it.epsilon_exact_run, formula("B4", None, bare, mutant)),
    ]
    decision = decision_of(Relation.UPPER, sides)
    return Trial(example, decision, decision.sides[0][1].upper < 1)


WITHOUT_ERROR: Callable[[str], Mutant] = lambda name: changed(  # noqa: E731 - a table of one
    "without the denoiser's error", **{name: lambda _: 0}
)
ERRING = some.instances(some.laws(max_length=3), some.step_laws(5), erring=True)
COMPLETE = some.instances(some.laws(max_length=3), some.step_laws(5, leftover=False), erring=True)
EDGES = {**some.EDGES, "one token that errs": some.ONE_THAT_ERRS}
ERRING_EDGES = {name: it for name, it in EDGES.items() if some.two_symbols(it)}
WHOLE_EDGES = {name: it for name, it in some.COMPLETE_EDGES.items() if some.two_symbols(it)}
CLOSED = some.instances(
    some.laws(min_length=2, max_length=3), some.equal_steps(12), erring=True
).filter(lambda it: len(it.steps) >= it.length and some.two_symbols(it))

LARGER = some.float_experiments(
    time_free=True,
    max_length=4,
    plans=some.schedules().map(lambda it: replace(it, steps=it.steps + 8)),
)


def _larger(claim_id: str) -> Check:
    """A claim about time-free denoisers on everything that the torch samplers run on."""
    return Check(
        claim_id,
        "every clock, grid, rule and last step, denoisers that err",
        LARGER,
        in_floats(claim_id),
        method=Method.TESTED,
        mutants=(Mutant("half of the bound", {f"{claim_id}.constant": HALF}),),
        regime=LEFTOVER,
        effort=0.5,
    )


def _closed(claim_id: str) -> Check:
    """A claim's closed form."""
    return Check(
        claim_id,
        "the closed form, equal steps, K ≥ d",
        CLOSED,
        forms(claim_id, "closed", numbers=erring),
        mutants=(Mutant("half of the bound", {f"{claim_id}.constant": HALF}),),
        effort=0.5,
        regime="equal steps, K ≥ d",
    )


CHECKS = (
    Check(
        "B0",
        "three words, two steps: the gain in TV over ε_w",
        lambda count: [
            Example.of(rho=Fraction(1, n)) for n in (3, 5, 10, 20, 100, 1000, 10**6)[: 3 + count]
        ],
        _gain,
        mutants=(
            changed("ρ twice as large", rho=lambda rho: 2 * rho),
            Mutant("error in the run's contexts", trial=partial(_gain, run=True)),
        ),
    ),
    Check(
        "B1",
        "T̄ by ordered set partitions: TV below T̄ + ε_w, that below each form",
        ERRING,
        _allocations,
        edges=EDGES,
        mutants=(
            tightened("B1"),
            LEFTOVER_FORGOTTEN,
            WITHOUT_ERROR("epsilon_w"),
            changed("S − 1 for S", S=lambda S: max(S - 1, 1)),
        ),
        regime=LEFTOVER,
    ),
    Check(
        "B1",
        "without leftover",
        COMPLETE,
        _allocations,
        edges=some.COMPLETE_EDGES,
        mutants=(tightened("B1"), changed("Ī halved", I_bar=lambda x: x / 2)),
    ),
    Check(
        "B1",
        "equal steps: T̄ + ε_w below the closed forms",
        some.instances(some.laws(max_length=3), some.equal_steps(24), erring=True),
        _equal_steps,
        edges={"copies": some.family_experiment("copies:2:3", steps=(HALF, HALF))},
        mutants=(tightened("B1"), changed("K + 1 for K", K=lambda K: K + 1)),
    ),
    Check(
        "B1",
        "every clock, grid, rule and last step; denoisers that err, also in time",
        some.float_experiments(
            max_length=4,
            plans=some.schedules().map(lambda it: replace(it, steps=it.steps + 8)),
        ),
        in_floats("B1"),
        method=Method.TESTED,
        mutants=(Mutant("half of the bound", {"B1.constant": HALF}),),
        regime=LEFTOVER,
        effort=0.5,
    ),
    Check(
        "B2",
        "every form, any step law without leftover, a denoiser that may err",
        COMPLETE.filter(some.two_symbols),
        forms("B2", *OF_B2, numbers=erring),
        edges={**WHOLE_EDGES, "one token that errs": some.ONE_THAT_ERRS},
        mutants=(tightened("B2"), WITHOUT_ERROR("epsilon_log")),
        regime="one step or an error",
    ),
    Check(
        "B2",
        "with leftover",
        ERRING.filter(some.two_symbols),
        forms("B2", *OF_B2, numbers=erring),
        edges=ERRING_EDGES,
        mutants=(LEFTOVER_FORGOTTEN,),
        effort=0.5,
        regime=LEFTOVER,
    ),
    _closed("B2"),
    Check(
        "B2",
        "ε^log against divergences and their roots",
        COMPLETE.filter(_errs),
        on_instances(
            "B2",
            "divergence",
            measured=lambda it: it.epsilon_log,
            numbers=of_example,
            counts=lambda _, log, __: log.lower > 0,
        ),
        edges={"a fair bit": _bit_that_errs(Fraction(1, 1000))},
        mutants=(tightened("B2"),),
        regime="ε^log by divergences",
    ),
    Check(
        "B2",
        "ε^log against ε_w where p̂ ≥ ϑ p",
        COMPLETE.filter(_errs),
        on_instances(
            "B2",
            "dominated",
            measured=lambda it: it.epsilon_log,
            numbers=of_example,
            counts=lambda _, log, __: log.lower > 0,
        ),
        edges={"ϑ = ½": some.ONE_THAT_ERRS},
        mutants=(tightened("B2"), changed("ϑ larger", theta=lambda x: (1 + x) / 2)),
        regime="ε^log by ε_w",
    ),
    _larger("B2"),
    Check(
        "B3",
        "contexts of either run, any step law, a denoiser that may err",
        ERRING.filter(some.two_symbols),
        forms("B3", None, "exact-run", "own-run", numbers=erring),
        edges=ERRING_EDGES,
        mutants=(
            tightened("B3"),
            LEFTOVER_FORGOTTEN,
            changed(
                "without the denoiser's error",
                epsilon_exact_run=lambda _: 0,
                epsilon_own_run=lambda _: 0,
            ),
        ),
        regime=LEFTOVER,
    ),
    Check(
        "B3",
        "without leftover",
        COMPLETE.filter(some.two_symbols),
        forms("B3", None, "exact-run", "own-run", numbers=erring),
        edges=WHOLE_EDGES,
        mutants=(tightened("B3"),),
        regime="one step or an error",
    ),
    _closed("B3"),
    _larger("B3"),
    Check(
        "B4",
        "TV, and the error in the run's contexts against ε_w and its second order",
        ERRING.filter(some.two_symbols),
        _second_order,
        edges={**ERRING_EDGES, "visited often": visited_often(Fraction(1, 10))},
        mutants=(
            tightened("B4"),
            WITHOUT_ERROR("epsilon_w"),
            changed("without the second order", epsilon_sup=lambda _: 0),
        ),
    ),
)
