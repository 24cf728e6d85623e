"""The pytest plugin: its fixture, its marker, and the shares of the budget."""

import math
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.verification.conformance.defects import DEFECTS, RIGHT
from sharprates.verification.conformance.findings import FAST, Outcome
from sharprates.verification.conformance.fixture import conformance  # noqa: F401 - a fixture
from sharprates.verification.statistics.budget import Ledger

from tests.verification.sessions import session

CHECKS = ("fixture",)


def test_the_fixture(conformance, ledger: Ledger, monkeypatch) -> None:  # noqa: F811 - requested
    level = Fraction(ledger.take("fixture"))
    monkeypatch.setattr("sharprates.verification.conformance.fixture.DEFAULT_BUDGET", level)
    assert conformance(RIGHT[4], FAST).outcome is Outcome.CONFORMS
    with pytest.raises(pytest.fail.Exception, match="its samples follow confidence:drawn"):
        conformance(DEFECTS[-1].sampler, FAST)


def test_the_shares_of_the_fixture_stay_within_the_budget() -> None:
    assert math.fsum(1 / (j * (j + 1)) for j in range(1, 10**5)) < 1


# What is asked of the checker, which is not run.
SESSION = """
import pytest
from sharprates.verification.conformance import fixture
from sharprates.verification.conformance.findings import Conformance, Outcome

@pytest.fixture(autouse=True)
def told(monkeypatch):
    def check(sampler, budget, settings):
        print("asked:", float(budget), settings.limit)
        return Conformance("any", Outcome.CONFORMS, "")
    monkeypatch.setattr(fixture, "check", check)

@pytest.mark.conformance(limit=50.0)
@pytest.mark.parametrize("place", [4, 5])
def test_marked(conformance, place):
    conformance(None)

def test_of_something_else():
    pass
"""


PLUGIN = "sharprates.verification.conformance.fixture"


def test_the_marker_gives_settings_and_chooses_tests(tmp_path: Path) -> None:
    _, said = session(tmp_path, SESSION, PLUGIN, "-m", "conformance")
    assert "2 passed, 1 deselected" in said, said
    assert "asked: 5e-07 50.0" in said
    assert "asked: 1.6666666666666668e-07 50.0" in said
    # A test without the marker is chosen by its fixture.
    unmarked = SESSION.replace("@pytest.mark.conformance", "# ")
    _, said = session(tmp_path, unmarked, PLUGIN, "-m", "not conformance")
    assert "1 passed, 2 deselected" in said, said


def test_workers_share_the_budget(tmp_path: Path) -> None:
    _, said = session(tmp_path, SESSION, PLUGIN, "-n", "2", "-m", "conformance")
    assert "2 passed" in said, said
    asked = [float(line.split()[1]) for line in said.splitlines() if "asked" in line]
    assert len(asked) == 2
    assert sum(asked) <= 1e-6 / 2


def test_a_marker_with_unknown_settings_is_refused(tmp_path: Path) -> None:
    code, said = session(tmp_path, SESSION.replace("limit=50.0", "limits=50.0"), PLUGIN)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "test_it.py::test_marked[4]: marker conformance:" in said
    assert "limits" in said
