"""The audit: exact total variation of the samplers on a data law, beside every bound that applies.

data → Target → Denoiser → Clock, grid, rule → StepLaw → exact law → TV → verdict against each claim

An audit is cut into pieces: a schedule with all its rules, or one sampler without a schedule. What
the pieces of a target share, such as its composition tables, is computed once. Seeds and levels
belong to rows, so it does not matter who works on a piece, or when; see `verification.jobs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice, product
from typing import Any

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.distance import divergence
from sharprates.samplers.errors import InputError, check_memory, check_tokens
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.policies import Rule as PolicyRule
from sharprates.samplers.policy_sampler import PolicySampler
from sharprates.samplers.remasking import RemaskingSampler
from sharprates.samplers.sampler import RoundCount, Sampler
from sharprates.samplers.schedule import Rule
from sharprates.samplers.speculative import SpeculativeSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.tabled import tabled
from sharprates.samplers.target import Target
from sharprates.samplers.tempered import tempered_as
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.measured import Measured
from sharprates.theory.registry import CLAIMS
from sharprates.theory.setting import Setting
from sharprates.verification import jobs
from sharprates.verification.arithmetic import Interval, interval
from sharprates.verification.audit_plan import Plan
from sharprates.verification.decide import decide
from sharprates.verification.decomposition import (
    MOST_STEPS,
    Decomposition,
    ScoreDominance,
    Trajectory,
    decompose,
    score_dominates_among,
    score_dominates_from,
)
from sharprates.verification.denoisers import ContextTable, probe
from sharprates.verification.empirical import empirical
from sharprates.verification.experiment import Experiment
from sharprates.verification.journal import Journal
from sharprates.verification.measure import Measure, check_size
from sharprates.verification.profile import Profile, profile
from sharprates.verification.quantities.float64 import FAMILY_PARAMETERS, FloatQuantities
from sharprates.verification.quantities.policy_floats import PolicyFloats
from sharprates.verification.score_error import OrderError, ScoreError, score_error_of
from sharprates.verification.statistics.empirical_tv import Empirical
from sharprates.verification.statistics.sample_test import SampleTest
from sharprates.verification.verdict import Verdict

COUNT_ERROR = ("E3", "B1", "B2", "B3")
"""Claims that bound a parallel sampler's TV and count the error of its denoiser."""


@dataclass(frozen=True)
class BoundResult:
    """One claim beside one measurement.

    Attributes:
        relation: of the claim.
        reason: why it does not apply; None if it does.
        value: the bound, capped at 1; None if the claim does not apply, or nothing is known of it.
        ratio: measured over bound; None without a bound, if the bound is 0, or if the measured
            interval says nothing.
        verdict: what the comparison shows.
    """

    relation: Relation
    reason: str | None
    value: float | None
    ratio: float | None
    verdict: Verdict

    @property
    def applies(self) -> bool:
        """Whether the claim says something about this measurement."""
        return self.reason is None


