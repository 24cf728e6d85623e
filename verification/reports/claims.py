"""One claim whole: what it says and when, its proofs, its checks, and what the last run found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sharprates.samplers.errors import InputError
from sharprates.theory.abstract import PROMISES
from sharprates.theory.claim import Claim
from sharprates.theory.proofs import proofs_of
from sharprates.theory.registry import CLAIMS
from sharprates.theory.symbols import LATEX, MEANINGS
from sharprates.verification.checks.check import Check
from sharprates.verification.checks.registry import checks_of
from sharprates.verification.formal import formal_of
from sharprates.verification.plain_text import readable, readable_formula
from sharprates.verification.scope import ARITHMETIC, scope
from sharprates.verification.status import CLAIMS_JSON, ClaimStatus, read_evidence, statuses


def page(one: Claim, results: Path = CLAIMS_JSON) -> dict[str, Any]:
    """What is known of a claim, in plain values for JSON.

    Args:
        one: the claim.
        results: the `claims.json` of a run, if there is one.
    """
    found = _last_run(one, results)
    return {
        "id": one.id,
        "title": one.title,
        "kind": one.kind.value,
        "relation": one.relation.value,
        "statement": one.statement,
        "formula": one.formula(),
        "letters": _letters(one),
        "constants": {name: str(value) for name, value in one.constants.items()},
        "hypotheses": [hypothesis.reason for hypothesis in one.hypotheses],
        "promises": list(one.provenance.promises),
        "works": list(one.provenance.works),
        "depends_on": list(one.depends_on),
        "variants": {name: one.formula(name) for name in one.variants},
        "proofs": [{"says": proof.says, "rejects": [proof.mutant]} for proof in proofs_of(one.id)],
        "checks": [
            {
                "says": f"{check.name} ({ARITHMETIC[check.method]})",
                "rejects": [mutant.name for mutant in check.mutants],
            }
            for check in checks_of(one.id)
            if isinstance(check, Check)
        ],
        "proof_checker": _label(one),
        "scope": asdict(found.scope if found else scope(one, ())),
        "command": f"sharprates verify --claims {one.id}",
        "last_run": None if found is None else _row(found),
    }


def _letters(one: Claim) -> dict[str, str]:
    """LaTeX of what stands in the claim's formulas → what it is."""
    forms = (None, *one.variants)
    formulas = " ".join(map(one.formula, forms))
    names = set().union(*map(one.symbols, forms))
    laws = {letter: it for letter, it in LAWS.items() if letter in formulas}
    return laws | {
        LATEX[name]: it.removeprefix("mapping: ") for name, it in MEANINGS.items() if name in names
    }


LAWS = {
    r"p_{\mathrm{out}}": "law of a parallel sampler's output",
    r"p_{\mathrm{FHS}}": "law of first hitting's output: one token a call, in a random order",
    r"q_\pi": "law of a policy's output",
    "q_0": "law of the data",
}
"""Laws in the left sides, which no formula asks for."""


def _delivered(promises: Iterable[str]) -> list[str]:
    told = "; ".join(f"{name}, {PROMISES[name]}" for name in promises)
    return [f"what the abstract of arXiv 2602.22505 promises: {told}"] if told else []


def _label(one: Claim) -> list[str]:
    """What the proof checker says, and how much of the claim it speaks of."""
    label = formal_of(CLAIMS).get(one.id)
    if label is None:
        return []
    about = (label.theorem, label.covers, label.reason, ", ".join(label.axioms))
    return [": ".join(filter(None, (label.status, *about)))]


def _last_run(one: Claim, results: Path) -> ClaimStatus | None:
    """What the run found of a claim; None without such a file."""
    try:
        evidence = read_evidence(results)
    except InputError:
        return None
    (found,) = [status for status in statuses(evidence) if status.claim.id == one.id]
    return found


def _row(found: ClaimStatus) -> dict[str, object]:
    """The claim's row of `claims.json`, without what stands elsewhere on the page."""
    return {key: value for key, value in found.json().items() if key not in ("checks", "scope")}


def text(content: Mapping[str, Any], width: int = 100, latex: bool = False) -> str:
    """A page for a terminal.

    Args:
        content: from `page`.
        width: of the lines.
        latex: formulas as LaTeX, not in Unicode.
    """
    words = (lambda text: text) if latex else readable
    formula = (lambda text: text) if latex else readable_formula
    lines = [f"{content['id']} · {content['title']} ({content['kind']}, {content['relation']})", ""]
    lines += [*_wrapped(words(content["statement"]), width, ""), ""]
    lines += [*_wrapped(formula(content["formula"]), width, "    "), ""]
    about: dict[str, list[str]] = {
        "letters": [f"{formula(name)}: {it}" for name, it in content["letters"].items()],
        "stated for": [content["scope"]["stated"]],
        "constants": [f"{name} = {value}" for name, value in content["constants"].items()],
        "other forms": [f"{name}: {formula(it)}" for name, it in content["variants"].items()],
        "from": content["works"] or ["derived in this project"],
        "delivers": _delivered(content["promises"]),
        "uses": [", ".join(content["depends_on"])],
        "last run": _run_text(content["last_run"]),
        "proof checker": content["proof_checker"],
        "tried": list(content["scope"]["tried"]),
        "not tried": list(content["scope"]["not_tried"]),
        "proofs": _told(content["proofs"]),
        "checks": _told(content["checks"]),
        "run again": [content["command"]],
    }
    for label, paragraphs in about.items():
        for number, paragraph in enumerate(filter(None, paragraphs)):
            lines += _wrapped(paragraph, width, " " * LABEL, "" if number else label)
    return "\n".join(lines)


LABEL = 15
"""Columns of the labels at the left."""


def _wrapped(paragraph: str, width: int, indent: str, label: str = "") -> list[str]:
    head = label.ljust(len(indent))
    return textwrap.wrap(
        paragraph, max(width, 40), initial_indent=head, subsequent_indent=indent
    ) or [head]


def _told(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each with the mutants that it must reject."""
    return [f"{one['says']}; rejects: {', '.join(one['rejects'])}" for one in checks]


def _run_text(row: object) -> list[str]:
    if not isinstance(row, Mapping):
        return [f"none is stored in {CLAIMS_JSON}; `sharprates verify` writes it"]
    ratio, power = row["ratio"], row["power"]
    killed = sum(mutant["killed"] for mutant in power)
    lines = [
        f"{row['status']}: {row['n_counting']} of {row['n']} examples count; {killed} of "
        f"{len(power)} mutants rejected"
    ]
    if row["sharpness"] is not None:
        lines.append(f"sharp: {row['sharpness']['kind']}")
    if ratio["worst"] is not None:
        lines.append(f"worst measured/bound {ratio['worst']:.6g} at {ratio['instance']}")
    broken = row["break_even"] or {}
    lines += [f"begins to fail at {name} × {factor:.4g}" for name, factor in broken.items()]
    lines += [f"fails: {failure}" for failure in row["failures"]]
    return lines
