"""Statuses of claims, computed from what checks found; and `claims.json`, which holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cattrs
from sharprates.samplers.errors import InputError
from sharprates.samplers.reading import read_bytes
from sharprates.theory.claim import Claim, Relation
from sharprates.theory.registry import CLAIMS
from sharprates.verification.evidence import Evidence, Fit, Method
from sharprates.verification.files import to_json, write_whole
from sharprates.verification.formal import formal_of
from sharprates.verification.scope import Scope, scope
from sharprates.verification.verdict import Verdict

VERSION = 2
"""Of the schema of `claims.json`."""

SPEED = "examples_per_second"  # of the manifest: by claim, and no two runs have the same

CLAIMS_JSON = Path("build") / "claims.json"

NEAR = 1e-9
"""A ratio this near to 1 is attained: exact ratios are 1, float64 ones err by some 1e-10."""

WITHIN_REACH = 0.01
"""A ratio this near to 1 has reached its limit."""


class Status(StrEnum):
    """What a run has shown of a claim; never declared."""

    REFUTED = "refuted"
    CERTIFIED = "certified"
    TESTED = "tested"
    SAMPLED = "sampled"
    UNTESTED = "untested"


@dataclass(frozen=True)
class Sharpness:
    """How near a claim is to being attained.

    Attributes:
        kind: ``attained``, ``limit``, or ``within ×f``.
        ratio: measured over bound, where it is nearest to failing.
        instance: where that is, in words.
        limits: what the ratio tends to along families.
        regimes: part of the claim → its own kind.
    """

    kind: str
    ratio: float
    instance: str | None
    limits: tuple[Fit, ...]
    regimes: Mapping[str, str]

    @property
    def text(self) -> str:
        """In a few words."""
        parts = [self.kind + (f" {self.ratio:.5g}" if self.kind == "limit" else "")]
        parts += [
            f"{limit.last:.4g} at {limit.parameter} = {limit.at:g} along {limit.family}"
            + _gap(limit)
            for limit in self.limits
        ]
        return "; ".join(parts + [f"{regime}: {words}" for regime, words in self.regimes.items()])


@dataclass(frozen=True)
class ClaimStatus:
    """What a run has shown of one claim.

    Attributes:
        claim: the claim.
        evidence: of its checks.
    """

    claim: Claim
    evidence: tuple[Evidence, ...]

    @property
    def status(self) -> Status:
        """Refuted by any failure; else the best evidence that there is."""
        if any(one.failure for one in self.evidence):
            return Status.REFUTED
        kinds = {one.method for one in self.evidence if one.n_counting}
        if kinds & {Method.CERTIFIED, Method.SYMBOLIC}:
            return Status.CERTIFIED
        if Method.TESTED in kinds:
            return Status.TESTED
        return Status.SAMPLED if Method.SAMPLED in kinds else Status.UNTESTED

    @property
    def n(self) -> int:
        """Examples tried by checks of the status's own kind; all of them if refuted."""
        return sum(one.n for one in self._own)

    @property
    def n_counting(self) -> int:
        """Those of `n` that count."""
        return sum(one.n_counting for one in self._own)

    @property
    def _own(self) -> list[Evidence]:
        kind = str(self.status)
        on_examples = [one for one in self.evidence if one.method != Method.SYMBOLIC]
        same = [one for one in on_examples if one.method == kind]
        return same or on_examples or list(self.evidence)

    @property
    def worst(self) -> Evidence | None:
        """The record whose ratio is nearest to failing, among those of the claim's own relation.

        A record with a regime is passed over while there is one without.
        """
        wanted = self.claim.relation
        if wanted in (Relation.WORST_CASE, Relation.LIMIT):  # equalities where they are attained
            wanted = Relation.EQUALITY
        rated = [one for one in self.evidence if one.ratio is not None]
        own = [one for one in rated if one.relation == wanted.value] or rated
        main = [one for one in own if not one.regime] or own
        return max(main, key=_strain, default=None)  # of equal ones the first

    @property
    def sharpness(self) -> Sharpness | None:
        """How near the claim is to being attained; None if that was not measured."""
        worst = self.worst
        if worst is None:
            return None
        rated = [one for one in self.evidence if one.regime and one.ratio is not None]
        regimes = {}
        for one in sorted(rated, key=_strain):  # of a regime the worst stands last
            kind = _kind(one.ratio or 0.0)
            regimes[one.regime] = f"limit {one.ratio:.5g}" if kind == "limit" else kind
        return Sharpness(
            _kind(worst.ratio or 0.0),
            worst.ratio or 0.0,
            worst.instance,
            tuple(one.fit for one in self.evidence if one.fit),
            regimes,
        )

    @property
    def power(self) -> list[dict[str, Any]]:
        """Every mutant, and whether it was rejected."""
        return [
            {"mutant": mutant, "killed": killer is not None, "check": one.check, "by": killer}
            for one in self.evidence
            for mutant, killer in one.power.items()
        ]

    @property
    def break_even(self) -> dict[str, float]:
        """Constant → the factor nearest to 1 at which a tried example begins to fail.

        A regime speaks only of the constants that nothing else breaks.
        """
        found: dict[str, float] = {}
        for regimes in (False, True):
            broken: dict[str, float] = {}
            for one in self.evidence:
                for name, factor in one.break_even.items():
                    if bool(one.regime) is regimes and factor is not None:
                        broken[name] = min(broken.get(name, factor), factor, key=_off)
            found = broken | found
        return found

    @property
    def problems(self) -> list[str]:
        """Failures, and what is wrong with checks."""
        failures = [f"{one.check}: {one.failure}" for one in self.evidence if one.failure]
        complaints = [f"{one.check}: {one.complaint}" for one in self.evidence if one.complaint]
        return failures + complaints

    @property
    def undecided(self) -> int:
        """Examples that were not decided."""
        return sum(one.n_undecided for one in self.evidence)

    @property
    def scope(self) -> Scope:
        """What is stated against what was checked."""
        return scope(self.claim, self.evidence)

    def json(self) -> dict[str, Any]:
        """The claim's row of `claims.json`."""
        worst = self.worst
        return {
            "id": self.claim.id,
            "kind": self.claim.kind.value,
            "relation": self.claim.relation.value,
            "status": str(self.status),
            "n": self.n,
            "n_counting": self.n_counting,
            "ratio": {
                "worst": worst.ratio if worst else None,
                "instance": worst.instance if worst else None,
            },
            "sharpness": self.sharpness and asdict(self.sharpness),
            "power": self.power,
            "break_even": self.break_even or None,
            "witness": next((one.witness for one in self.evidence if one.witness), None),
            "failures": [one.failure for one in self.evidence if one.failure],
            "scope": asdict(self.scope),
            "proofs": [one.check for one in self.evidence if one.method == Method.SYMBOLIC],
            "checks": [asdict(one) for one in self.evidence],
        }