@dataclass(frozen=True)
class Result:
    """One sampler on one target.

    Attributes:
        sampler: ``euler``, ``tau-leaping``, ``ancestral``, ``fhs``, ``blocks``,
            ``policy``, ``remasking`` or ``speculative``.
        steps: K; d for the first-hitting sampler.
        clock: its name, None where there is none.
        grid: its name, None where there is none.
        leftover: w_∞, the probability that a token is never revealed; None if that depends on its
            value, as where the denoiser is not normalised, or on a policy whose cap leaves masks.
        clipped: number of steps that asked for more than probability 1.
        tv: the exact total variation, as an interval.
        method: the arithmetic it came from.
        bounds: claim id → comparison.
        decomposition: the terms of E1, for parallel samplers, or of H2, for first-hitting.
        empirical: TV of the running sampler, if it was run.
        law_check: whether the running sampler follows its exact law, if it was run and the law is
            known to more than an estimate.
        policy: its text, of a policy, and of one that drafts.
        label: the sampler in words, with a policy's cap, ties and cache.
        remasking: its rule's text, of a sampler that masks tokens again.
        temperature: of the denoiser.
        top_p: of the denoiser.
        rounds: that reveal something, on the data; None if they depend on more than that.
        kl: KL(q_0‖p_out), nats; None if it is infinite, or not known to any error.
        estimate: of the total variation, where the denoiser's dependence on time leaves the
            interval wide; it takes the denoiser to be smooth in t.
        score_term: of P2: ε_π of a policy; None where its orders are too many.
        costs: of speculation, E[calls] and E[tokens verified].
        blocks: their sizes, where blocks of several tokens are revealed.
        score_bounds: `COUNT_ERROR` of a parallel sampler whose denoiser is not the exact one.
    """

    sampler: str
    steps: int
    clock: str | None
    grid: str | None
    leftover: float | None
    clipped: int
    tv: Interval
    method: str
    bounds: Mapping[str, BoundResult]
    decomposition: Decomposition | None = None
    empirical: Empirical | None = None
    law_check: SampleTest | None = None
    policy: str | None = None
    label: str = ""
    remasking: str | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    rounds: RoundCount | None = None
    kl: Interval | None = None
    estimate: float | None = None
    score_term: float | None = None
    costs: tuple[float, float] | None = None
    blocks: tuple[int, ...] = ()
    score_bounds: Mapping[str, BoundResult] = field(default_factory=dict)

    @property
    def on_grid(self) -> bool:
        """Whether it took steps on a grid, unlike first-hitting, blocks and policies."""
        return self.decomposition is not None and not self.decomposition.draws

    @property
    def runs_true(self) -> bool:
        """Whether the running sampler, if it was run, agrees with its exact law and TV."""
        if self.empirical is None:
            return True
        overlap = self.empirical.lower <= self.tv.upper and self.tv.lower <= self.empirical.upper
        return overlap and (self.law_check is None or self.law_check.passed)


@dataclass(frozen=True, eq=False)
class ImperfectDenoiser:
    """A denoiser that is not the exact one, and how much it errs.

    Attributes:
        denoiser: what the samplers were given.
        errors: as in `verification.score_error.ScoreError`.
    """

    denoiser: Denoiser
    errors: tuple[tuple[Clock | None, OrderError], ...]

    @property
    def normalised(self) -> bool:
        """Whether its predictions sum to 1."""
        return self.denoiser.normalised

    @property
    def time_free(self) -> bool:
        """Whether they do not depend on time."""
        return self.denoiser.time_free


@dataclass(frozen=True)
class TargetAudit:
    """All results on one target.

    Attributes:
        name: of the target.
        length: d.
        vocabulary: S.
        support: N.
        results: in the order of the plan.
        information: h_m, nats; their sum is the entropy of the data.
        denoiser: what is known of it, if it is not the exact one.
        dominance: from how many steps on its error dominates.
        skipped: samplers that cannot be run with it, each with the reason.
    """

    name: str
    length: int
    vocabulary: int
    support: int
    results: tuple[Result, ...]
    information: tuple[float, ...]
    denoiser: ImperfectDenoiser | None = None
    dominance: tuple[ScoreDominance, ...] = ()
    skipped: tuple[str, ...] = ()


Progress = Callable[[str], None]
"""Told in a few words of each row that is done, and of each target's tables."""


# --- pieces of work -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finished:
    """What a task has found.

    Attributes:
        results: a row a sampler.
        information: of the target, for the task without samplers.
        errors: of its denoiser, if that is not the exact one: one, or one a clock.
        dominance: of its denoiser, unless these are looked up among the rows.
    """

    results: tuple[Result, ...] = ()
    information: tuple[float, ...] = ()
    errors: tuple[OrderError, ...] = ()
    dominance: tuple[ScoreDominance, ...] = ()


@dataclass(frozen=True)
class Task:
    """A part of one target's audit, with what makes it independent of all others.

    Attributes:
        key: its name in a journal.
        target: its place among the targets.
        samplers: a row each; none for what is said of the target alone.
        seed: of its first running sampler; each next one takes the next seed.
        levels: false-alarm probability of each of its running samplers.
    """

    key: str
    target: int
    samplers: tuple[Sampler, ...]
    seed: int
    levels: tuple[float, ...]


# --- the run --------------------------------------------------------------------------------------


