"""The claims that bound TV, as functions of the number of steps K.

The steps are equal, w_k = 1/K (equidistant in α), which is worst-case optimal (E6); E2
alone is about Euler on the uniform grid of the constant-rate clock. All are evaluated in balls, but
E5, whose rank distance is float64, and what is evaluated at the weights of another schedule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scipy.optimize import minimize_scalar
from sharprates.samplers.errors import InputError
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import FLOAT, Arithmetic, Number
from sharprates.theory.registry import CLAIMS
from sharprates.theory.setting import Setting
from sharprates.verification.arithmetic import BALL, ball, root
from sharprates.verification.planning.question import MOST_STEPS, Question

MOST_TERMS = 4_000_000
"""Of sums over steps and tokens in plain Python: a few seconds."""
_MOST_WEIGHTS = 1_000_000
"""Steps whose weights are written down."""
_MOST_SYMBOLS = 32
"""Up to this S, v_S of X3 is computed."""
_RANK_LENGTH = 1024
"""Up to this d, E5 is also evaluated at K < d, which takes K·d operations: seconds in all."""

Role = Literal["enough", "needed"]
"""Steps that are enough for every law that is covered, or that some law needs."""


@dataclass(frozen=True)
class BoundCurve:
    """A claim about TV as a function of the number of steps.

    Attributes:
        claim: its id.
        form: name of the claim's variant that is used, or ``main``.
        at: K → the bound; None where the claim does not apply, or is not evaluated.
        why_not: K → why the claim does not apply, None where it does.
        role: of the K at which the bound falls to ε.
        arithmetic: the number type.
        detail: K → parameters chosen for it: the horizon T, or the size g of groups.
        least: smallest K at which it is evaluated.
        most: largest K at which it is evaluated.
    """

    claim: str
    form: str
    at: Callable[[int], Number | None]
    why_not: Callable[[int], str | None]
    role: Role = "enough"
    arithmetic: Arithmetic = BALL
    detail: Callable[[int], Mapping[str, float]] = lambda _: {}
    least: int = 1
    most: int = MOST_STEPS


_EULER: Mapping[str, Any] = {
    "sampler": "euler",
    "clock": "constant",
    "grid": "uniform",
    "has_leftover": True,
}
_EQUAL_STEPS: Mapping[str, Any] = {"sampler": "ancestral", "equal_steps": True}


def _curve(
    ask: Question, claim: str, form: str, values: Callable[[int], Mapping[str, Any]], **more: Any
) -> BoundCurve:
    """A claim at the values that K gives; what is about the exact denoiser gets the error on top.

    Args:
        ask: the question.
        claim: its id.
        form: of the claim.
        values: K → values of symbols beside d, S and K.
        more: attributes of the curve.
    """
    variant = None if form == "main" else form

    def why_not(steps: int) -> str | None:
        if curve.role == "needed":  # some law suffers that, whatever the sampler
            return None
        facts = _EULER if claim == "E2" else _EQUAL_STEPS
        # No hypothesis asks more of S than S ≥ 2, so that an unknown one may be anything.
        return CLAIMS[claim].applies(
            Setting(ask.length, ask.vocabulary or 2, steps, **facts), variant
        )

    def at(steps: int) -> Number | None:
        if not curve.least <= steps <= curve.most or why_not(steps) is not None:
            return None
        given = {"d": ask.length, "S": ask.vocabulary, "K": steps, **values(steps)}
        return CLAIMS[claim].value(given, curve.arithmetic, variant=variant) + error

    curve = BoundCurve(claim, form, at, why_not, **more)
    added = 0.0 if curve.role == "needed" or claim in ("E2", "E3", "B1") else ask.score_error
    error = ball(added) if curve.arithmetic is BALL else added
    return curve


def upper_bounds(ask: Question) -> tuple[BoundCurve, ...]:
    """E2, E3, B1, E5, E7, E8, E11, KL2 and KL7 at equal steps, for every law that fits.

    Raises:
        InputError: if nothing bounds Ī.
    """
    if ask.information is None and ask.vocabulary is None:
        raise InputError(
            "vocab: needed where nothing bounds the information of the data: give --vocab S"
        )

    def information(_: int) -> dict[str, Any]:
        # Ī ≤ log S, enclosed.
        if ask.information is not None:
            return {"I_bar": ball(ask.information)}
        return {"I_bar": BALL.log(BALL.rational(ask.vocabulary or 1))}

    def error(_: int) -> dict[str, Any]:
        return {"epsilon_w": ball(ask.score_error)}

    return (
        _euler(ask),
        _curve(ask, "E3", "equal-steps", error),
        *([_curve(ask, "B1", "equal-steps", error)] if ask.vocabulary else []),
        rank_bound(ask),
        _curve(ask, "E7", "main" if ask.vocabulary else "information", information),
        _curve(ask, "E8", "step-size", lambda K: {"W": BALL.rational(1, K), **information(K)}),
        *_first_order(ask),
        _curve(ask, "KL2", "equal-steps-tv", information),
        _curve(ask, "KL7", "equal-steps-tv", information),
    )


def _first_order(ask: Question) -> tuple[BoundCurve, ...]:
    """E11, at the best constant known for S; of many symbols E7 has almost the same one."""
    if ask.length < 2 or not 2 <= (ask.vocabulary or 0) <= _MOST_SYMBOLS:
        return ()
    return (_curve(ask, "E11", "main" if ask.vocabulary == 2 else "symbols", lambda _: {}),)


def _euler(ask: Question) -> BoundCurve:
    """E2 at the horizon that is best for K: the formula's minimum over T, found numerically."""

    def horizon(steps: int) -> float:
        def value(T: float) -> float:
            given = {"d": ask.length, "K": steps, "T": T, "epsilon_1": 0.0}
            return float(CLAIMS["E2"].value(given, FLOAT))

        # d·e^−T is below any ε from 60 above log d on.
        bounds = (1e-9, math.log(ask.length) + 60)
        found = minimize_scalar(value, bounds=bounds, method="bounded", options={"xatol": 1e-9})
        return float(found.x)

    def values(steps: int) -> dict[str, Any]:
        return {"T": ball(horizon(steps)), "epsilon_1": ball(ask.score_error)}

    return _curve(ask, "E2", "main", values, detail=lambda K: {"T": horizon(K)})


