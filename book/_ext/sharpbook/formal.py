"""Machine-checked proofs: labels, Coq statements, trusted definitions, the lemmas of one proof."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import networkx as nx
from docutils import nodes
from docutils.statemachine import StringList
from sharprates.theory.registry import CLAIMS
from sharprates.verification.formal import (
    CHECKED,
    CLASSICAL,
    FOLDER,
    OUTPUT,
    Reading,
    files_of_statements,
    formal_of,
)
from sharprates.verification.proof_sources import Theorem, comments, theorems
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from sharpbook import graph
from sharpbook.claims import link

SHORTEST = 5
"""Lines from which a lemma gets a box of its own in the graph."""


def stated() -> list[Theorem]:
    """All theorems, in the order of their files."""
    return [
        one
        for path in files_of_statements(FOLDER)
        for one in theorems(path.read_text("ascii"), path.stem)
    ]


def summary() -> str:
    """MyST table: each claim with a formal statement, its label, and what is covered."""
    labels = formal_of(CLAIMS)
    rows = ["| claim | label | what is covered, and what is not |", "| --- | --- | --- |"]
    for key, label in labels.items():
        mine = [one for one in stated() if key in one.claims]
        if not mine:
            continue
        covers = cell(label.covers or " ".join(one.covers for one in mine))
        if label.status not in (CHECKED, CLASSICAL):
            reason = cell(label.reason).replace("\\`", "`")  # it names a command
            covers = f"{reason} (Would cover: {covers})"
        rows.append(f"| {link(key)} | {label.status} | {covers} |")
    return "\n".join(rows)


def cell(text: str) -> str:
    """Text that may stand in a table's cell and is shown as it is."""
    for mark in "\\`*_|$<>[]{}":
        text = text.replace(mark, f"\\{mark}")
    return text


def statements(claim_id: str) -> str:
    """MyST: the Coq statements of a claim, each in words first."""
    parts = []
    for one in stated():
        if claim_id in one.claims:
            parts += [cell(one.says), "", "```coq", f"Theorem {one.statement}.", "```", ""]
            parts += [f"*Covered:* {cell(one.covers)}", ""]
    return "\n".join(parts)


def definitions(claim_ids: Iterable[str], without: Iterable[str] = ()) -> str:
    """MyST: the definitions that the statements of some claims rest on, in order of use.

    Args:
        claim_ids: the claims.
        without: claims whose definitions are left out.
    """
    read = Reading.read(FOLDER)
    left, wanted = set(without), set(claim_ids)

    def rest_on(of: set[str]) -> dict[str, str]:
        return {
            key: text
            for one in stated()
            if of & set(one.claims) and one.name in read
            for key, text in read[one.name].definitions.items()
        }

    shown = rest_on(wanted)
    for key in rest_on(left):
        shown.pop(key, None)
    words = {path.stem: comments(path.read_text("ascii")) for path in sorted(FOLDER.glob("*.v"))}
    files: dict[str, list[str]] = {}
    for key, text in shown.items():
        file = key.partition(".")[0]
        original, comment = words[file].get(text, (text, ""))
        above = textwrap.fill(f"(* {comment} *)", 84, subsequent_indent="   ")
        block = f"{above}\n{original}" if comment else original
        lines = files.setdefault(file, [])
        if block not in lines:  # variables that are declared together
            lines.append(block)
    parts = []
    for file, blocks in files.items():
        parts += [f"`{file}.v`", "", "```coq", *blocks, "```", ""]
    return "\n".join(parts)


# --- the lemmas of one proof ----------------------------------------------------------------------


@dataclass(frozen=True)
class Lemma:
    """A box of the graph.

    Attributes:
        id: file and name.
        depends_on: the lemmas that its proof uses, among those that are drawn.
        lines: its length with its proof.
    """

    id: str
    depends_on: tuple[str, ...]
    lines: int


def lemmas(stored: Mapping[str, Mapping[str, Any]], theorem: str) -> dict[str, Lemma]:
    """The longer lemmas below a theorem, with the uses that do not follow from others.

    Args:
        stored: lemma → its lines and the lemmas that its proof names.
        theorem: where to start.
    """
    uses = nx.DiGraph()
    waiting = [theorem]
    while waiting:
        one = waiting.pop()
        for other in stored[one]["uses"]:
            if other not in uses:
                waiting.append(other)
            uses.add_edge(one, other)
    reached = nx.transitive_closure_dag(uses)
    long = [n for n in reached if stored[n]["lines"] >= SHORTEST or n == theorem]
    reduced = nx.transitive_reduction(reached.subgraph(long))
    return {
        one: Lemma(one, tuple(sorted(reduced.successors(one))), stored[one]["lines"])
        for one in sorted(reduced, key=list(stored).index)
    }


