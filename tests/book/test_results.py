"""Where statuses come from, and what is said without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sharpbook import results
from sharprates.theory.registry import CLAIMS
from sharprates.verification.status import VERSION, Status

ROW = {"id": "E3", "status": "certified", "n": 5, "n_counting": 4}


def write(path: Path, rows: list[dict[str, Any]], **manifest: Any) -> Path:
    path.write_text(json.dumps({"version": VERSION, "manifest": manifest, "claims": rows}))
    return path


def test_the_first_file_that_exists_counts(tmp_path: Path) -> None:
    fresh, kept = tmp_path / "fresh.json", write(tmp_path / "kept.json", [ROW], commit="k")
    assert results.load((fresh, kept)).source == "kept.json"
    write(fresh, [{**ROW, "status": "refuted"}], commit="f")
    outcome = results.load((fresh, kept))
    assert outcome.status("E3") == "refuted"
    assert outcome.manifest["commit"] == "f"


def test_without_a_file_all_is_untested(tmp_path: Path) -> None:
    outcome = results.load((tmp_path / "none.json",))
    assert outcome.status("E3") == "untested"
    assert "No results file" in outcome.origin


def test_a_claim_that_the_run_left_out_is_untested(tmp_path: Path) -> None:
    outcome = results.load((write(tmp_path / "a.json", [ROW]),))
    assert (outcome.status("E3"), outcome.status("L1")) == ("certified", "untested")


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


def test_every_status_of_a_run_is_explained() -> None:
    assert set(results.STATUSES) == {"open", *(str(status) for status in Status)}


def test_a_conjecture_that_stands_is_open() -> None:
    found = results.Results({"X1": {"status": "certified"}, "E3": {"status": "certified"}}, {}, "")
    assert (found.status("X1"), found.status("E3")) == ("open", "certified")
    refuted = results.Results({"X1": {"status": "refuted"}}, {}, "")
    assert refuted.status("X1") == "refuted"


def test_only_the_graph_colours_rectangles() -> None:
    """MathJax draws the bars of fractions and roots as rects, also inside a claim's block."""
    css = (results.ROOT / "book" / "_static" / "book.css").read_text(encoding="utf-8")
    rules = [line for line in css.splitlines() if " rect" in line.split("{")[0] and "{" in line]
    assert rules
    assert all(line.startswith(".claim-graph ") for line in rules), rules
