"""``{claim-table}``: the audit of constants, one sortable row a bound, from `claims.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from docutils import nodes
from sharprates.theory.claim import BOUNDS, OVERALL, Claim
from sharprates.theory.headlines import HEADLINES
from sharprates.theory.registry import CLAIMS
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sharpbook import results
from sharpbook.claims import MARKS, command, copied, sharp, worst, worst_of_regimes

CODE = re.compile(r"`([^`]*)`")
SCALED = re.compile(r"× (\d*\.?\d+)$|^(\d*\.?\d+) of the bound$")

HEADINGS = ("claim", "bound, and its check", "constants", "sharp?", "worst law", "detects")

ROWS = tuple(one for one in CLAIMS.values() if one.relation in BOUNDS)
"""An identity has no constant to audit."""


class ClaimTable(nodes.General, nodes.Element):
    """Placeholder that is filled when all pages are known."""


class ClaimTableDirective(SphinxDirective):
    """``{claim-table}``."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder: links need the pages of all claims."""
        return [ClaimTable()]


def detects(row: Mapping[str, Any]) -> float | None:
    """The smallest change of a constant that a check of the claim was seen to reject."""
    found = [
        abs(1 - float(scaled[1] or scaled[2]))
        for mutant in row.get("power") or ()
        if mutant.get("killed") and (scaled := SCALED.search(mutant["mutant"]))
    ]
    return min(found, default=None)


def cells(one: Claim, row: Mapping[str, Any], proof: str, link: str) -> list[tuple[str, str]]:
    """Sort key and HTML of one row's cells; an empty key sorts by what is shown."""
    named = {name: value for name, value in one.constants.items() if name != OVERALL}
    constants = ", ".join(f"{name} {value}" for name, value in named.items()) or "1"
    least = detects(row)
    ratio = (row.get("ratio") or {}).get("worst")
    chip = f'<span class="chip proof-{proof}">'
    bound, head = escape(one.title), HEADLINES.get(one.id)
    if head:
        bound += rf'<br><span class="math notranslate">\({escape(head.display)}\)</span>'
    laws = [f"<code>{escape(worst(row))}</code>"] if worst(row) else []
    for regime, law in worst_of_regimes(row).items():
        laws.append(f"{escape(regime)}: <code>{escape(law)}</code>")
    return [
        ("", f'<a href="{escape(link)}">{one.id}</a><br>{chip}{MARKS[proof]} {proof}</span>'),
        (one.title, f"{bound}<br>{copied(command(one.id))}"),
        ("", constants),
        ("" if ratio is None else f"{ratio:.9f}", escape(sharp(one, row)) or "no run stored"),
        ("", "<br>".join(laws)),
        ("", "") if least is None else (f"{least:.6f}", f"a change by {100 * least:.3g}%"),
    ]


def table(outcome: results.Results, links: Mapping[str, str]) -> str:
    """The whole table's HTML."""
    head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
    body = []
    for one in ROWS:
        found = cells(one, outcome.row(one.id), outcome.proof(one.id), links[one.id])
        row = "".join(
            f'<td data-label="{heading}" data-sort="{escape(key)}"><div>{text}</div></td>'
            for heading, (key, text) in zip(HEADINGS, found, strict=True)
        )
        body.append(f'<tr id="row-{one.id}">{row}</tr>')
    origin = CODE.sub(r"<code>\1</code>", escape(outcome.origin))
    return (
        '<div class="stretch audit"><table class="sortable cards"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        '<details class="origin"><summary>Where these numbers come from</summary>'
        f"{origin}</details>"
    )


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    found = list(doctree.findall(ClaimTable))
    if not found:
        return
    pages = app.env.claim_pages  # type: ignore[attr-defined]  # ours
    links = {name: f"{app.builder.get_relative_uri(docname, pages[name])}#{name}" for name in pages}
    text = table(results.load(), {name: links.get(name, "#") for name in CLAIMS})
    for node in found:
        node.replace_self(nodes.raw("", text, format="html"))


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_node(ClaimTable)
    app.add_directive("claim-table", ClaimTableDirective)
    app.connect("doctree-resolved", _resolve)
