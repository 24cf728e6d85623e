"""Where statuses come from, and what is said without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sharpbook import results
from sharprates.theory.claim import Kind
from sharprates.theory.registry import CLAIMS
from sharprates.verification.evidence import Method
from sharprates.verification.status import VERSION

ROW = {"id": "E3", "status": "certified", "n": 5, "n_counting": 4}


def write(path: Path, rows: list[dict[str, Any]], **manifest: Any) -> Path:
    path.write_text(json.dumps({"version": VERSION, "manifest": manifest, "claims": rows}))
    return path


def test_the_first_file_that_exists_counts(tmp_path: Path) -> None:
    fresh, kept = tmp_path / "fresh.json", write(tmp_path / "kept.json", [ROW], commit="k")
    assert results.load((fresh, kept)).source == "kept.json"
    write(fresh, [{**ROW, "status": "refuted"}], commit="f")
    outcome = results.load((fresh, kept))
    assert outcome.proof("E3") == "refuted"
    assert outcome.manifest["commit"] == "f"


def test_without_a_file_nothing_was_tried(tmp_path: Path) -> None:
    outcome = results.load((tmp_path / "none.json",))
    assert results.tried(outcome.row("E3")) == []
    assert "No results file" in outcome.origin


def test_what_was_tried_is_told_by_method_best_first() -> None:
    checks = [("tested", 5), ("certified", 7), ("symbolic", 1), ("certified", 3)]
    row = {"checks": [{"method": method, "n": n} for method, n in checks]}
    assert results.tried(row) == [
        "symbolically, for listed sizes",
        "in fractions or balls on 10 instances",
        "in float64 with a stated error on 5 instances",
    ]


def test_every_method_of_a_check_is_explained() -> None:
    assert set(results.METHODS) == set(map(str, Method))


def test_notes_are_kept() -> None:
    row = {"checks": [{"check": "a", "note": "1 % is undecided"}, {"check": "b", "note": ""}]}
    assert results.notes(row) == ["a: 1 % is undecided"]


def test_the_origin_names_commit_seed_and_versions(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.json", [ROW], commit="0123456789abcdef", seed=3, packages={"torch": "2.13"}
    )
    origin = results.load((path,)).origin
    assert "0123456789ab," in origin
    assert "seed 3" in origin
    assert "torch 2.13" in origin


def test_the_copy_kept_with_the_book_is_whole() -> None:
    kept = results.load(results.PLACES[1:])
    assert set(kept.claims) == set(CLAIMS)
    assert kept.manifest["commit"]
    assert "--claims" not in kept.manifest["command"]


def test_what_was_tried_makes_a_conjecture_no_theorem() -> None:
    rows = {name: {"status": "certified"} for name in CLAIMS}
    found = results.Results(rows, {}, "")
    labels = {name: found.proof(name) for name in CLAIMS}
    conjectures = {name for name, one in CLAIMS.items() if one.kind is Kind.CONJECTURE}
    assert {name for name, label in labels.items() if label == "conjecture"} == conjectures
    assert set(labels.values()) <= set(results.PROOFS)
    assert results.Results({"X1": {"status": "refuted"}}, {}, "").proof("X1") == "refuted"


def test_the_proof_checkers_word_of_a_stored_run_counts() -> None:
    rows = {"E7": {"status": "certified", "formal": {"status": "machine-checked"}}}
    assert results.Results(rows, {}, "").proof("E7") == "machine-checked"


def test_only_the_graph_colours_rectangles() -> None:
    """MathJax draws the bars of fractions and roots as rects, also inside a claim's block."""
    css = (results.ROOT / "book" / "_static" / "book.css").read_text(encoding="utf-8")
    rules = [line for line in css.splitlines() if " rect" in line.split("{")[0] and "{" in line]
    assert rules
    assert all(line.startswith(".claim-graph ") for line in rules), rules
