"""The plugin in sessions of its own: markers, evidence, failures, xdist workers."""

import json
from pathlib import Path

import pytest
from sharprates.theory.registry import CLAIMS

from tests.verification.sessions import session

TESTS = """
import pytest
from sharprates.verification.evidence import Evidence

@pytest.mark.claim("E3")
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_evidence(evidence, n):
    evidence(Evidence("E3", f"check {n}", "certified", n, n, power={"m": "x"}))

@pytest.mark.claim("e6")
def test_that_fails():
    assert False

@pytest.mark.claim("L0")
def test_without_evidence():
    pass

@pytest.mark.claim("L1")
def test_for_another_claim(evidence):
    evidence(Evidence("E4", "", "tested", 1, 1))
"""


PLUGIN = "sharprates.verification.pytest_plugin"


def test_evidence_is_gathered_over_workers(tmp_path: Path) -> None:
    _, said = session(tmp_path, TESTS, PLUGIN, "-n", "2", "--claims-json", "build/claims.json")
    assert "2 failed, 5 passed" in said, said
    assert "evidence for E4: the test is marked" in said
    content = json.loads((tmp_path / "build" / "claims.json").read_text())
    rows = {row["id"]: row for row in content["claims"]}
    assert list(rows) == ["E3", "E6", "L1"]  # those with evidence, or a failing test
    assert (rows["E3"]["status"], rows["E3"]["n"]) == ("certified", 10)
    assert [one["check"] for one in rows["E3"]["checks"]] == [f"check {n}" for n in (1, 2, 3, 4)]
    assert rows["E6"]["status"] == "untested"
    assert rows["E6"]["checks"][0]["complaint"] == "the test failed"
    assert content["manifest"]["command"].startswith("pytest ")
    assert CLAIMS.keys() >= rows.keys()


LIGHT = """
import pytest

@pytest.mark.claim("E3")
def test_it():
    pass
"""


def test_without_the_option_nothing_is_written(tmp_path: Path) -> None:
    assert session(tmp_path, LIGHT, PLUGIN)[0] == 0
    assert not (tmp_path / "build").exists()


def test_a_marker_of_no_claim_is_refused(tmp_path: Path) -> None:
    code, said = session(tmp_path, LIGHT.replace("E3", "E33"), PLUGIN)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "did you mean" in said
