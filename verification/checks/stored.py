"""The stored witnesses of a claim as a check: computed again, they must show what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sharprates.theory.registry import claim as claim_of
from sharprates.verification import witness
from sharprates.verification.checks.check import Check, tightened
from sharprates.verification.checks.reach import asked
from sharprates.verification.checks.trial import Example, Mutant, Trial

FOLDER = Path(__file__).parents[1] / "witnesses"
"""Where the finds of the adversary are kept; they come with the package."""


def held(claim_id: str, folder: Path = FOLDER) -> Iterator[Example]:
    """The witnesses of a claim, in the order of their names.

    Args:
        claim_id: the claim.
        folder: where they lie.

    Raises:
        WitnessError: if a file was changed.
    """
    for path in sorted(folder.glob("*.witness")):
        found = witness.read(path)
        if found.claim == claim_id:
            yield Example(found.experiment, {"witness": path.name, "_found": found})


def decide_again(example: Example, mutant: Mutant) -> Trial:
    """Decide the claim on the instance again; a file that does not reproduce is refused."""
    found: witness.Witness = example["_found"]
    claim = claim_of(found.claim)
    witness.replay(found)
    asked(found.claim, found.variant)
    scale = {**found.scale, **mutant.scale}
    decision = witness.decide_on(claim, found.experiment, variant=found.variant, scale=scale)
    return Trial(example, decision, counts=True)


def stored(claim_id: str) -> Check:
    """The check of a claim that has stored witnesses which attain it."""
    return Check(
        claim_id,
        "stored witnesses, the best finds of the adversary",
        lambda _: held(claim_id),
        decide_again,
        mutants=(tightened(claim_id),),
    )


CHECKS = (stored("E9"), stored("X1"), stored("X2"))
