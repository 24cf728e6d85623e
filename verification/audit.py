"""The audit: exact total variation of the samplers on a data law, beside every bound that applies.

data → Target → Denoiser → Clock, grid, rule → StepLaw → exact law → TV → verdict against each claim
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, pairwise, product

import torch
from torch import Tensor

from samplers.clock import Clock, check_times, clock, default_horizon, grid
from samplers.denoiser import Denoiser, ExactDenoiser
from samplers.errors import InputError, TooLargeError
from samplers.expansion import fixed_blocks
from samplers.step_law import RULES, Rule, StepLaw, step_law
from samplers.tabled import tabled
from samplers.target import Target
from theory.arithmetic import Number
from theory.claim import Claim, Relation
from theory.registry import CLAIMS, claim
from theory.setting import Setting
from verification.arithmetic import Interval, precision
from verification.bindings import FAMILY_VALUES, VALUES, Case, bound
from verification.crossover import MOST_STEPS, Crossover, dominated_among, dominated_from
from verification.decomposition import Decomposition, Trajectory, decompose, score_terms
from verification.denoisers import probe
from verification.empirical import Sampling, empirical
from verification.faults import Faults, faults_of
from verification.measure import BITS, Measure, check_size
from verification.profile import Profile, exact_information, profile
from verification.statistics import Check, Empirical
from verification.verdict import Verdict, compare

DEFAULT_CLAIMS = ("E1", "E2", "E3", "E5", "E7", "L0", "L1", "L2", "L3", "H1", "H2")
ARITHMETICS = ("float64", "rational", "ball")


@dataclass(frozen=True)
class Plan:
    """What to run on every target.

    Attributes:
        steps: numbers of steps K.
        clocks: clock names, or `Clock` objects.
        grids: grid names; alternatively `times`.
        rules: names in `samplers.step_law.RULES`, or functions of (clock, times) under their own
            names.
        horizon: T; by default the clock's (`default_horizon`).
        delta: early-stopping time δ.
        last_step: ``leave`` or ``fill``.
        claims: ids to show.
        blocks: sizes s of fixed-size block samplers to add.
        confidence: numbers c of tokens a step of confidence-based samplers to add.
        arithmetic: ``float64`` with a stated error bound, ``rational`` or ``ball`` (small d).
        scale: factor on a named constant, e.g. ``{"E3.constant": Fraction(99, 100)}``.
        times: explicit grid times in place of `steps` and `grids`.
        sampling: whether and how the samplers are run beside their exact laws.
    """

    steps: tuple[int, ...] = (4, 16, 64, 256)
    clocks: tuple[str | Clock, ...] = ("constant", "linear")
    grids: tuple[str, ...] = ("uniform",)
    rules: tuple[str | Rule, ...] = tuple(RULES)
    horizon: float | None = None
    delta: float = 0.0
    last_step: str = "leave"
    claims: tuple[str, ...] = DEFAULT_CLAIMS
    blocks: tuple[int, ...] = ()
    confidence: tuple[int, ...] = ()
    arithmetic: str = "float64"
    scale: Mapping[str, Number] = field(default_factory=dict)
    times: tuple[float, ...] | None = None
    sampling: Sampling = field(default_factory=Sampling)

    def check(self) -> None:
        """Find bad options before any work is done.

        Raises:
            InputError: naming the option and the remedy.
            TheoryError: for an unknown claim or constant.
        """
        if self.arithmetic not in ARITHMETICS:
            raise InputError(
                f"arithmetic {self.arithmetic!r} is unknown: use one of {', '.join(ARITHMETICS)}"
            )
        for rule in self.rules:
            if isinstance(rule, str) and rule not in RULES:
                raise InputError(f"rule {rule!r} is unknown: use one of {', '.join(RULES)}")
        for one in self.claims:
            claim(one)
        for name in self.scale:
            known = claim(name.split(".")[0])
            if name not in {f"{known.id}.{constant}" for constant in known.constants}:
                constants = ", ".join(f"{known.id}.{c}" for c in known.constants) or "no constant"
                raise InputError(f"scale: {name!r} is unknown: {known.id} has {constants}")
        self.sampling.check()
        for chosen in self.chosen_clocks():
            for steps, grid_name in self.schedules():
                self.grid_times(chosen, grid_name, steps, 2)

    def chosen_clocks(self) -> list[Clock]:
        """The clocks, looked up by name where they are named."""
        return [clock(one) if isinstance(one, str) else one for one in self.clocks]

    def schedules(self) -> list[tuple[int, str | None]]:
        """(K, grid name) of every grid; the name is None for explicit times."""
        if self.times is not None:
            return [(len(self.times) - 1, None)]
        return [(steps, name) for name in self.grids for steps in self.steps]

    def grid_times(self, chosen: Clock, name: str | None, steps: int, length: int) -> Tensor:
        """The times of one grid, for sequences of this length."""
        if name is None:
            return check_times(torch.tensor(self.times, dtype=torch.float64), chosen)
        horizon = default_horizon(chosen, length) if self.horizon is None else self.horizon
        return grid(name, chosen, steps, horizon, self.delta)


@dataclass(frozen=True)
class BoundResult:
    """One claim beside one measurement.

    Attributes:
        relation: of the claim.
        reason: why it does not apply; None if it does.
        value: the bound, capped at 1; None if the claim does not apply.
        ratio: measured over bound; None without a bound, or if the bound is 0.
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
        sampler: ``euler``, ``tau-leaping``, ``ancestral``, ``fhs``, ``blocks`` or ``confidence``.
        steps: K; d for the first-hitting sampler.
        clock: its name, None where there is none.
        grid: its name, None where there is none.
        leftover: w_∞, the probability that a token is never revealed; None if that depends on its
            value, as it does where the denoiser is not normalised.
        clipped: number of steps that asked for more than probability 1.
        tv: the exact total variation, as an interval.
        method: the arithmetic it came from.
        bounds: claim id → comparison.
        decomposition: the terms of E1, for parallel samplers, or of H2, for first-hitting.
        empirical: TV of the running sampler, if it was run.
        law_check: whether the running sampler follows its exact law, if it was run.
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
    law_check: Check | None = None

    @property
    def on_grid(self) -> bool:
        """Whether it took steps on a grid, unlike first-hitting, blocks and confidence."""
        return self.decomposition is not None and not self.decomposition.draws

    @property
    def runs_true(self) -> bool:
        """Whether the running sampler, if it was run, agrees with its exact law and TV."""
        if self.empirical is None or self.law_check is None:
            return True
        overlap = self.empirical.lower <= self.tv.upper and self.tv.lower <= self.empirical.upper
        return overlap and self.law_check.passed


