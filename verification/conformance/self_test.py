"""The checker checked itself: seeded defects that it must catch, and its rate of false alarms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from scipy.stats import beta, binom
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.defects import (
    DEFECTS,
    RIGHT,
    Blockwise,
    Defect,
    Stepwise,
)
from sharprates.verification.conformance.findings import FAST, Settings

DEFECT_LEVEL = Fraction(1, 10**6)
"""Budget of each run on a defect: the default of a check."""

ALARM_LEVEL = Fraction(1, 10)
"""Budget of each run when false alarms are counted: a smaller one would never be used up."""


Progress = Callable[[str], None]
"""Told of each run that is done."""


def detection(
    defect: Defect, runs: int, seed: int = 0, progress: Progress = lambda _: None
) -> dict[str, Any]:
    """How often a defect is caught, seed after seed, and how often first by the check meant."""
    settings, verdicts = defect.settings, []
    for one in range(seed, seed + runs):
        verdicts.append(check(defect.sampler, DEFECT_LEVEL, replace(settings, seed=one)))
        progress(defect.name)
    first = [verdict.failed.name for verdict in verdicts if verdict.failed]
    return {
        "name": defect.name,
        "by": defect.caught_by,
        "runs": runs,
        "rows": settings.rows,
        "caught": len(first) / runs,
        "first": first.count(defect.caught_by) / runs,
        "sentence": verdicts[-1].sentence,
    }


def false_alarms(
    runs: int,
    budget: Fraction,
    settings: Settings = FAST,
    samplers: Sequence[Stepwise | Blockwise] = RIGHT,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> int:
    """How many of so many seeded runs reject a sampler without a defect, each in its turn."""
    rejected = 0
    for one in range(seed, seed + runs):
        sampler = samplers[one % len(samplers)]
        rejected += check(sampler, budget, replace(settings, seed=one)).failed is not None
        progress("samplers without a defect")
    return rejected


def band(runs: int, level: float) -> tuple[int, float]:
    """How many false alarms are taken for chance, and which true rate is then not.

    Args:
        runs: how many.
        level: which a right checker keeps.

    Returns:
        The number that is exceeded with probability 1e-6 at most if the level holds; and the rate
        with which it is exceeded with probability 99 %. A rate between the two may be missed.
    """
    most = int(binom.isf(1e-6, runs, level))
    return most, float(beta.ppf(0.99, most + 1, runs - most)) if most < runs else 1.0


def self_test(
    mutants: int, alarms: int, seed: int = 0, progress: Progress = lambda _: None
) -> dict[str, Any]:
    """Detection rates of the seeded defects, and the rate of false alarms, as JSON.

    Args:
        mutants: runs of each defect; 0 leaves them out.
        alarms: runs of samplers without a defect, each at `ALARM_LEVEL`; 0 leaves them out.
        seed: of the first run of each; each next one takes the next seed.
        progress: told of each run that is done.
    """
    content: dict[str, Any] = {}
    if mutants:
        rows = [detection(defect, mutants, seed, progress) for defect in DEFECTS]
        content |= {"level": float(DEFECT_LEVEL), "mutants": rows}
    if alarms:
        level = float(ALARM_LEVEL)
        most, detects = band(alarms, level)
        content["false_alarms"] = {
            "runs": alarms,
            "level": level,
            "alarms": false_alarms(alarms, ALARM_LEVEL, seed=seed, progress=progress),
            "at_most": most,
            "detects": detects,
        }
    return content


def passes(content: Mapping[str, Any]) -> bool:
    """Whether each defect was first caught by its check, in every run, and alarms are few."""
    alarms = content.get("false_alarms", {"alarms": 0, "at_most": 0})
    caught = all(row["first"] == 1 for row in content.get("mutants", ()))
    return caught and bool(alarms["alarms"] <= alarms["at_most"])
