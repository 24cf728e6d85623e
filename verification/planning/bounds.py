"""What each bound asks for, and what no sampler can do without: claims inverted in the steps K.

The law is the uniform one, w_k = 1/K (steps equidistant in α), which is worst-case optimal (E6); E2
alone is about Euler on the uniform grid of the constant-rate clock. Step counts come from inverting
the claims' own formulas. All are evaluated in balls, so that the count is certified, but E5, whose
rank distance is float64, and what is evaluated at the weights of another schedule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from scipy.optimize import minimize_scalar
from sharprates.samplers.errors import InputError
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import FLOAT, Arithmetic, Number
from sharprates.theory.registry import CLAIMS
from sharprates.theory.setting import Setting
from sharprates.verification.arithmetic import BALL, ball, precision
from sharprates.verification.quantities.float64 import root

BITS = 128
MOST_STEPS = 10**18
"""A bound that is still above ε at so many steps is taken never to reach it."""

Role = Literal["enough", "needed"]
"""Steps that are enough for every law that is covered, or that some law needs."""


def smallest_steps(
    enough: Callable[[int], bool], guess: int = 1, most: int = MOST_STEPS
) -> int | None:
    """A K ≥ 1 with enough(K) and, unless K = 1, not enough(K − 1); both are evaluated.

    It is the smallest of all if `enough` stays true once it is.

    Args:
        enough: whether K steps do.
        guess: where to begin.
        most: largest K to try.

    Returns:
        K, or None if nothing up to `most` does.
    """
    low, high, stride = 0, max(1, min(guess, most)), 1
    if enough(high):
        while high > 1:
            probe = max(1, high - stride)
            if not enough(probe):
                low = probe
                break
            high, stride = probe, 2 * stride
    else:
        while True:
            low = high
            if low == most:
                return None
            high = min(most, low + stride)
            if enough(high):
                break
            stride *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        length: d.
        vocabulary: S; None if unknown.
        tv: ε, in (0, 1).
        score_error: e ≥ 0, which takes part of ε. E2 and E3 add it, as ε_1 and ε_w, and H2 as
            ε_FHS. The other upper bounds are about the exact denoiser: for them e is the error
            summed along the sampler's own contexts, which the triangle inequality adds.
    """

    length: int
    vocabulary: int | None
    tv: float
    score_error: float = 0.0

    def __post_init__(self) -> None:
        for name, size in (("length", self.length), ("vocab", self.vocabulary)):
            if size is not None and size < 1:
                raise InputError(f"{name}: must be at least 1, got {size}")
        if not 0 < self.tv < 1:
            raise InputError(f"tv: must lie between 0 and 1, got {self.tv:g}")
        if not 0 <= self.score_error < math.inf:
            raise InputError(f"score-error: must be a number ≥ 0, got {self.score_error:g}")


@dataclass(frozen=True)
class Knowledge:
    """What is known of the data law beyond d and S, in nats.

    Attributes:
        information: Ī or a bound on it; by default log S.
        curve: h_0..h_{d−1} or bounds on them.
    """

    information: float | None = None
    curve: tuple[float, ...] | None = None


NOTHING = Knowledge()


@dataclass(frozen=True)
class Bound:
    """A claim about TV as a function of the number of steps.

    Attributes:
        claim: its id.
        role: of its inversion.
        form: name of the claim's variant that is used, or ``main``.
        arithmetic: the number type.
        at: K → the bound; None where the claim does not apply, or is not evaluated.
        detail: K → parameters chosen for it: the horizon T, or the size g of groups.
        most: largest K at which it is evaluated.
        least: smallest K at which it is evaluated.
    """

    claim: str
    role: Role
    form: str
    arithmetic: Arithmetic
    at: Callable[[int], Number | None]
    detail: Callable[[int], Mapping[str, float]] = lambda _: {}
    most: int = MOST_STEPS
    least: int = 1


