"""Symbolic proofs as outcomes."""

from sharprates.theory.proofs.proof import Proof
from sharprates.verification.checks.symbolic import run_proof
from sharprates.verification.evidence import Method


def test_a_proof_with_its_mutant() -> None:
    outcome = run_proof(Proof("F1", "what holds", "what does not", lambda broken: [not broken]))
    assert (outcome.method, outcome.n, outcome.n_counting) == (Method.SYMBOLIC, 1, 1)
    assert outcome.power == {"what does not": "the same sizes"}
    assert outcome.failure is None


def test_a_failing_proof_and_a_surviving_mutant() -> None:
    refuted = run_proof(Proof("F1", "", "m", lambda _: [False]))
    assert refuted.failure == "its symbolic proof fails"
    assert run_proof(Proof("F1", "", "m", lambda _: [True])).power == {"m": None}
