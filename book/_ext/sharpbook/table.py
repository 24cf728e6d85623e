"""``{claim-table}``: the audit of constants, one sortable row a claim, from `claims.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from docutils import nodes
from sharprates.theory.registry import CLAIMS
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sharpbook import results
from sharpbook.claims import sharpness, words
from sharpbook.graph import MARKS

CODE = re.compile(r"`([^`]*)`")

HEADINGS = (
    "claim",
    "title, worst instance",
    "status",
    "kind",
    "measured / bound",
    "sharpness",
    "break-even",
    "mutants killed",
    "counting",
)


class ClaimTable(nodes.General, nodes.Element):
    """Placeholder that is filled when all pages are known."""


class ClaimTableDirective(SphinxDirective):
    """``{claim-table}``."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder: links need the pages of all claims."""
        return [ClaimTable()]


def cells(claim_id: str, row: Mapping[str, Any], status: str, link: str) -> list[str]:
    """The HTML of one row's cells."""
    one = CLAIMS[claim_id]
    chip = f'<span class="chip status-{status}">{MARKS[status]} {status}</span>'
    ratio = row.get("ratio") or {}
    power = row.get("power") or []
    killed = sum(bool(mutant.get("killed")) for mutant in power)
    count = row.get("n_counting")
    worst = ratio.get("worst")
    at = f"<br><code>{escape(str(ratio['instance']))}</code>" if ratio.get("instance") else ""
    texts = [
        f'<a href="{escape(link)}">{claim_id}</a>',
        escape(one.title) + at,
        chip,
        f"{one.kind.value}, {one.relation.value}",
        "" if worst is None else words(float(worst)),
        escape(sharpness(row)),
        escape(words(row.get("break_even") or "")),
        f"{killed} of {len(power)}" if power else "",
        "" if not row.get("n") else f"{count} of {row['n']}",
    ]
    return [f"<td>{text}</td>" for text in texts]


def table(outcome: results.Results, links: Mapping[str, str]) -> str:
    """The whole table's HTML."""
    head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
    body = "".join(
        f'<tr id="row-{name}">'
        f"{''.join(cells(name, outcome.row(name), outcome.status(name), links[name]))}</tr>"
        for name in CLAIMS
    )
    origin = CODE.sub(r"<code>\1</code>", escape(outcome.origin))
    return (
        '<div class="stretch audit"><table class="sortable"><thead><tr>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="origin">{origin}</p>'
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
