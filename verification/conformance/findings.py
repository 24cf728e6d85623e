"""What the checker is asked for and what it says: settings, findings and a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sharprates.samplers.errors import InputError
from sharprates.samplers.fields import check_types
from sharprates.verification.statistics.sample_test import SampleTest

if TYPE_CHECKING:
    from sharprates.verification.conformance.known_laws import KnownSampler


class Outcome(StrEnum):
    """Three-valued verdict on a sampler."""

    CONFORMS = "conforms"
    FAILS = "fails"
    UNDECIDED = "undecided"


EXIT = {Outcome.CONFORMS: 0, Outcome.FAILS: 1, Outcome.UNDECIDED: 3}
"""Exit code of `sharprates check`."""

INSTANCES = (
    "exact denoiser",
    "order-dependent denoiser",
    "time-dependent denoiser",
    "prompt",
    "ties",
    "more symbols",
    "more tokens",
)
"""What a sampler is run on, where it fits; the first two always."""

# A cause is reported first: a later check often fails because an earlier one did.
ORDER = (
    "runs",
    "output",
    "times",
    "reproducible by seed",
    "carry-over",
    "rows independent",
    "unmask probability",
    "unmask pattern",
    "token conditionals",
    "values independent",
    "leftover",
    "step law",
    "tokens a step",
    "values by context",
    "moves",
    *(f"law, {name}" for name in INSTANCES),
    "rare tokens, sampled",
    "inputs not mutated",
    "batch size",
    "rare tokens",
)


@dataclass(frozen=True)
class Settings:
    """How much work a check does.

    Attributes:
        rows: samples with each of the first two denoisers; None for as many as the limit allows.
        step_rows: samples of each single step.
        length: d of all denoisers; None for several.
        vocabulary: S of all denoisers; None for several.
        limit: seconds; the samples are reduced where the sampler is too slow for them.
        seed: of the samples.
        walk: whether to walk the uniforms of `draw`.
        others: whether to look at other denoisers than the first two.
    """

    rows: int | None = None
    step_rows: int = 10_000
    length: int | None = None
    vocabulary: int | None = None
    limit: float = 60.0
    seed: int = 0
    walk: bool = True
    others: bool = True

    def __post_init__(self) -> None:
        check_types(self)
        if not 0 < self.limit <= 86_400:
            raise InputError(f"limit: need seconds up to a day, 86400, got {self.limit}")
        # The seeds of a session's calls are multiples of it, and have 64 bits.
        if abs(self.seed) >= 2**43:
            raise InputError(f"seed: need a whole number below 2^43, got {self.seed}")


FAST = Settings(2_000, 2_000, 3, 2, walk=False, others=False)
"""Seconds in place of a minute: for tests of the checker and a first look."""


@dataclass(frozen=True)
class Finding:
    """One check's outcome.

    Attributes:
        name: one of `ORDER`.
        passed: False if the sampler is not what it says.
        detail: the numbers, in words; of a failure the smallest example.
        cause: what is likely wrong.
        test: the statistical test behind it, if there is one.
    """

    name: str
    passed: bool
    detail: str
    cause: str = ""
    test: SampleTest | None = None

    def json(self) -> dict[str, Any]:
        """As JSON."""
        content: dict[str, Any] = {
            "name": self.name,
            "passed": self.passed,
            "detail": self.detail,
        }
        if self.cause:
            content["cause"] = self.cause
        if self.test is not None:
            content["check"] = {
                "name": self.test.name,
                "p_value": self.test.p_value,
                "level": self.test.level,
                "n": self.test.n,
                "detects": {self.test.distance: self.test.detects},
            }
        return content


def unlike(seen: float, right: float) -> tuple[str, str]:
    """Two numbers that differ, with as many digits as it takes to show that they do."""
    for digits in range(4, 16):
        found = f"{seen:.{digits}f}", f"{right:.{digits}f}"
        if float(found[0]) != float(found[1]):
            break
    return found[0], found[1] if float(found[1]) or not right else f"{right:.2g}"


@dataclass(frozen=True)
class Tested:
    """A statistical test with what to say if it fails.

    Attributes:
        test: the test.
        detail: what then has been seen.
        cause: what is then likely wrong.
    """

    test: SampleTest
    detail: str
    cause: str = ""


def summary(name: str, tests: Sequence[Tested], cause: str = "") -> Iterator[Finding]:
    """One finding for many tests: the first that failed, or the weakest that passed.

    Args:
        name: of the finding.
        tests: none give no finding.
        cause: of a failure that names none itself.
    """
    for tested in tests:
        if not tested.test.passed:
            numbers = f"(p ≤ {tested.test.p_value:.2g}, n = {tested.test.n})"
            detail = f"{tested.detail} {numbers}"
            yield Finding(name, False, detail, tested.cause or cause, tested.test)
            return
    if tests:
        weakest = max((tested.test for tested in tests), key=lambda test: test.detects)
        power = f"would detect {weakest.detects:.3g} ({weakest.distance})"
        yield Finding(name, True, f"{len(tests)} checked, {power}", "", weakest)


@dataclass(frozen=True)
class Conformance:
    """What the checker says about a sampler.

    Attributes:
        name: the sampler's.
        outcome: the verdict.
        sentence: the verdict in words.
        findings: the checks that ran, in the order of `ORDER`.
        compatible: known samplers whose laws the samples do not contradict.
        coinciding: groups of known samplers whose laws are the same on this clock and grid.
        separation: smallest TV between the declared law and another known one.
        looked_at: on what it was run, and what that would detect, in lines.
        not_looked_at: what a defect may hide in.
        declared: what the sampler says about itself, in words.
        budget: false-alarm probability of the whole check.
        seconds: what it took.
    """

    name: str
    outcome: Outcome
    sentence: str
    findings: tuple[Finding, ...] = ()
    compatible: tuple[KnownSampler, ...] = ()
    coinciding: tuple[tuple[KnownSampler, ...], ...] = ()
    separation: float | None = None
    looked_at: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()
    declared: str = ""
    budget: float = 1e-6
    seconds: float = field(default=0.0, compare=False)

    @property
    def failed(self) -> Finding | None:
        """The first check that failed."""
        return next((finding for finding in self.findings if not finding.passed), None)

    def json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "declared": self.declared,
            "outcome": str(self.outcome),
            "sentence": self.sentence,
            "checks": [finding.json() for finding in self.findings],
            "compatible": [known.label for known in self.compatible],
            "coinciding": [[known.label for known in group] for group in self.coinciding],
            "separation": self.separation,
            "looked_at": self.looked_at,
            "not_looked_at": self.not_looked_at,
            "budget": self.budget,
        }

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.sentence}", f"  declared: {self.declared}"]
        for finding in self.findings:
            mark = "holds" if finding.passed else "FAILS"
            lines.append(f"  {finding.name:30} {mark}  {finding.detail}")
            if finding.cause:
                lines.append(f"  {'':30} likely cause: {finding.cause}")
        lines += [f"  looked at: {one}" for one in self.looked_at]
        lines += [f"  not looked at: {one}" for one in self.not_looked_at]
        return "\n".join(lines)


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Causes first; of two findings of one name the failure stays."""
    kept: dict[str, Finding] = {}
    for finding in findings:
        if finding.name not in kept or (kept[finding.name].passed and not finding.passed):
            kept[finding.name] = finding
    return tuple(sorted(kept.values(), key=lambda finding: ORDER.index(finding.name)))


def failure(findings: Sequence[Finding], hint: str = "") -> str:
    """The first check that failed, its cause, and the names of the others."""
    first, *rest = (finding for finding in findings if not finding.passed)
    cause = f"; likely cause: {first.cause}" if first.cause else ""
    also = f"; fails also {', '.join(finding.name for finding in rest)}" if rest else ""
    return f"fails {first.name}: {first.detail}{cause}{hint}{also}"
