"""Checks of H1–H4."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import torch
from flint import fmpq
from hypothesis import strategies as st
from scipy.optimize import linprog
from sharprates.samplers import families
from sharprates.samplers.clock import clock
from sharprates.samplers.denoiser import ExactDenoiser, Positions
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.arithmetic import Interval, as_fmpq
from sharprates.verification.checks.check import (
    Check,
    changed,
    exact,
    formula,
    on_instances,
    tightened,
    trial_of,
)
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import Context, exact_tables, positive_gap
from sharprates.verification.experiment import Experiment
from torch import Tensor


def _one_by_one(law: st.SearchStrategy[Target]) -> st.SearchStrategy[Experiment]:
    return law.map(lambda target: exact_experiment(target, blocks=(1,) * target.length))


def _is_the_target(example: Example, _: Mutant, at_first: int = 1) -> Trial:
    """p_FHS(x) = q_0(x) at every support row, which is TV = 0."""
    it = exact(example.law)
    d = it.d
    first = min(at_first, d)
    law = it.P[(first,) + (1,) * (d - first)]
    return trial_of(example, Relation.EQUALITY, zip(law, it.pmf.values(), strict=True))


def _erring_at_the_start(eta: Fraction, d: int, everywhere: bool) -> Example:
    """The point mass, its denoiser with mass η on symbol 1: at the empty context, or at all."""
    target = families.family(f"point-mass:{d}:2")
    places = some.contexts(target)
    chosen = [(x, i) for x, i in places if everywhere or set(x) == {2}]
    wrong = dict.fromkeys(chosen, (1 - eta, eta))
    return Example(exact_experiment(target, blocks=(1,) * d, predictions=wrong), {"eta": eta})


def _point_mass(variant: str | None, error: bool) -> Check:
    everywhere = variant in ("spread", "spread-error")
    measured = "ε_FHS" if error else "TV"
    return Check(
        "H3",
        f"{measured} of the point mass, errors {'everywhere' if everywhere else 'at the start'}",
        st.builds(
            lambda eta, d: _erring_at_the_start(eta, d, everywhere),
            st.fractions(0, 1, max_denominator=12),
            st.integers(1, 4),
        ),
        on_instances("H3", variant),
        mutants=(changed("1.01 η for η", eta=lambda eta: eta * Fraction(101, 100)),),
        effort=0.5,
    )


# --- H1: calls ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Counted:
    """A denoiser that counts how often it is called."""

    exact: ExactDenoiser
    calls: list[int]

    @property
    def vocabulary(self) -> int:
        return self.exact.vocabulary

    @property
    def time_free(self) -> bool:
        return True

    @property
    def normalised(self) -> bool:
        return True

    def __call__(
        self, x: Tensor, t: Tensor | float | None = None, positions: Positions | None = None
    ) -> Tensor:
        self.calls.append(x.shape[0])
        return self.exact(x, t, positions)


def _calls(example: Example, mutant: Mutant) -> Trial:
    target = example.law.target
    counted = _Counted(ExactDenoiser(target), [])
    sampler = FirstHittingSampler(target.length)
    sampler.sample(counted, 5, torch.Generator().manual_seed(0))
    value = formula("H1", "calls", {"d": target.length}, mutant)
    return trial_of(example, Relation.EQUALITY, [(fmpq(len(counted.calls)), value)])


# --- H2: scores, and denoisers that depend on time ------------------------------------------------


def _by_score(example: Example, mutant: Mutant, part: Callable[[fmpq, fmpq], fmpq] = max) -> Trial:
    """ŝ = α/(1−α)·m·p̂: first hitting draws from p̂, the bound sees m·p̂."""
    it, mass = exact(example.law), as_fmpq(example["mass"])
    d = it.d
    sums = [fmpq(0)] * d
    for context, weight in it.marginal.items():
        u = it.revealed(context)
        for i in (i for i, x in enumerate(context) if x == it.S):
            true, ours = it.conditional(context, i), it.predict(context, i)
            gaps = [p - mass * q for p, q in zip(true, ours, strict=True)]
            over = sum((-gap for gap in gaps if gap < 0), fmpq(0))
            under = sum((gap for gap in gaps if gap > 0), fmpq(0))
            sums[u] += weight * part(over, under)
    value = formula("H2", "score", {"epsilon_score": it.along_orders(sums)}, mutant)
    return trial_of(example, Relation.UPPER, [(it.tv, value)])


def _in_time(example: Example, mutant: Mutant, uncounted: int = 0) -> Trial:
    """One denoiser until 1−α falls to τ, the exact one from then on.

    The tokens' own times are uniform in 1−α, so the number J revealed before is Bin(d, 1−τ); the
    first J draws come from the first denoiser.
    """
    it, tau = exact(example.law), as_fmpq(example["tau"])
    d, S = it.d, it.S
    out = dict.fromkeys(it.pmf, fmpq(0))
    error = fmpq(0)
    per_draw = [gap / (math.comb(d, u) * (d - u)) for u, gap in enumerate(it.gaps)]
    for early in range(d + 1):
        chance = math.comb(d, early) * (1 - tau) ** early * tau ** (d - early)

        def predict(context: Context, place: int, early: int = early) -> Sequence[Number]:
            erring = it.revealed(context) < early
            return it.predict(context, place) if erring else it.conditional(context, place)

        table = exact_tables(it.pmf, S, predict).tables
        for x in out:
            out[x] += chance * table[x][(1,) * d] / math.factorial(d)
        error += chance * sum(per_draw[: max(0, early - uncounted)], fmpq(0))
    value = formula("H2", None, {"epsilon_FHS": error}, mutant)
    return trial_of(example, Relation.UPPER, [(positive_gap(it.pmf, out), value)])


NODES = 80
"""Of Gauss–Legendre quadrature, exact for polynomials of degree below 160, which the integrands of
the linear and polynomial clocks are. On the cosine clocks they are entire, and below 10⁴ on the
ellipse with foci 0 and 1 whose half axes sum to 2: the error is below 10⁵·4^−160."""


def _over_time(example: Example, mutant: Mutant, power: int = 1) -> Trial:
    """½∫E Σ(−α′/α)|s − ŝ|dt over a clock, by quadrature: contexts of size u have α^u(1−α)^{d−u}."""
    it, chosen = exact(example.law), clock(example["clock"])
    d, gaps = it.d, [float(gap) for gap in it.gaps]
    x, weights = np.polynomial.legendre.leggauss(NODES)
    t = torch.tensor((x + 1) / 2)
    alpha, masked = chosen.alpha(t), chosen.masked(t)
    rate = chosen.speed(t) / masked**power
    integrand = sum(alpha**u * masked ** (d - u) * rate * gap for u, gap in enumerate(gaps))
    measured = float((torch.tensor(weights / 2) * integrand).sum())
    value = formula("H2", None, {"epsilon_FHS": it.epsilon_FHS}, mutant)
    sides = [(Interval.around(measured, 1e-10), value)]
    return trial_of(example, Relation.EQUALITY, sides, counts=value > 0)


# --- H4: the game ---------------------------------------------------------------------------------


def _shifted(epsilon: Fraction, S: int) -> list[list[Fraction]]:
    """q at distance ε from uniform, and its cyclic shifts: ŝ = uniform errs by ε on each."""
    q, missing = [Fraction(1, S)] * S, epsilon
    for a in range(S - 1, 0, -1):
        taken = min(missing, Fraction(1, S))
        q[a], missing = q[a] - taken, missing - taken
    q[0] += epsilon
    return [q[-k:] + q[:-k] for k in range(S)]


def _game(example: Example, mutant: Mutant, shifts: int | None = None) -> Trial:
    """min over p of max over the shifts of TV(p, q), by linear programming."""
    epsilon, S = example["epsilon"], example["S"]
    laws = _shifted(epsilon, S)[:shifts]
    # variables: p (S), v, and |p_a − q_a| for each law and symbol
    count = S + 1 + S * len(laws)
    rows, limits = [], []
    for k, q in enumerate(laws):
        total = np.zeros(count)
        total[S] = -2
        for a in range(S):
            gap = S + 1 + k * S + a
            total[gap] = 1
            for sign in (1, -1):
                row = np.zeros(count)
                row[a], row[gap] = sign, -1
                rows.append(row)
                limits.append(sign * float(q[a]))
        rows.append(total)
        limits.append(0.0)
    cost, whole = np.zeros(count), np.zeros((1, count))
    cost[S], whole[0, :S] = 1, 1
    found = linprog(cost, np.array(rows), limits, whole, [1.0], bounds=(0, None))
    value = formula("H4", None, {"epsilon": epsilon}, mutant)
    sides = [(Interval.around(float(found.fun), 1e-10), value)]
    return trial_of(example, Relation.EQUALITY, sides, counts=epsilon > 0)


def _certified_game(example: Example, mutant: Mutant) -> Trial:
    """A lower bound on the game from a dual solution, exactly; and TV(ŝ, q) ≤ ε.

    TV(p, q) ≥ Σ_a y_a (p_a − q_a) for |y| ≤ ½. With y = ½·sign(1/S − q) averaged over the shifts,
    the part with p is the same for every p.
    """
    epsilon, S = example["epsilon"], example["S"]
    laws = _shifted(epsilon, S)
    slope, constant = [Fraction(0)] * S, Fraction(0)
    for q in laws:
        for a, x in enumerate(q):
            y = Fraction((x < Fraction(1, S)) - (x > Fraction(1, S)), 2 * S)
            slope[a] += y
            constant -= y * x
    game = min(slope) + constant
    error = sum((abs(x - Fraction(1, S)) for x in laws[0]), Fraction(0)) / 2
    value = formula("H4", None, {"epsilon": epsilon}, mutant)
    sides = [(as_fmpq(game), value), (as_fmpq(epsilon), as_fmpq(error))]
    return trial_of(example, Relation.LOWER, sides)


LARGEST = {f"ε = 1 − 1/{S}": Example.of(S=S, epsilon=1 - Fraction(1, S)) for S in (2, 3, 4, 5, 6)}
GAMES = st.integers(2, 6).flatmap(
    lambda S: st.fractions(0, 1 - Fraction(1, S), max_denominator=12).map(
        lambda epsilon: Example.of(S=S, epsilon=epsilon)
    )
)

CHECKS = (
    Check(
        "H1",
        "p_FHS(x) = q_0(x) for every x",
        _one_by_one(some.laws()),
        _is_the_target,
        mutants=(
            Mutant("two tokens in the first call", trial=partial(_is_the_target, at_first=2)),
        ),
    ),
    Check(
        "H2",
        "any law, any normalised denoiser",
        some.one_by_one(),
        mutants=(tightened("H2"),),
    ),
    _point_mass(None, error=False),
    _point_mass("error", error=True),
    _point_mass("spread", error=False),
    _point_mass("spread-error", error=True),
    Check(
        "H1",
        "denoiser calls of the running sampler",
        some.laws(max_length=4),
        _calls,
        method=Method.TESTED,
        mutants=(changed("d + 1 for d", d=lambda d: d + 1),),
        effort=0.3,
        rated=False,
    ),
    Check(
        "H2",
        "scores that are not normalised",
        st.builds(
            Example.of,
            some.one_by_one(),
            mass=st.sampled_from([Fraction(x, 10) for x in (10, 9, 11, 8)]),
            denoiser=st.just("unnormalised"),
        ),
        _by_score,
        edges={
            "normalised": Example(
                _erring_at_the_start(Fraction(1, 2), 1, False).law, {"mass": Fraction(1)}
            )
        },
        mutants=(
            tightened("H2"),
            Mutant("the smaller of both parts", trial=partial(_by_score, part=min)),
        ),
    ),
    Check(
        "H2",
        "a denoiser that errs up to a time",
        st.builds(
            Example.of,
            some.one_by_one(),
            tau=st.fractions(0, 1, max_denominator=6),
            denoiser=st.just("varies in time"),
        ),
        _in_time,
        mutants=(tightened("H2"), Mutant("one draw fewer", trial=partial(_in_time, uncounted=1))),
    ),
    Check(
        "H2",
        "ε_FHS is the integral of the score error over time, by quadrature",
        st.builds(
            Example.of,
            some.one_by_one().filter(lambda law: any(exact(law).gaps)),
            clock=st.sampled_from(("linear", "cosine", "polynomial:2", "cosine-late")),
        ),
        _over_time,
        method=Method.TESTED,
        mutants=(Mutant("rate −α′ for −α′/(1−α)", trial=partial(_over_time, power=0)),),
        effort=0.5,
        rated=False,
    ),
    Check(
        "H4",
        "a lower bound on the game from a dual solution",
        GAMES,
        _certified_game,
        edges=LARGEST,
        mutants=(tightened("H4"),),
    ),
    Check(
        "H4",
        "the game by linear programming",
        GAMES,
        _game,
        method=Method.TESTED,
        edges=LARGEST,
        mutants=(
            Mutant("H4.constant × 1.01", {"H4.constant": Fraction(101, 100)}),
            Mutant("the sampler knows q", trial=partial(_game, shifts=1)),
        ),
    ),
)
