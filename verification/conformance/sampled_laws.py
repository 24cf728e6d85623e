"""Samples of whole sequences held against the known laws, and their rows against each other."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from scipy.stats import hypergeom
from sharprates.samplers.errors import InputError
from sharprates.verification import plug_in
from sharprates.verification.conformance.known_laws import GUESSED_CLOCKS, Instance, law
from sharprates.verification.conformance.protocol import state_codes, state_word
from sharprates.verification.conformance.session import Session, fresh_oracle
from sharprates.verification.conformance.single_steps import trace
from sharprates.verification.statistics import Check, binomial_check, law_check, multinomial_p_value
from torch import Tensor


@dataclass(frozen=True)
class Drawn:
    """Samples on one instance: their cells call by call, and their trajectories if seen."""

    codes: tuple[Tensor, ...]
    trace: Tensor | None

    @property
    def all(self) -> Tensor:
        """int64 [n], all cells."""
        return torch.cat(self.codes)


# Calls are paired four by four to see whether their rows are independent. Many of them show better
# what is drawn once a call.
CALLS, _FEWEST_CALLS = 40, 4


def draw(run: Session, instance: Instance, n: int, deadline: float) -> Drawn:
    """About n rows, fewer where the deadline passes; see `Drawn`."""
    oracle = fresh_oracle(instance)
    # Of dependent rows only one a call is a sample.
    independent = run.declaration.rows_independent
    calls, rows_a_call = (CALLS, n // CALLS) if independent else (n, 1)
    oracle.recording = independent
    codes, traces = [], []
    for number in range(calls):
        rows = run.sample(oracle, rows_a_call)
        traces.append(trace(oracle.contexts, rows, oracle.vocabulary))
        oracle.forget()
        codes.append(state_codes(rows, oracle.vocabulary))
        # Slower than foreseen: fewer rows, whatever these are like.
        if time.monotonic() > deadline and number + 1 >= _FEWEST_CALLS:
            break
    seen = [one for one in traces if one is not None]
    whole = len(seen) == len(traces) and len({len(one) for one in seen}) == 1
    return Drawn(tuple(codes), torch.cat(seen, 1) if whole else None)


def rows_independent(run: Session, drawn: Sequence[Drawn]) -> None:
    """Rows of one call are independent, on either instance."""
    level = run.ledger.take("rows independent") / len(drawn)
    checks = [one for d in drawn for one in _agreement(d.codes, level)]
    text = "rows of one call agree more or less often than rows of different calls"
    guess = "one order or draw shared by the batch, batches that repeat, or a rule by row number"
    run.worst("rows independent", [(one, text, guess) for one in checks])


def _agreement(codes: Sequence[Tensor], level: float) -> list[Check]:
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


def law_finding(
    run: Session, name: str, instance: Instance, found: Tensor, p: Tensor, cause: str
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
        word = state_word(instance.states[worst], instance.vocabulary)
        detail = (
            f"{word} has frequency {float(frequency[worst]):.4f}, its probability is "
            f"{float(p[worst]):.4f} (p ≤ {check.p_value:.2g}, n = {check.n})"
        )
    run.add(name, check.passed, detail, cause, check)


def law_cause(run: Session, drawn: Sequence[Drawn]) -> str:
    """Near misses of the declaration: which of them the samples do not contradict."""
    declared, label = run.declaration, str(run.label)
    misses = {}
    if declared.temperature != 1:
        misses["temperature 1"] = replace(declared, temperature=1.0)
        misses["temperature inverted"] = replace(declared, temperature=1 / declared.temperature)
    if declared.by_hazard:
        misses |= {f"the clock {one}": replace(declared, clock=one) for one in GUESSED_CLOCKS}
        if declared.times is None:
            for steps in (declared.steps + 1, max(1, declared.steps - 1)):
                misses[f"K = {steps}"] = replace(declared, steps=steps)
    for name, near in misses.items():
        with contextlib.suppress(InputError):  # a grid beyond the clock's domain
            laws = [law(label, one, near) for one in run.plan.instances]
            if _p_value(drawn, laws) > run.ledger.budget.alpha:
                return f"fits {name}"
    return "predictions of another state or position, a normalisation, or draws that are coupled"


def _p_value(drawn: Sequence[Drawn], laws: Sequence[Tensor]) -> float:
    """The smaller one of the two instances."""
    # Without stating a power for each of so many laws: that would take most of the time.
    pairs = zip(drawn, laws, strict=True)
    return min(
        multinomial_p_value(torch.bincount(one.all, minlength=p.numel()), p) for one, p in pairs
    )


def identify(run: Session, drawn: Sequence[Drawn]) -> list[str]:
    """The known laws that the samples do not contradict on any instance."""
    level = run.ledger.take("identification") / (len(run.plan.laws) * len(drawn))
    return [label for label, laws in run.plan.laws.items() if _p_value(drawn, laws) > level]


def tv_bound(found: Tensor, p: Tensor, level: float) -> float:
    """Upper confidence bound for the TV between the sampled law and p."""
    counts = torch.bincount(found, minlength=p.numel())
    n, inside = int(counts.sum()), p > 0
    plug = float((p - counts / n)[inside].clamp(min=0).sum())
    bound = plug_in.least_mean(n, p[inside].numpy())
    return bound.inverse(plug + plug_in.deviation(n, level))


def leftover(run: Session, drawn: Sequence[Drawn], laws: Sequence[Tensor]) -> None:
    """Masks remain as often as the law says."""
    instance = run.plan.instances[0]
    masked = instance.hidden.any(1)
    p = float(laws[0][masked].sum())
    p = 0.0 if p < 1e-12 else p
    found = torch.cat([one.all for one in drawn])
    left = int(masked[found].sum())
    check = binomial_check("leftover", left, found.numel(), p, run.ledger.take("leftover"))
    text = f"{left / found.numel():.4f} of the rows keep a mask, not {p:.4f}"
    guess = "masks that remain are filled (or not) against the declaration, or another grid's end"
    run.worst("leftover", [(check, text, guess)])


def batch_size(run: Session, instance: Instance, p: Tensor, calls: int, deadline: float) -> None:
    """Seven rows a call follow the same law as many."""
    oracle, codes = fresh_oracle(instance), []
    for _ in range(calls):
        codes.append(state_codes(run.sample(oracle, 7), oracle.vocabulary))
        if time.monotonic() > deadline:
            break
    level = run.ledger.take("batch size")
    counts = torch.bincount(torch.cat(codes), minlength=p.numel())
    check = law_check("batch size", counts, p, level)
    text = "calls of seven rows do not follow the declared law"
    guess = "something is normalised, counted or sorted over the batch in place of the row"
    run.worst("batch size", [(check, text, guess)])
