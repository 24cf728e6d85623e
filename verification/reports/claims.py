"""One claim whole: what it says and when, its proofs, its checks, and what the last run found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sharprates.samplers.errors import InputError
from sharprates.theory.claim import Claim
from sharprates.theory.proofs import proofs_of
from sharprates.theory.registry import CLAIMS
from sharprates.verification.checks.check import Check
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.formal import formal_of
from sharprates.verification.status import CLAIMS_JSON, read_evidence, statuses


def page(one: Claim, results: Path = CLAIMS_JSON) -> dict[str, object]:
    """What is known of a claim, in plain values for JSON.

    Args:
        one: the claim.
        results: the `claims.json` of a run, if there is one.
    """
    return {
        "id": one.id,
        "title": one.title,
        "kind": one.kind.value,
        "relation": one.relation.value,
        "statement": one.statement,
        "formula": one.formula(),
        "constants": {name: str(value) for name, value in one.constants.items()},
        "hypotheses": [hypothesis.reason for hypothesis in one.hypotheses],
        "promises": list(one.provenance.promises),
        "works": list(one.provenance.works),
        "depends_on": list(one.depends_on),
        "variants": {name: one.formula(name) for name in one.variants},
        "proofs": [{"says": proof.says, "rejects": [proof.mutant]} for proof in proofs_of(one.id)],
        "checks": [
            {
                "says": f"{check.name} ({check.method})",
                "rejects": [mutant.name for mutant in check.mutants],
            }
            for check in checks_of(one.id)
            if isinstance(check, Check)
        ],
        "proof_checker": _label(one),
        "last_run": _last_run(one, results),
    }


def _label(one: Claim) -> list[str]:
    """What the proof checker says, and how much of the claim it speaks of."""
    label = formal_of(CLAIMS).get(one.id)
    if label is None:
        return []
    about = (label.theorem, label.covers, label.reason, ", ".join(label.axioms))
    return [": ".join(filter(None, (label.status, *about)))]


def _last_run(one: Claim, results: Path) -> dict[str, object] | None:
    """The claim's row of `claims.json`, without what each check found; None without such a file."""
    try:
        evidence = read_evidence(results)
    except InputError:
        return None
    (found,) = [status for status in statuses(evidence) if status.claim.id == one.id]
    return {key: value for key, value in found.json().items() if key != "checks"}


def text(content: Mapping[str, object]) -> str:
    """A page for a terminal.

    Args:
        content: from `page`.
    """
    lines = []
    for name, value in content.items():
        if name == "last_run":
            shown = _run_text(value)
        elif isinstance(value, Mapping):
            shown = [f"{key} = {meaning}" for key, meaning in value.items()]
        elif isinstance(value, list):
            words = [one for one in value if isinstance(one, str)]
            shown = [", ".join(words)] if words else []
            shown += [
                f"{one['says']}; rejects: {', '.join(one['rejects'])}"
                for one in value
                if isinstance(one, Mapping)
            ]
        else:
            shown = [str(value)]
        heads = [name.replace("_", " "), *[""] * len(shown)]
        lines += [f"{head:12} {line}" for head, line in zip(heads, shown, strict=False)]
    return "\n".join(lines)


def _run_text(row: object) -> list[str]:
    if not isinstance(row, Mapping):
        return [f"none is stored in {CLAIMS_JSON}; `sharprates verify` writes it"]
    ratio, power = row["ratio"], row["power"]
    killed = sum(mutant["killed"] for mutant in power)
    lines = [
        f"{row['status']}: {row['n_counting']} of {row['n']} examples count; {len(row['proofs'])} "
        f"symbolic proofs; {killed} of {len(power)} mutants rejected"
    ]
    if ratio["worst"] is not None:
        lines.append(f"ratio {ratio['worst']:.6g} at {ratio['instance']}")
    if row["sharpness"] is not None:
        lines.append(row["sharpness"]["kind"])
    lines += [f"fails: {failure}" for failure in row["failures"]]
    return lines