@dataclass(frozen=True)
class Row:
    """What one claim says about the number of steps.

    Attributes:
        claim: its id.
        role: ``enough`` or ``needed``; fewer than are needed are forbidden.
        steps: K; None where the claim gives none.
        reason: why there is none, or may be fewer.
        form: which of the claim's formulas was inverted.
        arithmetic: name of the number type.
        detail: parameters chosen on the way.
    """

    claim: str
    role: Role
    steps: int | None
    reason: str | None
    form: str
    arithmetic: str
    detail: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """As JSON, without the claim's id."""
        return {
            "role": self.role,
            "steps": self.steps,
            "reason": self.reason,
            "form": self.form,
            "arithmetic": self.arithmetic,
            "detail": dict(self.detail),
        }


def invert(bound: Bound, ask: Question, guess: int = 1) -> Row:
    """The smallest K at which a bound is at most ε; in balls, with certainty.

    Args:
        bound: an upper bound, or a lower one, which forbids the K at which it is above ε.
        ask: the question.
        guess: where to begin.
    """

    def enough(steps: int) -> bool:
        value = bound.at(steps)
        if value is None:
            return False
        # What is not certainly above ε is not forbidden.
        return bool(value <= ask.tv) if bound.role == "enough" else not bool(value > ask.tv)

    steps, reason = None, None
    if bound.role == "enough" and ask.score_error >= ask.tv:
        reason = f"a score error of {ask.score_error:g} leaves nothing of ε = {ask.tv:g}"
    else:
        with precision(BITS):
            steps = smallest_steps(enough, guess, bound.most)
        if steps is None:
            reason = _why_not(bound, ask)
        elif steps == bound.least > 1:
            reason = f"K ≥ {steps} only: is not evaluated below"
    detail = {} if steps is None else bound.detail(steps)
    return Row(bound.claim, bound.role, steps, reason, bound.form, bound.arithmetic.name, detail)


# ── upper bounds ────────────────────────────────────────────────────────────────────────────────

_FACTS: Mapping[str, Mapping[str, Any]] = {
    "E2": {"sampler": "euler", "clock": "constant", "grid": "uniform", "has_leftover": True},
}
_UNIFORM: Mapping[str, Any] = {"sampler": "ancestral", "uniform_law": True}
_ADD_THE_ERROR = ("E2", "E3")
MOST_TERMS = 4_000_000
"""Of sums over steps and tokens in plain Python: a few seconds."""
_RANK_LENGTH = 1024
"""Up to this d, E5 is also evaluated at K < d, which takes K·d operations: seconds in all."""


def _setting(ask: Question, claim: str, steps: int) -> Setting:
    # No hypothesis asks more of S than S ≥ 2, so that an unknown one may be anything.
    return Setting(ask.length, ask.vocabulary or 2, steps, **_FACTS.get(claim, _UNIFORM))


def _variant(form: str) -> str | None:
    return None if form == "main" else form


def _why_not(bound: Bound, ask: Question) -> str:
    setting = _setting(ask, bound.claim, MOST_STEPS)
    reason = CLAIMS[bound.claim].applies(setting, _variant(bound.form))
    if reason is None and bound.most < MOST_STEPS:
        return f"is above ε = {ask.tv:g} up to K = {bound.most}, and is not evaluated beyond"
    return reason or f"is above ε = {ask.tv:g} at any number of steps"


def _upper(
    ask: Question,
    claim: str,
    form: str,
    values: Callable[[int], dict[str, Any]],
    arithmetic: Arithmetic = BALL,
) -> Bound:
    """A bound at the uniform law, or E2; what is about the exact denoiser gets the error on top."""
    inside = claim in _ADD_THE_ERROR
    error = ball(ask.score_error) if arithmetic is BALL else ask.score_error

    def at(steps: int) -> Number | None:
        if CLAIMS[claim].applies(_setting(ask, claim, steps), _variant(form)) is not None:
            return None
        given = {"d": ask.length, "S": ask.vocabulary, "K": steps, **values(steps)}
        value = CLAIMS[claim].value(given, arithmetic, variant=_variant(form))
        return value if inside else value + error

    return Bound(claim, "enough", form, arithmetic, at)


