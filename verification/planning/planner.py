"""How many steps for a total variation ε, by all that is known of the data law.

Without data the claims' bounds say it. A law that can be enumerated, or a structured family of any
length, has exact TV, and K is the smallest found. A law that can only be sampled has limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import TotalVariation, total_variation
from sharprates.samplers.errors import InputError, check_seed
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import structured_family, structured_tv
from sharprates.samplers.family import Family
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification.measure import check_size
from sharprates.verification.planning.best_schedule import BestSchedule, best_schedule
from sharprates.verification.planning.bounds import schedule_bounds
from sharprates.verification.planning.chain_information import chain_information
from sharprates.verification.planning.data_law import Tractable
from sharprates.verification.planning.dependence import Dependence
from sharprates.verification.planning.exact_steps import Law, SmallestSteps, exact_steps
from sharprates.verification.planning.question import Question, check_length
from sharprates.verification.planning.sampled_tv import SampledTV, sampled_tv
from sharprates.verification.planning.schedule_plan import (
    Goal,
    Offer,
    SchedulePlan,
    equal_times,
    on_data,
    plan_curve,
    plan_number,
)
from sharprates.verification.planning.step_count import (
    StepCount,
    enough_steps,
    invert,
    needed_steps,
)
from sharprates.verification.profile import profile

RUNGS = 12
"""Most numbers of steps that are tried with samples."""
_MOST_SAMPLED = 4096
"""Steps up to which a sampler with thousands of rows is run in seconds."""
ROUNDING = 1e-12
"""Bound on the error of a chain's h_m: d·S² terms of float64, d ≤ 10⁴."""
_LARGEST_VOCABULARY = 2**62

Progress = Callable[[str], None]


@dataclass(frozen=True)
class StepPlan:
    """How many steps for a total variation ε.

    Attributes:
        ask: the question.
        counts: by upper bounds, then by lower ones.
        target: name of the data law, if there is one.
        exact: what was found by exact TV.
        schedule: the K-step law of smallest exact TV found.
        estimates: on a law that can only be sampled, from many steps to few.
        level: probability at most that any of their limits is wrong.
        by_schedule: bounds at the weights of other schedules, by their name.
        guaranteed: schedules that theorems guarantee, where the data's information curve is known.
    """

    ask: Question
    counts: tuple[StepCount, ...]
    target: str | None = None
    exact: tuple[SmallestSteps, ...] = ()
    schedule: BestSchedule | None = None
    estimates: tuple[SampledTV, ...] = ()
    level: float = 0.0
    by_schedule: Mapping[str, tuple[StepCount, ...]] = field(default_factory=dict)
    guaranteed: SchedulePlan | None = None

    @property
    def sampled(self) -> SampledTV | None:
        """The fewest steps whose upper limit leaves room for the score error within ε."""
        enough = [one for one in self.estimates if one.upper <= self.ask.left]
        return min(enough, key=lambda one: one.steps, default=None)

    @property
    def enough(self) -> StepCount | None:
        """The upper bound that asks for the fewest parallel steps; E2's rule is Euler."""
        counts = [one for one in self.counts if one.role == "enough" and one.steps is not None]
        return min(counts, key=lambda one: one.steps or 0, default=None)

    @property
    def needed(self) -> StepCount | None:
        """The lower bound that forbids most."""
        counts = [one for one in self.counts if one.role == "needed" and one.steps is not None]
        return max(counts, key=lambda one: one.steps or 0, default=None)

    def to_json(self) -> dict[str, Any]:
        """As JSON: ``{"bounds": {"E3": {"steps": …}, …}, "fhs": {"calls": d}, …}``."""
        enough, needed = self.enough, self.needed
        return {
            **self.ask.to_json(),
            "target": self.target,
            "bounds": {one.claim: one.to_json() for one in self.counts},
            "schedules": {
                name: {one.claim: one.to_json() for one in counts}
                for name, counts in self.by_schedule.items()
            },
            "enough": enough and {"claim": enough.claim, "steps": enough.steps},
            "needed": needed and {"claim": needed.claim, "steps": needed.steps},
            "fhs": {
                "calls": self.ask.length,
                "tv_at_most": self.ask.score_error,
                "enough": self.ask.score_error <= self.ask.tv,
            },
            "exact": [one.to_json() for one in self.exact],
            "estimates": [one.to_json() for one in self.estimates],
            "estimates_level": self.level if self.estimates else None,
            "schedule": self.schedule and self.schedule.to_json(),
            "guaranteed": self.guaranteed and self.guaranteed.to_json(),
        }


