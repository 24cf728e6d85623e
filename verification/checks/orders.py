"""Checks of P5–P7: permutations, chains and shared symbols, where policies have exact values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from flint import arb, fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.theory.functions import all_compositions
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import as_fmpq
from sharprates.verification.checks.check import (
    Check,
    changed,
    formula,
    on_instances,
    trial_of,
)
from sharprates.verification.checks.choices import (
    Chooser,
    Halving,
    LeftBlocks,
    Scattered,
    rounds_of_halving,
)
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.policies import PolicyQuantities, policied

on_policies = partial(on_instances, numbers=policied)
"""The trial of a claim about an example's policy."""

# --- P5, P7 ---------------------------------------------------------------------------------------

PERMUTATIONS = {n: exact_experiment(families.family(f"permutations:{n}:{n}")) for n in range(1, 6)}
SHARED = {
    (d, b): exact_experiment(families.family(f"shared-symbols:{d}:{b}"))
    for d, b in ((2, 2), (2, 3), (3, 2), (3, 3), (4, 2))
}


def _on_law(
    laws: Sequence[Experiment], rules: st.SearchStrategy[tuple[Chooser, ...]]
) -> st.SearchStrategy[Example]:
    return st.builds(
        lambda law, policy: Example.of(law, rules=policy), st.sampled_from(laws), rules
    )


def _shared_example(d: int, b: int, *rules: Chooser) -> Example:
    return Example.of(SHARED[d, b], rules=rules, b=b)


def _with_b(rules: st.SearchStrategy[tuple[Chooser, ...]]) -> st.SearchStrategy[Example]:
    return st.sampled_from(list(SHARED)).flatmap(
        lambda size: rules.map(lambda policy: _shared_example(*size, *policy))
    )


def _least(example: Example, mutant: Mutant) -> Trial:
    """The best block sizes, by all compositions; permutations keep (m)_n/m^n of a block."""
    n, R = example["n"], example["R_max"]
    values = {"d": n, "R_max": R}
    kept = max(_kept(sizes) for sizes in all_compositions(n) if len(sizes) <= R)
    sides: list[tuple[Number, Number]] = [
        (as_fmpq(1 - kept), formula("P5", "least-tv", values, mutant)),
        (-arb(as_fmpq(kept)).log(), formula("P5", "least-kl", values, mutant)),
    ]
    return trial_of(example, Relation.EQUALITY, sides)


def _kept(sizes: Sequence[int]) -> Fraction:
    kept, masked = Fraction(1), sum(sizes)
    for n in sizes:
        kept *= Fraction(math.perm(masked, n), masked**n)
        masked -= n
    return kept


PROFILES = {8: (3, 2, 2, 1), 16: (6, 5, 3, 2), 32: (12, 9, 7, 4)}
"""The best sizes of four blocks."""


def _profile(example: Example, mutant: Mutant, moved: int = 0) -> Trial:
    """Of all sizes of four blocks the stated ones keep the most, and no others as much."""
    n = example["n"]
    sizes = list(PROFILES[n])
    sizes[0], sizes[1] = sizes[0] + moved, sizes[1] - moved
    best = formula("P5", "least-tv", {"d": n, "R_max": 4}, mutant)
    others = sum(
        as_fmpq(1 - _kept((a, b, c, n - a - b - c))) <= best
        for a in range(1, n - 2)
        for b in range(1, n - a - 1)
        for c in range(1, n - a - b)
    )
    sides = [(as_fmpq(1 - _kept(sizes)), best), (fmpq(others), fmpq(1))]
    return trial_of(example, Relation.EQUALITY, sides)


