"""What `sharprates verify --on` prints of one instance: both sides of each form, the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.text import Text
from sharprates.samplers.errors import printable
from sharprates.samplers.rational import brief
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.symbols import LATEX, MEANINGS
from sharprates.verification.arithmetic import interval
from sharprates.verification.decide import Scale
from sharprates.verification.experiment import Experiment
from sharprates.verification.instance import Opened, open_instance, values
from sharprates.verification.plain_text import readable_formula
from sharprates.verification.reports.layout import table
from sharprates.verification.verdict import Decision, Verdict, in_digits

SIGNS = {Relation.UPPER: "≤", Relation.LOWER: "≥", Relation.EQUALITY: "="}
MOST = 16
"""Entries of a sequence or a table that are printed."""


def print_instance(
    claim: Claim, experiment: Experiment, console: Console, scale: Scale | None = None
) -> Verdict:
    """Open an instance and print it.

    Args:
        claim: of the registry.
        experiment: from `instance.read_instance`.
        console: where to print.
        scale: factors on constants.

    Returns:
        The worst verdict of the claim's forms.

    Raises:
        InputError: as `instance.open_instance`.
    """
    found = open_instance(claim, experiment, scale)
    console.print(Text(f"{claim.id} · {claim.title}", "bold"))
    console.print(printable(str(experiment)), markup=False, soft_wrap=True)
    for name, factor in (scale or {}).items():
        console.print(f"{name} × {factor}", markup=False)
    rows = table("form", "left side", ">measured", "", ">formula", ">slack", "verdict")
    for one in found:
        if one.decision is not None:
            rows.add_row(*map(Text, _row(claim, one, one.decision)))
    console.print(rows)
    for one in found:
        if one.reason is not None:
            console.print(f"{_form(one)}: nothing here, it {one.reason}", soft_wrap=True)
    numbers = values(claim, experiment, found)
    for name in sorted(numbers, key=list(MEANINGS).index):
        text = f"{readable_formula(LATEX[name])} = {_shown(numbers[name])}"
        console.print(
            f"{text}: {MEANINGS[name].removeprefix('mapping: ')}", markup=False, soft_wrap=True
        )
    verdicts = {one.decision.verdict for one in found if one.decision}
    worst = (Verdict.FAILS, Verdict.UNDECIDED)
    return next((one for one in worst if one in verdicts), Verdict.HOLDS)


def _form(one: Opened) -> str:
    return one.variant or "main form"


def _row(claim: Claim, one: Opened, decision: Decision) -> tuple[str, ...]:
    measured, bound = decision.side
    left = readable_formula(claim.left_side(one.variant).value)
    above = decision.relation is not Relation.LOWER
    slack = (bound.middle - measured.middle) * (1 if above else -1)
    if measured.lower <= bound.upper and bound.lower <= measured.upper:
        slack = 0.0
    sign = SIGNS[decision.relation]
    sides = in_digits(measured), sign, in_digits(bound)
    return _form(one), left, *sides, f"{slack:.6g}", str(decision.verdict)


def _shown(value: Any) -> str:
    """A number, a sequence or a table of them."""
    if isinstance(value, Mapping):
        entries = [f"{_shown(key)}: {_shown(one)}" for key, one in value.items()]
        return "{" + ", ".join(_short(entries)) + "}"
    if isinstance(value, Sequence):
        return "(" + ", ".join(_short(list(map(_shown, value)))) + ")"
    if isinstance(value, int):
        return str(value)
    ends = interval(value)
    if ends.lower == ends.upper:
        return brief(Fraction(ends.lower)) or f"{ends.middle:.6g}"
    # a ball around 0 is the entropy of what is known
    return "0" if ends.lower <= 0 <= ends.upper else f"{ends.middle:.6g}"


def _short(entries: list[str]) -> list[str]:
    more = len(entries) - MOST
    return entries if more <= 0 else [*entries[:MOST], f"… {more} more"]
