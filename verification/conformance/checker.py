"""Is a sampler's law what it says it is? Named checks in one false-alarm budget, and a verdict."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.stats import hypergeom
from torch import Tensor

from samplers.errors import InputError
from samplers.step_law import RULES, StepLaw
from verification import plug_in, step_checks
from verification.budget import DEFAULT_BUDGET, Budget, Ledger
from verification.conformance import uniform_walk
from verification.conformance.foreign import OutOfTimeError, guarded, time_limit
from verification.conformance.known_laws import (
    Design,
    Instance,
    declared_label,
    design,
    hazards,
    law,
    readable,
    tempered,
)
from verification.conformance.protocol import (
    Declaration,
    FaultError,
    Oracle,
    SamplerUnderTest,
)
from verification.objects import one_line
from verification.statistics import (
    Check,
    binomial_check,
    dkw_check,
    law_check,
    multinomial_p_value,
)


class Outcome(StrEnum):
    """Three-valued verdict on a sampler."""

    CONFORMS = "conforms"
    FAILS = "fails"
    UNDECIDED = "undecided"


EXIT = {Outcome.CONFORMS: 0, Outcome.FAILS: 1, Outcome.UNDECIDED: 3}
"""Exit code of `sharprates check`."""

# A cause is reported first: a later check often fails because an earlier one did.
ORDER = (
    "runs",
    "output",
    "reproducible by seed",
    "carry-over",
    "rows independent",
    "unmask probability",
    "unmask pattern",
    "token conditionals",
    "values independent",
    "step",
    "leftover",
    "step law",
    "values by context",
    "law, exact denoiser",
    "law, order-dependent denoiser",
    "inputs not mutated",
    "batch size",
    "rare tokens",
)


@dataclass(frozen=True)
class Settings:
    """How much work a check does.

    Attributes:
        rows: samples of each of the two denoisers.
        step_rows: samples of each single step.
        length: d.
        vocabulary: S.
        limit: seconds; the samples are reduced where the sampler is too slow for them.
        seed: of the samples.
        walk: whether to walk float32 uniforms.
    """

    rows: int = 60_000
    step_rows: int = 10_000
    length: int = 3
    vocabulary: int = 3
    limit: float = 60.0
    seed: int = 0
    walk: bool = True


FAST = Settings(rows=2_000, step_rows=2_000, vocabulary=2, walk=False)
"""Seconds in place of a minute: for tests of the checker and a first look."""


@dataclass(frozen=True)
class Finding:
    """One check's outcome.

    Attributes:
        name: one of `ORDER`.
        passed: False if the sampler is not what it says.
        detail: the numbers, in words; of a failure the smallest example.
        cause: what is likely wrong.
        check: the statistical check behind it, if there is one.
    """

    name: str
    passed: bool
    detail: str
    cause: str = ""
    check: Check | None = None

    def json(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {"name": self.name, "passed": self.passed, "detail": self.detail}
        if self.cause:
            found["cause"] = self.cause
        if self.check is not None:
            one = self.check
            found["check"] = {
                "name": one.name,
                "p_value": one.p_value,
                "level": one.level,
                "n": one.n,
                "detects": {one.distance: one.detects},
            }
        return found


@dataclass(frozen=True)
class Conformance:
    """What the checker says about a sampler.

    Attributes:
        name: the sampler's.
        outcome: the verdict.
        sentence: the verdict in words.
        findings: the checks that ran, in the order of `ORDER`.
        compatible: known laws that the samples do not contradict.
        coinciding: groups of known laws that are the same on this clock and grid.
        separation: smallest TV between the declared law and another known one.
        budget: false-alarm probability of the whole check.
        seconds: what it took.
    """

    name: str
    outcome: Outcome
    sentence: str
    findings: tuple[Finding, ...] = ()
    compatible: tuple[str, ...] = ()
    coinciding: tuple[tuple[str, ...], ...] = ()
    separation: float | None = None
    budget: float = 1e-6
    seconds: float = field(default=0.0, compare=False)

    @property
    def failed(self) -> Finding | None:
        """The first check that failed."""
        return next((one for one in self.findings if not one.passed), None)

    def json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "outcome": str(self.outcome),
            "sentence": self.sentence,
            "checks": [one.json() for one in self.findings],
            "compatible": list(self.compatible),
            "coinciding": [list(group) for group in self.coinciding],
            "separation": self.separation,
            "budget": self.budget,
        }

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.sentence}"]
        for one in self.findings:
            mark = "holds" if one.passed else "FAILS"
            lines.append(f"  {one.name:30} {mark}  {one.detail}")
            if one.cause:
                lines.append(f"  {'':30} likely cause: {one.cause}")
        return "\n".join(lines)


@dataclass
class _Session:
    """One run of the checks on one sampler."""

    sampler: SamplerUnderTest
    declaration: Declaration
    plan: Design
    settings: Settings
    ledger: Ledger
    findings: list[Finding] = field(default_factory=list)
    calls: int = 0
    called: float = math.inf

    @property
    def label(self) -> str | None:
        return declared_label(self.declaration)

    @property
    def laws(self) -> list[str]:
        """What it may be: what it says, or any known sampler."""
        return list(self.plan.laws) if self.label is None else [self.label]

    def add(
        self, name: str, passed: bool, detail: str, cause: str = "", check: Check | None = None
    ) -> None:
        self.findings.append(Finding(name, passed, detail, "" if passed else cause, check))

    def generator(self) -> torch.Generator:
        """A new seed each call; never the same as another session's of another seed."""
        self.calls += 1
        return torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.calls)

    def call(self, foreign: Callable[[], object], what: str, n: int, oracle: Oracle) -> Tensor:
        """Rows from the sampler; what is no set of samples is refused."""
        self.called = time.monotonic()
        found = guarded(foreign, what)
        self.called = math.inf
        return _checked(found, n, oracle)

    def sample(self, oracle: Oracle, n: int) -> Tensor:
        """Draw with a new seed."""
        generator = self.generator()
        draw = lambda: self.sampler.sample(oracle, n, generator)  # noqa: E731 - one use
        return self.call(draw, f"sample(…, {n}, …)", n, oracle)


