"""The graph of claims: layers by networkx, drawn as an SVG whose nodes are links."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

import networkx as nx
from docutils import nodes
from sharprates.theory.claim import Claim
from sharprates.theory.headlines import HEADLINES
from sharprates.theory.registry import CLAIMS
from sharprates.verification.plain_text import readable
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sharpbook import results
from sharpbook.claims import MARKS

WIDTH, HEIGHT = 178, 52
STRIDE_X, STRIDE_Y, GAP = 206, 60, 9
"""From a box to the next, and the height that a passing edge is given."""
MARGIN = 8

LANES = {
    "Forward process and step laws": "FS",
    "Upper bounds": "E",
    "Score error": "B",
    "Worst data": "LX",
    "First hitting and arithmetic": "HG",
    "Learned denoisers": "BC",
    "Divergence": "KU",
    "Policies": "PQ",
    "Remasking": "R",
}
"""Title of a lane → first letters of the ids in it; any other claim is in the last lane."""

OTHERS = "Further claims"
LANE = 30
"""Height of a lane's title, px."""

MAIN = ("E3", "E7", "E9", "L3", "L6", "H1", "H2", "H4")
"""The claims to which the others lead, in bold."""


class ClaimGraph(nodes.General, nodes.Element):
    """Placeholder that is drawn when all pages are known."""


@dataclass(frozen=True)
class Node:
    """One claim as it is drawn.

    Attributes:
        x: left edge, px.
        y: upper edge, px.
        claim: the claim.
        proof: what is known of it, a key of `results.PROOFS`.
        link: address relative to the page.
    """

    x: float
    y: float
    claim: Claim
    proof: str
    link: str


Bend = tuple[str, int]
"""The edges of a claim that cross a column without ending there: (claim, column)."""


def lane(claim_id: str) -> str:
    """Title of the lane of a claim."""
    return next((title for title, letters in LANES.items() if claim_id[0] in letters), OTHERS)


def places(
    claims: Mapping[str, Claim],
    topic: Callable[[str], str] = lane,
) -> tuple[dict[str, tuple[float, float]], dict[Bend, tuple[float, float]], dict[str, float]]:
    """Where claims and bends are: a column for each layer, a lane for each topic.

    Args:
        claims: id → claim.
        topic: id → title of its lane, without a title if that is empty.

    Returns:
        Upper left corner of each claim's box, left end of each bend, and upper edge of each lane,
        px. An edge always goes from a column to one further to the right, in the columns between
        along its bends, which lie in its own lane; within a lane few edges cross.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(claims)
    graph.add_edges_from((one, claim.id) for claim in claims.values() for one in claim.depends_on)
    layers: list[list[str | Bend]] = [list(layer) for layer in nx.topological_generations(graph)]
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

    def of(one: str | Bend) -> str:
        return topic(one[0] if isinstance(one, tuple) else one)

    order = [title for title in (*LANES, OTHERS, "") if title in set(map(topic, claims))]
    lanes, heights, below = {}, {}, 0.0
    for title in order:
        lanes[title] = below
        heights[title] = max(
            sum(tall(one) for one in layer if of(one) == title) for layer in layers
        )
        below += heights[title] + (LANE if title else 0)
    centre: dict[str | Bend, float] = {}

    def stack(layer: list[str | Bend]) -> None:
        for title in order:
            mine = [one for one in layer if of(one) == title]
            space = (heights[title] - sum(map(tall, mine))) / max(1, len(mine))
            y = lanes[title] + (LANE if title else 0)
            for one in mine:
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
    return boxes, bends_at, {title: MARGIN + y for title, y in lanes.items()}


def draw(
    drawn: Mapping[str, Node],
    bends: Mapping[Bend, tuple[float, float]],
    lanes: Mapping[str, float],
) -> str:
    """The SVG text; colours come from the page's style sheet, for light and dark."""
    width = max(node.x for node in drawn.values()) + WIDTH + MARGIN
    height = max(node.y for node in drawn.values()) + HEIGHT + MARGIN
    parts = [
        f'<div class="claim-graph stretch"><svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        'aria-label="Graph of claims; an arrow leads from a claim to one whose proof uses it">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>',
    ]
    for title, y in lanes.items():
        parts.append(f'<path class="lane" d="M0 {y:.1f}H{width:.0f}"/>')
        parts.append(f'<text x="{MARGIN}" y="{y + 18:.1f}" class="lane">{escape(title)}</text>')
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
    main = " main" if one.id in MAIN else ""
    title = one.title.replace(" = ", "\u00a0=\u00a0")
    lines, small = textwrap.wrap(title, 22 if main else 25), ""
    if len(lines) > 2:
        lines, small = textwrap.wrap(title, 31, max_lines=2, placeholder=" …"), " small"
    text = "".join(
        f'<text x="{node.x + 8:.0f}" y="{node.y + 31 + 13.5 * i:.1f}" class="title{small}">'
        f"{escape(line)}</text>"
        for i, line in enumerate(lines)
    )
    head = HEADLINES.get(one.id)
    label = f"{one.id}: {readable(head.says) if head else one.title}. {node.proof.capitalize()}"
    return (
        f'<a href="{escape(node.link)}" class="node proof-{node.proof}{main}" '
        f'data-claim="{one.id}"><title>{escape(label)}</title>'
        f'<rect x="{node.x:.0f}" y="{node.y:.1f}" width="{WIDTH}" height="{HEIGHT}" rx="7"/>'
        f'<text x="{node.x + 8:.0f}" y="{node.y + 17:.1f}" class="id">{one.id}</text>'
        f'<text x="{node.x + WIDTH - 8:.0f}" y="{node.y + 17:.1f}" class="mark">'
        f"{MARKS[node.proof]}</text>{text}</a>"
    )


class ClaimGraphDirective(SphinxDirective):
    """``{claim-graph}``: the graph and its legend."""

    def run(self) -> list[nodes.Node]:
        """Leave a placeholder: links need the pages of all claims."""
        return [ClaimGraph()]


def _legend() -> str:
    items = [
        f'<li><span class="chip proof-{proof}">{MARKS[proof]} {proof}</span> {meaning}</li>'
        for proof, meaning in results.PROOFS.items()
    ]
    items.append(
        "<li>Bold: the main results. An arrow leads from a claim to one that uses it.</li>"
    )
    return f'<ul class="claim-legend">{"".join(items)}</ul>'


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    found = list(doctree.findall(ClaimGraph))
    if not found:
        return
    outcome, pages = results.load(), app.env.claim_pages  # type: ignore[attr-defined]  # ours
    drawn, (boxes, bends, lanes) = {}, places(CLAIMS)
    for name, (x, y) in boxes.items():
        page = pages.get(name)
        link = "" if page is None else app.builder.get_relative_uri(docname, page)
        drawn[name] = Node(x, y, CLAIMS[name], outcome.proof(name), f"{link}#{name}")
    for node in found:
        node.replace_self(nodes.raw("", draw(drawn, bends, lanes) + _legend(), format="html"))


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_node(ClaimGraph)
    app.add_directive("claim-graph", ClaimGraphDirective)
    app.connect("doctree-resolved", _resolve)
