"""``{claim} E3`` as a block and as a role: a claim whole, or a link to it, from the registry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from html import escape
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sharprates.theory.abstract import PROMISES
from sharprates.theory.claim import BOUNDS, Claim, Kind, Relation
from sharprates.theory.headlines import HEADLINES
from sharprates.theory.registry import CLAIMS
from sharprates.verification.formal import formal_of
from sharprates.verification.instance import opens
from sharprates.verification.scope import Scope, conditions, scope
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole

from sharpbook import plot, results

BLOCKS = {Kind.THEOREM: "theorem", Kind.IDENTITY: "proposition", Kind.CONJECTURE: "conjecture"}

MARKS = {"machine-checked": "✓✓", "proved": "✓", "conjecture": "?", "refuted": "✗"}
"""Label of a proof → sign, so that colour is not the only carrier."""

CITATIONS = {
    "2409.02908": "zheng2024masked",
    "2511.04647": "chen2025optimal",
    "2505.21400": "li2025convergence",
    "2608.25505": "wen2026",
    "2505.24857": "benhamu2025accelerated",
    "2211.17192": "leviathan2023fast",
    "2302.01318": "chen2023accelerating",
    "2503.00307": "wang2025remasking",
    "2506.02318": "liang2025absorb",
    "2608.13520": "wainwright2026",
    "2510.25544": "lavenant2025error",
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
        texts.append(f"delivers {promise} ({PROMISES[promise]})")
    if one.provenance.promises:
        texts[-1] += " of the abstract of {cite:t}`liang2026sharp`"
    return "; ".join(texts) + "."


def evidence(one: Claim, row: Mapping[str, Any]) -> list[str]:
    """MyST lines: what a run found about a claim."""
    if not row.get("n"):
        return ["* no check of it is stored: `sharprates verify` runs them."]
    texts = [f"decided {'; '.join(results.tried(row))}" if results.tried(row) else ""]
    texts.append(f"on {row['n_counting']} of {row['n']} instances the claim says something")
    if row.get("proofs"):
        texts.append(f"symbolic: {'; '.join(map(_safe, row['proofs']))}")
    ratio = row.get("ratio") or {}
    if ratio.get("worst") is not None and one.relation in BOUNDS:
        share = f"measured over bound is {words(ratio['worst'])}"
        texts.append(f"nearest to failing: `{ratio['instance']}`, where {share}")
    law = worst(row)
    if one.relation in BOUNDS and opens(one, law):
        texts.append(f"to see it whole: {{raw-html}}`{copied(open_command(one.id, law))}`")
    texts += [_safe(text) for text in [*trends(row), *breaks(row), *results.notes(row)]]
    power = row.get("power") or []
    if power:
        killed = sum(bool(mutant.get("killed")) for mutant in power)
        named = "; ".join(dict.fromkeys(mutant["mutant"] for mutant in power))
        texts.append(f"altered claims that are rejected: {killed} of {len(power)} ({_safe(named)})")
    return [f"* {text}." for text in filter(None, texts)]


def trends(row: Mapping[str, Any]) -> list[str]:
    """What the ratio of both sides tends to along families."""
    found = []
    for limit in (row.get("sharpness") or {}).get("limits") or ():
        text = f"measured over bound is {words(limit['last'])} along {limit['family']}"
        if limit.get("at"):
            text += f" at {limit['parameter']} = {limit['at']:g}"
        if limit.get("exponent"):
            text += f"; 1 less that ratio falls like {limit['parameter']}^−{limit['exponent']:.2g}"
        found.append(text)
    return found


def breaks(row: Mapping[str, Any]) -> list[str]:
    """How far the tried instances let constants be improved; a part of a claim speaks for itself.

    Of several checks the one that leaves least room says it.
    """
    nearest: dict[tuple[str, str], float] = {}
    for check in row.get("checks") or ():
        for name, x in (check.get("break_even") or {}).items():
            place = (check.get("regime") or "", name)
            if x is not None:
                nearest[place] = min(x, nearest.get(place, x), key=lambda y: abs(1 - y))
    found = []
    for (regime, name), x in nearest.items():
        part, end = f" ({regime})" if regime else "", "smaller" if x < 1 else "larger"
        room = f"{name} × {words(x)}, and nothing {end}"
        found.append(
            f"the tried instances allow no better {name}{part}"
            if words(x) == "1"
            else f"the tried instances would allow {room}{part}"
        )
    return found


def sharp(one: Claim, row: Mapping[str, Any]) -> str:
    """Whether a claim's constant can be lowered, in a few words, the regime that matters first."""
    found = row.get("sharpness") or {}
    if one.relation not in BOUNDS:
        off = [x["difference"] for x in row.get("checks") or () if x.get("difference") is not None]
        most = max(off, default=None)
        if most is None or not row.get("n"):
            return ""
        small = "0" if most == 0 else "below 1e-30" if most < 1e-30 else f"{most:.1g}"
        side = "on its family " if one.relation is Relation.WORST_CASE else ""
        return f"equal {side}on {row['n']} instances, largest difference {small}"
    texts = [
        f"{name}: {_factor(kind)}"
        for name, kind in (found.get("regimes") or {}).items()
        if "leftover" not in name
    ]
    kind = found.get("kind")
    # the families along which the claim itself, not a part of it, is nearest to failing
    own = [
        limit
        for limit in found.get("limits") or ()
        if limit.get("exponent") and (kind == "limit" or limit["last"] == found.get("ratio"))
    ]
    if kind == "attained":
        degenerate = DEGENERATE.search(str((row.get("ratio") or {}).get("instance")))
        where = f" ({DEGENERATES[degenerate.lastgroup or '']})" if degenerate else ""
        texts.append(f"attained{where}" if where and texts else f"yes, attained{where}")
    elif kind == "limit" or any(own):
        texts.append("in the limit" + (f", along {own[0]['family']}" if own else ""))
    elif kind:
        texts.append(_factor(kind))
    return "; ".join(texts)


