"""Every claim: proofs and checks that count, all mutants rejected; evidence for `claims.json`."""

import json
from collections.abc import Callable

import pytest
from sharprates.theory.registry import CLAIMS
from sharprates.verification.checks.check import Check
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.evidence import Evidence
from sharprates.verification.files import to_json
from sharprates.verification.scope import NO_RUN
from sharprates.verification.status import Status, statuses
from sharprates.verification.verify import run_one

EXAMPLES = 10


@pytest.mark.parametrize(
    "claim_id", [pytest.param(claim_id, marks=pytest.mark.claim(claim_id)) for claim_id in CLAIMS]
)
def test_the_row_of_every_claim(claim_id: str, evidence: Callable[[Evidence], None]) -> None:
    checks = checks_of(claim_id)
    records = [run_one((claim_id, number), EXAMPLES, 0, {}) for number in range(len(checks))]
    for one in records:
        evidence(one)
    (found,) = [one for one in statuses(records) if one.claim.id == claim_id]
    row = json.loads(to_json(found.json()))  # as it stands in claims.json

    assert row["status"] == Status.CERTIFIED
    assert row["failures"] == []
    assert found.problems == []
    assert found.undecided == 0
    # checks on instances, not symbolic proofs alone
    assert row["n_counting"] >= 0.3 * row["n"] > 0
    assert any(isinstance(check, Check) for check in checks)
    assert row["ratio"]["worst"] is not None
    assert row["ratio"]["instance"]
    # what is stated, what was tried of it and what was not
    scope = found.scope
    assert scope.stated
    assert scope.tried
    assert scope.not_tried
    assert NO_RUN not in scope.not_tried
    # power: each check has a mutant, each is rejected, by an example that is named
    for one in records:
        assert one.power, one.check
    assert all(mutant["killed"] and mutant["by"] for mutant in row["power"])
    # sharp: where the constant is attained, or a limit within 1 %, one that is 1 % tighter fails
    constants = CLAIMS[claim_id].constants
    if constants and found.claim.relation.value in ("upper", "lower"):
        sharp = row["sharpness"]["kind"] in ("attained", "limit")
        rejected = {mutant["mutant"] for mutant in row["power"]}
        tighter = {f"{claim_id}.{name} × {x}" for name in constants for x in (0.99, 1.01)}
        assert not sharp or rejected & tighter
        assert sharp or row["break_even"]["constant"] == pytest.approx(
            row["ratio"]["worst"], rel=1e-6
        )
