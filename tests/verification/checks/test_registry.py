"""The registry of checks."""

from collections import Counter

from sharprates.theory.proofs import PROOFS
from sharprates.theory.registry import CLAIMS
from sharprates.verification.checks.check import Check
from sharprates.verification.checks.registry import CHECKS, checks_of
from sharprates.verification.evidence import Method


def test_every_claim_has_checks_on_instances() -> None:
    assert {check.claim for check in CHECKS} == set(CLAIMS)


def test_each_check_has_a_name_of_its_own_and_a_mutant() -> None:
    names = Counter((check.claim, check.name) for check in CHECKS)
    assert max(names.values()) == 1  # the name seeds the search
    assert all(check.mutants for check in CHECKS)
    for check in CHECKS:
        assert len({mutant.name for mutant in check.mutants}) == len(check.mutants)


def test_proofs_come_first_and_none_is_lost() -> None:
    found = [check for claim_id in CLAIMS for check in checks_of(claim_id)]
    assert len(found) == len(CHECKS) + len(PROOFS)
    assert not isinstance(checks_of("F1")[0], Check)


def test_every_claim_is_decided_exactly_somewhere_or_says_so() -> None:
    exact = {check.claim for check in CHECKS if check.method is Method.CERTIFIED}
    assert set(CLAIMS) - exact == {"S1"}  # its instances are the samplers' own float64 rules