def _euler(ask: Question) -> Bound:
    """E2 at the horizon that is best for K: the formula's minimum over T, found numerically."""
    error = ball(ask.score_error)

    def horizon(steps: int) -> float:
        def value(T: float) -> float:
            given = {"d": ask.length, "K": steps, "T": T, "epsilon_1": 0.0}
            return float(CLAIMS["E2"].value(given, FLOAT))

        # d·e^−T is below any ε from 60 above log d on.
        bounds = (1e-9, math.log(ask.length) + 60)
        found = minimize_scalar(value, bounds=bounds, method="bounded", options={"xatol": 1e-9})
        return float(found.x)

    def values(steps: int) -> dict[str, Any]:
        return {"T": ball(horizon(steps)), "epsilon_1": error}

    return replace(_upper(ask, "E2", "main", values), detail=lambda K: {"T": horizon(K)})


def rank_bound(ask: Question, known: Knowledge, least: int | None = None) -> Bound:
    """E5 in float64: by Ī or log S, and by the curve where there is one; the smaller counts.

    It is evaluated from K = `least` on: by default from 1 for short sequences, else from d.
    """
    information = math.log(ask.vocabulary or 2) if known.information is None else known.information
    forms = ["uniform-vocabulary" if known.information is None else "uniform-information"]
    if ask.vocabulary is None:
        forms = []  # these two use log S
    if known.curve is not None:
        forms.append("uniform-entropy")
    values = {"h": known.curve, "I_bar": information}
    parts = [_upper(ask, "E5", form, lambda _: values, FLOAT) for form in forms]
    first = least or (1 if ask.length <= _RANK_LENGTH else ask.length)

    def at(steps: int) -> Number | None:
        if steps < first or not parts:
            return None
        return min(value for part in parts if (value := part.at(steps)) is not None)

    return Bound("E5", "enough", " or ".join(forms), FLOAT, at, least=first)


def upper_bounds(ask: Question, known: Knowledge = NOTHING) -> tuple[Bound, ...]:
    """E2, E3, E5, E7, E8 and KL2 as functions of K.

    Args:
        ask: the question.
        known: of the data law; by default nothing: the bounds then hold for every law.
    """
    if known.information is None and ask.vocabulary is None:
        raise InputError("vocab: needed where nothing bounds the information of the data")

    def information(_: int) -> dict[str, Any]:
        # Ī ≤ log S, enclosed.
        if known.information is not None:
            return {"I_bar": ball(known.information)}
        return {"I_bar": BALL.log(BALL.rational(ask.vocabulary or 1))}

    return (
        _euler(ask),
        _upper(ask, "E3", "uniform", lambda _: {"epsilon_w": ball(ask.score_error)}),
        rank_bound(ask, known),
        _upper(ask, "E7", "main" if ask.vocabulary else "information", information),
        _upper(ask, "E8", "step-size", lambda K: {"W": BALL.rational(1, K), **information(K)}),
        _upper(ask, "KL2", "uniform-tv", information),
    )


# ── lower bounds ────────────────────────────────────────────────────────────────────────────────


def lower_bounds(ask: Question) -> tuple[Bound, ...]:
    """L1, L3 and L6 for every K-step law, at the group sizes that S has room for.

    L3 takes its best g ≤ d tokens and leaves the others constant, with b = ⌊S^{1/(g−1)}⌋; L6 takes
    groups of g tokens with S ≥ 2^{g−1}. They hold for the exact denoiser: whatever the score error
    may be, none at all is among the possible ones.
    """
    if ask.vocabulary is None:
        return ()
    # g ≤ 1 + log2 S is the length of S in bits.
    sizes = range(2, min(ask.length, ask.vocabulary.bit_length()) + 1)
    return (
        _lower(ask, "L1", {}, {}),
        *(
            _lower(ask, "L3", {"d": g, "b": b}, {"g": g, "b": b})
            for g in sizes
            for b in [root(ask.vocabulary, g - 1)]
        ),
        *(_lower(ask, "L6", {"g": g}, {"g": g}) for g in sizes),
    )


