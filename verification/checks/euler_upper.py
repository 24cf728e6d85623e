"""Checks of E1–E11."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache, partial
from math import comb
from typing import Any

from flint import arb, fmpq, fmpz, fmpz_poly
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.structured import groups_tv, permutations_tv
from sharprates.samplers.target import Target
from sharprates.theory.claim import Relation
from sharprates.theory.functions import (
    binomial_law,
    equal_steps_rank_excess,
    equal_steps_rank_remainder,
)
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import BALL, Interval, as_fmpq, ball, power
from sharprates.verification.checks.check import (
    LEFTOVER,
    LEFTOVER_FORGOTTEN,
    Check,
    Trend,
    changed,
    exact,
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
from sharprates.verification.exact_law import Context, with_symbol
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.exact import ExactQuantities


def halves(name: str, claim_id: str) -> Mutant:
    """Half of the bound, where it is not attained."""
    return Mutant(f"{name} × 0.5", {f"{claim_id}.constant": Fraction(1, 2)})


# --- E1, E2 ---------------------------------------------------------------------------------------


def _kernel(it: ExactQuantities, context: Context, reveal: Any, joint: bool) -> dict[Context, Any]:
    """One step from a partial state: tokens revealed independently, values jointly or not."""
    S = it.S
    hidden = [i for i, x in enumerate(context) if x == S]
    law: dict[Context, Any] = {}
    for size in range(len(hidden) + 1):
        for block in itertools.combinations(hidden, size):
            chance = power(reveal, size) * power(1 - reveal, len(hidden) - size)
            for symbols in itertools.product(range(S), repeat=size):
                after = context
                value = fmpq(1)
                for i, a in zip(block, symbols, strict=True):
                    after = with_symbol(after, i, a)
                    if not joint:
                        value *= it.predict(context, i)[a]
                if joint:
                    value = it.marginal.get(after, fmpq(0)) / it.marginal[context]
                law[after] = chance * value
    return law


def _kernels(example: Example, mutant: Mutant, joint: bool = False) -> Trial:
    """TV against the sum over steps of the distances of whole kernels, and that against E1."""
    it = exact(example.law)
    d = it.d
    total = 1 - power(it.path[0]["masked"], d)
    for step in it.path:
        for context, mass in it.marginal.items():
            u = it.revealed(context)
            weight = mass * power(1 - step["masked"], u) * power(step["masked"], d - u)
            ours = _kernel(it, context, step["r"], joint)
            theirs = _kernel(it, context, step["rho"], joint=True)
            gap = sum((abs(ours[state] - theirs[state]) for state in ours), fmpq(0))
            total = total + weight * gap / 2
    values = it.values(claim_of("E1").symbols())
    sides = [(it.tv, total), (total, formula("E1", None, values, mutant))]
    return trial_of(example, Relation.UPPER, sides)


def _dropped(term: str) -> Mutant:
    return changed(f"without the {term} term", **{f"E1_{term}": lambda _: 0})


E1_GRIDS = some.grids(max_steps=6, clocks=("linear", "constant", "polynomial:2"))


def _euler(clock: str, steps: int, horizon: Fraction | int) -> Schedule:
    return Schedule("euler", clock, "uniform", steps, Fraction(horizon))


E1_EDGES = {
    "masks left at the start alone": some.family_experiment(
        "point-mass:2:2", grid=_euler("linear", 1, Fraction(1, 2))
    ),
    "one token that errs": some.family_experiment(
        "point-mass:1:2", grid=_euler("linear", 1, 1), predictions=some.errs_by(Fraction(1, 2))
    ),
    "Euler lags": some.family_experiment("point-mass:1:2", grid=_euler("constant", 2, 2)),
    "copies in two steps": some.family_experiment("copies:2:2", grid=_euler("linear", 2, 1)),
}
"""One edge for each term: without it the bound fails there."""

E2_EDGES = {
    "one token that errs, many steps": some.family_experiment(
        "point-mass:1:2",
        grid=_euler("constant", 500, 7),
        predictions=some.errs_by(Fraction(98, 100)),
    ),
}


@st.composite
def _fine_grids(draw: st.DrawFn) -> Schedule:
    """Euler on the constant-rate clock with enough steps for E2 to say something."""
    horizon = Fraction(draw(st.integers(2, 10)), 2)
    return Schedule(
        "euler",
        "constant",
        "uniform",
        draw(st.integers(8, 40)),
        horizon,
        last_step="fill" if draw(st.booleans()) else "leave",
    )


EULER_SCHEDULES = some.schedules(
    max_steps=140, clocks=("constant",), grid_names=("uniform",), rules=("euler",)
).map(lambda it: replace(it, steps=it.steps + 60, horizon=5.0, delta=0.0))


# --- E3 and E7 beyond enumeration -----------------------------------------------------------------


def rising(steps: int) -> list[float]:
    """Step k has a weight in proportion to k = 1..K; a hundredth is left over."""
    return [0.99 * 2 * k / (steps * (steps + 1)) for k in range(1, steps + 1)]


def _shared(example: Example, mutant: Mutant) -> Trial:
    """L3's law by the recursion over steps, at any length, against E3."""
    d, b = example["d"], example["b"]
    law = StepLaw.from_weights(_tensor(rising(example["K"])))
    found = groups_tv(law, d, d, b).tv
    values = {"d": d, "w": [ball(x) for x in law.weights.tolist()], "epsilon_w": 0}
    side = (Interval.around(found, 1e-10 * found), formula("E3", None, values, mutant))
    return trial_of(example, Relation.UPPER, [side], counts=True)


