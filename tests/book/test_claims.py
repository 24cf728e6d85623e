"""A claim's block says what the registry says, and what a run found."""

from __future__ import annotations

import pytest
from sharpbook import claims
from sharprates.theory.registry import CLAIMS

ROW = {
    "status": "certified",
    "n": 60,
    "n_counting": 41,
    "ratio": {"worst": 0.98765, "instance": "d=2 S=2 q0=[00:1/2 11:1/2]"},
    "sharpness": {
        "kind": "within ×1.31",
        "instance": "x",
        "limits": [{"last": 0.995, "family": "copies", "parameter": "b", "exponent": 1.0}],
    },
    "power": [{"mutant": "d for d−1", "killed": True}, {"mutant": "K+1", "killed": False}],
    "break_even": {"constant": 0.75},
    "proofs": ["weights total (1−w_∞)^d"],
}


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_a_block_holds_all_that_the_registry_knows(claim_id: str) -> None:
    one = CLAIMS[claim_id]
    text = claims.block(one, {})
    assert f":label: {claim_id}\n" in text
    assert one.title in text
    assert one.statement in text
    assert one.formula() in text
    for name in one.constants:
        assert f"`{claim_id}.{name}` = " in text
    assert f"**Hypotheses.** {claims.conditions(one.hypotheses)}" in text
    for promise in one.provenance.promises:
        assert f"promise {promise} (" in text
    for other in one.depends_on:
        assert f"{{claim}}`{other}`" in text
    for name in one.variants:
        assert one.formula(name) in text
    assert "untested" in text


def test_what_is_nearly_one_does_not_read_one() -> None:
    assert [claims.words(x) for x in (1.0, 0.99996663, 0.875)] == ["1", "0.9999666", "0.875"]


def test_a_conjecture_is_marked_as_one() -> None:
    assert claims.block(CLAIMS["X1"], {}).startswith("::::::{prf:conjecture}")
    assert claims.block(CLAIMS["E3"], {}).startswith("::::::{prf:theorem}")


def test_each_promise_of_the_abstract_lists_the_claims_that_make_it_good() -> None:
    lines = claims.promises().split("\n")
    assert {name for one in CLAIMS.values() for name in one.provenance.promises} == {
        line[4:6] for line in lines
    }
    assert "{claim}`E1`" in lines[0]
    assert lines[6].endswith(": {claim}`H3`, {claim}`H4`.")


def test_cited_works_have_an_entry_in_the_bibliography() -> None:
    for one in CLAIMS.values():
        text = claims.source(one)
        assert text.count("{cite:p}") == len(one.provenance.works)
        # nothing of ours is put into the mouth of the paper whose body nobody here has read
        assert ("derived in this project" in text) == one.provenance.derived


def test_evidence_tells_what_a_run_found() -> None:
    text = claims.evidence(ROW)
    for part in (
        "certified",
        "41 of 60",
        "0.9877",
        "q0=[00:1/2",
        "×1.31",
        "0.995",
        "1 of 2 mutants",
        "constant ×0.75",
    ):
        assert part in text, part


def test_evidence_of_a_run_without_a_check_claims_nothing() -> None:
    assert "certified" not in claims.evidence({"status": "untested", "n": 0, "n_counting": 0})


def test_what_was_tried_stands_against_what_is_stated() -> None:
    row = {"scope": {"stated": "every q₀", "tried": ["d = 1…4"], "not_tried": ["d > 4", "S_1"]}}
    lines = claims.scoped(CLAIMS["E4"], row)
    assert "* **Stated** for every q₀." in lines
    assert "* **Tried** d = 1…4." in lines
    assert r"* **Not tried:** S\_1." in lines
    assert "no run of its checks is stored" in "".join(claims.scoped(CLAIMS["E4"], {}))


def test_a_runs_words_are_not_read_as_markup() -> None:
    assert r"w\_∞" in claims.evidence(ROW)