P5_CHECKS = (
    Check(
        "P5",
        "every policy on permutations: the exact value",
        _on_law(list(PERMUTATIONS.values()), some.policies(most=2)),
        on_policies("P5"),
        edges={"five tokens": Example.of(PERMUTATIONS[5], rules=(Scattered(1),))},
        mutants=(
            Mutant(
                "the block sizes in rising order",
                trial=on_policies("P5", extra=lambda _, it: {"sizes": _sorted_sizes(it)}),
            ),
        ),
        effort=0.7,
    ),
    Check(
        "P5",
        "the mean number of rounds",
        _on_law(list(PERMUTATIONS.values())[:4], some.policies(most=2)),
        on_policies("P5", "rounds"),
        edges={"the pair first": Example.of(PERMUTATIONS[4], rules=(LeftBlocks((2, 1, 1)),))},
        mutants=(Mutant("P5.constant × 1.01", {"P5.constant": Fraction(101, 100)}),),
        effort=0.7,
    ),
    Check(
        "P5",
        "rounds under the sampler's own law",
        _on_law(list(PERMUTATIONS.values())[1:4], some.policies(most=2)),
        on_policies("P5", "own-law", measured=lambda it: it.run_rounds),
        edges={"one by one": Example.of(PERMUTATIONS[3], rules=(Scattered(1, 1),))},
        mutants=(Mutant("P5.constant × 1.01", {"P5.constant": Fraction(101, 100)}),),
        effort=0.7,
    ),
    Check(
        "P5",
        "independent groups",
        _on_law(
            [
                exact_experiment(families.family(f"permutations:{d}:{S}"))
                for d, S in ((4, 2), (6, 3), (6, 2))
            ],
            some.policies(most=1),
        ),
        on_policies("P5", "groups"),
        edges={"two pairs at once": some.family_with("permutations:4:2")},
        mutants=(
            Mutant("P5.constant × 1.01", {"P5.constant": Fraction(101, 100)}),
            changed("one round fewer", R_max=lambda n: n - 1),
        ),
        effort=0.5,
        least_counting=0.2,
        regime="groups",
    ),
    Check(
        "P5",
        "the divergence, and rounds by it",
        _on_law(list(PERMUTATIONS.values())[1:4], some.policies(most=2)),
        on_policies("P5", "divergence"),
        edges={"the pair first": Example.of(PERMUTATIONS[4], rules=(LeftBlocks((2, 1, 1)),))},
        mutants=(changed("1.01 d", d=lambda d: d * Fraction(101, 100)),),
        effort=0.7,
        regime="KL",
    ),
    Check(
        "P5",
        "the least TV and KL of at most R rounds, by all block sizes",
        st.integers(1, 9).flatmap(
            lambda n: st.integers(1, n).map(lambda R: Example.of(n=n, R_max=R))
        ),
        _least,
        edges={"eight tokens, four rounds": Example.of(n=8, R_max=4)},
        mutants=(changed("one round fewer", R_max=lambda R: max(R - 1, 1)),),
        effort=0.5,
    ),
    Check(
        "P5",
        "the best sizes of four blocks",
        lambda _: [Example.of(n=n) for n in PROFILES],
        _profile,
        mutants=(Mutant("one token moved to the first block", trial=partial(_profile, moved=1)),),
        rated=False,
    ),
)


def _sorted_sizes(it: PolicyQuantities) -> dict[tuple[int, ...], Number]:
    found: dict[tuple[int, ...], Number] = {}
    for sizes, chance in it.sizes.items():
        key = tuple(sorted(sizes))
        found[key] = found.get(key, fmpq(0)) + chance
    return found


P7_CHECKS = (
    Check(
        "P7",
        "every policy on shared symbols: the exact value",
        _with_b(some.policies(most=2)),
        on_policies("P7"),
        edges={"d = 4, b = 2": _shared_example(4, 2, Scattered(3), Scattered(8))},
        mutants=(
            changed("b + 1 for b", b=lambda b: b + 1),
            Mutant(
                "neighbours for pairs",
                trial=on_policies(
                    "P7",
                    extra=lambda _, it: {
                        "sizes": {(2,) * (it.d - len(a)): p for a, p in it.sizes.items()}
                    },
                ),
            ),
        ),
        effort=0.7,
    ),
    Check(
        "P7",
        "fewer than d rounds",
        _with_b(some.policies(most=2)),
        on_policies("P7", "lower"),
        edges={"one pair": _shared_example(3, 2, LeftBlocks((2, 1)))},
        mutants=(Mutant("P7.constant × 1.01", {"P7.constant": Fraction(101, 100)}),),
        effort=0.7,
    ),
)


# --- P6 -------------------------------------------------------------------------------------------


@st.composite
def chains(draw: st.DrawFn, order: int, longest: int = 6) -> Target:
    """A chain of order m of bits, with small fractions; some transitions are sure."""
    n = draw(st.integers(order, longest))
    shares = st.sampled_from([Fraction(x, 5) for x in (1, 2, 3, 4, 0, 5)])
    table: dict[tuple[int, ...], Fraction] = {}
    weights: dict[tuple[int, ...], Fraction] = {(): Fraction(1)}
    for i in range(n):
        longer: dict[tuple[int, ...], Fraction] = {}
        for row, weight in weights.items():
            past = (i, *row[-order:])  # transitions may change along the chain
            if past not in table:
                table[past] = draw(shares)
            for a, p in ((0, 1 - table[past]), (1, table[past])):
                if p:
                    longer[(*row, a)] = weight * p
        weights = longer
    return Target.from_rows(list(weights), list(weights.values()), 2)


def bit_walk(n: int) -> Target:
    """X_j = ξ_1 + … + ξ_j for fair bits ξ."""
    rows = [tuple(itertools.accumulate(bits)) for bits in itertools.product((0, 1), repeat=n)]
    return Target.from_rows(rows, [Fraction(1, 2**n)] * 2**n, n + 1)


def _bisected(example: Example, mutant: Mutant) -> Trial:
    """TV = 0: q_π(x) = q_0(x) for every x."""
    it = policied(example)
    sides = [(it.tv, formula("P6", None, {}, mutant))]
    sides += zip(it.law.values(), it.pmf.values(), strict=True)
    return trial_of(example, Relation.EQUALITY, sides)


def _bisected_with(choice: Chooser) -> Evaluate:
    return lambda example, mutant: _bisected(Example.of(example.law, rules=(choice,)), mutant)


ORDER_TWO = exact_experiment(families.family("parity:3:2"))
"""The third bit is the sum of the two before it: a chain of order 2, and of no smaller one."""


