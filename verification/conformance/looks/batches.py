"""What the rows of a call share, and whether their number matters."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from sharprates.verification.conformance.findings import Finding, Tested, summary
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.looks import single_calls
from sharprates.verification.conformance.oracle import state_codes
from sharprates.verification.conformance.session import Session
from sharprates.verification.statistics.homogeneity import homogeneity_test
from sharprates.verification.statistics.laws import law_test
from sharprates.verification.statistics.sample_test import SampleTest
from torch import Tensor


def _findings(run: Session) -> Iterator[Finding]:
    if not run.declaration.rows_independent:
        return
    level = run.ledger.take("rows independent") / len(run.samples)
    tests = [
        tested
        for samples in run.samples
        for tested in _rows(samples.calls, level / 5, run.generator())
    ]
    for found in summary("rows independent", tests):
        share = min(one.test.detects for one in tests if one.test.name == "calls")
        said = f"{len(tests)} checked, would detect that {share:.0%} of the rows repeat another"
        yield replace(found, detail=said) if found.passed else found
    wrong = any(not one.passed for one in run.findings if one.name.startswith("law, "))
    law = run.instances[1].law
    if law is not None and not wrong:
        yield from _batch_size(run, law)
    yield from _later(run)


def _rows(calls: Sequence[Tensor], level: float, generator: torch.Generator) -> Iterator[Tested]:
    """All pairs of rows of a call, rows by their number, and neighbours."""
    k = 1 + max(int(cells.max()) for cells in calls)

    def table(groups: Iterable[Tensor]) -> Tensor:
        return torch.stack([torch.bincount(cells, minlength=k) for cells in groups])

    test = homogeneity_test("calls", table(calls), level, generator)
    detail = "rows of one call agree more or less often than rows of different calls"
    cause = "one order or draw shared by the batch, chunks or workers with one seed"
    yield Tested(test, detail, cause)
    together = torch.cat(list(calls))
    number = torch.cat([torch.arange(len(cells)) for cells in calls])
    length = torch.cat([torch.full_like(cells, len(cells)) for cells in calls])
    ends = torch.where(number == 0, 0, torch.where(number == length - 1, 1, 2))
    for name, group in (("ends", ends), ("parts", number * 16 // length), ("turns", number % 8)):
        counts = table(together[group == g] for g in range(int(group.max()) + 1))
        test = homogeneity_test(name, counts, level, generator)
        yield Tested(test, "the law of a row depends on its number", "a rule by row number")
    beside = _neighbours(calls, level)
    if beside is not None:
        yield Tested(beside, detail, "what a row draws depends on its neighbour")


def _neighbours(calls: Sequence[Tensor], level: float) -> SampleTest | None:
    """Neighbours agree as often as rows of two calls do, whatever their law is.

    Under independence both kinds of pairs agree with the same chance: given how many agree in all,
    the number within calls is hypergeometric (Fisher's exact test).
    """
    half = min(len(cells) for cells in calls) // 2
    # Each row in one pair only: of four calls two are paired within, two with each other.
    fours = list(zip(*(calls[i::4] for i in range(4)), strict=False))
    pairs = [cells[: 2 * half].view(-1, 2).unbind(1) for four in fours for cells in four[:2]]
    others = [(four[2], four[3]) for four in fours]
    within, across = (sum(a.numel() for a, _ in p) for p in (pairs, others))
    if not within or not across:
        return None
    agree_within, agree_across = (sum(int((a == b).sum()) for a, b in p) for p in (pairs, others))
    from scipy.stats import hypergeom  # here, since it takes half as long to import as torch

    law = hypergeom(within + across, agree_within + agree_across, within)
    p = min(1.0, 2 * min(law.cdf(agree_within), law.sf(agree_within - 1)))
    # Both frequencies may be off by a Hoeffding band at once.
    band = sum(math.sqrt(-math.log(level / 4) / (2 * n)) for n in (within, across))
    return SampleTest("neighbours", float(p), level, within, min(1, band), "agreement")


def _batch_size(run: Session, p: Tensor) -> Iterator[Finding]:
    """One, two or seven rows a call follow the same law as many."""
    oracle, cells = run.oracle(run.plan.denoisers[1]), []
    for number in range(max(20, min(samples.cells.numel() for samples in run.samples) // 60)):
        cells.append(state_codes(run.sample(oracle, (1, 2, 7, 7)[number % 4]), oracle.vocabulary))
        if time.monotonic() > run.deadline(0.85):
            break
    counts = torch.bincount(torch.cat(cells), minlength=p.numel())
    test = law_test("batch size", counts, p, run.ledger.take("batch size"))
    detail = "calls of one, two and seven rows do not follow the declared law"
    cause = "something is normalised, counted or sorted over the batch in place of the row"
    yield from summary("batch size", [Tested(test, detail, cause)])


def _later(run: Session) -> Iterator[Finding]:
    """The same seed gives the same rows after many calls; other seeds give others."""
    assert run.first is not None
    oracle, generator = run.oracle(run.plan.denoisers[1]), run.seeded(run.settings.seed * 7919 + 1)
    call = lambda: run.sampler.sample(oracle, len(run.first), generator)  # noqa: E731 - one use
    if not torch.equal(run.call(call, "sample(…)", len(run.first), oracle), run.first):
        detail, cause = "the same seed, other rows after some calls", "something is kept"
        yield Finding(single_calls.NAME, False, detail, cause)
    for instance, samples in zip(run.instances[:2], run.samples, strict=False):
        calls = [call for call in samples.calls if run.alike ** len(call) < 1e-20]
        if len({call.numpy().tobytes() for call in calls}) < len(calls):
            detail = f"calls of different seeds give the same rows ({instance})"
            yield Finding(single_calls.NAME, False, detail, "few seeds, or rows kept from before")


LOOK = Look(
    _findings,
    "copies within a call, at whatever distance, or of another call; a law that depends on a row's "
    "number, or is another one for few rows; rows that are kept from one call to the next",
    "copies fewer than stated, or beyond the rows of one call; rows that avoid each other a little",
    ("rows independent", "batch size"),
)
