"""Plans: how many steps for a total variation ε.

Without data the claims' bounds say it (`verification.planning.bounds`). With data, TV is exact and
K the smallest found. With a trained model's loss curve, h_m ≤ L_m takes the place of what is known
about the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sharprates.samplers.clock import clock, default_horizon, grid
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import first_hitting, tables
from sharprates.samplers.output_law import TotalVariation, total_variation
from sharprates.samplers.step_law import StepLaw, step_law
from sharprates.samplers.target import Target
from sharprates.verification.planning.bounds import (
    BY_WEIGHTS,
    MOST_TERMS,
    NOTHING,
    Knowledge,
    Question,
    Row,
    invert,
    lower_rows,
    rank_bound,
    smallest_steps,
    upper_rows,
    weighed,
)
from sharprates.verification.planning.large_targets import LargeEstimate
from sharprates.verification.planning.loss_curve import (
    BlockSchedule,
    Label,
    LossCurve,
    best_blocks,
    equal_blocks,
    excess,
    mean_excess,
)
from sharprates.verification.planning.schedule import BestSchedule, best_schedule
from sharprates.verification.profile import profile


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
    schedule: BestSchedule | None = None
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
        name: tuple(invert(weighed(ask, law, *one), ask) for one in BY_WEIGHTS)
        for name, law in laws.items()
    }


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
    summable = steps * curve.length <= MOST_TERMS
    near = summable or steps >= curve.length  # E5 has a closed form from d on
    value = rank_bound(ask, known, least=1).at(steps) if near else None
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
