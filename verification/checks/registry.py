"""All executed checks, by claim."""

from __future__ import annotations

from sharprates.theory.proofs import PROOFS
from sharprates.theory.proofs.proof import Proof
from sharprates.verification.checks import (
    assumptions,
    budgets,
    dependence,
    euler_lower,
    euler_upper,
    first_hitting,
    forward,
    information,
    laws,
    one_round,
    orders,
    policies,
    positive,
    precision,
    remasking,
    score_error,
    signed,
    speculation,
    stored,
    supersolution,
)
from sharprates.verification.checks.check import Check

CHECKS: tuple[Check, ...] = (
    *forward.CHECKS,
    *laws.CHECKS,
    *euler_upper.CHECKS,
    *supersolution.CHECKS,
    *euler_lower.CHECKS,
    *signed.CHECKS,
    *positive.CHECKS,
    *budgets.CHECKS,
    *first_hitting.CHECKS,
    *assumptions.CHECKS,
    *information.CHECKS,
    *dependence.CHECKS,
    *precision.CHECKS,
    *policies.CHECKS,
    *one_round.CHECKS,
    *orders.CHECKS,
    *speculation.CHECKS,
    *remasking.CHECKS,
    *score_error.CHECKS,
    *stored.CHECKS,
)


def checks_of(claim_id: str) -> tuple[Check | Proof, ...]:
    """The symbolic proofs of a claim, then its checks on instances."""
    proofs = tuple(proof for proof in PROOFS if proof.claim == claim_id)
    return (*proofs, *(check for check in CHECKS if check.claim == claim_id))
