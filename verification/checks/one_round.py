"""Checks of P3, P3C and P8: what one round of several tokens costs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.checks.check import (
    Check,
    Trend,
    changed,
    formula,
    on_instances,
    tightened,
    trial_of,
)
from sharprates.verification.checks.choices import SurestFirst
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_information import all_but_largest, gini_of
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.exact import ExactQuantities
from sharprates.verification.quantities.policies import PolicyQuantities, missed, policied

on_policies = partial(on_instances, numbers=policied)
"""The trial of a claim about an example's policy."""

HALF = Fraction(1, 2)


def at_once(law: Experiment) -> PolicyQuantities:
    """All tokens in one round: the output law is the product of the predictions."""
    return policied(Example.of(law, rules=some.AT_ONCE))


# --- P3, P3C --------------------------------------------------------------------------------------


def _confident(it: ExactQuantities) -> tuple[tuple[int, ...], Number]:
    """x*, the most probable symbol of each token, and ε, the most that any lacks."""
    empty = (it.S,) * it.d
    laws = [it.conditional(empty, i) for i in range(it.d)]
    top = tuple(law.index(max(law)) for law in laws)
    return top, max(1 - max(law) for law in laws)


def _block(example: Example, mutant: Mutant, variant: str | None = None) -> Trial:
    """TV between the law and the product of its marginals; TV ≤ 1 − min{p(x*), ∏p_j(x*_j)} ≤ nε."""
    it = at_once(example.law)
    top, epsilon = _confident(it)
    empty = (it.S,) * it.d
    product = math.prod((it.conditional(empty, i)[a] for i, a in enumerate(top)), start=fmpq(1))
    common = min(it.pmf.get(top, fmpq(0)), product)
    values = {"n": it.d, "epsilon": epsilon, "S": it.S, "common": common}
    names = {None: ("n", "epsilon"), "common": ("common",)}.get(variant, ("n", "epsilon", "S"))
    bound = formula("P3", variant, {name: values[name] for name in names}, mutant)
    if variant is None:
        between = formula("P3", "common", {"common": common})
        return trial_of(example, Relation.UPPER, [(it.tv, bound), (between, bound)])
    return trial_of(example, Relation.UPPER, [(it.tv, bound)])


def _published(example: Example, mutant: Mutant, reach: int = 1) -> Trial:
    """For (n+1)ε ≤ 1 x* is most probable under p, and TV ≤ (3n−1)ε/2; KL for every such ε."""
    it = at_once(example.law)
    top, epsilon = _confident(it)
    values = {"n": it.d, "epsilon": epsilon, "S": it.S}
    sides = []
    if epsilon > 0 and it.d > 1:
        sides.append((it.kl, formula("P3", "divergence", values, mutant)))
    if (it.d + reach) * epsilon <= 1:
        sides.append((max(it.pmf.values()), it.pmf.get(top, fmpq(0))))
        del values["S"]
        sides.append((it.tv, formula("P3", "published", values)))
    sides = sides or [(fmpq(0), fmpq(0))]
    return trial_of(example, Relation.UPPER, sides, counts=epsilon > 0)


def _copies(example: Example, mutant: Mutant) -> Trial:
    values = {"n": example["n"], "S": example["S"], "epsilon": as_fmpq(example["epsilon"])}
    right = formula("P3", "copies", values, mutant)
    return trial_of(example, Relation.EQUALITY, [(at_once(example.law).tv, right)])


def _few_wrong(_: int) -> Iterator[Example]:
    for k in (3, 5, 7, 9, 11):
        law = exact_experiment(some.copies_of(3, 3, Fraction(1, 2**k)))
        yield Example(law, {"1/epsilon": 2**k})


def _triple(example: Example, mutant: Mutant) -> Trial:
    it = at_once(example.law)
    _, epsilon = _confident(it)
    values = {"n": it.d, "epsilon": epsilon, "S": it.S}
    right = formula("P3C", None, values, mutant)
    return trial_of(
        example, Relation.UPPER, [(it.tv, right)], counts=bool(0 < epsilon <= as_fmpq(HALF))
    )


