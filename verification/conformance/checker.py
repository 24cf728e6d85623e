"""Is a sampler's law what it says it is? Named checks in one false-alarm budget, and a verdict."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from sharprates.samplers.errors import InputError
from sharprates.verification.budget import DEFAULT_BUDGET, Budget, Ledger
from sharprates.verification.conformance import sampled_laws, single_steps, uniform_walk
from sharprates.verification.conformance.findings import (
    Conformance,
    Finding,
    Outcome,
    Settings,
    failure,
    ordered,
)
from sharprates.verification.conformance.foreign import OutOfTimeError, guarded, time_limit
from sharprates.verification.conformance.known_laws import Design, design, readable
from sharprates.verification.conformance.protocol import (
    Declaration,
    FaultError,
    Oracle,
    SamplerUnderTest,
    state_word,
)
from sharprates.verification.conformance.session import Session, fresh_oracle, method
from sharprates.verification.objects import one_line
from torch import Tensor

PLANNED = (
    "identification",
    "bound, exact",
    "bound, order",
    "reproducible by seed",
    "rows independent",
    "batch size",
    "law, exact denoiser",
    "law, order-dependent denoiser",
    "leftover",
    "step law",
    "values by context",
    *single_steps.STEP_CHECKS,
)
"""Checks with a share of the budget, whether a sampler has them or not."""


def check(
    sampler: SamplerUnderTest,
    budget: Budget | Fraction | float = DEFAULT_BUDGET,
    settings: Settings | None = None,
    spent: float = 0.0,
) -> Conformance:
    """Hold a sampler to its declaration, or say which known law it implements.

    Args:
        sampler: what is checked; nothing that it does raises here.
        budget: false-alarm probability of the whole check: a sampler that is what it says fails
            with at most this probability.
        settings: how much work to do.
        spent: seconds of the limit that are over already.

    Returns:
        The verdict, with every check's finding.

    Raises:
        InputError: if what it declares cannot be: an unknown clock, times that do not fall.

    Source: S1, S2, S4.
    """
    chosen = Settings() if settings is None else settings
    whole = budget if isinstance(budget, Budget) else Budget(Fraction(budget), "check")
    name = type(sampler).__name__
    started = time.monotonic()
    run: Session | None = None
    try:
        declaration = _declaration(sampler)
        name = declaration.name
        plan = _design(declaration, chosen)
        run = Session(sampler, declaration, plan, chosen, Ledger(whole, PLANNED))
        # What the design takes is not the sampler's time.
        left = chosen.limit - spent
        with time_limit(left):
            found = _run(run, left)
    except FaultError as fault:
        findings = (*(run.findings if run else ()), Finding("runs", False, str(fault)))
        found = Conformance(name, Outcome.FAILS, f"fails: {fault}", ordered(findings))
    except OutOfTimeError:
        found = _out_of_time(run, name, chosen.limit)
    return replace(found, budget=whole.alpha, seconds=spent + time.monotonic() - started)


def _declaration(sampler: object) -> Declaration:
    declaration = guarded(lambda: getattr(sampler, "declaration", None), "declaration")
    if not isinstance(declaration, Declaration):
        raise FaultError("has no declaration: give it an attribute `declaration` (a Declaration)")
    if isinstance(sampler, type):
        raise FaultError("is a class: name an object of it")
    if method(sampler, "sample") is None:
        raise FaultError("has no method sample(denoiser, n, generator)")
    return declaration


def _design(declaration: Declaration, chosen: Settings) -> Design:
    try:
        return design(declaration, chosen.length, chosen.vocabulary)
    except InputError:
        raise
    except Exception as error:  # the clock may be the sampler's own, the numbers of any type
        raise FaultError(f"its declaration cannot be used: {one_line(error)}") from None


def _run(run: Session, seconds: float) -> Conformance:
    settings, plan, label = run.settings, run.plan, run.label
    started = time.monotonic()
    pace = _structure(run, fresh_oracle(plan.instances[1]))
    seconds -= time.monotonic() - started
    n = settings.rows if run.declaration.rows_independent else min(settings.rows, 3_000)
    # Two denoisers, small batches and single steps: about four times the rows.
    n = max(400, min(n, int(0.6 * max(seconds, 0) / (4 * max(pace, 1e-9)))))
    # Rows a call are even: that half of them repeats the other would be missed else.
    n = n // (2 * sampled_laws.CALLS) * (2 * sampled_laws.CALLS)
    # Who asks for more rows asks for more of all.
    steps = max(100, min(n, max(settings.step_rows, settings.rows // 6)))
    run.settings = replace(settings, step_rows=steps)
    compatible, bound = _statistical(run, n, seconds)
    if settings.walk:
        _walk(run)
    findings = ordered(run.findings)

    def verdict(outcome: Outcome, sentence: str) -> Conformance:
        known = tuple(compatible), plan.coinciding, plan.separation
        return Conformance(run.declaration.name, outcome, sentence, findings, *known)

    if any(not one.passed for one in findings):
        others = compatible and label not in compatible
        hint = f"; its samples follow {_among(plan, compatible)}" if others else ""
        return verdict(Outcome.FAILS, failure(findings, hint))
    if label is None:
        if len({plan.group(one) for one in compatible}) == 1:
            said = f"TV ≤ {bound:.3g} at level {run.ledger.budget.alpha:.0e}"
            return verdict(Outcome.CONFORMS, f"implements {_among(plan, compatible)}: {said}")
        words = _among(plan, compatible) if compatible else "no known law"
        return verdict(Outcome.UNDECIDED, f"undecided: follows {words}")
    laws = [one.check for one in findings if one.name.startswith("law, ") and one.check]
    detects = max(one.detects for one in laws)
    if detects >= 0.5:
        rows = min(one.n for one in laws)
        sentence = f"undecided: too slow, {rows} rows would detect only TV {detects:.3g}"
        return verdict(Outcome.UNDECIDED, sentence)
    said = f"TV ≤ {bound:.3g} at level {run.ledger.budget.alpha:.0e} (would detect {detects:.3g})"
    same = [one for one in plan.group(label) if one != label]
    also = f"; on this grid the same as {', '.join(map(readable, same))}" if same else ""
    near = _among(plan, [one for one in compatible if one not in plan.group(label)])
    near = f"; with so few samples not told apart from {near}" if near else ""
    return verdict(Outcome.CONFORMS, f"conforms to {readable(label)}: {said}{also}{near}")


def _out_of_time(run: Session | None, name: str, limit: float) -> Conformance:
    """What had failed until then; else a call that hangs; else no verdict."""
    findings = ordered(run.findings if run else ())
    late = f"not done within {limit:g} s"
    if any(not one.passed for one in findings):
        return Conformance(name, Outcome.FAILS, f"{failure(findings)}; {late}", findings)
    if run is None or time.monotonic() - run.called > limit / 2:
        wrong = Finding("runs", False, f"{late}: a call hangs, or needs a larger limit")
        findings = ordered((*findings, wrong))
        return Conformance(name, Outcome.FAILS, f"fails: {wrong.detail}", findings)
    sentence = f"undecided: {late}, {len(findings)} checks held: allow more time"
    return Conformance(name, Outcome.UNDECIDED, sentence, findings)


def _structure(run: Session, oracle: Oracle) -> float:
    """Shapes, tokens, seeds, inputs, and what the denoiser saw; returns seconds a row."""
    oracle.recording = True
    run.sample(oracle, 1)
    oracle.forget()
    n = 200 if run.declaration.rows_independent else 1
    started = time.perf_counter()
    rows = run.sample(oracle, n)
    pace = (time.perf_counter() - started) / n
    run.add("runs", True, f"{len(oracle.contexts)} denoiser calls for {n} rows")
    masked = (rows == oracle.vocabulary).any(1)
    fills = run.declaration.rule is not None and not (
        run.declaration.by_hazard and run.declaration.last_step == "leave"
    )
    if fills and bool(masked.any()):
        word = state_word(rows[masked][0], oracle.vocabulary)
        detail = f"returns masks: row {word}, {int(masked.sum())} such rows of {n}"
        cause = "masks that remain at the end are not filled, or the mask may be drawn as a value"
        run.add("output", False, detail, cause)
    else:
        run.add("output", True, f"int64 [{n}, {oracle.length}], all tokens known")
    _reproducible(run, oracle)
    mutated = oracle.mutated()
    run.add(
        "inputs not mutated",
        not mutated,
        "writes into the tensor that the denoiser returned" if mutated else "denoiser's tensors",
        "an operation in place on the predictions: what a caller keeps of them is wrong",
    )
    return pace


def _reproducible(run: Session, oracle: Oracle) -> None:
    n = 50 if run.declaration.rows_independent else 1
    drawn = []
    for number, seed in enumerate((1, 1, 2, 3, 4)):
        generator = torch.Generator().manual_seed(run.settings.seed * 7919 + seed)

        def call(number: int = number, generator: torch.Generator = generator) -> Tensor:
            # Other global states: who draws from them is not reproducible.
            torch.manual_seed(10_000 + number)
            random.seed(number)
            state = np.random.get_state()
            np.random.seed(number)
            try:
                return run.sampler.sample(oracle, n, generator)
            finally:
                np.random.set_state(state)

        drawn.append(run.call(call, "sample(…)", n, oracle))
    # A law near a point gives the same rows by chance: with all masks left, say.
    alike = max(float((p**4).sum()) for one in run.laws for p in run.plan.laws[one]) ** n
    by_chance = alike > run.ledger.take("reproducible by seed")
    if not by_chance and all(torch.equal(drawn[0], one) for one in drawn[2:]):
        cause = "the generator is not used"
        run.add("reproducible by seed", False, "four seeds, the same rows", cause)
        return
    same = torch.equal(drawn[0], drawn[1])
    detail = f"the same seed, {'the same' if same else 'other'} rows"
    cause = "randomness from a global state, not from the generator"
    run.add("reproducible by seed", same, detail, cause)


def _statistical(run: Session, n: int, seconds: float) -> tuple[list[str], float]:
    """All checks with chance; the compatible labels, and the bound on TV."""
    started = time.monotonic()
    declaration, plan, label = run.declaration, run.plan, run.label
    single_steps.called(run, plan.instances[1])
    drawn = [
        sampled_laws.draw(run, instance, n, started + part * seconds)
        for instance, part in zip(plan.instances, (0.45, 0.75), strict=True)
    ]
    trace, mask = drawn[1].trace, plan.instances[1].vocabulary
    if trace is not None:
        if declaration.carry_over:
            single_steps.carry_over(run, trace, mask)
        if declaration.by_hazard:
            single_steps.step_law(run, trace, mask, run.ledger.take("step law"))
            single_steps.values_by_context(run, trace, run.ledger.take("values by context"))
    if declaration.rows_independent:
        sampled_laws.rows_independent(run, drawn)
    compatible = sampled_laws.identify(run, drawn)
    if label is not None:
        names = ("law, exact denoiser", "law, order-dependent denoiser")
        cause = "" if compatible else sampled_laws.law_cause(run, drawn)
        for name, instance, one, p in zip(
            names, plan.instances, drawn, plan.laws[label], strict=True
        ):
            sampled_laws.law_finding(run, name, instance, one.all, p, cause)
        if declaration.rows_independent and all(one.passed for one in run.findings[-2:]):
            calls = max(20, min(one.all.numel() for one in drawn) // 60)
            sampled_laws.batch_size(
                run, plan.instances[1], plan.laws[label][1], calls, started + 0.85 * seconds
            )
        if declaration.by_hazard:
            sampled_laws.leftover(run, drawn, plan.laws[label])
    chosen = label or (compatible[0] if compatible else None)
    if chosen is None:
        return compatible, 1.0
    pairs = zip(("exact", "order"), drawn, plan.laws[chosen], strict=True)
    bounds = []
    for which, one, p in pairs:
        # A law that the samples have picked is one of many.
        level = run.ledger.take(f"bound, {which}") / len(run.laws)
        bounds.append(sampled_laws.tv_bound(one.all, p, level))
    return compatible, max(bounds)


def _among(plan: Design, compatible: Sequence[str]) -> str:
    """Compatible laws in words, those that coincide together."""
    groups: dict[tuple[str, ...], None] = {}
    for label in compatible:
        groups.setdefault(tuple(one for one in plan.group(label) if one in compatible))
    return " or ".join(" = ".join(map(readable, group)) for group in groups)


def _walk(run: Session) -> None:
    """Rare values by float32 Gumbel noise, each of the 2^24 uniforms walked; with its formula."""
    found = uniform_walk.walk(run.sampler)
    if found is None:
        return
    declared = run.declaration.uniforms == "float32"
    rare = ", ".join(f"{p:.0e} drawn ×{ratio:.3g}" for p, ratio in found.ratios.items())
    ok = declared or all(0.9 < ratio < 1.1 for ratio in found.ratios.values())
    text = str(getattr(getattr(run.sampler, "draw", None), "__doc__", None) or "")
    formula = f"{text.splitlines()[0].rstrip('.')}; " if text else ""
    said = ", as declared" if declared else ""
    detail = f"{formula}{found.dtype} uniforms{said}: probability {rare}"
    run.add("rare tokens", ok, detail, "float32 uniforms truncate the noise; draw in float64")