def audit(
    targets: Sequence[Target],
    plan: Plan,
    denoiser: Callable[[Target], Denoiser] = ExactDenoiser,
    progress: Progress = lambda _: None,
    workers: jobs.Workers | int = 1,
    journal: Journal[Finished] | None = None,
) -> list[TargetAudit]:
    """Audit samplers on targets.

    Args:
        targets: data laws, small enough for an exact law (d up to some 12).
        plan: what to run.
        denoiser: what each sampler is given, made for a target; by default its exact conditionals.
        progress: told what is being done.
        workers: who does it, or how many processes. The results are the same to the last bit.
        journal: of what was found by an earlier run; by default there is none.

    Returns:
        One audit a target, in their order.

    Raises:
        InputError: for a bad plan, or a target that is too large.
    """
    if isinstance(targets, Target):
        raise InputError("targets: needs a list of targets, got one")
    plan.check(target.length for target in targets)
    changed = [tempered_as(denoiser(one), plan.temperature, plan.top_p) for one in targets]
    made = list(zip(targets, changed, strict=True))
    work = tasks(plan, made)
    done = {} if journal is None else journal.values
    open_targets = [
        number for number, some in enumerate(work) if any(task.key not in done for task in some)
    ]
    for number in open_targets:
        _check_job(*made[number], plan)

    def told(task: Task, finished: Finished) -> None:
        for row in finished.results:
            progress(f"{targets[task.target].name}: {row.policy or row.sampler} {row.steps}")

    hands = jobs.using(workers)
    size = hands.count  # asked once: a cluster may gain and lose workers meanwhile
    finished: list[Finished] = []
    # As many targets at a time as there are workers: their tables in parallel, then their rows.
    for first in range(0, len(work), size):
        group = range(first, min(first + size, len(work)))
        missing = [number for number in group if number in open_targets]
        shares = [_share(*made[number], plan) for number in missing]
        ready = dict(zip(missing, _prepared(shares, hands, progress), strict=True))
        some = [task for number in group for task in work[number]]
        shared = partial(_of_target, ready)
        finished += jobs.run(some, carry_out, hands, journal, shared, told)
    rows = iter(finished)
    return [
        _joined(plan, *pair, list(islice(rows, len(some))))
        for pair, some in zip(made, work, strict=True)
    ]


def _share(target: Target, denoiser: Denoiser, plan: Plan) -> Share:
    """The exact denoiser as it is: it rounds each context alike."""
    exact = isinstance(denoiser, ExactDenoiser)
    return target, plan, denoiser if exact else ContextTable(denoiser, target)


def _of_target(ready: Mapping[int, Prepared], task: Task) -> Prepared:
    return ready[task.target]


def audit_target(
    target: Target, plan: Plan, denoiser: Denoiser, progress: Progress = lambda _: None
) -> TargetAudit:
    """Audit samplers on one target with a denoiser that is at hand; see `audit`."""
    return audit([target], plan, lambda _: denoiser, progress)[0]


def tasks(plan: Plan, made: Sequence[tuple[Target, Denoiser]]) -> list[list[Task]]:
    """All tasks of a run, one list a target, with their seeds and their shares of the budget.

    Args:
        plan: what to run.
        made: each target with its denoiser.
    """
    groups = [[(), *plan.samplers(target.length, denoiser.time_free)] for target, denoiser in made]
    levels = iter(plan.sampling.levels(sum(len(some) for each in groups for some in each)))
    seed = plan.sampling.seed
    found: list[list[Task]] = []
    for number, each in enumerate(groups):
        found.append([])
        for place, samplers in enumerate(each):
            share = tuple(islice(levels, len(samplers)))
            found[-1].append(Task(f"{number}/{place}", number, samplers, seed, share))
            seed += len(samplers)
    return found


_ASKED = 64
"""Rows of the data on which a policy of one's own is tried before the work."""


def _check_job(target: Target, denoiser: Denoiser, plan: Plan) -> None:
    """Find out before the work that it cannot be done."""
    check_tokens(target.length, target.name)
    if not isinstance(denoiser, ExactDenoiser):
        probe(denoiser, target)
    for sampler in chain(*plan.samplers(target.length, denoiser.time_free)):
        if isinstance(sampler, PolicySampler) and sampler.composition is None:
            sampler.check_orders()
            if not isinstance(sampler.policy, PolicyRule):  # what a user wrote may fail at any time
                sampler.trajectories(denoiser, target.rows[:_ASKED], sampler.orders()[0])
        if isinstance(sampler, RemaskingSampler):
            sampler.check_law(target.vocabulary)
    most = max((steps for steps, _ in plan.schedules()), default=0)
    check_memory(
        40 * most * (target.length + 2) ** 2, f"the terms of {most} steps", "take fewer steps"
    )
    check_size(target, denoiser, plan.steps_in_all, len(plan.clocks))


