"""Checks of X2 and X4: mass off the support, and the signed control problem behind it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np
import torch
from flint import arb, fmpq, fmpq_poly
from hypothesis import strategies as st
from scipy.optimize import least_squares
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.adversary.search import (
    Support,
    all_rows,
    as_weights,
    instance_of,
    losses,
    roundings,
)
from sharprates.verification.arithmetic import as_fmpq
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
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.exact_losses import last_payments, token_laws
from sharprates.verification.experiment import Experiment
from sharprates.verification.quantities.exact import ExactQuantities

# --- X2: mass off the support ---------------------------------------------------------------------


def off_support_by_blocks(it: ExactQuantities) -> fmpq:
    """C(d, 2) times the mean mass that a block of two, at a uniform place, puts off the support.

    From the output laws of blocks, by enumeration of the orders: what L5's formula says of the mass
    that is on no row.
    """
    d = it.d
    places = [(1,) * n + (2,) + (1,) * (d - 2 - n) for n in range(d - 1)]
    off = sum((1 - sum(it.tables.blocks(a).values(), fmpq(0)) for a in places), fmpq(0))
    return off * d / 2


def _off_support(example: Example, mutant: Mutant) -> Trial:
    """Both computations of the mass against both forms of the bound, N enclosed where S > 3."""
    it = exact(example.law)
    values = {"d": it.d, "S": it.S, "marginals": token_laws(it.marginal, it.d, it.S)}
    bounds = [formula("X2", variant, values, mutant) for variant in (None, "marginals")]
    masses = it.off_support, off_support_by_blocks(it)
    sides = list(itertools.product(masses, bounds))
    return trial_of(example, Relation.UPPER, sides, counts=masses[0] > 0)


def _decomposition(example: Example, mutant: Mutant) -> Trial:
    """c(q_0), from the table of losses, is the mass off the support and what rows gain."""
    it = exact(example.law)
    gained = it.overweight
    values = {"off_support": off_support_by_blocks(it), "overweight": gained}
    total = formula("X2", "decomposition", values, mutant)
    return trial_of(example, Relation.EQUALITY, [(it.first_order, total)], counts=gained > 0)


def climb_off_support(length: int, vocabulary: int, seed: int, steps: int = 150) -> Experiment:
    """A law that puts much mass off its support: by gradient ascent on random rows, in fractions.

    Args:
        length: d.
        vocabulary: S.
        seed: of the rows and the start.
        steps: of Adam.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = all_rows(length, vocabulary)
    chosen = torch.randperm(len(rows), generator=generator)[: 4 * vocabulary]
    support = Support(rows[chosen], vocabulary)
    logits = torch.randn((len(support.rows), 8), generator=generator, dtype=torch.float64)
    logits.requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.15)
    for _ in range(steps):
        optimiser.zero_grad()
        weights = as_weights(logits)
        masses = (weights * losses(support.marginals(weights))).sum(0)
        (-masses.sum()).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
    best = as_weights(logits.detach())[:, int(masses.argmax())].tolist()
    counts = roundings(best, 60)[-1]
    kept = [k for k, count in enumerate(counts) if count]
    return instance_of(support.rows[kept].tolist(), [counts[k] for k in kept], vocabulary)