def _count_rounds(example: Example, mutant: Mutant) -> Trial:
    n, m = example["n"], example["m"]
    rounds = fmpq(len(rounds_of_halving(n, m)))
    sides = [(rounds, formula("P6", "rounds", {"n": n, "m": m}, mutant))]
    return trial_of(example, Relation.UPPER, sides, counts=True)


def _count_rounds_of_one(example: Example, mutant: Mutant) -> Trial:
    n = example["n"]
    right = formula("P6", "rounds-one", {"n": n}, mutant)
    sides = [(fmpq(len(rounds_of_halving(n, 1))), right)]
    return trial_of(example, Relation.EQUALITY, sides, counts=True)


WALKS = {n: exact_experiment(bit_walk(n)) for n in (1, 2, 3, 4, 5, 6, 8)}


def _walk_example(sizes: Sequence[int]) -> Example:
    return Example.of(WALKS[sum(sizes)], rules=(LeftBlocks(tuple(sizes)),), a=tuple(sizes))


def _equal_blocks(example: Example, mutant: Mutant, moved: int = 0) -> Trial:
    """Of all R block sizes the equal ones are best; and R rounds pay (n/2)·log(πn/8R)."""
    n, R = example["n"], example["R_max"]
    equal = [n // R] * R
    equal[0], equal[-1] = equal[0] + moved, equal[-1] - moved
    value = formula("P6", "walk", {"a": tuple(equal)})
    others = [a for a in all_compositions(n) if len(a) == R]
    sides = [(formula("P6", "walk", {"a": a}, mutant), value) for a in others]
    return trial_of(example, Relation.LOWER, sides, counts=n > R)


def _scan(example: Example, mutant: Mutant) -> Trial:
    """KL of R equal blocks, by the formula that the other check compares with the law."""
    n, R = example["n"], example["R_max"]
    measured = formula("P6", "walk", {"a": (n // R,) * R})
    right = formula("P6", "scan", {"n": n, "R_max": R}, mutant)
    return trial_of(example, Relation.LOWER, [(measured, right)])


P6_CHECKS = (
    Check(
        "P6",
        "bisection on chains of order 1: q_π(x) = q_0(x) for every x",
        chains(1).map(lambda law: Example.of(exact_experiment(law), rules=(Halving(1),))),
        _bisected,
        edges={"a walk": Example.of(WALKS[6], rules=(Halving(1),))},
        mutants=(Mutant("halves from left to right", trial=_bisected_with(LeftBlocks((3, 3)))),),
        effort=0.5,
        rated=False,
    ),
    Check(
        "P6",
        "bisection on chains of order 2",
        chains(2).map(lambda law: Example.of(exact_experiment(law), rules=(Halving(2),))),
        _bisected,
        edges={"parity": Example.of(ORDER_TWO, rules=(Halving(2),))},
        mutants=(Mutant("separators of one token", trial=_bisected_with(Halving(1))),),
        effort=0.5,
        rated=False,
    ),
    Check(
        "P6",
        "rounds of bisection",
        st.integers(1, 5).flatmap(
            lambda m: st.integers(m, 200).map(lambda n: Example.of(n=n, m=m))
        ),
        _count_rounds,
        edges={"four tokens": Example.of(n=4, m=1), "three pairs": Example.of(n=8, m=2)},
        mutants=(Mutant("P6.constant × 0.99", {"P6.constant": Fraction(99, 100)}),),
        regime="rounds",
    ),
    Check(
        "P6",
        "rounds of bisection, order 1",
        st.integers(1, 300).map(lambda n: Example.of(n=n)),
        _count_rounds_of_one,
        mutants=(changed("n + 1 for n", n=lambda n: 2 * n),),
        effort=0.5,
        rated=False,
    ),
    Check(
        "P6",
        "blocks from left to right on a walk",
        st.sampled_from([a for n in (2, 3, 4, 5, 6) for a in all_compositions(n)]).map(
            _walk_example
        ),
        on_policies("P6", "walk"),
        edges={"eight tokens": _walk_example((3, 3, 2))},
        mutants=(
            changed("blocks in rising order", a=lambda a: (1, *a[1:], a[0] - 1) if a[0] > 1 else a),
        ),
        effort=0.4,
    ),
    Check(
        "P6",
        "equal blocks are best on a walk",
        lambda _: [
            Example.of(n=n, R_max=R) for n in (2, 4, 6, 8, 9) for R in range(1, n + 1) if n % R == 0
        ],
        _equal_blocks,
        mutants=(Mutant("one token moved", trial=partial(_equal_blocks, moved=1)),),
        rated=False,
    ),
    Check(
        "P6",
        "what a scan pays",
        lambda _: [
            Example.of(n=n, R_max=R) for R in (1, 2, 4) for n in (8, 16, 32, 64, 128) if n >= 4 * R
        ],
        _scan,
        mutants=(
            Mutant("P6.constant × 1.6", {"P6.constant": Fraction(8, 5)}),
            changed("half of the rounds", R_max=lambda R: Fraction(R, 2)),
        ),
        regime="scan",
        effort=0.5,
    ),
)


CHECKS = (*P5_CHECKS, *P6_CHECKS, *P7_CHECKS)
