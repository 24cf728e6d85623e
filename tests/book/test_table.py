"""The audit table is `claims.json`: a row a claim, all its numbers, nothing else."""

from __future__ import annotations

import re

from sharpbook import table
from sharpbook.results import Results
from sharprates.theory.registry import CLAIMS

ROWS = {
    "E3": {
        "status": "certified",
        "n": 60,
        "n_counting": 41,
        "ratio": {"worst": 0.98765, "instance": "w=(1/2 <1>)"},
        "sharpness": {"kind": "attained"},
        "power": [{"mutant": "m", "killed": True}, {"mutant": "n", "killed": False}],
        "break_even": {"constant": 0.75},
    }
}
TEXT = table.table(
    Results(ROWS, {"commit": "abc", "command": "sharprates verify"}, "claims.json"),
    {name: f"p.html#{name}" for name in CLAIMS},
)


def test_a_row_for_every_claim() -> None:
    assert re.findall(r'<tr id="row-(\w+)">', TEXT) == list(CLAIMS)


def test_a_row_holds_what_the_run_found() -> None:
    row = TEXT.partition('id="row-E3"')[2].partition("</tr>")[0]
    assert row.count("<td>") == len(table.HEADINGS)
    for part in (
        "p.html#E3",
        "certified",
        "41 of 60",
        "0.9877",
        "w=(1/2 &lt;1&gt;)",
        "attained",
        "1 of 2",
        "constant ×0.75",
    ):
        assert part in row, part


def test_a_claim_without_a_row_shows_no_number() -> None:
    row = TEXT.partition('id="row-L1"')[2].partition("</tr>")[0]
    assert "untested" in row
    assert not re.search(r"\d of \d|\d\.\d", row)


def test_the_origin_stands_below() -> None:
    assert "<code>sharprates verify</code> at commit abc" in TEXT
