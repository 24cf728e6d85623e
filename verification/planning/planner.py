"""How many steps for a total variation ε: what each bound asks for, what none can do without.

Without data the law is the uniform one, w_k = 1/K (steps equidistant in α), which is worst-case
optimal (E6); E2 alone is about Euler on the uniform grid of the constant-rate clock. Step counts
come from inverting the claims' own formulas. All are evaluated in balls, so that the count is
certified, but E5, whose rank distance is float64. With data, TV is exact and K the smallest found.
With a trained model's loss curve, h_m ≤ L_m takes the place of what is known about the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from scipy.optimize import minimize_scalar

from samplers.clock import clock, default_horizon, grid
from samplers.denoiser import Denoiser, ExactDenoiser
from samplers.errors import InputError
from samplers.expansion import first_hitting, tables
from samplers.output_law import TotalVariation, total_variation
from samplers.step_law import StepLaw, step_law
from samplers.target import Target
from theory.arithmetic import FLOAT, Arithmetic, Number
from theory.registry import CLAIMS
from theory.setting import Setting
from verification.arithmetic import BALL, ball, precision
from verification.planning.large_targets import LargeEstimate
from verification.planning.loss_curve import (
    BlockSchedule,
    Label,
    LossCurve,
    best_blocks,
    equal_blocks,
    excess,
    mean_excess,
)
from verification.planning.schedule import Schedule, best_schedule
from verification.profile import profile

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
    """

    claim: str
    role: Role
    form: str
    arithmetic: Arithmetic
    at: Callable[[int], Number | None]
    detail: Callable[[int], Mapping[str, float]] = lambda _: {}
    most: int = MOST_STEPS