def plan_length(ask: Question, schedules: Sequence[Schedule] = ()) -> StepPlan:
    """Steps for a length and a vocabulary.

    Args:
        ask: the question. Lower bounds are about some law of that d and S, so they are left out as
            soon as anything else is known.
        schedules: whose bounds are wanted beside those of equal steps, with any number of
            steps.

    Raises:
        InputError: if neither S nor a bound on Ī is given, or a schedule is none.
    """
    by_schedule = {
        name: tuple(invert(bound, ask) for bound in schedule_bounds(ask, law))
        for name, law in _laws(ask.length, schedules).items()
    }
    lower = needed_steps(ask) if ask.is_of_any_law else ()
    counts = (*enough_steps(ask), *lower)
    return StepPlan(ask, counts, by_schedule=by_schedule)


def plan_target(
    target: Target,
    tv: float,
    score_error: float = 0.0,
    schedules: Sequence[Schedule] = (),
    *,
    steps: int | None = None,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> StepPlan:
    """Steps for a data law that can be enumerated: bounds with its own Ī and h, and exact TV.

    Args:
        target: the data law.
        tv: ε.
        score_error: e, summed along the sampler's own contexts; taken off ε.
        schedules: to try beside equal steps, with any number of steps.
        steps: K of the best schedule; by default what equal steps needs.
        seed: of the search for that schedule.
        progress: told of the tables, of each schedule and of the search before it is done.

    Raises:
        InputError: for a bad number or schedule.
        TooLargeError: if the target is too large.
    """
    check_seed(seed)
    if steps is not None and steps < 1:  # before the work
        raise InputError(f"steps: need K ≥ 1, got {steps}")
    ask = Question(target.length, target.vocabulary, tv, score_error)
    laws = _laws(target.length, schedules)
    denoiser = ExactDenoiser(target)
    check_size(target, denoiser, 0, 0)
    progress("composition tables, information and dependence")
    table, shape = tables(target, denoiser), profile(target)
    curve = tuple(float(h) + shape.error for h in shape.information.clamp(min=0))
    information = max(shape.mutual_information, 0.0) + 2 * shape.error
    ask = replace(ask, information=information, curve=curve)

    def measure(law: StepLaw) -> TotalVariation:
        return total_variation(table.law(law), target)

    exact = tuple(exact_steps(ask, measure, laws, progress))
    progress("search for the best schedule")
    wanted = exact[0].steps if steps is None else steps
    best = None if wanted is None else best_schedule(table, target, wanted, seed=seed)
    plan = StepPlan(ask, enough_steps(ask), target.name, exact, best)
    if ask.nothing_left:
        return plan
    cheap = plan_curve(
        target.name,
        shape.information.tolist(),
        Goal(ask.left),
        error=shape.error,
        besides=_equal_steps(ask, plan.counts),
    )
    return replace(plan, guaranteed=on_data(cheap, table, target, progress, seed))


def plan_dependence(known: Dependence, goal: Goal) -> SchedulePlan:
    """Schedules from bounds on TC, DTC or Ī; for a TV also by bounds on TV, which ask for Ī and S.

    Args:
        known: at least one of the three.
        goal: to be reached.

    Raises:
        InputError: if nothing is known.
    """
    if goal.tv is None or known.information is None or known.vocabulary is None:
        return plan_number(known, goal)
    ask = Question(known.length, known.vocabulary, goal.tv, information=float(known.information))
    return plan_number(known, goal, _equal_steps(ask, enough_steps(ask)))


def _equal_steps(ask: Question, counts: Sequence[StepCount]) -> list[Offer]:
    """Those of the bound on TV that asks for the fewest, if they are fewer than tokens."""
    few = (one for one in counts if one.steps and one.claim != "E2")  # whose steps are not equal
    best = min(few, key=lambda one: one.steps or 0, default=None)
    if best is None or best.steps is None or best.steps >= ask.length:
        return []
    times = equal_times(best.steps)
    return [Offer("equal steps", (), times, best.claim, promise=ask.left, promised="TV")]


def plan_divergence(
    target: Target, goal: Goal, progress: Progress = lambda _: None
) -> SchedulePlan:
    """Schedules for a divergence on a data law that can be enumerated.

    Args:
        target: the data law.
        goal: to be reached.
        progress: told of the tables and of the search before they are done.

    Raises:
        TooLargeError: if the target is too large.
    """
    denoiser = ExactDenoiser(target)
    check_size(target, denoiser, 0, 0)
    progress("composition tables, information and dependence")
    table, shape = tables(target, denoiser), profile(target)
    plan = plan_curve(target.name, shape.information.tolist(), goal, error=shape.error)
    return on_data(plan, table, target, progress)


def plan_structured(
    text: str,
    tv: float,
    score_error: float = 0.0,
    schedules: Sequence[Schedule] = (),
    progress: Progress = lambda _: None,
) -> StepPlan:
    """Steps for a structured family of any length: bounds, and exact TV by recursion.

    Args:
        text: e.g. ``pairs:4096:2``.
        tv: ε.
        score_error: e, summed along the sampler's own contexts; taken off ε.
        schedules: to try beside equal steps, with any number of steps.
        progress: told of each schedule before it is searched.

    Raises:
        InputError: for a bad number, family or schedule.
    """
    family = structured_family(text)
    d, log_S, S = _size(family)
    structured_tv(family, StepLaw.equal(1))  # a bad number is found before the work
    if S is not None and S <= _LARGEST_VOCABULARY:
        ask = Question(d, S, tv, score_error)
    else:  # E5 reads log S off h_m ≤ log S
        ask = Question(d, None, tv, score_error, log_S, (log_S,) * d)

    def measure(law: StepLaw) -> TotalVariation:
        closed = structured_tv(family, law)
        return TotalVariation(closed.tv, closed.error)

    exact = tuple(exact_steps(ask, measure, _laws(d, schedules), progress))
    return StepPlan(ask, enough_steps(ask), text, exact)


def _size(family: Family) -> tuple[int, float, int | None]:
    """Length, log S, and S where it is a number that can be written down."""
    numbers = {name: int(value) for name, value in family.parameters.items()}
    d = numbers["d"]
    check_length(d)
    if "S" in numbers:
        return d, math.log(numbers["S"]), numbers["S"]
    # groups of g tokens with symbols of [b]
    b, g = numbers.get("b", 2), numbers.get("g", d)
    log_S = (g - 1) * math.log(b)
    return d, log_S, b ** (g - 1) if log_S < math.log(_LARGEST_VOCABULARY) else None


def plan_sampled(
    law: Tractable,
    name: str,
    tv: float,
    score_error: float = 0.0,
    *,
    samples: int = 2000,
    seed: int = 0,
    level: float = 1e-6,
    progress: Progress = lambda _: None,
) -> StepPlan:
    """Steps for a law that can be sampled but not enumerated: bounds, and limits from samples.

    Equal steps are tried at the K that the best bound asks for, then at half of it, and so on
    until samples show that its TV is above ε. A chain's own information curve enters the bounds,
    and schedules are made for it.

    Args:
        law: the data law.
        name: for a reader.
        tv: ε.
        score_error: e, summed along the sampler's own contexts; taken off ε.
        samples: rows a part of each estimate.
        seed: of all draws.
        level: probability at most that any limit in the plan is wrong.
        progress: told of each K before it is sampled.

    Raises:
        InputError: for a bad number.
    """
    check_seed(seed)
    ask = Question(law.length, law.vocabulary, tv, score_error)
    if not 0 < level < 1:
        raise InputError(f"budget: must lie between 0 and 1, got {level:g}")
    if isinstance(law, MarkovChain):
        h = chain_information(law).clamp(min=0)
        information = float(h[0] - h[-1]) + 2 * ROUNDING
        ask = replace(ask, information=information, curve=tuple((h + ROUNDING).tolist()))
    plan = StepPlan(ask, enough_steps(ask), name)
    if ask.nothing_left:
        return plan
    enough = plan.enough
    steps = min(enough.steps if enough and enough.steps else law.length, _MOST_SAMPLED)
    estimates: list[SampledTV] = []
    while len(estimates) < RUNGS:
        progress(f"K = {steps}")
        equal = StepLaw.equal(steps)
        one = sampled_tv(law, equal, samples, seed=seed + len(estimates), level=level / RUNGS)
        estimates.append(one)
        if one.lower > ask.left or steps == 1:
            break
        steps = -(-steps // 2)
    plan = replace(plan, estimates=tuple(estimates), level=level)
    if ask.curve is None:
        return plan
    besides, goal = _equal_steps(ask, plan.counts), Goal(ask.left)
    cheap = plan_curve(name, ask.curve, goal, error=2 * ROUNDING, besides=besides)
    return replace(plan, guaranteed=cheap)


def _laws(length: int, schedules: Sequence[Schedule]) -> dict[str, Law]:
    """The schedules at any number of steps, by name.

    Raises:
        InputError: if one of them is none at this length, before any work is done.
    """

    def law(schedule: Schedule) -> Law:
        return lambda K: replace(schedule, steps=K).law(length)

    laws = {
        f"{one.clock} clock, {one.grid} grid, {one.rule}, {one.last_step}": law(one)
        for one in schedules
    }
    for one in laws.values():
        one(2)
    return laws
