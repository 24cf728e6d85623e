"""``{claim} E3`` as a block and as a role: a claim whole, or a link to it, from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sharprates.theory.claim import Claim, Kind
from sharprates.theory.registry import CLAIMS
from sharprates.verification.formal import formal_of
from sharprates.verification.scope import Scope, conditions, scope
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole

from sharpbook import plot, results

BLOCKS = {Kind.THEOREM: "theorem", Kind.IDENTITY: "proposition", Kind.CONJECTURE: "conjecture"}

PROMISES = {
    "A1": "a direct TV analysis of Euler, by an error decomposition along the trajectory",
    "A2": "relaxed assumptions on score estimation",
    "A3": "improved parameter dependencies",
    "A4": "no surrogate initialization",
    "A5": "the first lower bound for Euler, tight in d and ε",
    "A6": "first hitting incurs no sampling error beyond score estimation",
    "A7": "a matching lower bound for first hitting",
}
"""What the abstract of arXiv 2602.22505 promises, in short words of ours."""

CITATIONS = {
    "2409.02908": "zheng2024masked",
    "2511.04647": "chen2025optimal",
    "2505.21400": "li2025convergence",
    "2608.25505": "wen2026",
    "2505.24857": "benhamu2025accelerated",
    "2211.17192": "leviathan2023fast",
    "2302.01318": "chen2023accelerating",
    "2503.00307": "wang2025remasking",
    "2512.25014": "jiang2025diffusion",
}
"""arXiv number in a provenance → key in references.bib."""


def link(claim_id: str) -> str:
    """MyST text of a link to a claim."""
    return f"{{claim}}`{claim_id}`"


def source(one: Claim) -> str:
    """MyST text: where a claim comes from."""
    texts = []
    for work in one.provenance.works:
        keys = [key for number, key in CITATIONS.items() if number in work]
        due = "" if work.startswith("after ") else "due to "
        texts.append(due + work + "".join(f" {{cite:p}}`{key}`" for key in keys))
    if one.provenance.derived:
        texts.append("derived in this project")
    for promise in one.provenance.promises:
        texts.append(f"makes good promise {promise} ({PROMISES[promise]})")
    if one.provenance.promises:
        texts[-1] += " of the abstract of {cite:t}`liang2026sharp`"
    return "; ".join(texts) + "."


def evidence(row: Mapping[str, Any]) -> str:
    """MyST text: what a run found about a claim."""
    if not row or row["status"] == "untested":
        return "**untested**: the latest run has no check of it."
    texts = [f"**{row['status']}**"]
    conjecture = CLAIMS[row["id"]].kind is Kind.CONJECTURE if row.get("id") in CLAIMS else False
    if conjecture and row["status"] != "refuted":
        texts = [f"**open**: no counterexample in {row['n']} instances"]
    if row.get("n"):
        texts.append(f"{row['n_counting']} of {row['n']} instances count")
    if row.get("proofs"):
        texts.append(f"decided symbolically: {'; '.join(map(_safe, row['proofs']))}")
    ratio = row.get("ratio") or {}
    if ratio.get("worst") is not None:
        texts.append(f"worst measured/bound {words(ratio['worst'])} at `{ratio['instance']}`")
    if sharpness(row):
        texts.append(_safe(sharpness(row)))
    if row.get("break_even"):
        texts.append(f"begins to fail when scaled: {_safe(words(row['break_even']))}")
    power = row.get("power") or []
    if power:
        killed = sum(bool(one.get("killed")) for one in power)
        texts.append(f"{killed} of {len(power)} mutants rejected")
    return "; ".join(texts) + "."


def scoped(one: Claim, row: Mapping[str, Any]) -> list[str]:
    """MyST lines: what the claim is stated for, what a run tried, and what neither tried."""
    found = Scope(**row["scope"]) if row.get("scope") else scope(one, ())
    lines = ["::::{dropdown} Stated against checked", f"* **Stated** for {_safe(found.stated)}."]
    lines += [f"* **Tried** {_safe(text)}." for text in found.tried]
    lines += [f"* **Not tried:** {_safe(text)}." for text in found.not_tried]
    return [*lines, "::::"]


def checked(one: Claim) -> str:
    """MyST text: what Coq says of the claim, and how much of it that covers."""
    label = formal_of(CLAIMS)[one.id]
    if not label.theorem:  # there is nothing to run, or nothing was run
        return f"{_safe(label.reason)}."
    about = [text for text in (_safe(label.covers), _safe(label.reason)) if text]
    return f"**{label.status}**: {' '.join(about)}" if about else f"**{label.status}**."


def _safe(text: str) -> str:
    """Text of a run that must not be read as markup."""
    return text.translate({ord(c): f"\\{c}" for c in "\\`*_$[]<>{}|"})


def sharpness(row: Mapping[str, Any]) -> str:
    """How near the worst instance comes, in a few words."""
    found = row.get("sharpness") or {}
    texts = [str(found["kind"])] if found.get("kind") else []
    for limit in found.get("limits") or ():
        texts.append(
            f"limit {words(limit['last'])} along {limit['family']}, "
            f"the gap like {limit['parameter']}^−{limit['exponent']:.2f}"
        )
    if found.get("kind") == "limit":
        texts.append(f"ratio: {words(found['ratio'])}")
    texts += [f"{regime}: {kind}" for regime, kind in (found.get("regimes") or {}).items()]
    return "; ".join(texts)


def words(value: Any) -> str:
    """A value of `claims.json` in a few words; what is not 1 does not read 1."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} ×{words(inner)}" for name, inner in value.items())
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.4g}"
    return f"{value:.7g}" if text == "1" else text


