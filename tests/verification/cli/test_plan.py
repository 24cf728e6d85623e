"""The plan command as a user meets it: what it prints, its JSON and plot, its one-line errors."""

import json
import sys
from pathlib import Path

import pytest
from sharprates.verification import cli


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sharprates", "plan", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_a_length_and_a_vocabulary(run, tmp_path: Path) -> None:
    found, drawn = tmp_path / "p.json", tmp_path / "p.png"
    options = ("--length", "1024", "--vocab", "50257", "--tv", "0.01")
    code, out, _ = run(*options, "--json", str(found), "--plot", str(drawn))
    assert code == 0
    for text in (
        "52 115 615",
        "551 665",
        "551 630",
        "382 052",
        "1 024 calls",
        "fewer are forbidden",
    ):
        assert text in out
    content = json.loads(found.read_text())
    assert content["bounds"]["E3"]["steps"] == 52_115_615
    assert content["bounds"]["L6"] == {
        "role": "needed",
        "steps": 382_052,
        "reason": None,
        "form": "every-law",
        "arithmetic": "ball",
        "detail": {"g": 16},
    }
    assert content["fhs"]["calls"] == 1024
    assert {"version", "commit", "command"} <= content["manifest"].keys()
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_data(run, tmp_path: Path) -> None:
    found, drawn = tmp_path / "p.json", tmp_path / "p.svg"
    options = ("--tv", "0.1", "--clock", "linear", "--rule", "euler", "--score-error", "0.01")
    code, out, _ = run("copies:4:2", *options, "--json", str(found), "--plot", str(drawn))
    assert code == 0
    assert "copies:4:2: d = 4, S = 2: parallel steps for TV ≤ 0.1, score error 0.01" in out
    assert "uniform law: smallest K found 12, exact TV" in out
    assert "linear clock, uniform grid, euler, leave: smallest K found 12" in out
    assert "4 calls, one token each: TV ≤ 0.0100" in out
    content = json.loads(found.read_text())
    assert [one["label"] for one in content["exact"]] == ["smallest found"] * 2
    assert content["exact"][0]["tv_before"]["value"] > 0.09 >= content["exact"][0]["tv"]["value"]
    assert content["schedule"]["gain"] > 1.2
    assert len(content["schedule"]["weights"]) == content["schedule"]["steps"] == 12
    assert "<svg" in drawn.read_text()


def test_the_cheapest_number_of_a_rule(run, tmp_path: Path) -> None:
    found, drawn = tmp_path / "p.json", tmp_path / "p.svg"
    line = ("copies:3:2", "--policy", "confidence", "--tv", "0.3")
    code, out, _ = run(*line, "--json", str(found), "--plot", str(drawn))
    assert code == 0
    # one token, then its two copies
    assert "confidence:2: 2 rounds on average" not in out
    assert "confidence:1  " in out
    assert "← the cheapest" in out
    content = json.loads(found.read_text())["policy"]
    assert content["search"] == "all"
    assert [one["policy"] for one in content["tried"]] == [f"confidence:{k}" for k in (3, 2, 1)]
    assert content["chosen"]["rounds"] == {"mean": 3.0, "max": 3}
    assert "confidence:1" in drawn.read_text()


