"""What `sharprates check` prints: a sampler's verdict, or how the checker does on itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text
from sharprates.verification.conformance.findings import Conformance, Outcome
from sharprates.verification.reports.layout import table


def print_conformance(found: Conformance, console: Console) -> None:
    """The verdict's sentence, then one row a check."""
    colour = {Outcome.CONFORMS: "green", Outcome.FAILS: "red", Outcome.UNDECIDED: "yellow"}
    console.print(Text(f"{found.name}:", "bold"), Text(found.sentence, colour[found.outcome]))
    if found.declared:
        console.print(Text("declared:", "bold"), Text(found.declared))
    rows = table("check", "", "numbers")
    for one in found.findings:
        mark = Text("holds", "green") if one.passed else Text("FAILS", "red")
        rows.add_row(one.name, mark, Text(one.detail))
    console.print(rows)
    for title, lines in (("looked at", found.looked_at), ("not looked at", found.not_looked_at)):
        for line in lines:
            console.print(Text(f"{title}: ", "bold"), Text(line), sep="")
    for group in found.coinciding:
        if not set(group) & set(found.compatible):
            continue
        names = ", ".join(map(str, group))
        console.print(Text(f"the same on this clock and grid: {names}", "dim"))


def print_self_test(content: Mapping[str, Any], console: Console) -> None:
    """Detection rates of the seeded defects, and the rate of false alarms.

    Args:
        content: from `verification.conformance.self_test`.
        console: where to print.
    """
    if "mutants" in content:
        rows = table("defect", "caught by", "caught", "by that check first")
        for row in content["mutants"]:
            rows.add_row(row["name"], row["by"], f"{row['caught']:.0%}", f"{row['first']:.0%}")
        console.print(rows)
    if "false_alarms" in content:
        rates = content["false_alarms"]
        console.print(
            f"{rates['alarms']} false alarms in {rates['runs']} runs at level {rates['level']:g}: "
            f"up to {rates['at_most']} are within the binomial band, "
            f"which a true rate of {rates['detects']:.2g} leaves with probability 99 %",
            soft_wrap=True,
        )
