"""Guesses at what is wrong with a sampler that does not do what it declares."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.schedule import RULES
from sharprates.verification.conformance.known_laws import (
    GUESSED_CLOCKS,
    declared_sampler,
    near_misses,
)
from sharprates.verification.conformance.samples import p_value
from sharprates.verification.statistics.step_tests import ObservedStep
from torch import Tensor

if TYPE_CHECKING:
    from sharprates.verification.conformance.protocol import Declaration
    from sharprates.verification.conformance.session import Session


def of_hazards(
    declaration: Declaration, table: Tensor, seen: Sequence[float], tokens: Sequence[int]
) -> str:
    """Which other hazards fit what was observed in all steps.

    Args:
        declaration: whose hazards do not fit.
        table: the predictions, as in `oracle.Oracle`.
        seen: share of the masked tokens that each step reveals, the first one from all masks.
        tokens: masked tokens, a step; the steps may end early, where nothing can be left.
    """
    rule, T = str(declaration.rule), declaration.temperature or 1.0
    right = declaration.hazards(rule)
    # Step 0 by weights p^(1/temperature) of any sum.
    m = (table[-1] ** (1 / T)).sum(-1)
    weighted = float((m * right[0] / (m * right[0] + 1 - right[0])).mean())
    if T != 1 and abs(weighted - seen[0]) < 4 * math.sqrt(0.25 / max(tokens[0], 1)):
        return "fits weights p^(1/temperature) that are not renormalised"
    guesses = {f"the hazard of {other}": declaration.hazards(other) for other in RULES}
    for clock in GUESSED_CLOCKS:
        with contextlib.suppress(InputError):  # a grid beyond its domain
            guesses[f"the clock {clock}"] = replace(declaration, clock=clock).hazards(rule)
    factor = sum(seen) / max(sum(right), 1e-9)
    guesses |= {
        "the hazard of the next step": [*right[1:], right[-1]],
        "the hazard of the step before": [right[0], *right[:-1]],
        "the hazard of step 0 in every step": right[:1] * len(right),
        "the probability to stay, not to reveal": [1 - r for r in right],
        "half the step size": [r / 2 for r in right],
        "twice the step size": [min(1.0, 2 * r) for r in right],
        "the steps in the opposite direction of time": right[::-1],
        f"every hazard times {factor:.3f}": [min(1.0, factor * r) for r in right],
    }

    def fits(guess: Sequence[float]) -> bool:
        return all(
            abs(g - s) <= 4 * math.sqrt(max(g * (1 - g), 1e-6) / max(n, 1))
            for g, s, n in zip(guess, seen, tokens, strict=False)
        )

    return next((f"fits {name}" for name, guess in guesses.items() if fits(guess)), "")


def of_values(observed: ObservedStep) -> str:
    """Values drawn in one step: argmax, a cut tail, or something else."""
    S, after = observed.mask, observed.after
    for i in observed.hidden:
        p, seen = observed.conditionals[i], torch.bincount(after[:, i], minlength=S)[:S]
        if int((seen > 0).sum()) == 1 and int(seen.argmax()) == int(p.argmax()):
            return "the most probable value is taken, none is drawn"
        if bool((seen[p > 0.01] == 0).any()) and int(seen.sum()) > 1000:
            return "improbable values are cut off (top-k, nucleus)"
    return "another temperature, a wrong context, or a wrong index"


def of_law(run: Session) -> str:
    """Near misses of the declaration: which of them the samples do not contradict."""
    for name, near in near_misses(run.declaration).items():
        with contextlib.suppress(InputError):  # a grid beyond the clock's domain
            known = declared_sampler(near) or run.possible[0]
            laws = [known.law(denoiser, near) for denoiser in run.plan.denoisers]
            if p_value(run.samples[:2], laws) > run.ledger.budget.alpha:
                return f"fits {name}"
    return "predictions of another state or position, a normalisation, or draws that are coupled"
