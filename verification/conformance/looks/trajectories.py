"""Whole trajectories, from the states that the denoiser saw: each step of each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.conformance import causes
from sharprates.verification.conformance.denoiser_table import sharpened
from sharprates.verification.conformance.design import Instance
from sharprates.verification.conformance.findings import Finding, Tested, summary, unlike
from sharprates.verification.conformance.known_laws import (
    ByCount,
    ByHazard,
    ByPolicy,
    KnownSampler,
)
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import state_codes, state_word
from sharprates.verification.conformance.session import Session
from sharprates.verification.statistics.distribution import dkw_test
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.step_tests import reveal_steps
from torch import Tensor


def _findings(run: Session) -> Iterator[Finding]:
    shown = [
        (instance, samples.trajectories)
        for instance, samples in zip(run.instances, run.samples, strict=True)
        if samples.trajectories is not None
    ]
    if not shown:
        return
    if run.declaration.carry_over:
        yield _carry_over(shown)
    yield from _tokens(run, shown)
    if run.declaration.by_hazard and run.declaration.block_length is None:
        yield from _step_law(run, *shown[min(1, len(shown) - 1)])
    if _values_go_by_context(run.declared):
        level = run.ledger.take("values by context") / len(shown)
        tests = [one for given in shown for one in _values_by_context(run, *given, level)]
        yield from summary("values by context", tests)
    elif run.declared is not None and run.declaration.law is None:
        level = run.ledger.take("moves") / len(shown)
        # Whether ties are as declared is the law's test.
        sure = [given for given in shown if not given[0].tie_laws]
        yield from summary("moves", [one for given in sure for one in _moves(run, *given, level)])


def _carry_over(shown: Sequence[tuple[Instance, Tensor]]) -> Finding:
    """No revealed token changes."""
    for instance, states in shown:
        mask = instance.denoiser.vocabulary
        wrong = ((states[:-1] != mask) & (states[:-1] != states[1:])).any(-1).nonzero()
        if wrong.numel():
            k, row = wrong[0].tolist()
            pair = f"{state_word(states[k, row], mask)} → {state_word(states[k + 1, row], mask)}"
            cause = "the denoiser's prediction, or a new draw, replaces tokens that were revealed"
            return Finding("carry-over", False, f"a revealed token changes: {pair}", cause)
    steps, rows = (max(states.shape[axis] for _, states in shown) for axis in (0, 1))
    return Finding("carry-over", True, f"{steps - 1} steps of {rows} rows")


def _tokens(run: Session, shown: Sequence[tuple[Instance, Tensor]]) -> Iterator[Finding]:
    """Each step reveals as many tokens as it should, and those where the state decides which."""
    declared, declaration, looked = run.declared, run.declaration, 0
    for instance, states in shown:
        denoiser = instance.denoiser
        if isinstance(declared, ByCount):
            plan = declared.plan(denoiser, declaration)
        elif isinstance(declared, ByPolicy) and declaration.block_length is None:
            plan = [(denoiser.moves.hidden, k) for k in range(len(states) - 1)]
        else:
            return
        if len(plan) > len(states) - 1:
            detail = f"done after {len(states) - 1} steps, {len(plan)} are declared ({instance})"
            cause = "several tokens a step, perhaps where they are equally sure"
            yield Finding("tokens a step", False, detail, cause)
            return
        if len(plan) < len(states) - 1:
            continue
        looked += 1
        open_to_choice = bool(instance.tie_laws) or declaration.ties == "random"
        for k, ((before, after), (open_, count)) in enumerate(
            zip(pairwise(states), plan, strict=True)
        ):
            place = state_codes(before.long(), denoiser.vocabulary)
            revealed = before != after
            if isinstance(declared, ByCount):
                wrong = revealed.sum(1) != open_[place].sum(1).clamp(max=count)
                wrong |= (revealed & ~open_[place]).any(1)
            else:
                wrong = ~revealed.any(1) & open_[place].any(1)
            if declared.chooses and not open_to_choice:
                (chosen,) = declared.chosen(denoiser, declaration, open_, count)
                wrong |= (revealed != chosen[place]).any(1)
            if bool(wrong.any()):
                row = int(wrong.int().argmax())
                pair = " → ".join(
                    state_word(one[row], denoiser.vocabulary) for one in (before, after)
                )
                detail = f"step {k} goes {pair} in {int(wrong.sum())} of {len(wrong)} rows"
                cause = "another number of tokens, order, or measure of confidence"
                yield Finding("tokens a step", False, f"{detail} ({instance})", cause)
                return
    if looked:
        yield Finding("tokens a step", True, f"as declared on {looked} denoisers")


def _moves(run: Session, instance: Instance, states: Tensor, level: float) -> Iterator[Tested]:
    """From each state that the denoiser saw the next one follows, as the kernel says (DKW)."""
    assert run.declared is not None
    kernel, S = run.declared.steps(instance.denoiser, run.declaration), instance.denoiser.vocabulary
    if len(kernel) != len(states) - 1:
        return
    generator = torch.Generator().manual_seed(run.settings.seed)
    codes = [state_codes(x.long(), S) for x in states]
    for k, (step, (before, after)) in enumerate(zip(kernel, pairwise(codes), strict=True)):
        v = torch.rand(before.shape, generator=generator, dtype=torch.float64)
        test = dkw_test("moves", step.uniforms(before, after, v), level / len(kernel))
        detail = f"step {k} does not go from state to state as declared ({instance})"
        yield Tested(test, detail, "another chance to reveal, to mask again, or to draw a value")


def _values_go_by_context(declared: KnownSampler | None) -> bool:
    """True if what is revealed does not depend on the values that are drawn."""
    drawn = isinstance(declared, ByCount) and declared.order == "drawn"
    return isinstance(declared, ByHazard | ByCount | ByPolicy) and not drawn


def _step_law(run: Session, instance: Instance, states: Tensor) -> Iterator[Finding]:
    """The step in which each token is revealed."""
    mask = instance.denoiser.vocabulary
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
    level = level / 2
    test = reveal_steps(steps, weights, level)
    revealed = torch.bincount(steps.clamp(min=0).flatten(), minlength=len(right) + 1).tolist()
    waiting = [tokens - sum(revealed[:k]) for k in range(len(right))]
    seen = [a / max(m, 1) for a, m in zip(revealed, waiting, strict=False)]
    worst = [abs(a / tokens - float(w)) for a, w in zip(revealed, weights, strict=False)]
    k = max(range(len(right)), key=worst.__getitem__)
    share, weight = unlike(revealed[k] / tokens, float(weights[k]))
    detail = f"step {k} reveals {share} of all tokens, not {weight}"
    table, K = instance.denoiser.table, len(declaration.grid) - 1
    cause = "" if test.passed else causes.of_hazards(declaration, table, seen[:K], waiting[:K])
    cause = cause or "another clock, grid or order of steps"
    yield from summary("step law", [Tested(test, detail, cause), *_places(steps, weights, level)])


def _places(steps: Tensor, weights: Tensor, level: float) -> Iterator[Tested]:
    """The steps of each position, and of all positions together: they are independent."""
    d, part = steps.shape[1], level / (steps.shape[1] + 1)
    for i in range(d):
        test = reveal_steps(steps[:, i], weights, part)
        yield Tested(test, f"position {i} is not revealed as the others are", "a rule by position")
    K = len(weights) + 1
    law = torch.cat([weights, (1 - weights.sum()).clamp(min=0)[None]])
    law = torch.where(law > 1e-12, law, 0.0)
    joint = law
    for _ in range(d - 1):
        joint = torch.outer(joint, law).flatten()
    pattern = (steps.clamp(max=K - 1) * K ** torch.arange(d)).sum(1)
    test = law_test("steps together", torch.bincount(pattern, minlength=K**d), joint, part)
    yield Tested(test, "positions are not revealed independently", "one coin for several positions")


def _values_by_context(
    run: Session, instance: Instance, states: Tensor, level: float
) -> Iterator[Tested]:
    """Values that a step reveals follow the predictions for the states that the denoiser saw.

    Symbols sorted from the most probable on, u = P(before the drawn one) + v·P(the drawn one) with
    v uniform is uniform, for any prediction: all tokens of a step make one check (DKW).
    """
    declaration, denoiser = run.declaration, instance.denoiser
    S, steps = denoiser.vocabulary, len(states) - 1
    grid = len(declaration.grid) - 1 + (declaration.last_step != "leave")
    by_step = denoiser.late is not None or (
        declaration.by_hazard and declaration.last_step == "argmax"
    )
    if by_step and (declaration.block_length is not None or steps != grid):
        return
    level = level / steps
    # One's own chance needs no generator of the sampler's device.
    generator = torch.Generator().manual_seed(run.settings.seed)
    for k, (before, after) in enumerate(pairwise(states.long())):
        shown = (before == S) & (after != S)
        predicted = declaration.predictions(denoiser, k)
        p = declaration.drawn_from(predicted)
        if k == steps - 1 and declaration.by_hazard and declaration.last_step == "argmax":
            p = sharpened(predicted, 0, None, None)
        p, value = p[state_codes(before, S)][shown], after[shown][:, None]
        if len(value) < 50:  # too few to reject anything
            continue
        own = p.gather(-1, value)
        ahead = (p > own) | ((p == own) & (torch.arange(S) < value))
        v = torch.rand(own.shape, generator=generator, dtype=torch.float64)
        u = (p * ahead).sum(-1, keepdim=True) + v * own
        detail = f"values drawn in step {k} do not follow the predictions ({instance})"
        cause = "improbable values too often: another temperature, state or position, a constant"
        if bool((own == p.amax(-1, keepdim=True)).all()):
            cause = "the most probable value is taken, none is drawn"
        elif float(u.mean()) < 0.5:
            cause = "probable values too often: another temperature, or a tail that is cut off"
        if denoiser.late is not None:
            cause = f"another time is handed to the denoiser, or {cause}"
        yield Tested(dkw_test("values by context", u, level), detail, cause)


LOOK = Look(
    _findings,
    "another hazard, number or choice of tokens, or values by other predictions in any step, "
    "revealed tokens that change, in all rows that are sampled",
    "a sampler that gives the denoiser anything but all rows once a step",
    ("step law", "values by context", "moves"),
)
