"""Checks of P1, P2, P4, P9, P10 and P11: bounds along the rounds of a policy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

from flint import arb, fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.denoiser import OFF_SUPPORT, ExactDenoiser
from sharprates.samplers.policies import policy
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.theory.functions import DistinctSteps, RankDistance, RankExcess
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import BALL, RATIONAL, Interval, as_fmpq, interval
from sharprates.verification.checks.check import (
    Check,
    changed,
    exact,
    formula,
    on_instances,
    tightened,
    trial_of,
)
from sharprates.verification.checks.choices import (
    Chooser,
    Halving,
    LeftBlocks,
    SmallestExcess,
    SurestFirst,
    drawn_law,
    two_point_entropy,
)
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_information import entropy_of
from sharprates.verification.exact_law import Context, positive_gap
from sharprates.verification.quantities.policies import PolicyQuantities, Turn, policied
from sharprates.verification.verdict import Decision, Verdict

on_policies = partial(on_instances, numbers=policied)
"""The trial of a claim about an example's policy."""

HALF = Fraction(1, 2)
INDEPENDENT = exact_experiment(families.product([[HALF, HALF], [Fraction(9, 10), Fraction(1, 10)]]))
"""The smallest law on which confidence in the values drawn fails."""


def _finite(_: Example, measured: Interval, bound: Interval) -> bool:
    """A divergence has no trivial bound: where there is anything to bound it says something."""
    return bound.upper > 0 and measured.upper < math.inf


# --- P1, P2 ---------------------------------------------------------------------------------------


def _without_joint_entropy(_: Example, it: PolicyQuantities) -> dict[str, Number]:
    """Σ H(X_i|x_C) in place of the correlation."""

    def value(one: Turn) -> Number:
        return sum((entropy_of(it.conditional(one.context, i)) for i in one.block), fmpq(0))

    return {"block_tc": it.mean(value)}


def _all_forms(example: Example, mutant: Mutant, score: int = 1) -> Trial:
    """TV against the run's form and both with errors split off; the split forms are above."""
    it = policied(example)
    data, run = score * it.epsilon_pi, score * it.run_epsilon
    split = formula("P2", "split", {"block_tv": it.block_tv, "epsilon_pi": data}, mutant)
    run_split = formula("P2", "run-split", {"run_tv": it.run_tv, "run_epsilon": run}, mutant)
    sides = [
        (it.tv, formula("P2", "run", {"run_tv_hat": it.run_tv_hat}, mutant)),
        (it.tv, split),
        (it.tv, run_split),
        (it.block_tv_hat, split),
        (it.run_tv_hat, run_split),
    ]
    return trial_of(example, Relation.UPPER, sides)


def _exact_rows(example: Example, mutant: Mutant) -> Trial:
    """TV = 0: q_π(x) = q_0(x) for every x."""
    it = policied(example)
    sides = [(it.tv, formula("P2", "one-token-exact", {}, mutant))]
    sides += zip(it.law.values(), it.pmf.values(), strict=True)
    return trial_of(example, Relation.EQUALITY, sides)


def _drawn(example: Example, _: Mutant) -> Trial:
    """The one-token form for a sampler whose confidence is that of the values just drawn."""
    it = policied(example)
    sides = [(positive_gap(it.pmf, drawn_law(it)), it.epsilon_pi)]
    return trial_of(example, Relation.UPPER, sides)


IN_FRACTIONS: Mapping[str, Chooser] = {
    "threshold:0.75": SurestFirst(Fraction(3, 4)),
    "bisection": Halving(1),
}
"""Rules of the samplers, and the same in fractions."""

CLOSE = 1e-13
"""What float64 may be off by."""


def _sampler(example: Example, mutant: Mutant, rule: Chooser | None = None) -> Trial:
    """The samplers' laws, with each convention off the support, against the tree's; and P2."""
    target = example.law.target
    chosen = rule or IN_FRACTIONS[example["rule"]]
    it = policied(Example.of(example.law, rules=(chosen,)))
    sampler = PolicySampler(target.length, policy(example["rule"], target.length))
    sides = []
    for off in OFF_SUPPORT[:2]:
        law = sampler.law_on(target, ExactDenoiser(target, off))
        pairs = zip(law.probability.tolist(), it.law.values(), strict=True)
        sides += [(Interval.around(value, CLOSE), interval(p)) for value, p in pairs]
    bound = interval(formula("P2", None, {"block_tv_hat": it.block_tv_hat}, mutant))
    holds = Decision(Relation.UPPER, ((interval(it.tv), bound),)).verdict is Verdict.HOLDS
    sides.append((Interval.exact(int(holds)), Interval.exact(1)))
    return Trial(example, Decision(Relation.EQUALITY, tuple(sides)), counts=True)


