"""Whole trajectories, from the states that the denoiser saw: each step of each row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.conformance import causes
from sharprates.verification.conformance.denoiser_table import tempered
from sharprates.verification.conformance.findings import Finding, Tested, summary
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import state_codes, state_word
from sharprates.verification.conformance.session import Session
from sharprates.verification.statistics.distribution import dkw_test
from sharprates.verification.statistics.step_tests import reveal_steps
from torch import Tensor


def _findings(run: Session) -> Iterator[Finding]:
    states, mask = run.samples[1].trajectories, run.plan.denoisers[1].vocabulary
    if states is None:
        return
    if run.declaration.carry_over:
        yield _carry_over(states, mask)
    if run.declaration.by_hazard:
        yield from _step_law(run, states, mask)
        yield from _values_by_context(run, states)


def _carry_over(states: Tensor, mask: int) -> Finding:
    """No revealed token changes."""
    wrong = ((states[:-1] != mask) & (states[:-1] != states[1:])).any(-1).nonzero()
    if not wrong.numel():
        return Finding("carry-over", True, f"{len(states) - 1} steps of {states.shape[1]} rows")
    k, row = wrong[0].tolist()
    pair = f"{state_word(states[k, row], mask)} → {state_word(states[k + 1, row], mask)}"
    cause = "the denoiser's prediction, or a new draw, replaces tokens that were revealed"
    return Finding("carry-over", False, f"a revealed token changes: {pair}", cause)


def _step_law(run: Session, states: Tensor, mask: int) -> Iterator[Finding]:
    """The step in which each token is revealed."""
    level = run.ledger.take("step law")
    declaration, tokens = run.declaration, states[0].numel()
    right = declaration.hazards(str(declaration.rule))
    if declaration.last_step != "leave":
        right = [*right, 1.0]
    if bool((states[1] == mask).all()):
        # A call before the first step, if a step that reveals nothing is out of the question.
        if (1 - right[0]) ** tokens > 1e-20:
            return
        first = int((states != mask).flatten(1).any(1).int().argmax())
        states = states[first - 1 :]
    # Where nothing can be left the last step may be skipped.
    whole = right.index(1.0) + 1 if 1.0 in right else len(right)
    if len(states) - 1 not in (len(right), whole):
        return
    right = right[: len(states) - 1]
    # A token revealed in step k was masked in the contexts 0..k.
    steps = (states == mask).sum(0) - 1
    weights = StepLaw.from_hazards(torch.tensor(right, dtype=torch.float64)).weights
    test = reveal_steps(steps, weights, level)
    revealed = torch.bincount(steps.clamp(min=0).flatten(), minlength=len(right) + 1).tolist()
    waiting = [tokens - sum(revealed[:k]) for k in range(len(right))]
    seen = [a / max(m, 1) for a, m in zip(revealed, waiting, strict=False)]
    worst = [abs(a / tokens - float(w)) for a, w in zip(revealed, weights, strict=False)]
    k = max(range(len(right)), key=worst.__getitem__)
    detail = f"step {k} reveals {seen[k]:.4f} of the masked tokens, not {right[k]:.4f}"
    table, K = run.plan.denoisers[1].table, len(declaration.grid) - 1
    cause = "" if test.passed else causes.of_hazards(declaration, table, seen[:K], waiting[:K])
    cause = cause or "another clock, grid or order of steps"
    yield from summary("step law", [Tested(test, detail, cause)])


def _values_by_context(run: Session, states: Tensor) -> Iterator[Finding]:
    """Values that a step reveals follow the predictions for the states that the denoiser saw.

    Symbols sorted from the most probable on, u = P(before the drawn one) + v·P(the drawn one) with
    v uniform is uniform, for any prediction: all tokens of a step make one check (DKW).
    """
    declaration, denoiser = run.declaration, run.plan.denoisers[1]
    S, table = denoiser.vocabulary, tempered(denoiser, declaration.temperature).table
    level = run.ledger.take("values by context") / (len(states) - 1)
    generator, tests = run.generator(), []
    for k, (before, after) in enumerate(pairwise(states.long())):
        shown = (before == S) & (after != S)
        p, value = table[state_codes(before, S)][shown], after[shown][:, None]
        if k == len(states) - 2 and declaration.last_step == "argmax":
            p = torch.nn.functional.one_hot(p.argmax(-1), S).double()
        if len(value) < 50:  # too few to reject anything
            continue
        own = p.gather(-1, value)
        ahead = (p > own) | ((p == own) & (torch.arange(S) < value))
        v = torch.rand(own.shape, generator=generator, dtype=torch.float64)
        u = (p * ahead).sum(-1, keepdim=True) + v * own
        detail = f"values drawn in step {k} do not follow the predictions for the states before it"
        cause = "improbable values too often: another temperature, state or position, a constant"
        if bool((own == p.amax(-1, keepdim=True)).all()):
            cause = "the most probable value is taken, none is drawn"
        elif float(u.mean()) < 0.5:
            cause = "probable values too often: another temperature, or a tail that is cut off"
        tests.append(Tested(dkw_test("values by context", u, level), detail, cause))
    yield from summary("values by context", tests)


LOOK = Look(
    _findings,
    "another hazard in any step, values by other predictions in any step, revealed tokens that "
    "change, in all rows that are sampled",
    "a sampler that gives the denoiser anything but all rows once a step",
    ("step law", "values by context"),
)
