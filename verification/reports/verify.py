"""What `sharprates verify` prints: one row a claim, then what fails, or one witness replayed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text
from sharprates.samplers.errors import printable
from sharprates.theory.claim import Claim
from sharprates.theory.registry import CLAIMS
from sharprates.verification import witness
from sharprates.verification.formal import formal_of
from sharprates.verification.reports.layout import table
from sharprates.verification.status import SPEED, Report, Status
from sharprates.verification.verdict import Verdict

MOST_REMARKS = 20
"""Lines of a witness for its reader that are printed."""

_STYLES = {
    Status.REFUTED: "bold red",
    Status.CERTIFIED: "green",
    Status.TESTED: "cyan",
    Status.SAMPLED: "yellow",
    Status.UNTESTED: "dim",
}


def print_statuses(found: Report, console: Console) -> None:
    """One row a claim, then what fails."""
    rows = table(
        *("claim", "kind", "relation", "status (n)", ">a second", ">count", ">ratio", "at"),
        *("sharpness", ">power", "break-even", "proof checker"),
    )
    labels, speed = formal_of(CLAIMS), found.manifest.get(SPEED, {})
    for one in found.statuses:
        worst, killed = one.worst, one.power
        proofs = sum(record.method == "symbolic" for record in one.evidence)
        status = f"{one.status} ({one.n})" + (f" +{proofs} proofs" if proofs else "")
        share = f"{100 * one.n_counting // one.n} %" if one.n else "·"
        rows.add_row(
            Text(one.claim.id),
            Text(one.claim.kind.value),
            Text(one.claim.relation.value),
            Text(status, _STYLES[one.status]),
            Text(f"{speed[one.claim.id]:.3g}" if one.claim.id in speed else "·"),
            Text(share),
            Text(f"{worst.ratio:.4g}" if worst and worst.ratio is not None else "·"),
            Text((worst.instance or "") if worst else ""),
            Text(one.sharpness.text if one.sharpness else "·"),
            Text(f"{sum(m['killed'] for m in killed)}/{len(killed)}" if killed else "·"),
            Text(", ".join(f"{name} ×{x:.4g}" for name, x in one.break_even.items()) or "·"),
            Text(labels[one.claim.id].status if one.claim.id in labels else "·"),
        )
    console.print(rows)
    for one in found.statuses:
        for line in one.problems:
            console.print(Text(f"{one.claim.id} fails: {line}", "red"), soft_wrap=True)
        for rec in one.evidence:
            if rec.note:
                console.print(f"{one.claim.id}: {rec.check}: {rec.note}", markup=False)
            if rec.witness:
                console.print(f"{one.claim.id} witness: {rec.witness}", soft_wrap=True)
        if one.undecided:
            console.print(Text(f"{one.claim.id}: {one.undecided} undecided", "yellow"))


LEGEND = (
    "status: certified = decided in exact or ball arithmetic on n examples, or proved "
    "symbolically for listed sizes; tested = float64 with a stated error bound. a second: "
    "examples tried, with their mutants, a second of CPU. count: share of examples on which the "
    "claim says something. ratio: measured/bound, the one nearest to failing. power: mutants "
    "rejected. break-even: factor on a constant at which a tried example begins to fail. proof "
    "checker: what Coq says of the statements in theory/formal, as `make formal` left it; "
    "`sharprates claims ID` says how much of the claim they cover."
)


def print_replay(
    path: Path,
    console: Console,
    claim: Claim | None = None,
    left: witness.LeftSide | None = None,
) -> Verdict:
    """Compute a witness again and print what it shows.

    Args:
        path: of the witness file.
        console: where to print.
        claim: a user's own, if the witness is of it.
        left: its left side, if that is a function.

    Returns:
        The verdict of the claim on the instance.

    Raises:
        WitnessError: if the file was changed, or does not reproduce.
    """
    held, found = witness.recall(path, claim, left)
    console.print(Text(f"{held.claim} {held.variant or ''}".rstrip(), "bold"))
    for line in held.remark[:MOST_REMARKS]:
        console.print(printable(line), markup=False)
    console.print(str(held.experiment), markup=False, soft_wrap=True)
    for name, factor in held.scale.items():
        console.print(f"{name} × {factor}", markup=False)
    console.print(f"{held.measure}: {found.text}: {found.verdict}", markup=False)
    return found.verdict


def explain(found: Report, text: str, console: Console) -> None:
    """The smallest refuting instance in words, to be checked by hand.

    Args:
        found: from `verify`.
        text: the claim as MODULE:OBJECT.
        console: where to print.
    """
    for one in found.statuses:
        failing = [rec for rec in one.evidence if rec.failure]
        if not failing:
            console.print(f"{one.claim.id}: no instance refutes it.")
            if not one.n_counting:
                console.print("  It says nothing on any of them: the bound is trivial there.")
            continue
        smallest = failing[0]  # of generated instances, which hypothesis shrank, if any failed
        console.print(f"{one.claim.id} is refuted. Check by hand:")
        console.print(f"  {smallest.failure}", soft_wrap=True, markup=False)
        console.print(
            f"  replay: sharprates verify --claim {text} --witness {smallest.witness}",
            soft_wrap=True,
            markup=False,
        )
