"""The audit table is `claims.json`: a row a claim, all its numbers, nothing else."""

from __future__ import annotations

import re

import pytest
from sharpbook import table
from sharpbook.claims import worst_of_regimes
from sharpbook.results import Results
from sharprates.theory.claim import BOUNDS
from sharprates.theory.registry import CLAIMS, claim

ROWS = {
    "E3": {
        "status": "certified",
        "n": 60,
        "n_counting": 41,
        "ratio": {"worst": 0.98765, "instance": "w=(1/2 <1>)"},
        "sharpness": {"kind": "attained"},
        "power": [
            {"mutant": "E3.constant × 0.9", "killed": True},
            {"mutant": "the bound × 0.99", "killed": True},
            {"mutant": "E3.constant × 0.999", "killed": False},
        ],
        "break_even": {"constant": 0.75},
    }
}
TEXT = table.table(
    Results(ROWS, {"commit": "abc", "command": "sharprates verify"}, "claims.json"),
    {name: f"p.html#{name}" for name in CLAIMS},
)


def test_a_row_for_every_bound() -> None:
    bounds = [name for name, one in CLAIMS.items() if one.relation in BOUNDS]
    assert re.findall(r'<tr id="row-(\w+)">', TEXT) == bounds
    assert {"E5", "L0", "X1"} <= set(bounds)
    assert "S2" not in bounds


def row(claim_id: str) -> str:
    return TEXT.partition(f'id="row-{claim_id}"')[2].partition("</tr>")[0]


def test_a_row_holds_what_the_run_found() -> None:
    assert row("E3").count("<td ") == len(table.HEADINGS)
    for part in (
        "p.html#E3",
        "w=(1/2 &lt;1&gt;)",
        "yes, attained",
        "a change by 1%",
        '<code class="command">sharprates verify --claims E3</code>',
    ):
        assert part in row("E3"), part


def test_a_bound_that_was_scaled_tells_what_is_detected() -> None:
    killed = {"mutant": "0.97 of the bound", "killed": True}
    other = {"mutant": "0.999 of t", "killed": True}
    assert table.detects({"power": [killed, other]}) == pytest.approx(0.03)
    assert table.detects({"power": [other]}) is None


def test_beside_an_instance_that_says_little_stands_that_of_a_regime() -> None:
    checks = [
        {"regime": "K ≥ d", "ratio": ratio, "instance": text}
        for ratio, text in ((0.8, "K=4"), (0.9, "d=2 S=2 copies q0=[00:1/2 11:1/2] equal K=2"))
    ]
    regimes = {"regimes": {"K ≥ d": "within ×1.11", "leftover allowed": "attained"}}
    found = {"sharpness": regimes, "checks": checks, "ratio": {"instance": "equal K=1"}}
    assert worst_of_regimes(found) == {"K ≥ d": "d=2 S=2 copies equal K=2"}
    shown = table.cells(claim("E5"), found, "proved", "")[4][1]
    law = "<code>d=2 S=2 copies equal K=2</code>"
    assert shown == f"<code>equal K=1</code><br>K ≥ d: {law}"
    assert worst_of_regimes({**found, "ratio": {"instance": "equal K=3"}}) == {}


def test_constants_are_those_of_the_registry() -> None:
    assert "clock 1/2, parallel 1/4" in row("E2")
    assert "<div>1</div>" in row("E5")


def test_a_claim_without_a_row_shows_no_number() -> None:
    assert "no run stored" in row("L0")
    assert "a change" not in row("L0")


def test_a_conjecture_is_labelled_as_one() -> None:
    assert "proof-conjecture" in row("X1")
    assert "proved" not in row("X1")


def test_the_origin_stands_below() -> None:
    assert "<code>sharprates verify</code> at commit abc" in TEXT
