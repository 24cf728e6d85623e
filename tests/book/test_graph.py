"""The graph: all claims, all dependencies, from left to right, none on top of another."""

from __future__ import annotations

import re
from itertools import combinations

from sharpbook import graph, results
from sharprates.theory.registry import CLAIMS


def drawn(proof: str = "proved") -> str:
    boxes, bends, lanes = graph.places(CLAIMS)
    nodes = {
        name: graph.Node(x, y, CLAIMS[name], proof, f"page.html#{name}")
        for name, (x, y) in boxes.items()
    }
    return graph.draw(nodes, bends, lanes)


def test_every_dependency_leads_to_the_right() -> None:
    found, _, _ = graph.places(CLAIMS)
    assert set(found) == set(CLAIMS)
    for one in CLAIMS.values():
        for other in one.depends_on:
            assert found[other][0] + graph.WIDTH < found[one.id][0]


def test_boxes_do_not_overlap_and_no_edge_runs_behind_one() -> None:
    boxes, bends, _ = graph.places(CLAIMS)
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


def test_each_claim_is_in_the_lane_of_its_topic() -> None:
    boxes, _, lanes = graph.places(CLAIMS)
    below = [*lanes.values(), float("inf")]
    for number, title in enumerate(lanes):
        inside = {n for n, (_, y) in boxes.items() if below[number] < y < below[number + 1]}
        assert inside == {n for n in CLAIMS if graph.lane(n) == title}


def test_each_node_is_a_link_with_its_proof() -> None:
    for proof in results.PROOFS:
        nodes = re.findall(r'<a href="([^"]+)" class="node proof-([a-z-]+)( main)?"', drawn(proof))
        assert sorted(link for link, _, _ in nodes) == sorted(f"page.html#{n}" for n in CLAIMS)
        assert {word for _, word, _ in nodes} == {proof}
        marked = {link.partition("#")[2] for link, _, mark in nodes if mark}
        assert marked == set(graph.MAIN)


def test_a_sign_and_a_legend_for_every_label_of_a_proof() -> None:
    assert set(graph.MARKS) == set(results.PROOFS)
    assert len(set(graph.MARKS.values())) == len(graph.MARKS)
    assert all(f"{mark} {proof}" in graph._legend() for proof, mark in graph.MARKS.items())
