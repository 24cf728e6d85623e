"""A claim whole: all that the registry and the checks know, and what a run left."""

from pathlib import Path

import pytest
from sharprates.theory.registry import CLAIMS
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.files import manifest
from sharprates.verification.reports.claims import page, text
from sharprates.verification.status import statuses, write_claims
from sharprates.verification.verify import run_one

NONE = Path("no such file")


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_every_proof_check_and_mutant_is_shown(claim_id: str) -> None:
    one = CLAIMS[claim_id]
    content = page(one, NONE)
    shown = text(content)
    for part in (one.title, one.statement, one.formula(), *(h.reason for h in one.hypotheses)):
        assert part in shown
    proofs, checks = content["proofs"], content["checks"]
    assert isinstance(proofs, list)
    assert isinstance(checks, list)
    assert len(proofs) + len(checks) == len(checks_of(claim_id))
    for told in (*proofs, *checks):
        assert told["rejects"]
        assert f"{told['says']}; rejects: {', '.join(told['rejects'])}" in shown
    assert content["last_run"] is None
    assert "none is stored" in shown


def test_the_last_run_is_told(tmp_path: Path) -> None:
    records = [run_one(("S3", number), 10, 0, {}) for number in range(len(checks_of("S3")))]
    path = tmp_path / "claims.json"
    write_claims(path, statuses(records), manifest(0))
    shown = text(page(CLAIMS["S3"], path))
    assert "last run     certified: " in shown
    assert "mutants rejected" in shown
    assert "untested: 0 of 0" in text(page(CLAIMS["E3"], path))
