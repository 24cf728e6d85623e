"""The plan command as a user meets it: what it prints, its JSON and plot, its one-line errors."""

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sharprates.verification import cli
from sharprates.verification.cli import terminal
from sharprates.verification.planning.policy_plan import plan_policy


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str, of: str = "plan") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sharprates", *filter(None, [of]), *arguments])
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
    assert "equal steps: smallest K found 12, exact TV" in out
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


def test_while_numbers_are_tried_that_is_what_is_being_done(run, monkeypatch) -> None:
    said: list[str] = []

    def told(*arguments: Any) -> Any:
        said.append(terminal._work.text)
        return plan_policy(*arguments)

    monkeypatch.setattr("sharprates.verification.cli.plan.plan_policy", told)
    assert run("copies:3:2", "--policy", "confidence")[0] == 0
    assert said == ["trying numbers of confidence"]


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


MINE = "sequence,weight\naaaaa,3\nbbbbb,2\nababa,2\nbabab,1\naabba,1\nbbaab,1\nabbba,1\n"


@pytest.mark.parametrize("goal", [("--tv", "0.4"), ("--kl", "0.4")])
def test_what_is_announced_is_what_an_audit_finds(run, tmp_path: Path, goal) -> None:
    """Each schedule of a plan, by the options that the plan gives for it."""
    data, found, drawn = tmp_path / "my.csv", tmp_path / "p.json", tmp_path / "p.png"
    data.write_text(MINE)
    code, out, _ = run(str(data), *goal, "--json", str(found), "--plot", str(drawn))
    assert code == 0
    assert "Cheapest that a theorem guarantees: 3 calls, fewest blocks for the curve, by KL6" in out
    assert "Chen, Cong, Li, arXiv 2511.04647" in out
    assert "  --blocks 2,1,2\n" in out
    assert "Exact optimum: 2 calls, fewest blocks, of all 16 schedules:\n  --blocks 2,3\n" in out
    assert drawn.read_bytes().startswith(b"\x89PNG")
    content = json.loads(found.read_text())
    plan = content.get("guaranteed", content)
    assert plan["cheapest"]["sizes"] == [2, 1, 2]
    offers = [*plan["offers"], *plan["optimum"]]
    assert any("times" in one for one in offers)
    compared = 0
    for one in offers:
        audited = tmp_path / "a.json"
        line = ("audit", str(data), *one["audit"].split(), "--json", str(audited))
        assert run(*line, of="")[0] == 0
        rows = json.loads(audited.read_text())["targets"][0]["results"]
        kind = "ancestral" if "times" in one else "fhs" if max(one["sizes"]) == 1 else "blocks"
        row = next(row for row in rows if row["sampler"] == kind)
        assert row["steps"] == one["calls"]
        for name in ("tv", "kl"):
            value, error = one[name]["value"], one[name]["error"]
            assert error < 1e-10
            assert row[name]["lower"] - error <= value <= row[name]["upper"] + error
            compared += 1
        most = one.get("at_most", {})
        assert most.get("kl", 9) >= one["kl"]["value"] - one["kl"]["error"]
        assert most.get("tv", 9) >= one["tv"]["value"] - one["tv"]["error"]
    assert compared >= 14
    line = ("audit", str(data), "--blocks", "2,3", "--arithmetic", "rational", "--json")
    assert run(*line, str(audited), of="")[0] == 0
    exact = json.loads(audited.read_text())["targets"][0]["results"][-1]["tv"]
    best = plan["optimum"][0]["tv"]
    assert exact["lower"] == exact["upper"]
    assert abs(float(Fraction(exact["lower"])) - best["value"]) <= best["error"] + 1e-16


def test_one_number(run, tmp_path: Path) -> None:
    found = tmp_path / "p.json"
    line = ("--dependence", "tc=4", "--length", "1024", "--kl", "1", "--json", str(found))
    code, out, _ = run(*line)
    assert code == 0
    assert "any law: d = 1024: schedules for KL ≤ 1, by TC ≤ 4 nats" in out
    assert "Cheapest that a theorem guarantees: 22 calls, fewest blocks that TC certifies" in out
    assert "after Chen, Cong, Li, arXiv 2511.04647" in out
    sizes = json.loads(found.read_text())["cheapest"]["sizes"]
    assert "  --blocks " + ",".join(map(str, sizes)) + "\n" in out
    assert (len(sizes), sum(sizes)) == (22, 1024)
    code, out, _ = run("--dependence", "tc=12.5", "--length", "1024", "--kl", "0.1")
    assert code == 0
    assert " 342 calls" in out


def test_long_laws_by_their_curve_and_from_samples(run, tmp_path: Path) -> None:
    drawn = tmp_path / "p.svg"
    code, out, _ = run("letters:40", "--kl", "1", "--plot", str(drawn))
    assert code == 0
    assert "by its information curve" in out
    assert "at most" in out
    assert "tokens revealed m" in drawn.read_text()
    code, out, err = run("letters:40", "--kl", "1", "--samples", "200")
    assert code == 0
    assert "by predictions on 200 samples (U4)" in out
    assert "(an estimate, not a bound)" in out
    assert "at most" not in out
    assert "dependence from predictions" in err


