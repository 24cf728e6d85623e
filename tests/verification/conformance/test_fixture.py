"""The pytest plugin: its fixture, its marker, and the shares of the budget."""

import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.verification.conformance.defects import DEFECTS, RIGHT
from sharprates.verification.conformance.findings import FAST, Outcome
from sharprates.verification.conformance.fixture import conformance  # noqa: F401 - a fixture
from sharprates.verification.statistics.budget import Ledger

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


def session(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugin = ("-p", "sharprates.verification.conformance.fixture", "--strict-markers")
    command = (sys.executable, "-m", "pytest", "-q", "-rP", *plugin, *options)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_marker_gives_settings_and_chooses_tests(tmp_path: Path) -> None:
    done = session(tmp_path, SESSION, "-p", "no:xdist", "-m", "conformance")
    assert "2 passed, 1 deselected" in done.stdout, done.stdout + done.stderr
    assert "asked: 5e-07 50.0" in done.stdout
    assert "asked: 1.6666666666666668e-07 50.0" in done.stdout
    # A test without the marker is chosen by its fixture.
    unmarked = SESSION.replace("@pytest.mark.conformance", "# ")
    done = session(tmp_path, unmarked, "-p", "no:xdist", "-m", "not conformance")
    assert "1 passed, 2 deselected" in done.stdout, done.stdout + done.stderr


def test_workers_share_the_budget(tmp_path: Path) -> None:
    done = session(tmp_path, SESSION, "-n", "2", "-m", "conformance")
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    asked = [float(line.split()[1]) for line in done.stdout.splitlines() if "asked" in line]
    assert len(asked) == 2
    assert sum(asked) <= 1e-6 / 2


def test_a_marker_with_unknown_settings_is_refused(tmp_path: Path) -> None:
    done = session(tmp_path, SESSION.replace("limit=50.0", "limits=50.0"), "-p", "no:xdist")
    assert done.returncode != 0
    assert "test_it.py::test_marked[4]: marker conformance:" in done.stdout + done.stderr
    assert "limits" in done.stdout + done.stderr
