"""Float64 trials: the torch samplers' exact laws, with stated error bounds, against the claims."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.output_law import total_variation
from sharprates.samplers.parallel import ParallelSampler
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
    sampler, times = ParallelSampler(d, schedule), schedule.times(d)
    exact = isinstance(denoiser, ExactDenoiser)
    path = Trajectory.of(schedule.chosen, times, sampler.step_law)
    if exact:
        gaps = None
    elif denoiser.time_free:
        gaps = score_gaps(target, denoiser)
    else:
        gaps = torch.stack([score_gaps(target, denoiser, float(t)) for t in path.times])
    shape = profile(target)
    setting = Setting(
        length=d,
        vocabulary=target.vocabulary,
        exact_denoiser=exact,
        normalised=denoiser.normalised,
        time_free=denoiser.time_free,
        family=target.family.name if target.family else None,
        **sampler.facts(),
    )
    terms = decompose(shape, path, gaps, denoiser.normalised)
    return Case(target, shape, setting, sampler, path, terms, gaps, float(times[0]))


@lru_cache(maxsize=32)
def tv_of(scenario: Scenario) -> Interval:
    """TV(p_out, q_0): by expansion where it applies, else by propagation."""
    target, denoiser = scenario.target, scenario.denoiser
    out = ParallelSampler(target.length, scenario.schedule).law(target, denoiser)
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
