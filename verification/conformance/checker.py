"""Is a sampler's law what it says it is? Looks at it, in one false-alarm budget, and a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from sharprates.samplers.errors import InputError
from sharprates.samplers.objects import one_line
from sharprates.verification.conformance.design import Design, design
from sharprates.verification.conformance.findings import (
    Conformance,
    Finding,
    Outcome,
    Settings,
    failure,
    ordered,
)
from sharprates.verification.conformance.foreign import (
    FaultError,
    OutOfTimeError,
    guarded,
    time_limit,
)
from sharprates.verification.conformance.looks import (
    batches,
    output_law,
    rare_tokens,
    single_calls,
    single_steps,
    trajectories,
)
from sharprates.verification.conformance.protocol import Declaration, SamplerUnderTest
from sharprates.verification.conformance.scope import looked_at, not_looked_at
from sharprates.verification.conformance.session import Session, method
from sharprates.verification.statistics.budget import DEFAULT_BUDGET, Budget, Ledger

LOOKS = (
    single_calls.LOOK,
    single_steps.LOOK,
    trajectories.LOOK,
    output_law.LOOK,
    batches.LOOK,
    rare_tokens.LOOK,
)
"""In the order in which they are taken: a later one may use what an earlier one has drawn."""


def check(
    sampler: SamplerUnderTest,
    budget: Budget | Fraction | float = DEFAULT_BUDGET,
    settings: Settings | None = None,
    spent: float = 0.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Conformance:
    """Hold a sampler to its declaration, or say which known law it implements.

    Args:
        sampler: what is checked; nothing that it does raises here.
        budget: false-alarm probability of the whole check: a sampler that is what it says fails
            with at most this probability.
        settings: how much work to do.
        spent: seconds of the limit that are over already.
        tell: is told what is going on.

    Returns:
        The verdict, with every check's finding.

    Raises:
        InputError: if it is no sampler, or what it declares cannot be: an unknown clock, times that
            do not fall.

    Source: S1, S2, S4.
    """
    chosen = Settings() if settings is None else settings
    whole = budget if isinstance(budget, Budget) else Budget(Fraction(budget), "check")
    name, started, run, said = type(sampler).__name__, time.monotonic(), None, ""
    try:
        declaration = _declaration(sampler)
        name, said = declaration.name, str(declaration)
        tell("working the laws out")
        plan = _design(declaration, chosen)
        # What the design takes is not the sampler's time.
        left = chosen.limit - spent
        ledger = Ledger(whole, [level for look in LOOKS for level in look.levels])
        run = Session(
            sampler, declaration, plan, chosen, ledger, time.monotonic() + left, tell=tell
        )
        with time_limit(left):
            for look in LOOKS:
                for finding in look.findings(run):
                    run.findings.append(finding)
            verdict = _verdict(run)
    except FaultError as fault:
        findings = (*(run.findings if run else ()), Finding("runs", False, str(fault)))
        verdict = Conformance(name, Outcome.FAILS, f"fails: {fault}", ordered(findings))
    except OutOfTimeError:
        verdict = _out_of_time(run, name, chosen.limit)
    seconds = spent + time.monotonic() - started
    return replace(verdict, declared=said, budget=whole.alpha, seconds=seconds)


def _declaration(sampler: object) -> Declaration:
    declaration = guarded(lambda: getattr(sampler, "declaration", None), "declaration")
    if isinstance(sampler, type):
        raise InputError(f"{sampler.__name__}: is a class; name an object of it")
    if not isinstance(declaration, Declaration):
        raise InputError(
            f"{type(sampler).__name__}: is no sampler: it needs an attribute `declaration`, a "
            "sharprates.Declaration, and a method sample(denoiser, n, generator)"
        )
    if method(sampler, "sample") is None:
        raise InputError(f"{declaration.name}: has no method sample(denoiser, n, generator)")
    return declaration


def _design(declaration: Declaration, chosen: Settings) -> Design:
    try:
        return design(declaration, chosen)
    except InputError:
        raise
    except Exception as error:  # the clock may be the sampler's own, the numbers of any type
        raise InputError(f"{declaration.name}: cannot be used: {one_line(error)}") from None


def _verdict(run: Session) -> Conformance:
    plan, declared, compatible = run.plan, run.declared, run.compatible
    findings = ordered(run.findings)

    def verdict(outcome: Outcome, sentence: str) -> Conformance:
        known = tuple(compatible), plan.coinciding, plan.separation
        looked = tuple(looked_at(run)), tuple(not_looked_at(run))
        return Conformance(run.declaration.name, outcome, sentence, findings, *known, *looked)

    if any(not finding.passed for finding in findings):
        others = compatible and declared not in compatible
        hint = f"; its samples follow {plan.among(compatible)}" if others else ""
        return verdict(Outcome.FAILS, failure(findings, hint))
    level = f"at level {run.ledger.budget.alpha:.0e}"
    first = plan.instances[0].denoiser
    where = f"d = {first.length}, S = {first.vocabulary}"
    if declared is None:
        if len({plan.group(known) for known in compatible}) != 1:
            words = plan.among(compatible) if compatible else "no known law"
            return verdict(Outcome.UNDECIDED, f"undecided: follows {words}")
        said = f"{where}, TV ≤ {output_law.tv_bound(run, compatible[0]):.3g} {level}"
        return verdict(Outcome.CONFORMS, f"implements {plan.among(compatible)}: {said}")
    if any(instance.law is None for instance in plan.instances[:2]):
        sentence = "undecided: ties decide on every denoiser, and how is not declared: declare ties"
        return verdict(Outcome.UNDECIDED, sentence)
    names = [f"law, {instance.name}" for instance in plan.instances[:2]]
    tests = [finding.test for finding in findings if finding.name in names and finding.test]
    detects = max(test.detects for test in tests)
    if detects >= 0.5:
        rows = min(test.n for test in tests)
        sentence = f"undecided: too slow, {rows} rows would detect only TV {detects:.3g}"
        return verdict(Outcome.UNDECIDED, sentence)
    bound = output_law.tv_bound(run, declared)
    said = f"{where}, TV ≤ {bound:.3g} {level} (would detect {detects:.3g})"
    same = [known for known in plan.group(declared) if known != declared]
    also = f"; on this grid the same as {', '.join(map(str, same))}" if same else ""
    near = plan.among([known for known in compatible if known not in plan.group(declared)])
    near = f"; with so few samples not told apart from {near}" if near else ""
    return verdict(Outcome.CONFORMS, f"conforms to {declared}: {said}{also}{near}")


def _out_of_time(run: Session | None, name: str, limit: float) -> Conformance:
    """What had failed until then; else no verdict."""
    findings = ordered(run.findings if run else ())
    late = f"not done within {limit:g} s"
    if any(not finding.passed for finding in findings):
        return Conformance(name, Outcome.FAILS, f"{failure(findings)}; {late}", findings)
    done = f"{len(findings)} checks held"
    if run is None or time.monotonic() - run.called > limit / 2:
        done = "one call took most of it: it is slow, or hangs"
    sentence = f"undecided: {late}, {done}: allow more time (--limit)"
    return Conformance(name, Outcome.UNDECIDED, sentence, findings)
