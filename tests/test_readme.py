"""What the README shows is what stands in the files and what the commands print."""

import re
import sys
from pathlib import Path

import pytest
from sharprates.verification import cli
from sharprates.verification.planning.planner import plan_length
from sharprates.verification.planning.question import Question

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "book" / "commands.md").read_text(encoding="utf-8")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sharprates", *arguments])
        patch.syspath_prepend(ROOT)
        patch.setenv("COLUMNS", "140")
        with pytest.raises(SystemExit):
            cli.main()
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_the_table_is_what_an_audit_prints(capsys: pytest.CaptureFixture[str]) -> None:
    shown = README.split("```\nwords4:")[1].split("```")[0].splitlines()[1:]
    assert len(shown) == 8
    real = printed(
        capsys, "audit", "words4", "--steps", "4,64", "--clock", "linear",
        "--claims", "E1,E3,E5,L0,H2",
    )  # fmt: skip
    assert set(shown) <= set(real)


def test_the_refutation_is_what_a_hunt_prints(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = README.split("false_claim:QUARTER\n")[1].split("```")[0].splitlines()
    # a folder of its own: what an earlier hunt left in build/ is not read
    real = printed(
        capsys, "verify", "--claim", "book.examples.false_claim:QUARTER", "--out", str(tmp_path)
    )
    assert set(shown) <= set(real)


def test_commands_and_links_exist() -> None:
    for line in re.findall(r"`(?:\$ )?sharprates ([^`]+)`", README + COMMANDS):
        name, *words = line.split()
        known = {option for one in cli.load_command(name).params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_figure_of_calls_shows_what_the_planner_computes() -> None:
    """The description holds what is drawn; `cd book; python make_figures.py` draws it anew."""
    text = (ROOT / "book" / "figures" / "calls.svg").read_text(encoding="utf-8")
    plan = plan_length(Question(1024, 50257, 0.01))
    by_claim = {count.claim: count.steps for count in plan.counts}
    assert plan.enough
    assert plan.needed
    found = re.search(r"<dc:description>([\d, ]+)</dc:description>", text)
    assert found is not None
    assert [int(x) for x in found[1].split(", ")] == [
        1024, plan.needed.steps, plan.enough.steps, by_claim["KL2"],
    ]  # fmt: skip
