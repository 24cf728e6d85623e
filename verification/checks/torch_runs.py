"""Float64 trials: the torch samplers' exact laws, with stated error bounds, against the claims."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.parallel import ParallelSampler
from sharprates.theory.claim import Relation
from sharprates.theory.registry import claim as claim_of
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.trial import (
    Counts,
    Evaluate,
    Example,
    Mutant,
    Scenario,
    Trial,
    below_one,
    positive,
)
from sharprates.verification.decide import decide
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import profile, score_gaps
from sharprates.verification.quantities.float64 import FloatQuantities
from sharprates.verification.verdict import Decision


@lru_cache(maxsize=32)
def quantities_of(scenario: Scenario) -> FloatQuantities:
    """What the bounds need to know of a scenario, and its total variation."""
    target, denoiser, schedule = scenario.target, scenario.denoiser, scenario.schedule
    experiment = Experiment(target, denoiser, ParallelSampler(target.length, schedule))
    numbers = FloatQuantities(experiment, profile(target), measured_tv=tv_of(scenario))
    if isinstance(denoiser, ExactDenoiser):
        return numbers
    if denoiser.time_free:
        gaps = score_gaps(target, denoiser)
    else:
        times = numbers.trajectory.times
        gaps = torch.stack([score_gaps(target, denoiser, float(t)) for t in times])
    return replace(numbers, gaps=gaps)


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
        numbers = quantities_of(example["scenario"])
        if claim.applies(numbers.experiment.setting(), variant) is not None:
            return Trial(
                example, Decision(relation, ((Interval.exact(0), Interval.exact(0)),)), False
            )
        decision = decide(claim, lambda: numbers, variant, mutant.scale)
        return Trial(example, decision, says_something(example, *decision.side))

    return trial
