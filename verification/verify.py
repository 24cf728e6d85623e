"""The verification run: every check of the chosen claims, a status for each, witnesses."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from sharprates.samplers.errors import InputError, check_seed
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.errors import TheoryError
from sharprates.theory.proofs.proof import Proof
from sharprates.theory.registry import CLAIMS
from sharprates.theory.registry import claim as claim_of
from sharprates.verification import files, witness
from sharprates.verification.checks.check import run_check
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.checks.symbolic import run_proof
from sharprates.verification.checks.trial import Example
from sharprates.verification.evidence import Evidence
from sharprates.verification.experiment import Experiment
from sharprates.verification.jobs import run as run_tasks
from sharprates.verification.scale import check_scale
from sharprates.verification.status import SPEED, Report, statuses
from sharprates.verification.verdict import Verdict

EXAMPLES = 60
"""Examples of a check of ordinary effort."""

DEEP = 20
"""How many times as many in a deep run."""

WITNESSES = Path("build") / "witnesses"
"""Where a run leaves the witnesses of what it refutes."""


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
        The report; claims that were not asked for are left out. Its manifest says how many examples
        of a claim, with their mutants, are tried a second of CPU.

    Raises:
        InputError: for an unknown constant.
        TheoryError: for an unknown claim.
    """
    check_seed(seed)
    chosen = list(dict.fromkeys(claim_of(one).id for one in claims or CLAIMS))
    factors = dict(scale or {})
    check_scale(factors, chosen)
    tasks = [
        (claim_id, number) for claim_id in chosen for number, _ in enumerate(checks_of(claim_id))
    ]
    work = partial(_timed, examples=examples, seed=seed, scale=factors, witnesses=witnesses)
    timed = run_tasks(
        tasks, work, jobs, told=lambda _, one: progress(f"{one[0].claim} {one[0].check}")
    )
    kept = [one for one in statuses(found for found, _ in timed) if one.claim.id in chosen]
    tried, seconds = Counter[str](), defaultdict[str, float](float)
    for found, spent in timed:
        tried[found.claim] += found.n
        seconds[found.claim] += spent
    speed = {claim_id: tried[claim_id] / seconds[claim_id] for claim_id in tried}
    return Report(tuple(kept), files.manifest(seed) | {SPEED: speed})


def count_checks(claims: Sequence[str] | None = None) -> int:
    """How many checks a run has, for a progress bar."""
    return sum(len(checks_of(one)) for one in {claim_of(one).id for one in claims or CLAIMS})


def _timed(task: tuple[str, int], **options: Any) -> tuple[Evidence, float]:
    """What `run_one` finds, and its seconds of CPU."""
    began = time.process_time()
    return run_one(task, **options), time.process_time() - began


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

    return run_check(check, examples, seed, scale, stored)


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
    instance, claim = failing.experiment, claim_of(claim_id)
    own = {name: x for name, x in scale.items() if name.split(".")[0] == claim.id}
    if instance is None or not instance.exact:
        return None
    for variant in (None, *claim.variants):
        found = _failing(claim, instance, variant, own)
        if found is not None:
            text = witness.to_text(found)
            path = folder / f"{claim.id}-{witness_key(text)}.txt"
            files.write_whole(path, text, parents=True)
            return str(path)
    return None


def witness_key(text: str) -> str:
    """A short name that depends on the content alone."""
    return text.rpartition("sha256: ")[2][:8]


def _failing(
    claim: Claim, instance: Experiment, variant: str | None, scale: Mapping[str, Fraction]
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
