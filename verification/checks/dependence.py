"""Checks of U1–U4: steps by all pairs of nested sets, grids in the limit, blocks by all orders."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial

import numpy as np
import torch
from flint import arb, fmpq
from hypothesis import strategies as st
from scipy.integrate import quad
from sharprates.samplers import families
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import on_rows
from sharprates.samplers.expansion import tables
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import FLOAT, Number
from sharprates.theory.block_sizes import dtc_blocks, shrinking_blocks, tc_blocks
from sharprates.theory.claim import Relation
from sharprates.theory.functions import BlockDivergence, all_compositions, binomial_law
from sharprates.theory.growth import Growth, GrowthRate, GrowthSum, InnerGrowth
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import BALL, RATIONAL, as_fmpq, interval
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
from sharprates.verification.checks.split_steps import first_order_in_steps, growth_in_steps, places
from sharprates.verification.checks.torch_runs import near
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment, experiment_on_rows
from sharprates.verification.exact_information import entropy_of
from sharprates.verification.exact_law import Composition
from sharprates.verification.planning.growth_grid import least_growth_grid
from sharprates.verification.profile import profile
from sharprates.verification.quantities.exact import ExactQuantities

HALF = Fraction(1, 2)

# --- U1 and U4: one step --------------------------------------------------------------------------


@st.composite
def _steps(draw: st.DrawFn, inner: bool = False, most: int = 4) -> Example:
    """A law and reveal probabilities before and after a step, p < q; 0 < p, q < 1 if inner."""
    law = draw(some.dependent_laws(most))
    ends = draw(st.lists(some.ALPHAS, min_size=2, max_size=2, unique=True))
    p, q = sorted(ends)
    if inner:
        p, q = p + Fraction(1 - p, 16), q - Fraction(q, 16)
    return Example.of(exact_experiment(law), start=min(p, q), stop=max(p, q))


def nested(d: int, p: Number, q: Number) -> Iterator[tuple[set[int], set[int], Number]]:
    """Sets R_p ⊆ R_q of 0..d−1 and their probability, each token for itself."""
    shares = (p, q - p, 1 - q)
    for kinds in itertools.product(range(3), repeat=d):
        weight = math.prod((shares[kind] for kind in kinds), start=fmpq(1))
        if weight != 0:
            inner = {i for i, kind in enumerate(kinds) if kind == 0}
            yield inner, inner | {i for i, kind in enumerate(kinds) if kind == 1}, weight


def _set_entropies(it: ExactQuantities) -> dict[frozenset[int], Number]:
    """H(X_U) of every set U."""
    laws: dict[frozenset[int], list[Number]] = {}
    for context, mass in it.marginal.items():
        shown = frozenset(i for i, x in enumerate(context) if x != it.S)
        laws.setdefault(shown, []).append(mass)
    return {shown: entropy_of(masses) for shown, masses in laws.items()}


def step_divergence(it: ExactQuantities, p: Number, q: Number) -> Number:
    """E TC(X_B|X_U), U = R_p and B = R_q minus it, over all pairs of sets."""
    H, total = _set_entropies(it), arb(0)
    for shown, after, weight in nested(it.d, p, q):
        single = sum((H[frozenset(shown | {i})] for i in after - shown), arb(0))
        open_entropy = (len(after) - len(shown) - 1) * H[frozenset(shown)]
        total = total + weight * (single - open_entropy - H[frozenset(after)])
    return total


def _ends(example: Example) -> tuple[Number, Number]:
    return as_fmpq(example["start"]), as_fmpq(example["stop"])


def _step(example: Example, mutant: Mutant, variant: str | None, claim: str = "U1") -> Trial:
    """One step, all pairs of nested sets, against a form of U1 or U4."""
    it = exact(example.law)
    p, q = _ends(example)
    right = formula(claim, variant, {"start": p, "stop": q, "h": it.h}, mutant)
    relation = Relation.EQUALITY if variant is None else Relation.UPPER
    return trial_of(example, relation, [(step_divergence(it, p, q), right)], _dependent(it))


def _dependent(it: ExactQuantities) -> bool:
    return bool(it.I_bar > 0)


def _whole(example: Example, mutant: Mutant) -> Trial:
    """TC from entropies of tokens and of all of them, against Γ(0, 1)."""
    it = exact(example.law)
    H = _set_entropies(it)
    total = sum((H[frozenset([i])] for i in range(it.d)), arb(0)) - H[frozenset(range(it.d))]
    sides = [(total, formula("U1", "whole", {"h": it.h}, mutant))]
    return trial_of(example, Relation.EQUALITY, sides, _dependent(it))


def _inner(example: Example, mutant: Mutant) -> Trial:
    it = exact(example.law)
    left = InnerGrowth.compute(BALL, arb(0), arb(1), it.h)
    tc, dtc = correlations(it)
    right = formula("U1", "inner", {"tc": tc, "dtc": dtc}, mutant)
    return trial_of(example, Relation.UPPER, [(left, right)], _dependent(it))


def _all_steps(example: Example, mutant: Mutant) -> Trial:
    """The steps of a step law one by one, and their Γ, against Σ(d·n_m − 1)h_m."""
    it = exact(example.law)
    right = formula("U1", "steps", it.values(("d", "w", "h")), mutant)
    times = list(itertools.accumulate(it.w, initial=fmpq(0)))
    left = sum((step_divergence(it, p, q) for p, q in itertools.pairwise(times)), arb(0))
    sides = [(left, right), (GrowthSum.compute(BALL, list(map(arb, it.w)), it.h), right)]
    return trial_of(example, Relation.EQUALITY, sides, _dependent(it))


def _without_the_root(example: Example, _: Mutant) -> Trial:
    """TV ≤ 1 − exp(−ΣΓ), which is false."""
    it = exact(example.law)
    total = GrowthSum.compute(BALL, list(map(arb, it.w)), it.h)
    return trial_of(example, Relation.UPPER, [(it.tv, -(-total).expm1())])


def _predictions(example: Example, mutant: Mutant) -> Trial:
    """Σ_i E KL(μ_i(·|X_{R_q})‖μ_i(·|X_{R_p})), all pairs of sets, against g(q) − g(p)."""
    it = exact(example.law)
    p, q = _ends(example)
    total = arb(0)
    for i in range(it.d):
        others = [j for j in range(it.d) if j != i]
        for shown, after, weight in nested(len(others), p, q):
            few, many = ({others[j] for j in some_of} for some_of in (shown, after))
            for context, mass in it.marginal.items():
                if {j for j, x in enumerate(context) if x != it.S} != many:
                    continue
                less = tuple(x if j in few else it.S for j, x in enumerate(context))
                pairs = zip(it.conditional(context, i), it.conditional(less, i), strict=True)
                for late, early in pairs:
                    if late not in (0, early):
                        total = total + arb(weight * mass * late) * arb(late / early).log()
    right = formula("U4", None, {"start": p, "stop": q, "h": it.h}, mutant)
    return trial_of(example, Relation.EQUALITY, [(total, right)], _dependent(it))


# --- U2: many steps -------------------------------------------------------------------------------

NAMED = Target.from_rows(
    [(0, 0, 0), (1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0)],
    [Fraction(3, 8), Fraction(1, 4), *[Fraction(1, 8)] * 3],
    2,
    name="half copies and half parity",
)
"""Half copies and half parity, d = 3, S = 2."""


def _grid(example: Example, mutant: Mutant) -> Trial:
    """Step length v = k·w on each of k coarse steps, split ever finer: K·ΣΓ and K·TV."""
    it = exact(example.law)
    coarse = it.experiment.steps
    k = len(coarse)
    times = list(itertools.accumulate(map(as_fmpq, coarse), initial=fmpq(0)))
    g = [Growth.compute(BALL, arb(t), it.h) for t in times]
    along = sum(
        (k * as_fmpq(x) * (b - a) for x, (a, b) in zip(coarse, itertools.pairwise(g), strict=True)),
        arb(0),
    )
    spread = k * sum((as_fmpq(x) ** 2 for x in coarse), fmpq(0))
    values = {"d": it.d, "q0": it.q0, "P": it.P, "beta": places(it.d, coarse), "spread": spread}
    sides = [
        (k * growth_in_steps(it, coarse), formula("U2", "grid", {"growth_along": along}, mutant)),
        (k * first_order_in_steps(it, coarse), formula("U2", "tv", values, mutant)),
    ]
    if it.experiment.setting().equal_steps:
        given = it.values(("d", "I_bar"))
        sides.append((k * growth_in_steps(it, coarse), formula("U2", "equal-steps", given, mutant)))
    return trial_of(example, Relation.EQUALITY, sides, _dependent(it))


MANY = 512
"""Steps at which the limits are looked at."""


def _least_growth(example: Example, mutant: Mutant) -> Trial:
    """K·inf ΣΓ at K = 512 is within 1 % of ½(∫√g')²."""
    h = profile(families.family(example["family"])).information.tolist()
    times = least_growth_grid(np.array(h), MANY)
    measured = MANY * GrowthSum.compute(FLOAT, np.diff(times).tolist(), h)
    root = quad(lambda t: math.sqrt(max(0.0, GrowthRate.compute(FLOAT, t, h))), 0, 1, limit=200)[0]
    claimed = interval(formula("U2", None, {"root_growth": root}, mutant)).middle
    return near(example, measured, claimed, 0.01 * claimed)


STATED = {"equal": 13 / 32, "growth": 0.4295, "tv": 0.3959}
"""K·TV in the limit on half copies and half parity, as the statement has it."""


def _best_lengths(kind: str) -> Callable[[float], float]:
    """v(t) up to a factor: equal, best in ΣΓ, or best in TV, on half copies and half parity.

    The last is 1/√φ, φ(t) = Σ_x s(x)(Σ_n Bin(1, t)(n)·P_{a^{(n+1)}} − q_0)(x) with s = −1 on the
    strings of one symbol and 1 on the others.
    """
    it = exact(exact_experiment(NAMED))
    if kind == "equal":
        return lambda _: 1.0
    if kind == "growth":
        h = [float(x.mid()) for x in it.h]
        return lambda t: 1 / math.sqrt(GrowthRate.compute(FLOAT, t, h))
    laws = (it.pmf, it.tables.blocks((2, 1)), it.tables.blocks((1, 2)))
    equal = [float(sum(p for x, p in law.items() if len(set(x)) == 1)) for law in laws]
    early, late = equal[0] - equal[1], equal[0] - equal[2]  # ½φ at t = 0 and at t = 1
    return lambda t: 1 / math.sqrt((1 - t) * early + t * late)


def _named_law(example: Example, mutant: Mutant, other: str | None = None) -> Trial:
    """K·TV on half copies and half parity: its limit, to four digits, and at K = 512 within 1 %."""
    it = exact(exact_experiment(NAMED))
    v = _best_lengths(other or example["grid"])
    whole = quad(lambda t: 1 / v(t), 0, 1)[0]
    spread = whole * quad(v, 0, 1)[0]
    late = whole * quad(lambda t: t * v(t), 0, 1)[0] / spread
    values = {"d": 3, "q0": it.q0, "P": it.P, "beta": [arb(1 - late), arb(late)]}
    limit = float(interval(formula("U2", "tv", {**values, "spread": arb(spread)}, mutant)).middle)
    # t(u) by dt/du = v: the ends of steps
    place = np.linspace(0, 1, 20001)
    passed = np.concatenate([[0], np.cumsum(1 / np.vectorize(v)((place[1:] + place[:-1]) / 2))])
    times = np.interp(np.linspace(0, 1, MANY + 1), passed / passed[-1], place)
    laws = tables(NAMED, ExactDenoiser(NAMED))
    law = laws.law(StepLaw.from_weights(torch.tensor(np.diff(times), dtype=torch.float64)))
    q = on_rows(law, NAMED)
    measured = MANY * float((q - law.probability).clamp(min=0).sum())
    stated = STATED[example["grid"]]
    sides = [(abs(limit - stated), 5e-5), (abs(measured - limit), 0.01 * limit)]
    return trial_of(example, Relation.UPPER, sides, counts=True)


def _one_grid(example: Example, mutant: Mutant, equal: bool = False) -> Trial:
    """K·TV with v ∝ 1/√g' against the least there is, for laws uniform on their support.

    With signs −1 on the support and 1 off it, φ is twice the mass that leaves the support, and
    C(d, 2)·½(∫√φ)² is below the limit of K·TV for every v.
    """
    it = exact(some.family_experiment(example["family"]))
    d, h = it.d, [float(x.mid()) for x in it.h]

    def v(t: float) -> float:
        return 1.0 if equal else 1 / math.sqrt(GrowthRate.compute(FLOAT, t, h))

    lost = [1 - float(sum(it.P[(1,) * n + (2,) + (1,) * (d - 2 - n)])) for n in range(d - 1)]

    def root(t: float) -> float:
        law = binomial_law(FLOAT, d - 2, t)
        return math.sqrt(2 * sum(p * x for p, x in zip(law, lost, strict=True)))

    whole = quad(lambda t: 1 / v(t), 0, 1)[0]
    weights = [
        whole * quad(lambda t, n=n: binomial_law(FLOAT, d - 2, t)[n] * v(t), 0, 1, limit=200)[0]
        for n in range(d - 1)
    ]
    beta = [arb(x / sum(weights)) for x in weights]
    values = {"d": d, "q0": it.q0, "P": it.P, "beta": beta, "spread": arb(sum(weights))}
    limit = interval(formula("U2", "tv", values, mutant)).middle
    least = math.comb(d, 2) / 2 * quad(root, 0, 1, limit=200)[0] ** 2
    return near(example, limit, least, 1e-6)


# --- U3: blocks -----------------------------------------------------------------------------------


def _shares(example: Example, mutant: Mutant) -> Trial:
    """The mean over all orders against both bounds."""
    it = exact(example.law)
    a, measured = it.experiment.blocks, mean_divergence(it, it.experiment.blocks)
    tc, dtc = correlations(it)
    sides = [
        (measured, formula("U3", None, {"tc": tc, "a": a}, mutant)),
        (measured, formula("U3", "dual", {"dtc": dtc, "a": a}, mutant)),
    ]
    return trial_of(example, Relation.UPPER, sides, bool(measured > 0))


Sizes = Callable[[int, Fraction, Fraction], Composition]


def _zeta(total: Fraction, epsilon: Fraction) -> int:
    return max(1, math.ceil(total / epsilon))


def _curve_sizes(example: Example, mutant: Mutant, dual: Sizes = dtc_blocks) -> Trial:
    """A falling curve in fractions: what the certified sizes cost, by KL1."""
    h, epsilon = list(example["h"]), example["epsilon"]
    d = len(h)
    tc, dtc = sum(h[0] - x for x in h), sum(x - h[-1] for x in h)
    zeta = _zeta(tc, epsilon)

    def cost(sizes: Composition) -> Number:
        return BlockDivergence.compute(RATIONAL, sizes, list(map(as_fmpq, h)))

    allowed = formula("U3", "certified", {"epsilon": epsilon}, mutant)
    sides = [
        (cost(tc_blocks(d, tc, epsilon)), allowed),
        (cost(dual(d, dtc, epsilon)), allowed),
        (
            cost(shrinking_blocks(d, zeta)),
            formula("U3", "shrinking", {"tc": tc, "zeta": zeta}, mutant),
        ),
    ]
    return trial_of(example, Relation.UPPER, sides, any(left > 0 for left, _ in sides))


def _reversed_shrinking(d: int, total: Fraction, epsilon: Fraction, more: int = 0) -> Composition:
    """Published sizes for DTC: those for TC, read backwards; they need ζ = 1 + ⌈D̂/ε⌉."""
    return shrinking_blocks(d, _zeta(total, epsilon) + more)[::-1]


def _fewest(example: Example, mutant: Mutant) -> Trial:
    """The fewest blocks of all compositions that steps, the worst curves, certify."""
    d, ratio = example["d"], example["ratio"]
    steps = [[fmpq(int(m < j)) for m in range(d)] for j in range(1, d)]
    sides = []
    for find, dual in ((tc_blocks, False), (dtc_blocks, True)):
        fewest = min(
            len(a)
            for a in all_compositions(d)
            if all(
                ratio.numerator * BlockDivergence.compute(RATIONAL, a, h)
                <= ratio.denominator * (j if dual else d - j)
                for j, h in enumerate(steps, 1)
            )
        )
        m = len(find(d, ratio, Fraction(1)))
        sides.append((fewest, formula("U3", "fewest", {"m": m}, mutant)))
    return trial_of(example, Relation.EQUALITY, sides, counts=True)


def _against_published(example: Example, _: Mutant, parts: int = 0) -> Trial:
    """Calls at d = 1024, T̂/ε = 4: 22, and 31 as published."""
    d, ratio = example["d"], example["ratio"]
    published = len(shrinking_blocks(d, ratio + 1 - parts))
    sides = [(len(tc_blocks(d, ratio, 1)), example["fewest"]), (published, example["published"])]
    return trial_of(example, Relation.EQUALITY, sides, counts=True)


LATE = {
    "copies, a small step first": some.family_experiment(
        "copies:3:2", steps=(Fraction(1, 4), Fraction(3, 4))
    )
}
NEARLY_INDEPENDENT = experiment_on_rows(
    2,
    ((0, 0), (0, 1), (1, 0), (1, 1)),
    (Fraction(1, 4), Fraction(5, 16), Fraction(3, 16), Fraction(1, 4)),
    steps=(Fraction(1),),
)
"""TV = 1/128, ΣΓ = 1.26e-4."""

CURVES = st.builds(
    lambda h, share: Example.of(h=h, epsilon=share * sum(h[0] - x for x in h)),
    some.falling_curves().filter(lambda h: h[0] > h[-1]),
    st.fractions(Fraction(1, 20), Fraction(3, 2), max_denominator=20),
)
"""Falling curves, and a budget in proportion to their TC."""

READ_BACKWARDS = changed("the information curve read backwards", h=lambda h: h[::-1])

CHECKS = (
    Check(
        "U1",
        "one step, all pairs of nested sets",
        _steps(),
        partial(_step, variant=None),
        mutants=(READ_BACKWARDS, changed("q² for q", stop=lambda q: q * q)),
    ),
    Check(
        "U1",
        "Γ(p, q) against H(p, q)",
        _steps(inner=True),
        partial(_step, variant="odds"),
        mutants=(Mutant("a third of the bound", {"U1.constant": Fraction(1, 3)}),),
    ),
    Check(
        "U1",
        "TC is Γ(0, 1)",
        some.dependent_laws(),
        _whole,
        mutants=(READ_BACKWARDS,),
    ),
    Check(
        "U1",
        "H(0, 1) against TC and DTC",
        some.dependent_laws(),
        _inner,
        edges={"copies": exact_experiment(families.family("copies:6:2"))},
        mutants=(Mutant("0.7 of the bound", {"U1.constant": Fraction(7, 10)}),),
        regime="inner",
    ),
    Check(
        "U1",
        "H(0, 1) of copies, ever longer: (d − 1)/(d + 1) of DTC",
        lambda _: [
            Example.of(exact_experiment(families.family(f"copies:{d}:2")), d=d)
            for d in (2, 4, 6, 8)
        ],
        _inner,
        mutants=(Mutant("0.7 of the bound", {"U1.constant": Fraction(7, 10)}),),
        trend=Trend("copies", "d"),
        regime="inner",
    ),
    Check(
        "U1",
        "all steps of a step law, one by one",
        some.instances(some.dependent_laws(3), some.step_laws(4, leftover=False)),
        _all_steps,
        edges=LATE,
        mutants=(READ_BACKWARDS, changed("the steps in reverse order", w=lambda w: w[::-1])),
    ),
    Check(
        "U1",
        "KL(q_0‖p_out) against ΣΓ",
        some.instances(some.laws(min_length=2), some.step_laws(6, leftover=False)),
        on_instances("U1", "divergence", counts=dependent),
        edges={"copies": some.family_experiment("copies:2:2", steps=(Fraction(1),))},
        mutants=(tightened("U1"),),
        regime="divergence",
    ),
    Check(
        "U1",
        "TV against √(1 − exp(−ΣΓ))",
        some.instances(some.laws(min_length=2), some.step_laws(6, leftover=False)),
        on_instances("U1", "tv"),
        edges={"two tokens, nearly independent": NEARLY_INDEPENDENT},
        mutants=(Mutant("without the root", trial=_without_the_root),),
        regime="TV",
    ),
    Check(
        "U2",
        "steps of any length, split ever finer: the coefficient of 1/K",
        some.instances(some.dependent_laws(3), some.step_laws(3, leftover=False).filter(all)),
        _grid,
        edges=LATE,
        mutants=(changed("the steps in reverse order", beta=lambda beta: beta[::-1]),),
    ),
    Check(
        "U2",
        "the grid that is best in ΣΓ, K = 512",
        lambda _: [
            Example.of(family=text)
            for text in ("copies:4:2", "parity:4:2", "permutations:4:4", "ising:5:0.8")
        ],
        _least_growth,
        method=Method.TESTED,
        mutants=(changed("1 % more", root_growth=lambda x: x * 1.01),),
        rated=False,
    ),
    Check(
        "U2",
        "half copies and half parity: three grids",
        lambda _: [Example.of(grid=grid) for grid in STATED],
        _named_law,
        method=Method.TESTED,
        mutants=(Mutant("equal steps for all", trial=partial(_named_law, other="equal")),),
        rated=False,
    ),
    Check(
        "U2",
        "copies and parity: the grid that is best in ΣΓ is best in TV",
        lambda _: [
            Example.of(family=f"{name}:{d}:{S}")
            for name in ("copies", "parity")
            for d, S in ((3, 2), (3, 3), (3, 5))
        ],
        _one_grid,
        method=Method.TESTED,
        mutants=(Mutant("equal steps", trial=partial(_one_grid, equal=True)),),
        rated=False,
    ),
    Check(
        "U3",
        "blocks of any sizes, every ordered set partition",
        some.in_blocks(some.laws(min_length=2)),
        _shares,
        edges={
            "a code, in the block that crosses its dimension": some.family_experiment(
                "mds:4:2:3", blocks=(1, 2, 1)
            ),
            "parity": some.family_experiment("parity:3:2", blocks=(1, 2)),
        },
        mutants=(tightened("U3"),),
        hunts=True,
        effort=0.5,
    ),
    Check(
        "U3",
        "certified sizes on falling curves, d ≤ 12, in fractions",
        CURVES,
        _curve_sizes,
        edges={
            "copies": Example.of(h=(Fraction(1), *(Fraction(0),) * 7), epsilon=Fraction(1)),
        },
        mutants=(
            Mutant(
                "published sizes in reverse, without the 1 +",
                trial=partial(_curve_sizes, dual=_reversed_shrinking),
            ),
            tightened("U3"),
        ),
        hunts=True,
        rated=False,
    ),
    Check(
        "U3",
        "published sizes in reverse for DTC, with the 1 +",
        CURVES,
        partial(_curve_sizes, dual=partial(_reversed_shrinking, more=1)),
        edges={
            "copies": Example.of(h=(Fraction(1), *(Fraction(0),) * 7), epsilon=Fraction(1)),
        },
        mutants=(Mutant("without the 1 +", trial=partial(_curve_sizes, dual=_reversed_shrinking)),),
        rated=False,
    ),
    Check(
        "U3",
        "the fewest blocks, against all compositions",
        st.builds(
            lambda d, ratio: Example.of(d=d, ratio=ratio),
            st.integers(2, 8),
            st.fractions(Fraction(1, 4), 9, max_denominator=6),
        ),
        _fewest,
        mutants=(changed("one block fewer", m=lambda m: m - 1),),
        rated=False,
    ),
    Check(
        "U3",
        "calls at d = 1024, and as published",
        lambda _: [Example.of(d=1024, ratio=4, fewest=22, published=31)],
        _against_published,
        mutants=(Mutant("without the 1 +", trial=partial(_against_published, parts=1)),),
        rated=False,
    ),
    Check(
        "U4",
        "predictions at all pairs of nested sets",
        _steps(most=3),
        _predictions,
        mutants=(READ_BACKWARDS, changed("p = 0", start=lambda p: 0 * p)),
        effort=0.5,
    ),
    Check(
        "U4",
        "one step against the increase of g",
        _steps(),
        partial(_step, variant="grid", claim="U4"),
        mutants=(Mutant("0.4 of the bound", {"U4.constant": Fraction(2, 5)}),),
        regime="step",
    ),
)