def block(one: Claim, row: Mapping[str, Any]) -> str:
    """MyST text of a claim: statement, formula, conditions, origin, evidence, other forms."""
    lines = [
        f"::::::{{prf:{BLOCKS[one.kind]}}} {one.id} · {one.title}",
        f":label: {one.id}",
        ":class: claim",
        "",
        one.statement,
        "",
        ":::::{container} claim-facts",
        "",
        "$$",
        one.formula(),
        "$$",
        "",
    ]
    if one.constants:
        named = ", ".join(f"`{one.id}.{name}` = {value}" for name, value in one.constants.items())
        lines += [f"**Constants.** {named}", ""]
    lines += [f"**Hypotheses.** {conditions(one.hypotheses) or 'none beyond the notation'}.", ""]
    lines += [f"**Origin.** {source(one)[0].upper()}{source(one)[1:]}", ""]
    if one.depends_on:
        lines += [f"**Uses.** {', '.join(map(link, one.depends_on))}.", ""]
    lines += [f"**Evidence.** {evidence(row)}", ""]
    lines += [f"**Proof checker.** {checked(one)}", ""]
    lines += [*scoped(one, row), ""]
    drawn = plot.figure(row)
    if drawn:
        lines += ["```{raw} html", drawn, "```", ""]
    if one.variants:
        lines += ["::::{dropdown} Other forms and consequences", ""]
        for name, form in one.variants.items():
            also = conditions(form.hypotheses)
            lines += [f"`{name}`" + (f" ({also})" if also else ""), ""]
            lines += ["$$", one.formula(name), "$$", ""]
        lines += ["::::", ""]
    return "\n".join([*lines, ":::::", "::::::"])


class ClaimDirective(SphinxDirective):
    """``{claim} E3``: the claim as a labelled block."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the text of `block` in place."""
        name = self.arguments[0].strip()
        if name not in CLAIMS:
            raise self.error(f"claim {name!r} is not in the registry")
        outcome = results.load()
        text = block(CLAIMS[name], outcome.row(name)).split("\n")
        around = nodes.container(classes=["claim-block", f"status-{outcome.status(name)}"])
        self.state.nested_parse(StringList(text, self.get_source_info()[0]), 0, around)
        pages(self.env)[name] = self.env.docname
        domain = self.env.get_domain("std")
        domain.labels[_label(name)] = (self.env.docname, name, CLAIMS[name].title)
        domain.anonlabels[_label(name)] = (self.env.docname, name)
        return [around]


def promises() -> str:
    """MyST text: each promise of the abstract and the claims that make it good."""
    lines = []
    for name, text in PROMISES.items():
        made = [link(one.id) for one in CLAIMS.values() if name in one.provenance.promises]
        lines.append(f"* **{name}**, {text}: {', '.join(made)}.")
    return "\n".join(lines)


class PromisesDirective(SphinxDirective):
    """``{promises}``: the list of `promises`."""

    def run(self) -> list[nodes.Node]:
        """Parse the list in place."""
        around = nodes.container()
        lines = StringList(promises().split("\n"), self.get_source_info()[0])
        self.state.nested_parse(lines, 0, around)
        return [around]


class ClaimRole(SphinxRole):
    """``{claim}`E3```: a link that reads E3 and tells the title on hover."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """A pending reference to the block."""
        name = self.text.strip()
        if name not in CLAIMS:
            message = self.inliner.reporter.error(f"claim {name!r} is not in the registry")
            return [nodes.inline(text=name)], [message]
        text = nodes.inline(text=name, classes=["claim-link"])
        reference = addnodes.pending_xref(
            "",
            text,
            refdomain="std",
            reftype="ref",
            reftarget=_label(name),
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        reference["title"] = CLAIMS[name].title
        return [reference], []


def pages(env: BuildEnvironment) -> dict[str, str]:
    """Claim id → page on which it stands."""
    if not hasattr(env, "claim_pages"):
        env.claim_pages = {}  # type: ignore[attr-defined]  # Sphinx's way to keep own data
    found: dict[str, str] = env.claim_pages
    return found


def _label(name: str) -> str:
    return f"claim-{name.lower()}"


def _purge(_: Sphinx, env: BuildEnvironment, docname: str) -> None:
    for name, page in list(pages(env).items()):
        if page == docname:
            del pages(env)[name]


def _before_reading(_: Sphinx, env: BuildEnvironment, __: list[str]) -> None:
    pages(env)


def setup(app: Sphinx) -> None:
    """Register the directive and the role."""
    app.add_directive("claim", ClaimDirective)
    app.add_directive("promises", PromisesDirective)
    app.add_role("claim", ClaimRole())
    app.connect("env-purge-doc", _purge)
    app.connect("env-before-read-docs", _before_reading)
