"""Checks of L0–L7 and X1."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import torch
from flint import fmpq
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.clock import clock, grid
from sharprates.samplers.schedule import Schedule, step_law
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import Interval, as_fmpq, ball, interval
from sharprates.verification.checks.check import (
    Check,
    changed,
    exact,
    formula,
    on_instances,
    tightened,
    trial_of,
)
from sharprates.verification.checks.split_steps import first_order_in_steps, places
from sharprates.verification.checks.torch_runs import in_floats, near
from sharprates.verification.checks.trial import Evaluate, Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment, experiment_on_rows

Parameters = dict[str, int]
Members = dict[str, Parameters]


def of_family(text: str, parameters: Parameters) -> Callable[[Any], Example]:
    """A step law → an example on the family, with the parameters that its formula asks for."""
    target = families.family(text)
    return lambda w: Example(exact_experiment(target, steps=w), {"family": text, **parameters})


def family_examples(
    members: Members, leftover: bool = True, equal: bool = False
) -> st.SearchStrategy[Example]:
    """Members of a family with random step laws."""
    steps = some.equal_steps(8) if equal else some.step_laws(6, leftover)
    return st.one_of(*(steps.map(of_family(text, them)) for text, them in members.items()))


SMALL_FIRST = (Fraction(1, 4), Fraction(3, 4))

MORE_SYMBOLS = changed("S + 1 for S", S=lambda S: S + 1)
LEFTOVER_FORGOTTEN = changed("leftover forgotten", w=lambda w: [x / (sum(w) or 1) for x in w])
BACKWARDS = changed("the steps in reverse order", w=lambda w: w[::-1])

# --- at any length --------------------------------------------------------------------------------


def _long(claim_id: str, variant: str | None = None) -> Evaluate:
    """The closed forms of `samplers.families` against the formula, at any length."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        w = random_law(example["seed"], example["K"], example["left"])
        found = families.structured_tv(example["family"], w)
        values = {**example["_values"], "w": [ball(x) for x in w.weights.tolist()]}
        value = formula(claim_id, variant, values, mutant)
        measured = Interval.around(found.tv, found.error)
        return trial_of(example, Relation.EQUALITY, [(measured, value)], found.tv > 0)

    return trial


def random_law(seed: int, steps: int, left: float) -> StepLaw:
    """A step law with exponential weights, of which a share is left over."""
    rng = random.Random(seed)
    raw = [rng.expovariate(1) for _ in range(steps)]
    weights = torch.tensor([(1 - left) * x / sum(raw) for x in raw], dtype=torch.float64)
    return StepLaw.from_weights(weights)


def long_examples(members: Members, steps: int = 40) -> Callable[[int], Iterator[Example]]:
    """Long members of a family, each with and without leftover."""

    def examples(_: int) -> Iterator[Example]:
        for number, (text, values) in enumerate(members.items()):
            for left in (0.0, 0.01):
                yield Example.of(family=text, _values=values, K=steps, seed=number, left=left)

    return examples


