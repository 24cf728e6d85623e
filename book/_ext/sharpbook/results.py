"""The statuses that a run computed, read from `claims.json`; nothing here declares one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sharprates.theory.claim import Kind
from sharprates.theory.registry import CLAIMS

ROOT = Path(__file__).resolve().parents[3]
PLACES = (ROOT / "build" / "claims.json", ROOT / "book" / "results" / "claims.json")
"""Where a run leaves its results, and the copy that is kept with the book."""

STATUSES = {
    "certified": "decided in exact or ball arithmetic, or proved symbolically",
    "tested": "float64 with a stated error bound, on generated instances",
    "sampled": "Monte Carlo evidence within the run's error budget",
    "open": "a conjecture: nothing is proved, and no tried instance is a counterexample",
    "untested": "no check ran",
    "refuted": "a stored witness reproduces a failure",
}
"""Label → what it means; every one is computed. A conjecture is open, however much was tried."""


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

    def status(self, claim_id: str) -> str:
        """The label of a claim: the run's status, or untested; a conjecture that stands is open."""
        status = str(self.row(claim_id).get("status") or "untested").split()[0]
        conjecture = CLAIMS[claim_id].kind is Kind.CONJECTURE
        return "open" if conjecture and status not in ("untested", "refuted") else status

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