@dataclass(frozen=True)
class Row:
    """What one claim says about the number of steps.

    Attributes:
        claim: its id.
        role: ``enough`` or ``needed``; fewer than are needed are forbidden.
        steps: K; None where the claim gives none.
        reason: why there is none.
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
    detail = {} if steps is None else bound.detail(steps)
    return Row(bound.claim, bound.role, steps, reason, bound.form, bound.arithmetic.name, detail)


# ── upper bounds ────────────────────────────────────────────────────────────────────────────────

_FACTS: Mapping[str, Mapping[str, Any]] = {
    "E2": {"sampler": "euler", "clock": "constant", "grid": "uniform", "has_leftover": True},
}
_UNIFORM: Mapping[str, Any] = {"sampler": "ancestral", "uniform_law": True}
_ADD_THE_ERROR = ("E2", "E3")
_MOST_TERMS = 4_000_000
"""Of sums over steps and tokens in plain Python: a few seconds."""
_RANK_LENGTH = 512
"""Up to this d, E5 is also evaluated at K < d, which takes K·d operations."""


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


def _rank(ask: Question, known: Knowledge, least: int | None = None) -> Bound:
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

    return Bound("E5", "enough", " or ".join(forms), FLOAT, at)


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
        _rank(ask, known),
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
            for b in [_root(ask.vocabulary, g - 1)]
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


def _root(S: int, n: int) -> int:
    """⌊S^{1/n}⌋, exactly."""
    low, high = 1, 1 << (S.bit_length() // n + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**n <= S else (low, middle)
    return low


# ── other schedules than the uniform law ─────────────────────────────────────────────────────────

_BY_WEIGHTS: tuple[tuple[str, str, Role], ...] = (
    ("E3", "main", "enough"),
    ("E5", "vocabulary", "enough"),
    ("E8", "coarse", "enough"),
    ("L1", "main", "needed"),
)
"""Claims and forms that take the weights of any step law, leftover included."""
_MOST_WEIGHTS = 1_000_000
"""Steps whose weights are written down."""


def schedule_rows(ask: Question, options: Options) -> dict[str, tuple[Row, ...]]:
    """E3, E5 and E8 at each schedule's own weights, and L1, in float64: name of a schedule → rows.

    Args:
        ask: the question; S must be known.
        options: the schedules. The uniform law is left out.

    Raises:
        InputError: for a bad schedule, or without S.
    """
    if ask.vocabulary is None:
        raise InputError("vocab: needed for the bounds of a schedule")
    laws = schedule_laws(ask.length, options)
    del laws["uniform law"]
    return {
        name: tuple(invert(_weighed(ask, law, *one), ask) for one in _BY_WEIGHTS)
        for name, law in laws.items()
    }


def _weighed(
    ask: Question, law: Callable[[int], StepLaw], claim: str, form: str, role: Role
) -> Bound:
    terms = ask.length if claim in ("E3", "E5") else 1
    most = min(_MOST_WEIGHTS, max(1, _MOST_TERMS // terms))
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


# ── plans ───────────────────────────────────────────────────────────────────────────────────────


def upper_rows(ask: Question, known: Knowledge = NOTHING) -> tuple[Row, ...]:
    """One inverted upper bound a claim, in the order of the note."""
    bounds = {bound.claim: bound for bound in upper_bounds(ask, known)}
    rows = {claim: invert(bound, ask) for claim, bound in bounds.items() if claim != "E5"}
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


@dataclass(frozen=True)
class Exact:
    """The smallest number of steps that was found with exact TV ≤ ε, on one schedule.

    Attributes:
        schedule: clock, grid, rule and last step, or ``uniform law``.
        steps: K without a filling step; None if none was found.
        tv: at K.
        before: at K − 1, found above ε; None at K = 1.
        reason: why there is no K.
        measured: K → TV, all that the search measured.
    """

    schedule: str
    steps: int | None
    tv: TotalVariation | None
    before: TotalVariation | None
    reason: str | None
    measured: Mapping[int, float]

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schedule": self.schedule,
            "steps": self.steps,
            "label": "smallest found",
            "tv": self.tv and self.tv._asdict(),
            "tv_before": self.before and self.before._asdict(),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Estimate:
    """What samples say of the uniform law on K steps.

    Attributes:
        steps: K.
        found: limits of KL and TV.
    """

    steps: int
    found: LargeEstimate

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {"steps": self.steps, "label": "limits from samples", **self.found.to_json()}


@dataclass(frozen=True)
class StepPlan:
    """The answer.

    Attributes:
        ask: the question.
        known: of the data law.
        rows: upper bounds, then lower ones.
        hitting: bound on the first-hitting sampler's TV: the score error, or the exact TV.
        target: name of the data law, if there is one.
        exact: what was found by exact TV.
        schedule: the K-step law of smallest exact TV found.
        estimates: on a law that can only be sampled, from many steps to few.
        level: probability at most that any of their limits is wrong.
        by_schedule: bounds at the weights of other schedules, by their name.
    """

    ask: Question
    known: Knowledge
    rows: tuple[Row, ...]
    hitting: float
    target: str | None = None
    exact: tuple[Exact, ...] = ()
    schedule: Schedule | None = None
    estimates: tuple[Estimate, ...] = ()
    level: float = 0.0
    by_schedule: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)

    @property
    def sampled(self) -> Estimate | None:
        """The fewest steps whose upper limit leaves room for the score error within ε."""
        budget = self.ask.tv - self.ask.score_error
        found = [one for one in self.estimates if one.found.tv_upper <= budget]
        return min(found, key=lambda one: one.steps, default=None)

    @property
    def enough(self) -> Row | None:
        """The upper bound that asks for the fewest parallel steps; E2's rule is Euler."""
        found = [one for one in self.rows if one.role == "enough" and one.steps is not None]
        return min(found, key=lambda one: one.steps or 0, default=None)

    @property
    def needed(self) -> Row | None:
        """The lower bound that forbids most."""
        found = [one for one in self.rows if one.role == "needed" and one.steps is not None]
        return max(found, key=lambda one: one.steps or 0, default=None)

    def to_json(self) -> dict[str, Any]:
        """As JSON: ``{"bounds": {"E3": {"steps": …}, …}, "fhs": {"calls": d}, …}``."""
        enough, needed, best = self.enough, self.needed, self.schedule
        return {
            "length": self.ask.length,
            "vocabulary": self.ask.vocabulary,
            "tv": self.ask.tv,
            "score_error": self.ask.score_error,
            "target": self.target,
            "bounds": {one.claim: one.to_json() for one in self.rows},
            "schedules": {
                name: {one.claim: one.to_json() for one in rows}
                for name, rows in self.by_schedule.items()
            },
            "enough": enough and {"claim": enough.claim, "steps": enough.steps},
            "needed": needed and {"claim": needed.claim, "steps": needed.steps},
            "fhs": {
                "calls": self.ask.length,
                "tv_at_most": self.hitting,
                "enough": self.hitting <= self.ask.tv,
            },
            "exact": [one.to_json() for one in self.exact],
            "estimates": [one.to_json() for one in self.estimates],
            "estimates_level": self.level if self.estimates else None,
            "schedule": best
            and {
                "steps": best.steps,
                "weights": best.weights.tolist(),
                "tv": best.tv._asdict(),
                "uniform_tv": best.uniform._asdict(),
                "gain": best.gain,
                "label": "local minimum found",
            },
        }


