"""What the rows of a call share, and whether their number matters."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

import torch
from scipy.stats import hypergeom
from sharprates.verification.conformance.findings import Finding, Tested, summary
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import Oracle, state_codes
from sharprates.verification.conformance.session import Session
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import SampleTest
from torch import Tensor


def _findings(run: Session) -> Iterator[Finding]:
    if not run.declaration.rows_independent:
        return
    level = run.ledger.take("rows independent") / len(run.samples)
    detail = "rows of one call agree more or less often than rows of different calls"
    cause = "one order or draw shared by the batch, batches that repeat, or a rule by row number"
    tests = [
        Tested(test, detail, cause)
        for samples in run.samples
        for test in _agreement(samples.calls, level)
    ]
    yield from summary("rows independent", tests)
    wrong = any(not one.passed for one in run.findings if one.name.startswith("law, "))
    if run.declared is not None and not wrong:
        yield from _batch_size(run, run.plan.laws[run.declared][1])


def _agreement(calls: Sequence[Tensor], level: float) -> list[SampleTest]:
    """Rows of one call agree as often as rows of two calls do, whatever their law is.

    Under independence both kinds of pairs agree with the same chance: given how many agree in all,
    the number within calls is hypergeometric (Fisher's exact test).
    """
    m = min(len(cells) for cells in calls)
    lags = sorted({1, m // 2})
    # Each row in one pair only: of four calls two are paired within, two with each other.
    fours = list(zip(*(calls[i::4] for i in range(4)), strict=False))
    tests = []
    for lag in lags:
        k = m // (2 * lag) * (2 * lag)
        pairs = [cells[:k].view(-1, 2, lag).unbind(1) for four in fours for cells in four[:2]]
        others = [(four[2], four[3]) for four in fours]
        within, across = (sum(a.numel() for a, _ in p) for p in (pairs, others))
        agree_within, agree_across = (
            sum(int((a == b).sum()) for a, b in p) for p in (pairs, others)
        )
        if not within or not across:
            continue
        law = hypergeom(within + across, agree_within + agree_across, within)
        p = min(1.0, 2 * min(law.cdf(agree_within), law.sf(agree_within - 1)))
        # Both frequencies may be off by a Hoeffding band at once.
        band = sum(math.sqrt(-math.log(level / 4 / len(lags)) / (2 * k)) for k in (within, across))
        name = f"rows independent, lag {lag}"
        tests.append(SampleTest(name, float(p), level / len(lags), within, min(1, band)))
    return tests


def _batch_size(run: Session, p: Tensor) -> Iterator[Finding]:
    """Seven rows a call follow the same law as many."""
    oracle, cells = Oracle(run.plan.denoisers[1].table.clone()), []
    for _ in range(max(20, min(samples.cells.numel() for samples in run.samples) // 60)):
        cells.append(state_codes(run.sample(oracle, 7), oracle.vocabulary))
        if time.monotonic() > run.deadline(0.85):
            break
    counts = torch.bincount(torch.cat(cells), minlength=p.numel())
    test = law_test("batch size", counts, p, run.ledger.take("batch size"))
    detail = "calls of seven rows do not follow the declared law"
    cause = "something is normalised, counted or sorted over the batch in place of the row"
    yield from summary("batch size", [Tested(test, detail, cause)])


LOOK = Look(
    _findings,
    "rows that repeat their neighbour or the row half a call away more or less often than rows of "
    "other calls do; a law that is another one for seven rows",
    "copies at other distances within a call",
    ("rows independent", "batch size"),
)
