"""The symbolic proofs of `theory.proofs` as checks: exact, for the sizes that each one lists."""

from __future__ import annotations

from sharprates.theory.proofs.proof import Proof
from sharprates.verification.evidence import Evidence, Method


def run_proof(proof: Proof) -> Evidence:
    """Run a proof and its mutant."""
    return Evidence(
        proof.claim,
        proof.says,
        str(Method.SYMBOLIC),
        n=1,
        n_counting=1,
        power={proof.mutant: None if proof.holds(True) else "the same sizes"},
        failure=None if proof.holds(False) else "its symbolic proof fails",
    )