def plan(ask: Question, known: Knowledge = NOTHING, options: Options | None = None) -> StepPlan:
    """Steps for a length and a vocabulary.

    Args:
        ask: the question.
        options: schedules whose bounds are wanted beside those of the uniform law.
        known: of the data law. Lower bounds are about some law of that d and S, so they are left
            out as soon as anything is known.

    Raises:
        InputError: if neither S nor a bound on Ī is given.
    """
    by_schedule = schedule_rows(ask, options) if options else {}  # a bad one is found first
    lower = lower_rows(ask) if known == NOTHING else ()
    rows = (*upper_rows(ask, known), *lower)
    return StepPlan(ask, known, rows, ask.score_error, by_schedule=by_schedule)


@dataclass(frozen=True)
class Options:
    """Which schedules to try on a data law.

    Attributes:
        clocks: clock names.
        grids: grid names.
        rules: rule names.
        last_steps: ``leave``, ``fill`` or both.
        horizon: T; by default the clock's.
        delta: early-stopping time.
        most: largest K to try.
        steps: K of the best schedule; by default what the uniform law needs.
        seed: of the search for a schedule.
    """

    clocks: tuple[str, ...] = ()
    grids: tuple[str, ...] = ("uniform",)
    rules: tuple[str, ...] = ("euler", "ancestral")
    last_steps: tuple[str, ...] = ("leave",)
    horizon: float | None = None
    delta: float = 0.0
    most: int = 100_000
    steps: int | None = None
    seed: int = 0


def plan_target(
    target: Target,
    tv: float,
    score_error: float = 0.0,
    denoiser: Denoiser | None = None,
    options: Options | None = None,
) -> StepPlan:
    """Steps for a data law that can be enumerated: bounds with its own Ī and h, and exact TV.

    Args:
        target: the data law.
        tv: ε.
        score_error: e, summed along the sampler's own contexts; taken off ε.
        denoiser: what the sampler is given; by default the exact conditionals. The bounds are about
            those, so they are left out otherwise.
        options: schedules to try beside the uniform law.

    Raises:
        InputError: for a bad number or schedule.
        TooLargeError: if the target is too large.
    """
    options = options or Options()
    ask = Question(target.length, target.vocabulary, tv, score_error)
    laws = schedule_laws(target.length, options)
    table = tables(target, denoiser or ExactDenoiser(target))
    known, rows = NOTHING, tuple[Row, ...]()
    if denoiser is None:
        shape = profile(target)
        curve = tuple(float(h) + shape.error for h in shape.information.clamp(min=0))
        known = Knowledge(max(shape.mutual_information, 0.0) + 2 * shape.error, curve)
        rows = upper_rows(ask, known)

    def measure(law: StepLaw) -> TotalVariation:
        return total_variation(table.law(law), target)

    exact = tuple(search_steps(name, measure, law, ask, options.most) for name, law in laws.items())
    steps = exact[0].steps if options.steps is None else options.steps
    best = best_schedule(table, target, steps, seed=options.seed) if steps is not None else None
    hitting = total_variation(table.at(first_hitting(target.length)), target)
    reached = 0.0 if denoiser is None else hitting.value + hitting.error  # H1
    return StepPlan(ask, known, rows, reached + score_error, target.name, exact, best)


def schedule_laws(length: int, options: Options) -> dict[str, Callable[[int], StepLaw]]:
    """Name of a schedule → K → step law."""
    laws: dict[str, Callable[[int], StepLaw]] = {"uniform law": StepLaw.uniform}
    for clock_name in options.clocks:
        chosen = clock(clock_name)
        horizon = options.horizon or default_horizon(chosen, length)
        for grid_name in options.grids:
            for rule in options.rules:
                for last in options.last_steps:

                    def law(
                        K: int,
                        chosen: Any = chosen,
                        horizon: float = horizon,
                        place: tuple[str, str, str] = (grid_name, rule, last),
                    ) -> StepLaw:
                        times = grid(place[0], chosen, K, horizon, options.delta)
                        return step_law(place[1], chosen, times, place[2])

                    law(2)  # a bad name is found before any work is done
                    laws[f"{clock_name} clock, {grid_name} grid, {rule}, {last}"] = law
    return laws