def _tensor(values: list[float]) -> Any:
    import torch

    return torch.tensor(values, dtype=torch.float64)


def _growing_alphabets(count: int) -> Iterator[Example]:
    """K = 2d², for bounds of about ½ at any length."""
    for d in (3, 4, 8, 16, 64)[: max(3, min(5, count // 20 + 3))]:
        for b in (2, 8, 32, 128, 512):
            yield Example.of(d=d, b=b, K=2 * d * d)


def _pair_alphabets(_: int) -> Iterator[Example]:
    """d = 2: copies of one of b symbols, K = 2."""
    for b in (2, 4, 16, 64, 128, 200):
        yield Example(_copies_in_two_steps(b), {"b": b})


def _copies_in_two_steps(b: int) -> Experiment:
    return some.family_experiment(f"copies:2:{b}", steps=(Fraction(1, 2),) * 2)


def _shared_enumerated(_: int) -> Iterator[Example]:
    """d = 4 and 3 by enumeration of the support, b growing, a random w with leftover for each d."""
    rng = random.Random(0)
    for d, sizes in ((4, (2, 3)), (3, (2, 4, 6, 8))):
        raw = [rng.randint(1, 9) for _ in range(6)]
        w = tuple(Fraction(x, sum(raw) + 1) for x in raw)
        for b in sizes:
            law = families.family(f"shared-symbols:{d}:{b}")
            yield Example(exact_experiment(law, steps=w), {"b": b})


# --- E6 -------------------------------------------------------------------------------------------


def _collide(d: int, w: tuple[Fraction, ...]) -> fmpq:
    """P(two of d tokens share a step, or one is never revealed), by listing all choices."""
    distinct = sum((math.prod(choice) for choice in itertools.permutations(w, d)), Fraction(0))
    return fmpq(1) - as_fmpq(distinct)


def _equal_steps_are_best(example: Example, mutant: Mutant) -> Trial:
    d, w = example["d"], example["w"]
    bound = formula("E6", None, {"d": d, "K": len(w)}, mutant)
    return trial_of(example, Relation.LOWER, [(_collide(d, w), bound)])


def _transfer(example: Example, _: Mutant, opposite: bool = False) -> Trial:
    """Schur-convexity: moving weight from the larger of two steps to the smaller never hurts."""
    d, w = example["d"], sorted(example["w"])
    moved = (w[-1] - w[0]) * example["share"] / 2
    after = (w[0] + moved, *w[1:-1], w[-1] - moved) if len(w) > 1 else tuple(w)
    before = _collide(d, tuple(w))
    sides = [(_collide(d, after), before)]
    if opposite:
        sides = [(right, left) for left, right in sides]
    return trial_of(example, Relation.UPPER, sides, counts=moved > 0 and before < 1)


STEPS_AND_LENGTH = st.builds(
    Example.of,
    d=st.integers(1, 4),
    w=some.step_laws(6),
    share=st.sampled_from((Fraction(1), Fraction(1, 2), Fraction(1, 10))),
)


# --- E7 -------------------------------------------------------------------------------------------


def rank_distance(d: int, K: int) -> fmpq:
    """TV(N, Unif) for equal steps, exactly: n_m = C(d−1, m) Σ_{k<K} k^m (K−k)^{d−1−m} / K^d.

    k ↔ K − k turns m into d − 1 − m, but for k = 0, which counts at m = 0 alone.
    """
    scale = fmpz(K) ** d
    falling = [series[K] for series in _power_sums(d, max(K, 10 * d))]
    sums = falling + falling[: d // 2][::-1]  # of m = d − 1, …, 0
    if d > 1:
        sums[-1] += d * fmpz(K) ** (d - 1)
    return fmpq(sum((abs(value - scale) for value in sums), fmpz(0)), 2 * d * scale)


@lru_cache(maxsize=4)
def _power_sums(d: int, most: int) -> list[fmpz_poly]:
    """d C(d−1, m) Σ_{k<K} k^m (K−k)^{d−1−m} for m = d−1, …, ⌊d/2⌋, as the coefficient of y^K.

    All K ≤ `most` at once: a product of the series Σ k^m y^k and Σ_{k>0} k^{d−1−m} y^k.
    """

    def powers(m: int, first: int) -> fmpz_poly:
        return fmpz_poly([0] * first + [k**m for k in range(first, most + 1)])

    return [
        d * comb(d - 1, m) * powers(m, 0).mul_low(powers(d - 1 - m, 1), most + 1)
        for m in range(d - 1, d // 2 - 1, -1)
    ]


def _rank_distance(example: Example, mutant: Mutant) -> Trial:
    d, K = example["d"], example["K"]
    bound = formula("E7", "rank-distance", {"d": d, "K": K}, mutant)
    return trial_of(example, Relation.UPPER, [(rank_distance(d, K), bound)], counts=d > 1)


def _lengths_and_steps(count: int) -> Iterator[Example]:
    """All d ≤ 64, K ≤ 10 d; in a run of few examples three K for those above 24."""
    for d in range(1, 65):
        every = d <= 24 or count >= 60
        for K in range(d, 10 * d + 1) if every else (d, 3 * d, 10 * d):
            yield Example.of(d=d, K=K)


TERMS = 40
"""Terms of the Euler–Maclaurin sum that are taken one by one."""


def rank_distance_ball(d: int, K: int) -> Any:
    """TV(N, Unif) at any length, as a ball: `TERMS` Euler–Maclaurin terms, a bound on the others.

    That these terms are n − 1/d, and the bound on the others, are proved in `theory.proofs`.
    """
    excess = equal_steps_rank_excess(BALL, d, K, TERMS)
    rest = equal_steps_rank_remainder(BALL, d, K, TERMS)
    return sum((abs(value) for value in excess), arb(0)) / 2 + arb(0, rest.upper())


def _long_rays(example: Example, mutant: Mutant) -> Trial:
    d, K = example["d"], example["K"]
    bound = formula("E7", "rank-distance", {"d": d, "K": K}, mutant)
    return trial_of(example, Relation.UPPER, [(rank_distance_ball(d, K), bound)], counts=True)


def _rays(_: int) -> Iterator[Example]:
    for d in (64, 256, 1024, 4096):
        for times in (1, 2, 10, 100, 1000):
            yield Example.of(d=d, K=times * d)


def _permutations(example: Example, mutant: Mutant) -> Trial:
    """One group of S tokens with K = 64 S steps, by the recursion over steps."""
    S = example["S"]
    found = _one_permutation(S)
    values = {"d": S, "S": S, "K": 64 * S}
    side = (Interval.around(found, 1e-10 * found), formula("E7", "vocabulary", values, mutant))
    return trial_of(example, Relation.UPPER, [side], counts=True)


@cache
def _one_permutation(S: int) -> float:
    return permutations_tv(StepLaw.equal(64 * S), S, S).tv


def _equal_steps_forms(example: Example, mutant: Mutant) -> Trial:
    """TV(N, Unif) of equal steps: Euler–Maclaurin in the formula, definition here."""
    d, K, S = example["d"], example["K"], 2
    law = [BALL.rational(0)] * d
    for k in range(K):
        for m, value in enumerate(binomial_law(BALL, d - 1, BALL.rational(k, K))):
            law[m] = law[m] + value / K
    distance = sum((abs(value - arb(1) / d) for value in law), arb(0)) / 2
    measured = 1 - (-d * distance * arb(S).log()).exp()
    bound = formula("E5", "equal-steps-vocabulary", {"d": d, "K": K, "S": S}, mutant)
    return trial_of(example, Relation.EQUALITY, [(measured, bound)])


SMALL_SIZES = st.builds(Example.of, d=st.integers(1, 8), K=st.integers(1, 24))

# --- E11 ------------------------------------------------------------------------------------------


def _crowding(example: Example, mutant: Mutant) -> Trial:
    """π_2 by listing all choices of steps, against its bound, with c = 0 in E11."""
    d, K = example["d"], example["K"]
    choices = itertools.product(range(K), repeat=d)
    few = sum(len(set(choice)) <= d - 2 for choice in choices)
    values = {"d": d, "K": K, "first_order": fmpq(0)}
    crowded = fmpq(few, K**d)
    sides = [
        (crowded, formula("E11", "instance", values, mutant)),
        (crowded, formula("E11", "pairs", values, mutant)),
    ]
    return trial_of(example, Relation.UPPER, sides)


CROWDS = st.builds(Example.of, d=st.integers(2, 5), K=st.integers(1, 7))

# --- E8–E10 --------------------------------------------------------------------------------------

NEARLY_INDEPENDENT = exact_experiment(
    Target.from_rows([(0, 0), (0, 1), (1, 0), (1, 1)], [Fraction(x, 10) for x in (3, 2, 2, 3)], 2),
    steps=(Fraction(1),),
)
"""Small information, and TV of the order of its square root."""

BINARY_LAWS = st.one_of(
    some.sparse_laws(2, 5, 2),
    some.dense_laws(2, 3, 2),
    some.family_laws(2, 5, ("copies:2:2", "copies:4:2", "parity:3:2", "parity:5:2", "pairs:4:2")),
).filter(lambda law: law.vocabulary == 2)


def _c_below(example: Example, measured: Interval, bound: Interval) -> bool:
    """c(q_0) ≤ C(d,2) always; the bound counts below that, where q_0 has any dependence."""
    d = example.law.length
    return bound.upper < math.comb(d, 2) and measured.upper > 0


COMPLETE = some.instances(steps=some.step_laws(leftover=False))
WITH_LEFTOVER = some.instances(steps=st.one_of(some.random_steps(), some.mostly_left()))
MANY_STEPS = some.instances(
    targets=some.laws(min_length=2, max_length=4), steps=some.equal_steps(12)
).filter(lambda it: len(it.steps) >= it.length)

CHECKS = (
    Check(
        "E1",
        "exact TV on a clock against the five terms",
        some.on_grids(some.laws(max_length=3), E1_GRIDS, erring=True),
        edges=E1_EDGES,
        mutants=(
            tightened("E1"),
            _dropped("initialisation"),
            _dropped("score"),
            _dropped("clock"),
            _dropped("parallel"),
        ),
    ),
    Check(
        "E1",
        "exact TV against the distances of whole kernels, and these against the terms",
        some.on_grids(
            some.laws(max_length=2), some.grids(max_steps=3, clocks=("linear", "polynomial:2"))
        ),
        _kernels,
        edges=E1_EDGES,
        mutants=(
            Mutant("the sampler's kernel draws jointly", trial=partial(_kernels, joint=True)),
        ),
        effort=0.5,
    ),
    Check(
        "E1",
        "every clock, grid, rule, last step; denoisers that err, vary in time, are unnormalised",
        some.float_experiments(
            normalised=False,
            max_length=4,
            plans=some.schedules().map(lambda it: replace(it, steps=it.steps + 12)),
        ),
        in_floats("E1"),
        method=Method.TESTED,
        mutants=(halves("the bound", "E1"),),
        effort=0.5,
    ),
    Check(
        "E2",
        "exact TV of Euler on the uniform grid",
        some.on_grids(some.laws(max_length=2), _fine_grids(), erring=True),
        edges=E2_EDGES,
        mutants=(tightened("E2"), changed("without the error term", epsilon_1=lambda _: 0)),
        effort=0.5,
    ),
    Check(
        "E2",
        "exact TV of Euler on the uniform grid, exact denoiser",
        some.on_grids(some.laws(min_length=2, max_length=2), _fine_grids()),
        mutants=(Mutant("an eighth of the bound", {"E2.constant": Fraction(1, 8)}),),
        effort=0.5,
        regime="exact denoiser",
    ),
    Check(
        "E2",
        "larger laws, K up to 200",
        some.float_experiments(
            normalised=False, time_free=True, max_length=3, plans=EULER_SCHEDULES
        ),
        in_floats("E2"),
        method=Method.TESTED,
        mutants=(Mutant("a third of the bound", {"E2.constant": Fraction(1, 3)}),),
        effort=0.5,
    ),
    Check(
        "E3",
        "any law, any step law, a denoiser that may err",
        some.instances(targets=some.laws(max_length=3), steps=some.step_laws(8), erring=True),
        edges={**some.EDGES, "one token that errs": some.ONE_THAT_ERRS},
        mutants=(
            tightened("E3"),
            LEFTOVER_FORGOTTEN,
            changed("without the denoiser's error", epsilon_w=lambda _: 0),
        ),
        regime="leftover or an error allowed",
    ),
    Check(
        "E3",
        "without leftover: copies of one of b symbols, d = 2",
        _pair_alphabets,
        mutants=(tightened("E3"),),
        trend=Trend("copies, d = 2", "b"),
    ),
    Check(
        "E3",
        "L3's law by enumeration, d = 3, 4, random w with leftover",
        _shared_enumerated,
        mutants=(Mutant("E3.constant × 0.9", {"E3.constant": Fraction(9, 10)}),),
        trend=Trend("shared symbols, d = 3, enumerated", "b"),
    ),
    Check(
        "E3",
        "L3's law up to d = 64 by a recursion over steps, w_k ∝ k, 1/100 left over",
        _growing_alphabets,
        _shared,
        method=Method.TESTED,
        mutants=(tightened("E3"), LEFTOVER_FORGOTTEN),
        trend=Trend("shared symbols", "b"),
    ),
    Check(
        "E3",
        "every clock, grid, rule and last step, denoisers that err",
        some.float_experiments(
            time_free=True,
            max_length=4,
            plans=some.schedules().map(lambda it: replace(it, steps=it.steps + 8)),
        ),
        in_floats("E3"),
        method=Method.TESTED,
        mutants=(halves("the bound", "E3"),),
        regime="leftover or an error allowed",
    ),
    Check(
        "E3",
        "equal steps: the product and d(d−1)/(2K)",
        some.instances(steps=some.equal_steps(24)),
        forms("E3", "equal-steps", "linear"),
        edges={"copies": _copies_in_two_steps(64)},
        mutants=(changed("K + 1 for K", K=lambda K: K + 1),),
    ),
    Check(
        "E4",
        "any law, any step law without leftover",
        COMPLETE,
        edges=some.COMPLETE_EDGES,
        mutants=(tightened("E4"),),
    ),
    Check(
        "E4",
        "with leftover",
        WITH_LEFTOVER,
        edges=some.EDGES,
        mutants=(LEFTOVER_FORGOTTEN,),
        effort=0.5,
        regime=LEFTOVER,
    ),
    Check(
        "E5",
        "every form on any law, any step law without leftover",
        COMPLETE,
        forms("E5", None, "entropy", "information", "transport", "vocabulary"),
        edges=some.COMPLETE_EDGES,
        mutants=(
            tightened("E5"),
            changed("the information curve read backwards", h=lambda h: h[::-1]),
        ),
    ),
    Check(
        "E5",
        "every form with leftover",
        WITH_LEFTOVER,
        forms("E5", None, "entropy", "information", "transport", "vocabulary"),
        edges=some.EDGES,
        mutants=(LEFTOVER_FORGOTTEN,),
        effort=0.5,
        regime=LEFTOVER,
    ),
    Check(
        "E5",
        "equal steps, K ≥ d",
        MANY_STEPS,
        forms(
            "E5", None, "entropy", "information", "equal-steps-entropy", "equal-steps-information"
        ),
        mutants=(halves("the bound", "E5"),),
        regime="equal steps, K ≥ d",
    ),
    Check(
        "E5",
        "its value at equal steps: Euler–Maclaurin against the definition",
        SMALL_SIZES,
        _equal_steps_forms,
        mutants=(changed("K + 1 for K", K=lambda K: K + 1),),
    ),
    Check(
        "E5",
        "every clock, grid, rule and last step, larger laws",
        some.float_experiments(exact_only=True),
        in_floats("E5"),
        method=Method.TESTED,
        mutants=(halves("the bound", "E5"),),
        regime=LEFTOVER,
    ),
    Check(
        "E6",
        "any step law against equal steps",
        st.builds(
            Example.of, d=st.integers(1, 4), w=some.step_laws(6).filter(lambda w: len(w) > 1)
        ),
        _equal_steps_are_best,
        edges={"equal steps": Example.of(d=3, w=(Fraction(1, 4),) * 4)},
        mutants=(tightened("E6"),),
    ),
    Check(
        "E6",
        "Schur-convexity: a transfer towards equal steps never hurts",
        STEPS_AND_LENGTH.filter(lambda it: len(set(it["w"])) > 1 and 1 < it["d"] < 4),
        _transfer,
        mutants=(Mutant("the opposite order", trial=partial(_transfer, opposite=True)),),
        rated=False,
    ),
    Check(
        "E7",
        "every form on any law, K ≥ d",
        MANY_STEPS,
        forms("E7", None, "vocabulary", "information"),
        mutants=(Mutant("a third of the bound", {"E7.constant": Fraction(1, 3)}),),
    ),
    Check(
        "E7",
        "the closed form against the exact TV(N, Unif), d ≤ 64, K ≤ 10 d",
        _lengths_and_steps,
        _rank_distance,
        mutants=(
            Mutant("without the correction", {"E7.correction": Fraction(0)}),
            Mutant("E7.constant × 0.98", {"E7.constant": Fraction(98, 100)}),
        ),
        regime="TV(N, Unif)",
    ),
    Check(
        "E7",
        "the closed form along rays up to d = 4096, K = 1000 d",
        _rays,
        _long_rays,
        mutants=(tightened("E7"),),
        regime="TV(N, Unif)",
        trend=Trend("TV(N, Unif), d = 4096", "K"),
    ),
    Check(
        "E7",
        "permutations: log S is the right factor as S grows",
        lambda count: [Example.of(S=2**k) for k in (1, 2, 3, 4, 5, 6, 7, 8)[: 4 + count // 15]],
        _permutations,
        method=Method.TESTED,
        mutants=(Mutant("0.8 of the bound", {"E7.constant": Fraction(4, 5)}),),
        trend=Trend("permutations, d = S, K = 64 d", "S"),
    ),
    Check(
        "E7",
        "larger laws",
        some.float_experiments(
            exact_only=True,
            plans=some.schedules(
                clocks=("linear",), grid_names=("uniform",), rules=("ancestral",)
            ).map(lambda it: replace(it, steps=it.steps + 6, horizon=None, delta=0.0)),
        ),
        in_floats("E7"),
        method=Method.TESTED,
        mutants=(Mutant("a third of the bound", {"E7.constant": Fraction(1, 3)}),),
    ),
    Check(
        "E8",
        "every form on any law, any step law without leftover",
        COMPLETE.filter(some.two_symbols),
        forms("E8", None, "coarse", "fine", "step-size", "vocabulary"),
        edges={
            **{name: it for name, it in some.COMPLETE_EDGES.items() if some.two_symbols(it)},
            "nearly independent": NEARLY_INDEPENDENT,
            "shared symbols": some.family_experiment("shared-symbols:3:2", steps=(Fraction(1),)),
        },
        mutants=(
            Mutant("0.7 of the bound", {"E8.constant": Fraction(7, 10)}),
            Mutant("without the root", {"E8.root": Fraction(0)}),
        ),
        hunts=True,
    ),
    Check(
        "E8",
        "equal steps, K ≥ d",
        MANY_STEPS.filter(some.two_symbols),
        forms("E8", None, "coarse", "fine"),
        mutants=(Mutant("0.3 of the bound", {"E8.constant": Fraction(3, 10)}),),
        effort=0.5,
        regime="equal steps, K ≥ d",
    ),
    Check(
        "E8",
        "every form with leftover",
        WITH_LEFTOVER.filter(some.two_symbols),
        forms("E8", None, "coarse", "fine"),
        edges={name: it for name, it in some.EDGES.items() if some.two_symbols(it)},
        mutants=(tightened("E8"), LEFTOVER_FORGOTTEN),
        effort=0.5,
        regime=LEFTOVER,
    ),
    Check(
        "E8",
        "every clock, grid, rule and last step, larger laws",
        some.float_experiments(exact_only=True),
        in_floats("E8"),
        method=Method.TESTED,
        mutants=(Mutant("a third of the bound", {"E8.constant": Fraction(1, 3)}),),
        regime=LEFTOVER,
    ),
    Check(
        "E9",
        "c(q_0) of laws on two symbols",
        BINARY_LAWS,
        on_instances("E9", counts=_c_below),
        edges={
            name: some.family_experiment(text)
            for name, text in (("copies", "copies:3:2"), ("parity", "parity:4:2"))
        },
        mutants=(tightened("E9"),),
        effort=2,
        hunts=True,
    ),
    Check(
        "E10",
        "c(q_0) of laws on any number of symbols",
        some.laws(min_length=2, max_length=4),
        on_instances("E10", counts=_c_below),
        edges={
            text: some.family_experiment(text)
            for text in ("copies:2:3", "shared-symbols:3:2", "shared-symbols:4:2")
        },
        mutants=(tightened("E10"), changed("S − 1 for S", S=lambda S: S - (S > 1))),
        hunts=True,
    ),
    Check(
        "E11",
        "laws on two symbols, every number of steps",
        some.instances(BINARY_LAWS, some.equal_steps(40)),
        edges={
            "copies, 200 steps": some.family_experiment(
                "copies:2:2", steps=(Fraction(1, 200),) * 200
            ),
            "parity": some.family_experiment("parity:3:2", steps=(Fraction(1, 12),) * 12),
        },
        mutants=(tightened("E11"), changed("two steps more", K=lambda K: K + 2)),
    ),
    Check(
        "E11",
        "laws on two symbols, K ≥ d",
        some.instances(BINARY_LAWS, some.equal_steps(40)).filter(
            lambda it: len(it.steps) >= it.length
        ),
        mutants=(Mutant("half of the bound", {"E11.constant": Fraction(1, 2)}),),
        effort=0.5,
        regime="K ≥ d",
    ),
    Check(
        "E11",
        "c(q_0) of the law itself, v_S and log S; any number of symbols",
        some.instances(some.laws(min_length=2), some.equal_steps(24)).filter(some.two_symbols),
        forms("E11", "instance", "pairs", "vocabulary", "symbols"),
        edges={"copies": _copies_in_two_steps(3)},
        mutants=(tightened("E11"), changed("c forgotten", first_order=lambda _: 0)),
    ),
    Check(
        "E11",
        "P(at most d − 2 distinct steps), all choices listed",
        CROWDS,
        _crowding,
        mutants=(tightened("E11"), changed("one step more", K=lambda K: K + 1)),
        effort=0.5,
        regime="π_2",
    ),
    Check(
        "E11",
        "copies: d/(4K) is the right first order",
        lambda _: [
            Example(some.family_experiment("copies:3:2", steps=(Fraction(1, K),) * K), {"K": K})
            for K in (8, 32, 128, 512)
        ],
        mutants=(Mutant("0.95 of the bound", {"E11.constant": Fraction(95, 100)}),),
        trend=Trend("copies, d = 3", "K"),
        effort=0.2,
    ),
)