@dataclass(frozen=True)
class TargetAudit:
    """All results on one target.

    Attributes:
        name: of the target.
        length: d.
        vocabulary: S.
        support: N.
        results: in the order in which they were run.
        information: h_m, nats; their sum is the entropy of the data.
        denoiser: what is known of it, if it is not the exact one.
        crossovers: from how many steps on its error dominates.
        skipped: samplers that cannot be run with it, each with the reason.
    """

    name: str
    length: int
    vocabulary: int
    support: int
    results: tuple[Result, ...]
    information: tuple[float, ...]
    denoiser: Faults | None = None
    crossovers: tuple[Crossover, ...] = ()
    skipped: tuple[str, ...] = ()


Progress = Callable[[str], None]
"""Called with a few words before each piece of work."""


def audit(
    targets: Sequence[Target],
    plan: Plan,
    denoiser: Callable[[Target], Denoiser] = ExactDenoiser,
    progress: Progress = lambda _: None,
) -> list[TargetAudit]:
    """Audit samplers on targets.

    Args:
        targets: data laws, small enough for an exact law (d up to some 12).
        plan: what to run.
        denoiser: what each sampler is given, made for a target; by default its exact conditionals.
        progress: told what is being done.

    Returns:
        One audit a target, in their order.

    Raises:
        InputError: for a bad plan, or a target that is too large.
    """
    plan.check()
    made = [denoiser(target) for target in targets]
    ends = list(accumulate((count_cases(plan, one.time_free) for one in made), initial=0))
    levels = plan.sampling.levels(ends[-1])
    return [
        audit_target(target, plan, one, progress, levels[first:last], plan.sampling.seed + first)
        for target, one, (first, last) in zip(targets, made, pairwise(ends), strict=True)
    ]