def _gap(limit: Fit) -> str:
    if limit.exponent is None:
        return ""
    return f": 1 − ratio ~ {limit.constant:.3g}·{limit.parameter}^−{limit.exponent:.2f}"


def _strain(one: Evidence) -> float:
    ratio = one.ratio or 0.0
    if one.relation == Relation.UPPER.value:
        return ratio
    if one.relation == Relation.LOWER.value:
        return 1 / ratio if ratio else float("inf")
    off = _off(ratio)
    return off if off > NEAR else 0.0


def _off(factor: float) -> float:
    return abs(factor - 1)


def _kind(ratio: float) -> str:
    """What a ratio of both sides says of a bound."""
    if _off(ratio) <= NEAR:
        return "attained"
    if _off(ratio) <= WITHIN_REACH:
        return "limit"
    return f"within ×{max(ratio, 1 / ratio if ratio else float('inf')):.6g}"


def statuses(evidence: Iterable[Evidence]) -> list[ClaimStatus]:
    """One status for every claim, in the order of the theory; one without record is untested."""
    by_claim: dict[str, list[Evidence]] = {claim_id: [] for claim_id in CLAIMS}
    for one in evidence:
        by_claim[one.claim].append(one)
    return [ClaimStatus(CLAIMS[claim_id], tuple(found)) for claim_id, found in by_claim.items()]


def claims_json(found: Sequence[ClaimStatus], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `claims.json`; the proof checker's label stands beside the status."""
    labels = formal_of(CLAIMS)
    rows = []
    for one in found:
        label = labels.get(one.claim.id)
        rows.append({**one.json(), "formal": None if label is None else asdict(label)})
    return {"version": VERSION, "manifest": dict(manifest), "claims": rows}


def write_claims(path: Path, found: Sequence[ClaimStatus], manifest: Mapping[str, Any]) -> None:
    """Write `claims.json`, whole or not at all; its folder is made if need be.

    Raises:
        InputError: if the place cannot be written.
    """
    write_whole(path, to_json(claims_json(found, manifest)), parents=True)


def read_evidence(path: Path) -> list[Evidence]:
    """The evidence in a `claims.json`.

    Raises:
        InputError: if it is missing or no such file.
    """
    try:
        content = json.loads(read_bytes(path))
        if content["version"] != VERSION:
            raise InputError(f"{path}: has version {content['version']}, not {VERSION}; run again")
        return cattrs.structure(
            [one for row in content["claims"] for one in row["checks"]], list[Evidence]
        )
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, cattrs.BaseValidationError):
        raise InputError(f"{path}: is no claims.json of this project; run again") from None


@dataclass(frozen=True)
class Report:
    """What a run has shown.

    Attributes:
        statuses: one a claim, in the order of the theory.
        manifest: where the numbers come from.
    """

    statuses: tuple[ClaimStatus, ...]
    manifest: Mapping[str, Any]

    @property
    def verdict(self) -> Verdict:
        """FAILS if a claim or a check does, UNDECIDED if an example is or none says anything."""
        if any(one.problems for one in self.statuses):
            return Verdict.FAILS
        if any(one.undecided or one.status is Status.UNTESTED for one in self.statuses):
            return Verdict.UNDECIDED
        return Verdict.HOLDS

    def __getitem__(self, claim_id: str) -> ClaimStatus:
        return next(one for one in self.statuses if one.claim.id == claim_id)

    def json(self) -> dict[str, Any]:
        """The content of `claims.json`."""
        return claims_json(self.statuses, self.manifest)
