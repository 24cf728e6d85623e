"""Symbolic proofs of claims, for listed sizes, each with a mutant that it rejects."""

from sharprates.theory.proofs import (
    dependence,
    euler_lower,
    euler_upper,
    first_hitting,
    forward,
    information,
    laws,
    policies,
)
from sharprates.theory.proofs.proof import PROOFS, Proof

__all__ = [
    "PROOFS",
    "dependence",
    "euler_lower",
    "euler_upper",
    "first_hitting",
    "forward",
    "information",
    "laws",
    "policies",
    "proofs_of",
]


def proofs_of(claim_id: str) -> tuple[Proof, ...]:
    """The symbolic proofs of a claim; none for most of those that quantify over every q_0."""
    return tuple(proof for proof in PROOFS if proof.claim == claim_id)