def drawing(found: Mapping[str, Lemma]) -> str:
    """The SVG of the lemmas; an arrow leads from a lemma to one whose proof uses it."""
    boxes, bends, _ = graph.places(found, lambda _: "")
    drawn = {
        name: graph.Node(x, y, found[name], "", "")  # type: ignore[arg-type]  # as a claim is drawn
        for name, (x, y) in boxes.items()
    }
    width = max(node.x for node in drawn.values()) + graph.WIDTH + graph.MARGIN
    height = max(node.y for node in drawn.values()) + graph.HEIGHT + graph.MARGIN
    parts = [
        f'<div class="claim-graph stretch"><svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        'aria-label="Lemmas; an arrow leads from a lemma to one whose proof uses it">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>',
    ]
    for node in drawn.values():
        for name in found[node.claim.id].depends_on:
            parts.append(graph._edge(drawn[name], node, bends))
    for name, node in drawn.items():
        file, _, short = name.partition(".")
        x, y, lines = node.x, node.y, found[name].lines
        parts.append(
            f'<g class="node"><rect x="{x:.0f}" y="{y:.1f}" width="{graph.WIDTH}" '
            f'height="{graph.HEIGHT}" rx="7" stroke="currentColor"/>'
            f'<text x="{x + 8:.0f}" y="{y + 21:.1f}" class="title">{escape(short)}</text>'
            f'<text x="{x + 8:.0f}" y="{y + 40:.1f}" class="title">{file}.v, {lines} lines</text>'
            "</g>"
        )
    return "".join([*parts, "</svg></div>"])


def lemma_graph(theorem: str, path: Path = OUTPUT) -> str:
    """The graph of a theorem as HTML; a sentence where the proofs were not checked."""
    if all(one.status not in (CHECKED, CLASSICAL) for one in formal_of(CLAIMS, path).values()):
        return "<p><em>The graph needs the compiled proofs: run <code>make formal</code>.</em></p>"
    return drawing(lemmas(json.loads(path.read_text("utf-8"))["lemmas"], theorem))


# --- directives -----------------------------------------------------------------------------------


class _Text(SphinxDirective):
    """Parses the text of a function in place; the arguments are claim ids."""

    optional_arguments = 99
    text: Callable[..., str]

    def run(self) -> list[nodes.Node]:
        """Parse it."""
        if unknown := [one for one in self.arguments if one not in CLAIMS]:
            raise self.error(f"claim {unknown[0]!r} is not in the registry")
        around = nodes.container(classes=["formal"])
        lines = type(self).text(*self.arguments).split("\n")
        self.state.nested_parse(StringList(lines, self.get_source_info()[0]), 0, around)
        return [around]


class FormalTable(_Text):
    """``{formal-table}``: labels of all claims that are stated formally."""

    text = staticmethod(summary)


class FormalStatements(_Text):
    """``{formal-statements} E3``: the Coq statements of a claim."""

    text = staticmethod(statements)


class FormalDefinitions(_Text):
    """``{formal-definitions} E3``: what they rest on."""

    text = staticmethod(lambda *ids: definitions(ids))


class FormalRest(_Text):
    """``{formal-rest} E3``: what all statements rest on, besides that of these."""

    text = staticmethod(lambda *ids: definitions(CLAIMS, ids))


class FormalOthers(_Text):
    """``{formal-others} E3``: the statements of all other claims."""

    text = staticmethod(
        lambda *ids: "\n".join(
            f"**{link(key)}**\n\n{found}"
            for key in CLAIMS
            if key not in ids and (found := statements(key))
        )
    )


class FormalGraph(SphinxDirective):
    """``{formal-graph} claims.claim_E3``: the lemmas of a proof."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw it."""
        return [nodes.raw("", lemma_graph(self.arguments[0]), format="html")]


def setup(app: Sphinx) -> None:
    """Register the directives."""
    for name, directive in {
        "formal-table": FormalTable,
        "formal-statements": FormalStatements,
        "formal-definitions": FormalDefinitions,
        "formal-rest": FormalRest,
        "formal-others": FormalOthers,
        "formal-graph": FormalGraph,
    }.items():
        app.add_directive(name, directive)