def _law(rows: Sequence[str], weights: Sequence[Fraction], S: int) -> Target:
    return Target.from_rows([tuple(map(int, row)) for row in rows], weights, S)


FOUR = exact_experiment(_law(("1100", "2200", "0011", "0022"), [Fraction(1, 4)] * 4, 3))
FIVE = exact_experiment(_law(("11000", "00110", "00001"), [Fraction(1, 3)] * 3, 2))


def _on(law: Experiment) -> Evaluate:
    """A mutant's trial: the statement on a law of more tokens."""
    return lambda _, mutant: _triple(Example.of(law), mutant)


@st.composite
def _triples(draw: st.DrawFn) -> Example:
    """Three tokens whose marginals hold at least ½ on the symbol 0."""
    S = draw(st.integers(2, 3))
    rows = draw(
        st.lists(st.tuples(*[st.integers(0, S - 1)] * 3), min_size=1, max_size=7, unique=True)
    )
    numbers = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    weights = {row: Fraction(x) for row, x in zip(rows, numbers, strict=True)}
    total = sum(weights.values())
    least = min(sum(w for row, w in weights.items() if row[i] == 0) for i in range(3))
    # so much on 000 that no token lacks more than half
    weights[0, 0, 0] = weights.get((0, 0, 0), Fraction(0)) + max(Fraction(0), total - 2 * least)
    whole = sum(weights.values())
    law = Target.from_rows(list(weights), [w / whole for w in weights.values()], S)
    return Example.of(exact_experiment(law))


def _climbed(count: int) -> Iterator[Example]:
    """Local search from random laws of three tokens for TV over the conjectured value."""
    for seed in range(count):
        generator = np.random.default_rng(seed)
        S = 2 + seed % 3
        law = generator.dirichlet([0.15] * S**3)
        law[0] += generator.uniform(0, 1)
        best = -1.0
        for step in range(400):
            tried = law * np.exp(generator.normal(0, 1.0 / (1 + step / 40), S**3))
            tried /= tried.sum()
            ratio = _triple_ratio(tried.reshape(S, S, S))
            if ratio > best:
                best, law = ratio, tried
        whole = np.maximum(np.round(law * 10**4), 0).astype(int)
        rows = [row for row in itertools.product(range(S), repeat=3) if whole[_place(row, S)]]
        weights = [Fraction(int(whole[_place(row, S)]), int(whole.sum())) for row in rows]
        yield Example.of(exact_experiment(Target.from_rows(rows, weights, S)))


def _place(row: tuple[int, ...], S: int) -> int:
    return (row[0] * S + row[1]) * S + row[2]


def _triple_ratio(p: np.ndarray) -> float:
    """TV over the conjectured value, or −1 where a token lacks more than half of x*."""
    marginals = [p.sum(axis=tuple(k for k in range(3) if k != i)) for i in range(3)]
    epsilon, S = max(1 - m.max() for m in marginals), len(p)
    if not 1e-9 < epsilon <= 0.5:
        return -1.0
    product = np.einsum("a,b,c->abc", *marginals)
    value = 1 - (1 - epsilon) ** 3 - (S - 1) * (epsilon / (S - 1)) ** 3
    return float(np.maximum(p - product, 0).sum() / value)


COPIES = {
    f"copies, n = {n}, S = {S}": Example.of(exact_experiment(some.copies_of(n, S, Fraction(1, 3))))
    for n, S in ((2, 2), (3, 2), (3, 3), (2, 60))
}
TRIPLES = {name: one for name, one in COPIES.items() if one.law.length == 3}