DEGENERATE = re.compile(r"(?P<step>K=1\b|w=\([^ )]*\))|(?P<token>\bd=1\b)")
DEGENERATES = {"step": "in one step", "token": "at one token"}
"""Instances on which many bounds are attained and that say little."""


def _factor(kind: str) -> str:
    return kind.replace("within ×", "within a factor ").replace("limit ", "the ratio reaches ")


def worst(row: Mapping[str, Any]) -> str:
    """The instance nearest to failing."""
    return _instance(str((row.get("ratio") or {}).get("instance") or ""), row)


def worst_of_regimes(row: Mapping[str, Any]) -> dict[str, str]:
    """Regime → the instance nearest to failing in it, if the claim's own says little."""
    if not DEGENERATE.search(str((row.get("ratio") or {}).get("instance"))):
        return {}
    found = {}
    for name in (row.get("sharpness") or {}).get("regimes") or ():
        rated = [one for one in row["checks"] if one.get("regime") == name and one.get("ratio")]
        if "leftover" not in name and rated:
            nearest = min(rated, key=lambda one: abs(1 - one["ratio"]))
            found[name] = _instance(str(nearest["instance"]), row)
    return found


def _instance(text: str, row: Mapping[str, Any]) -> str:
    """An instance in words; weights that a family's name gives are left out."""
    if re.search(r"S=\d+ [a-z-]+ q0=", text):
        return re.sub(r" q0=\[[^]]*\]", "", text)
    if not text or "q0=" in text:
        return text
    # numbers alone: the check says what they are of
    checks = [one["check"] for one in row.get("checks") or () if one.get("instance") == text]
    return f"{checks[0]}: {text}" if checks else text


def command(claim_id: str) -> str:
    """What re-runs a claim's checks."""
    return f"sharprates verify --claims {claim_id}"


def open_command(claim_id: str, law: str) -> str:
    """What shows a single instance: its numbers, both sides of each form, and the slack."""
    return f"{command(claim_id)} --on '{law}'"


def copied(text: str) -> str:
    """HTML of a command beside which a script puts a button that copies it."""
    return f'<code class="command">{escape(text)}</code>'


def line(one: Claim, row: Mapping[str, Any]) -> str:
    """HTML of the one line below a claim's inequality."""
    parts = []
    if sharp(one, row):
        label = "sharp?" if one.relation in BOUNDS else "checked"
        parts.append(f"<b>{label}</b> {escape(sharp(one, row))}")
    if one.relation in BOUNDS and worst(row):
        label = "nearest law" if one.kind is Kind.CONJECTURE else "worst law"
        parts.append(f"<b>{label}</b> <code>{escape(worst(row))}</code>")
    parts.append(f"<b>re-run</b> {copied(command(one.id))}")
    return f'<p class="claim-line">{" · ".join(parts)}</p>'


def scoped(one: Claim, row: Mapping[str, Any]) -> list[str]:
    """MyST lines: what the claim is stated for, what a run tried, and what neither tried."""
    found = Scope(**row["scope"]) if row.get("scope") else scope(one, ())
    lines = [f"* **Stated** for {_safe(found.stated)}."]
    lines += [f"* **Tried** {_safe(text)}." for text in found.tried]
    return lines + [f"* **Not tried:** {_safe(text)}." for text in found.not_tried]


def checked(one: Claim, row: Mapping[str, Any]) -> str:
    """MyST text: what Coq says of the claim, and how much of it that covers."""
    label = formal_of(CLAIMS)[one.id]
    kept = row.get("formal") or {}
    if label.status not in results.MACHINE and kept.get("status") in results.MACHINE:
        return _safe(f"{kept['covers']} {kept['reason']}".strip())
    if label.status in results.MACHINE:
        return " ".join(_safe(text) for text in (label.covers, label.reason) if text)
    return f"Proof checker: {_safe(label.reason)}."


