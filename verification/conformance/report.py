"""`sharprates check`: a sampler checked in a process of its own."""

from __future__ import annotations

import sys
import time
from fractions import Fraction

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sharprates.samplers.errors import InputError
from sharprates.verification.conformance.checker import check
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

__all__ = ["EXIT", "check_named", "print_conformance"]


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