def search_steps(
    name: str,
    measure: Callable[[StepLaw], TotalVariation],
    law: Callable[[int], StepLaw],
    ask: Question,
    most: int,
) -> Exact:
    """Search the smallest K of a schedule, and measure its neighbour.

    Args:
        name: of the schedule.
        measure: step law → exact TV.
        law: K → step law.
        ask: the question; its score error is taken off ε.
        most: largest K to try.
    """
    budget = ask.tv - ask.score_error
    if budget <= 0:
        why = f"a score error of {ask.score_error:g} leaves nothing of ε = {ask.tv:g}"
        return Exact(name, None, None, None, why, {})
    measured: dict[int, TotalVariation] = {}

    def enough(steps: int) -> bool:
        measured[steps] = measure(law(steps))
        return measured[steps].value + measured[steps].error <= budget

    def points() -> dict[int, float]:
        return {K: measured[K].value for K in sorted(measured)}

    steps = smallest_steps(enough, most=most)
    if steps is None:
        left = law(most).leftover
        masks = -math.expm1(ask.length * math.log1p(-left)) if left < 1 else 1.0
        why = f"TV is {measured[most].value:.3g} at K = {most}"
        if masks > budget / 10:
            why += f", of which masks left over cost {masks:.3g}: raise T, or fill the last step"
        return Exact(name, None, measured[most], None, why, points())
    return Exact(name, steps, measured[steps], measured.get(steps - 1), None, points())


# ── loss curves ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CurvePlan:
    """What a trained model's loss curve says about schedules.

    Attributes:
        ask: the question; its ε matters to `rows` alone.
        known: the bounds on h and Ī that the curve gives.
        steps: K.
        measured: how many of the d losses were measured.
        best: the schedule of at most K blocks with the smallest excess.
        equal: min(K, d) blocks of equal size.
        own: block schedules that were asked for.
        random: mean excess of the blocks that the uniform law on K steps reveals, nats; None where
            K·d is too large to sum over.
        rows: upper bounds on K for ε, from h_m ≤ L_m.
        bound: E5 at K: a bound on the uniform law's TV for the exact denoiser, the score error
            added; None where K < d is too large to sum over.
        bound_label: ``bound``, or ``estimate`` where numbers of tokens were rounded.
    """

    ask: Question
    known: Knowledge
    steps: int
    measured: int
    best: BlockSchedule
    equal: BlockSchedule
    random: float | None
    rows: tuple[Row, ...]
    bound: float | None
    bound_label: Label
    own: tuple[BlockSchedule, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "length": self.ask.length,
            "vocabulary": self.ask.vocabulary,
            "tv": self.ask.tv,
            "score_error": self.ask.score_error,
            "steps": self.steps,
            "measured_losses": self.measured,
            "best_blocks": self.best.to_json(),
            "equal_blocks": self.equal.to_json(),
            "own_blocks": [one.to_json() for one in self.own],
            "uniform_law": {"mean_excess": self.random, "label": self.best.label},
            # Differences of L stand for those of h: Pinsker then gives no bound.
            "tv_of_best_blocks": {"value": self.pinsker, "label": "estimate"},
            "tv_of_uniform_law": {"value": self.bound, "label": self.bound_label},
            "bounds": {
                one.claim: {**one.to_json(), "label": self.bound_label} for one in self.rows
            },
            "fhs": {"calls": self.ask.length, "excess": 0.0},
        }

    @property
    def pinsker(self) -> float:
        """√(excess/2), at most 1."""
        return min(1.0, math.sqrt(max(0.0, self.best.excess) / 2))


def plan_loss_curve(
    curve: LossCurve,
    vocabulary: int | None = None,
    steps: int = 64,
    tv: float = 0.05,
    score_error: float = 0.0,
    own: Sequence[Sequence[int]] = (),
) -> CurvePlan:
    """Rank schedules by a loss curve, and bound the steps for ε by it.

    Args:
        curve: the loss curve.
        vocabulary: S, if known.
        steps: K.
        tv: ε.
        score_error: e of the trained model, along the sampler's own contexts.
        own: block schedules to rank as well.

    Raises:
        InputError: for a number out of range, or blocks that do not sum to d.
    """
    ask = Question(curve.length, vocabulary, tv, score_error)
    # h_0 bounds Ī = h_0 − h_{d−1}.
    known = Knowledge(float(curve.ceiling[0]), tuple(curve.ceiling.tolist()))
    equal = equal_blocks(curve, steps)
    rows = tuple(one for one in upper_rows(ask, known) if one.claim not in ("E2", "E3"))
    summable = steps * curve.length <= _MOST_TERMS
    near = summable or steps >= curve.length  # E5 has a closed form from d on
    value = _rank(ask, known, least=1).at(steps) if near else None
    return CurvePlan(
        ask,
        known,
        steps,
        curve.measured,
        best_blocks(curve, steps),
        equal,
        mean_excess(curve, [1 / steps] * steps) if summable else None,
        rows,
        None if value is None else min(1.0, float(value)),
        curve.bound_label,
        tuple(BlockSchedule(tuple(a), excess(curve, a), curve.label) for a in own),
    )