COPIES_IN_TWO = {"copies in two rounds": some.family_with("copies:3:2", LeftBlocks((2,)))}
ERRING = {
    "a fair bit drawn as a sure one": Example.of(
        exact_experiment(
            families.family("uniform:2:2"), predictions={((2, 2), 0): (Fraction(1), Fraction(0))}
        ),
        rules=(LeftBlocks((1, 1)),),
        denoiser="errs",
    )
}
TWO_INDEPENDENT = {"two independent tokens": Example.of(INDEPENDENT, rules=(SurestFirst(),))}

P1_CHECKS = (
    Check(
        "P1",
        "a policy without a seed: its law against the correlations of its blocks",
        some.laws_with(some.choices().map(lambda one: (one,)), some.laws(max_length=5)),
        on_policies("P1"),
        edges={"copies at once": some.family_with("copies:3:2")},
        mutants=(
            changed("1.01 TC", block_tc=lambda tc: tc * fmpq(101, 100)),
            Mutant(
                "the entropy of the block forgotten",
                trial=on_policies("P1", extra=_without_joint_entropy),
            ),
        ),
    ),
    Check(
        "P1",
        "a policy with a seed",
        some.laws_with(some.policies()),
        on_policies("P1", "seeds", counts=_finite),
        edges=COPIES_IN_TWO,
        mutants=(tightened("P1"),),
    ),
)

P2_CHECKS = (
    Check(
        "P2",
        "any law, policy and denoiser",
        some.erring_with(some.policies(most=2)),
        on_policies("P2"),
        edges=COPIES_IN_TWO,
        mutants=(tightened("P2"), changed("half of the rounds", block_tv_hat=lambda x: x / 2)),
        hunts=True,
    ),
    Check(
        "P2",
        "contexts of the run, and errors split off",
        some.erring_with(some.policies(most=2)),
        _all_forms,
        edges=COPIES_IN_TWO | ERRING,
        mutants=(
            tightened("P2"),
            Mutant("errors of the denoiser forgotten", trial=partial(_all_forms, score=0)),
        ),
    ),
    Check(
        "P2",
        "one token a round, a denoiser that errs",
        some.erring_with(some.policies(some.scattered(1), most=2), max_length=3),
        on_policies("P2", "one-token"),
        edges=TWO_INDEPENDENT,
        mutants=(
            changed("half of the tokens", epsilon_pi=lambda x: x / 2),
            Mutant("confidence in the values just drawn", trial=_drawn),
        ),
    ),
    Check(
        "P2",
        "one token a round, the exact denoiser: q_π(x) = q_0(x) for every x",
        some.laws_with(some.policies(some.scattered(1), most=2)),
        _exact_rows,
        edges=TWO_INDEPENDENT,
        mutants=(Mutant("confidence in the values just drawn", trial=_drawn),),
        rated=False,
    ),
    Check(
        "P2",
        "the samplers' rules and laws in float64, two conventions off the support",
        st.builds(
            lambda law, rule: Example.of(exact_experiment(law), rule=rule),
            some.laws(max_length=5),
            st.sampled_from(sorted(IN_FRACTIONS)),
        ),
        _sampler,
        method=Method.TESTED,
        edges={
            "a pair of copies": Example.of(
                exact_experiment(some.copies_of(2, 2, Fraction(1, 5))), rule="threshold:0.75"
            )
        },
        mutants=(Mutant("one token a round", trial=partial(_sampler, rule=LeftBlocks((1,) * 5))),),
        effort=0.5,
        rated=False,
    ),
    Check(
        "P2",
        "roots of the correlations",
        some.laws_with(some.policies(most=2)),
        on_policies("P2", "correlation"),
        edges=COPIES_IN_TWO,
        mutants=(Mutant("half of the bound", {"P2.constant": HALF}),),
        regime="roots of correlations",
    ),
)

# --- P4, P10 --------------------------------------------------------------------------------------

EPSILONS = tuple(Fraction(1, k) for k in (2, 3, 5, 10, 20))


