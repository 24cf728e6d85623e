"""The command line as a user meets it: what it prints, its exit codes, its files."""

import json
import math
import os
import pty
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from sharprates.theory.registry import CLAIMS
from sharprates.verification import cli
from sharprates.verification.reports.layout import NEVER


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sharprates", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


FAST = ("--steps", "2,8", "--clock", "linear", "--rule", "euler")


def test_an_audit_of_own_data_in_every_format(run, tmp_path: Path) -> None:
    text = tmp_path / "lines.txt"
    text.write_text("ab\nba\nab\n")
    table = tmp_path / "table.csv"
    table.write_text("sequence,weight\nab,2\nba,1\n")
    pmf = tmp_path / "pmf.npy"
    np.save(pmf, np.array([[0, 2 / 3], [1 / 3, 0]]))
    out_file = tmp_path / "out.json"
    code, out, _ = run("audit", str(text), str(table), str(pmf), *FAST, "--json", str(out_file))
    assert code == 0
    assert "lines.txt: d = 2, S = 2, 2 sequences" in out
    found = json.loads(out_file.read_text())
    assert found["version"] == 1
    assert [one["name"] for one in found["targets"]] == ["lines.txt", "table.csv", "pmf.npy"]
    # P(share a step) = 1/K; a shared draw of (2/3, 1/3) leaves the support with chance 4/9
    for one in found["targets"]:
        for result in one["results"]:
            expected = 0 if result["sampler"] == "fhs" else 4 / 9 / result["steps"]
            assert result["tv"]["lower"] <= expected <= result["tv"]["upper"]
            assert result["tv"]["upper"] - result["tv"]["lower"] < 1e-13
    assert {"version", "commit", "packages", "seed", "command"} <= found["manifest"].keys()


def test_rational_and_ball_arithmetic_agree_with_float64(run, tmp_path: Path) -> None:
    values = {}
    for arithmetic in ("float64", "rational", "ball"):
        path = tmp_path / f"{arithmetic}.json"
        options = ("--arithmetic", arithmetic, "--blocks", "2", "--json", str(path))
        assert run("audit", "pairs:3:2", *FAST, *options)[0] == 0
        results = json.loads(path.read_text())["targets"][0]["results"]
        values[arithmetic] = [result["tv"] for result in results]
    for float64, rational, ball in zip(*values.values(), strict=True):
        from fractions import Fraction

        exact = Fraction(rational["lower"])
        assert rational["lower"] == rational["upper"]
        assert Fraction(float64["lower"]) <= exact <= Fraction(float64["upper"])
        assert abs(float(exact) - ball["lower"]) < 1e-15


def test_blocks_of_any_sizes(run, tmp_path: Path) -> None:
    """Copies of a bit: a first block of s shares its bit with chance 2^{1−s}; no later one errs."""
    path = tmp_path / "blocks.json"
    blocks = ("--blocks", "2,1,3", "--blocks", "3", "--blocks", "1,5")
    code, out, _ = run("audit", "copies:6:2", *FAST, *blocks, "--json", str(path))
    assert code == 0
    assert "blocks 2,1,3" in out
    assert "blocks of 3" in out
    assert "KL, nats" in out
    assert "0.6931" in out  # of 2,1,3: log 2
    found = json.loads(path.read_text())["targets"][0]["results"][-3:]
    assert [one["blocks"] for one in found] == [[2, 1, 3], [3, 3], [1, 5]]
    assert [one["steps"] for one in found] == [3, 2, 2]
    for one, leak in zip(found, (1 / 2, 3 / 4, 0), strict=True):
        for name, value in (("tv", leak), ("kl", -math.log(1 - leak))):
            assert one[name]["lower"] <= value + 1e-15
            assert one[name]["upper"] >= value - 1e-15
            assert one[name]["upper"] - one[name]["lower"] < 1e-12


def test_every_bound_beside_the_exact_values(run, tmp_path: Path) -> None:
    out_file = tmp_path / "out.json"
    options = ("--steps", "8", "--clock", "constant,linear", "--rule", "euler", "--bounds")
    code, out, _ = run("audit", "copies:3:2", *options, "--json", str(out_file))
    assert code == 0
    assert "copies:3:2, euler linear uniform K=8" in out
    assert "KL2, Bretagnolle–Huber" in out
    left, complete = json.loads(out_file.read_text())["bounds"]
    assert left["target"] == complete["target"] == "copies:3:2"
    assert {row["of"] for row in left["bounds"]} == {"TV"}  # masks are left: none is on KL
    assert {row["claim"] for row in left["bounds"]} >= {"E1", "E2", "E3"}
    assert {row["route"] for row in complete["bounds"]} == {
        *("direct", "Pinsker", "Bretagnolle–Huber")
    }
    for one in (left, complete):
        assert {row["verdict"] for row in one["bounds"]} == {"holds"}
        least = min(row["value"] for row in one["bounds"] if row["of"] == "TV")
        assert least >= one["tv"]["upper"] - 1e-12


def test_names_are_printed_as_they_are(run, tmp_path: Path) -> None:
    path = tmp_path / "x:one:[red].txt"
    path.write_text("ab\nba\n")
    code, out, err = run(
        "audit", str(path), *FAST, "--denoiser", "trained", "--training-steps", "2"
    )
    assert code == 0
    assert "x:one:[red].txt: d = 2" in out
    assert f"training on {path.name}: step 2 of 2" in err
    assert "no:one:[red]" in run("audit", "no:one:[red]")[2]


