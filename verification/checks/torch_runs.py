"""Float64 trials: the torch samplers' exact laws, with stated error bounds, against the claims."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.theory.claim import Relation
from sharprates.theory.registry import claim as claim_of
from sharprates.verification.arithmetic import Interval
from sharprates.verification.checks.reach import asked
from sharprates.verification.checks.trial import (
    Counts,
    Evaluate,
    Example,
    Mutant,
    Trial,
    below_one,
    positive,
)
from sharprates.verification.decide import decide
from sharprates.verification.experiment import Experiment
from sharprates.verification.measure import Measure
from sharprates.verification.profile import profile
from sharprates.verification.quantities.float64 import FloatQuantities
from sharprates.verification.score_error import Comparison, score_error_of
from sharprates.verification.verdict import Decision, decision_of


@lru_cache(maxsize=32)
def quantities_of(experiment: Experiment) -> FloatQuantities:
    """What the bounds need to know of an experiment on a clock, and its total variation."""
    target, denoiser = experiment.target, experiment.denoiser
    tv = Measure.of(target, denoiser, "float64").tv(experiment)
    numbers = FloatQuantities(experiment, profile(target), measured_tv=tv)
    if isinstance(denoiser, ExactDenoiser):
        return numbers
    if denoiser.time_free:
        score = score_error_of(target, denoiser, ())
        return replace(numbers, gaps=score.gaps, logs=score.logs, runs=score.runs)
    gaps = Comparison.of(target).along(denoiser, numbers.trajectory.times)
    return replace(numbers, gaps=gaps)


def in_floats(claim_id: str, variant: str | None = None, counts: Counts | None = None) -> Evaluate:
    """The trial of a bound on TV(p_out, q_0); it does not count where the claim does not apply."""
    claim = claim_of(claim_id)
    relation = claim.form(variant).relation
    says_something = counts or (below_one if relation is Relation.UPPER else positive)

    def trial(example: Example, mutant: Mutant) -> Trial:
        numbers = quantities_of(example.law)
        if claim.applies(numbers.experiment.setting(), variant) is not None:
            nothing = Interval.exact(0)
            return Trial(example, Decision(relation, ((nothing, nothing),)), False)
        asked(claim_id, variant)
        decision = decide(claim, lambda: numbers, variant, mutant.scale)
        return Trial(example, decision, says_something(example, *decision.side))

    return trial


def near(example: Example, measured: float, claimed: float, tolerance: float) -> Trial:
    """Two numbers differ by at most a tolerance."""
    sides = [(abs(measured - claimed), tolerance)]
    return Trial(example, decision_of(Relation.UPPER, sides), counts=True)