@dataclass(frozen=True, eq=False)
class Prepared:
    """What all tasks of one target share.

    Attributes:
        target: the data law.
        plan: what to run.
        denoiser: what each sampler is given.
        measure: its composition tables.
        shape: information and dependence of the target.
        score: of the denoiser, unless it is the exact one.
        quick: the denoiser for many samples, if there are any.
    """

    target: Target
    plan: Plan
    denoiser: Denoiser
    measure: Measure
    shape: Profile
    score: ScoreError | None
    quick: Denoiser


Share = tuple[Target, Plan, Denoiser]


def _tables(share: Share) -> Measure:
    target, plan, denoiser = share
    return Measure.of(target, denoiser, plan.arithmetic, torch.device(plan.sampling.device))


def _shape(share: Share) -> Profile:
    return profile(share[0])


def _score_error(share: Share) -> ScoreError | None:
    target, plan, denoiser = share
    exact = isinstance(denoiser, ExactDenoiser)
    return None if exact else score_error_of(target, denoiser, plan.chosen_clocks())


def _quick(share: Share) -> Denoiser:
    target, plan, denoiser = share
    if not plan.sampling.samples:
        return denoiser
    return tabled(denoiser, target.length, torch.device(plan.sampling.device))


_PARTS = (_tables, _shape, _score_error, _quick)
"""What is prepared for a target; each part may take seconds, and needs none of the others."""


def _part(share: Share, which: tuple[int, int]) -> Any:
    return _PARTS[which[1]](share)


def _prepared(
    shares: Sequence[Share], workers: jobs.Workers, progress: Progress
) -> Iterator[Prepared]:
    for target, *_ in shares:
        progress(f"{target.name}: composition tables, information and dependence")
    which = list(product(range(len(shares)), range(len(_PARTS))))
    parts = iter(jobs.run(which, _part, workers, shared=lambda which: shares[which[0]]))
    return (Prepared(*share, *islice(parts, len(_PARTS))) for share in shares)


def carry_out(shared: Prepared, task: Task) -> Finished:
    """Carry out one task.

    Args:
        shared: what all tasks of its target have in common.
        task: the task.
    """
    plan, score, measure = shared.plan, shared.score, shared.measure
    if not task.samplers:
        return Finished(
            information=tuple(shared.shape.information.tolist()),
            errors=() if score is None else tuple(errors for _, errors in score.errors),
            dominance=tuple(_searched(shared)),
        )
    results = []
    for place, numbers in enumerate(_rows(shared, task.samplers)):
        experiment = numbers.experiment
        result = _result(numbers, plan, measure)
        if plan.sampling.samples:
            level, seed = task.levels[place], task.seed + place
            law = measure.law(experiment)
            found = empirical(experiment, shared.quick, law, plan.sampling, seed, level)
            result = replace(result, empirical=found[0], law_check=found[1])
        results.append(result)
    return Finished(tuple(results))


def _joined(
    plan: Plan, target: Target, denoiser: Denoiser, found: Sequence[Finished]
) -> TargetAudit:
    results = tuple(row for one in found for row in one.results)
    about = found[0]
    imperfect, dominance = None, about.dominance
    if about.errors:
        free = denoiser.time_free
        clocks = [None] if free else plan.chosen_clocks()
        imperfect = ImperfectDenoiser(denoiser, tuple(zip(clocks, about.errors, strict=True)))
        dominance = dominance if free else tuple(_looked_up(plan, results))
    return TargetAudit(
        target.name,
        target.length,
        target.vocabulary,
        target.support,
        results,
        about.information,
        imperfect,
        dominance,
        () if denoiser.time_free else _without_clock(plan, target.length),
    )


