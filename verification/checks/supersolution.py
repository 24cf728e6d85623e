"""Checks of the proof of E9: a supersolution of the one-target control problem, at S = 2.

The inequality is proved on boxes by lower bounds over a box; boxes that are not are split until
there are too many, and the share of the volume that is left undecided is told.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial, reduce

import numpy as np
from flint import arb, fmpq
from hypothesis import strategies as st
from numpy.typing import NDArray
from sharprates.theory.claim import Relation
from sharprates.verification import strategies as some
from sharprates.verification.checks.boxes import Array, share_told, subdivide
from sharprates.verification.checks.check import Check, exact, formula, tightened, trial_of
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_losses import last_payments

SLACK = 1e-12
"""More than float64 can add to any end below: some forty operations on numbers below 40."""

RELATIVE = 1e-8
"""The same for what is divided by (p − p')² and by p or 1 − p ≥ `EDGE`."""

EDGE = 1e-3
"""p and p' are taken from [EDGE, 1 − EDGE]."""


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

    @cached_property
    def _linear(self) -> float:
        return 1 - (math.log(2) - self.second)  # 1 − C_0: Ĵ is linear from here on

    def is_linear(self, p: Array) -> NDArray[np.bool_]:
        """Whether Ĵ(p) = (1−p)τ_2 from p on."""
        return (p > self._linear) & (self.scale == 1)

    def value(self, p: Array) -> Array:
        """Ĵ(p)."""
        small = np.clip(np.minimum(p, 1 - p), 0, 0.5)
        return self._value(p, small, np.log1p(-small))

    def _value(self, p: Array, small: Array, logarithm: Array) -> Array:
        curve = -(1 - small) * logarithm - (1 - math.log(2)) * small
        bent = curve - self._fall * p
        found: Array = self.scale * np.where(p <= self._linear, bent, (1 - p) * self.second)
        return found

    @cached_property
    def _fall(self) -> float:
        return self._linear - 1 - math.log(self._linear)

    def value_and_slope(self, p: Array) -> tuple[Array, Array]:
        """Ĵ(p) and Ĵ′(p)."""
        small = np.clip(np.minimum(p, 1 - p), 0, 0.5)
        logarithm = np.log1p(-small)
        rise = logarithm + math.log(2)
        bent = np.where(p <= 0.5, rise, -rise) - self._fall
        slope: Array = self.scale * np.where(p <= self._linear, bent, -self.second)
        return self._value(p, small, logarithm), slope

    def bend(self, low: Array, high: Array) -> Array:
        """The largest −Ĵ″ on [low, high]: 1/max(p, 1−p), and 0 where Ĵ is linear."""
        right = np.where(low < self._linear, 1 / low, 0.0)
        found: Array = self.scale * np.where(
            high < 0.5, 1 / (1 - high), np.where(low > 0.5, right, 2.0)
        )
        return found

    def tangents(self, p: Array, *points: Array) -> list[Array]:
        """T(q) = Ĵ(p) + Ĵ′(p)(q − p) at some points q."""
        value, slope = self.value_and_slope(p)
        return [value + slope * (q - p) for q in points]


def _phi(x: Array) -> Array:
    """φ(x) = x − 1 − log x, accurate near 1."""
    found: Array = (x - 1) - np.log1p(x - 1)
    return found


def gap(start: Start, p: Array, q: Array, theta: Array) -> Array:
    """Right minus left of the inequality at points, u_a = τ_aθ; it must not be negative.

    Right minus left is Σ p'_a min(u_a, φ_a) − θT(p') + Ĵ(p')θ'. At a given θ = min u_a/τ_a it is
    least where both u_a = τ_aθ, since it grows with u_a, so u enters by θ alone.

    Args:
        start: the start.
        p: in (0, 1).
        q: p', in (0, 1).
        theta: in (0, 1].
    """
    (tangent,) = start.tangents(p, q)
    found: Array = -theta * tangent
    most = np.zeros_like(p)
    for phi, tau, share in (
        (_phi(p / q), start.first, q),
        (_phi((1 - p) / (1 - q)), start.second, 1 - q),
    ):
        found += share * np.minimum(tau * theta, phi)
        most = np.maximum(most, phi / tau)
    found += start.value(q) * np.maximum(theta - most, 0)
    return found


def proved(start: Start, box: Array) -> NDArray[np.bool_]:
    """Whether the inequality is proved on a whole box.

    On the points where φ_1 ≥ τ_1θ or not, and φ_2 ≥ τ_2θ or not, the gap has four formulas, smooth
    but for a bend of Ĵ; a box is proved if each formula that occurs on it is not negative there.

    Args:
        start: the start.
        box: [n, 3, 2], ends of p, p' and θ, within (0, 1), (0, 1) and [0, 1].

    Returns:
        [n].
    """
    (a, b), (c, d), (least, most) = box[:, 0].T, box[:, 1].T, box[:, 2].T
    below, above = [], []
    for low, high, tau in (
        (a / d, b / c, start.first),
        ((1 - b) / (1 - c), (1 - a) / (1 - d), start.second),
    ):
        ends = _phi(low), _phi(high)  # φ falls to 0 at 1 and rises from there
        smallest = np.where((low <= 1) & (high >= 1), 0.0, np.minimum(*ends))
        below.append(smallest - SLACK <= tau * most)
        above.append(np.maximum(*ends) + SLACK >= tau * least)
    found: NDArray[np.bool_] = np.ones(len(box), dtype=np.bool_)
    for occurs, holds in (
        (below[0] & below[1], _both_below),
        (above[0] & below[1], partial(_one_above, first=True)),
        (below[0] & above[1], partial(_one_above, first=False)),
        (above[0] & above[1], _both_above),
    ):
        asked = np.flatnonzero(occurs & found)
        found[asked] = holds(start, box[asked])
    return found


def _psi(x: Array) -> Array:
    """φ(1 + x)/x² = ∫_0^1 s/(1 + sx) ds, which falls with x; by its series near 0."""
    near = np.abs(x) < 1e-3
    apart = np.where(near, 1.0, x)
    found: Array = np.where(
        near, 1 / 2 - x / 3 + x**2 / 4 - x**3 / 5, (apart - np.log1p(apart)) / apart**2
    )
    return found


def _both_below(start: Start, box: Array) -> NDArray[np.bool_]:
    """Of Σ p'_aφ_a/θ − (T − Ĵ(p')) − Ĵ(p') max φ_a/(τ_aθ), which is 0 on p = p'.

    All three terms are (p − p')² times what is bounded here: φ_a = (p − p')²ψ_a/p'_a², and
    T − Ĵ(p') is at most half of the largest −Ĵ″ between p and p' (Ĵ is C¹). Where p and p' are
    apart, its own range over the box is the better bound.
    """
    (a, b), (c, d), (_, most) = box[:, 0].T, box[:, 1].T, box[:, 2].T
    first, second = _psi((b - c) / c) / d, _psi((d - a) / (1 - d)) / (1 - c)
    # Ĵ is concave and 0 at 0 and 1, so that Ĵ(p')/p' falls and Ĵ(p')/(1−p') grows
    shares = 1 - start.value(c) / (c * start.first), 1 - start.value(d) / ((1 - d) * start.second)
    bracket = np.minimum(first * shares[0] + second, first + second * shares[1])
    bend = start.bend(np.minimum(a, c), np.maximum(b, d)) / 2
    apart = np.maximum(np.maximum(c - b, a - d), 0)
    # T grows away from p = p' and is linear in p', so it is largest at a corner; Ĵ least at an end
    largest = reduce(np.maximum, [*start.tangents(a, c, d), *start.tangents(b, c, d)])
    rise = largest - np.minimum(start.value(c), start.value(d)) + SLACK
    with np.errstate(divide="ignore"):  # ∞ where they meet
        bend = np.minimum(bend, rise / apart**2)
    inside = np.minimum(*shares) >= -SLACK  # the second one is 0 where Ĵ is linear
    found: NDArray[np.bool_] = inside & (bracket / most >= (1 + RELATIVE) * bend + RELATIVE)
    return found


def _one_above(start: Start, box: Array, first: bool) -> NDArray[np.bool_]:
    """Of p'_aτ_a + p'_bφ_b/θ − T(p'), a the first symbol or the second, b the other one.

    It falls with θ. Its slope in p is (p' − p)(−Ĵ″(p) − 1/(θp_b)), and −Ĵ″ ≤ scale/max(p, 1−p), so
    over p it is least at the end next to p', or on p = p'. In p' it is convex, above its tangents.
    """
    (a, b), (c, d), (_, most) = box[:, 0].T, box[:, 1].T, box[:, 2].T

    def tangent(p: Array, q: Array) -> tuple[Array, Array]:
        """Value and slope in p' at p' = q."""
        if first:
            free, other = q * start.first, (q - p) + (1 - q) * np.log((1 - q) / (1 - p))
            change = start.first + np.log((1 - p) / (1 - q)) / most
        else:
            free, other = (1 - q) * start.second, (p - q) + q * np.log(q / p)
            change = -start.second + np.log(q / p) / most
        value, slope = start.value_and_slope(p)
        return free + other / most - (value + slope * (q - p)), change - slope

    def least(p: Array | None, low: Array, high: Array) -> Array:
        """A lower bound over p' in [low, high] at this p, or on p = p'; ∞ if there are none."""
        q = (low + high) / 2
        value, slope = tangent(q if p is None else p, q)
        return np.where(low <= high, value - np.abs(slope) * (high - low) / 2, np.inf)

    parts = (
        least(a, c, np.minimum(d, a)),
        least(b, np.maximum(c, b), d),
        least(None, np.maximum(a, c), np.minimum(b, d)),
    )
    lowest = reduce(np.minimum, parts)
    if not first:  # T = p'_2τ_2 there, and p'_1φ_1 ≥ 0 is left
        lowest = np.where(start.is_linear(a), np.inf, lowest)
    found: NDArray[np.bool_] = (start.scale * most <= 1) & (lowest >= SLACK / most)
    return found


def _both_above(start: Start, box: Array) -> NDArray[np.bool_]:
    """Of Σ p'_aτ_a − T(p'): linear in p', and T grows away from p = p', so least at a corner."""
    (a, b), (c, d) = box[:, 0].T, box[:, 1].T
    corners = [
        q * start.first + (1 - q) * start.second - tangent
        for p in (a, b)
        for q, tangent in zip((c, d), start.tangents(p, c, d), strict=True)
    ]
    found: NDArray[np.bool_] = reduce(np.minimum, corners) >= SLACK
    return found


def subdivide_slab(start: Start, p: tuple[float, float], boxes: int) -> tuple[float, float]:
    """The largest violation at the centre of a box, and the share of the volume left undecided.

    Args:
        start: the start.
        p: the slab of p.
        boxes: stop when more than so many are undecided.
    """

    def look(some: Array, turn: int) -> tuple[NDArray[np.bool_], Array, NDArray[np.int64]]:
        return proved(start, some), gap(start, *some.mean(2).T), np.full(len(some), turn % 3)

    whole: Array = np.array([[p, (EDGE, 1 - EDGE), (0, 1)]], dtype=np.float64)
    return subdivide(whole, look, boxes, SLACK)


STARTS = (Fraction(1, 2), Fraction(1, 3), Fraction(9, 50))


def _slabs(count: int) -> list[Example]:
    ends = np.linspace(EDGE, 1 - EDGE, 9)
    return [
        Example.of(p0=p0, p=(float(a), float(b)), boxes=min(3000 * count, 600_000))
        for p0 in STARTS
        for a, b in itertools.pairwise(ends)
    ]


def _inequality(example: Example, _: Mutant, scale: float = 1.0) -> Trial:
    """No centre of a box violates it; the undecided share is told, not judged."""
    start = Start.at(example["p0"], scale)
    violation, undecided = subdivide_slab(start, example["p"], example["boxes"])
    sides = ((violation, SLACK), (undecided, 1.0))
    return trial_of(example, Relation.UPPER, sides, counts=True)


def _undecided(trials: list[Trial]) -> str:
    return f"{share_told(trials)} of (p, p', θ) is undecided"


def _start(example: Example, mutant: Mutant) -> Trial:
    """Φ at the start, H − Ĵ(p_0), is at most ½ (a bound on E Y_+, so d/4 at d = 2)."""
    p0 = arb(example["p0"].numerator) / example["p0"].denominator
    entropy = -p0 * p0.log() - (1 - p0) * (1 - p0).log()
    if example["p0"] >= Fraction(22, 125):  # 0.176
        bend = 1 - (2 * (1 - p0)).log()
        curve = -(1 - p0) * (1 - p0).log() - (1 - arb(2).log()) * p0
        entropy = entropy - (curve - (bend - 1 - bend.log()) * p0)
    value = formula("E9", None, {"d": 2}, mutant)
    return trial_of(example, Relation.UPPER, [(entropy, value)], counts=True)


def _martingale(example: Example, mutant: Mutant) -> Trial:
    """E Y_+ of the posteriors of a bit X, the last token, as the others are shown one by one."""
    it = exact(example.law)
    payments = last_payments(it.pmf, it.marginal, it.S)
    total = sum((mass * paid for mass, paid in payments if paid > 0), fmpq(0))
    value = formula("E9", None, {"d": 2}, mutant)
    return trial_of(example, Relation.UPPER, [(total, value)], counts=total > 0)


CHECKS = (
    Check(
        "E9",
        "the supersolution's inequality on boxes of (p, p', θ), θ the budgets' smaller share",
        _slabs,
        _inequality,
        method=Method.TESTED,
        mutants=(Mutant("1.5 Ĵ for Ĵ", trial=partial(_inequality, scale=1.5)),),
        rated=False,
        note=_undecided,
    ),
    Check(
        "E9",
        "the supersolution at the start",
        lambda count: [Example.of(p0=Fraction(k, 2 * count)) for k in range(1, count + 1)],
        _start,
        mutants=(tightened("E9"),),
        rated=False,
    ),
    Check(
        "E9",
        "the control problem's payoff for martingales of a bit",
        st.one_of(some.dense_laws(2, 3, 3), some.sparse_laws(2, 4, 2)).filter(
            lambda law: bool((law.rows[:, -1] < 2).all())
        ),
        _martingale,
        edges={"copies": some.family_experiment("copies:2:2")},
        mutants=(tightened("E9"),),
        rated=False,
    ),
)
