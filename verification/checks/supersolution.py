"""Checks of the proof of E9: a supersolution of the one-target control problem, at S = 2.

The inequality is decided on boxes by interval arithmetic; undecided boxes are split until there are
too many. It is an equality on p = p', so the boxes there are never decided.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.claim import Relation
from theory.functions import Phi
from verification import strategies as some
from verification.arithmetic import BALL, Interval
from verification.checks.check import (
    Check,
    Example,
    Method,
    Mutant,
    Trial,
    exact,
    formula,
    pairs,
    tightened,
)
from verification.instance import Instance

Array = NDArray[np.float64]

SLACK = 1e-12
"""More than float64 can add to any end below: some forty operations on numbers below 40."""


@dataclass(frozen=True)
class Start:
    """What depends on the start p_0 = P(X = 1) ≤ ½ of the martingale; see the proof of E9.

    Attributes:
        first: τ_1 = log(1/p_0).
        second: τ_2 = log(1/(1−p_0)).
        scale: on Ĵ; 1 as proved.
    """

    first: float
    second: float
    scale: float = 1.0

    @staticmethod
    def at(p0: Fraction, scale: float = 1.0) -> Start:
        """For a start in (0.176, ½]; below that the entropy is less than ½."""
        return Start(-math.log(p0), -math.log1p(-float(p0)), scale)

    @property
    def _bend(self) -> float:
        return 1 - (math.log(2) - self.second)  # 1 − C_0: Ĵ is linear from here on

    def value(self, p: Array) -> Array:
        """Ĵ(p)."""
        small = np.clip(np.minimum(p, 1 - p), 0, 0.5)
        curve = -(1 - small) * np.log1p(-small) - (1 - math.log(2)) * small
        bent = curve - (self._bend - 1 - math.log(self._bend)) * p
        found: Array = self.scale * np.where(p <= self._bend, bent, (1 - p) * self.second)
        return found

    def slope(self, p: Array) -> Array:
        """Ĵ′(p)."""
        small = np.clip(np.minimum(p, 1 - p), 0, 0.5)
        rise = np.log1p(-small) + math.log(2)
        bent = np.where(p <= 0.5, rise, -rise) - (self._bend - 1 - math.log(self._bend))
        found: Array = self.scale * np.where(p <= self._bend, bent, -self.second)
        return found

    def tangent(self, p: Array, q: Array) -> Array:
        """T(q) = Ĵ(p) + Ĵ′(p)(q − p)."""
        return self.value(p) + self.slope(p) * (q - p)


def _phi_range(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """φ(x/y) over x in [a, b], y in [c, d]; φ falls to 0 at 1 and rises from there."""
    low, high = a / d, b / c
    ends = [x - 1 - np.log(x) for x in (low, high)]
    least = np.where((low <= 1) & (high >= 1), 0.0, np.minimum(*ends))
    return least, np.maximum(*ends)


def gap_range(start: Start, box: Array) -> tuple[Array, Array]:
    """Ends over boxes of what must not be negative: the inequality's two sides apart, over θ.

    Right minus left is Σ p'_a min(u_a, φ_a) − θT(p') + Ĵ(p')θ'. At a given θ = min u_a/τ_a it is
    least where both u_a = τ_aθ, since it grows with u_a. Divided by θ that is
    Σ p'_a min(τ_a, φ_a/θ) − T(p') + Ĵ(p')(1 − max φ_a/(τ_aθ))_+, so u enters by θ alone.

    Args:
        start: the start.
        box: [n, 3, 2], ends of p, p' and θ, within (0, 1), (0, 1) and [0, 1].
    """
    (a, b), (c, d), (least, most) = box[:, 0].T, box[:, 1].T, box[:, 2].T
    # T grows away from p = p', where it is Ĵ, and is linear in p': its extremes are at corners
    corners = np.stack([start.tangent(p, q) for p in (a, b) for q in (c, d)])
    apart = np.where(b < c, b, a)  # the end of p that is nearer to p', if they are apart
    near = np.minimum(start.tangent(apart, c), start.tangent(apart, d))
    ends = np.minimum(start.value(c), start.value(d))  # Ĵ is concave: least at an end
    least_t = np.where((b < c) | (d < a), near, ends)
    most_j = start.value((c + d) / 2) + np.abs(start.slope((c + d) / 2)) * (d - c) / 2

    low, high = -corners.max(0), -least_t
    least_m, most_m = np.zeros(len(box)), np.zeros(len(box))
    for phi, tau, p in (
        (_phi_range(a, b, c, d), start.first, (c, d)),
        (_phi_range(1 - b, 1 - a, 1 - d, 1 - c), start.second, (1 - d, 1 - c)),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):  # φ/0 = ∞ is meant
            ratio = phi[0] / most, np.where(phi[1] > 0, phi[1] / least, 0.0)
        low += p[0] * np.minimum(tau, ratio[0])
        high += p[1] * np.minimum(tau, ratio[1])
        least_m, most_m = np.maximum(least_m, ratio[0] / tau), np.maximum(most_m, ratio[1] / tau)
    low += ends * np.maximum(1 - most_m, 0)
    high += most_j * np.maximum(1 - least_m, 0)
    return low - SLACK, high + SLACK


EDGE = 1e-3
"""p and p' are taken from [EDGE, 1 − EDGE]."""


def subdivide(start: Start, p: tuple[float, float], boxes: int) -> tuple[float, float]:
    """Share of the volume that is violated, and that is undecided.

    Args:
        start: the start.
        p: the slab of p.
        boxes: stop when more than so many are undecided.
    """
    whole: Array = np.array([[p, (EDGE, 1 - EDGE), (0, 1)]], dtype=np.float64)
    volume = np.prod(whole[0, :, 1] - whole[0, :, 0])
    violated = 0.0
    for turn in itertools.count():
        low, high = gap_range(start, whole)
        violated += float(np.prod(whole[high < 0, :, 1] - whole[high < 0, :, 0], axis=1).sum())
        whole = whole[(low < 0) & (high >= 0)]
        if len(whole) == 0 or 2 * len(whole) > boxes or turn > 60:
            break
        axis = turn % 3
        middle = whole[:, axis].mean(1)
        left, right = whole.copy(), whole.copy()
        left[:, axis, 1], right[:, axis, 0] = middle, middle
        whole = np.concatenate([left, right])
    left_over = float(np.prod(whole[:, :, 1] - whole[:, :, 0], axis=1).sum())
    return float(violated / volume), float(left_over / volume)


STARTS = (Fraction(1, 2), Fraction(1, 3), Fraction(9, 50))


def _slabs(count: int) -> list[Example]:
    ends = np.linspace(EDGE, 1 - EDGE, 9)
    return [
        Example.of(p0=p0, p=(float(a), float(b)), boxes=max(15_000, 500 * count))
        for p0 in STARTS
        for a, b in itertools.pairwise(ends)
    ]


def _inequality(example: Example, mutant: Mutant) -> Trial:
    """No box is violated; the undecided share is told, not judged."""
    start = Start.at(example["p0"], 1.5 if mutant.word else 1.0)
    violated, undecided = subdivide(start, example["p"], example["boxes"])
    sides = tuple(
        (Interval.exact(share), Interval.exact(most))
        for share, most in ((violated, 0.0), (undecided, 1.0))
    )
    return Trial(example, Relation.UPPER, sides, counts=True)


def _undecided(trials: list[Trial]) -> str:
    shares = [float(trial.sides[1][0].lower) for trial in trials]
    share = 100 * sum(shares) / len(shares)
    return f"{share:.1f} % of the volume of (p, p', θ) is undecided"


def _start(example: Example, mutant: Mutant) -> Trial:
    """Φ at the start, H − Ĵ(p_0), is at most ½ (a bound on E Y_+, so d/4 at d = 2)."""
    p0 = arb(example["p0"].numerator) / example["p0"].denominator
    entropy = -p0 * p0.log() - (1 - p0) * (1 - p0).log()
    if example["p0"] >= Fraction(22, 125):  # 0.176
        bend = 1 - (2 * (1 - p0)).log()
        curve = -(1 - p0) * (1 - p0).log() - (1 - arb(2).log()) * p0
        entropy = entropy - (curve - Phi.compute(BALL, bend) * p0)
    value = formula("E9", None, {"d": 2}, mutant)
    return pairs(example, Relation.UPPER, [(entropy, value)], counts=True)


def _martingale(example: Example, mutant: Mutant) -> Trial:
    """E Y_+ of the posteriors of a bit X, the last token, as the others are shown one by one."""
    it = exact(example.law)
    d, S = it.length, it.vocabulary
    total = fmpq(0)
    for row, mass in it.pmf.items():
        seen = [(*row[:n], *(S,) * (d - n)) for n in range(d)]
        chances = [it.conditional(context, d - 1)[row[-1]] for context in seen] + [fmpq(1)]
        payoff = sum((1 - p / q for p, q in itertools.pairwise(chances)), fmpq(0))
        total += mass * max(payoff, fmpq(0))
    value = formula("E9", None, {"d": 2}, mutant)
    return pairs(example, Relation.UPPER, [(total, value)], counts=total > 0)


CHECKS = (
    Check(
        "E9",
        "the supersolution's inequality on boxes of (p, p', θ), θ the budgets' smaller share",
        Method.TESTED,
        _inequality,
        _slabs,
        mutants=(Mutant("1.5 Ĵ for Ĵ", word="more"),),
        rated=False,
        note=_undecided,
    ),
    Check(
        "E9",
        "the supersolution at the start",
        Method.CERTIFIED,
        _start,
        lambda count: [Example.of(p0=Fraction(k, 2 * count)) for k in range(1, count + 1)],
        mutants=(tightened("E9"),),
        rated=False,
    ),
    Check(
        "E9",
        "the control problem's payoff for martingales of a bit",
        Method.CERTIFIED,
        _martingale,
        st.one_of(some.dense_laws(2, 3, 3), some.sparse_laws(2, 4, 2))
        .filter(lambda law: bool((law.rows[:, -1] < 2).all()))
        .map(lambda law: Example.of(Instance.of(law))),
        edges={"copies": Example.of(Instance.of(some.family_target("copies:2:2")))},
        mutants=(tightened("E9"),),
        rated=False,
    ),
)
