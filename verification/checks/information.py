"""Checks of KL1–KL3 and KL7."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from flint import arb, fmpq
from sharprates.samplers import families
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import on_rows
from sharprates.samplers.expansion import tables
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.check import (
    Check,
    Trend,
    changed,
    exact,
    formula,
    on_instances,
    tightened,
    trial_of,
)
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import ordered_partitions
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.verdict import decision_of


def _blocks(example: Example, mutant: Mutant) -> Trial:
    """The mean of KL(q_0‖P_{a,σ}) over all ordered set partitions, one by one."""
    it = exact(example.law)
    d, S = it.d, it.S
    total, count = arb(0), 0
    for blocks in ordered_partitions(d, it.experiment.blocks):
        count += 1
        for row, mass in it.pmf.items():
            law, context = fmpq(1), (S,) * d
            for block in blocks:
                after = tuple(row[i] if i in block else x for i, x in enumerate(context))
                for i in block:
                    law *= it.conditional(context, i)[row[i]]
                context = after
            if law != mass:
                total = total + arb(mass) * arb(mass / law).log()
    values = {"a": it.experiment.blocks, "h": it.h}
    return trial_of(
        example, Relation.EQUALITY, [(total / count, formula("KL1", None, values, mutant))]
    )


def _dependent(_: Example, measured: Interval, bound: Interval) -> bool:
    """A bound on a divergence counts where there is dependence to bound."""
    return bound.upper > 0 and measured.upper > 0


def _divergence(variant: str | None) -> Evaluate:
    return on_instances("KL2", variant, counts=_dependent)


def _copies(_: int) -> Iterator[Example]:
    return _copies_of(2, 3, 4, 6, 8)


def _copies_of(*lengths: int) -> Iterator[Example]:
    for d in lengths:
        law = families.family(f"copies:{d}:2")
        yield Example(exact_experiment(law, steps=(Fraction(1),)), {"d": d})


# --- KL3 ------------------------------------------------------------------------------------------


def _leak(it: ExactQuantities) -> Number:
    return 1 - sum(it.tables.probability(it.w).values(), fmpq(0))


def _leaking(variant: str | None) -> Evaluate:
    return on_instances("KL3", variant, extra=lambda _, it: {"leak": _leak(it)})


def _slopes(example: Example, _: Mutant, of_tv: float = -1.0) -> Trial:
    """Slopes of log TV and log √(KL/2) against log K, between K and 2K, within 2 %."""
    target = families.family(example["family"])
    laws = tables(target, ExactDenoiser(target))
    tv, root = [], []
    for K in (example["K"], 2 * example["K"]):
        law = laws.law(StepLaw.uniform(K))
        q = on_rows(law, target)
        tv.append(float((q - law.probability).clamp(min=0).sum()))
        root.append(math.sqrt(float((q * (q / law.probability).log()).sum()) / 2))
    found = (math.log2(tv[1] / tv[0]), math.log2(root[1] / root[0]))
    pairs = zip(found, (of_tv, -0.5), strict=True)
    sides = [(abs(slope - said), 0.02 * abs(said)) for slope, said in pairs]
    return trial_of(example, Relation.UPPER, sides, counts=True)


def _forms_of_tv(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    measured = it.tv
    names = ("d", "W", "K", "I_bar")
    values = it.values(names)
    variants = ["tv"] + ["uniform-tv"] * it.experiment.setting().uniform_law
    sides = [(measured, formula("KL2", variant, values, mutant)) for variant in variants]
    return trial_of(example, Relation.UPPER, sides)


def _by_rank(example: Example, mutant: Mutant) -> Trial:
    """KL7: the divergence against its mean over compositions, and that against the rank law."""
    it = exact(example.law)
    values = it.values(("d", "w", "h", "I_bar"))
    mean = formula("KL1", "average", values)
    sides = [(it.kl, mean), (mean, formula("KL7", None, values, mutant))]
    decision = decision_of(Relation.UPPER, sides)
    return Trial(example, decision, _dependent(example, *decision.sides[0]))


def _tv_by_rank(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    values = it.values(("d", "w", "K", "I_bar"))
    variants = [
        name
        for name in ("tv", "uniform-tv")
        if claim_of("KL7").applies(it.experiment.setting(), name) is None
    ]
    sides = [(it.tv, formula("KL7", name, values, mutant)) for name in variants]
    return trial_of(example, Relation.UPPER, sides)


def _mean_of_copies(example: Example, mutant: Mutant) -> Trial:
    """The mean over compositions against the closed form, for copies."""
    it = exact(example.law)
    values = it.values(("d", "w", "h", "K", "I_bar"))
    side = (formula("KL1", "average", values), formula("KL7", "uniform", values, mutant))
    return trial_of(example, Relation.UPPER, [side], counts=True)


COMPLETE = some.instances(some.laws(min_length=2), some.step_laws(6, leftover=False))
MANY_STEPS = some.instances(some.laws(min_length=2), some.uniform_steps(12)).filter(
    lambda it: len(it.steps) >= it.length
)
NEARLY_INDEPENDENT = exact_experiment(
    Target.from_rows(
        [(0, 0), (0, 1), (1, 0), (1, 1)], [Fraction(x, 100) for x in (26, 24, 24, 26)], 2
    ),
    steps=(Fraction(1),),
)
"""Two bits: there Pinsker's inequality loses nothing to first order."""