def test_a_scaled_constant_fails_with_exit_1(run) -> None:
    code, out, _ = run("audit", "shared-symbols:3:16", *FAST, "--scale", "E3.constant=0.8")
    assert code == 1
    assert "FAILS" in out
    assert run("audit", "shared-symbols:3:16", *FAST)[0] == 0


def test_a_plot_is_written_whole(run, tmp_path: Path) -> None:
    picture = tmp_path / "plot.png"
    assert run("audit", "copies:2:2", *FAST, "--plot", str(picture))[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


RULES = "threshold:0.9,entropy-bounded:0.5,confidence:2,left-to-right:2"


def test_policies_have_rounds_and_a_divergence(run, tmp_path: Path) -> None:
    path, picture = tmp_path / "rows.json", tmp_path / "plot.svg"
    options = ("--policy", RULES, "--json", str(path), "--plot", str(picture))
    code, out, _ = run("audit", "words4", *FAST, *options)
    assert code == 0
    assert "mean rounds" in out
    assert "what a round buys" in picture.read_text()
    results = json.loads(path.read_text())["targets"][0]["results"]
    rows = {row["policy"]: row for row in results}
    assert list(rows) == [None, *RULES.split(",")]
    for name in RULES.split(","):
        row = rows[name]
        assert row["sampler"] == "policy"
        assert 2 <= row["rounds"]["mean"] <= row["rounds"]["max"] <= 4
        tv, kl = row["tv"], row["kl"]
        assert 0 < tv["lower"] <= tv["upper"] <= (kl["upper"] / 2) ** 0.5  # Pinsker
        assert tv["upper"] - tv["lower"] < 1e-12
    assert rows["confidence:2"]["rounds"] == {"mean": 2.0, "max": 2}
    assert rows["threshold:0.9"]["tv"]["lower"] < rows["entropy-bounded:0.5"]["tv"]["lower"] < 0.03


def test_samplers_that_mask_again_stand_beside_those_that_commit(run, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    line = ("audit", "copies:3:2", "--steps", "4", "--clock", "linear", "--rule", "ancestral")
    code, out, _ = run(*line, "--remask", "0.1,max,confidence:1", "--json", str(path))
    assert code == 0
    assert "remasking confidence:1" in out
    rows = json.loads(path.read_text())["targets"][0]["results"]
    tv = {row["remasking"]: row["tv"]["upper"] for row in rows if row["sampler"] != "fhs"}
    assert list(tv) == [None, "0.1", "max", "confidence:1"]
    assert tv["0.1"] < tv[None] < tv["confidence:1"]
    bounds = {row["remasking"]: row["bounds"]["R2"] for row in rows if row["sampler"] != "fhs"}
    # reveal probabilities 1/4, 2/3, 1, 1; only blocks of three masks' tokens err
    by_hand = 21 / 256 + 3 / 16 + 3 / 32 + 3 / 256
    assert bounds["max"]["value"] == pytest.approx(by_hand)
    assert [bounds[name]["verdict"] for name in ("0.1", "max")] == ["holds", "holds"]
    assert not bounds["confidence:1"]["applies"]
    code, _, err = run(*line, "--remask", "2")
    assert code == 2
    assert "[0, 1]" in err
    code, _, err = run("audit", "copies:16:2", "--steps", "4", "--remask", "0.1")
    assert code == 2
    assert "3^16 partial states" in err


def test_temperature_and_top_p_change_the_denoiser_and_the_row_says_so(run, tmp_path: Path) -> None:
    rows = {}
    for name, options in {"plain": (), "cut": ("--temperature", "0.5", "--top-p", "0.8")}.items():
        path = tmp_path / f"{name}.json"
        line = ("audit", "dirichlet:3:3:1:4", *FAST, "--confidence", "1", *options)
        code, out, _ = run(*line, "--json", str(path))
        assert code == 0
        assert ("temperature 0.5, top-p 0.8" in out) == (name == "cut")
        rows[name] = json.loads(path.read_text())["targets"][0]["results"][-1]
    assert rows["plain"]["policy"] == rows["cut"]["policy"] == "confidence:1"
    assert (rows["plain"]["temperature"], rows["plain"]["top_p"]) == (1.0, 1.0)
    assert (rows["cut"]["temperature"], rows["cut"]["top_p"]) == (0.5, 0.8)
    assert rows["plain"]["tv"]["lower"] <= 1e-14
    assert rows["cut"]["tv"]["lower"] > 0.1
    # a symbol that was cut is possible
    assert rows["cut"]["kl"] == {"lower": None, "upper": None, "method": "float64", "reason": NEVER}


def test_a_cap_leaves_masks_or_fills_them(run, tmp_path: Path) -> None:
    tv = {}
    for last in ("leave", "fill"):
        path = tmp_path / f"{last}.json"
        line = ("audit", "copies:3:2", *FAST, "--policy", "confidence:1", "--rounds", "2")
        code, out, _ = run(*line, "--last-step", last, "--json", str(path))
        assert code == 0
        assert ("--last-step fill reveals them" in out) is (last == "leave")
        row = json.loads(path.read_text())["targets"][0]["results"][-1]
        assert row["rounds"]["max"] == 2
        assert row["policy"] == "confidence:1"
        assert row["label"] == f"confidence:1 R=2 {last}"
        assert row["leftover"] == (None if last == "leave" else 0)
        tv[last] = row["tv"]["upper"]
    assert tv["leave"] == 1
    assert tv["fill"] < 1e-14


OWN_POLICY = """
import torch

def alternating(state, predicted, round):
    masked = state == predicted.shape[-1]
    return masked & (masked.cumsum(1) % 2 == 1)

def idle(state, predicted, round):
    return torch.zeros_like(state, dtype=torch.bool)

def everything(state, predicted, round):
    return state >= 0 if round else state.cumsum(1) == state[:, :1]

def wrong(state, predicted, round):
    return torch.ones(3)

def telling(state, predicted, round):
    from sharprates.verification.cli import terminal
    said.append(terminal._work.text)
    return state == predicted.shape[-1]

said = []
"""


@pytest.fixture
def own_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deciders.py").write_text(OWN_POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "deciders", raising=False)


@pytest.mark.usefixtures("own_policy")
def test_while_a_policy_of_ones_own_works_its_name_is_what_is_being_done(run) -> None:
    assert run("audit", "copies:2:2", *FAST, "--policy", "deciders:telling")[0] == 0
    assert sys.modules["deciders"].said[0] == "trying deciders:telling"


@pytest.mark.usefixtures("own_policy")
def test_a_policy_of_ones_own_is_audited(run, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    line = ("audit", "pairs:4:2", *FAST, "--policy", "deciders:alternating", "--samples", "2000")
    assert run(*line, "--json", str(path))[0] == 0
    row = json.loads(path.read_text())["targets"][0]["results"][-1]
    assert row["policy"] == "deciders:alternating"
    # one of each pair, then their copies, every other one of those that are left
    assert row["tv"]["upper"] < 1e-14
    assert row["rounds"] == {"mean": 3.0, "max": 3}
    assert row["empirical"]["follows_exact_law"]


@pytest.mark.usefixtures("own_policy")
def test_a_changed_policy_is_another_run(run, tmp_path: Path, monkeypatch) -> None:
    line = ("audit", "pairs:4:2", *FAST, "--policy", "deciders:alternating", "--out", "kept")
    assert run(*line)[0] == 0
    assert run(*line, "--resume")[0] == 0
    # longer, since a compiled file is told by its second and size
    (tmp_path / "deciders.py").write_text(OWN_POLICY.replace("% 2 == 1", "% 2 >= -1"))
    monkeypatch.delitem(sys.modules, "deciders")
    code, _, err = run(*line, "--resume")
    assert code == 2
    assert "differs in choices" in err


@pytest.mark.usefixtures("own_policy")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("idle", "would never end"),
        ("everything", "revealed already"),
        ("wrong", "tensor of bool"),
        ("missing", "has no 'missing'"),
    ],
)
def test_bad_policies_are_one_line_and_exit_2(run, name: str, words: str) -> None:
    code, _, err = run("audit", "uniform:2:2", *FAST, "--policy", f"deciders:{name}")
    assert code == 2
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audit", "no-such-file"), "no such file"),
        (("audit", "copies:2:2", "--steps", "0"), "--steps"),
        (("audit", "copies:2:2", "--steps", "x"), "--steps"),
        (("audit", "copies:2:2", "--steps", "9" * 5000), "--steps"),
        (("audit", "copies:2:2", "--steps", "100000000000"), "--force"),
        (("audit", "copies:2:2", "--budget", "nan", "--samples", "9"), "budget"),
        (("audit", "copies:2:2", "--seed", "9" * 20, "--samples", "9"), "2^63"),
        (("audit", "copies:2:2", "--clock", "polynomial:1000"), "another clock"),
        (("audit", "copies:2:2", "--horizon", "0"), "horizon"),
        (("audit", "copies:2:2", "--horizon", "nan"), "horizon"),
        (("audit", "copies:2:2", "--clock", "linear", "--horizon", "2"), "ends at 1"),
        (("audit", "copies:2:2", "--delta", "-1"), "delta"),
        (("audit", "copies:2:2", "--clock", "sundial"), "sundial"),
        (("audit", "copies:2:2", "--grid", "log"), "grid"),
        (("audit", "copies:2:2", "--rule", "heun"), "heun"),
        (("audit", "copies:2:2", "--last-step", "argmax"), "argmax"),
        (("audit", "copies:2:2", "--claims", "E33"), "did you mean"),
        (("audit", "copies:2:2", "--claims", ","), "--claims"),
        (("audit", "copies:2:2", "--scale", "E3.constant=a"), "--scale"),
        (("audit", "copies:2:2", "--scale", "E3.constant=1e999999999"), "--scale"),
        (("audit", "copies:2:2", "--scale", "E3.nothing=2"), "E3.constant"),
        (("audit", "copies:2:2", "--arithmetic", "decimal"), "decimal"),
        (("audit", "copies:2:2", "--bounds", "--denoiser", "noisy:0.1"), "exact denoiser"),
        (("audit", "copies:2:2", "--blocks", "0"), "--blocks"),
        (("audit", "copies:2:2", "--blocks", ""), "--blocks"),
        (("audit", "copies:2:2", "--blocks", "1,2"), "blocks: 1,2 reveal 3 tokens of d = 2"),
        (("audit", "copies:2:2", "--policy", ","), "--policy"),
        (("audit", "copies:2:2", "--policy", "treshold:0.9"), "did you mean threshold:τ?"),
        (("audit", "copies:2:2", "--policy", "confidence:0"), "whole number ≥ 1"),
        (("audit", "copies:2:2", "--policy", "confidence:3"), "there are 2 tokens only"),
        (("audit", "copies:2:2", "--confidence", "3"), "there are 2 tokens only"),
        (("audit", "copies:2:2", "--policy", "threshold:1.5"), "τ must be in [0, 1]"),
        (("audit", "copies:2:2", "--policy", "entropy-bounded:-1"), "γ must be ≥ 0"),
        (("audit", "copies:3:2", "--policy", "left-to-right:2"), "do not divide 3"),
        (("audit", "copies:2:2", "--policy", "no_such_module:rule"), "cannot import"),
        (("audit", "copies:2:2", "--policy", "threshold:1", "--rounds", "0"), "rounds"),
        (("audit", "copies:2:2", "--policy", "threshold:1", "--ties", "right"), "ties"),
        (("audit", "copies:2:2", "--policy", "threshold:1", "--cache", "0"), "cache"),
        (("audit", "copies:8:2", "--policy", "threshold:1", "--ties", "seed"), "720"),
        (("audit", "copies:2:2", "--rounds", "2"), "without --policy"),
        (("audit", "copies:2:2", "--temperature", "-1"), "temperature"),
        (("audit", "copies:2:2", "--top-p", "0"), "top_p"),
        (("audit", "copies:2:2", "--top-p", "0.5", "--arithmetic", "ball"), "float64"),
        (("audit", "copies:2:2", "--plot", "picture.bmp"), ".png"),
        (("audit", "copies:2:2", "--json", "/nowhere/out.json"), "does not exist"),
        (("audit", "copies:2"), "copies:d:S"),
        (("audit", "copys:2:2"), "did you mean copies?"),
        (("audit", "copies:2:" + "2" * 300), "too many to list"),
        (("audit", "uniform:14:4"), "GiB"),
        (("audit", "patterns12", "--arithmetic", "rational"), "float64"),
        (("audit", "copies:2:2", "--denoiser", "perfect"), "exact, noisy"),
        (("audit", "copies:2:2", "--denoiser", "trained", "--training-steps", "0"), "training"),
        (("audit", "copies:2:2", "--denoiser", "trained", "--arithmetic", "ball"), "float64"),
        (("audit", "copies:2:2", "--denoiser", "no-such.pt"), "cannot be read"),
        (("audit", "copies:2:2", "--out", "/dev/null/folder"), "cannot be made"),
        (("audit", "copies:2:2", "--resume"), "--out"),
        (("audit", "copies:2:2", "--jobs", "2", "--cluster", "tcp://127.0.0.1:1"), "or --cluster"),
        (("audit", "copies:2:2", "--cluster", "nonsense"), "tcp://HOST:PORT"),
        (("claims", "Z1"), "unknown"),
        (("audt",), "did you mean audit?"),
        (("audit", "copies:2:2", "--clock", "liner"), "did you mean linear?"),
        (("audit", "copies:2:2", "--grid", "unifrm"), "did you mean uniform?"),
        (("audit", "copies:2:2", "--rule", "ancest"), "did you mean ancestral?"),
        (("audit", "copies:2:2", "--steps", "4,,8"), "a comma between two"),
        (("audit", "copies:2:2", "--policy", ""), "--policy: needs at least one value"),
        (("audit", "copies:2:2", "--remask", ""), "--remask: needs at least one value"),
        (("plan", "copies:2:2", "--policy", ""), "--policy: needs at least one value"),
        (("audit", "copies:2:2", "--budget", "1e-323", "--samples", "9"), "budget"),
        (("audit", "copies:2:2", "--denoiser", "x" * 300), "is unknown"),
        (("audit", "copies:2:2", "--seed", "-1", "--samples", "9"), "got -1"),
        # what would take hours, or never end
        (("audit", "copies:2000:2"), "take at most 30 tokens"),
        (("audit", "sparse-dirichlet:5000:2:2"), "take at most 30 tokens"),
        (("audit", "sparse-dirichlet:1000000:1000000:1"), "or add --force"),
        (("audit", "copies:2:2", "--steps", "200000000"), "or add --force"),
        (("plan", "point-mass:2:99999999999"), "or add --force"),
        (("plan", "copies:2:2", "--seed", "-1"), "seed"),
        (("plan", "markov:20:0.5,0.5:0.9,0.1:0.1,0.9", "--seed", "9" * 20), "seed"),
        (("plan", "--length", "8", "--vocab", "9" * 400), "vocab: must lie in"),
        (("plan", "--length", "9" * 20, "--vocab", "2"), "length: must lie in 1..1000000"),
        (("plan", "copies:" + "9" * 21 + ":2"), "length: must lie in 1..1000000"),
        (("plan", "x" * 300), "no such file"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(run, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert words in err


def test_a_pipe_is_no_input(run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.pt"
    os.mkfifo(pipe)
    for arguments in (
        ("audit", str(pipe)),
        ("audit", "copies:2:2", "--denoiser", str(pipe)),
        ("plan", "--loss-curve", str(pipe), "--length", "2"),
        ("verify", "--witness", str(pipe)),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert "not a regular file" in err


def test_a_long_message_is_cut_and_obeyed_by_no_terminal(run) -> None:
    _, _, err = run("audit", "\x1b[31mred\x07" + "x" * 10_000)
    assert len(err) < 700
    assert err.startswith("sharprates: \\x1b[31mred\\x07xxx")
    assert "no such file" in err


def test_bad_options_are_found_before_the_data_are_read(run) -> None:
    assert "sundial" in run("audit", "no-such-file", "--clock", "sundial")[2]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_a_missing_gpu_is_one_line(run) -> None:
    code, out, err = run("audit", "copies:2:2", "--device", "cuda")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no CUDA device" in err


def test_rows_in_a_folder_are_used_only_when_asked_for(run, tmp_path: Path) -> None:
    options = ("audit", "copies:2:2", *FAST, "--out", str(tmp_path))
    _, first, _ = run(*options)
    code, out, err = run(*options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "add --resume" in err
    code, again, err = run(*options, "--resume")
    assert (code, again) == (0, first)
    assert "3 of 3 rows are done" in err
    code, _, err = run(*options, "--resume", "--samples", "9")
    assert code == 2
    assert "differs in sampling" in err


def test_a_stopped_run_does_not_train_again(run, tmp_path: Path) -> None:
    options = ("audit", "copies:2:2", *FAST, "--denoiser", "trained", "--out", str(tmp_path))
    _, first, told = run(*options, "--training-steps", "10")
    assert "training" in told
    code, again, told = run(*options, "--training-steps", "10", "--resume")
    assert (code, again) == (0, first)
    assert "training" not in told
    code, _, told = run(*options, "--training-steps", "20", "--resume")
    assert code == 2
    assert "differs in denoiser" in told


def test_a_folder_that_may_not_be_written_is_found_before_the_work(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o500)
    code, err = shell(f"{humble()} SR audit copies:2:2 --json {closed}/out.json")
    assert (code, err.count("\n")) == (2, 1)
    assert "may not be written" in err


def test_verify_in_a_folder_that_may_not_be_written_does_no_work(tmp_path: Path) -> None:
    """A whole run leaves build/claims.json where it is called."""
    tmp_path.chmod(0o500)
    try:
        code, err = shell(f"cd {tmp_path}; {humble()} SR verify")
    finally:
        tmp_path.chmod(0o700)
    assert code == 2
    assert "build cannot be made: Permission denied" in err
    assert "1 of" not in err


def test_verify_leaves_nothing_in_the_current_folder(tmp_path: Path) -> None:
    """Hypothesis would keep what it has read of our sources there."""
    assert shell(f"cd {tmp_path}; SR verify --claims H3 > /dev/null")[0] == 0
    assert list(tmp_path.iterdir()) == []


def humble() -> str:
    """What a command begins with to run without the right to write anywhere, which root has."""
    if os.geteuid() != 0:
        return ""
    if shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere")
    return "setpriv --bounding-set=-dac_override,-dac_read_search"


def test_on_a_terminal_a_bar_shows_how_far_it_is() -> None:
    """Its standard error is a real one, and standard output is not."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", MAIN, "plan", "copies:3:2"]
    environment = environment_of(TERM="xterm")
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=theirs
    ) as running:
        os.close(theirs)
        shown = b""
        # at its end a terminal that nobody writes to any more is an error, not empty
        with suppress(OSError):
            while piece := os.read(ours, 65_536):
                shown += piece
        assert running.stdout is not None
        out = running.stdout.read()
    os.close(ours)
    assert running.returncode == 0
    assert b"left:" in shown  # the time
    assert re.search(rb"\D(\d+)/\1\D", shown)  # all of its parts
    assert b"\x1b" not in out


def test_a_trained_network_is_taken_apart_written_and_read_back(run, tmp_path: Path) -> None:
    first, again, out = tmp_path / "1.json", tmp_path / "2.json", tmp_path / "out"
    options = (*FAST, "--claims", "E1,H2,C1")
    arguments = ("audit", "copies:3:2", "--denoiser", "trained", "--training-steps", "20")
    picture = tmp_path / "terms.svg"
    code, text, err = run(
        *arguments, *options, "--json", str(first), "--out", str(out), "--plot", str(picture)
    )
    assert code == 0
    assert "training on copies:3:2: step 20 of 20" in err
    assert "where the error comes from" in text
    assert "score error is" in text
    assert "parallel decoding" in picture.read_text()
    found = json.loads(first.read_text())
    assert found["manifest"]["seed"] == 0
    (target,) = found["targets"]
    (errors,) = target["denoiser"]["along_orders"]
    *parallel, hitting = target["results"]
    for result in parallel:
        terms = dict(result["decomposition"])
        total = terms.pop("sum")
        assert set(terms) == {"initialisation", "score", "clock", "parallel", "early_stopping"}
        assert total == pytest.approx(sum(terms.values()))
        assert total >= result["tv"]["lower"]
    terms = hitting["decomposition"]
    assert len(terms["score"]) == 3
    assert sum(terms["score"]) == pytest.approx(terms["sum"]) == errors["epsilon_FHS"]
    assert terms["clock"] == terms["parallel"] == terms["initialisation"] == 0
    assert errors["nelbo"] == pytest.approx(
        sum(target["information"]) + errors["epsilon_KL"], abs=1e-12
    )
    assert {(one["sampler"], one["clock"]) for one in target["score_dominates"]} == {
        ("euler", "linear")
    }
    # the same seed gives the same numbers, and so does the network from its file
    checkpoint = str(out / "copies-3-2.pt")
    assert run(*arguments, *options, "--json", str(again))[0] == 0
    assert json.loads(again.read_text())["targets"] == found["targets"]
    assert (
        run("audit", "copies:3:2", "--denoiser", checkpoint, *options, "--json", str(again))[0] == 0
    )
    (other,) = json.loads(again.read_text())["targets"]
    for one, two in zip(target["results"], other["results"], strict=True):
        assert one["tv"]["lower"] == pytest.approx(two["tv"]["lower"], abs=1e-12)
    assert run(*arguments, "--seed", "1", *options, "--json", str(again))[0] == 0
    (other,) = json.loads(again.read_text())["targets"]
    assert other["denoiser"] != target["denoiser"]
    # and its loss curve is one that the planner takes
    curve = str(out / "copies-3-2-losses.csv")
    assert run("plan", "--loss-curve", curve, "--length", "3", "--steps", "2")[0] == 0


def test_the_exact_denoiser_has_draws_that_cost_nothing(run, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    code, text, _ = run("audit", "copies:3:2", *FAST, "--json", str(path))
    assert code == 0
    assert "where the error comes from" not in text
    (target,) = json.loads(path.read_text())["targets"]
    assert target["denoiser"] is None
    assert target["results"][-1]["decomposition"]["score"] == [0, 0, 0]


OWN = """
import torch
from sharprates.samplers.denoiser import ExactDenoiser
from tests.samplers.perturbed import Drifting, Scaled, TopK, Uniform

def leading(target): return TopK(ExactDenoiser(target), 1)
def drifting(target): return Drifting(ExactDenoiser(target), Uniform(2), 0.9)
def scores(target): return Scaled(ExactDenoiser(target), 1.5)
def plain(x, t): return torch.full((*x.shape, 2), 0.5)
def shape(x, t): return torch.full((len(x), 2), 0.5)
def nan(x, t): return plain(x, t) * float("nan")
def negative(x, t): return -plain(x, t)
def mass(x, t): return plain(x, t) * 1.5
def broken(x, t): raise RuntimeError("first line\\nsecond line")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_denoisers.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("leading", "ε_KL ∞", 0),
        ("drifting", "hitting times of linear", 0),
        ("scores", "E3 is not shown", 0),
        ("plain", "`time_free = True`", 3),  # says nothing of how it depends on time
    ],
)
def test_own_denoisers_are_audited(run, own: Path, name: str, words: str, expected: int) -> None:
    claims = ("--claims", "E1,E3,H2", "--json", str(own / "out.json"))
    code, text, _ = run(
        "audit", "copies:3:2", "--denoiser", f"own_denoisers:{name}", *FAST, *claims
    )
    assert code == expected
    assert words in text
    (target,) = json.loads((own / "out.json").read_text())["targets"]
    for errors in target["denoiser"]["along_orders"]:
        assert (errors["epsilon_KL"] is None) == (errors["reason"] is not None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shape", "returned shape [3, 2]; return [3, 3, 2]"),
        ("nan", "NaN"),
        ("negative", "negative value -0.5"),
        ("mass", "claims to be normalised, but a prediction has mass 1.5"),
        ("broken", "raised RuntimeError: first line"),
        ("nothing", "own_denoisers has no 'nothing'"),
    ],
)
def test_bad_denoisers_are_one_line_and_exit_2(run, own: Path, name: str, words: str) -> None:
    assert own.is_dir()
    code, out, err = run("audit", "copies:3:2", "--denoiser", f"own_denoisers:{name}", *FAST)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert words in err


def test_nothing_in_a_bad_checkpoint_is_executed(run, tmp_path: Path) -> None:
    path, marker = tmp_path / "evil.pt", tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return Path.touch, (marker,)

    torch.save({"config": {}, "state": Evil()}, path)
    code, out, err = run("audit", "copies:3:2", "--denoiser", str(path), *FAST)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "plain state dict" in err
    assert not marker.exists()


def test_claims_lists_all_and_shows_one(run) -> None:
    code, out, _ = run("claims")
    assert code == 0
    assert out.splitlines()[0].split() == [
        "F1",
        "identity",
        "equality",
        *CLAIMS["F1"].title.split(),
    ]
    code, out, _ = run("claims", "e2")
    assert "clock = 1/2" in out
    found = json.loads(run("claims", "--json")[1])["claims"]
    assert {"E3", "X1", "H4"} <= {one["id"] for one in found}
    assert json.loads(run("claims", "E3", "--json")[1])["claims"][0]["relation"] == "upper"
    assert "rejects: E2.constant × 0.99" in out


def test_the_installed_command_answers() -> None:
    script = Path(sys.executable).with_name("sharprates")
    done = subprocess.run([script, "claims"], capture_output=True, text=True, check=True)
    assert CLAIMS["L1"].title in done.stdout


def test_no_input_is_overwritten(run, tmp_path: Path) -> None:
    data, link = tmp_path / "mine.txt", tmp_path / "link.txt"
    data.write_text("ab\nba\n")
    link.symlink_to(data)
    out = tmp_path / "x.png"
    for options in (
        ("--json", str(data)),
        ("--json", str(link)),
        ("--json", str(out), "--plot", str(out)),
    ):
        code, _, err = run("audit", str(data), *FAST, *options)
        assert (code, err.count("\n")) == (2, 1)
        assert "name another file" in err
    assert data.read_text() == "ab\nba\n"
    curve = tmp_path / "curve.csv"
    curve.write_text("masked,loss\n1,0.5\n2,1\n")
    assert run("plan", "--loss-curve", str(curve), "--length", "2", "--json", str(curve))[0] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--times", "1,0", "--steps", "4"), "--times: has no use for --steps"),
        (("--times", "1,0", "--grid", "alpha"), "--times: has no use for --grid"),
        (("--times", "1,0", "--delta", "0.1"), "--times: has no use for --delta"),
        (("--budget", "0.1"), "audit without --samples: has no use for --budget"),
        (("--seed", "1"), "audit without --samples: has no use for --seed"),
        (("--last-step", "leave,fill"), "--last-step: an audit takes leave or fill; run it once"),
        (("--training-steps", "9"), "--denoiser exact: has no use for --training-steps"),
        (("--nothing",), "No such option: --nothing"),
        (("--jobs", "0"), "--jobs"),
        (("--jobs", "9" * 20), "less than or equal to 1024"),
        (("--policy", "left-to-right:2:" * 3000 + "confidence:1"), "at most 1000 are read"),
        (("--samples", "9" * 12), "samples would take about 39 days"),
        (("--denoiser", "trained", "--training-steps", "9" * 17), "years: take fewer"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(run, options: tuple[str, ...], words: str) -> None:
    code, out, err = run("audit", "copies:2:2", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_networks_of_another_run_are_left_alone(run, tmp_path: Path) -> None:
    """The folder is looked at before anything is trained."""
    out = tmp_path / "out"
    options = (*FAST, "--claims", "E3", "--denoiser", "trained", "--training-steps", "5")
    arguments = ("audit", "product:1/2,1/2:1/3,2/3", *options, "--out", str(out))
    assert run(*arguments)[0] == 0
    (network,) = out.glob("*.pt")
    before = network.read_bytes()
    code, _, err = run(*arguments, "--seed", "1")
    assert code == 2
    assert "differs in" in err
    assert "training" not in err
    assert network.read_bytes() == before
    assert run(*arguments, "--resume")[0] == 0


def test_two_files_of_one_name_have_two_networks(run, tmp_path: Path) -> None:
    paths = []
    for folder, text in (("a", "ab\nba\n"), ("b", "abc\nbca\n")):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "x.txt")
        paths[-1].write_text(text)
    out = tmp_path / "out"
    trained = ("--denoiser", "trained", "--training-steps", "2", "--out", str(out))
    arguments = ("audit", *map(str, paths), *FAST, "--claims", "E3", *trained)
    assert run(*arguments)[0] == 0
    assert len(list(out.glob("*.pt"))) == 2
    assert run(*arguments, "--resume")[0] == 0


def test_fractions_of_more_than_4300_digits_are_written(run, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    options = ("--steps", "600", "--clock", "constant", "--rule", "euler", "--claims", "E3")
    exact = ("--arithmetic", "rational", "--json", str(path))
    assert run("audit", "copies:3:2", *options, *exact)[0] == 0
    results = json.loads(path.read_text())["targets"][0]["results"]
    assert max(len(result["tv"]["lower"]) for result in results) > 4300


# --- what is no finding ---------------------------------------------------------------------------


MAIN = "from sharprates.verification.cli import main; main()"
"""The command line in a process of its own."""


def environment_of(**more: str) -> dict[str, str]:
    """In which a process imports what this one does."""
    path = os.pathsep.join(filter(os.path.isabs, sys.path))
    return {**os.environ, "PYTHONPATH": path, **more}


def shell(line: str, **more: str) -> tuple[int, str]:
    """Exit code of a command of the shell, and what it says on standard error."""
    command = ["bash", "-o", "pipefail", "-c", line.replace("SR", f'{sys.executable} -c "{MAIN}"')]
    done = subprocess.run(
        command, env=environment_of(**more), capture_output=True, encoding="utf-8", timeout=300
    )
    return done.returncode, done.stderr


def test_a_closed_pipe_is_no_failure_of_a_claim() -> None:
    code, err = shell("SR claims | true")
    assert (code, err) == (141, "")


def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    code, err = shell("SR claims > /dev/full")
    assert code == 74
    assert err.count("\n") == 1
    assert "cannot be written: No space left" in err


def test_no_standard_output_is_no_failure() -> None:
    assert shell("SR claims >&-") == (0, "")


@pytest.mark.parametrize("where", ["/dev/full", "&-", " >(true)"])
def test_notes_that_nobody_can_read_change_no_exit_code(where: str) -> None:
    """Not even that of an error, whose only words they are."""
    assert shell(f"SR claims X99 2>{where}")[0] == 2
    assert shell(f"SR claims 2>{where} > /dev/null")[0] == 0


def test_any_encoding_of_the_terminal_will_do() -> None:
    assert shell("SR claims > /dev/null", PYTHONIOENCODING="ascii") == (0, "")


def test_a_bug_is_one_line_and_has_a_code_of_its_own(run, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise OverflowError("too\nlarge")

    monkeypatch.setattr("sharprates.verification.reports.claims.page", broken)
    code, out, err = run("claims", "E3")
    assert (code, out, err.count("\n")) == (70, "", 1)
    assert "OverflowError: too large (test_audit.py:" in err


@pytest.mark.parametrize("take", [lambda: torch.empty(2**50), lambda: np.empty(2**50)])
def test_memory_that_is_not_there_is_no_bug(run, monkeypatch, take) -> None:
    monkeypatch.setattr("sharprates.verification.reports.claims.page", lambda _: take())
    code, out, err = run("claims", "E3")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "memory has run out" in err


def test_help_loads_no_library_that_takes_seconds() -> None:
    code = (
        "import sys; from sharprates.verification.cli import main; sys.argv = ['sharprates', "
        "'--help']\ntry: main()\nexcept SystemExit: pass\n"
        "assert not {'torch', 'sympy', 'scipy', 'hypothesis'} & sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment_of(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Exact TV of the samplers" in done.stdout


LONG = ("--samples", "40")


def test_policies_on_a_law_of_any_length(run, tmp_path: Path) -> None:
    path, plot = tmp_path / "long.json", tmp_path / "long.svg"
    rules = "bisection,confidence:8,left-to-right:8:threshold:0.3"
    files = ("--json", str(path), "--plot", str(plot))
    code, out, err = run("audit", "letters:32", "--policy", rules, *LONG, *files)
    assert code == 0
    assert "letters:32: d = 32, S = 27, 40 sequences drawn" in out
    assert "letters:32: bisection" in err
    found = json.loads(path.read_text())
    (law,) = found["targets"]
    assert [one["policy"] for one in law["results"]] == rules.split(",")
    exact, blocks, _ = law["results"]
    assert exact["rounds"] == {"mean": 6, "max": 6}
    assert exact["tv"]["lower"] == 0
    assert exact["tv"]["mean"] < 1e-9
    assert blocks["tv"]["mean"] > 0.9
    assert blocks["kl"]["mean"] > 1
    assert "<svg" in plot.read_text()


def test_a_denoiser_of_ones_own_at_any_length(run, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "own_long.py").write_text(
        "import torch\n"
        "def uniform(x, t):\n"
        "    return torch.full((*x.shape, 27), 1 / 27, dtype=torch.float64)\n"
        "uniform.time_free = True\n"
    )
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "long.json"
    arguments = ("--policy", "bisection", *LONG, "--json", str(path))
    assert run("audit", "letters:16", "--denoiser", "own_long:uniform", *arguments)[0] == 0
    (result,) = json.loads(path.read_text())["targets"][0]["results"]
    assert result["tv"]["mean"] > 0.99
    assert run("audit", "letters:16", "--denoiser", "noisy:0.01", *arguments)[0] == 0
    (result,) = json.loads(path.read_text())["targets"][0]["results"]
    assert 0.01 < result["tv"]["mean"] < 0.16


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ((*LONG,), "give --policy"),
        (("--policy", "bisection"), "give --samples"),
        (("--policy", "random:2", *LONG), "in a random order"),
        (("--policy", "confidence:99", *LONG), "at most 32"),
        (("--policy", "bisection", *LONG, "--steps", "4"), "no use for --steps"),
        (("words4", "--policy", "bisection", *LONG), "words4 is not: audit them apart"),
        (("--policy", "bisection", *LONG, "--denoiser", "trained"), "too long a law"),
        (("--policy", "bisection", *LONG, "--denoiser", "noisy:2"), r"a share in [0, 1], got 2"),
    ],
)
def test_what_a_long_law_refuses(run, arguments: tuple[str, ...], hint: str) -> None:
    code, _, err = run("audit", "letters:32", *arguments)
    assert code == 2
    assert hint in err
    assert err.count("\n") == 1


def test_speculation_is_exact_and_says_what_it_costs(run, tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    options = ("--speculate", "left-to-right:3,threshold:0.9", "--json", str(path))
    code, out, _ = run("audit", "dirichlet:3:2", *FAST, *options)
    assert code == 0
    assert "speculative left-to-right:3" in out
    rows = json.loads(path.read_text())["targets"][0]["results"]
    found = {row["policy"]: row for row in rows if row["sampler"] == "speculative"}
    assert set(found) == {"left-to-right:3", "threshold:0.9"}
    for row in found.values():
        assert row["tv"]["upper"] < 1e-13
        assert 1 <= row["calls"] <= 3 <= row["evaluations"]
        assert row["calls"] == row["rounds"]["mean"]
    assert found["left-to-right:3"]["calls"] < found["threshold:0.9"]["calls"]


def test_a_rule_with_an_order_of_its_own_cannot_draft(run) -> None:
    code, _, err = run("audit", "dirichlet:3:2", *FAST, "--speculate", "random:2")
    assert code == 2
    assert "policy random:2: draws an order" in err


def test_policies_have_their_bounds_and_exact_values(run, tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    options = ("--policy", "confidence:2,random:2", "--claims", "P2,P5", "--json", str(path))
    assert run("audit", "permutations:4:4", *FAST, *options)[0] == 0
    rows = json.loads(path.read_text())["targets"][0]["results"]
    for row in (row for row in rows if row["policy"]):
        assert row["tv"]["lower"] <= 5 / 8 <= row["tv"]["upper"]  # two pairs keep ¾·½
        assert row["bounds"]["P5"]["verdict"] == row["bounds"]["P2"]["verdict"] == "holds"
        assert row["bounds"]["P2"]["value"] == pytest.approx(0.75)
    run("audit", "copies:3:2", *FAST, "--policy", "confidence:2", "--json", str(path))
    bounds = json.loads(path.read_text())["targets"][0]["results"][-1]["bounds"]
    assert bounds["P2"]["verdict"] == "holds"  # shown without being asked for
