"""The graph of claims: layers by networkx, drawn as an SVG whose nodes are links."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import networkx as nx
from docutils import nodes
from sharprates.theory.claim import Claim, Kind
from sharprates.theory.registry import CLAIMS
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sharpbook import results

WIDTH, HEIGHT = 178, 52
STRIDE_X, STRIDE_Y, GAP = 226, 60, 9
"""From a box to the next, and the height that a passing edge is given."""
MARGIN = 8

MARKS = {
    "certified": "✓✓",
    "tested": "✓",
    "sampled": "≈",
    "open": "?",
    "untested": "–",
    "refuted": "✗",
}
"""Status → sign, so that colour is not the only carrier."""


class ClaimGraph(nodes.General, nodes.Element):
    """Placeholder that is drawn when all pages are known."""


@dataclass(frozen=True)
class Node:
    """One claim as it is drawn.

    Attributes:
        x: left edge, px.
        y: upper edge, px.
        claim: the claim.
        status: computed by a run.
        link: address relative to the page.
    """

    x: float
    y: float
    claim: Claim
    status: str
    link: str


Bend = tuple[str, int]
"""The edges of a claim that cross a column without ending there: (claim, column)."""


def places(
    claims: Mapping[str, Claim],
) -> tuple[dict[str, tuple[float, float]], dict[Bend, tuple[float, float]]]:
    """Where claims and bends are: a column for each layer, sorted so that few edges cross.

    Args:
        claims: id → claim.

    Returns:
        Upper left corner of each claim's box, and left end of each bend, px. An edge always goes
        from a column to one further to the right, in the columns between along its bends.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(claims)
    graph.add_edges_from((one, claim.id) for claim in claims.values() for one in claim.depends_on)
    layers: list[list[str | Bend]] = [list(layer) for layer in nx.topological_generations(graph)]
    # nobody builds on these and they build on nothing: beside the last claims they cross no edge
    alone = [name for name in layers[0] if graph.degree(name) == 0]
    layers[0] = [name for name in layers[0] if name not in alone]
    layers[-1] += alone
    column = {name: i for i, layer in enumerate(layers) for name in layer}
    for one, other in list(graph.edges):
        bends = [(one, i) for i in range(column[one] + 1, column[other])]
        graph.remove_edge(one, other)
        nx.add_path(graph, [one, *bends, other])
        for bend in bends:
            if bend not in layers[bend[1]]:
                layers[bend[1]].append(bend)

    def tall(one: str | Bend) -> float:
        return GAP if isinstance(one, tuple) else STRIDE_Y

    centre: dict[str | Bend, float] = {}
    tallest = max(sum(map(tall, layer)) for layer in layers)

    def stack(layer: list[str | Bend]) -> None:
        space, y = (tallest - sum(map(tall, layer))) / len(layer), 0.0
        for one in layer:
            centre[one] = y + (tall(one) + space) / 2
            y += tall(one) + space

    for layer in layers:
        stack(layer)
    for sweep in range(24):
        forward = sweep % 2 == 0
        near = graph.predecessors if forward else graph.successors
        for layer in layers if forward else reversed(layers):
            mean = {}
            for one in layer:
                around = [centre[other] for other in near(one)]
                mean[one] = sum(around) / len(around) if around else centre[one]
            layer.sort(key=mean.__getitem__)
            stack(layer)

    boxes, bends_at = {}, {}
    for i, layer in enumerate(layers):
        for one in layer:
            x = MARGIN + i * STRIDE_X
            if isinstance(one, tuple):
                bends_at[one] = (x, MARGIN + centre[one])
            else:
                boxes[one] = (x, MARGIN + centre[one] - HEIGHT / 2)
    return boxes, bends_at