CHECKS = (
    Check(
        "KL1",
        "every ordered set partition, logarithms in balls",
        some.in_blocks(some.laws(min_length=2, max_length=4)),
        _blocks,
        mutants=(
            changed("blocks in reverse order", a=lambda a: a[::-1]),
            changed("the information curve read backwards", h=lambda h: h[::-1]),
        ),
    ),
    Check(
        "KL1",
        "KL(q_0‖p_out) against the average over compositions",
        COMPLETE,
        on_instances("KL1", "average", counts=_dependent),
        edges={"copies": next(_copies_of(2))},
        mutants=(tightened("KL1"),),
    ),
    Check(
        "KL2",
        "KL(q_0‖p_out), any step law without leftover",
        COMPLETE,
        _divergence(None),
        edges={"copies": next(_copies_of(4))},
        mutants=(Mutant("0.6 of the bound", {"KL2.constant": Fraction(3, 5)}),),
    ),
    Check(
        "KL2",
        "KL(q_0‖p_out), uniform steps",
        some.instances(some.laws(min_length=2), some.uniform_steps(8)),
        _divergence("uniform"),
        edges={"copies": next(_copies_of(4))},
        mutants=(Mutant("0.6 of the bound", {"KL2.constant": Fraction(3, 5)}),),
    ),
    Check(
        "KL2",
        "TV, any step law without leftover",
        some.instances(some.laws(max_length=4), some.step_laws(12, leftover=False)),
        _forms_of_tv,
        edges={"copies": next(_copies_of(2))},
        mutants=(Mutant("0.4 of the bound", {"KL2.constant": Fraction(2, 5)}),),
        regime="TV",
    ),
    Check(
        "KL2",
        "copies in one step",
        _copies,
        _divergence(None),
        mutants=(Mutant("0.8 of the bound", {"KL2.constant": Fraction(4, 5)}),),
        trend=Trend("copies in one step", "d"),
    ),
    Check(
        "KL3",
        "KL(q_0‖p_out) against the mass outside the support",
        some.instances(some.laws(max_length=4), some.random_steps(5).filter(any)),
        _leaking(None),
        mutants=(tightened("KL3"),),
    ),
    Check(
        "KL3",
        "the linear form",
        some.instances(some.laws(max_length=4), some.random_steps(5).filter(any)),
        _leaking("linear"),
        mutants=(Mutant("2 for the constant", {"KL3.constant": Fraction(2)}),),
    ),
    Check(
        "KL3",
        "pairs: TV falls as 1/K, √(KL/2) as 1/√K",
        lambda _: [
            Example.of(family=f"pairs:{d}:{S}", K=K)
            for d, S in ((2, 2), (4, 2), (4, 3))
            for K in (64, 256, 1024)
        ],
        _slopes,
        method=Method.TESTED,
        mutants=(Mutant("both fall alike", trial=partial(_slopes, of_tv=-0.5)),),
        rated=False,
    ),
    Check(
        "KL7",
        "KL(q_0‖p_out) and its mean over compositions, any step law without leftover",
        COMPLETE,
        _by_rank,
        edges={"copies": next(_copies_of(4))},
        mutants=(
            tightened("KL7"),
            changed("another step behind", w=lambda w: [*w[:-1], w[-1] / 2, w[-1] / 2]),
        ),
    ),
    Check(
        "KL7",
        "the closed form, uniform steps, K ≥ d",
        MANY_STEPS,
        on_instances("KL7", "uniform", counts=_dependent),
        edges={"copies": some.family_experiment("copies:2:2", steps=(Fraction(1, 2),) * 2)},
        mutants=(Mutant("0.6 of the bound", {"KL7.constant": Fraction(3, 5)}),),
    ),
    Check(
        "KL7",
        "TV, any step law without leftover, and uniform steps",
        COMPLETE,
        _tv_by_rank,
        edges={"two bits": NEARLY_INDEPENDENT},
        mutants=(tightened("KL7"),),
        regime="TV",
    ),
    Check(
        "KL7",
        "copies: half of KL2 is the right first order",
        lambda _: [
            Example(some.family_experiment("copies:3:2", steps=(Fraction(1, K),) * K), {"K": K})
            for K in (4, 16, 64, 256)
        ],
        _mean_of_copies,
        mutants=(tightened("KL7"),),
        trend=Trend("copies, d = 3", "K"),
        effort=0.2,
    ),
)