def _climbed(count: int) -> Iterator[Experiment]:
    shapes = ((3, 3), (4, 3), (3, 4), (2, 3), (4, 2))
    for seed in range(max(1, count // 20)):
        for length, vocabulary in shapes:
            yield climb_off_support(length, vocabulary, seed)


CLOSE = arb("1e-12")
"""More than the dual value of a near-optimal n exceeds N by."""

# --- X4: the value N ------------------------------------------------------------------------------


def last_law(y: Sequence[fmpq]) -> list[fmpq]:
    """P(β = b) for β = argmax_b (E_b − n_b), y_b = e^{n_1−n_b}, y_1 = 1 the largest.

    ∫_0^1 y_b ∏_{c≠b}(1 − u y_c) du, u = e^{−x} with x the largest value, n_1 taken as 0.
    """
    found = []
    for b, value in enumerate(y):
        density = fmpq_poly([value])
        for c, other in enumerate(y):
            density *= fmpq_poly([1, -other]) if c != b else 1
        found.append(density.integral()(fmpq(1)))
    return found


def least_dual(y: Sequence[fmpq]) -> fmpq:
    """n_1 = E max_b(E_b − 1 − n_b + n_1), exactly: −1 + ∫_0^1 (1 − ∏_b(1 − u y_b))/u du."""
    product = fmpq_poly([1])
    for value in y:
        product *= fmpq_poly([1, -value])
    return fmpq_poly([-c for c in list(product)[1:]]).integral()(fmpq(1)) - 1


@lru_cache(maxsize=4096)
def _gaps(p: tuple[fmpq, ...]) -> tuple[fmpq, ...]:
    """y near the optimal one of a positive law in falling order, in fractions: P(argmax) = p."""
    nodes, weights = np.polynomial.legendre.leggauss(len(p))  # exact: the degree is below 2·nodes
    nodes, weights = (nodes + 1) / 2, weights / 2
    wanted = np.array([float(x) for x in p])

    def miss(logs: np.ndarray) -> np.ndarray:
        y = np.exp(np.concatenate([[0.0], logs]))
        inside = 1 - nodes[:, None] * y
        found = [
            y[b] * (weights * np.delete(inside, b, 1).prod(1)).sum() / wanted[b] - 1
            for b in range(1, len(p))
        ]
        return np.array(found)

    if len(p) == 1:
        return (fmpq(1),)
    start = np.log(wanted[1:] / wanted[0])
    found = least_squares(miss, start, xtol=1e-15, ftol=1e-15, gtol=1e-15).x
    y = [Fraction(float(value)) for value in np.exp(np.minimum(found, 0.0))]
    return (fmpq(1), *map(as_fmpq, y))


def enclosed_value(p: Sequence[fmpq]) -> arb:
    """N(p) between a dual and a primal bound, as a ball.

    Any n on the dual surface gives N(p) ≤ n·p. Its argmax has a law p′ with N(p′) = n·p′, and
    p = (1−ε)p′ + ε·(another law) gives N(p) ≥ (1−ε)N(p′), N being concave and not negative.
    """
    alive = sorted((x for x in p if x > 0), reverse=True)
    y = _gaps(tuple(alive))
    least, logs = arb(least_dual(y)), [arb(value).log() for value in y]

    def on_surface(law: Sequence[fmpq]) -> arb:
        return least - sum((x * log for x, log in zip(law, logs, strict=True)), arb(0))

    near = last_law(y)
    share = min([fmpq(1), *(x / other for x, other in zip(alive, near, strict=True))])
    upper, lower = on_surface(alive), share * on_surface(near)
    return lower.union(upper)


def _closed(example: Example, mutant: Mutant) -> Trial:
    p = example["p_X"]
    claimed = formula("X4", None, {"p_X": p}, mutant)
    return trial_of(example, Relation.EQUALITY, [(enclosed_value(list(map(as_fmpq, p))), claimed)])


def _general(example: Example, mutant: Mutant) -> Trial:
    """The value of the formulas, at any number of symbols, is N or hardly above it."""
    p = list(map(as_fmpq, example["p_X"]))
    claimed, value = formula("X4", "payoff", {"p_X": p}, mutant), enclosed_value(p)
    sides = [(value, claimed), (claimed, value + CLOSE)]
    return trial_of(example, Relation.UPPER, sides, counts=value > 0)


def _dual_surface(example: Example, mutant: Mutant) -> Trial:
    y = list(map(as_fmpq, example["y"]))
    claimed = formula("X4", "dual", {"y": y}, mutant)
    return trial_of(example, Relation.EQUALITY, [(least_dual([fmpq(1), *y]), claimed)])


def _signed_payoff(example: Example, mutant: Mutant) -> Trial:
    """E Y of the last token's posteriors."""
    it = exact(example.law)
    payoff = sum((mass * paid for mass, paid in last_payments(it.pmf, it.marginal, it.S)), fmpq(0))
    claimed = formula(
        "X4", "payoff", {"p_X": token_laws(it.marginal, it.d, it.S)[it.d - 1,]}, mutant
    )
    return trial_of(example, Relation.UPPER, [(payoff, claimed)], counts=payoff > 0)


def _one_move(example: Example, _: Mutant, killed: int = 1) -> Trial:
    """N(p) ≥ E[N(q) + p(D)] for one move p → q, D the symbols that die: the step of X2's proof.

    Args:
        example: the posteriors after the move, each with its chance.
        killed: how often p(D) is counted; 1 as proved.
    """
    chances, after = example["chances"], example["after"]
    p = [
        sum((w * q[a] for w, q in zip(chances, after, strict=True)), Fraction(0)) for a in (0, 1, 2)
    ]
    total, dead = arb(0), Fraction(0)
    for chance, q in zip(chances, after, strict=True):
        dying = sum((x for x, y in zip(p, q, strict=True) if y == 0), Fraction(0))
        total += as_fmpq(chance) * enclosed_value(list(map(as_fmpq, q)))
        dead += chance * dying
    side = total + killed * as_fmpq(dead), enclosed_value(list(map(as_fmpq, p)))
    return trial_of(example, Relation.UPPER, [side], counts=dead > 0)


# --- X4: attained ---------------------------------------------------------------------------------


def dying_payoff(y: Sequence[fmpq], grid: int) -> fmpq:
    """E Y when symbols die at rate 1 each, from −n_b on, and only times of a grid are looked at.

    Symbol b ≠ X dies at E_b − n_b, X the last one. At u = e^{−x} symbol b is alive with chance
    min(1, u y_b). At the end X is revealed.

    Args:
        y: e^{−n_b}, the first one 1 and the largest.
        grid: number of times, even in u.
    """
    start = 1 / min(y)
    times = [start * fmpq(grid - k, grid) for k in range(grid + 1)]
    symbols = range(len(y))
    groups = [A for n in symbols for A in itertools.combinations(symbols, n + 1)]

    def alive(b: int, u: fmpq) -> fmpq:
        return min(fmpq(1), u * y[b])

    def last(b: int, group: Sequence[int], u: fmpq, low: fmpq) -> fmpq:
        """P(b dies last of a group, after u and not after low); all of it alive at u."""
        high = min([u, *(1 / y[c] for c in group)])
        if high <= low:
            return fmpq(0)
        density = fmpq_poly([y[b]])
        for c in group:
            density *= fmpq_poly([alive(c, u), -y[c]]) if c != b else 1
        whole = density.integral()
        return (whole(high) - whole(low)) / math.prod((alive(c, u) for c in group), start=fmpq(1))

    total = fmpq(0)
    for u, low in itertools.pairwise(times):
        for group in groups:
            if len(group) == 1:  # X is known
                continue
            reached = fmpq(1)
            for b in symbols:
                reached *= alive(b, u) if b in group else 1 - alive(b, u)
            if reached == 0:
                continue
            posterior = {b: last(b, group, u, fmpq(0)) for b in group}
            stays = {b: alive(b, low) / alive(b, u) for b in group}
            for n in range(1, len(group)):
                for rest in itertools.combinations(group, n):
                    chance = reached
                    for b in group:
                        chance *= stays[b] if b in rest else 1 - stays[b]
                    total += chance * sum((posterior[b] for b in group if b not in rest), fmpq(0))
            for b in group:
                total += reached * last(b, group, u, low) * (1 - posterior[b])
    return total


def _dying(example: Example, mutant: Mutant) -> Trial:
    y = [fmpq(1), *map(as_fmpq, example["y"])]
    claimed = formula("X4", "payoff", {"p_X": last_law(y)}, mutant)
    payoff = dying_payoff(y, example["times"])
    return trial_of(example, Relation.UPPER, [(payoff, claimed)], counts=True)


# --- the checks -----------------------------------------------------------------------------------


def _law_of(symbols: int) -> st.SearchStrategy[tuple[Fraction, ...]]:
    return some.simplex(symbols, 12)


CHECKS = (
    Check(
        "X2",
        "mass off the support, by marginals and by blocks, against both forms",
        some.laws_of_few_symbols(),
        _off_support,
        edges=some.SHUFFLED,
        mutants=(tightened("X2"), changed("S − 1 for S", S=lambda S: S - 1)),
        effort=2,
        hunts=True,
    ),
    Check(
        "X2",
        "laws that gradient ascent makes heavy off the support",
        _climbed,
        _off_support,
        mutants=(Mutant("0.95 of the bound", {"X2.constant": Fraction(95, 100)}),),
    ),
    Check(
        "X2",
        "c(q_0) is the mass off the support and what support points gain",
        some.laws_of_few_symbols(),
        _decomposition,
        mutants=(changed("without what they gain", overweight=lambda _: 0),),
    ),
    Check(
        "X2",
        "c(q_0) against the bound with over-weighted points",
        some.laws_of_few_symbols(),
        on_instances(
            "X2", "over-weighted", counts=lambda _, c, bound: c.upper > 0 and bound.upper > 0
        ),
        edges=some.SHUFFLED,
        mutants=(tightened("X2"),),
    ),
    Check(
        "X4",
        "the closed form against dual and primal bounds",
        st.one_of(_law_of(2), _law_of(3)).map(lambda p: Example.of(p_X=p)),
        _closed,
        edges={"uniform": Example.of(p_X=(Fraction(1, 3),) * 3)},
        mutants=(changed("p_1 counted for p_2", p_X=lambda p: (p[0], p[0], *p[2:])),),
    ),
    Check(
        "X4",
        "the dual's value for up to six symbols against dual and primal bounds",
        st.integers(2, 6).flatmap(_law_of).map(lambda p: Example.of(p_X=p)),
        _general,
        mutants=(tightened("X4"),),
    ),
    Check(
        "X4",
        "the least coordinate on the dual surface, by integration of polynomials",
        st.lists(st.fractions(0, 1, max_denominator=12), min_size=1, max_size=5).map(
            lambda y: Example.of(y=tuple(y))
        ),
        _dual_surface,
        mutants=(changed("y/2 for y", y=lambda y: [x / 2 for x in y]),),
    ),
    Check(
        "X4",
        "E Y of the posteriors of the last token",
        some.laws_of_few_symbols(),
        _signed_payoff,
        edges=some.SHUFFLED,
        mutants=(tightened("X4"),),
        hunts=True,
    ),
    Check(
        "X4",
        "no single move raises N plus the mass that dies",
        st.builds(
            lambda few, all_of_them, chance: Example.of(
                chances=(chance, 1 - chance), after=((Fraction(0), *few), all_of_them)
            ),
            _law_of(2),
            _law_of(3),
            st.sampled_from([Fraction(k, 6) for k in range(1, 6)]),
        ),
        _one_move,
        mutants=(Mutant("the mass counted twice", trial=partial(_one_move, killed=2)),),
        rated=False,
    ),
    Check(
        "X4",
        "symbols that die at rate 1, looked at on finer grids",
        lambda count: [
            Example.of(y=(Fraction(3, 4), Fraction(1, 3)), times=2**k)
            for k in range(2, 6 + count // 30)
        ],
        _dying,
        mutants=(Mutant("0.97 of the value", {"X4.constant": Fraction(97, 100)}),),
        trend=Trend("symbols that die at rate 1", "times"),
    ),
)
