"""The law of what comes out, with an exact denoiser and with one by which the order shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from sharprates.verification.conformance import causes
from sharprates.verification.conformance.denoiser_table import DenoiserTable
from sharprates.verification.conformance.findings import Finding, Tested, summary
from sharprates.verification.conformance.known_laws import KnownSampler
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import state_word
from sharprates.verification.conformance.samples import Samples
from sharprates.verification.conformance.session import Session
from sharprates.verification.statistics import plug_in_tv
from sharprates.verification.statistics.binomial import binomial_test
from sharprates.verification.statistics.laws import law_test, multinomial_p_value
from torch import Tensor

NAMES = ("law, exact denoiser", "law, order-dependent denoiser")
_BOUNDS = ("bound, exact", "bound, order")


def _findings(run: Session) -> Iterator[Finding]:
    declared, compatible = run.declared, run.compatible
    if declared is None:
        return
    laws, cause = run.plan.laws[declared], "" if compatible else causes.of_law(run)
    for name, denoiser, samples, p in zip(
        NAMES, run.plan.denoisers, run.samples, laws, strict=True
    ):
        yield _law(name, denoiser, samples, p, run.ledger.take(name), cause)
    if run.declaration.by_hazard:
        yield from _leftover(run, laws[0])


def _law(
    name: str, denoiser: DenoiserTable, samples: Samples, p: Tensor, level: float, cause: str
) -> Finding:
    """By total variation, and by likelihood, which sees a rare value drawn too often."""
    counts = torch.bincount(samples.cells, minlength=p.numel())
    test = law_test(name, counts, p, level / 2)
    both = min(1.0, 2 * min(test.p_value, multinomial_p_value(counts, p)))
    test = replace(test, p_value=both, level=level)
    if test.passed:
        detail = f"n = {test.n}, would detect TV {test.detects:.3g}"
        return Finding(name, True, detail, "", test)
    frequency = counts / counts.sum()
    worst = int(((frequency - p).abs() / (p + 1e-4).sqrt()).argmax())
    word = state_word(denoiser.states[worst], denoiser.vocabulary)
    detail = (
        f"{word} has frequency {float(frequency[worst]):.4f}, its probability is "
        f"{float(p[worst]):.4f} (p ≤ {test.p_value:.2g}, n = {test.n})"
    )
    return Finding(name, False, detail, cause, test)


def _leftover(run: Session, law: Tensor) -> Iterator[Finding]:
    """Masks remain as often as the law says."""
    masked = run.plan.denoisers[0].hidden.any(1)
    p = float(law[masked].sum())
    p = 0.0 if p < 1e-12 else p
    cells = torch.cat([samples.cells for samples in run.samples])
    left, n = int(masked[cells].sum()), cells.numel()
    test = binomial_test("leftover", left, n, p, run.ledger.take("leftover"))
    detail = f"{left / n:.4f} of the rows keep a mask, not {p:.4f}"
    cause = "masks that remain are filled (or not) against the declaration, or another grid's end"
    yield from summary("leftover", [Tested(test, detail, cause)])


def tv_bound(run: Session, known: KnownSampler) -> float:
    """Upper confidence bound for the TV between a sampler's law and a known one, any denoiser."""
    bounds = []
    for name, samples, p in zip(_BOUNDS, run.samples, run.plan.laws[known], strict=True):
        # A law that the samples have picked is one of many.
        level = run.ledger.take(name) / len(run.possible)
        counts = torch.bincount(samples.cells, minlength=p.numel())
        n, inside = int(counts.sum()), p > 0
        plug = float((p - counts / n)[inside].clamp(min=0).sum())
        bound = plug_in_tv.least_mean(n, p[inside].numpy())
        bounds.append(bound.inverse(plug + plug_in_tv.deviation(n, level)))
    return max(bounds)


LOOK = Look(
    _findings,
    "another law of whole sequences, larger in TV than the findings state; masks that remain",
    "a smaller difference, and one that shows at other lengths, vocabularies or denoisers only",
    ("identification", *_BOUNDS, *NAMES, "leftover"),
)
