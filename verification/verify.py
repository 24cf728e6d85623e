"""The verification run: every check of the chosen claims, a status for each, witnesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sharprates.samplers.errors import InputError
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.errors import TheoryError
from sharprates.theory.proofs.proof import Proof
from sharprates.theory.registry import CLAIMS
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import files, witness
from sharprates.verification.checks.check import Example, describe, run
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.checks.symbolic import run_proof
from sharprates.verification.decide import check_scale
from sharprates.verification.evidence import Evidence
from sharprates.verification.instance import Instance
from sharprates.verification.jobs import run as run_tasks
from sharprates.verification.status import (
    ClaimStatus,
    Status,
    claims_json,
    statuses,
)
from sharprates.verification.verdict import Verdict

EXAMPLES = 60
"""Examples of a check of ordinary effort."""

DEEP = 20
"""How many times as many in a deep run."""

WITNESSES = Path("build") / "witnesses"
"""Where a run leaves the witnesses of what it refutes."""


@dataclass(frozen=True)
class Report:
    """What a run has shown.

    Attributes:
        statuses: one a claim, in the order of the note.
        manifest: where the numbers come from.
    """

    statuses: tuple[ClaimStatus, ...]
    manifest: Mapping[str, Any]

    @property
    def verdict(self) -> Verdict:
        """FAILS if a claim or a check does, UNDECIDED if an example is or none says anything."""
        if any(one.problems for one in self.statuses):
            return Verdict.FAILS
        if any(one.undecided or one.status is Status.UNTESTED for one in self.statuses):
            return Verdict.UNDECIDED
        return Verdict.HOLDS

    def __getitem__(self, claim_id: str) -> ClaimStatus:
        return next(one for one in self.statuses if one.claim.id == claim_id)

    def json(self) -> dict[str, Any]:
        """The content of `claims.json`."""
        return claims_json(self.statuses, self.manifest)


def verify(
    claims: Sequence[str] | None = None,
    scale: Mapping[str, Fraction] | None = None,
    examples: int = EXAMPLES,
    seed: int = 0,
    jobs: int = 1,
    witnesses: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run the checks of claims and compute their statuses.

    Args:
        claims: ids; all by default.
        scale: factors on named constants, e.g. ``{"E3.constant": Fraction(99, 100)}``.
        examples: of a check of ordinary effort.
        seed: of the run; the same seed tries the same examples.
        jobs: processes.
        witnesses: folder for witness files of failing instances; none by default.
        progress: told the claim and check of each that is done.

    Returns:
        The report; claims that were not asked for are left out.

    Raises:
        InputError: for an unknown constant.
        TheoryError: for an unknown claim.
    """
    chosen = list(dict.fromkeys(claim_of(one).id for one in claims or CLAIMS))
    factors = dict(scale or {})
    check_scale(factors, chosen)
    tasks = [
        (claim_id, number) for claim_id in chosen for number, _ in enumerate(checks_of(claim_id))
    ]
    work = partial(run_one, examples=examples, seed=seed, scale=factors, witnesses=witnesses)
    found = run_tasks(tasks, work, jobs, told=lambda _, one: progress(f"{one.claim} {one.check}"))
    kept = tuple(one for one in statuses(found) if one.claim.id in chosen)
    return Report(kept, files.manifest(seed))


def count_checks(claims: Sequence[str] | None = None) -> int:
    """How many checks a run has, for a progress bar."""
    return sum(len(checks_of(one)) for one in {claim_of(one).id for one in claims or CLAIMS})


def run_one(
    task: tuple[str, int],
    examples: int,
    seed: int,
    scale: Mapping[str, Fraction],
    witnesses: Path | None = None,
) -> Evidence:
    """Run one check of a claim, by its place among them; a failing instance is stored.

    Args:
        task: id of the claim, and place of the check in `checks_of` it.
        examples: of a check of ordinary effort.
        seed: of the run.
        scale: factors on constants; those of other claims are ignored.
        witnesses: folder for a witness file.
    """
    claim_id, number = task
    check = checks_of(claim_id)[number]
    if isinstance(check, Proof):
        return run_proof(check)

    def stored(failing: Example) -> str | None:
        return store(claim_id, failing, scale, witnesses) if witnesses else None

    return run(check, examples, seed, scale, stored)