def _checked(found: object, n: int, oracle: Oracle) -> Tensor:
    d, S = oracle.length, oracle.vocabulary
    if not isinstance(found, Tensor):
        raise FaultError(f"returns {type(found).__name__} in place of a tensor [{n}, {d}]")
    if tuple(found.shape) != (n, d):
        raise FaultError(f"returns shape {list(found.shape)} in place of [{n}, {d}]")
    if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise FaultError(f"returns {found.dtype} in place of int64")
    # A sparse or meta tensor, or a class of the sampler's own, may refuse.
    rows: Tensor = guarded(lambda: _plain(found), "reading what it returned")
    if rows.numel() and (int(rows.min()) < 0 or int(rows.max()) > S):
        odd = int(rows.max()) if int(rows.max()) > S else int(rows.min())
        raise FaultError(f"returns the token {odd}: there are 0..{S - 1}, and {S} is the mask")
    return rows


def _plain(found: Tensor) -> Tensor:
    dense = found.detach().to_dense() if found.layout != torch.strided else found.detach()
    return dense.to("cpu", torch.int64, copy=True)


def _codes(rows: Tensor, vocabulary: int) -> Tensor:
    d = rows.shape[1]
    return (rows * torch.tensor([(vocabulary + 1) ** i for i in range(d - 1, -1, -1)])).sum(1)


def _word(state: Tensor, vocabulary: int) -> str:
    return " ".join("M" if a == vocabulary else str(a) for a in state.tolist())


# ---------------------------------------------------------------------------------------------
# Checks without chance
# ---------------------------------------------------------------------------------------------


def _structure(run: _Session, oracle: Oracle) -> float:
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
        word = _word(rows[masked][0], oracle.vocabulary)
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