def test_losses_that_rise_are_averaged_and_that_is_said(run, tmp_path: Path) -> None:
    curve, drawn = tmp_path / "c.csv", tmp_path / "c.png"
    curve.write_text("masked,loss\n4,1\n3,0.5\n2,0.7\n1,0.2\n")
    line = ("--loss-curve", str(curve), "--length", "4", "--kl", "0.5", "--plot", str(drawn))
    code, out, _ = run(*line)
    assert code == 0
    assert "The losses rise with more context, first at 2 revealed tokens" in out
    assert "averaged until they fall, which moves none by more than 0.1 nats." in out
    # 1, 0.6, 0.6, 0.2: blocks of 1, 2 and 1 cost nothing
    assert "  --blocks 1,3\n" in out
    assert drawn.read_bytes().startswith(b"\x89PNG")


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
        (("--dependence", "tc=1"), "--dependence: needs --length d"),
        (("--dependence", "", "--length", "8"), "--dependence: needs at least one value"),
        (("--dependence", "tc=-1", "--length", "8"), "tc must not be negative, got -1"),
        (("--dependence", "tc=nan", "--length", "8"), "tc needs a number, got 'nan'"),
        (("--dependence", "mi=1", "--length", "8"), "needs tc=, dtc= or info= in nats"),
        (
            ("--dependence", "tc=6", "--length", "8", "--vocab", "2"),
            "tc = 6 nats is more than d·log S = 5.54518",
        ),
        (("--dependence", "tc=1", "--length", "8", "--kl", "0"), "kl: must be a number above 0"),
        (("--dependence", "tc=1", "--length", "8", "--kl", "nan"), "--kl: must be a finite number"),
        (("--dependence", "tc=1", "--length", "8", "--steps", "4"), "no use for --steps"),
        (("--dependence", "tc=1", "--length", "8", "--plot", "x.png"), "no use for --plot"),
        (("copies:3:2", "--dependence", "tc=1", "--length", "3"), "no use for DATA"),
        (("copies:3:2", "--kl", "1", "--tv", "0.1"), "--kl: has no use for --tv"),
        (("copies:3:2", "--kl", "1", "--samples", "9"), "exact KL: has no use for --samples"),
        (("pairs:40:2", "--kl", "1"), "no KL is known at this length"),
        (("--length", "8", "--vocab", "2", "--kl", "1"), "--kl: needs DATA, --loss-curve or"),
        (("letters:40", "--kl", "1", "--samples", "3"), "samples: need at least 4, got 3"),
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


def test_a_law_of_ones_own_needs_no_probabilities(run, tmp_path, monkeypatch) -> None:
    code, out, _ = run("book.examples.two_topics:LAW", "--kl", "1", "--samples", "40")
    assert code == 0
    assert "by predictions on 40 samples (U4)" in out
    (tmp_path / "drawn.py").write_text(
        "from book.examples.two_topics import LAW\n\n"
        "class Drawn:\n"
        "    length, vocabulary = LAW.length, LAW.vocabulary\n"
        "    time_free = normalised = True\n"
        "    sample = staticmethod(LAW.sample)\n"
        "    def __call__(self, *arguments, **options):\n"
        "        return LAW(*arguments, **options)\n\n"
        "MODEL = Drawn()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    code, same, _ = run("drawn:MODEL", "--kl", "1", "--samples", "40")
    assert code == 0
    assert same.replace("drawn:MODEL", "book.examples.two_topics:LAW") == out
    code, _, err = run("drawn:MODEL", "--tv", "0.2")
    assert code == 2
    assert "has no 'log_probability'" in err


def test_a_tv_on_a_law_that_is_sampled(run) -> None:
    """By limits for equal steps, and by estimates for blocks: these need far fewer calls."""
    code, out, _ = run("book.examples.two_topics:LAW", "--tv", "0.2", "--samples", "60")
    assert code == 0
    assert "by predictions on 60 samples (U4) (KL ≤ 0.08 nats is enough, by Pinsker)" in out
    assert "(an estimate, not a bound)" in out
    code, out, _ = run("markov:20:0.5,0.5:0.9,0.1:0.1,0.9", "--tv", "0.3", "--samples", "40")
    assert code == 0
    assert "schedules for TV ≤ 0.3, by its information curve" in out


def test_rows_of_unequal_length_are_one_line_and_exit_2(run, tmp_path: Path) -> None:
    data = tmp_path / "rows.txt"
    data.write_text("aba\nab\n")
    code, out, err = run(str(data), "--kl", "0.1")
    assert code == 2
    assert out == ""
    assert "line 2: 'ab' has length 2" in err
    assert err.count("\n") == 1


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
    assert "6 steps are enough for every law (B1).\n" in out
    assert "fewer than" not in out


def test_a_loss_that_rises_gives_no_tv_by_pinsker(run, tmp_path: Path) -> None:
    curve = tmp_path / "c.csv"
    curve.write_text("masked,loss\n1,5\n2,2\n3,9\n")
    _, out, _ = run("--loss-curve", str(curve), "--length", "3", "--steps", "2")
    assert "best blocks" in out
    assert "TV of the best blocks" not in out


def test_no_parallel_step_is_enough(run) -> None:
    code, out, _ = run("--length", "8", "--vocab", "2", "--tv", "0.1", "--score-error", "0.2")
    assert code == 0
    assert "a score error of 0.2 leaves nothing of ε = 0.1" in out