def _safe(text: str) -> str:
    """Text of a run that must not be read as markup."""
    return text.translate({ord(c): f"\\{c}" for c in "\\`*_$[]<>{}|"})


def words(value: Any) -> str:
    """A value of `claims.json` in a few words; what is not 1 does not read 1."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} ×{words(inner)}" for name, inner in value.items())
    if not isinstance(value, float):
        return str(value)
    text = f"{value:.4g}"
    return f"{value:.7g}" if text == "1" else text


LETTERS = "Letters: [definitions](notation.md)."


def block(one: Claim, row: Mapping[str, Any], proof: str) -> str:
    """MyST text of a claim: what it comes to, one inequality, where it holds; all else closed."""
    chip = f'<span class="chip proof-{proof}">{MARKS[proof]} {proof}</span>'
    head = HEADLINES.get(one.id)
    says = f"**{head.says}.** " if head else ""
    lines = [f"::::::{{prf:{BLOCKS[one.kind]}}} {one.id} · {one.title}", f":label: {one.id}"]
    lines += [":class: claim", "", says + f"{{raw-html}}`{chip}`", ""]
    lines += ["$$", head.display, "$$", ""] if head else [one.statement, ""]
    where = conditions(one.hypotheses) or "always"
    lines += [":::::{container} claim-facts", "", f"**Where.** {_safe(where)}. {LETTERS}", ""]
    lines += ["```{raw} html", line(one, row), "```", ""]
    lines += ["::::{dropdown} Whole statement and evidence", ""]
    if head:
        lines += [one.statement, ""]
    lines += ["As it is evaluated:", "", "$$", one.formula(), "$$", ""]
    if one.constants:
        named = ", ".join(f"`{one.id}.{name}` = {value}" for name, value in one.constants.items())
        lines += [f"**Constants.** {named}", ""]
    lines += [f"**Origin.** {source(one)[0].upper()}{source(one)[1:]}", ""]
    if one.depends_on:
        lines += [f"**Uses.** {', '.join(map(link, one.depends_on))}.", ""]
    lines += [f"**Proof.** {results.PROOFS[proof].capitalize()}. {checked(one, row)}", ""]
    lines += ["**Evidence.**", "", *evidence(one, row), ""]
    lines += [*scoped(one, row), ""]
    drawn = plot.figure(row) if one.relation in BOUNDS else ""
    if drawn:
        lines += ["```{raw} html", drawn, "```", ""]
    if one.variants:
        lines += ["**Other forms and consequences.**", ""]
        for name, form in one.variants.items():
            also = conditions(form.hypotheses)
            lines += [f"`{name}`" + (f" ({also})" if also else ""), ""]
            lines += ["$$", one.formula(name), "$$", ""]
    return "\n".join([*lines, "::::", "", ":::::", "::::::"])


class ClaimDirective(SphinxDirective):
    """``{claim} E3``: the claim as a labelled block."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the text of `block` in place."""
        name = self.arguments[0].strip()
        if name not in CLAIMS:
            raise self.error(f"claim {name!r} is not in the registry")
        outcome = results.load()
        proof = outcome.proof(name)
        text = block(CLAIMS[name], outcome.row(name), proof).split("\n")
        around = nodes.container(classes=["claim-block", f"proof-{proof}"])
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


def raw_html(
    _name: str, _raw: str, text: str, *_: Any, **__: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """A role that puts HTML into a line of text."""
    return [nodes.raw("", text, format="html")], []


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


class ClaimDomain(Domain):
    """Makes an id a thing that the search knows, before any word of a page."""

    name = "theorem"
    label = "Claims"
    object_types: ClassVar[dict[str, ObjType]] = {"claim": ObjType("claim")}

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Name, what is shown, type, page, place on it, and priority: the highest."""
        for name, page in pages(self.env).items():
            # a place that is the name would be taken from what is shown
            yield f"claim {name}", f"{name} · {CLAIMS[name].title}", "claim", page, name, 0

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        """There is nothing to merge: the pages of claims are kept by the environment."""


def _label(name: str) -> str:
    return f"claim-{name.lower()}"


def _purge(_: Sphinx, env: BuildEnvironment, docname: str) -> None:
    for name, page in list(pages(env).items()):
        if page == docname:
            del pages(env)[name]


def _merge(_: Sphinx, env: BuildEnvironment, docnames: Set[str], other: BuildEnvironment) -> None:
    """What another process read."""
    pages(env).update({name: page for name, page in pages(other).items() if page in docnames})


def _before_reading(_: Sphinx, env: BuildEnvironment, __: list[str]) -> None:
    pages(env)


def setup(app: Sphinx) -> None:
    """Register the directive and the role."""
    app.add_domain(ClaimDomain)
    app.add_directive("claim", ClaimDirective)
    app.add_directive("promises", PromisesDirective)
    app.add_role("claim", ClaimRole())
    app.add_role("raw-html", raw_html)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-before-read-docs", _before_reading)
