"""Rare tokens: drawn as often as they should be? Walked where that can be done, else sampled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from sharprates.verification.conformance.findings import Finding
from sharprates.verification.conformance.foreign import guarded
from sharprates.verification.conformance.look import Look
from sharprates.verification.conformance.session import Session, method
from sharprates.verification.conformance.uniform_walk import BITS, walk
from sharprates.verification.statistics.binomial import binomial_test

NAME = "rare tokens"
SAMPLED = (1e-2, 1e-3, 1e-4, 1e-5)
"""Probabilities that are sampled where no walk is possible."""

_ROWS, _MOST = 100_000, 100
# A frequency of fewer than so many draws says little.
_FEWEST = 20


def _findings(run: Session) -> Iterator[Finding]:
    draw = method(run.sampler, "draw") if run.settings.walk else None
    if draw is None:
        return
    text = str(getattr(draw, "__doc__", None) or "")
    formula = f"{text.splitlines()[0].rstrip('.')}; " if text else ""
    walked = walk(run.sampler)
    if not walked.ratios:
        yield _sampled(run, draw, formula + walked.source)
        return
    declared = run.declaration.uniforms
    # Sixteen uniforms of the declared type make what is drawn right to a few percent.
    least = 16 / 2 ** BITS[getattr(torch, declared)]
    good = all(0.9 < ratio < 1.1 for p, ratio in walked.ratios.items() if p >= least)
    rare = ", ".join(f"{p:.0e} ×{ratio:.3g}" for p, ratio in walked.ratios.items())
    said = f", {declared} as declared" if good and declared != "float64" else ""
    detail = f"{formula}{walked.source}{said}: walked, drawn over true: {rare}"
    cause = "" if good else "uniforms, or what is computed with them, of too few digits"
    yield Finding(NAME, good, detail, cause)


def _sampled(run: Session, draw: Callable[..., object], source: str) -> Finding:
    """By many draws: what is rarer than these show is not measured."""
    p = torch.tensor([*SAMPLED, 1 - sum(SAMPLED)], dtype=torch.float64)
    generator, counts = run.generator(), torch.zeros(len(p), dtype=torch.int64)
    for number in range(_MOST):
        call = lambda: torch.as_tensor(draw(p.repeat(_ROWS, 1), generator))  # noqa: E731 - one use
        found = guarded(call, "draw(…)").flatten().to("cpu", torch.int64)
        counts += torch.bincount(found.clamp(0, len(p) - 1), minlength=len(p))
        if time.monotonic() > run.deadline(0.95) or number + 1 == _MOST:
            break
    n, level = int(counts.sum()), run.ledger.take(NAME) / len(SAMPLED)
    seen = dict(zip(SAMPLED, counts.tolist(), strict=False))
    tests = [binomial_test(NAME, count, n, p, level) for p, count in seen.items()]
    shown = {p: count for p, count in seen.items() if n * p >= _FEWEST}
    ratios = ", ".join(f"{p:.0e} ×{count / (n * p):.3g}" for p, count in shown.items())
    detail = f"{source}: in {n} draws, drawn over true: {ratios}; rarer ones were not measured"
    worst = min(tests, key=lambda test: test.p_value)
    cause = "" if worst.passed else "uniforms, or what is computed with them, of too few digits"
    return Finding(NAME, worst.passed, detail, cause, worst)


LOOK = Look(
    _findings,
    "rare tokens drawn too often or never for want of digits by `draw`, down to 1e-9 where it asks "
    "torch for one uniform a symbol or a draw, in whatever type; down to 1e-4 or so elsewhere",
    "a `sample` that does not use `draw`",
    (NAME,),
)