def _reproducible(run: _Session, oracle: Oracle) -> None:
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


def _trace(contexts: Sequence[Tensor], rows: Tensor, mask: int) -> Tensor | None:
    """int8 [K + 1, n, d], the states of one call's trajectory, the output last.

    None where the denoiser saw something else: parts of the rows, or between two steps all masks,
    as guidance asks.
    """
    if not contexts or any(one.shape != rows.shape for one in contexts):
        return None
    states = torch.stack([*contexts, rows]).to(torch.int8)
    empty = (states == mask).flatten(1).all(1)
    return None if bool((empty[1:-1] & ~empty[:-2]).any()) else states


def _carry_over(run: _Session, states: Tensor, mask: int) -> None:
    wrong = (states[:-1] != mask) & (states[:-1] != states[1:])
    found = wrong.any(-1).nonzero()
    if found.numel():
        k, row = found[0].tolist()
        pair = f"{_word(states[k, row], mask)} → {_word(states[k + 1, row], mask)}"
        cause = "the denoiser's prediction, or a new draw, replaces tokens that were revealed"
        run.add("carry-over", False, f"a revealed token changes: {pair}", cause)
    else:
        run.add("carry-over", True, f"{len(wrong)} steps of {states.shape[1]} rows")


# ---------------------------------------------------------------------------------------------
# Rows
# ---------------------------------------------------------------------------------------------


