"""Checks of KL1–KL7."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import partial, reduce

from flint import arb, fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import on_rows
from sharprates.samplers.expansion import tables
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.theory.functions import BlockDivergence, all_compositions
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import RATIONAL, as_fmpq
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
from sharprates.verification.checks.random_orders import correlations, dependent, mean_divergence
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_information import entropy_of
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.verdict import decision_of


def _blocks(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    values = {"a": it.experiment.blocks, "h": it.h}
    measured = mean_divergence(it, it.experiment.blocks)
    return trial_of(example, Relation.EQUALITY, [(measured, formula("KL1", None, values, mutant))])


def _divergence(variant: str | None) -> Evaluate:
    return on_instances("KL2", variant, counts=dependent)


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
        law = laws.law(StepLaw.equal(K))
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
    variants = ["tv"] + ["equal-steps-tv"] * it.experiment.setting().equal_steps
    sides = [(measured, formula("KL2", variant, values, mutant)) for variant in variants]
    return trial_of(example, Relation.UPPER, sides)


def _by_rank(example: Example, mutant: Mutant) -> Trial:
    """KL7: the divergence against its mean over compositions, and that against the rank law."""
    it = exact(example.law)
    values = it.values(("d", "w", "h", "I_bar"))
    mean = formula("KL1", "average", values)
    sides = [(it.kl, mean), (mean, formula("KL7", None, values, mutant))]
    decision = decision_of(Relation.UPPER, sides)
    return Trial(example, decision, dependent(example, *decision.sides[0]))


def _tv_by_rank(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    values = it.values(("d", "w", "K", "I_bar"))
    variants = [
        name
        for name in ("tv", "equal-steps-tv")
        if claim_of("KL7").applies(it.experiment.setting(), name) is None
    ]
    sides = [(it.tv, formula("KL7", name, values, mutant)) for name in variants]
    return trial_of(example, Relation.UPPER, sides)


def _mean_of_copies(example: Example, mutant: Mutant) -> Trial:
    """The mean over compositions against the closed form, for copies."""
    it = exact(example.law)
    values = it.values(("d", "w", "h", "K", "I_bar"))
    side = (formula("KL1", "average", values), formula("KL7", "equal-steps", values, mutant))
    return trial_of(example, Relation.UPPER, [side], counts=True)


# --- KL4, KL5, KL6 --------------------------------------------------------------------------------


def _correlations(example: Example, mutant: Mutant) -> Trial:
    """From entropies of tokens, of all tokens, and of each given all others."""
    it = exact(example.law)
    d, S = it.d, it.S
    whole = entropy_of(list(it.pmf.values()))
    single = sum((entropy_of(it.conditional((S,) * d, i)) for i in range(d)), arb(0))
    last = arb(0)
    for context, mass in it.marginal.items():
        if context.count(S) == 1:
            last = last + mass * entropy_of(it.conditional(context, context.index(S)))
    values = {**it.values(("d", "I_bar", "h")), "dtc": whole - last}
    sides = [
        (single - whole, formula("KL4", None, values, mutant)),
        (single - whole, formula("KL4", "tc", values, mutant)),
        (whole - last, formula("KL4", "dtc", values, mutant)),
        *zip(correlations(it), (single - whole, whole - last), strict=True),
    ]
    return trial_of(example, Relation.EQUALITY, sides, bool(it.I_bar > 0))


def _largest_block(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    measured = mean_divergence(it, it.experiment.blocks)
    values = it.values(("a", "I_bar"))
    sides = [(measured, formula("KL5", form, values, mutant)) for form in (None, "published")]
    return trial_of(example, Relation.UPPER, sides, bool(measured > 0))


def _least_divergence(example: Example, mutant: Mutant) -> Trial:
    """The programme against all block sizes, each with all orders."""
    it = exact(example.law)
    m = min(example["m"], it.d)
    measured = reduce(
        arb.min, (mean_divergence(it, a) for a in all_compositions(it.d) if len(a) == m)
    )
    sides = [(measured, formula("KL6", None, {"m": m, "h": it.h}, mutant))]
    return trial_of(example, Relation.EQUALITY, sides, bool(measured > 0))


def _programme(example: Example, mutant: Mutant) -> Trial:
    """On a falling curve in fractions: against the sums of KL1 for all compositions."""
    h = list(map(as_fmpq, example["h"]))
    d = len(h)
    m = min(example["m"], d)
    measured = min(
        BlockDivergence.compute(RATIONAL, a, h) for a in all_compositions(d) if len(a) == m
    )
    sides = [(measured, formula("KL6", None, {"m": m, "h": h}, mutant))]
    return trial_of(example, Relation.EQUALITY, sides, bool(measured > 0))


COMPLETE = some.instances(some.laws(min_length=2), some.step_laws(6, leftover=False))
MANY_STEPS = some.instances(some.laws(min_length=2), some.equal_steps(12)).filter(
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
        on_instances("KL1", "average", counts=dependent),
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
        "KL(q_0‖p_out), equal steps",
        some.instances(some.laws(min_length=2), some.equal_steps(8)),
        _divergence("equal-steps"),
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
        "the closed form, equal steps, K ≥ d",
        MANY_STEPS,
        on_instances("KL7", "equal-steps", counts=dependent),
        edges={"copies": some.family_experiment("copies:2:2", steps=(Fraction(1, 2),) * 2)},
        mutants=(Mutant("0.6 of the bound", {"KL7.constant": Fraction(3, 5)}),),
    ),
    Check(
        "KL7",
        "TV, any step law without leftover, and equal steps",
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
    Check(
        "KL4",
        "entropies of tokens, of all, and of each given all others",
        some.laws(min_length=2),
        _correlations,
        mutants=(
            changed("d + 1 for d", d=lambda d: d + 1),
            changed("the information curve read backwards", h=lambda h: h[::-1]),
        ),
    ),
    Check(
        "KL5",
        "the largest block, every ordered set partition",
        some.in_blocks(some.laws(min_length=2)),
        _largest_block,
        edges={
            f"copies in blocks of {sizes}": some.family_experiment("copies:3:2", blocks=sizes)
            for sizes in ((2, 1), (3,))
        },
        mutants=(
            tightened("KL5"),
            changed("s − 2 for s − 1", a=lambda a: (max(1, max(a) - 1),)),
        ),
        hunts=True,
        effort=0.5,
    ),
    Check(
        "KL6",
        "all block sizes, every ordered set partition",
        st.builds(
            lambda law, m: Example.of(exact_experiment(law), m=m),
            some.dependent_laws(),
            st.integers(1, 3),
        ),
        _least_divergence,
        mutants=(changed("the information curve read backwards", h=lambda h: h[::-1]),),
        effort=0.3,
    ),
    Check(
        "KL6",
        "falling curves of up to 12 tokens, all compositions",
        st.builds(
            lambda h, m: Example.of(h=h, m=m),
            some.falling_curves(),
            st.integers(1, 8),
        ),
        _programme,
        mutants=(changed("one block fewer", m=lambda m: max(1, m - 1)),),
    ),
)
