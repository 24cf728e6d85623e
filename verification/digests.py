"""What options only name, as digests of the numbers: data, schedules, denoisers.

A run is continued only if they are the same; see `verification.journal`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.policies import Rule, policy
from sharprates.samplers.schedule import step_law
from sharprates.samplers.target import Target
from sharprates.samplers.trajectories import trajectories
from sharprates.verification.audit_plan import Plan
from sharprates.verification.denoisers import questions

_ROWS = 64
"""Of the data, on which policies of one's own are asked."""


def _digest(parts: Iterator[Any]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else repr(part).encode())
        total.update(b"\0")
    return total.hexdigest()


def of_data(plan: Plan, targets: Sequence[Target]) -> dict[str, Any]:
    """Names and digests of data laws, and of the step laws that a plan makes for their lengths."""
    lengths = {target.length for target in targets}
    return {
        "targets": [target.name for target in targets],
        "data": [_digest(_target(target)) for target in targets],
        "schedules": _digest(_schedules(plan, lengths)),
        "choices": [_digest(_choices(plan, target)) for target in targets],
    }


def of_denoisers(denoisers: Sequence[Denoiser], targets: Sequence[Target]) -> list[str]:
    """Digests of denoisers, one a target; an imperfect one counts by its answers to questions."""
    return [_digest(_answers(*pair)) for pair in zip(denoisers, targets, strict=True)]


def _target(target: Target) -> Iterator[Any]:
    yield (target.vocabulary, str(target.family), tuple(target.rows.shape))
    yield target.rows.numpy().tobytes()
    yield target.weights.numpy().tobytes()
    yield (
        None
        if target.fractions is None
        else [(hex(w.numerator), hex(w.denominator)) for w in target.fractions]
    )


def _schedules(plan: Plan, lengths: set[int]) -> Iterator[Any]:
    for length in sorted(lengths):
        for chosen in plan.chosen_clocks():
            for steps, name in plan.schedules():
                times = plan.schedule("euler", chosen, name, steps).times(length)
                yield times.numpy().tobytes()
                for rule in plan.rules:
                    yield step_law(rule, chosen, times, plan.last_step).unclipped.numpy().tobytes()


def _choices(plan: Plan, target: Target) -> Iterator[Any]:
    """What policies of one's own reveal when, on the first rows; a text alone says which it is."""
    for text in (*plan.policies, *plan.speculation):
        found = policy(text, target.length)
        if not isinstance(found, Rule):
            rows = target.rows[:_ROWS]
            yield trajectories(found, ExactDenoiser(target), rows).round_of.numpy().tobytes()


def _answers(denoiser: Denoiser, target: Target) -> Iterator[Any]:
    yield (type(denoiser).__name__, denoiser.time_free, denoiser.normalised)
    if isinstance(denoiser, ExactDenoiser):
        yield denoiser.off_support
    else:
        x, t = questions(denoiser, target)
        yield denoiser(x, t).detach().to("cpu", torch.float64).numpy().tobytes()