# --- witnesses ------------------------------------------------------------------------------------


def store(
    claim_id: str, failing: Example, scale: Mapping[str, Fraction], folder: Path
) -> str | None:
    """Write the witness of a failing instance, if a witness can hold it.

    Args:
        claim_id: of the claim that fails.
        failing: the example on which it does.
        scale: factors on constants.
        folder: where to; it is made.

    Returns:
        The file, or None where the failure is of another kind than the exact instances that witness
        files hold.
    """
    instance, claim = failing.instance, claim_of(claim_id)
    own = {name: x for name, x in scale.items() if name.split(".")[0] == claim.id}
    if instance is None:
        return None
    for variant in (None, *claim.variants):
        found = _failing(claim, instance, variant, own)
        if found is not None:
            folder.mkdir(parents=True, exist_ok=True)
            text = witness.to_text(found)
            path = folder / f"{claim.id}-{witness_key(text)}.txt"
            files.write_whole(path, text)
            return str(path)
    return None


def witness_key(text: str) -> str:
    """A short name that depends on the content alone."""
    return text.rpartition("sha256: ")[2][:8]


def _failing(
    claim: Claim, instance: Instance, variant: str | None, scale: Mapping[str, Fraction]
) -> witness.Witness | None:
    form = claim.form(variant)
    upper = form.relation in (Relation.UPPER, Relation.LOWER)
    if not upper or claim.applies(instance.setting(), variant) is not None:
        return None
    try:
        found = witness.make(claim, instance, variant=variant, scale=scale)
    except (InputError, TheoryError):
        return None
    return found if found.decision.verdict is Verdict.FAILS else None


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
    for line in held.remark:
        console.print(line, markup=False)
    console.print(describe(held.instance), markup=False, soft_wrap=True)
    for name, factor in held.scale.items():
        console.print(f"{name} × {factor}", markup=False)
    console.print(f"{held.measure}: {found.text}: {found.verdict}", markup=False)
    return found.verdict


# --- what a terminal shows ------------------------------------------------------------------------

_STYLES = {
    Status.REFUTED: "bold red",
    Status.CERTIFIED: "green",
    Status.TESTED: "cyan",
    Status.SAMPLED: "yellow",
    Status.UNTESTED: "dim",
}


def print_report(found: Report, console: Console) -> None:
    """One row a claim, then what fails."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (
        ("claim", "left"),
        ("kind", "left"),
        ("relation", "left"),
        ("status (n)", "left"),
        ("count", "right"),
        ("ratio", "right"),
        ("at", "left"),
        ("sharpness", "left"),
        ("power", "right"),
        ("break-even", "left"),
    ):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for one in found.statuses:
        worst, killed = one.worst, one.power
        proofs = sum(record.method == "symbolic" for record in one.evidence)
        status = f"{one.status} ({one.n})" + (f" +{proofs} proofs" if proofs else "")
        share = f"{100 * one.n_counting // one.n} %" if one.n else "·"
        table.add_row(
            Text(one.claim.id),
            Text(one.claim.kind.value),
            Text(one.claim.relation.value),
            Text(status, _STYLES[one.status]),
            Text(share),
            Text(f"{worst.ratio:.4g}" if worst and worst.ratio is not None else "·"),
            Text((worst.instance or "") if worst else ""),
            Text(one.sharpness.text if one.sharpness else "·"),
            Text(f"{sum(m['killed'] for m in killed)}/{len(killed)}" if killed else "·"),
            Text(", ".join(f"{name} ×{x:.4g}" for name, x in one.break_even.items()) or "·"),
        )
    console.print(table)
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
    "status: certified = decided in exact or ball arithmetic on n examples, or proved symbolically "
    "for listed sizes; tested = float64 with a stated error bound. count: share of examples on "
    "which the claim says something. ratio: measured/bound, the one nearest to failing. power: "
    "mutants rejected. break-even: factor on a constant at which a tried example begins to fail."
)
