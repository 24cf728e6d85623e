"""Checks of C1–C4."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from flint import arb, fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import BALL, Interval, as_fmpq
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
from sharprates.verification.checks.choices import Scattered
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.exact_experiment import exact_experiment, experiment_on_rows
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.quantities.policies import policied
from sharprates.verification.verdict import Decision

on_policies = partial(on_instances, numbers=policied)
"""The trial of a claim about an example's policy."""

NOTHING: tuple[tuple[Interval, Interval], ...] = ((Interval.exact(0), Interval.exact(0)),)


def _from_divergence(variant: str | None) -> Evaluate:
    """ε_FHS, or TV, against the root of ε_KL; an infinite ε_KL says nothing."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        it = exact(example.law)
        divergence = arb(it.epsilon_KL)
        if not divergence.is_finite():
            return Trial(example, Decision(Relation.UPPER, NOTHING), counts=False)
        measured = it.tv if variant else it.epsilon_FHS
        values = {"d": it.d, "epsilon_KL": divergence}
        return trial_of(
            example, Relation.UPPER, [(measured, formula("C1", variant, values, mutant))]
        )

    return trial


@st.composite
def _mixed(draw: st.DrawFn) -> Example:
    """p̂ = (1−ε)p + ε/S everywhere: no possible symbol gets probability 0."""
    target = draw(some.laws(max_length=3).filter(lambda law: law.vocabulary > 1))
    share = draw(st.fractions(Fraction(1, 100), Fraction(1, 2), max_denominator=100))
    S = target.vocabulary
    wrong = {
        place: tuple((1 - share) * p + share / S for p in law)
        for place, law in some.conditionals(target).items()
    }
    return Example.of(
        exact_experiment(target, blocks=(1,) * target.length, predictions=wrong), share=share
    )


def _balanced(_: int) -> Iterator[Example]:
    """One fair bit, predicted with ½ ± e: ε_KL = −½ log(1 − 4e²)."""
    coin = families.family("uniform:1:2")
    for power in (2, 4, 6, 8):
        e = Fraction(1, 2**power)
        law = exact_experiment(
            coin,
            blocks=(1,),
            predictions={((2,), 0): (Fraction(1, 2) + e, Fraction(1, 2) - e)},
        )
        yield Example(law, {"1/e": 2**power})


def _some_error(_: Example, measured: Interval, bound: Interval) -> bool:  # noqa: ARG001 - a hook of `Check`
    """A bound that is never below 1 counts where there is any error to bound."""
    return measured.upper > 0


def _infinite(example: Example, _: Mutant, kept: Fraction = Fraction(0)) -> Trial:
    """A rare symbol is predicted with probability 0: ε_KL = ∞, and TV is its probability.

    `kept` is the share of the probability that the denoiser gives it all the same.
    """
    eta = example["eta"]
    target = Target.from_rows([(0,), (1,)], [1 - eta, eta], 2)
    left = kept * eta
    it = ExactQuantities(
        exact_experiment(target, blocks=(1,), predictions={((2,), 0): (1 - left, left)})
    )
    infinite = not arb(it.epsilon_KL).is_finite()
    sides = [(fmpq(int(infinite)), fmpq(1)), (it.tv, as_fmpq(eta))]
    return trial_of(example, Relation.EQUALITY, sides)


# --- C3 -------------------------------------------------------------------------------------------


def _without_leftover(example: Example, it: ExactQuantities) -> dict[str, object]:  # noqa: ARG001 - a hook of `Check`
    total = sum(it.experiment.steps)
    revealed = experiment_on_rows(
        it.S,
        it.experiment.rows,
        it.experiment.weights,
        steps=tuple(w / total for w in it.experiment.steps),
    )
    return {"kl_revealed": ExactQuantities(revealed).kl}


def _finite(_: Example, measured: Interval, bound: Interval) -> bool:  # noqa: ARG001 - a hook of `Check`
    """A divergence has no trivial bound: a positive finite one always says something."""
    return bound.upper > 0


def _other_way(example: Example, _: Mutant, least: fmpq | int = 0) -> Trial:
    """p_out has mass outside the support, so KL(p_out‖q_0) = ∞; and TV → 0 with the leftover."""
    left = example["left"]
    it = ExactQuantities(some.family_experiment("uniform:1:2", steps=(1 - left,)))
    outside = 1 - sum(it.tables.probability(it.w).values(), fmpq(0))
    sides = [(fmpq(int(outside > least)), fmpq(1)), (it.tv, as_fmpq(left))]
    return trial_of(example, Relation.EQUALITY, sides)


# --- C4 -------------------------------------------------------------------------------------------


def _hellinger(_: Example, it: ExactQuantities) -> dict[str, Number]:
    """η, the largest squared Hellinger distance of p̂ from p at a context that can occur."""
    eta: Number = fmpq(0)
    for context, place in it.experiment.predictions:
        if context in it.marginal:
            pairs = zip(it.conditional(context, place), it.predict(context, place), strict=True)
            affinity = sum((BALL.sqrt(p * q) for p, q in pairs), arb(0))
            eta = BALL.maximum(eta, 1 - affinity)
    return {"eta": BALL.minimum(eta, fmpq(1))}


def _mean_distance(example: Example, it: ExactQuantities) -> dict[str, Number]:
    """η/d in its place, as if errors averaged along the order."""
    return {"eta": _hellinger(example, it)["eta"] / it.d}


def _mirrored(d: int, share: Fraction) -> Experiment:
    """d independent unfair bits, each predicted as its mirror image."""
    law = families.product([[share, 1 - share]] * d)
    wrong = dict.fromkeys(some.contexts(law), (1 - share, share))
    return exact_experiment(law, blocks=(1,) * d, predictions=wrong)


MIRRORED = {
    f"{d} mirrored bits": Example.of(_mirrored(d, Fraction(1, 3)), rules=(Scattered(1, 1),))
    for d in (1, 2)
}

POINT = families.family("point-mass:2:2")
SHARES = st.integers(1, 40).map(lambda k: Fraction(1, 2**k))

CHECKS = (
    Check(
        "C1",
        "ε_FHS, a denoiser that misses no symbol",
        _mixed(),
        _from_divergence(None),
        mutants=(Mutant("half of the bound", {"C1.constant": Fraction(1, 2)}),),
    ),
    Check(
        "C1",
        "TV, a denoiser that misses no symbol",
        _mixed(),
        _from_divergence("tv"),
        mutants=(Mutant("half of the bound", {"C1.constant": Fraction(1, 2)}),),
        regime="TV",
    ),
    Check(
        "C1",
        "a fair bit predicted with a small error",
        _balanced,
        _from_divergence(None),
        mutants=(tightened("C1"),),
        trend=Trend("a fair bit predicted as ½ ± e", "1/e"),
    ),
    Check(
        "C2",
        "any law, any normalised denoiser",
        some.one_by_one(),
        on_instances("C2", counts=_some_error),
        mutants=(tightened("C2"),),
        edges={
            "wrong everywhere": exact_experiment(
                POINT,
                blocks=(1, 1),
                predictions=dict.fromkeys(some.contexts(POINT), (Fraction(0), Fraction(1))),
            )
        },
    ),
    Check(
        "C2",
        "infinite divergence at a total variation as small as one likes",
        SHARES.map(lambda eta: Example.of(eta=eta)),
        _infinite,
        mutants=(
            Mutant(
                "half of the symbol's probability is kept",
                trial=partial(_infinite, kept=Fraction(1, 2)),
            ),
        ),
        effort=0.5,
        rated=False,
    ),
    Check(
        "C3",
        "KL(q_0‖p_out) with leftover",
        some.instances(some.laws(max_length=3), some.random_steps(4).filter(any), erring=False),
        on_instances("C3", counts=_finite, extra=_without_leftover),
        mutants=(
            tightened("C3"),
            changed("leftover forgotten", w=lambda w: [x / sum(w) for x in w]),
        ),
    ),
    Check(
        "C3",
        "KL(p_out‖q_0) is infinite at any leftover, while TV tends to 0",
        SHARES.map(lambda left: Example.of(left=left)),
        _other_way,
        mutants=(Mutant("only if half is left over", trial=partial(_other_way, least=fmpq(1, 2))),),
        effort=0.5,
        rated=False,
    ),
    Check(
        "C4",
        "first hitting, any law, any normalised denoiser",
        some.one_by_one().map(Example.of),
        on_instances("C4", extra=_hellinger),
        edges=MIRRORED,
        mutants=(
            tightened("C4"),
            Mutant("errors averaged", trial=on_instances("C4", extra=_mean_distance)),
        ),
        hunts=True,
    ),
    Check(
        "C4",
        "first hitting, the simpler form",
        some.one_by_one().map(Example.of),
        on_instances("C4", "simple", extra=_hellinger),
        edges=MIRRORED,
        mutants=(Mutant("half of the bound", {"C4.constant": Fraction(1, 2)}),),
        regime="√(2dη)",
    ),
    Check(
        "C4",
        "a policy that reveals one token a round",
        some.erring_with(some.policies(some.scattered(1), most=2), max_length=3),
        on_policies("C4", "policy", extra=_hellinger),
        edges=MIRRORED,
        mutants=(tightened("C4"),),
    ),
)
