"""One instance on a terminal: both sides, the slack, the numbers that enter."""

from __future__ import annotations

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.cli import app
from typer.testing import CliRunner


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (
            ("--claims", "E3", "--on", "d=2 S=2 copies q0=[00:1/2 11:1/2] equal K=3"),
            0,
            ("E3 · Birthday bound", "1/6 = 0.166667", "1/3 = 0.333333", "K = 3: number of steps"),
        ),
        (
            ("--claims", "E5", "--on", "copies:2:2 w=(1/3 1/3)"),
            0,
            ("h = (0.693147, 0): information curve", "equal-steps-entropy: nothing here, it needs"),
        ),
        (
            ("--claims", "E3", "--on", "copies:2:2 equal K=3", "--scale", "E3.constant=1/4"),
            1,
            ("E3.constant × 1/4", "-0.0833333", "fails"),
        ),
        (
            ("--claims", "L4", "--on", "mds:3:1:2 equal K=2"),
            0,
            ("k = 1: dimension of an MDS code", "holds"),
        ),
    ],
)
def test_an_instance_is_shown(
    arguments: tuple[str, ...], code: int, parts: tuple[str, ...]
) -> None:
    run = CliRunner().invoke(app, ["verify", *arguments])
    assert run.exit_code == code
    for part in parts:
        assert part in run.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--on", "copies:2:2 equal K=3"), "needs one claim"),
        (("--claims", "E3,E5", "--on", "copies:2:2 equal K=3"), "needs one claim"),
        (("--claims", "P1", "--on", "copies:2:2 equal K=3"), "is about policies"),
        (("--claims", "E3", "--on", "copies equal K=3"), "instance 'copies equal K=3'"),
        (("--claims", "E3", "--on", "copies:2:2", "--deep"), "has no use for --deep"),
    ],
)
def test_a_bad_one_is_refused(arguments: tuple[str, ...], message: str) -> None:
    run = CliRunner().invoke(app, ["verify", *arguments])
    assert isinstance(run.exception, InputError)
    assert message in str(run.exception)
