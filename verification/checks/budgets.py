"""Checks of the lemmas in X3's proof: at points in balls, and on whole boxes.

Every lemma says that a formula of a few numbers is not negative. It is written once, in operators,
logarithms and maxima, and evaluated in three number types. Laws and sub-laws are given by numbers
in [0, 1] that are free of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.claim import Relation
from sharprates.theory.one_target import one_target_curve
from sharprates.verification.arithmetic import BALL
from sharprates.verification.checks.boxes import Array, Arrays, least, share_told, subdivide
from sharprates.verification.checks.check import Check, trial_of
from sharprates.verification.checks.trial import Example, Mutant, Trial
from sharprates.verification.evidence import Method

# --- the pieces -----------------------------------------------------------------------------------


def _two(at: Arithmetic) -> Number:
    return at.log(at.rational(2))


def kappa(at: Arithmetic) -> Number:
    """κ = 2 log 2 − 1."""
    return 2 * _two(at) - 1


def slope_of_curve(at: Arithmetic, x: Number) -> Number:
    """J′(x) = log 2(1−x) below ½ and −log 2x above."""
    zero = at.rational(0)
    return at.maximum(at.log(2 * (1 - x)), zero) - at.maximum(at.log(2 * x), zero)


def tangent(at: Arithmetic, p: Number, q: Number) -> Number:
    """T = J(p) + J′(p)(q − p)."""
    return one_target_curve(at, p) + slope_of_curve(at, p) * (q - p)


def phi(at: Arithmetic, r: Number) -> Number:
    """φ(r) = r − 1 − log r."""
    return r - 1 - at.log(r)


def loss(at: Arithmetic, p: Number, q: Number) -> Number:
    """f(p, q) = p − q + q log(q/p)."""
    return p - q + q * at.log(q / p)


def counter_loss(at: Arithmetic, p: Number, q: Number) -> Number:
    """F(p, q) = f(1−p, 1−q)."""
    return loss(at, 1 - p, 1 - q)


def sag(at: Arithmetic, p: Number, q: Number) -> Number:
    """δ(p, q) = T − J(q)."""
    return tangent(at, p, q) - one_target_curve(at, q)


def steepness(at: Arithmetic, gamma: Number) -> Number:
    """t = 2κ/(2 − γ)."""
    return 2 * kappa(at) / (2 - gamma)


def least_gamma(at: Arithmetic) -> Number:
    """2 − 2κ/log 2 = 0.885…, at which t = log 2."""
    return 2 - 2 * kappa(at) / _two(at)


def between(at: Arithmetic, share: Number) -> Number:
    """A γ between the least one (share 0) and 1."""
    return 1 - (1 - least_gamma(at)) * (1 - share)


def law_of(shares: Sequence[Number]) -> list[Number]:
    """The law that breaks these shares off a stick, one after the other."""
    law, left = [], None
    for share in shares:
        law.append(share if left is None else left * share)
        left = 1 - share if left is None else left * (1 - share)
    return [*law, left]


def _sum(terms: Sequence[Number]) -> Number:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _up_to(at: Arithmetic, x: Number, z: Number) -> Number:
    """f⁺(x, z): f for z ≥ x, and 0 below."""
    return loss(at, x, at.maximum(x, z))


# --- the lemmas: right minus left -----------------------------------------------------------------


def f1(at: Arithmetic, p: Number, q: Number, factor: float = 1) -> Number:
    """(F1) δ ≤ min(f, F)."""
    return factor * at.minimum(loss(at, p, q), counter_loss(at, p, q)) - sag(at, p, q)


def f2(at: Arithmetic, *v: Number, factor: float = 1) -> Number:
    """(F2) F(p_1, q_1) + F(p_2, q_2) ≤ F(p_1 + p_2, q_1 + q_2) for q_i ≤ p_i, Σp_i ≤ 1."""
    total, share, first, second = v
    p = total * share, total * (1 - share)
    q = p[0] * first, p[1] * second
    parts = counter_loss(at, p[0], q[0]) + counter_loss(at, p[1], q[1])
    return factor * counter_loss(at, p[0] + p[1], q[0] + q[1]) - parts


def f3(at: Arithmetic, p: Number, share: Number, factor: float = 1) -> Number:
    """(F3) δ ≤ κ(p − q) for q ≤ p ≤ ½."""
    p = p / 2
    q = p * share
    return factor * kappa(at) * (p - q) - sag(at, p, q)


def f4(at: Arithmetic, share: Number, q: Number, factor: float = 1) -> Number:
    """(F4) T ≤ q log 2 for p ≤ q."""
    return factor * q * _two(at) - tangent(at, q * share, q)


def _kept(at: Arithmetic, q: Number, gamma: Number) -> Number:
    """1 − θ_1(q), θ_1 = J(q)/(tq)."""
    return 1 - one_target_curve(at, q) / (steepness(at, gamma) * q)


def a3(at: Arithmetic, q: Number, share: Number, factor: float = 1) -> Number:
    """(a3) (2/γ)(1 − θ_1(q)) ≥ ω(q) = min(1, q/(1−q))."""
    gamma = between(at, share)
    return factor * 2 / gamma * _kept(at, q, gamma) - at.minimum(at.rational(1), q / (1 - q))


def a4(at: Arithmetic, ratio: Number, q: Number, share: Number, factor: float = 1) -> Number:
    """(a4) δ ≤ (1 − θ_1(q)) c for p < q with φ(p/q) ≥ t/2."""
    gamma, p = between(at, share), ratio * q
    right = factor * _kept(at, q, gamma) * loss(at, p, q) - sag(at, p, q)
    return at.maximum(right, steepness(at, gamma) / 2 - phi(at, ratio))


def lemma_a(at: Arithmetic, *v: Number, factor: float = 1) -> Number:
    """Lemma A: Σ_D δ ≤ f⁺(1−y, 1−v) + t(v − Q), q_b ≤ p_b, v ∈ [Q, 1], y = Σp_b, Q = Σq_b."""
    share, above, *rest = v
    count = len(rest) // 2
    p = law_of(rest[:count])[:count]
    q = [x * part for x, part in zip(p, rest[count:], strict=True)]
    y, total = _sum(p), _sum(q)
    extra = (1 - total) * above
    sags = _sum([sag(at, x, z) for x, z in zip(p, q, strict=True)])
    steep = factor * steepness(at, between(at, share))
    return _up_to(at, 1 - y, 1 - total - extra) + steep * extra - sags


def third(at: Arithmetic, *v: Number, factor: float = 1) -> Number:
    """(III*) δ ≤ f⁺(1−p, 1−q−b) + ub + (2/γ)(1 − θ_1(q)) c, q ≤ p, u = (2/γ)φ(p/q)."""
    share, p, part, extra = v
    gamma, q = between(at, share), p * part
    b = (1 - q) * extra
    right = _up_to(at, 1 - p, 1 - q - b) + 2 / gamma * phi(at, p / q) * b
    return factor * (right + 2 / gamma * _kept(at, q, gamma) * loss(at, p, q)) - sag(at, p, q)


ROUNDING = 1e-12
"""More than float64 can add to a part of (♦), numbers below 10."""


def diamond(at: Arithmetic, *v: Number, factor: float = 1) -> Number:
    """(♦) Σ_a L_a(η) ≤ (2/γ) Σ_a (q_a − h_a) φ(p_a/q_a) for 0 ≤ h ≤ q, η = Σh_a.

    The right side is least where h takes symbols of large φ first, which is
    max_λ [Σ_a q_a min(φ_a, λ) − λη], with λ one of the φ_a or 0.
    """
    share, eta, *rest = v
    count = len(rest) // 2
    p, q = law_of(rest[:count]), law_of(rest[count:])
    gamma, zero = between(at, share), at.rational(0)
    steep = factor * steepness(at, gamma)
    prices = [phi(at, x / z) for x, z in zip(p, q, strict=True)]
    right = zero
    for price in prices:
        paid = _sum([z * at.minimum(x, price) for x, z in zip(prices, q, strict=True)])
        right = at.maximum(paid - price * eta - _rounding(at), right)
    left = [
        at.maximum(
            tangent(at, x, z) - at.maximum(one_target_curve(at, z), steep * eta) + _rounding(at),
            zero,
        )
        for x, z in zip(p, q, strict=True)
    ]
    return 2 / gamma * right - _sum(left)


def _rounding(at: Arithmetic) -> float:
    return ROUNDING if isinstance(at, Arrays) else 0.0


# --- the checks -----------------------------------------------------------------------------------

EDGE = 1e-3
"""Boxes keep this far from where logarithms are infinite."""

SLACK = 1e-10
"""More than float64 can add to any lemma: some hundred operations on numbers below 10⁴."""

_CUT = (EDGE, 1 - EDGE)
_WHOLE = (0.0, 1.0)
_SIXTIETHS = st.integers(1, 59).map(lambda k: Fraction(k, 60))


@dataclass(frozen=True)
class Lemma:
    """An inequality of X3's proof.

    Attributes:
        name: as the proof has it.
        formula: right minus left, of numbers in [0, 1].
        sizes: numbers of variables at which points are tried.
        tight: a point, in sixtieths, at which little is left.
        box: limits of the variables, where boxes are tried too.
        factor: on a part of the formula, at which it must fail.
        part: what the factor is on.
        boxes: undecided boxes at which the subdivision stops, for each example asked for.
    """

    name: str
    formula: Callable[..., Number]
    sizes: tuple[int, ...]
    tight: tuple[int, ...]
    box: tuple[tuple[float, float], ...] = ()
    factor: float = 0.9
    part: str = "the right side"
    boxes: int = 300

    @property
    def margin(self) -> float:
        """What must be left on a box; the parts of (♦) leave it themselves."""
        return 0.0 if self.name.startswith("(♦)") else SLACK

    def at_a_point(self, example: Example, _: Mutant, factor: Fraction = Fraction(1)) -> Trial:
        """In balls, at one point."""
        values = [BALL.rational(x.numerator, x.denominator) for x in example["v"]]
        chosen = BALL.rational(factor.numerator, factor.denominator)
        gap = self.formula(BALL, *values, factor=chosen)
        return trial_of(example, Relation.LOWER, [(gap, BALL.rational(0))], counts=True)

    def on_boxes(self, example: Example, _: Mutant, factor: float = 1) -> Trial:
        """No centre of a box violates it; the undecided share is told, not judged."""

        def look(boxes: Array, _: int) -> tuple[NDArray[np.bool_], Array, NDArray[np.int64]]:
            low, centre, axis = least(partial(self.formula, factor=factor), boxes)
            return low >= self.margin, centre, axis

        whole = np.array([example["box"]], dtype=np.float64)
        violation, undecided = subdivide(whole, look, example["boxes"], SLACK)
        sides = ((violation, SLACK), (undecided, 1.0))
        return trial_of(example, Relation.UPPER, sides, counts=True)

    def checks(self) -> list[Check]:
        """At points, and on boxes where there are few variables."""
        mutant = f"{self.factor} of {self.part}"
        points = st.sampled_from(self.sizes).flatmap(
            lambda n: st.lists(_SIXTIETHS, min_size=n, max_size=n).map(
                lambda v: Example.of(v=tuple(v))
            )
        )
        altered = partial(self.at_a_point, factor=Fraction(str(self.factor)))
        found = [
            Check(
                "X3",
                f"{self.name} at points",
                points,
                self.at_a_point,
                edges={"tight": Example.of(v=tuple(Fraction(k, 60) for k in self.tight))},
                mutants=(Mutant(mutant, trial=altered),),
                rated=False,
            )
        ]
        if self.box:
            found.append(
                Check(
                    "X3",
                    f"{self.name} on boxes",
                    lambda count: [
                        Example.of(box=self.box, boxes=min(self.boxes * count, 100_000))
                    ],
                    self.on_boxes,
                    method=Method.TESTED,
                    mutants=(Mutant(mutant, trial=partial(self.on_boxes, factor=self.factor)),),
                    rated=False,
                    note=lambda trials: f"{share_told(trials)} is undecided",
                )
            )
        return found


def diamond_from(start: Sequence[float], at: Arithmetic, *v: Number, factor: float = 1) -> Number:
    """(♦) at one law p, given by its shares as in `law_of`; v without them."""
    return diamond(at, *v[:2], *start, *v[2:], factor=factor)


def _of_three(start: tuple[float, float], factor: float, *tight: int) -> Lemma:
    p = ", ".join(f"{x:.3g}" for x in law_of(start))
    name, limits = f"(♦) of three symbols at p = ({p})", (_WHOLE, _WHOLE, _CUT, _CUT)
    return Lemma(name, partial(diamond_from, start), (4,), tight, limits, factor, "t", 900)


LEMMAS = (
    Lemma("(F1)", f1, (2,), (59, 21)),
    Lemma("(F2)", f2, (4,), (49, 59, 1, 59)),
    Lemma("(F3)", f3, (2,), (59, 1), (_CUT, _CUT)),
    Lemma("(F4)", f4, (2,), (1, 59), (_CUT, _CUT)),
    Lemma("(a3)", a3, (2,), (30, 4), (_CUT, _WHOLE)),
    Lemma("(a4)", a4, (3,), (22, 47, 1), (_CUT, _CUT, _WHOLE)),
    Lemma("Lemma A", lemma_a, (4, 6, 8), (1, 56, 58, 1), (_WHOLE, _WHOLE, _CUT, _CUT), part="t"),
    Lemma("(III*)", third, (4,), (30, 30, 58, 2), (_WHOLE, _CUT, _CUT, _WHOLE), boxes=900),
    Lemma(
        "(♦) of two symbols",
        diamond,
        (4,),
        (1, 59, 2, 59),
        (_WHOLE, _WHOLE, _CUT, _CUT),
        0.7,
        "t",
        1800,
    ),
    Lemma(
        "(♦) of three to five symbols", diamond, (6, 8, 10), (1, 21, 39, 59, 39, 1), (), 0.97, "t"
    ),
    _of_three((1 / 3, 1 / 2), 0.5, 2, 36, 38, 59),
    _of_three((0.5, 0.6), 0.6, 2, 31, 29, 1),
    _of_three((0.9, 0.5), 0.8, 1, 56, 1, 56),
)
CHECKS = tuple(check for lemma in LEMMAS for check in lemma.checks())
