"""What the checker is asked for and what it says: settings, findings and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sharprates.verification.statistics import Check


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
    "values by context",
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


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Of two findings of one name the failure stays."""
    kept: dict[str, Finding] = {}
    for one in findings:
        if one.name not in kept or not one.passed:
            kept[one.name] = one
    return tuple(sorted(kept.values(), key=lambda one: ORDER.index(one.name)))


def failure(findings: Sequence[Finding], hint: str = "") -> str:
    """The first check that failed, its cause, and the names of the others."""
    first, *rest = (one for one in findings if not one.passed)
    cause = f"; likely cause: {first.cause}" if first.cause else ""
    also = f"; fails also {', '.join(one.name for one in rest)}" if rest else ""
    return f"fails {first.name}: {first.detail}{cause}{hint}{also}"
