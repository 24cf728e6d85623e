"""A claim whole: all that the registry and the checks know, and what a run left."""

from pathlib import Path

import pytest
from sharprates.theory.abstract import PROMISES
from sharprates.theory.registry import CLAIMS
from sharprates.theory.symbols import LATEX
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.files import manifest
from sharprates.verification.plain_text import readable, readable_formula
from sharprates.verification.reports.claims import page, text
from sharprates.verification.scope import conditions
from sharprates.verification.status import statuses, write_claims
from sharprates.verification.verify import run_one

NONE = Path("no such file")


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_every_proof_check_and_mutant_is_shown(claim_id: str) -> None:
    one = CLAIMS[claim_id]
    content = page(one, NONE)
    shown = text(content, width=10_000)
    for part in (one.title, readable(one.statement), readable_formula(one.formula())):
        assert part in shown
    source = text(content, width=10_000, latex=True)
    for part in (one.statement, one.formula(), *map(one.formula, one.variants)):
        assert part in source
    for condition in one.hypotheses:
        told = condition.families or (conditions([condition]),)
        assert all(part in shown for part in told)
    forms = (None, *one.variants)
    for name in set().union(*map(one.symbols, forms)):
        assert f"{readable_formula(LATEX[name])}: " in shown
    for promise in one.provenance.promises:
        assert f"{promise}, {PROMISES[promise]}" in shown
    proofs, checks = content["proofs"], content["checks"]
    assert len(proofs) + len(checks) == len(checks_of(claim_id))
    for told in (*proofs, *checks):
        assert told["rejects"]
        assert f"{told['says']}; rejects: {', '.join(told['rejects'])}" in shown
    assert content["last_run"] is None
    assert "none is stored" in shown
    assert f"run again      sharprates verify --claims {claim_id}" in shown


def test_no_line_is_wider_than_the_terminal() -> None:
    lines = text(page(CLAIMS["E5"], NONE), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "E5 · Entropy bound (theorem, upper)"
    assert all(line == line.rstrip() for line in lines)


def test_the_laws_on_the_left_are_told() -> None:
    content = page(CLAIMS["H3"], NONE)
    assert content["letters"][r"p_{\mathrm{FHS}}"].startswith("law of first hitting")
    assert "q_0" in content["letters"]
    assert not any("FHS" in letter for letter in page(CLAIMS["P7"], NONE)["letters"])


def test_the_last_run_is_told(tmp_path: Path) -> None:
    records = [run_one(("S3", number), 10, 0, {}) for number in range(len(checks_of("S3")))]
    path = tmp_path / "claims.json"
    write_claims(path, statuses(records), manifest(0))
    shown = text(page(CLAIMS["S3"], path), width=10_000)
    assert "last run       certified: " in shown
    assert "mutants rejected" in shown
    assert "tried          proved symbolically: for all K" in shown
    assert "in fractions or balls: 10 examples; d = " in shown
    assert "not tried      d > " in shown
    assert "untested: 0 of 0" in text(page(CLAIMS["E3"], path))