def draw(drawn: Mapping[str, Node], bends: Mapping[Bend, tuple[float, float]]) -> str:
    """The SVG text; colours come from the page's style sheet, for light and dark."""
    width = max(node.x for node in drawn.values()) + WIDTH + MARGIN
    height = max(node.y for node in drawn.values()) + HEIGHT + MARGIN
    parts = [
        f'<div class="claim-graph stretch"><svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        'aria-label="Graph of claims; an arrow leads from a claim to one whose proof uses it">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>',
    ]
    for node in drawn.values():
        for name in node.claim.depends_on:
            parts.append(_edge(drawn[name], node, bends))
    parts += [_box(node) for node in drawn.values()]
    return "".join([*parts, "</svg></div>"])


def _edge(source: Node, target: Node, bends: Mapping[Bend, tuple[float, float]]) -> str:
    name = source.claim.id
    x, y = source.x + WIDTH, source.y + HEIGHT / 2
    between = sorted(at for (one, _), at in bends.items() if one == name and at[0] < target.x)
    line = f"M{x:.0f} {y:.1f}"
    for x1, y1 in [*between, (target.x - 1, target.y + HEIGHT / 2)]:
        bend = (x1 - x) / 2
        line += f"C{x + bend:.0f} {y:.1f} {x1 - bend:.0f} {y1:.1f} {x1:.0f} {y1:.1f}"
        x, y = x1 + WIDTH, y1
        if x < target.x:
            line += f"H{x:.0f}"
    return (
        f'<path class="edge" data-from="{name}" data-to="{target.claim.id}" d="{line}" '
        'marker-end="url(#tip)"/>'
    )


def _box(node: Node) -> str:
    one = node.claim
    kind = " conjecture" if one.kind is Kind.CONJECTURE else ""
    lines = textwrap.wrap(one.title, 25)[:2]
    text = "".join(
        f'<text x="{node.x + 8:.0f}" y="{node.y + 31 + 13.5 * i:.1f}" class="title">'
        f"{escape(line)}</text>"
        for i, line in enumerate(lines)
    )
    label = f"{one.id}: {one.title}. {one.kind.value}, {node.status}"
    return (
        f'<a href="{escape(node.link)}" class="node status-{node.status}{kind}" '
        f'data-claim="{one.id}"><title>{escape(label)}</title>'
        f'<rect x="{node.x:.0f}" y="{node.y:.1f}" width="{WIDTH}" height="{HEIGHT}" rx="7"/>'
        f'<text x="{node.x + 8:.0f}" y="{node.y + 17:.1f}" class="id">{one.id}'
        f"{'?' if kind else ''}</text>"
        f'<text x="{node.x + WIDTH - 8:.0f}" y="{node.y + 17:.1f}" class="mark">'
        f"{MARKS[node.status]}</text>{text}</a>"
    )


class ClaimGraphDirective(SphinxDirective):
    """``{claim-graph}``: the graph and its legend."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder: links need the pages of all claims."""
        return [ClaimGraph()]


def _legend() -> str:
    items = [
        f'<li><span class="chip status-{status}">{MARKS[status]} {status}</span> {meaning}</li>'
        for status, meaning in results.STATUSES.items()
    ]
    items.append(
        '<li><span class="chip conjecture">dashed, ?</span> a conjecture: not proved; '
        "its status is about the instances that were tried</li>"
    )
    items.append("<li>An arrow leads from a claim to one whose proof uses it.</li>")
    return f'<ul class="claim-legend">{"".join(items)}</ul>'


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    found = list(doctree.findall(ClaimGraph))
    if not found:
        return
    outcome, pages = results.load(), app.env.claim_pages  # type: ignore[attr-defined]  # ours
    drawn, (boxes, bends) = {}, places(CLAIMS)
    for name, (x, y) in boxes.items():
        page = pages.get(name)
        link = "" if page is None else app.builder.get_relative_uri(docname, page)
        drawn[name] = Node(x, y, CLAIMS[name], outcome.status(name), f"{link}#{name}")
    for node in found:
        node.replace_self(nodes.raw("", draw(drawn, bends) + _legend(), format="html"))


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_node(ClaimGraph)
    app.add_directive("claim-graph", ClaimGraphDirective)
    app.connect("doctree-resolved", _resolve)
