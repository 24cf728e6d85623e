"""The graph: all claims, all dependencies, from left to right, none on top of another."""

from __future__ import annotations

import re
from itertools import combinations

from sharpbook import graph, results
from sharprates.theory.claim import Kind
from sharprates.theory.registry import CLAIMS


def drawn(status: str = "tested") -> str:
    boxes, bends = graph.places(CLAIMS)
    nodes = {
        name: graph.Node(x, y, CLAIMS[name], status, f"page.html#{name}")
        for name, (x, y) in boxes.items()
    }
    return graph.draw(nodes, bends)


def test_every_dependency_leads_to_the_right() -> None:
    found, _ = graph.places(CLAIMS)
    assert set(found) == set(CLAIMS)
    for one in CLAIMS.values():
        for other in one.depends_on:
            assert found[other][0] + graph.WIDTH < found[one.id][0]


def test_boxes_do_not_overlap_and_no_edge_runs_behind_one() -> None:
    boxes, bends = graph.places(CLAIMS)
    for (x0, y0), (x1, y1) in combinations(boxes.values(), 2):
        assert x0 != x1 or abs(y0 - y1) >= graph.HEIGHT
    for x, y in bends.values():
        assert not any(x0 == x and y0 < y < y0 + graph.HEIGHT for x0, y0 in boxes.values())
    across = {(one, x) for (one, _), (x, _) in bends.items()}
    for one in CLAIMS.values():
        for other in one.depends_on:
            left, right = boxes[other][0], boxes[one.id][0]
            between = {x for x, _ in boxes.values() if left < x < right}
            assert {(other, x) for x in between} <= across


def test_places_depend_on_the_registry_alone() -> None:
    assert graph.places(CLAIMS) == graph.places(dict(CLAIMS))


def test_edges_are_those_of_the_registry() -> None:
    edges = set(re.findall(r'data-from="(\w+)" data-to="(\w+)"', drawn()))
    assert edges == {(other, one.id) for one in CLAIMS.values() for other in one.depends_on}


def test_each_node_is_a_link_with_its_status() -> None:
    for status in results.STATUSES:
        nodes = re.findall(
            r'<a href="([^"]+)" class="node status-([a-z]+)( conjecture)?"', drawn(status)
        )
        assert sorted(link for link, _, _ in nodes) == sorted(f"page.html#{n}" for n in CLAIMS)
        assert {word for _, word, _ in nodes} == {status}
        marked = {link.partition("#")[2] for link, _, mark in nodes if mark}
        assert marked == {n for n, one in CLAIMS.items() if one.kind is Kind.CONJECTURE}


def test_a_sign_and_a_legend_for_every_status() -> None:
    assert set(graph.MARKS) == set(results.STATUSES)
    assert len(set(graph.MARKS.values())) == len(graph.MARKS)
    assert all(f"{mark} {status}" in graph._legend() for status, mark in graph.MARKS.items())
