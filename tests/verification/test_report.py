import json
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification import report
from sharprates.verification.arithmetic import Interval
from sharprates.verification.report import (
    check_writable,
    interval_json,
    shown,
    to_json,
    write_whole,
)


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.json"
    write_whole(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        check_writable(tmp_path / "no" / "out.json")
    with pytest.raises(InputError, match="is a directory"):
        check_writable(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a regular file"):
        check_writable(tmp_path / "pipe")


def test_the_commit_is_that_of_our_own_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        found = subprocess.run(["git", "-C", str(tmp_path), *words], capture_output=True, text=True)
        return found.stdout.strip()

    git("init")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--allow-empty", "-m", "one")
    for folder in ("verification", ".venv/verification"):
        (tmp_path / folder).mkdir(parents=True)
    head = git("rev-parse", "HEAD")
    monkeypatch.setattr(report, "__file__", str(tmp_path / "verification" / "report.py"))
    assert report.manifest()["commit"] == head != ""
    # installed below someone else's project: its commit says nothing about us
    monkeypatch.setattr(report, "__file__", str(tmp_path / ".venv" / "verification" / "report.py"))
    assert report.manifest()["commit"] is None


def test_rationals_stay_exact_and_nan_is_refused() -> None:
    third = Interval.exact(Fraction(1, 3))
    assert interval_json(third, "rational")["lower"] == "1/3"
    assert json.loads(to_json(interval_json(third, "ball")))["lower"] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})


def test_numbers_are_shown_short() -> None:
    assert [shown(v) for v in (0.0, 0.123456, 1.0, 1.234e-5)] == [
        "0",
        "0.1235",
        "1.0000",
        "1.2e-05",
    ]