def rank_bound(ask: Question, least: int | None = None) -> BoundCurve:
    """E5 in float64: by Ī or log S, and by the curve h where it is known; the smaller counts.

    Args:
        ask: the question.
        least: smallest K; by default 1 for short sequences, else d.
    """
    form = "equal-steps-vocabulary" if ask.information is None else "equal-steps-information"
    forms = [] if ask.vocabulary is None else [form]  # both use log S
    forms += [] if ask.curve is None else ["equal-steps-entropy"]
    values = {"h": ask.curve, "I_bar": ask.information}
    first = least or (1 if ask.length <= _RANK_LENGTH else ask.length)
    parts = [
        _curve(ask, "E5", form, lambda _: values, arithmetic=FLOAT, least=first) for form in forms
    ]

    def at(steps: int) -> Number | None:
        return min((value for one in parts if (value := one.at(steps)) is not None), default=None)

    def why_not(steps: int) -> str | None:
        return parts[0].why_not(steps) if parts else "needs S, or the information curve h"

    return BoundCurve("E5", " or ".join(forms), at, why_not, arithmetic=FLOAT, least=first)


def lower_bounds(ask: Question) -> tuple[BoundCurve, ...]:
    """L1, L3 and L6 for every K-step law, at the group sizes that S has room for.

    L3 takes its best g ≤ d tokens and leaves the others constant, with b = ⌊S^{1/(g−1)}⌋; L6 takes
    groups of g tokens with S ≥ 2^{g−1}. They hold for the exact denoiser: whatever the score error
    may be, none at all is among the possible ones.
    """
    if ask.vocabulary is None:
        return ()

    def lower(claim: str, values: Mapping[str, int], **detail: int) -> BoundCurve:
        return _curve(
            ask,
            claim,
            "every-law",
            lambda _: {**values, **detail},
            role="needed",
            detail=lambda _: detail,
        )

    # g ≤ 1 + log2 S is the length of S in bits.
    sizes = range(2, min(ask.length, ask.vocabulary.bit_length()) + 1)
    return (
        lower("L1", {}),
        *(lower("L3", {"d": g}, g=g, b=root(ask.vocabulary, g - 1)) for g in sizes),
        *(lower("L6", {}, g=g) for g in sizes),
    )


def schedule_bounds(ask: Question, law: Callable[[int], StepLaw]) -> tuple[BoundCurve, ...]:
    """E3, E5, E8 and L1 at the weights of any schedule, leftover included, in float64.

    Args:
        ask: the question; S must be known.
        law: K → the schedule's step law.

    Raises:
        InputError: without S.
    """
    if ask.vocabulary is None:
        raise InputError("vocab: needed for the bounds of a schedule")
    known = {"I_bar": math.log(ask.vocabulary), "epsilon_w": ask.score_error}

    def curve(claim: str, form: str, terms: int, role: Role = "enough") -> BoundCurve:
        return _curve(
            ask,
            claim,
            form,
            lambda K: {"w": law(K).weights.tolist(), **known},
            role=role,
            arithmetic=FLOAT,
            most=min(_MOST_WEIGHTS, max(1, MOST_TERMS // terms)),
        )

    return (
        curve("E3", "main", ask.length),
        curve("E5", "vocabulary", ask.length),
        curve("E8", "coarse", 1),
        curve("L1", "main", 1, "needed"),
    )
