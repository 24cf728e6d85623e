"""Does each step do what is declared? Asked for one by one, or seen in what the denoiser saw."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.step_law import RULES, StepLaw
from sharprates.verification import step_checks
from sharprates.verification.conformance.known_laws import (
    GUESSED_CLOCKS,
    Instance,
    hazards,
    tempered,
)
from sharprates.verification.conformance.protocol import (
    Declaration,
    Oracle,
    state_codes,
    state_word,
)
from sharprates.verification.conformance.session import Session, fresh_oracle, method
from sharprates.verification.statistics import Check, dkw_check
from torch import Tensor

STEP_CHECKS = ("unmask probability", "unmask pattern", "token conditionals", "values independent")


def called(run: Session, instance: Instance) -> None:
    """Steps of `step`, each from a few states: hazards and values one by one."""
    step, declaration, oracle = method(run.sampler, "step"), run.declaration, fresh_oracle(instance)
    if step is None or not declaration.by_hazard:
        return
    n, S = run.settings.step_rows, oracle.vocabulary
    times = [declaration.own_time(t) for t in declaration.grid.tolist()]
    right = hazards(str(declaration.rule), declaration)
    predicted = tempered(instance, declaration.temperature).table
    found: dict[str, list[tuple[Check, str, str]]] = {name: [] for name in STEP_CHECKS}
    level = {name: run.ledger.take(name) / (2 * len(right)) for name in STEP_CHECKS}
    moved = changed = ""
    seen: list[float] = []
    for k, state in [(j, one) for j in range(len(right)) for one in _step_states(oracle, j)]:
        before, r = state.repeat(n, 1), right[k]
        kept, generator = before.clone(), run.generator()

        def call(
            before: Tensor = before, k: int = k, generator: torch.Generator = generator
        ) -> object:
            return step(before, times[k], times[k + 1], oracle, generator)

        after = run.call(call, "step(…)", n, oracle)
        name = f"from {state_word(state, S)} at step {k}"
        if not torch.equal(before, kept):
            changed = name
        hidden = state == S
        share = float((after[:, hidden] != S).double().mean())
        if bool(hidden.all()):
            seen.append(share)
        if not step_checks.carry_over(kept, after, S).passed:
            moved = name if declaration.carry_over else ""
            continue
        p = predicted[state_codes(state[None], S)[0]]
        one = step_checks.unmask_probability(state, after, S, r, level["unmask probability"])
        text = f"{name} a masked token is revealed with frequency {share:.4f}, not {r:.4f}"
        found["unmask probability"].append((one, text, ""))
        one = step_checks.unmask_pattern(state, after, S, r, level["unmask pattern"])
        text = f"{name} positions are not revealed independently"
        guess = "one coin for several positions"
        found["unmask pattern"].append((one, text, guess))
        for one in step_checks.token_conditionals(state, after, S, p, level["token conditionals"]):
            text = f"{name}, {one.name}: values do not follow the prediction"
            found["token conditionals"].append((one, text, _values_cause(after, state, p, S)))
        for one in step_checks.values_independent(state, after, S, p, level["values independent"]):
            text = f"{name}, {one.name}"
            found["values independent"].append((one, text, "one uniform for several values"))
    if changed:
        detail = f"step writes into its argument x, {changed}"
        run.add("inputs not mutated", False, detail, "works in place")
    if moved:
        detail = f"step changes a revealed token, {moved}"
        run.add("carry-over", False, detail, "no carry-over")
    tokens = n * oracle.length
    cause = _unnormalised(declaration, oracle.table, seen[0], tokens) or _hazard_cause(
        declaration, seen, [tokens] * len(seen)
    )
    for name, results in found.items():
        run.worst(name, results, cause if name == "unmask probability" else "")


def _step_states(oracle: Oracle, step: int) -> list[Tensor]:
    """All masks, and one token revealed."""
    d, S = oracle.length, oracle.vocabulary
    some = torch.full((d,), S)
    some[step % d] = step % S
    return [torch.full((d,), S), some]


def _hazard_cause(declaration: Declaration, seen: Sequence[float], tokens: Sequence[int]) -> str:
    """Which other hazards fit what was observed in all steps.

    Args:
        declaration: whose hazards do not fit.
        seen: share of the masked tokens that each step reveals.
        tokens: masked tokens, a step.
    """
    rule = str(declaration.rule)
    right = hazards(rule, declaration)
    guesses = {f"the hazard of {one}": hazards(one, declaration) for one in RULES}
    for clock in GUESSED_CLOCKS:
        with contextlib.suppress(InputError):  # a grid beyond its domain
            guesses[f"the clock {clock}"] = hazards(rule, replace(declaration, clock=clock))
    guesses |= {
        "the hazard of the next step": [*right[1:], right[-1]],
        "the hazard of the step before": [right[0], *right[:-1]],
        "the hazard of step 0 in every step": right[:1] * len(right),
        "the probability to stay, not to reveal": [1 - r for r in right],
        "half the step size": [r / 2 for r in right],
        "twice the step size": [min(1.0, 2 * r) for r in right],
        "the steps in the opposite direction of time": right[::-1],
    }
    factor = sum(seen) / max(sum(right), 1e-9)
    guesses[f"every hazard times {factor:.3f}"] = [min(1.0, factor * r) for r in right]

    def fits(guess: Sequence[float]) -> bool:
        return all(
            abs(g - s) <= 4 * math.sqrt(max(g * (1 - g), 1e-6) / max(n, 1))
            for g, s, n in zip(guess, seen, tokens, strict=True)
        )

    return next((f"fits {name}" for name, one in guesses.items() if fits(one)), "")


def _unnormalised(declaration: Declaration, table: Tensor, seen: float, tokens: int) -> str:
    """Whether step 0, from all masks, reveals by weights p^(1/temperature) of any sum."""
    T, r = declaration.temperature, hazards(str(declaration.rule), declaration)[0]
    m = (table[-1] ** (1 / T)).sum(-1)
    near = 4 * math.sqrt(0.25 / max(tokens, 1))
    if T != 1 and abs(float((m * r / (m * r + 1 - r)).mean()) - seen) < near:
        return "fits weights p^(1/temperature) that are not renormalised"
    return ""


def _values_cause(after: Tensor, state: Tensor, p: Tensor, S: int) -> str:
    """Argmax, a cut tail, or something else."""
    hidden = (state == S).nonzero().flatten().tolist()
    for i in hidden:
        seen = torch.bincount(after[:, i][after[:, i] != S], minlength=S)
        if int((seen > 0).sum()) == 1 and int(seen.argmax()) == int(p[i].argmax()):
            return "the most probable value is taken, none is drawn"
        if bool((seen[p[i] > 0.01] == 0).any()) and int(seen.sum()) > 1000:
            return "improbable values are cut off (top-k, nucleus)"
    return "another temperature, a wrong context, or a wrong index"


def trace(contexts: Sequence[Tensor], rows: Tensor, mask: int) -> Tensor | None:
    """int8 [K + 1, n, d], the states of one call's trajectory, the output last.

    None where the denoiser saw something else: parts of the rows, or between two steps all masks,
    as guidance asks.
    """
    if not contexts or any(one.shape != rows.shape for one in contexts):
        return None
    states = torch.stack([*contexts, rows]).to(torch.int8)
    empty = (states == mask).flatten(1).all(1)
    return None if bool((empty[1:-1] & ~empty[:-2]).any()) else states


def carry_over(run: Session, states: Tensor, mask: int) -> None:
    """In the trajectories of `trace` no revealed token changes."""
    wrong = (states[:-1] != mask) & (states[:-1] != states[1:])
    found = wrong.any(-1).nonzero()
    if found.numel():
        k, row = found[0].tolist()
        pair = f"{state_word(states[k, row], mask)} → {state_word(states[k + 1, row], mask)}"
        cause = "the denoiser's prediction, or a new draw, replaces tokens that were revealed"
        run.add("carry-over", False, f"a revealed token changes: {pair}", cause)
    else:
        run.add("carry-over", True, f"{len(wrong)} steps of {states.shape[1]} rows")


def step_law(run: Session, states: Tensor, mask: int, level: float) -> None:
    """The step in which each token is revealed, from what the denoiser saw."""
    declaration, tokens = run.declaration, states[0].numel()
    right = hazards(str(declaration.rule), declaration)
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
    check = step_checks.step_law(steps, weights, level)
    revealed = torch.bincount(steps.clamp(min=0).flatten(), minlength=len(right) + 1).tolist()
    waiting = [tokens - sum(revealed[:k]) for k in range(len(right))]
    seen = [a / max(m, 1) for a, m in zip(revealed, waiting, strict=False)]
    worst = [abs(a / tokens - float(w)) for a, w in zip(revealed, weights, strict=False)]
    k = max(range(len(right)), key=worst.__getitem__)
    text = f"step {k} reveals {seen[k]:.4f} of the masked tokens, not {right[k]:.4f}"
    table, K = run.plan.instances[1].table, len(declaration.grid) - 1
    cause = _unnormalised(declaration, table, seen[0], waiting[0])
    cause = cause or _hazard_cause(declaration, seen[:K], waiting[:K])
    run.worst("step law", [(check, text, cause or "another clock, grid or order of steps")])


def values_by_context(run: Session, states: Tensor, level: float) -> None:
    """Values that a step reveals follow the predictions for the states that the denoiser saw.

    Symbols sorted from the most probable on, u = P(before the drawn one) + v·P(the drawn one) with
    v uniform is uniform, for any prediction: all tokens of a step make one check (DKW).
    """
    declaration, instance = run.declaration, run.plan.instances[1]
    S, table = instance.vocabulary, tempered(instance, declaration.temperature).table
    generator, results = run.generator(), []
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
        check = dkw_check("values by context", u, level / (len(states) - 1))
        text = f"values drawn in step {k} do not follow the predictions for the states before it"
        cause = "improbable values too often: another temperature, state or position, a constant"
        if bool((own == p.amax(-1, keepdim=True)).all()):
            cause = "the most probable value is taken, none is drawn"
        elif float(u.mean()) < 0.5:
            cause = "probable values too often: another temperature, or a tail that is cut off"
        results.append((check, text, cause))
    run.worst("values by context", results)
