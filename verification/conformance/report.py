"""`sharprates check`: a sampler checked in a process of its own, and the checker checked itself."""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from scipy.stats import binom
from sharprates.samplers.errors import InputError
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.defects import DEFECTS, detect, false_alarms
from sharprates.verification.conformance.findings import (
    EXIT,
    Conformance,
    Finding,
    Outcome,
    Settings,
)
from sharprates.verification.conformance.foreign import in_child
from sharprates.verification.conformance.protocol import FaultError
from sharprates.verification.objects import load_object, one_line

__all__ = ["EXIT", "check_named", "print_conformance", "self_test"]

MUTANT_LEVEL = Fraction(1, 10**6)
"""Budget of each run on a defect: the default of a check."""

ALARM_LEVEL = Fraction(1, 10)
"""Budget of each run when false alarms are counted: a smaller one would never be used up."""


def _work(name: str, path: list[str], budget: Fraction, settings: Settings) -> Conformance:
    started = time.monotonic()
    sys.path[:] = path
    sampler = load_object(name, "SAMPLER")
    return check(sampler, budget, settings, spent=time.monotonic() - started)


def check_named(name: str, budget: Fraction, settings: Settings) -> Conformance:
    """Check MODULE:OBJECT in a child process, which may hang or crash.

    Raises:
        InputError: if the module cannot be imported or has no such object, or if what the sampler
            declares cannot be.
    """

    def stopped(outcome: Outcome, sentence: str) -> Conformance:
        finding = Finding("runs", False, sentence)
        said = "fails" if outcome is Outcome.FAILS else "undecided"
        return Conformance(name, outcome, f"{said}: {sentence}", (finding,), budget=float(budget))

    try:
        found = in_child(_work, (name, sys.path, budget, settings), settings.limit)
    except FaultError as fault:
        return stopped(Outcome.FAILS, str(fault))
    except InputError:
        raise
    except Exception as error:  # the sampler has broken what the check stands on, or it has a bug
        return stopped(Outcome.UNDECIDED, f"the check stopped: {one_line(error)}")
    if not isinstance(found, Conformance):
        return stopped(Outcome.UNDECIDED, "the check gave no verdict")
    return found


def print_conformance(found: Conformance, console: Console) -> None:
    """The verdict's sentence, then one row a check."""
    colour = {Outcome.CONFORMS: "green", Outcome.FAILS: "red", Outcome.UNDECIDED: "yellow"}
    console.print(Text(f"{found.name}:", "bold"), Text(found.sentence, colour[found.outcome]))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("check", "", "numbers"):
        table.add_column(heading)
    for one in found.findings:
        mark = Text("holds", "green") if one.passed else Text("FAILS", "red")
        table.add_row(one.name, mark, Text(one.detail))
    console.print(table)
    for group in found.coinciding:
        names = ", ".join(map(str, group))
        console.print(Text(f"the same on this clock and grid: {names}", "dim"))


def self_test(mutants: int, alarms: int, console: Console) -> tuple[int, dict[str, Any]]:
    """Detection rates of the seeded defects, and the rate of false alarms.

    Args:
        mutants: runs of each defect; 0 leaves them out.
        alarms: runs of samplers without a defect, each at `ALARM_LEVEL`; 0 leaves them out.
        console: where tables go.

    Returns:
        Exit code, and the numbers as JSON.
    """
    content: dict[str, Any] = {}
    good = True
    if mutants:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("defect", "caught by", "caught", "by that check first"):
            table.add_column(heading)
        rows = []
        for mutant in DEFECTS:
            chosen = mutant.settings
            found = detect(mutant, mutants, MUTANT_LEVEL, chosen)
            rate, named = found.caught / found.runs, found.named / found.runs
            table.add_row(mutant.name, mutant.caught_by, f"{rate:.0%}", f"{named:.0%}")
            row = {
                "name": mutant.name,
                "by": mutant.caught_by,
                "runs": found.runs,
                "rows": chosen.rows,
                "caught": rate,
                "first": named,
                "sentence": found.sentence,
            }
            rows.append(row)
            good = good and found.named == found.runs
        console.print(table)
        content["level"] = float(MUTANT_LEVEL)
        content["mutants"] = rows
    if alarms:
        count = false_alarms(alarms, ALARM_LEVEL)
        # As many as this are exceeded with probability 1e-6 at most, if the level holds.
        most = int(binom.isf(1e-6, alarms, float(ALARM_LEVEL)))
        console.print(
            f"{count} false alarms in {alarms} runs at level {float(ALARM_LEVEL):g}: "
            f"up to {most} are within the binomial band"
        )
        content["false_alarms"] = {
            "runs": alarms,
            "level": float(ALARM_LEVEL),
            "alarms": count,
            "at_most": most,
        }
        good = good and count <= most
    return (0 if good else 1), content
