"""The command line as a user meets it: what it prints, its exit codes, its files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from theory.registry import CLAIMS
from verification import cli


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sharprates", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


FAST = ("--steps", "2,8", "--clock", "linear", "--rule", "euler")


def test_an_audit_of_own_data_in_every_format(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
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


def test_rational_and_ball_arithmetic_agree_with_float64(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
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


def test_a_scaled_constant_fails_with_exit_1(run) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("audit", "shared-symbols:3:16", *FAST, "--scale", "E3.constant=0.8")
    assert code == 1
    assert "FAILS" in out
    assert run("audit", "shared-symbols:3:16", *FAST)[0] == 0


def test_a_plot_is_written_whole(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    picture = tmp_path / "plot.png"
    assert run("audit", "copies:2:2", *FAST, "--plot", str(picture))[0] == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audit", "no-such-file"), "no such file"),
        (("audit", "copies:2:2", "--steps", "0"), "--steps"),
        (("audit", "copies:2:2", "--steps", "x"), "--steps"),
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
        (("audit", "copies:2:2", "--scale", "E3.nothing=2"), "E3.constant"),
        (("audit", "copies:2:2", "--arithmetic", "decimal"), "decimal"),
        (("audit", "copies:2:2", "--blocks", "0"), "--blocks"),
        (("audit", "copies:2:2", "--plot", "picture.bmp"), ".png"),
        (("audit", "copies:2:2", "--json", "/nowhere/out.json"), "does not exist"),
        (("audit", "copies:2"), "copies:d:S"),
        (("audit", "uniform:14:4"), "GiB"),
        (("audit", "patterns12", "--arithmetic", "rational"), "float64"),
        (("claims", "Z1"), "unknown"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(run, arguments: tuple[str, ...], words: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert words in err


def test_bad_options_are_found_before_the_data_are_read(run) -> None:  # type: ignore[no-untyped-def]
    assert "sundial" in run("audit", "no-such-file", "--clock", "sundial")[2]


def test_a_folder_that_may_not_be_written_is_found_before_the_work(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    assert run("audit", "copies:2:2", "--json", str(tmp_path / "out.json"))[0] == 2


def test_claims_lists_all_and_shows_one(run) -> None:  # type: ignore[no-untyped-def]
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


def test_the_installed_command_answers() -> None:
    script = Path(sys.executable).with_name("sharprates")
    done = subprocess.run([script, "claims", "L1"], capture_output=True, text=True, check=True)
    assert "pairs" in done.stdout.lower()
