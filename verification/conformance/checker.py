"""Is a sampler's law what it says it is? Named checks in one false-alarm budget, and a verdict."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
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
    identity_detects,
    law_check,
    multinomial_detects,
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

    @property
    def label(self) -> str | None:
        return declared_label(self.declaration)

    def add(self, name: str, passed: bool, detail: str, cause: str = "") -> None:
        self.findings.append(Finding(name, passed, detail, cause))

    def generator(self) -> torch.Generator:
        """A new seed each call; never the same as another session's of another seed."""
        self.calls += 1
        return torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.calls)

    def sample(self, oracle: Oracle, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw, and refuse what is no set of samples."""
        chosen = self.generator() if generator is None else generator
        found = guarded(lambda: self.sampler.sample(oracle, n, chosen), f"sample(…, {n}, …)")
        return _checked(found, n, oracle)


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
    left = int((rows == oracle.vocabulary).sum())
    fills = run.declaration.rule is not None and not (
        run.declaration.by_hazard and run.declaration.last_step == "leave"
    )
    if left and fills:
        where = (rows == oracle.vocabulary).any(1).nonzero()[0]
        run.add(
            "output",
            False,
            f"returns masks: row {_word(rows[int(where)], oracle.vocabulary)}, {left} in {n} rows",
            "masks that remain at the end are not filled, or the mask may be drawn as a value",
        )
    else:
        run.add("output", True, f"int64 [{n}, {oracle.length}], all tokens known")
    _reproducible(run, oracle)
    mutated = oracle.mutated()
    run.add(
        "inputs not mutated",
        not mutated,
        "writes into the tensor that the denoiser returned" if mutated else "denoiser's tensors",
        "an operation in place on the predictions: what a caller keeps of them is wrong"
        if mutated
        else "",
    )
    oracle.forget()
    oracle.recording = False
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

        drawn.append(_checked(guarded(call, "sample(…)"), n, oracle))
    same, frozen = torch.equal(drawn[0], drawn[1]), False
    if run.declaration.rows_independent:
        frozen = all(torch.equal(drawn[0], one) for one in drawn[2:])
    run.add(
        "reproducible by seed",
        same and not frozen,
        "the same seed, the same rows"
        if same and not frozen
        else ("four seeds, the same rows" if frozen else "the same seed, other rows"),
        ""
        if same and not frozen
        else (
            "the generator is not used"
            if frozen
            else "randomness from a global state, not from the generator"
        ),
    )


def _trace(contexts: Sequence[Tensor], rows: Tensor) -> list[Tensor] | None:
    """The states of one call's trajectory, the output last; None where calls saw parts of it."""
    if not contexts or any(one.shape != rows.shape for one in contexts):
        return None
    return [*contexts, rows]


def _carry_over(run: _Session, states: Sequence[Tensor], mask: int) -> None:
    for before, after in pairwise(states):
        if not step_checks.carry_over(before, after, mask).passed:
            wrong = ((before != mask) & (before != after)).any(1).nonzero()[0]
            pair = _word(before[int(wrong)], mask), _word(after[int(wrong)], mask)
            run.add(
                "carry-over",
                False,
                f"a revealed token changes: {pair[0]} → {pair[1]}",
                "the denoiser's prediction, or a new draw, replaces tokens that were revealed",
            )
            return
    run.add("carry-over", True, f"{len(states) - 1} steps of {len(states[0])} rows")


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


def _hazard_cause(run: _Session, seen: float, k: int, p: Tensor) -> str:
    """Which other hazard the observed frequency fits."""
    declaration = run.declaration
    right = hazards(str(declaration.rule), declaration)
    near = 4 * math.sqrt(max(seen * (1 - seen), 1e-6) / run.settings.step_rows)
    guesses = []
    T = declaration.temperature
    if T != 1:
        m, r = (p ** (1 / T)).sum(-1), right[k]
        unnormalised = float((m * r / (m * r + 1 - r)).mean())
        guesses.append(("weights p^(1/temperature) that are not renormalised", unnormalised))
    guesses += [(f"the hazard of {rule}", hazards(rule, declaration)[k]) for rule in RULES]
    guesses += [
        (f"the hazard of step {j}", right[j]) for j in (k - 1, k + 1) if 0 <= j < len(right)
    ]
    guesses += [
        ("the probability to stay, not to reveal", 1 - right[k]),
        ("half the step size", right[k] / 2),
        ("twice the step size", min(1.0, 2 * right[k])),
        ("the steps in the opposite direction of time", right[len(right) - 1 - k]),
    ]
    fits = [name for name, value in guesses if abs(value - seen) < near and value != right[k]]
    return f"fits {fits[0]}" if fits else ""


def _steps(run: _Session, oracle: Oracle, instance: Instance) -> None:
    step, declaration = _method(run.sampler, "step"), run.declaration
    if step is None or not declaration.by_hazard:
        return
    n, S = run.settings.step_rows, oracle.vocabulary
    times = declaration.grid.tolist()
    right = hazards(str(declaration.rule), declaration)
    predicted = tempered(instance, declaration.temperature).table
    found: dict[str, list[tuple[Check, str, str]]] = {name: [] for name in STEP_CHECKS}
    level = {name: run.ledger.take(name) / (2 * len(right)) for name in STEP_CHECKS}
    moved = changed = ""
    for k, r in enumerate(right):
        for state in _step_states(oracle, k):
            before = state.repeat(n, 1)
            kept = before.clone()
            generator = run.generator()

            def call(
                before: Tensor = before, k: int = k, generator: torch.Generator = generator
            ) -> object:
                t, s = declaration.own_time(times[k]), declaration.own_time(times[k + 1])
                return step(before, t, s, oracle, generator)

            after = _checked(guarded(call, "step(…)"), n, oracle)
            name = f"from {_word(state, S)} at step {k}"
            if not torch.equal(before, kept):
                changed = name
            if not step_checks.carry_over(kept, after, S).passed:
                moved = name if declaration.carry_over else ""
                continue
            hidden = state == S
            p = predicted[_codes(state[None], S)[0]]
            if int(hidden.sum()) == 0:
                continue
            one = step_checks.unmask_probability(state, after, S, r, level["unmask probability"])
            seen = float((after[:, hidden] != S).double().mean())
            text = f"{name} a masked token is revealed with frequency {seen:.4f}, not {r:.4f}"
            raw = oracle.table[_codes(state[None], S)[0]][hidden]
            guess = "" if one.passed else _hazard_cause(run, seen, k, raw)
            found["unmask probability"].append((one, text, guess))
            pattern = step_checks.unmask_pattern(state, after, S, r, level["unmask pattern"])
            text = f"{name} positions are not revealed independently"
            guess = "one coin for several positions" if one.passed else ""
            found["unmask pattern"].append((pattern, text, guess))
            cells = step_checks.token_conditionals(state, after, S, p, level["token conditionals"])
            for one in cells:
                text = f"{name}, {one.name}: values do not follow the prediction"
                found["token conditionals"].append((one, text, _values_cause(after, state, p, S)))
            pairs = step_checks.values_independent(state, after, S, p, level["values independent"])
            for one in pairs:
                text = f"{name}, {one.name}"
                found["values independent"].append((one, text, "one uniform for several values"))
    if changed:
        run.add(
            "inputs not mutated",
            False,
            f"step writes into its argument x, {changed}",
            "works in place",
        )
    if moved:
        run.add("carry-over", False, f"step changes a revealed token, {moved}", "no carry-over")
    for name, results in found.items():
        _worst(run, name, results)


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


def _worst(run: _Session, name: str, results: Sequence[tuple[Check, str, str]]) -> None:
    """One finding for many checks: the first that failed, or the weakest that passed."""
    if not results:
        return
    for one, text, guess in results:
        if not one.passed:
            detail = f"{text} (p ≤ {one.p_value:.2g}, n = {one.n})"
            run.findings.append(Finding(name, False, detail, guess, one))
            return
    weakest = max((one for one, _, _ in results), key=lambda one: one.detects)
    detail = f"{len(results)} checked, would detect {weakest.detects:.3g} ({weakest.distance})"
    run.findings.append(Finding(name, True, detail, "", weakest))


# ---------------------------------------------------------------------------------------------
# Laws
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Drawn:
    """Samples on one instance: their cells call by call, and one trajectory if it was seen."""

    codes: tuple[Tensor, ...]
    trace: list[Tensor] | None

    @property
    def all(self) -> Tensor:
        return torch.cat(self.codes)


# Calls are paired four by four to see whether their rows are independent. Many of them show better
# what is drawn once a call; the first ones are looked at step by step.
_CALLS, _FEWEST_CALLS, _TRACED = 40, 4, 2


def _draw(run: _Session, instance: Instance, n: int, deadline: float) -> _Drawn:
    oracle = Oracle(instance.table)
    # Of dependent rows only one a call is a sample.
    independent = run.declaration.rows_independent
    calls, rows_a_call = (_CALLS, n // _CALLS) if independent else (n, 1)
    codes, traces = [], []
    for number in range(calls):
        oracle.recording = number < _TRACED and independent
        rows = run.sample(oracle, rows_a_call)
        if oracle.recording:
            traces.append(_trace(oracle.contexts, rows))
            oracle.forget()
        codes.append(_codes(rows, oracle.vocabulary))
        # Slower than foreseen: fewer rows, whatever these are like.
        if time.monotonic() > deadline and number + 1 >= _FEWEST_CALLS:
            break
    seen = [one for one in traces if one is not None]
    whole = len(seen) == len(traces) > 0 and len({len(one) for one in seen}) == 1
    trace = [torch.cat(states) for states in zip(*seen, strict=True)] if whole else None
    return _Drawn(tuple(codes), trace)


def _law_finding(run: _Session, name: str, instance: Instance, found: Tensor, p: Tensor) -> None:
    counts = torch.bincount(found, minlength=p.numel())
    check = law_check(name, counts, p, run.ledger.take(name))
    if check.passed:
        detail = f"n = {check.n}, would detect TV {check.detects:.3g}"
        run.findings.append(Finding(name, True, detail, "", check))
        return
    frequency = counts / counts.sum()
    worst = int(((frequency - p).abs() / (p + 1e-4).sqrt()).argmax())
    word = _word(instance.states[worst], instance.vocabulary)
    detail = (
        f"{word} has frequency {float(frequency[worst]):.4f}, its probability is "
        f"{float(p[worst]):.4f} (p ≤ {check.p_value:.2g}, n = {check.n})"
    )
    run.findings.append(Finding(name, False, detail, "", check))


def _identify(run: _Session, drawn: Sequence[_Drawn]) -> list[str]:
    """The known laws that the samples do not contradict on any instance."""
    level = run.ledger.take("identification") / (len(run.plan.laws) * len(drawn))
    compatible = []
    for label, laws in run.plan.laws.items():
        # Without stating a power for each of so many laws: that would take most of the time.
        values = [
            multinomial_p_value(torch.bincount(one.all, minlength=p.numel()), p)
            for one, p in zip(drawn, laws, strict=True)
        ]
        if min(values) > level:
            compatible.append(label)
    return compatible


def _tv_bound(found: Tensor, p: Tensor, level: float) -> float:
    """Upper confidence bound for the TV between the sampled law and p."""
    counts = torch.bincount(found, minlength=p.numel())
    n, inside = int(counts.sum()), p > 0
    plug = float((p - counts / n)[inside].clamp(min=0).sum())
    bound = plug_in.least_mean(n, p[inside].numpy())
    return bound.inverse(plug + plug_in.deviation(n, level))


def _traced(run: _Session, instance: Instance, states: list[Tensor], level: float) -> None:
    """The step in which each token is revealed, from what the denoiser saw."""
    declaration, S = run.declaration, instance.vocabulary
    right = hazards(str(declaration.rule), declaration)
    if declaration.last_step != "leave":
        right = [*right, 1.0]
    if len(states) != len(right) + 1:
        return
    # A token revealed in step k was masked in the contexts 0..k.
    steps = torch.stack([one == S for one in states]).sum(0) - 1
    weights = StepLaw.from_hazards(torch.tensor(right, dtype=torch.float64)).weights
    check = step_checks.step_law(steps, weights, level)
    seen = torch.bincount(steps.clamp(min=0).flatten(), minlength=len(right) + 1) / steps.numel()
    k = int((seen[: len(weights)] - weights).abs().argmax())
    text = f"a token is revealed in step {k} with frequency {seen[k]:.4f}, not {weights[k]:.4f}"
    guess = "another rule, clock, grid or order of steps" if not check.passed else ""
    _worst(run, "step law", [(check, text, guess)])


def _planned(declaration: Declaration, has_step: bool) -> list[str]:
    names = ["identification", "bound, exact", "bound, order"]
    if declaration.rule is not None:
        names += ["law, exact denoiser", "law, order-dependent denoiser"]
    if declaration.rows_independent:
        names += ["rows independent"]
        if declaration.rule is not None:
            names += ["batch size"]
    if declaration.by_hazard:
        names += ["leftover"]
        if declaration.rows_independent:
            names += ["step law"]
        if has_step:
            names += STEP_CHECKS
    return names


def _statistical(run: _Session, n: int, seconds: float) -> tuple[list[str], float, int]:
    """All checks with chance; the compatible labels, the bound on TV, and the rows it stands on."""
    started = time.monotonic()
    declaration, plan, label = run.declaration, run.plan, run.label
    steps_on = plan.instances[1]
    _steps(run, Oracle(steps_on.table), steps_on)
    drawn = [
        _draw(run, instance, n, started + part * seconds)
        for instance, part in zip(plan.instances, (0.45, 0.75), strict=True)
    ]
    n = min(one.all.numel() for one in drawn)
    trace = drawn[1].trace
    if declaration.carry_over and trace is not None:
        _carry_over(run, trace, steps_on.vocabulary)
    if declaration.by_hazard and declaration.rows_independent:
        level = run.ledger.take("step law")
        if trace is not None:
            _traced(run, steps_on, trace, level)
    if declaration.rows_independent:
        level = run.ledger.take("rows independent") / 2
        checks = [one for d in drawn for one in _rows_independent(d.codes, level)]
        text = "rows of one call agree more or less often than rows of different calls"
        guess = "one order or one draw shared by the batch, or batches that repeat"
        _worst(run, "rows independent", [(one, text, guess) for one in checks])
    compatible = _identify(run, drawn)
    bound = 0.0
    if label is not None:
        names = ("law, exact denoiser", "law, order-dependent denoiser")
        for name, instance, one, p in zip(
            names, plan.instances, drawn, plan.laws[label], strict=True
        ):
            _law_finding(run, name, instance, one.all, p)
        if declaration.rows_independent and all(one.passed for one in run.findings[-2:]):
            calls = max(20, n // 60)
            _batch_size(run, steps_on, plan.laws[label][1], calls, started + 0.85 * seconds)
        if declaration.by_hazard:
            _leftover(run, drawn, plan.laws[label])
    chosen = label or (compatible[0] if compatible else None)
    if chosen is not None:
        pairs = zip(("exact", "order"), drawn, plan.laws[chosen], strict=True)
        bound = max(_tv_bound(d.all, p, run.ledger.take(f"bound, {w}")) for w, d, p in pairs)
    return compatible, bound, n


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
    oracle, codes = Oracle(instance.table), []
    for _ in range(calls):
        codes.append(_codes(run.sample(oracle, 7), oracle.vocabulary))
        if time.monotonic() > deadline:
            break
    level = run.ledger.take("batch size")
    counts = torch.bincount(torch.cat(codes), minlength=p.numel())
    check = law_check("batch size", counts, p, level)
    text = "calls of seven rows do not follow the declared law"
    guess = "something is normalised, counted or sorted over the batch in place of the row"
    _worst(run, "batch size", [(check, text, "" if check.passed else guess)])


# ---------------------------------------------------------------------------------------------
# The whole check
# ---------------------------------------------------------------------------------------------


def _declaration(sampler: object) -> Declaration:
    declaration = guarded(lambda: getattr(sampler, "declaration", None), "declaration")
    if not isinstance(declaration, Declaration):
        raise FaultError("has no declaration: give it an attribute `declaration` (a Declaration)")
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
    started = time.monotonic() - spent
    run: _Session | None = None
    try:
        declaration = _declaration(sampler)
        name = declaration.name
        plan = _design(declaration, chosen)
        ledger = Ledger(whole, _planned(declaration, _method(sampler, "step") is not None))
        run = _Session(sampler, declaration, plan, chosen, ledger)
        left = chosen.limit - (time.monotonic() - started)
        with time_limit(left):
            found = _run(run, left)
    except FaultError as fault:
        findings = (*(run.findings if run else ()), Finding("runs", False, str(fault)))
        found = Conformance(name, Outcome.FAILS, f"fails: {fault}", _ordered(findings))
    except OutOfTimeError:
        done = len(run.findings) if run else 0
        sentence = f"fails: not done within {chosen.limit:g} s: it hangs, or needs a larger limit"
        findings = (*(run.findings if run else ()), Finding("runs", False, f"{done} checks done"))
        found = Conformance(name, Outcome.FAILS, sentence, _ordered(findings))
    return replace(found, budget=whole.alpha, seconds=time.monotonic() - started)


def _ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Of two findings of one name the failure stays."""
    kept: dict[str, Finding] = {}
    for one in findings:
        if one.name not in kept or not one.passed:
            kept[one.name] = one
    return tuple(sorted(kept.values(), key=lambda one: ORDER.index(one.name)))


def _run(run: _Session, seconds: float) -> Conformance:
    settings, plan, label = run.settings, run.plan, run.label
    started = time.monotonic()
    pace = _structure(run, Oracle(plan.instances[1].table))
    seconds -= time.monotonic() - started
    n = settings.rows if run.declaration.rows_independent else min(settings.rows, 3_000)
    # Rows a call are even: that half of them repeats the other would be missed else.
    # Two denoisers, small batches and single steps: about four times the rows.
    n = max(
        400,
        min(n, int(0.6 * max(seconds, 0) / (4 * max(pace, 1e-9)))) // (2 * _CALLS) * (2 * _CALLS),
    )
    run.settings = replace(settings, step_rows=max(100, min(settings.step_rows, n)))
    compatible, bound, n = _statistical(run, n, seconds)
    if settings.walk:
        _walk(run)
    findings = _ordered(run.findings)

    def verdict(outcome: Outcome, sentence: str) -> Conformance:
        return Conformance(
            name,
            outcome,
            sentence,
            findings,
            tuple(compatible),
            plan.coinciding,
            plan.separation,
        )

    name = run.declaration.name
    failed = next((one for one in findings if not one.passed), None)
    if failed is not None:
        others = [one for one in compatible if one != label]
        told = bool(others) and label not in compatible
        hint = f"; its samples follow {_among(plan, others)}" if told else ""
        cause = f"; likely cause: {failed.cause}" if failed.cause else ""
        rest = [one.name for one in findings if not one.passed and one is not failed]
        also = f"; fails also {', '.join(rest)}" if rest else ""
        sentence = f"fails {failed.name}: {failed.detail}{cause}{hint}{also}"
        return verdict(Outcome.FAILS, sentence)
    level = run.ledger.budget.alpha
    laws = plan.laws[label or compatible[0]] if label or compatible else ()
    detects = max((_detects(p, n, level) for p in laws), default=1.0)
    said = f"TV ≤ {bound:.3g} at level {level:.0e} (would detect {detects:.3g})"
    if label is None:
        groups = {plan.group(one) for one in compatible}
        if len(groups) == 1:
            return verdict(Outcome.CONFORMS, f"implements {_among(plan, compatible)}: {said}")
        words = _among(plan, compatible) if compatible else "no known law"
        return verdict(Outcome.UNDECIDED, f"undecided: follows {words}")
    if detects >= 0.5:
        sentence = f"undecided: too slow, {n} rows would detect only TV {detects:.3g}"
        return verdict(Outcome.UNDECIDED, sentence)
    same = [one for one in plan.group(label) if one != label]
    also = f"; on this grid the same as {', '.join(map(readable, same))}" if same else ""
    near = _among(plan, [one for one in compatible if one not in plan.group(label)])
    near = f"; with so few samples not told apart from {near}" if near else ""
    sentence = f"conforms to {readable(label)}: {said}{also}{near}"
    return verdict(Outcome.CONFORMS, sentence)


def _detects(p: Tensor, n: int, level: float) -> float:
    share = level / 10
    return min(multinomial_detects(n, int((p > 0).sum()), share), identity_detects(n, p, share))


def _among(plan: Design, compatible: Sequence[str]) -> str:
    """Compatible laws in words, those that coincide together."""
    groups: dict[tuple[str, ...], None] = {}
    for label in compatible:
        groups.setdefault(tuple(one for one in plan.group(label) if one in compatible))
    return " or ".join(" = ".join(map(readable, group)) for group in groups)


def _walk(run: _Session) -> None:
    """Rare values by float32 Gumbel noise, each of the 2^24 uniforms walked."""
    found = uniform_walk.walk(run.sampler)
    if found is None:
        return
    declared = run.declaration.uniforms == "float32"
    rare = ", ".join(f"{p:.0e} drawn ×{ratio:.3g}" for p, ratio in found.ratios.items())
    ok = declared or all(0.9 < ratio < 1.1 for ratio in found.ratios.values())
    run.add(
        "rare tokens",
        ok,
        f"{found.dtype} uniforms{', as declared' if declared else ''}: probability {rare}",
        "" if ok else "float32 uniforms truncate the Gumbel noise; draw in float64",
    )


def each(samplers: Sequence[SamplerUnderTest], budget: Budget) -> Iterator[Conformance]:
    """Check several samplers within one budget."""
    shares = budget.share([str(i) for i in range(len(samplers))])
    for sampler, share in zip(samplers, shares.values(), strict=True):
        yield check(sampler, share)
