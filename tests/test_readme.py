"""What the README shows is what stands in the files and what the commands print."""

import re
import sys
from pathlib import Path

import pytest
from sharprates.verification import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sharprates", *arguments])
        patch.syspath_prepend(ROOT)
        patch.setenv("COLUMNS", "140")
        with pytest.raises(SystemExit):
            cli.main()
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("name", ["own_policy", "own_sampler", "true_claim"])
def test_code_is_that_of_the_example(name: str) -> None:
    text = (ROOT / "book" / "examples" / f"{name}.py").read_text(encoding="utf-8")
    code = text.split('"""', 2)[2]  # without its docstring
    assert f"```python\n{code.strip()}\n```" in README


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
    for line in re.findall(r"`(?:\$ )?sharprates ([^`]+)`", README):
        name, *words = line.split()
        known = {option for one in cli.load_command(name).params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("https://") or (ROOT / link).exists(), link
