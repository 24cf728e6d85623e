"""`sharprates certify` as a user meets it."""

import json
import sys
from pathlib import Path

import pytest
from sharprates.verification import cli

MODEL = """
import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.families import family
exact = ExactDenoiser(family("copies:3:2"))
def timed(x, t):
    return exact(x)
class Wide:
    vocabulary, time_free, normalised = 5, True, True
    def __call__(self, x, t):
        return torch.full((*x.shape, 5), 0.2)
wide = Wide()
odd = Wide()
odd.vocabulary = "many"
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "own_certified.py").write_text(MODEL)
    (tmp_path / "held.txt").write_text("000\n111\n" * 200)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sharprates", "certify", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_a_certificate_says_what_it_does_not_measure(run) -> None:
    rules = "confidence:1,confidence:3"
    code, out, _ = run(
        "own_certified:exact", "--data", "held.txt", "--policy", rules, "--json", "found.json"
    )
    assert code == 0
    assert "held.txt: 400 held-out sequences, d = 3, S = 2" in out
    assert "Not measured: the score error of one token a block" in out.replace("\n", " ")
    found = json.loads(Path("found.json").read_text())
    one, all_at_once = found["certificates"]
    assert one["measured"]["mean"] == 0
    assert all_at_once["measured_at_most"] == 1 < all_at_once["measured"]["upper"]
    (shown,) = [line for line in out.splitlines() if line.startswith("confidence:3 ")]
    assert shown.endswith(" 1 (1.19)")  # a bound on a TV is capped
    assert "not alone: tokens a sequence in blocks of two or more" in out
    # two of three copies, guessed: 2·(1 − ½), with no variance
    assert all_at_once["measured"]["mean"] == 1
    assert all_at_once["rounds"] == {"mean": 1, "max": 1}
    assert "TV(p_j, p̂_j)" in found["not_measured"]
    assert found["claim"] == "P9"


def test_a_cap_fills(run) -> None:
    code, out, _ = run(
        "own_certified:exact", "--data", "held.txt", "--policy", "confidence:1", "--rounds", "2"
    )
    assert code == 0
    # the first copy tells the others; no variance, so the limit is 7·2·log(4·10⁶)/(3·399)
    assert out.splitlines()[2].split() == ["confidence:1", "2", "2", "2", "0", "0", "0.1778"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("own_certified:exact", "--policy", "surest"), "policy 'surest' is unknown"),
        (("own_certified:exact", "--policy", "confidence:4"), "take at most 3"),
        (("own_certified:exact", "--policy", "random:1"), "in a random order"),
        (("own_certified:timed", "--policy", "confidence:1"), "depends on time"),
        (("own_certified:wide", "--policy", "confidence:1"), "name all of its with --symbols"),
        (("own_certified:odd", "--policy", "confidence:1"), "must be a whole number"),
        (("own_certified:none", "--policy", "confidence:1"), "has no 'none'"),
        (("own_certified:MODEL", "--policy", "confidence:1"), "MODEL"),
        (("own_certified:exact", "--policy", "bisection", "--budget", "2"), "budget"),
        (("own_certified:exact", "--policy", "bisection", "--temperature", "-1"), "temperature"),
    ],
)
def test_bad_input_is_one_line(run, arguments: tuple[str, ...], hint: str) -> None:
    code, _, err = run(*arguments, "--data", "held.txt")
    assert code == 2
    assert hint in err
    assert err.count("\n") == 1