@st.composite
def _bounded(draw: st.DrawFn, name: str = "epsilon") -> Example:
    """A law and the rule that bounds entropies by h(ε), or Gini indices by η."""
    law, limit = draw(some.laws(max_length=4)), draw(st.sampled_from(EPSILONS))
    rule = SmallestExcess(limit, bit=name == "epsilon")
    return Example(exact_experiment(law), {"rules": (rule,), name: limit})


def _gamma(example: Example, _: PolicyQuantities) -> dict[str, Number]:
    return {"gamma": two_point_entropy(example["epsilon"])}


def _without_two(_: Example, it: PolicyQuantities) -> dict[str, Number]:
    """ΣH without the two largest."""

    def value(one: Turn) -> Number:
        values = [arb(entropy_of(it.conditional(one.context, i))) for i in one.block]
        return sum(sorted(values, key=lambda x: float(x.mid()))[:-2], arb(0))

    return {"block_entropy": it.mean(value)}


def _of_all_but_one(_: Example, it: PolicyQuantities) -> dict[str, Number]:
    """ε: the most that a token of a block lacks, but for the one of it that lacks most."""
    lacking = (sorted(it.doubt_at(one.context, i) for i in one.block)[:-1] for one in it.rounds)
    return {"epsilon": max(itertools.chain.from_iterable(lacking), default=fmpq(0))}


def pair_by_pair(pairs: int, epsilon: Fraction) -> Example:
    """Independent pairs of equal bits, each 1 with probability ε, revealed pair by pair."""
    rows = list(itertools.product((0, 1), repeat=pairs))
    weights = [math.prod(epsilon if x else 1 - epsilon for x in row) for row in rows]
    twice = [tuple(x for x in row for _ in range(2)) for row in rows]
    law = exact_experiment(Target.from_rows(twice, weights, 2))
    return Example.of(law, rules=(LeftBlocks((2,) * pairs),), epsilon=epsilon)


PAIR = {"a pair of equal bits": pair_by_pair(1, Fraction(1, 3))}
FAIR_PAIR = {"a pair of equal fair bits": pair_by_pair(1, HALF)}
GINI_PAIR = {
    "a pair of equal bits": replace(
        pair_by_pair(1, Fraction(1, 3)), parameters={"rules": some.AT_ONCE, "eta": Fraction(4, 9)}
    )
}
UNSURE = some.laws(min_length=2).filter(lambda law: law.support > 1)
IN_PARALLEL = st.one_of(some.scattered(), st.just(LeftBlocks()), st.just(LeftBlocks((2, 2))))
SHARES = st.sampled_from([Fraction(x, 12) for x in (6, 8, 9, 10, 11)])

P4_CHECKS = (
    Check(
        "P4",
        "any policy, with the largest excess of its blocks",
        some.laws_with(some.policies(IN_PARALLEL, most=2), UNSURE),
        on_policies("P4", counts=_finite),
        edges={"two copies": some.family_with("copies:2:2")},
        mutants=(tightened("P4"),),
    ),
    Check(
        "P4",
        "the entropies of the blocks",
        some.laws_with(some.policies(IN_PARALLEL, most=2), UNSURE),
        on_policies("P4", "entropy", counts=_finite),
        edges={"three copies": some.family_with("copies:3:2")},
        mutants=(
            tightened("P4"),
            Mutant(
                "without the two largest entropies",
                trial=on_policies("P4", "entropy", counts=_finite, extra=_without_two),
            ),
        ),
    ),
    Check(
        "P4",
        "TV of the rule that bounds entropies",
        _bounded(),
        on_policies("P4", "tv", extra=_gamma),
        edges={"a pair of unfair bits": pair_by_pair(1, Fraction(1, 10)), **FAIR_PAIR},
        mutants=(Mutant("half of the bound", {"P4.constant": HALF}),),
        regime="TV",
    ),
)

