"""What the run of mutants says, on a small house of its own."""

from pathlib import Path

import pytest

from tests.mutants import run
from tests.mutants.operators import Mutant, mutants

SOURCE = "def f(x):\n    return x > 1\n"
FOUND = mutants("samplers/distance.py", SOURCE)


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.ROOT)


def test_a_sample_is_the_same_whatever_else_there_is() -> None:
    few = run.sampled(FOUND, 2, seed=5)
    assert few == run.sampled(FOUND[::-1], 2, seed=5)
    assert len(run.sampled(FOUND, None, seed=5)) == len(FOUND) == 3
    assert {tuple(run.sampled(FOUND, 1, seed=seed)) for seed in range(20)} == {
        (one,) for one in FOUND
    }


def test_survivors_need_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "survivors.txt"
    file.write_text("# words\n\na · b · 1 → 2 :: the same number\n")
    assert run.survivors(file) == {"a · b · 1 → 2": "the same number"}
    file.write_text("a · b · 1 → 2 :: \n")
    with pytest.raises(SystemExit, match="a · b · 1 → 2: needs one line with its reason"):
        run.survivors(file)


def test_what_is_listed_is_a_mutant_of_today() -> None:
    listed: dict[str, list[str]] = {}
    for name in run.survivors():
        listed.setdefault(name.split(" · ")[0], []).append(name)
    for path, names in listed.items():
        text = (run.ROOT / path).read_text(encoding="utf-8")
        gone = set(names) - {one.name for one in mutants(path, text)}
        assert not gone, gone


def test_an_unlisted_survivor_is_wrong_and_a_listed_one_is_not() -> None:
    one, other, third = FOUND
    outcomes = [run.Outcome(one, "FAILED"), run.Outcome(other, None), run.Outcome(third, None)]
    lines, wrong = run.report(outcomes, {other.name: "equal"})
    assert wrong
    assert lines[1].split() == ["samplers/distance.py", "3", "1", "1", "1", "50.0%"]
    assert lines[2].split()[0] == "all"
    assert lines[3].startswith(f"alive, and not in survivors.txt: {third.name}")
    lines, wrong = run.report(outcomes[:2], {other.name: "equal", one.name: "equal"})
    assert not wrong
    assert lines[-1] == f"killed by now, take it out of survivors.txt: {one.name}"


def test_the_tests_of_a_file_are_its_own_and_those_that_import_it() -> None:
    own, others = run.tests_of("samplers/distance.py")
    assert own == ["tests/samplers/test_distance.py"]
    assert "tests/verification/test_score_error.py" in others
    assert own[0] not in others


def test_what_depends_on_a_file_is_loaded_after_it_was_changed() -> None:
    changing = run.dependents("sharprates.samplers.distance")
    assert "sharprates.verification.audit" in changing
    assert "sharprates.samplers.errors" not in changing


def test_files_with_numbers() -> None:
    found = run.targets()
    assert {"samplers/step_law.py", "theory/euler_upper.py"} <= set(found)
    assert not any(path.startswith(("verification/cli", "tests")) for path in found)


def test_a_mutant_knows_its_file() -> None:
    assert isinstance(FOUND[0], Mutant)
    assert FOUND[0].name == "samplers/distance.py · f · x > 1 → (x >= 1)"
