"""The page of machine-checked proofs prints what the Coq sources and their check say."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sharpbook import formal
from sharprates.theory.registry import CLAIMS
from sharprates.verification.formal import FOLDER, Reading
from sharprates.verification.proof_sources import plain

STORED = {
    "claims.top": {"lines": 1, "uses": ["f.long", "f.short"]},
    "f.long": {"lines": 9, "uses": ["f.short"]},
    "f.short": {"lines": 2, "uses": ["f.base"]},
    "f.base": {"lines": 7, "uses": []},
    "f.other": {"lines": 9, "uses": []},
}


def test_every_claim_with_a_statement_has_a_row() -> None:
    rows = formal.summary().splitlines()[2:]
    assert not any(r"\`make" in row for row in rows), "a command is set as one"
    found = [re.match(r"\| \{claim\}`(\w+)` \| ([\w -]+) \| .+ \|$", row) for row in rows]
    stated = {key for one in formal.stated() for key in one.claims}
    assert [one[1] for one in found if one] == [key for key in CLAIMS if key in stated]


def test_a_statement_is_printed_whole() -> None:
    text = formal.statements("E3")
    for one in formal.stated():
        assert (f"Theorem {one.statement}." in text) == ("E3" in one.claims), one.name
    assert text.count("```coq") == text.count("*Covered:*") > 1


def test_text_is_shown_as_it_is() -> None:
    assert formal.cell("a_b*c|$d$ [e]") == r"a\_b\*c\|\$d\$ \[e\]"


def test_all_definitions_of_a_statement_are_printed_once() -> None:
    text = plain(formal.definitions(["E3"]))
    needed = Reading.read(FOLDER)["claim_E3"].definitions
    for key, definition in needed.items():
        assert definition in text, key
    assert text.count("Definition marg ") == 1
    assert text.index("Definition marg ") < text.index("Definition exact_denoiser ")
    others = plain(formal.definitions(CLAIMS, ["E3"]))
    assert "Definition marg " not in others
    assert "Definition fhs " in others


def test_the_graph_has_the_longer_lemmas_below_and_no_arrow_that_follows() -> None:
    found = formal.lemmas(STORED, "claims.top")
    assert {name: one.depends_on for name, one in found.items()} == {
        "claims.top": ("f.long",),
        "f.long": ("f.base",),
        "f.base": (),
    }
    svg = formal.drawing(found)
    assert svg.count("<rect") == 3
    assert svg.count('class="edge"') == 2
    assert "f.v, 9 lines" in svg


def test_no_graph_is_drawn_from_an_older_check(tmp_path: Path) -> None:
    path = tmp_path / "formal.json"
    assert "make formal" in formal.lemma_graph("claims.top", path)
    path.write_text(json.dumps({"version": 1, "sources": "other", "lemmas": STORED}))
    assert "make formal" in formal.lemma_graph("claims.top", path)