P10_CHECKS = (
    Check(
        "P10",
        "the rule that bounds entropies, γ = h(ε)",
        _bounded(),
        on_policies("P10"),
        edges=PAIR,
        mutants=(tightened("P10"), changed("ε(1 − ε)", parallel=lambda n: n / 2)),
        hunts=True,
    ),
    Check(
        "P10",
        "rounds of the sampler's own run",
        _bounded(),
        on_policies("P10", "run"),
        edges=PAIR,
        mutants=(tightened("P10"),),
    ),
    Check(
        "P10",
        "in γ, linear",
        _bounded(),
        on_policies("P10", "linear", extra=_gamma),
        edges=FAIR_PAIR,
        mutants=(tightened("P10"),),
        regime="linear in γ",
    ),
    Check(
        "P10",
        "in γ, a root",
        _bounded(),
        on_policies("P10", "root", extra=_gamma),
        edges=FAIR_PAIR,
        mutants=(Mutant("half of the bound", {"P10.constant": HALF}),),
        regime="root of γ",
    ),
    Check(
        "P10",
        "the rule that bounds Gini indices",
        _bounded("eta"),
        on_policies("P10", "gini"),
        edges=GINI_PAIR,
        mutants=(tightened("P10"),),
        regime="Gini indices",
    ),
    Check(
        "P10",
        "confidence of all tokens of a block but one",
        some.laws_with(SHARES.map(lambda share: (SurestFirst(share, besides=1),))),
        on_policies("P10", "confidence", extra=_of_all_but_one),
        edges={
            f"copies of {S} symbols": Example.of(
                exact_experiment(some.copies_of(2, S, Fraction(1, 10))), rules=some.AT_ONCE
            )
            for S in (2, 30)
        },
        mutants=(tightened("P10"), changed("one token fewer", d=lambda d: d - 1)),
        regime="confidence",
    ),
    Check(
        "P10",
        "pairs of equal bits, the exact value",
        st.builds(pair_by_pair, st.integers(1, 3), st.sampled_from(EPSILONS)),
        on_policies("P10", "pairs"),
        mutants=(changed("1.01 ε", epsilon=lambda x: x * Fraction(101, 100)),),
        effort=0.3,
    ),
)

# --- P9 -------------------------------------------------------------------------------------------

P9_CHECKS = (
    Check(
        "P9",
        "data and predictions, any law, policy and denoiser",
        some.erring_with(some.policies(most=2)),
        on_policies("P9"),
        edges={"two copies": some.family_with("copies:2:2")},
        mutants=(tightened("P9"), changed("errors forgotten", anchor=lambda x: 0 * x)),
        hunts=True,
    ),
    Check(
        "P9",
        "runs of the sampler",
        some.erring_with(some.policies(most=2)),
        on_policies("P9", "run"),
        edges={"two copies": some.family_with("copies:2:2")},
        mutants=(tightened("P9"), changed("errors forgotten", run_epsilon=lambda x: 0 * x)),
    ),
)

# --- P11 ------------------------------------------------------------------------------------------

StepLaws = Sequence[tuple[Fraction, ...]]


def _block_laws(
    pmf: Mapping[Context, Number], sizes: Sequence[int]
) -> list[list[tuple[Context, Number, Target]]]:
    """For each consecutive block: earlier values, their probability, the law of the block."""
    found, start = [], 0
    for size in sizes:
        stop = start + size
        given: dict[Context, dict[Context, Number]] = {}
        for row, mass in pmf.items():
            inside = given.setdefault(row[:start], {})
            inside[row[start:stop]] = inside.get(row[start:stop], fmpq(0)) + mass
        block = []
        for before, inside in given.items():
            whole = sum(inside.values(), fmpq(0))
            weights = [Fraction(int((p / whole).p), int((p / whole).q)) for p in inside.values()]
            top = max(max(row) for row in pmf) + 1
            block.append((before, whole, Target.from_rows(list(inside), weights, top)))
        found.append(block)
        start = stop
    return found


