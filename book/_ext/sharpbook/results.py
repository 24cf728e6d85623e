"""The statuses that a run computed, read from `claims.json`; nothing here declares one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PLACES = (ROOT / "build" / "claims.json", ROOT / "book" / "results" / "claims.json")
"""Where a run leaves its results, and the copy that is kept with the book."""

STATUSES = {
    "certified": "decided in exact or ball arithmetic, or proved symbolically",
    "tested": "float64 with a stated error bound, on generated instances",
    "sampled": "Monte Carlo evidence within the run's error budget",
    "untested": "no check ran",
    "refuted": "a stored witness reproduces a failure",
}
"""Status → what it means; every one is computed."""


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
        """The status word of a claim: that of the run, or untested."""
        return str(self.row(claim_id).get("status") or "untested").split()[0]

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
