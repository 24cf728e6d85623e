"""What the rows of a call share, and whether their number matters."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from sharprates.verification.conformance.denoiser_table import DenoiserTable


def _findings(run: Session) -> Iterator[Finding]:
    if not run.declaration.rows_independent:
        return
    level = run.ledger.take("rows independent") / len(run.samples)
    tests = [
        tested
        for instance, samples in zip(run.instances, run.samples, strict=True)
        for tested in _rows(instance.denoiser, samples.calls, level / 5, run.generator())
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


def _rows(
    denoiser: DenoiserTable, calls: Sequence[Tensor], level: float, generator: torch.Generator
) -> Iterator[Tested]:
    """All pairs of rows of a call, rows by their number, and rows at certain distances."""
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
    for name, test in _apart(denoiser, calls, level):
        detail = f"rows {name} apart agree more or less often than rows of different calls"
        yield Tested(test, detail, "rows share noise, or one has what another has not (antithetic)")


def _apart(
    denoiser: DenoiserTable, calls: Sequence[Tensor], level: float
) -> Iterator[tuple[str, SampleTest]]:
    """Rows at a distance agree in as many tokens as rows of two calls do, whatever their law is.

    Each row is in one pair only, so that under independence all pairs are alike. Among pairs that
    agree in many tokens, as half of all do, the number within calls is then hypergeometric
    (Fisher's exact test). What rows have in common need not be all of their tokens.
    """
    powers = (denoiser.vocabulary + 1) ** torch.arange(denoiser.length)
    base = denoiser.vocabulary + 1
    tokens = [torch.div(c[:, None], powers, rounding_mode="floor") % base for c in calls]
    # Of four calls two are paired within, two with each other.
    fours = list(zip(*(tokens[i::4] for i in range(4)), strict=False))
    across = _agreements((a[: len(b)], b[: len(a)]) for _, _, a, b in fours)
    inside = [rows for four in fours for rows in four[:2]]
    longest = max(map(len, inside))
    # Calls of one size are looked at together.
    sizes = {len(rows) for rows in inside}
    alike = {n: torch.stack([rows for rows in inside if len(rows) == n]) for n in sizes}
    distances = {n: _distances(n, longest) for n in alike}
    names = _distances(longest, longest)
    for name in names:
        within = _agreements(_pairs(calls, distances[n][name]) for n, calls in alike.items())
        yield name, _alike(within, across, level / len(names))


def _distances(rows: int, longest: int) -> dict[str, int]:
    """Powers of two, and parts of a call of so many rows."""
    found = {f"{2**i} rows": 2**i for i in range(longest.bit_length() - 1)}
    found |= {f"1/{k} of a call": -(-rows // k) for k in (2, 3, 4, 8)}
    return found | {"half of a call, rounded down,": rows // 2}


def _pairs(rows: Tensor, distance: int) -> tuple[Tensor, Tensor]:
    """Rows of calls [c, n, d] and those so far behind them, each row in one pair at most."""
    first = torch.arange(max(0, rows.shape[1] - distance))
    first = first[torch.div(first, distance, rounding_mode="floor") % 2 == 0]
    return rows[:, first], rows[:, first + distance]


def _agreements(pairs: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """How many pairs of rows [..., d] agree in 0..d tokens, int64 [d + 1]."""
    agree = [((a == b).sum(-1).flatten(), a.shape[-1] + 1) for a, b in pairs]
    tables = [torch.bincount(tokens, minlength=many) for tokens, many in agree]
    return torch.stack(tables).sum(0)


def _alike(within: Tensor, across: Tensor, level: float) -> SampleTest:
    """Fisher's exact test of two tables of agreements, cut where it halves all pairs best."""
    from scipy.stats import hypergeom  # here, since it takes half as long to import as torch

    many = (within + across).flip(0).cumsum(0).flip(0)
    k = int((many / many[0] - 0.5).abs().argmin())
    n, m, agree = int(within.sum()), int(across.sum()), int(within[k:].sum())
    law = (n + m, int(many[k]), n)
    p = min(1.0, 2 * min(hypergeom.cdf(agree, *law), hypergeom.sf(agree - 1, *law)))
    # Both frequencies may be off by a Hoeffding band at once.
    band = sum(math.sqrt(-math.log(level / 4) / (2 * max(size, 1))) for size in (n, m))
    return SampleTest("apart", float(p), level, n, min(1, band), "agreement")


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
    if run.overwritten():
        detail = "rows that a call has returned are changed by a later call"
        yield Finding("inputs not mutated", False, detail, "one buffer for all calls")
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
    "copies fewer than stated, or beyond the rows of one call; rows that have a little in common "
    "at distances other than powers of two and simple parts of a call",
    ("rows independent", "batch size"),
)
