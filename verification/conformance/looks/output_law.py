"""The law of what comes out, with an exact denoiser and with one by which the order shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from sharprates.verification.conformance import causes
from sharprates.verification.conformance.denoiser_table import FEWEST
from sharprates.verification.conformance.design import Instance
from sharprates.verification.conformance.findings import (
    INSTANCES,
    Finding,
    Tested,
    summary,
    unlike,
)
from sharprates.verification.conformance.known_laws import KnownSampler
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.oracle import state_word
from sharprates.verification.conformance.samples import Samples, p_value
from sharprates.verification.conformance.session import Session
from sharprates.verification.statistics import plug_in_tv
from sharprates.verification.statistics.binomial import binomial_test
from sharprates.verification.statistics.laws import law_test, multinomial_p_value
from torch import Tensor

NAMES = tuple(f"law, {name}" for name in INSTANCES)
_BOUNDS = ("bound, exact", "bound, order")

RARE = 5e-3
"""What is less probable is rare."""


def _findings(run: Session) -> Iterator[Finding]:
    declared, compatible = run.declared, run.compatible
    if declared is None:
        return
    cause = "" if compatible else causes.of_law(run)
    for instance, samples in zip(run.instances, run.samples, strict=True):
        level = run.ledger.take(f"law, {instance.name}")
        if instance.law is not None:
            yield _law(instance, samples, instance.law, level, cause)
            if instance.name == "more symbols":
                yield from _rare(run, instance, samples)
        elif instance.tie_laws:
            yield _ties(instance, samples, level)
    if run.declaration.by_hazard:
        yield from _leftover(run)


def _law(instance: Instance, samples: Samples, p: Tensor, level: float, cause: str) -> Finding:
    """By total variation, and by likelihood, which sees a rare value drawn too often."""
    name, denoiser = f"law, {instance.name}", instance.denoiser
    counts = torch.bincount(samples.cells, minlength=p.numel())
    test = law_test(name, counts, p, level / 2)
    both = min(1.0, 2 * min(test.p_value, multinomial_p_value(counts, p)))
    test = replace(test, p_value=both, level=level)
    if test.passed:
        detail = f"n = {test.n}, would detect TV {test.detects:.3g}"
        return Finding(name, True, detail, "", test)
    frequency = counts.double() / counts.sum()
    worst = int(((frequency - p).abs() / (p + 1e-4).sqrt()).argmax())
    word = state_word(denoiser.moves.states[worst], denoiser.vocabulary)
    seen, right = unlike(float(frequency[worst]), float(p[worst]))
    detail = (
        f"{word} has frequency {seen}, its probability is {right} "
        f"(p ≤ {test.p_value:.2g}, n = {test.n}; {instance})"
    )
    return Finding(name, False, detail, cause, test)


def _ties(instance: Instance, samples: Samples, level: float) -> Finding:
    """How ties are broken is not declared: what is seen is said."""
    laws, part = instance.tie_laws, level / len(instance.tie_laws)
    ways = [way for way, p in laws.items() if p_value([samples], [p]) > part]
    said = f"broken as if by {' or '.join(ways)}" if ways else "broken in a way that is not known"
    return Finding(f"law, {instance.name}", True, f"{said}; not declared, so not tested")


def _rare(run: Session, instance: Instance, samples: Samples) -> Iterator[Finding]:
    """Rare tokens are as frequent as the law says, each at each position."""
    assert instance.law is not None
    denoiser, name = instance.denoiser, "rare tokens, sampled"
    counts = torch.bincount(samples.cells, minlength=instance.law.numel())
    n, tests, of = int(counts.sum()), [], dict[float, list[int]]()
    level = run.ledger.take(name) / (denoiser.length * denoiser.vocabulary)
    for i in range(denoiser.length):
        for a in range(denoiser.vocabulary):
            here = denoiser.moves.states[:, i] == a
            p, seen = min(1.0, float(instance.law[here].sum())), int(counts[here].sum())
            if not 0 < p < RARE or n * p < FEWEST:
                continue
            test = binomial_test(name, seen, n, p, level)
            of.setdefault(float(f"{p:.2g}"), []).append(round(seen / p))
            detail = f"the token {a} at position {i}, of probability {p:.2g}, is drawn {seen} times"
            cause = "uniforms of too few digits, or a tail that is cut off"
            tests.append(Tested(test, detail, cause))
    for found in summary(name, tests):
        shown = ", ".join(f"{p:.2g} ×{sum(at) / len(at) / n:.3g}" for p, at in sorted(of.items()))
        yield replace(found, detail=f"drawn over true: {shown}") if found.passed else found


def _leftover(run: Session) -> Iterator[Finding]:
    """Masks remain as often as the law says."""
    first = run.instances[0]
    assert first.law is not None
    masked = first.denoiser.moves.hidden.any(1)
    p = float(first.law[masked].sum())
    p = 0.0 if p < 1e-12 else p
    cells = torch.cat([samples.cells for samples in run.samples[:2]])
    left, n = int(masked[cells].sum()), cells.numel()
    test = binomial_test("leftover", left, n, p, run.ledger.take("leftover"))
    seen, right = unlike(left / n, p)
    detail = f"{seen} of the rows keep a mask, not {right}"
    cause = "masks that remain are filled (or not) against the declaration, or another grid's end"
    yield from summary("leftover", [Tested(test, detail, cause)])


def tv_bound(run: Session, known: KnownSampler) -> float:
    """Upper confidence bound for the TV between a sampler's law and a known one, any denoiser."""
    bounds = []
    for name, samples, p in zip(_BOUNDS, run.samples[:2], run.plan.laws[known], strict=True):
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
    ("identification", *_BOUNDS, *NAMES, "leftover", "rare tokens, sampled"),
)
