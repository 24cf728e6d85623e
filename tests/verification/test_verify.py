"""The verification run and its command, as a user meets them."""

import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError
from sharprates.theory.errors import UnknownClaimError
from sharprates.theory.proofs.proof import Proof
from sharprates.theory.registry import CLAIMS
from sharprates.verification import cli, status, witness
from sharprates.verification import verify as verification_run
from sharprates.verification.checks.check import Check
from sharprates.verification.cli.terminal import console
from sharprates.verification.evidence import Evidence, Method
from sharprates.verification.reports.verify import print_statuses
from sharprates.verification.status import Status, read_evidence
from sharprates.verification.verdict import Verdict
from sharprates.verification.verify import verify

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verification_run, "EXAMPLES", 10)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sharprates", "verify", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_a_run_as_a_function() -> None:
    seen: list[str] = []
    found = verify(["h3", "E6", "H3"], examples=10, progress=seen.append)
    assert [one.claim.id for one in found.statuses] == ["E6", "H3"]  # the order of the theory
    assert found.verdict is Verdict.HOLDS
    assert found["H3"].status is Status.CERTIFIED
    assert len(seen) == verification_run.count_checks(["H3", "E6", "h3"])
    assert found.manifest["seed"] == 0
    assert [row["id"] for row in found.json()["claims"]] == ["E6", "H3"]


def test_the_same_seed_gives_the_same_rows_in_one_process_or_two() -> None:
    one, two = (verify(["H3"], examples=10, seed=7, jobs=jobs) for jobs in (1, 2))
    assert one.json()["claims"] == two.json()["claims"]


def test_a_report_says_how_fast_examples_are_tried(capsys: pytest.CaptureFixture[str]) -> None:
    clock = time.process_time()
    found = verify(["H3"], examples=10)
    spent = time.process_time() - clock
    ((claim_id, rate),) = found.json()["manifest"]["examples_per_second"].items()
    examples = sum(one.n for one in found["H3"].evidence)
    assert claim_id == "H3"
    assert examples / spent <= rate < 2 * examples / spent
    print_statuses(found, console())
    assert f" {rate:.3g} " in capsys.readouterr().out


def test_a_tightened_birthday_bound_is_refuted_by_hand(run: Run) -> None:
    code, out, _ = run("--claims", "E3", "--scale", "E3.constant=0.99")
    assert code == 1
    assert "refuted" in out
    # 128 equally likely pairs of equal symbols, both drawn at once with chance ½
    pairs = "d=2 S=128 copies q0=[uniform on 128 rows] equal K=2, b=128"
    assert f"{pairs}: 127/256 = 0.496094 against 99/200 = 0.495" in out
    files = sorted(Path("build/witnesses").glob("E3-*.txt"))
    assert files
    for file in files:
        assert str(file) in out
        held = witness.read(file)
        assert witness.replay(held).verdict is Verdict.FAILS
        assert held.scale == {"E3.constant": Fraction(99, 100)}
    # what altered claims have shown is no status
    assert not Path("build/claims.json").exists()


def test_a_witness_is_replayed_and_a_tampered_one_refused(run: Run) -> None:
    run("--claims", "H2", "--scale", "H2.constant=0.9")
    (file, *_) = sorted(Path("build/witnesses").glob("H2-*.txt"))
    code, out, _ = run("--witness", str(file))
    assert code == 1
    assert "H2.constant × 9/10" in out
    assert "fails" in out
    text = file.read_text()
    file.write_text(text.replace("scale: H2.constant=9/10", "scale: H2.constant=8/10"))
    code, _, err = run("--witness", str(file))
    assert code == 2
    assert "changed after it was written" in err
    assert run("--witness", "nowhere.txt")[0] == 2


def test_json_of_a_part_and_its_rows(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("--claims", "E6,H3", "--json", "out.json", "--seed", "3")
    assert code == 0
    assert not Path("build").exists()
    content = json.loads(Path("out.json").read_text())
    assert [row["id"] for row in content["claims"]] == ["E6", "H3"]
    assert content["manifest"]["seed"] == 3
    assert {one.claim for one in read_evidence(tmp_path / "out.json")} == {"E6", "H3"}
    for claim_id in ("E6", "H3"):
        assert sum(line.startswith(claim_id) for line in out.splitlines()) == 1


def test_a_whole_run_writes_claims_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = verification_run.checks_of

    def few(claim_id: str) -> tuple[Check | Proof, ...]:
        return checks(claim_id)[-1:] if claim_id == "H3" else ()

    monkeypatch.setattr(verification_run, "checks_of", few)
    code, out, _ = run()
    assert code == 3  # claims that no check spoke of are undecided
    rows = json.loads(Path(status.CLAIMS_JSON).read_text())["claims"]
    assert [row["id"] for row in rows] == list(CLAIMS)
    assert {row["id"] for row in rows if row["status"] == "certified"} == {"H3"}
    assert out.count("untested") >= len(CLAIMS) - 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--claims", "E33"), "did you mean"),
        (("--scale", "E3.foo=1"), "E3 has E3.constant"),
        (("--scale", "S1.constant=1"), "no constant"),
        (("--scale", "E3.constant=x"), "ID.name=number"),
        (("--scale", "E3.constant=-1"), "needs a positive factor, got -1"),
        (("--claims", "E6", "--scale", "E3.constant=0.99"), "no constant of the claims E6"),
        (("--json", "no/such/folder.json"), "does not exist"),
        (("--claims", ","), "a comma between two"),
        (("--claims", ""), "needs at least one value"),
    ],
)
def test_bad_input_is_one_line_and_exit_two(
    run: Run, arguments: tuple[str, ...], says: str
) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_bad_input_of_the_function() -> None:
    with pytest.raises(UnknownClaimError):
        verify(["Z9"])
    with pytest.raises(InputError):
        verify(["E3"], scale={"E3.rate": Fraction(1)})


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ({"n_undecided": 1}, 3),
        ({"complaint": "only 1 of 9 examples count"}, 1),
        ({"power": {"a mutant": None}, "complaint": "does not reject: a mutant"}, 1),
        ({}, 0),
    ],
)
def test_exit_codes(run: Run, monkeypatch: pytest.MonkeyPatch, outcome: dict, code: int) -> None:
    def made_up(check: Check, *_: object) -> Evidence:
        return Evidence(check.claim, check.name, Method.CERTIFIED, 9, 9, **outcome)

    monkeypatch.setattr(verification_run, "run_check", made_up)
    found, out, _ = run("--claims", "H4")
    assert found == code
    if "complaint" in outcome:
        assert outcome["complaint"] in out
    if code == 3:
        assert "undecided" in out


def test_failures_that_no_witness_file_holds_are_still_shown(run: Run) -> None:
    code, out, _ = run("--claims", "H4", "--scale", "H4.constant=1.01")
    assert code == 1
    assert "H4 fails" in out
    assert not Path("build/witnesses").exists()