def audit_target(
    target: Target,
    plan: Plan,
    denoiser: Denoiser,
    progress: Progress = lambda _: None,
    levels: Sequence[float] | None = None,
    seed: int | None = None,
) -> TargetAudit:
    """Audit samplers on one target; see `audit`.

    Args:
        target: the data law.
        plan: what to run, already checked.
        denoiser: what each sampler is given.
        progress: told what is being done.
        levels: false-alarm probability of each running sampler; by default the whole budget is
            shared out on this target.
        seed: of the first running sampler; by default the plan's.
    """
    exact = isinstance(denoiser, ExactDenoiser)
    if not exact:
        probe(denoiser, target)
    steps = sum(steps for steps, _ in plan.schedules()) * len(plan.clocks) * len(plan.rules)
    check_size(target, denoiser, steps, len(plan.clocks))
    progress(f"{target.name}: composition tables")
    measure = Measure.of(target, denoiser, plan.arithmetic)
    progress(f"{target.name}: information and dependence")
    shape = profile(target)
    faults = None if exact else faults_of(target, denoiser, plan.chosen_clocks())
    shares = levels or plan.sampling.levels(count_cases(plan, denoiser.time_free))
    first = plan.sampling.seed if seed is None else seed
    device = torch.device(plan.sampling.device)
    quick = tabled(denoiser, target.length, device) if plan.sampling.samples else denoiser
    results = []
    for place, case in enumerate(_cases(target, plan, denoiser, shape, faults)):
        progress(f"{target.name}: {case.setting.sampler} {case.setting.steps}")
        result = _result(case, plan, measure)
        if plan.sampling.samples:
            law = measure.law(case)
            found = empirical(case, quick, law, plan.sampling, first + place, shares[place])
            result = replace(result, empirical=found[0], law_check=found[1])
        results.append(result)
    return TargetAudit(
        target.name,
        target.length,
        target.vocabulary,
        target.support,
        tuple(results),
        tuple(shape.information.tolist()),
        faults,
        () if faults is None else tuple(_crossovers(target, plan, shape, faults, results)),
        () if denoiser.time_free else _without_clock(plan),
    )


def count_cases(plan: Plan, time_free: bool = True) -> int:
    """How many results an audit of one target has, for a progress bar.

    Args:
        plan: what to run.
        time_free: whether the denoiser is; else first-hitting has a result for each clock, and
            samplers without a clock have none.
    """
    parallel = len(plan.clocks) * len(plan.schedules()) * len(plan.rules)
    if not time_free:
        return parallel + len(plan.clocks)
    return parallel + 1 + len(plan.blocks) + len(plan.confidence)


def _without_clock(plan: Plan) -> tuple[str, ...]:
    """What cannot be run with a time-dependent denoiser, and why."""
    names = [f"blocks {size}" for size in plan.blocks]
    names += [f"confidence {count}" for count in plan.confidence]
    return tuple(f"{name}: has no clock, and the denoiser depends on time" for name in names)


