"""What a command shows while it works: it is never silent for long."""

import time

import pytest
from sharprates.verification.cli import terminal
from sharprates.verification.cli.terminal import doing, heartbeat, progress


def test_a_command_that_works_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with heartbeat(time.monotonic() - 60):
        with progress(100) as told:
            told("the first of many")
            time.sleep(1.2)
        doing("the\x1b[1m rest")
        time.sleep(terminal.SILENCE / 40)
    err = capsys.readouterr().err
    assert "working for 61 s: 1 of 100: the first of many\n" in err


def test_a_quick_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with heartbeat(time.monotonic() - 60):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_it_ends_with_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with one that fails; the waits get longer and no longer than a minute."""
    monkeypatch.setattr(terminal, "LONGEST_SILENCE", 0.05)

    def failing() -> None:
        with heartbeat(time.monotonic() - 60):
            time.sleep(1.5)
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    many = capsys.readouterr().err.count("working for")
    assert many > 2
    time.sleep(0.2)
    assert capsys.readouterr().err == ""
