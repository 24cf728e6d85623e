"""Float64 trials: the torch samplers' exact laws, with stated error bounds, against the claims."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.expansion import tables
from sharprates.samplers.output_law import total_variation
from sharprates.samplers.propagation import propagate
from sharprates.theory.claim import Relation
from sharprates.theory.registry import claim as claim_of
from sharprates.theory.setting import Setting
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.check import (
    Counts,
    Evaluate,
    Example,
    Mutant,
    Trial,
    below_one,
    positive,
)
from sharprates.verification.decide import Decision, decide
from sharprates.verification.decomposition import Trajectory, decompose
from sharprates.verification.profile import profile, score_gaps
from sharprates.verification.quantities.float64 import Case, FloatQuantities
from sharprates.verification.strategies import Scenario


@lru_cache(maxsize=32)
def case_of(scenario: Scenario) -> Case:
    """What the bounds need to know of a scenario."""
    target, denoiser, schedule = scenario.target, scenario.denoiser, scenario.schedule
    d = target.length
    times, law = schedule.times(d), schedule.law(d)
    exact = isinstance(denoiser, ExactDenoiser)
    path = Trajectory.of(schedule.chosen, times, law)
    if exact:
        gaps = None
    elif denoiser.time_free:
        gaps = score_gaps(target, denoiser)
    else:
        gaps = torch.stack([score_gaps(target, denoiser, float(t)) for t in path.times])
    shape = profile(target)
    uniform = law.leftover < 1e-12 and bool(
        ((law.weights * schedule.steps - 1).abs()[: schedule.steps] < 1e-12).all()
    )
    setting = Setting(
        length=d,
        vocabulary=target.vocabulary,
        steps=schedule.steps,
        sampler=schedule.rule,
        clock=schedule.clock,
        grid=schedule.grid,
        delta=schedule.delta,
        last_step=schedule.last_step,
        has_leftover=law.leftover > 0,
        uniform_law=uniform,
        exact_denoiser=exact,
        normalised=denoiser.normalised,
        time_free=denoiser.time_free,
        family=target.family.name if target.family else None,
    )
    terms = decompose(shape, path, gaps, denoiser.normalised)
    return Case(target, shape, setting, law, path, terms, gaps, float(times[0]))


@lru_cache(maxsize=32)
def tv_of(scenario: Scenario) -> Interval:
    """TV(p_out, q_0): by expansion where it applies, else by propagation."""
    target, denoiser = scenario.target, scenario.denoiser
    law = scenario.schedule.law(target.length)
    if denoiser.normalised and denoiser.time_free:
        out = tables(target, denoiser).law(law)
    else:
        times = scenario.schedule.times(target.length)
        # the filling call is made at the last time
        calls = times if law.steps == times.numel() else times[:-1]
        out = propagate(target, denoiser, law, calls)
    found = total_variation(out, target)
    near = Interval.around(found.value, found.error)
    return Interval(max(near.lower, Fraction(0)), min(max(near.upper, Fraction(0)), Fraction(1)))


def on_scenarios(
    claim_id: str, variant: str | None = None, counts: Counts | None = None
) -> Evaluate:
    """The trial of a bound on TV(p_out, q_0); a scenario outside its hypotheses does not count."""
    claim = claim_of(claim_id)
    relation = claim.form(variant).relation
    says_something = counts or (below_one if relation is Relation.UPPER else positive)

    def trial(example: Example, mutant: Mutant) -> Trial:
        case = case_of(example["scenario"])
        if claim.applies(case.setting, variant) is not None:
            return Trial(
                example, Decision(relation, ((Interval.exact(0), Interval.exact(0)),)), False
            )
        measured = tv_of(example["scenario"])
        decision = decide(claim, lambda: FloatQuantities(case, measured), variant, mutant.scale)
        return Trial(example, decision, says_something(example, *decision.side))

    return trial