PAIRS: Members = {f"pairs:{d}:{S}": {} for d, S in ((2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (5, 2))}
COPIES: Members = {f"copies:{d}:{S}": {} for d, S in ((2, 2), (3, 2), (4, 3), (5, 2))}
SHARED: Members = {
    f"shared-symbols:{d}:{b}": {"b": b} for d, b in ((2, 2), (3, 2), (2, 5), (3, 3), (4, 2))
}
CODES: Members = {
    f"mds:{d}:{k}:{S}": {"k": k} for d, k, S in ((3, 2, 2), (4, 2, 3), (3, 1, 2), (4, 3, 3))
}
PARITY: Members = {f"parity:{d}:{S}": {} for d, S in ((2, 2), (3, 2), (4, 2), (3, 3), (5, 2))}

GROUPS: Members = {
    f"groups:{d}:{g}": {"g": g} for d, g in ((2, 2), (3, 2), (4, 2), (3, 3), (4, 3), (5, 2))
}
SHUFFLES: Members = {f"permutations:{d}:{S}": {} for d, S in ((2, 2), (4, 2), (3, 3), (4, 4))}

# --- L5, X1: the first order ----------------------------------------------------------------------


def _split_steps(example: Example, mutant: Mutant) -> Trial:
    """A step law of which each step is split into r: lim TV/Σw² against the general formula."""
    it = exact(example.law)
    coarse = it.experiment.steps
    squares = sum(as_fmpq(x) ** 2 for x in coarse)
    values = {"d": it.d, "q0": list(it.pmf.values()), "P": it.P, "beta": places(it.d, coarse)}
    claimed = formula("L5", "steps", values, mutant)
    measured = first_order_in_steps(it, coarse) / squares
    return trial_of(example, Relation.EQUALITY, [(measured, claimed)])


def _first_order(example: Example, mutant: Mutant) -> Trial:
    """The limit by interpolation, and the computable form, against the formula."""
    it = exact(example.law)
    values = {"d": it.d, "q0": list(it.pmf.values()), "P": it.P}
    claimed = formula("L5", None, values, mutant)
    sides = [(first_order_in_steps(it), claimed), (it.first_order, claimed)]
    return trial_of(example, Relation.EQUALITY, sides)


def coarse_and_fine(refined: int, coarse_first: bool) -> list[float]:
    """200 steps of 1/400 and 10⁴ of 1/20000, each split in `refined`."""
    coarse = [1 / (400 * refined)] * (200 * refined)
    fine = [1 / (20000 * refined)] * (10000 * refined)
    return coarse + fine if coarse_first else fine + coarse


def _placed_steps(example: Example, mutant: Mutant, backwards: bool = False) -> Trial:
    """TV/Σw² of copies, d = 3, against the limit with β from the steps' places.

    The distance from the limit is at most d³ times the largest step: what three tokens in a step,
    two shared steps, and the place within a step can contribute.
    """
    d, S = 3, 2
    w = coarse_and_fine(example["split"], example["coarse"] == "first")
    squares = sum(x * x for x in w)
    law = StepLaw.from_weights(torch.tensor(w, dtype=torch.float64))
    measured = families.structured_tv(f"copies:{d}:{S}", law).tv / squares
    order = w[::-1] if backwards else w
    beta, t = [ball(0.0)] * (d - 1), 0.0
    for x in order:  # Bin(1, t) at 0 and 1
        beta = [beta[0] + x * x * (1 - t) / squares, beta[1] + x * x * t / squares]
        t += x
    it = exact(some.family_experiment(f"copies:{d}:{S}"))
    values = {"d": d, "q0": list(it.pmf.values()), "P": it.P, "beta": beta}
    claimed = interval(formula("L5", "steps", values, mutant))
    return near(example, measured, claimed.middle, d**3 * max(w))


def _c_says_something(example: Example, measured: Interval, bound: Interval) -> bool:
    """c ≤ C(d,2) always (E3); and q_0 has some dependence."""
    return bound.upper < math.comb(example.law.length, 2) and measured.upper > 0


MATCHINGS = experiment_on_rows(
    3,
    tuple(tuple(map(int, word)) for word in ["0122", "1012", "2101", "2210", "1221", "0000"]),
    (Fraction(1, 6),) * 6,
)
"""Disjoint perfect matchings of K₆: c = 5/3 at d = 4, S = 3."""

# --- L7 -------------------------------------------------------------------------------------------


def on_uniform_grid(rule: str, steps: int, horizon: float) -> StepLaw:
    """A rule on the constant-rate clock and the uniform grid down to 0."""
    chosen = clock("constant")
    return step_law(rule, chosen, grid("uniform", chosen, steps, horizon))


def extrapolated(values: list[float]) -> float:
    """The limit of values at K, 2K, 4K, … by Neville's scheme, as for an error in powers of 1/K.

    That of Euler has terms with log K from the second order on, so it gains less than ancestral.
    """
    column = values
    for order in range(1, len(values)):
        weight = 2.0**order
        column = [(weight * b - a) / (weight - 1) for a, b in itertools.pairwise(column)]
    return column[0]


ALPHABET = 10**7
"""Values of a shared symbol where the supremum over S is approached; it misses 1/b of it."""


def _limit(text: str, variant: str | None) -> Evaluate:
    """lim TV/h on the uniform grid, extrapolated from six grids, within 10⁻⁶ of the formula."""

    def trial(example: Example, mutant: Mutant) -> Trial:
        d, horizon = example["d"], example["T"]
        found = []
        for K in (example["coarsest"] * 2**j for j in range(6)):
            law = on_uniform_grid(example["rule"], K, float(horizon))
            found.append(families.structured_tv(text.format(d=d), law).tv * K / horizon)
        claimed = interval(formula("L7", variant, {"d": d, "T": horizon}, mutant)).middle
        return near(example, extrapolated(found), claimed, 1e-6 * claimed)

    return trial


def _grids(*lengths: int) -> Callable[[int], list[Example]]:
    def examples(_: int) -> list[Example]:
        return [
            Example.of(rule=rule, d=d, T=horizon, coarsest=256)
            for d in lengths
            for rule in ("ancestral", "euler")
            for horizon in (1, 3)
        ]

    return examples


def _data_form(example: Example, mutant: Mutant) -> Trial:
    """lim_T lim_h TV/h: steps have density 2t at t, Σw² = h/2, so β_n = 2(n+1)/(d(d−1))."""
    it = exact(example.law)
    d = it.d
    beta = [fmpq(2 * (n + 1), d * (d - 1)) for n in range(d - 1)]
    values = {"d": d, "q0": list(it.pmf.values()), "P": it.P, "beta": beta}
    measured = formula("L5", "steps", values) / 2
    given = {"entropy": it.entropies[-1], "last_entropy": it.h[-1]}
    return trial_of(
        example, Relation.UPPER, [(measured, formula("L7", "data", given, mutant))], measured > 0
    )


PARITY_GRIDS = st.builds(
    lambda text, K, T: some.family_experiment(
        text, grid=Schedule("ancestral", "constant", "uniform", K, Fraction(T))
    ),
    st.sampled_from(("parity:2:2", "parity:3:2", "parity:4:2", "parity:3:3")),
    st.integers(1, 8),
    st.integers(1, 4),
)

CHECKS = (
    Check(
        "L0",
        "any law, any denoiser, steps with leftover",
        some.instances(steps=st.one_of(some.random_steps(), some.mostly_left()), erring=True),
        mutants=(tightened("L0"),),
    ),
    Check(
        "L0",
        "every clock, grid and rule",
        some.float_experiments(
            time_free=True,
            max_length=4,
            plans=some.schedules().map(
                lambda it: replace(it, last_step="leave", delta=max(it.delta, 0.125))
            ),
        ),
        in_floats("L0"),
        method=Method.TESTED,
        mutants=(tightened("L0"),),
    ),
    Check(
        "L1",
        "pairs, any step law",
        family_examples(PAIRS),
        mutants=(MORE_SYMBOLS, LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L1",
        "pairs: the bound for every step law",
        family_examples(PAIRS),
        on_instances("L1", "every-law"),
        mutants=(
            Mutant("L1.constant × 1.01", {"L1.constant": Fraction(101, 100)}),
            changed("K − 1 for K", K=lambda K: max(1, K - 1)),
        ),
    ),
    Check(
        "L1",
        "pairs up to d = 4096",
        long_examples(
            {f"pairs:{d}:{S}": {"d": d, "S": S} for d, S in ((64, 2), (65, 50257), (4096, 7))}
        ),
        _long("L1"),
        method=Method.TESTED,
        mutants=(MORE_SYMBOLS, LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L2",
        "copies, any step law",
        family_examples(COPIES),
        edges={"a small step first": of_family("copies:3:2", {})(SMALL_FIRST)},
        mutants=(MORE_SYMBOLS, BACKWARDS),
    ),
    Check(
        "L2",
        "copies up to d = 1024",
        long_examples(
            {f"copies:{d}:{S}": {"d": d, "S": S} for d, S in ((64, 2), (65, 97), (1024, 3))}
        ),
        _long("L2"),
        method=Method.TESTED,
        mutants=(BACKWARDS,),
    ),
    Check(
        "L3",
        "shared symbols, any step law",
        family_examples(SHARED),
        mutants=(changed("b + 1 for b", b=lambda b: b + 1), LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L3",
        "shared symbols: the closed form at equal steps",
        family_examples(SHARED, equal=True),
        on_instances("L3", "equal-steps"),
        mutants=(changed("K + 1 for K", K=lambda K: K + 1),),
    ),
    Check(
        "L3",
        "shared symbols: the bound for every step law",
        family_examples(SHARED),
        on_instances("L3", "every-law"),
        mutants=(Mutant("L3.constant × 1.01", {"L3.constant": Fraction(101, 100)}),),
    ),
    Check(
        "L3",
        "shared symbols up to d = 64",
        long_examples(
            {
                f"shared-symbols:{d}:{b}": {"d": d, "b": b}
                for d, b in ((8, 2), (16, 3), (64, 2), (64, 100))
            }
        ),
        _long("L3"),
        method=Method.TESTED,
        mutants=(LEFTOVER_FORGOTTEN,),
    ),
    Check(
        "L4",
        "MDS codes, any step law",
        family_examples(CODES),
        mutants=(MORE_SYMBOLS, BACKWARDS),
    ),
    Check(
        "L4",
        "parity, any step law without leftover",
        family_examples(PARITY, leftover=False),
        on_instances("L4", "parity"),
        edges={"a small step first": of_family("parity:3:2", {})(SMALL_FIRST)},
        mutants=(MORE_SYMBOLS, BACKWARDS),
    ),
    Check(
        "L4",
        "MDS codes up to d = 64",
        long_examples(
            {
                f"mds:{d}:{k}:{S}": {"d": d, "k": k, "S": S}
                for d, k, S in ((16, 8, 17), (32, 31, 2), (64, 16, 67))
            },
            steps=24,
        ),
        _long("L4"),
        method=Method.TESTED,
        mutants=(BACKWARDS,),
    ),
    Check(
        "L5",
        "c as the coefficient of 1/K of the exact law, and its computable form",
        some.laws(min_length=2),
        _first_order,
        mutants=(
            changed(
                "the two tokens always come first",
                P=lambda P: {a: P[tuple(sorted(a, reverse=True))] for a in P},
            ),
        ),
    ),
    Check(
        "L5",
        "any law, each step of any step law split ever finer: the coefficient of 1/r",
        some.instances(some.laws(min_length=2), some.step_laws(3, leftover=False).filter(all)),
        _split_steps,
        edges={"a small step first": of_family("copies:3:2", {})(SMALL_FIRST)},
        mutants=(changed("the steps in reverse order", beta=lambda beta: beta[::-1]),),
        rated=False,
    ),
    Check(
        "L5",
        "copies, d = 3: coarse steps first or last, K up to 81600",
        lambda _: [
            Example.of(coarse=place, split=split) for split in (1, 8) for place in ("first", "last")
        ],
        _placed_steps,
        method=Method.TESTED,
        mutants=(
            Mutant("the steps in reverse order", trial=partial(_placed_steps, backwards=True)),
        ),
        rated=False,
    ),
    Check(
        "L6",
        "(a) groups of shared symbols, any step law",
        family_examples(GROUPS),
        mutants=(changed("b = 2, g + 1 tokens", g=lambda g: g + 1), LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L6",
        "(a) the bound for every step law",
        family_examples(GROUPS),
        on_instances("L6", "every-law"),
        mutants=(
            Mutant("L6.constant × 1.01", {"L6.constant": Fraction(101, 100)}),
            Mutant("L6.half × 1.01", {"L6.half": Fraction(101, 100)}),
        ),
    ),
    Check(
        "L6",
        "(b) permutations, any step law",
        family_examples(SHUFFLES),
        on_instances("L6", "permutations"),
        edges={"a small step first": of_family("permutations:3:3", {})(SMALL_FIRST)},
        mutants=(BACKWARDS, LEFTOVER_FORGOTTEN),
    ),
    Check(
        "L6",
        "(b) permutations: c(q_0)",
        lambda _: [some.family_experiment(text) for text in SHUFFLES],
        on_instances("L6", "permutations-limit", first_order_in_steps, relation=Relation.EQUALITY),
        mutants=(MORE_SYMBOLS,),
    ),
    Check(
        "L6",
        "groups and permutations up to d = 1024",
        long_examples(
            {f"groups:{d}:{g}": {"d": d, "g": g} for d, g in ((64, 2), (65, 8), (1024, 16))}
        ),
        _long("L6"),
        method=Method.TESTED,
        mutants=(LEFTOVER_FORGOTTEN,),
    ),
    Check(
        "L6",
        "permutations up to S = 64",
        long_examples(
            {f"permutations:{d}:{S}": {"d": d, "S": S} for d, S in ((64, 2), (64, 16), (128, 64))}
        ),
        _long("L6", "permutations"),
        method=Method.TESTED,
        mutants=(BACKWARDS,),
    ),
    Check(
        "L7",
        "parity, ancestral steps, any K",
        PARITY_GRIDS,
        on_instances("L7", "parity"),
        mutants=(MORE_SYMBOLS, changed("d + 1 for d", d=lambda d: d + 1)),
        effort=0.5,
    ),
    Check(
        "L7",
        "parity, S = 2, d = 3, 6, extrapolated in h",
        _grids(3, 6),
        _limit("parity:{d}:2", "binary"),
        method=Method.TESTED,
        mutants=(changed("T + 1 for T", T=lambda T: T + 1),),
        rated=False,
    ),
    Check(
        "L7",
        "the supremum: shared symbols of 10⁷ values, d = 3, 6, extrapolated in h",
        _grids(3, 6),
        _limit(f"shared-symbols:{{d}}:{ALPHABET}", None),
        method=Method.TESTED,
        mutants=(changed("T + 1 for T", T=lambda T: T + 1),),
        rated=False,
    ),
    Check(
        "L7",
        "the data form for large T",
        some.laws(min_length=2),
        _data_form,
        mutants=(Mutant("half of the bound", {"L7.constant": Fraction(1, 2)}),),
        regime="data form",
    ),
    Check(
        "X1",
        "c(q_0) of laws on three symbols",
        st.one_of(some.sparse_laws(2, 4, 3), some.dense_laws(2, 3, 3)).filter(
            lambda law: law.vocabulary == 3
        ),
        on_instances("X1", counts=_c_says_something),
        edges={
            "permutations": some.family_experiment("permutations:3:3"),
            "matchings": MATCHINGS,
            "four symbols": some.family_experiment("permutations:4:4"),
        },
        mutants=(tightened("X1"),),
        effort=2,
        hunts=True,
    ),
)