def _rows_independent(codes: Sequence[Tensor], level: float) -> list[Check]:
    """Rows of one call agree as often as rows of two calls do, whatever their law is.

    Under independence both kinds of pairs agree with the same chance: given how many agree in all,
    the number within calls is hypergeometric (Fisher's exact test).
    """
    m = min(len(one) for one in codes)
    lags = sorted({1, m // 2})
    # Each row in one pair only: of four calls two are paired within, two with each other.
    fours = list(zip(*(codes[i::4] for i in range(4)), strict=False))
    checks = []
    for lag in lags:
        k = m // (2 * lag) * (2 * lag)
        pairs = [one[:k].view(-1, 2, lag).unbind(1) for four in fours for one in four[:2]]
        others = [(four[2], four[3]) for four in fours]
        within, across = (sum(a.numel() for a, _ in p) for p in (pairs, others))
        agree_within, agree_across = (
            sum(int((a == b).sum()) for a, b in p) for p in (pairs, others)
        )
        if not within or not across:
            continue
        total, agree = within + across, agree_within + agree_across
        law = hypergeom(total, agree, within)
        p = min(1.0, 2 * min(law.cdf(agree_within), law.sf(agree_within - 1)))
        # Both frequencies may be off by a Hoeffding band at once.
        band = sum(math.sqrt(-math.log(level / 4 / len(lags)) / (2 * k)) for k in (within, across))
        checks.append(
            Check(f"rows independent, lag {lag}", float(p), level / len(lags), within, min(1, band))
        )
    return checks


# ---------------------------------------------------------------------------------------------
# Single steps
# ---------------------------------------------------------------------------------------------


def _step_states(oracle: Oracle, step: int) -> list[Tensor]:
    """All masks, and one token revealed."""
    d, S = oracle.length, oracle.vocabulary
    some = torch.full((d,), S)
    some[step % d] = step % S
    return [torch.full((d,), S), some]


_CLOCKS = ("constant", "linear", "cosine", "cosine-late", "polynomial:2", "geometric")


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
    for clock in _CLOCKS:
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


def _steps(run: _Session, instance: Instance) -> None:
    step, declaration, oracle = _method(run.sampler, "step"), run.declaration, _oracle(instance)
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
        name = f"from {_word(state, S)} at step {k}"
        if not torch.equal(before, kept):
            changed = name
        hidden = state == S
        share = float((after[:, hidden] != S).double().mean())
        if bool(hidden.all()):
            seen.append(share)
        if not step_checks.carry_over(kept, after, S).passed:
            moved = name if declaration.carry_over else ""
            continue
        p = predicted[_codes(state[None], S)[0]]
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
        _worst(run, name, results, cause if name == "unmask probability" else "")


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


STEP_CHECKS = ("unmask probability", "unmask pattern", "token conditionals", "values independent")


def _worst(
    run: _Session, name: str, results: Sequence[tuple[Check, str, str]], cause: str = ""
) -> None:
    """One finding for many checks: the first that failed, or the weakest that passed."""
    if not results:
        return
    for one, text, guess in results:
        if not one.passed:
            detail = f"{text} (p ≤ {one.p_value:.2g}, n = {one.n})"
            run.add(name, False, detail, guess or cause, one)
            return
    weakest = max((one for one, _, _ in results), key=lambda one: one.detects)
    detail = f"{len(results)} checked, would detect {weakest.detects:.3g} ({weakest.distance})"
    run.add(name, True, detail, "", weakest)


# ---------------------------------------------------------------------------------------------
# Laws
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Drawn:
    """Samples on one instance: their cells call by call, and their trajectories if seen."""

    codes: tuple[Tensor, ...]
    trace: Tensor | None

    @property
    def all(self) -> Tensor:
        return torch.cat(self.codes)


# Calls are paired four by four to see whether their rows are independent. Many of them show better
# what is drawn once a call.
_CALLS, _FEWEST_CALLS = 40, 4


def _oracle(instance: Instance) -> Oracle:
    """The instance keeps its table, whatever a sampler writes."""
    return Oracle(instance.table.clone())


def _draw(run: _Session, instance: Instance, n: int, deadline: float) -> _Drawn:
    oracle = _oracle(instance)
    # Of dependent rows only one a call is a sample.
    independent = run.declaration.rows_independent
    calls, rows_a_call = (_CALLS, n // _CALLS) if independent else (n, 1)
    oracle.recording = independent
    codes, traces = [], []
    for number in range(calls):
        rows = run.sample(oracle, rows_a_call)
        traces.append(_trace(oracle.contexts, rows, oracle.vocabulary))
        oracle.forget()
        codes.append(_codes(rows, oracle.vocabulary))
        # Slower than foreseen: fewer rows, whatever these are like.
        if time.monotonic() > deadline and number + 1 >= _FEWEST_CALLS:
            break
    seen = [one for one in traces if one is not None]
    whole = len(seen) == len(traces) and len({len(one) for one in seen}) == 1
    return _Drawn(tuple(codes), torch.cat(seen, 1) if whole else None)


def _law_finding(
    run: _Session, name: str, instance: Instance, found: Tensor, p: Tensor, cause: str
) -> None:
    """By total variation, and by likelihood, which sees a rare value drawn too often."""
    counts, level = torch.bincount(found, minlength=p.numel()), run.ledger.take(name)
    check = law_check(name, counts, p, level / 2)
    both = min(1.0, 2 * min(check.p_value, multinomial_p_value(counts, p)))
    check = replace(check, p_value=both, level=level)
    detail = f"n = {check.n}, would detect TV {check.detects:.3g}"
    if not check.passed:
        frequency = counts / counts.sum()
        worst = int(((frequency - p).abs() / (p + 1e-4).sqrt()).argmax())
        word = _word(instance.states[worst], instance.vocabulary)
        detail = (
            f"{word} has frequency {float(frequency[worst]):.4f}, its probability is "
            f"{float(p[worst]):.4f} (p ≤ {check.p_value:.2g}, n = {check.n})"
        )
    run.add(name, check.passed, detail, cause, check)


def _law_cause(run: _Session, drawn: Sequence[_Drawn]) -> str:
    """Near misses of the declaration: which of them the samples do not contradict."""
    declared, label = run.declaration, str(run.label)
    misses = {}
    if declared.temperature != 1:
        misses["temperature 1"] = replace(declared, temperature=1.0)
        misses["temperature inverted"] = replace(declared, temperature=1 / declared.temperature)
    if declared.by_hazard:
        misses |= {f"the clock {one}": replace(declared, clock=one) for one in _CLOCKS}
        if declared.times is None:
            for steps in (declared.steps + 1, max(1, declared.steps - 1)):
                misses[f"K = {steps}"] = replace(declared, steps=steps)
    for name, near in misses.items():
        with contextlib.suppress(InputError):  # a grid beyond the clock's domain
            laws = [law(label, one, near) for one in run.plan.instances]
            if _p_value(drawn, laws) > run.ledger.budget.alpha:
                return f"fits {name}"
    return "predictions of another state or position, a normalisation, or draws that are coupled"


def _p_value(drawn: Sequence[_Drawn], laws: Sequence[Tensor]) -> float:
    """The smaller one of the two instances."""
    # Without stating a power for each of so many laws: that would take most of the time.
    pairs = zip(drawn, laws, strict=True)
    return min(
        multinomial_p_value(torch.bincount(one.all, minlength=p.numel()), p) for one, p in pairs
    )


def _identify(run: _Session, drawn: Sequence[_Drawn]) -> list[str]:
    """The known laws that the samples do not contradict on any instance."""
    level = run.ledger.take("identification") / (len(run.plan.laws) * len(drawn))
    return [label for label, laws in run.plan.laws.items() if _p_value(drawn, laws) > level]


def _tv_bound(found: Tensor, p: Tensor, level: float) -> float:
    """Upper confidence bound for the TV between the sampled law and p."""
    counts = torch.bincount(found, minlength=p.numel())
    n, inside = int(counts.sum()), p > 0
    plug = float((p - counts / n)[inside].clamp(min=0).sum())
    bound = plug_in.least_mean(n, p[inside].numpy())
    return bound.inverse(plug + plug_in.deviation(n, level))


def _traced(run: _Session, states: Tensor, mask: int, level: float) -> None:
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
    _worst(run, "step law", [(check, text, cause or "another clock, grid or order of steps")])


def _values(run: _Session, states: Tensor, level: float) -> None:
    """Values that a step reveals follow the predictions for the states that the denoiser saw.

    Symbols sorted from the most probable on, u = P(before the drawn one) + v·P(the drawn one) with
    v uniform is uniform, for any prediction: all tokens of a step make one check (DKW).
    """
    declaration, instance = run.declaration, run.plan.instances[1]
    S, table = instance.vocabulary, tempered(instance, declaration.temperature).table
    generator, results = run.generator(), []
    for k, (before, after) in enumerate(pairwise(states.long())):
        shown = (before == S) & (after != S)
        p, value = table[_codes(before, S)][shown], after[shown][:, None]
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
    _worst(run, "values by context", results)


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
    *STEP_CHECKS,
)
"""Checks with a share of the budget, whether a sampler has them or not."""


def _statistical(run: _Session, n: int, seconds: float) -> tuple[list[str], float]:
    """All checks with chance; the compatible labels, and the bound on TV."""
    started = time.monotonic()
    declaration, plan, label = run.declaration, run.plan, run.label
    _steps(run, plan.instances[1])
    drawn = [
        _draw(run, instance, n, started + part * seconds)
        for instance, part in zip(plan.instances, (0.45, 0.75), strict=True)
    ]
    trace, mask = drawn[1].trace, plan.instances[1].vocabulary
    if trace is not None:
        if declaration.carry_over:
            _carry_over(run, trace, mask)
        if declaration.by_hazard:
            _traced(run, trace, mask, run.ledger.take("step law"))
            _values(run, trace, run.ledger.take("values by context"))
    if declaration.rows_independent:
        level = run.ledger.take("rows independent") / 2
        checks = [one for d in drawn for one in _rows_independent(d.codes, level)]
        text = "rows of one call agree more or less often than rows of different calls"
        guess = (
            "one order or draw shared by the batch, batches that repeat, or a rule by row number"
        )
        _worst(run, "rows independent", [(one, text, guess) for one in checks])
    compatible = _identify(run, drawn)
    if label is not None:
        names = ("law, exact denoiser", "law, order-dependent denoiser")
        cause = "" if compatible else _law_cause(run, drawn)
        for name, instance, one, p in zip(
            names, plan.instances, drawn, plan.laws[label], strict=True
        ):
            _law_finding(run, name, instance, one.all, p, cause)
        if declaration.rows_independent and all(one.passed for one in run.findings[-2:]):
            calls = max(20, min(one.all.numel() for one in drawn) // 60)
            _batch_size(
                run, plan.instances[1], plan.laws[label][1], calls, started + 0.85 * seconds
            )
        if declaration.by_hazard:
            _leftover(run, drawn, plan.laws[label])
    chosen = label or (compatible[0] if compatible else None)
    if chosen is None:
        return compatible, 1.0
    pairs = zip(("exact", "order"), drawn, plan.laws[chosen], strict=True)
    bounds = []
    for which, one, p in pairs:
        # A law that the samples have picked is one of many.
        level = run.ledger.take(f"bound, {which}") / len(run.laws)
        bounds.append(_tv_bound(one.all, p, level))
    return compatible, max(bounds)


def _leftover(run: _Session, drawn: Sequence[_Drawn], laws: Sequence[Tensor]) -> None:
    instance = run.plan.instances[0]
    masked = instance.hidden.any(1)
    p = float(laws[0][masked].sum())
    p = 0.0 if p < 1e-12 else p
    found = torch.cat([one.all for one in drawn])
    left = int(masked[found].sum())
    check = binomial_check("leftover", left, found.numel(), p, run.ledger.take("leftover"))
    text = f"{left / found.numel():.4f} of the rows keep a mask, not {p:.4f}"
    guess = "masks that remain are filled (or not) against the declaration, or another grid's end"
    _worst(run, "leftover", [(check, text, guess)])


def _batch_size(run: _Session, instance: Instance, p: Tensor, calls: int, deadline: float) -> None:
    """Seven rows a call follow the same law as many."""
    oracle, codes = _oracle(instance), []
    for _ in range(calls):
        codes.append(_codes(run.sample(oracle, 7), oracle.vocabulary))
        if time.monotonic() > deadline:
            break
    level = run.ledger.take("batch size")
    counts = torch.bincount(torch.cat(codes), minlength=p.numel())
    check = law_check("batch size", counts, p, level)
    text = "calls of seven rows do not follow the declared law"
    guess = "something is normalised, counted or sorted over the batch in place of the row"
    _worst(run, "batch size", [(check, text, guess)])


# ---------------------------------------------------------------------------------------------
# The whole check
# ---------------------------------------------------------------------------------------------


def _declaration(sampler: object) -> Declaration:
    declaration = guarded(lambda: getattr(sampler, "declaration", None), "declaration")
    if not isinstance(declaration, Declaration):
        raise FaultError("has no declaration: give it an attribute `declaration` (a Declaration)")
    if isinstance(sampler, type):
        raise FaultError("is a class: name an object of it")
    if _method(sampler, "sample") is None:
        raise FaultError("has no method sample(denoiser, n, generator)")
    return declaration


def _design(declaration: Declaration, chosen: Settings) -> Design:
    try:
        return design(declaration, chosen.length, chosen.vocabulary)
    except InputError:
        raise
    except Exception as error:  # the clock may be the sampler's own, the numbers of any type
        raise FaultError(f"its declaration cannot be used: {one_line(error)}") from None


def _method(sampler: object, name: str) -> Callable[..., object] | None:
    """An optional method."""
    found = guarded(lambda: getattr(sampler, name, None), name)
    if found is not None and not callable(found):
        raise FaultError(f"has an attribute {name} that cannot be called")
    method: Callable[..., object] | None = found
    return method


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
    run: _Session | None = None
    try:
        declaration = _declaration(sampler)
        name = declaration.name
        plan = _design(declaration, chosen)
        run = _Session(sampler, declaration, plan, chosen, Ledger(whole, PLANNED))
        # What the design takes is not the sampler's time.
        left = chosen.limit - spent
        with time_limit(left):
            found = _run(run, left)
    except FaultError as fault:
        findings = (*(run.findings if run else ()), Finding("runs", False, str(fault)))
        found = Conformance(name, Outcome.FAILS, f"fails: {fault}", _ordered(findings))
    except OutOfTimeError:
        found = _out_of_time(run, name, chosen.limit)
    return replace(found, budget=whole.alpha, seconds=spent + time.monotonic() - started)


def _ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Of two findings of one name the failure stays."""
    kept: dict[str, Finding] = {}
    for one in findings:
        if one.name not in kept or not one.passed:
            kept[one.name] = one
    return tuple(sorted(kept.values(), key=lambda one: ORDER.index(one.name)))


def _out_of_time(run: _Session | None, name: str, limit: float) -> Conformance:
    """What had failed until then; else a call that hangs; else no verdict."""
    findings = _ordered(run.findings if run else ())
    late = f"not done within {limit:g} s"
    if any(not one.passed for one in findings):
        return Conformance(name, Outcome.FAILS, f"{_failure(findings)}; {late}", findings)
    if run is None or time.monotonic() - run.called > limit / 2:
        wrong = Finding("runs", False, f"{late}: a call hangs, or needs a larger limit")
        findings = _ordered((*findings, wrong))
        return Conformance(name, Outcome.FAILS, f"fails: {wrong.detail}", findings)
    sentence = f"undecided: {late}, {len(findings)} checks held: allow more time"
    return Conformance(name, Outcome.UNDECIDED, sentence, findings)


def _failure(findings: Sequence[Finding], hint: str = "") -> str:
    """The first check that failed, its cause, and the names of the others."""
    first, *rest = (one for one in findings if not one.passed)
    cause = f"; likely cause: {first.cause}" if first.cause else ""
    also = f"; fails also {', '.join(one.name for one in rest)}" if rest else ""
    return f"fails {first.name}: {first.detail}{cause}{hint}{also}"


def _run(run: _Session, seconds: float) -> Conformance:
    settings, plan, label = run.settings, run.plan, run.label
    started = time.monotonic()
    pace = _structure(run, _oracle(plan.instances[1]))
    seconds -= time.monotonic() - started
    n = settings.rows if run.declaration.rows_independent else min(settings.rows, 3_000)
    # Two denoisers, small batches and single steps: about four times the rows.
    n = max(400, min(n, int(0.6 * max(seconds, 0) / (4 * max(pace, 1e-9)))))
    # Rows a call are even: that half of them repeats the other would be missed else.
    n = n // (2 * _CALLS) * (2 * _CALLS)
    # Who asks for more rows asks for more of all.
    steps = max(100, min(n, max(settings.step_rows, settings.rows // 6)))
    run.settings = replace(settings, step_rows=steps)
    compatible, bound = _statistical(run, n, seconds)
    if settings.walk:
        _walk(run)
    findings = _ordered(run.findings)

    def verdict(outcome: Outcome, sentence: str) -> Conformance:
        known = tuple(compatible), plan.coinciding, plan.separation
        return Conformance(run.declaration.name, outcome, sentence, findings, *known)

    if any(not one.passed for one in findings):
        others = compatible and label not in compatible
        hint = f"; its samples follow {_among(plan, compatible)}" if others else ""
        return verdict(Outcome.FAILS, _failure(findings, hint))
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


def _among(plan: Design, compatible: Sequence[str]) -> str:
    """Compatible laws in words, those that coincide together."""
    groups: dict[tuple[str, ...], None] = {}
    for label in compatible:
        groups.setdefault(tuple(one for one in plan.group(label) if one in compatible))
    return " or ".join(" = ".join(map(readable, group)) for group in groups)


def _walk(run: _Session) -> None:
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
