"""What a command shows while it works: it is never silent for long."""

import json
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.samplers.target import Target
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval
from sharprates.verification.cli import terminal
from sharprates.verification.cli.terminal import doing, heartbeat, progress
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.verdict import Decision
from sharprates.verification.witness import Witness, to_text


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


def witness_text(length: int, steps: int) -> str:
    """Of two sequences in so many equal steps; its numbers are wrong, which takes time to see."""
    half = Fraction(1, 2)
    rows = [(symbol,) * length for symbol in (0, 1)]
    target = Target.from_rows(rows, [half, half], 2)
    one = exact_experiment(target, steps=(Fraction(1, steps),) * steps)
    sides = (Interval(half, half), Interval(half, half))
    decision = Decision(Relation.UPPER, (sides,))
    return to_text(Witness("E5", one, "tv", decision))


def test_every_command_answers_soon(tmp_path: Path) -> None:
    """A result, progress or a refusal within 5 s: what is large above all."""
    for length, steps in ((13, 100), (3, 100_000)):
        (tmp_path / f"{length}.txt").write_text(witness_text(length, steps))
    law = f"0.5,0.5:{':'.join(['0.9,0.1', '0.1,0.9'])}"
    lines = (
        "plan copies:1000000000000000000000:2",
        "plan --length 100000000000000000000",
        "plan --length 100000000000000000000 --dependence tc=1",
        "plan dirichlet:12:2:0.001",
        "plan dirichlet:16:2 --kl 0.1",
        f"plan markov:10001:{law}",
        "plan copies:3:2 --steps 10000000",
        "plan --length 1000000 --vocab 1000000",
        "audit sparse-dirichlet:1000000:1000000:1",
        "audit sparse-dirichlet:1000000:2:1",
        "audit sparse-dirichlet:30:2:1000000",
        "audit copies:3:2 --steps 10000000",
        "audit copies:3:2 --steps 10000000 --force",
        "audit copies:14:2",
        f"audit markov:10001:{law} --policy threshold:0.9 --samples 1000",
        f"verify --witness {tmp_path / '13.txt'}",
        f"verify --witness {tmp_path / '3.txt'}",
    )
    # what no thread can interrupt is noticed
    (tmp_path / "stuck.py").write_text(
        "import sys, time\nsys.setswitchinterval(100)\nwhile time.process_time() < 2.5: pass\n"
    )
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("answers.py"), *lines, "plan stuck:LAW"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=True,
    )
    *answers, (stuck, _) = json.loads(run.stdout)
    assert stuck > 2
    for line, (seconds, said) in zip(lines, answers, strict=True):
        assert said, line
        # A command that computes is asked to speak after 1 s here, after 4 s of loading and work
        # otherwise: 1 s is left for what holds Python's lock.
        assert seconds < 2, f"{line}: {said} after {seconds:.1f} s"