def test_a_loss_curve(run, tmp_path: Path) -> None:
    curve, found = tmp_path / "c.csv", tmp_path / "c.json"
    curve.write_text("masked,loss\n" + "".join(f"{m},{m / 8}\n" for m in range(1, 9)))
    own = ("--blocks", "6,2", "--blocks", "1,3,4")
    code, out, _ = run(
        "--loss-curve", str(curve), "--length", "8", "--steps", "3", "--json", str(found), *own
    )
    assert code == 0
    # ranked, whoever asked for them
    places = [out.index(text) for text in ("one token at", "2 3 3", "1 3 4", "6 2")]
    assert places == sorted(places)
    mine = json.loads(found.read_text())["own_blocks"]
    assert [one["excess"] for one in mine] == pytest.approx([16 / 8, 9 / 8])
    assert "8 of 8 losses measured" in out
    # L_m = (8−m)/8: blocks of s cost s(s−1)/2 eighths, so 2 + 3 + 3 tokens are best
    assert json.loads(found.read_text())["best_blocks"]["excess"] == pytest.approx(7 / 8)
    assert "best blocks" in out
    assert "exact" in out
    assert "(bound, from h_m ≤ L_m)" in out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ((), "give DATA, or --length and --vocab"),
        (("--length", "8"), "vocab: needed where nothing bounds the information"),
        (("copies:3:2", "--length", "8"), "not both"),
        (("--length", "8", "--vocab", "2", "--tv", "nan"), "--tv: must be a finite number"),
        (("--length", "8", "--vocab", "2", "--tv", "2"), "tv: must lie between 0 and 1"),
        (("--length", "8", "--vocab", "2", "--plot", "x.txt"), "--plot: the name must end in"),
        (("--length", "2", "--loss-curve", "none.csv"), "none.csv: cannot be read"),
        (("copies:3:2", "--blocks", "2,1"), "--blocks: ranks schedules on a loss curve"),
        (("--length", "8", "--vocab", "2", "--clock", "late"), "clock 'late' is unknown"),
        (("--length", "8", "--vocab", "2", "--steps", "4"), "--steps: is for a loss curve"),
        (("pairs:40:2", "--steps", "4"), "--steps: is for a loss curve"),
        (("--length", "8", "--vocab", "2", "--seed", "0"), "--length: has no use for --seed;"),
        (("--length", "2", "--loss-curve", "none.csv", "--samples", "9"), "no use for --samples"),
        (("copies:3:2", "--samples", "9", "--seed", "1"), "exact TV: has no use for --samples;"),
        (("pairs:40:2", "--budget", "0", "--seed", "1"), "no use for --budget, --seed;"),
        (("copies:3:2", "--steps", "0"), "steps: need K ≥ 1, got 0"),
        (("book.examples.two_topics:LAW", "--budget", "2"), "budget: must lie between 0 and 1"),
        (("--length", "2", "--loss-curve", "none.csv", "--grid", "log"), "--clock and the like"),
        (("copies:3:2", "--grid", "log"), "grid 'log' is unknown"),
        (("copies:3:2", "--last-step", "stay"), "last step 'stay' is unknown"),
        (("--policy", "threshold"), "name DATA"),
        (("copies:3:2", "--policy", "threshold:0.9"), "tries the number of a rule"),
        (("copies:3:2", "--policy", "threshold", "--steps", "4"), "no use for --steps"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(run, arguments: tuple[str, ...], hint: str) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert hint in err
    assert err.count("\n") == 1
    assert out == ""


def test_bounds_of_other_schedules(run) -> None:
    code, out, _ = run("--length", "8", "--vocab", "3", "--clock", "cosine", "--rule", "euler")
    assert code == 0
    assert "E3: enough" in out
    assert "cosine clock, uniform grid, euler, leave" in out


@pytest.mark.parametrize("loss", ["nan", "-1"])
def test_a_bad_curve_is_one_line_and_exit_2(run, loss: str, tmp_path: Path) -> None:
    curve = tmp_path / "c.csv"
    curve.write_text(f"masked,loss\n1,{loss}\n")
    code, _, err = run("--loss-curve", str(curve), "--length", "1")
    assert code == 2
    assert "line 2: loss must" in err
    assert err.count("\n") == 1


def test_blocks_that_do_not_fit_are_one_line_and_exit_2(run, tmp_path: Path) -> None:
    curve = tmp_path / "c.csv"
    curve.write_text("masked,loss\n1,0.5\n2,1\n")
    code, _, err = run("--loss-curve", str(curve), "--length", "2", "--blocks", "2,1")
    assert code == 2
    assert "sum to d = 2" in err
    assert err.count("\n") == 1


def test_one_token(run) -> None:
    _, out, _ = run("--length", "1", "--vocab", "2")
    assert "One step is enough for every law (E3)." in out
    assert "1 call, one token each" in out


def test_one_step_that_may_do_is_not_forbidden(run) -> None:
    _, out, _ = run("--length", "2", "--vocab", "2", "--tv", "0.6", "--score-error", "0.5")
    assert "7 steps are enough for every law (E5).\n" in out
    assert "fewer than" not in out


def test_a_loss_that_rises_gives_no_tv_by_pinsker(run, tmp_path: Path) -> None:
    curve = tmp_path / "c.csv"
    curve.write_text("masked,loss\n1,5\n2,2\n3,9\n")
    _, out, _ = run("--loss-curve", str(curve), "--length", "3", "--steps", "2")
    assert "best blocks" in out
    assert "Pinsker" not in out


def test_no_parallel_step_is_enough(run) -> None:
    code, out, _ = run("--length", "8", "--vocab", "2", "--tv", "0.1", "--score-error", "0.2")
    assert code == 0
    assert "a score error of 0.2 leaves nothing of ε = 0.1" in out