def _without_clock(plan: Plan, length: int) -> tuple[str, ...]:
    """What cannot be run with a time-dependent denoiser, and why."""
    names = ["blocks " + ",".join(map(str, sizes)) for sizes in plan.blocks]
    names += [*plan.policies, *(f"speculative {text}" for text in plan.speculation)]
    names += [str(make(length)) for make in plan.others]
    return tuple(f"{name}: has no clock, and the denoiser depends on time" for name in names)


def _rows(shared: Prepared, samplers: Sequence[Sampler]) -> Iterator[FloatQuantities]:
    """An experiment for each sampler of a task, with what its bounds ask for.

    All of them ask the denoiser at the same times: what it errs there is found once.
    """
    score, first = shared.score, samplers[0]
    gaps, errors = (None if score is None else score.gaps), None
    if score is not None and isinstance(first, FirstHittingSampler):
        names = [None if clock is None else clock.name for clock, _ in score.errors]
        errors = score.errors[names.index(first.facts()["clock"])][1]
    elif score is not None and gaps is None:
        assert first.call_times is not None, "without a clock it cannot be run"
        gaps = score.along(first.call_times)
    for sampler in samplers:
        experiment = Experiment(shared.target, shared.denoiser, sampler)
        follows = isinstance(sampler, PolicySampler) and sampler.few_orders
        if follows:
            yield PolicyFloats(experiment, shared.shape, gaps, errors)
        else:
            logs, runs = (None, None) if score is None else (score.logs, score.runs)
            yield FloatQuantities(experiment, shared.shape, gaps, errors, logs=logs, runs=runs)


def _rule_name(rule: str | Rule) -> str:
    return rule if isinstance(rule, str) else rule.__name__


def _places(plan: Plan) -> Iterator[tuple[Clock, str, str | Rule, tuple[str, str, str]]]:
    """Each clock, grid and rule with several K, and what a `ScoreDominance` calls them."""
    grids = plan.grids if plan.times is None else ()
    for chosen, grid_name, rule in product(plan.chosen_clocks(), grids, plan.rules):
        yield chosen, grid_name, rule, (_rule_name(rule), chosen.name, grid_name)


def _searched(shared: Prepared) -> Iterator[ScoreDominance]:
    """Where a time-free denoiser's error dominates, among all K."""
    plan, score, d = shared.plan, shared.score, shared.target.length
    if score is None or score.gaps is None:
        return
    gaps, normalised = score.gaps, score.normalised

    def terms(chosen: Clock, grid_name: str, rule: str | Rule, steps: int) -> Decomposition:
        schedule = plan.schedule(rule, chosen, grid_name, steps)
        path = Trajectory.of(chosen, schedule.times(d), schedule.law(d))
        return decompose(shared.shape, path, gaps, normalised)

    for chosen, grid_name, rule, key in _places(plan):
        yield ScoreDominance(
            *key, score_dominates_from(partial(terms, chosen, grid_name, rule)), MOST_STEPS
        )


def _looked_up(plan: Plan, results: Sequence[Result]) -> Iterator[ScoreDominance]:
    """Where the denoiser's error dominates, among the K that were run.

    At another K a denoiser that depends on time would be asked at other times.
    """
    for *_, key in _places(plan):
        run = {
            one.steps: one.decomposition
            for one in results
            if (one.sampler, one.clock, one.grid) == key and one.decomposition is not None
        }
        yield ScoreDominance(*key, score_dominates_among(run), max(run))


def _result(numbers: FloatQuantities, plan: Plan, measure: Measure) -> Result:
    experiment = numbers.experiment
    numbers = replace(numbers, measured_tv=measure.tv(experiment))
    setting, law = experiment.setting(), experiment.step_law
    blind = experiment.denoiser.normalised or bool(setting.policy)  # else values matter to it
    bounds = {one: judge(CLAIMS[one], numbers, plan.scale) for one in map(str.upper, plan.claims)}
    errs = law is not None and not setting.exact_denoiser
    counting = {one: judge(CLAIMS[one], numbers, plan.scale) for one in COUNT_ERROR if errs}
    assert numbers.measured_tv is not None
    sampler = experiment.sampler
    assert sampler is not None
    method = measure.method(experiment)
    return Result(
        sampler=setting.sampler,
        blocks=experiment.blocks if setting.sampler == "blocks" else (),
        steps=setting.steps or 0,
        clock=setting.clock,
        grid=setting.grid,
        leftover=_leftover(law, setting) if blind else None,
        clipped=law.clipped if law else 0,
        tv=numbers.measured_tv,
        method=method,
        bounds=bounds,
        score_bounds=counting,
        decomposition=numbers.decomposition,
        policy=setting.policy,
        label=str(sampler),
        remasking=setting.remasking,
        temperature=plan.temperature,
        top_p=plan.top_p,
        rounds=sampler.rounds_on(experiment.target, experiment.denoiser),
        kl=_divergence(experiment, measure),
        estimate=measure.float_tv(experiment).value if method == "estimate" else None,
        score_term=(
            interval(numbers.epsilon_pi).middle if isinstance(numbers, PolicyFloats) else None
        ),
        costs=_costs(experiment),
    )