def _lower(
    ask: Question, claim: str, values: Mapping[str, int], detail: Mapping[str, float]
) -> Bound:
    given = {"d": ask.length, "S": ask.vocabulary, **values}

    def at(steps: int) -> Number:
        return CLAIMS[claim].value({**given, "K": steps}, BALL, variant="every-law")

    return Bound(claim, "needed", "every-law", BALL, at, lambda _: detail)


# ── the weights of any schedule ─────────────────────────────────────────────────────────────────

BY_WEIGHTS: tuple[tuple[str, str, Role], ...] = (
    ("E3", "main", "enough"),
    ("E5", "vocabulary", "enough"),
    ("E8", "coarse", "enough"),
    ("L1", "main", "needed"),
)
"""Claims and forms that take the weights of any step law, leftover included."""
_MOST_WEIGHTS = 1_000_000
"""Steps whose weights are written down."""


def weighed(
    ask: Question, law: Callable[[int], StepLaw], claim: str, form: str, role: Role
) -> Bound:
    """A claim of `BY_WEIGHTS` at the weights of a schedule, K → step law."""
    terms = ask.length if claim in ("E3", "E5") else 1
    most = min(_MOST_WEIGHTS, max(1, MOST_TERMS // terms))
    values = {
        "d": ask.length,
        "S": ask.vocabulary,
        "I_bar": math.log(ask.vocabulary or 1),
        "epsilon_w": ask.score_error,
    }
    added = ask.score_error if role == "enough" and claim not in _ADD_THE_ERROR else 0.0
    applies = CLAIMS[claim].applies(_setting(ask, claim, 1), _variant(form)) is None

    def at(steps: int) -> Number | None:
        if steps > most or not applies:
            return None
        weights = {"w": law(steps).weights.tolist()}
        return added + CLAIMS[claim].value({**values, **weights}, FLOAT, variant=_variant(form))

    return Bound(claim, role, form, FLOAT, at, most=most)


# ── inverted ────────────────────────────────────────────────────────────────────────────────────


def _birthday(ask: Question) -> int:
    """E3's K but for a few: −log ∏(1−j/K) ≈ d(d−1)/(2K) + d³/(6K²), solved to two orders."""
    room = max(-math.log1p(ask.score_error - ask.tv), 1e-300)  # none: `invert` says so
    d = min(ask.length, MOST_STEPS)  # fits a float
    return round(min(MOST_STEPS, d * (d - 1) / (2 * room) + d / 3))


def upper_rows(ask: Question, known: Knowledge = NOTHING) -> tuple[Row, ...]:
    """One inverted upper bound a claim, in the order of the note."""
    bounds = {bound.claim: bound for bound in upper_bounds(ask, known)}
    guesses = {"E3": _birthday(ask)}
    rows = {
        claim: invert(bound, ask, guesses.get(claim, 1))
        for claim, bound in bounds.items()
        if claim != "E5"
    }
    # E5 is never above E7, and near it; far from it E5 is slow.
    rows["E5"] = invert(bounds["E5"], ask, rows["E7"].steps or ask.length)
    return tuple(rows[claim] for claim in bounds)


def lower_rows(ask: Question) -> tuple[Row, ...]:
    """L1, L3 and L6, each at the group size that forbids most."""
    best: dict[str, Row] = {}
    for bound in lower_bounds(ask):
        known = best.get(bound.claim)
        if known is None or known.steps is None:
            best[bound.claim] = invert(bound, ask)
            continue
        with precision(BITS):
            value = bound.at(known.steps)
            forbids_more = value is not None and bool(value > ask.tv)
        if forbids_more:
            best[bound.claim] = invert(bound, ask, known.steps)
    return tuple(best.values())
