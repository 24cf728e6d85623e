"""What a check has looked at, and what it has not: a verdict is about the former."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sharprates.verification.conformance.denoiser_table import FEWEST, WIDE
from sharprates.verification.conformance.oracle import state_word
from sharprates.verification.conformance.session import OF_DEPENDENT

if TYPE_CHECKING:
    from sharprates.verification.conformance.session import Session


def looked_at(run: Session) -> Iterator[str]:
    """Denoisers with d, S and rows, steps and times, and what the tests would detect, in lines."""
    for instance, samples in zip(run.instances, run.samples, strict=True):
        name = f"law, {instance.name}"
        test = next((one.test for one in run.findings if one.name == name), None)
        power = f", would detect TV {test.detects:.2g}" if test else ""
        calls = sorted({len(call) for call in samples.calls})
        size = f"in calls of {' and '.join(map(str, calls))}"
        if not run.declaration.rows_independent:
            size = f"each of another call, of {', '.join(map(str, OF_DEPENDENT))} rows"
        yield f"{instance}: {samples.cells.numel()} rows {size}{power}"
    steps = [samples.trajectories for samples in run.samples if samples.trajectories is not None]
    shown = f"{len(steps)} of {len(run.samples)} denoisers saw whole steps" if steps else ""
    K = f"K = {len(run.declaration.grid) - 1} steps; " if run.declaration.has_times else ""
    seen = [float(time.max()) for time in run.times if time is not None]
    times = ", ".join(f"{t:.4g}" for t in seen[:6]) + (", …" if len(seen) > 6 else "")
    yield f"{K}times handed to the denoiser: {times or 'none'}" + (f"; {shown}" if shown else "")


def not_looked_at(run: Session) -> Iterator[str]:
    """What a defect may hide in."""
    found = {one.name for one in run.findings}
    sizes = {(one.denoiser.length, one.denoiser.vocabulary) for one in run.instances}
    yield "other sizes (d, S) than " + ", ".join(f"({d}, {S})" for d, S in sorted(sizes))
    yield f"other settings than those declared, and devices other than {run.declaration.device}"
    yield from run.plan.skipped
    for given in (one.denoiser for one in run.instances if one.denoiser.prompt is not None):
        start = state_word(given.start, given.vocabulary)
        yield f"prompts other than {start}, several in one call"
    yield "predictions of exactly 0, equal ones of two values, or close to a threshold or a top_p"
    yield f"generators that give the same rows, if rarer than one in {run.calls} calls"
    for one in run.findings:
        if one.passed and one.test and one.test.distance == "tv" and one.test.detects >= 0.5:
            yield f"{one.name}: too few samples to see anything"
    if run.declared is None:
        yield "anything but the law on two denoisers: no rule is declared"
    if not run.declaration.has_times:
        yield "what time the denoiser is asked at: none is declared"
    elif all(time is None for time in run.times):
        yield "a denoiser that depends on time: none is handed to it"
    if any(one.tie_laws for one in run.instances):
        yield "how ties are broken: not declared"
    if "rare tokens" in found:
        walked = "walked" in next(one.detail for one in run.findings if one.name == "rare tokens")
        least = "1e-9" if walked else "1e-4 or so"
        yield f"a `sample` that does not use `draw`; tokens rarer than {least}"
    elif "rare tokens, sampled" in found:
        rows = min(samples.cells.numel() for samples in run.samples)
        rarest = max(WIDE[0], FEWEST / rows)
        yield f"tokens rarer than {rarest:.0e} or so: give it a method `draw`"
    else:
        yield "rare tokens: they were not measured"
    if all(samples.trajectories is None for samples in run.samples):
        yield "single steps: the denoiser saw something else than all rows once a step"
    if not run.declaration.rows_independent:
        yield "whether rows of a call depend on each other: declared that they do"
    else:
        most = max(len(call) for samples in run.samples for call in samples.calls)
        yield f"calls of more than {most} rows; rows that depend on each other but agree as often"