def _costs(experiment: Experiment) -> tuple[float, float] | None:
    if not isinstance(experiment.sampler, SpeculativeSampler):
        return None
    found = experiment.sampler.speculation(experiment.denoiser)
    return found.calls, found.evaluations


def _leftover(law: StepLaw | None, setting: Setting) -> float | None:
    if law is not None:
        return law.leftover
    return None if setting.has_leftover else 0.0


def _divergence(experiment: Experiment, measure: Measure) -> Interval | None:
    found = divergence(measure.law(experiment), experiment.target)
    if math.isinf(found.error):  # as it is where the value is
        return None
    around = Interval.around(*found)
    return Interval(max(around.lower, 0), around.upper)


def judge(one: Claim, numbers: FloatQuantities, scale: Mapping[str, Number]) -> BoundResult:
    """Compare a claim about TV(p_out, q_0) with a measured one.

    Args:
        one: the claim.
        numbers: of the experiment, its total variation included.
        scale: factors on named constants.

    Returns:
        The comparison; a claim about another quantity does not apply.
    """
    setting = numbers.experiment.setting()
    form, reason = _form(one, setting)
    symbols = one.symbols(form)
    # On its own family a worst-case value is the TV; elsewhere it has no verdict.
    attained = one.relation is Relation.WORST_CASE and setting.family in one.attained_by
    names = numbers.names()
    if reason is None and not symbols <= names:
        missing = ", ".join(sorted(symbols - names))
        reason = f"is not about a sampler's TV on a data law (needs {missing})"
    if reason is None and symbols & FAMILY_PARAMETERS and not attained:
        reason = f"is an exact value on {' and '.join(one.attained_by)} only"
    relation = one.form(form).relation
    if reason is not None:
        return BoundResult(relation, reason, None, None, Verdict.NONE)
    try:
        decision = decide(one, lambda: numbers, form, scale)
    except ArithmeticError:  # a number that nothing is known of: a divergence between two times
        return BoundResult(relation, None, None, None, Verdict.UNDECIDED)
    value = decision.bound
    verdict = decision.verdict if attained or relation is not Relation.WORST_CASE else Verdict.NONE
    relation = Relation.EQUALITY if attained else relation
    # What is shown is on the safe side: an upper bound rounded up, all else down.
    end = value.upper if relation is Relation.UPPER else value.lower
    safe = min(max(float(end), 0.0), 1.0)
    ratio = decision.measured.middle / safe if safe > 0 else None
    return BoundResult(relation, None, safe, ratio, verdict)


TV_SIDES = (Measured.TV, Measured.FHS_TV, Measured.POLICY_TV, Measured.REMASKED_TV)
"""Left sides of claims that are a sampler's total variation."""


def _form(one: Claim, setting: Setting) -> tuple[str | None, str | None]:
    """The form of a claim that bounds a sampler's TV here, and why none applies, if so.

    The main form, unless it is about another quantity or a variant stands in its place: C1 has a
    bound on TV beside that on ε_FHS, H2 one for scores that are not normalised.
    """
    reason = None if one.measured in TV_SIDES else "is not about a sampler's TV on a data law"
    if reason is None:
        reason = one.applies(setting)
    if reason is None:
        return None, None
    for name, variant in one.variants.items():
        about_tv = one.left_side(name) in TV_SIDES
        other = variant.replaces or one.measured not in TV_SIDES
        if about_tv and other:
            found = one.applies(setting, name)
            if found is None:
                return name, None
            reason = found if one.measured not in TV_SIDES else reason
    return None, reason