P3_CHECKS = (
    Check(
        "P3",
        "TV of any law to the product of its marginals, at most 1 − min ≤ nε",
        some.laws(min_length=2)
        .filter(lambda law: law.vocabulary > 1)
        .map(lambda law: Example.of(exact_experiment(law))),
        _block,
        mutants=(
            changed("n − 1 for n", n=lambda n: n - 1),
            Mutant("half of the bound", {"P3.constant": HALF}),
        ),
    ),
    Check(
        "P3",
        "copies that are rarely wrong",
        _few_wrong,
        _block,
        mutants=(tightened("P3"),),
        trend=Trend("copies of a symbol that is rarely another, n = S = 3", "1/epsilon"),
    ),
    Check(
        "P3",
        "1 − min{p(x*), ∏p_j(x*_j)}, of any law",
        some.laws(min_length=2)
        .filter(lambda law: law.vocabulary > 1)
        .map(lambda law: Example.of(exact_experiment(law))),
        partial(_block, variant="common"),
        edges={
            "copies of 30 symbols": Example.of(
                exact_experiment(some.copies_of(2, 30, Fraction(1, 10)))
            )
        },
        mutants=(tightened("P3"),),
        regime="1 − min",
    ),
    Check(
        "P3",
        "two tokens: copies are worst",
        some.laws(2, 2)
        .filter(lambda law: law.vocabulary > 1)
        .map(lambda law: Example.of(exact_experiment(law))),
        partial(_block, variant="two"),
        edges={"copies": COPIES["copies, n = 2, S = 2"]},
        mutants=(
            tightened("P3"),
            Mutant("the statement for four tokens", trial=_on(FOUR)),
        ),
        regime="two tokens",
        hunts=True,
    ),
    Check(
        "P3",
        "copies, the exact value",
        st.builds(
            lambda n, S, epsilon: Example.of(
                exact_experiment(some.copies_of(n, S, epsilon)), n=n, S=S, epsilon=epsilon
            ),
            st.integers(2, 5),
            st.integers(2, 4),
            st.sampled_from([Fraction(1, k) for k in (2, 3, 4, 7, 50)]),
        ),
        _copies,
        mutants=(changed("n + 1 for n", n=lambda n: n + 1),),
        effort=0.5,
    ),
    Check(
        "P3",
        "what is published: the most probable tuple, TV and KL",
        some.laws(min_length=2)
        .filter(lambda law: law.vocabulary > 1)
        .map(lambda law: Example.of(exact_experiment(law))),
        _published,
        edges={
            "two thirds of the way": Example.of(
                exact_experiment(
                    _law(("00", "01", "10"), [Fraction(1, 5), Fraction(2, 5), Fraction(2, 5)], 2)
                )
            ),
            **COPIES,
        },
        mutants=(
            Mutant("nε ≤ 1 for (n+1)ε ≤ 1", trial=partial(_published, reach=0)),
            Mutant("KL × 0.99", {"P3.constant": Fraction(99, 100)}),
        ),
        rated=False,
    ),
    Check(
        "P3",
        "a policy with a threshold",
        st.sampled_from([Fraction(x, 12) for x in (6, 8, 9, 10, 11)]).flatmap(
            lambda tau: some.laws_with(st.just((SurestFirst(tau),))).map(
                lambda example: replace(example, parameters={**example.parameters, "tau": tau})
            )
        ),
        on_policies("P3", "threshold"),
        edges={
            "pairs of equal bits": Example.of(
                exact_experiment(some.copies_of(2, 2, Fraction(1, 12))),
                rules=(SurestFirst(Fraction(11, 12)),),
                tau=Fraction(11, 12),
            )
        },
        mutants=(
            changed("rounds for tokens", parallel_tokens=lambda n: n / 2),
            Mutant("half of the bound", {"P3.constant": HALF}),
        ),
        regime="threshold",
    ),
    Check(
        "P3",
        "any policy, by what its tokens lack",
        some.laws_with(some.policies(most=2)),
        on_policies("P3", "doubt"),
        mutants=(
            Mutant("half of the bound", {"P3.constant": HALF}),
            Mutant(
                "without the least sure token",
                trial=on_policies(
                    "P3",
                    "doubt",
                    extra=lambda _, it: {
                        "doubt": it.mean(
                            lambda one: all_but_largest(
                                [it.doubt_at(one.context, i) for i in one.block]
                            )
                        )
                    },
                ),
            ),
        ),
        edges={
            "rarely wrong copies": Example.of(
                exact_experiment(some.copies_of(2, 2, Fraction(1, 12))), rules=some.AT_ONCE
            )
        },
        regime="doubt",
    ),
    Check(
        "P3C",
        "laws of three tokens",
        _triples(),
        _triple,
        edges=TRIPLES,
        mutants=(
            tightened("P3C"),
            Mutant("four tokens", trial=_on(FOUR)),
            Mutant("five tokens", trial=_on(FIVE)),
        ),
        hunts=True,
    ),
    Check(
        "P3C",
        "laws of three tokens that a local search found",
        _climbed,
        _triple,
        mutants=(tightened("P3C"),),
        edges=TRIPLES,
        effort=0.2,
    ),
)


