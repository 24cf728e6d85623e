"""The statuses that a run computed, read from `claims.json`; nothing here declares one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sharprates.theory.claim import Kind
from sharprates.theory.registry import CLAIMS
from sharprates.verification.formal import CHECKED, CLASSICAL, formal_of

ROOT = Path(__file__).resolve().parents[3]
PLACES = (ROOT / "build" / "claims.json", ROOT / "book" / "results" / "claims.json")
"""Where a run leaves its results, and the copy that is kept with the book."""

MACHINE = (CHECKED, CLASSICAL)

PROOFS = {
    "machine-checked": "the proof checker Coq accepts a formal statement of it; its box says how "
    "much of the claim that covers",
    "proved": "proved in full on its page",
    "conjecture": "not proved; no tried instance is a counterexample",
    "refuted": "a stored instance reproduces a failure",
}
"""What is known of a statement → what that means. What was tried never makes it more than that."""

METHODS = {
    "symbolic": "symbolically, for listed sizes",
    "certified": "in fractions or balls on {n} instances",
    "tested": "in float64 with a stated error on {n} instances",
    "sampled": "by samples, within the error budget of the run, on {n} instances",
}
"""Method of a check → how it decided; best evidence first."""


@dataclass(frozen=True)
class Results:
    """One run's results.

    Attributes:
        claims: claim id → its row.
        manifest: commit, versions, seed, command.
        source: where they were read; empty if there is no file.
    """

    claims: Mapping[str, Mapping[str, Any]]
    manifest: Mapping[str, Any]
    source: str

    def row(self, claim_id: str) -> Mapping[str, Any]:
        """The row of a claim; empty if the run did not check it."""
        return self.claims.get(claim_id, {})

    def proof(self, claim_id: str) -> str:
        """What is known of a claim: a key of `PROOFS`."""
        row = self.row(claim_id)
        if row.get("status") == "refuted":
            return "refuted"
        if CLAIMS[claim_id].kind is Kind.CONJECTURE:
            return "conjecture"
        checked = formal_of(CLAIMS)[claim_id].status in MACHINE
        checked |= (row.get("formal") or {}).get("status") in MACHINE
        return "machine-checked" if checked else "proved"

    @property
    def origin(self) -> str:
        """Where the numbers come from, in words."""
        if not self.source:
            return "No results file was found: every status reads untested."
        packages = self.manifest.get("packages") or {}
        versions = ", ".join(f"{name} {version}" for name, version in packages.items())
        commit = str(self.manifest.get("commit") or "unknown")[:12]
        seed = self.manifest.get("seed")
        return (
            f"Computed by `{self.manifest.get('command', 'sharprates verify')}` "
            f"at commit {commit}, seed {seed}; {versions}."
        )


def load(places: tuple[Path, ...] = PLACES) -> Results:
    """The first of these files that exists, or no results at all."""
    for place in places:
        if place.exists():
            content = json.loads(place.read_text(encoding="utf-8"))
            rows = {row["id"]: row for row in content["claims"]}
            return Results(rows, content.get("manifest") or {}, place.name)
    return Results({}, {}, "")


def tried(row: Mapping[str, Any]) -> list[str]:
    """How a run decided a claim's examples, best evidence first; empty without a run."""
    found = []
    for method, words in METHODS.items():
        mine = [one for one in row.get("checks") or () if one.get("method") == method]
        if mine:
            found.append(words.format(n=sum(one.get("n") or 0 for one in mine)))
    return found


def notes(row: Mapping[str, Any]) -> list[str]:
    """What checks add for a reader, e.g. how much they could not decide."""
    return [f"{one['check']}: {one['note']}" for one in row.get("checks") or () if one.get("note")]
