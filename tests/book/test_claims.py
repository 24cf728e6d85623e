"""A claim's block says what the registry says, and what a run found."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sharpbook import claims, results
from sharprates.theory.registry import CLAIMS
from sharprates.verification.instance import open_instance, read_instance
from sharprates.verification.verdict import Verdict

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
    "checks": [
        {"check": "a", "method": "certified", "n": 60, "break_even": {"constant": 0.75}},
        {"check": "b", "regime": "data form", "break_even": {"constant": 0.5}},
        {"check": "c", "method": "tested", "n": 9, "note": "0.039 % of the volume is undecided"},
    ],
}


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_a_block_holds_all_that_the_registry_knows(claim_id: str) -> None:
    one = CLAIMS[claim_id]
    text = claims.block(one, {}, "proved")
    assert f":label: {claim_id}\n" in text
    for part in (one.title, one.statement, one.formula()):
        assert part in text
    for name in one.constants:
        assert f"`{claim_id}.{name}` = " in text
    assert "**Where.** " in text
    for promise in one.provenance.promises:
        assert f"delivers {promise} (" in text
    for other in one.depends_on:
        assert f"{{claim}}`{other}`" in text
    for name in one.variants:
        assert one.formula(name) in text
    assert "no check of it is stored" in text


def test_a_block_opens_with_what_a_reader_wants() -> None:
    """One sentence, one inequality, where it holds, one line; all else is closed."""
    text = claims.block(CLAIMS["E5"], ROW, "machine-checked")
    shown, _, closed = text.partition("{dropdown}")
    assert shown.count("$$") == 2
    for part in ("chip proof-machine-checked", "sharp?", "worst law", "verify --claims E5"):
        assert part in shown
    for part in (CLAIMS["E5"].statement, "Constants", "Origin", "Evidence", "Other forms"):
        assert part in closed
        assert part not in shown


def test_a_claim_without_a_headline_opens_with_its_statement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "HEADLINES", {})
    shown, _, closed = claims.block(CLAIMS["E3"], {}, "proved").partition("{dropdown}")
    assert CLAIMS["E3"].statement in shown
    assert CLAIMS["E3"].statement not in closed


def test_what_is_nearly_one_does_not_read_one() -> None:
    assert [claims.words(x) for x in (1.0, 0.99996663, 0.875)] == ["1", "0.9999666", "0.875"]


def test_a_conjecture_is_marked_as_one() -> None:
    assert claims.block(CLAIMS["X1"], {}, "conjecture").startswith("::::::{prf:conjecture}")
    assert claims.block(CLAIMS["E3"], {}, "proved").startswith("::::::{prf:theorem}")


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
    text = "\n".join(claims.evidence(CLAIMS["E3"], ROW))
    for part in (
        "in fractions or balls on 60 instances",
        "41 of 60",
        "0.9877",
        "q0=[00:1/2",
        "0.995",
        "1 of 2 (d for d−1; K+1)",
        "would allow constant × 0.75, and nothing smaller",
        "would allow constant × 0.5, and nothing smaller (data form)",
        "0.039 % of the volume",
    ):
        assert part in text, part


def test_of_several_checks_the_one_that_leaves_least_room_speaks() -> None:
    checks = [{"break_even": {"constant": x}} for x in (0.9, 1.0, None, 0.95)]
    assert claims.breaks({"checks": checks}) == ["the tried instances allow no better constant"]
    (above,) = claims.breaks({"checks": [{"break_even": {"factor": 1.2}}]})
    assert above.endswith("factor × 1.2, and nothing larger")


def test_evidence_of_a_run_without_a_check_claims_nothing() -> None:
    row = {"status": "untested", "n": 0, "n_counting": 0}
    assert "fractions" not in "".join(claims.evidence(CLAIMS["E3"], row))


def sharp(claim_id: str, **sharpness: object) -> str:
    row = {**ROW, "sharpness": sharpness, "ratio": {"worst": 1.0, "instance": "d=2 equal K=1"}}
    return claims.sharp(CLAIMS[claim_id], row)


def test_the_regime_that_matters_stands_before_a_degenerate_instance() -> None:
    regimes = {"leftover allowed": "attained", "equal steps, K ≥ d": "within ×1.18"}
    text = sharp("E5", kind="attained", regimes=regimes)
    assert text == "equal steps, K ≥ d: within a factor 1.18; attained (in one step)"
    assert sharp("E5", kind="attained") == "yes, attained (in one step)"


def test_a_bound_is_sharp_in_the_limit_only_along_its_own_family() -> None:
    limit = {"family": "copies", "parameter": "d", "exponent": 1.0, "last": 0.875, "at": 8}
    assert sharp("KL2", kind="within ×1.14", ratio=0.875, limits=[limit]).endswith("along copies")
    assert sharp("KL2", kind="within ×1.2", ratio=0.8, limits=[limit]) == "within a factor 1.2"


def test_an_equality_is_a_line_without_a_worst_law() -> None:
    row = {**ROW, "checks": [{"difference": 3e-16}, {"difference": 0.0}]}
    text = claims.line(CLAIMS["L1"], row)
    assert "equal on its family on 60 instances, largest difference 3e-16" in text
    assert "worst law" not in text


def test_worst_laws_are_named() -> None:
    def worst(instance: str) -> str:
        checks = [{"check": "permutations", "instance": "S=256"}]
        return claims.worst({"ratio": {"instance": instance}, "checks": checks})

    assert worst("d=2 S=2 copies q0=[00:1/2 11:1/2] equal K=1") == "d=2 S=2 copies equal K=1"
    assert worst("d=2 S=2 q0=[00:1/2 11:1/2] w=(1)") == "d=2 S=2 q0=[00:1/2 11:1/2] w=(1)"
    assert worst("S=256") == "permutations: S=256"


def test_what_was_tried_stands_against_what_is_stated() -> None:
    row = {"scope": {"stated": "every q₀", "tried": ["d = 1…4"], "not_tried": ["d > 4", "S_1"]}}
    lines = claims.scoped(CLAIMS["E4"], row)
    assert "* **Stated** for every q₀." in lines
    assert "* **Tried** d = 1…4." in lines
    assert r"* **Not tried:** S\_1." in lines
    assert "no run of its checks is stored" in "".join(claims.scoped(CLAIMS["E4"], {}))


def test_a_runs_words_are_not_read_as_markup() -> None:
    assert r"w\_∞" in "".join(claims.evidence(CLAIMS["E3"], ROW))


def test_a_command_opens_the_worst_law_that_a_claim_shows() -> None:
    outcome, shown = results.load(), []
    for one in CLAIMS.values():
        text = "\n".join(claims.evidence(one, outcome.row(one.id)))
        found = re.search(r"verify --claims (\w+) --on &#x27;(.*?)&#x27;", text)
        if found:
            experiment = read_instance(unescape(found[2]))
            opened = open_instance(CLAIMS[found[1]], experiment)
            assert all(x.decision.verdict is Verdict.HOLDS for x in opened if x.decision), one.id
            shown.append(one.id)
    assert {"E5", "E8", "E9", "X1"} <= set(shown)
