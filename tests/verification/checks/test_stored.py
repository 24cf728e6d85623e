"""Stored witnesses as a check."""

import shutil
from pathlib import Path

import pytest
from sharprates.verification.checks.check import tightened
from sharprates.verification.checks.stored import CHECKS, FOLDER, decide_again, held
from sharprates.verification.checks.trial import STATED
from sharprates.verification.verdict import Verdict
from sharprates.verification.witness import WitnessError


def test_every_stored_witness_belongs_to_a_check() -> None:
    found = [example["witness"] for check in CHECKS for example in held(check.claim)]
    assert sorted(found) == sorted(path.name for path in FOLDER.glob("*.witness"))


@pytest.mark.parametrize("claim_id", ["E9", "X1", "X2"])
def test_they_hold_and_some_attain(claim_id: str) -> None:
    trials = [decide_again(example, STATED) for example in held(claim_id)]
    assert {trial.decision.verdict for trial in trials} == {Verdict.HOLDS}
    assert max(trial.decision.ratio or 0 for trial in trials) == 1
    tighter = [decide_again(example, tightened(claim_id)) for example in held(claim_id)]
    assert Verdict.FAILS in {trial.decision.verdict for trial in tighter}


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "frontier-3-2.witness", tmp_path)
    file = tmp_path / "frontier-3-2.witness"
    file.write_text(file.read_text().replace("= 1/2", "= 2/4"))
    with pytest.raises(WitnessError, match="changed"):
        list(held("E9", tmp_path))