def _cases(
    target: Target, plan: Plan, denoiser: Denoiser, shape: Profile, faults: Faults | None
) -> Iterator[Case]:
    d = target.length
    base = Setting(
        length=d,
        vocabulary=target.vocabulary,
        delta=plan.delta,
        last_step=plan.last_step,
        exact_denoiser=faults is None,
        normalised=denoiser.normalised,
        time_free=denoiser.time_free,
        family=target.family,
    )
    for chosen in plan.chosen_clocks():
        for steps, grid_name in plan.schedules():
            times = plan.grid_times(chosen, grid_name, steps, d)
            calls = times if plan.last_step == "fill" else times[:-1]
            gaps = None if faults is None else faults.along(calls)
            for rule in plan.rules:
                law = step_law(rule, chosen, times, plan.last_step)
                path = Trajectory.of(chosen, times, law)
                along = score_terms(path, d, gaps, denoiser.normalised)
                yield Case(
                    target,
                    shape,
                    replace(
                        base,
                        steps=steps,
                        sampler=_rule_name(rule),
                        custom_rule=not isinstance(rule, str),
                        clock=chosen.name,
                        grid=grid_name,
                        has_leftover=law.leftover > 0,
                        uniform_law=_is_uniform(law, steps),
                    ),
                    law,
                    path,
                    decompose(shape, path, along),
                    gaps,
                    float(times[0]),
                )
    hitting = replace(base, steps=d, sampler="fhs")
    ones, timeless = (1,) * d, None if faults is None else faults.gaps
    if faults is None:
        terms = Decomposition.of_draws((0.0,) * d, 0.0)
        yield Case(target, shape, hitting, decomposition=terms, composition=ones)
    else:
        for chosen_or_none, errors in faults.errors:
            name = None if chosen_or_none is None else chosen_or_none.name
            yield Case(
                target,
                shape,
                replace(hitting, clock=name),
                decomposition=Decomposition.of_draws(errors.gaps, errors.error),
                gaps=timeless,
                composition=ones,
                errors=errors,
                clock=chosen_or_none,
            )
    if not denoiser.time_free:
        return
    for size in plan.blocks:
        sizes = fixed_blocks(d, size)
        blocks = replace(base, steps=len(sizes), sampler="blocks")
        yield Case(target, shape, blocks, gaps=timeless, composition=sizes)
    for count in plan.confidence:
        surest = replace(base, steps=-(-d // count), sampler="confidence")
        yield Case(target, shape, surest, gaps=timeless, confidence=count)


def _rule_name(rule: str | Rule) -> str:
    return rule if isinstance(rule, str) else rule.__name__


def _crossovers(
    target: Target, plan: Plan, shape: Profile, faults: Faults, results: Sequence[Result]
) -> Iterator[Crossover]:
    """For each rule, clock and grid; where predictions depend on time, among the K that were run.

    At another K such a denoiser would be asked at other times.
    """
    d = target.length

    def terms(chosen: Clock, grid_name: str, rule: str | Rule, steps: int) -> Decomposition:
        times = plan.grid_times(chosen, grid_name, steps, d)
        path = Trajectory.of(chosen, times, step_law(rule, chosen, times, plan.last_step))
        return decompose(shape, path, score_terms(path, d, faults.gaps, faults.normalised))

    grids = plan.grids if plan.times is None else ()
    for chosen, grid_name, rule in product(plan.chosen_clocks(), grids, plan.rules):
        key = (_rule_name(rule), chosen.name, grid_name)
        if faults.gaps is not None:
            found = dominated_from(partial(terms, chosen, grid_name, rule))
            yield Crossover(*key, found, MOST_STEPS)
        else:
            run = {
                one.steps: one.decomposition
                for one in results
                if (one.sampler, one.clock, one.grid) == key and one.decomposition is not None
            }
            yield Crossover(*key, dominated_among(run), max(run))


def _is_uniform(law: StepLaw, steps: int) -> bool:
    """Whether w_k = 1/K as far as float64 can say; E5 covers the law exactly as it is."""
    w = law.weights[:steps]
    return law.leftover < 1e-12 and bool(((w * steps - 1).abs() < 1e-12).all())


def _result(case: Case, plan: Plan, measure: Measure) -> Result:
    tv = measure.tv(case)
    setting = case.setting
    bounds = {one: judge(CLAIMS[one], case, tv, plan.scale) for one in map(str.upper, plan.claims)}
    return Result(
        sampler=setting.sampler,
        steps=setting.steps or 0,
        clock=setting.clock,
        grid=setting.grid,
        leftover=_leftover(case),
        clipped=case.law.clipped if case.law else 0,
        tv=tv,
        method=measure.method(case),
        bounds=bounds,
        decomposition=case.decomposition,
    )


def _leftover(case: Case) -> float | None:
    if case.law is None:
        return 0.0
    return case.law.leftover if case.setting.normalised else None


def judge(one: Claim, case: Case, tv: Interval, scale: Mapping[str, Number]) -> BoundResult:
    """Compare a claim about TV(p_out, q_0) with a measured one.

    Args:
        one: the claim.
        case: what was run.
        tv: the measured total variation.
        scale: factors on named constants.

    Returns:
        The comparison; a claim about another quantity does not apply.
    """
    form, reason = _form(one, case.setting)
    symbols = one.symbols(form)
    # On its own family a worst-case value is the TV; elsewhere it has no verdict.
    attained = one.relation is Relation.WORST_CASE and case.setting.family in one.attained_by
    if reason is None and not symbols <= VALUES.keys():
        missing = ", ".join(sorted(symbols - VALUES.keys()))
        reason = f"is not about a sampler's TV on a data law (needs {missing})"
    if reason is None and symbols & FAMILY_VALUES and not attained:
        reason = f"is an exact value on {' and '.join(one.attained_by)} only"
    relation = one.form(form).relation
    if reason is not None:
        return BoundResult(relation, reason, None, None, Verdict.NONE)
    with precision(BITS):
        value = bound(one, case, scale, form)
    relation = Relation.EQUALITY if attained else relation
    verdict = compare(relation, tv, value)
    if verdict is Verdict.UNDECIDED and case.information is None and symbols & {"h", "I_bar"}:
        # √Ī turns a rounding of 1e-15 into 3e-8; exact weights decide, where there are few enough
        with suppress(TooLargeError), precision(BITS):
            exact = tuple(exact_information(case.target))
            return judge(one, replace(case, information=exact), tv, scale)
    # What is shown is on the safe side: an upper bound rounded up, all else down.
    end = value.upper if relation is Relation.UPPER else value.lower
    safe = min(max(float(end), 0.0), 1.0)
    ratio = tv.middle / safe if safe > 0 else None
    return BoundResult(relation, None, safe, ratio, verdict)


TV_SIDES = (r"\mathrm{TV}(p_{\mathrm{out}},q_0)", r"\mathrm{TV}(p_{\mathrm{FHS}},q_0)")
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
        about_tv = (variant.measured or one.measured) in TV_SIDES
        other = variant.replaces or one.measured not in TV_SIDES
        if about_tv and other:
            found = one.applies(setting, name)
            if found is None:
                return name, None
            reason = found if one.measured not in TV_SIDES else reason
    return None, reason