# --- P8 -------------------------------------------------------------------------------------------


def _ginis(example: Example, mutant: Mutant, variant: str | None = None, dropped: int = 1) -> Trial:
    it = at_once(example.law)
    (one,) = it.rounds
    indices = sorted(gini_of(it.conditional(one.context, i)) for i in one.block)
    gini = sum(indices[:-dropped], fmpq(0))
    values = {"gini": gini} if variant is None else {"excess": it.excess_entropy(one)}
    right = formula("P8", variant, values, mutant)
    sides = [(it.kl if variant == "correlation" else it.tv, right)]
    if variant == "entropy":
        sides.append((gini, right))
    counts = arb(sides[0][0]) > 0 if variant == "correlation" else None
    return trial_of(example, Relation.UPPER, sides, counts=counts)


def _estimated(example: Example, mutant: Mutant, own: bool = False) -> Trial:
    """TV(p, ∏p̂) ≤ Σ_{i≠j}(1 − Σp_ip̂_i) + TV(p_j, p̂_j) for every token j."""
    it = at_once(example.law)
    empty = (it.S,) * it.d
    sides = []
    for j in range(it.d):
        others = (i for i in range(it.d) if i != j)
        prices = (gini_of(it.predict(empty, i)) if own else missed(it, empty, i) for i in others)
        overlap = sum(prices, fmpq(0))
        values = {"overlap": overlap, "anchor_tv": it.token_error(empty, j)}
        sides.append((it.tv, formula("P8", "estimated", values, mutant)))
    return trial_of(example, Relation.UPPER, sides)


@st.composite
def _blocks_with_errors(draw: st.DrawFn) -> Example:
    """A law and predictions at its empty context."""
    law = draw(some.laws(min_length=2, max_length=3))
    empty, S = (law.vocabulary,) * law.length, law.vocabulary
    wrong = {(empty, i): draw(some.simplex(S)) for i in range(law.length) if draw(st.booleans())}
    return Example.of(exact_experiment(law, predictions=wrong))


BLOCKS = some.laws(min_length=2).map(lambda law: Example.of(exact_experiment(law)))
FAIR = {"two equal fair bits": Example.of(exact_experiment(some.copies_of(2, 2, HALF)))}

P8_CHECKS = (
    Check(
        "P8",
        "TV of any law, Gini indices",
        BLOCKS,
        _ginis,
        edges={"two equal tokens": COPIES["copies, n = 2, S = 2"]},
        mutants=(
            tightened("P8"),
            Mutant("all indices but two", trial=partial(_ginis, dropped=2)),
        ),
        hunts=True,
    ),
    Check(
        "P8",
        "TV of any law, entropies",
        BLOCKS,
        partial(_ginis, variant="entropy"),
        edges=FAIR,
        mutants=(tightened("P8"),),
    ),
    Check(
        "P8",
        "correlation of any law",
        BLOCKS,
        partial(_ginis, variant="correlation"),
        edges=FAIR,
        mutants=(tightened("P8"),),
    ),
    Check(
        "P8",
        "predictions of the tokens",
        _blocks_with_errors(),
        _estimated,
        edges=FAIR,
        mutants=(
            tightened("P8"),
            Mutant("the predictions' own Gini indices", trial=partial(_estimated, own=True)),
        ),
        regime="predictions",
    ),
)


CHECKS = (*P3_CHECKS, *P8_CHECKS)
