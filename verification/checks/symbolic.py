"""The symbolic proofs of `theory.proofs` as checks: exact, for the sizes that each one lists."""

from __future__ import annotations

from sharprates.theory.proofs.proof import Proof
from sharprates.verification.checks.check import Method, Outcome


def run_proof(proof: Proof) -> Outcome:
    """Run a proof and its mutant."""
    return Outcome(
        proof.claim,
        proof.says,
        Method.SYMBOLIC,
        n=1,
        n_counting=1,
        power={proof.mutant: None if proof.holds(True) else "the same sizes"},
        disproved=not proof.holds(False),
    )