def _block_diffusion(example: Example, form: str | None) -> tuple[Number, dict[str, Any]]:
    """TV of block diffusion, and the values of a form of P11.

    The parallel samplers inside the blocks are run on the laws given the earlier values.
    """
    it, laws = exact(example.law), example["laws"]
    sizes = [example["size"]] * len(laws)
    reached = dict(it.pmf)
    out = dict.fromkeys(it.pmf, fmpq(1))
    exponent: Number = fmpq(0)
    distinct: Number = fmpq(1)
    start = 0
    for size, w, block in zip(sizes, laws, _block_laws(reached, sizes), strict=True):
        h: list[Number] = [arb(0)] * size
        for before, mass, law in block:
            inside = exact(exact_experiment(law, steps=w))
            chance = inside.tables.probability(inside.w)
            for row in out:
                if row[:start] == before:
                    out[row] *= chance[row[start : start + size]]
            h = [total + mass * one for total, one in zip(h, inside.h, strict=True)]
        weights = [as_fmpq(x) for x in w]
        distinct *= DistinctSteps.compute(RATIONAL, size, weights)
        spread = (h[0] - h[-1]).nonnegative_part()
        by_rank = size * RankExcess.compute(BALL, size, [arb(x) for x in weights], h)
        most = BALL.minimum(arb(it.S).log(), spread + BALL.sqrt(spread / 2))
        by_distance = size * RankDistance.compute(RATIONAL, size, weights) * most
        exponent = exponent + BALL.minimum(by_rank, by_distance)
        start += size
    steps = sum(map(len, laws))
    values = {
        None: {"exponent": exponent},
        "coincidence": {"distinct": distinct},
        "equal-blocks": {"S": it.S, "K": steps, "L": len(laws), "d": it.d},
        "pairs": {"S": it.S, "K": steps, "L": len(laws), "d": it.d},
    }
    return positive_gap(it.pmf, out), values[form]


def _diffused(example: Example, mutant: Mutant, form: str | None = None) -> Trial:
    tv, values = _block_diffusion(example, form)
    relation = Relation.EQUALITY if form == "pairs" else Relation.UPPER
    return trial_of(example, relation, [(tv, formula("P11", form, values, mutant))])


@st.composite
def _in_consecutive_blocks(draw: st.DrawFn, equal: bool = False) -> Example:
    """A law in equal consecutive blocks, a step law for each."""
    size, count = draw(st.sampled_from([(1, 2), (2, 1), (2, 2), (2, 2), (3, 1), (1, 3)]))
    d = size * count
    law = draw(st.one_of(some.sparse_laws(d, d), some.family_laws(d, d)))
    if equal:
        K = draw(st.integers(size, 4 * size))
        laws = ((Fraction(1, K),) * K,) * count
    else:
        steps = some.step_laws(5, leftover=False)
        laws = tuple(draw(st.lists(steps, min_size=count, max_size=count)))
    return Example.of(exact_experiment(law), size=size, laws=laws)


def pairs_in_blocks(size: int, count: int, S: int, K: int) -> Example:
    """Pairs of equal symbols inside `count` consecutive blocks, K equal steps for each."""
    inside = families.family(f"pairs:{size}:{S}").rows.tolist()
    rows = [
        tuple(itertools.chain.from_iterable(parts))
        for parts in itertools.product(inside, repeat=count)
    ]
    law = Target.from_rows(rows, [Fraction(1, len(rows))] * len(rows), S)
    steps = ((Fraction(1, K),) * K,) * count
    return Example.of(exact_experiment(law), size=size, laws=steps)


PAIRS = {"two blocks of a pair": pairs_in_blocks(2, 2, 2, 3)}
ONE_STEP = {"two blocks of a pair, a step each": pairs_in_blocks(2, 2, 2, 1)}

P11_CHECKS = (
    Check(
        "P11",
        "any law, a step law for each block",
        _in_consecutive_blocks(),
        _diffused,
        edges=PAIRS | ONE_STEP,
        mutants=(tightened("P11"),),
        hunts=True,
    ),
    Check(
        "P11",
        "coincidences inside the blocks",
        _in_consecutive_blocks(),
        partial(_diffused, form="coincidence"),
        edges=PAIRS,
        mutants=(Mutant("half of the bound", {"P11.constant": HALF}),),
        regime="coincidences",
    ),
    Check(
        "P11",
        "equal blocks of equal steps",
        _in_consecutive_blocks(equal=True),
        partial(_diffused, form="equal-blocks"),
        edges=PAIRS,
        mutants=(Mutant("half of the bound", {"P11.constant": HALF}),),
        regime="equal steps",
    ),
    Check(
        "P11",
        "pairs inside the blocks, the exact value",
        st.sampled_from([(2, 1), (2, 2), (3, 1), (3, 2), (4, 1)]).flatmap(
            lambda shape: st.builds(
                partial(pairs_in_blocks, *shape), st.integers(2, 3), st.integers(1, 5)
            )
        ),
        partial(_diffused, form="pairs"),
        mutants=(changed("one block more", L=lambda L: L + 1),),
        effort=0.4,
    ),
)

CHECKS = (*P1_CHECKS, *P2_CHECKS, *P4_CHECKS, *P9_CHECKS, *P10_CHECKS, *P11_CHECKS)
