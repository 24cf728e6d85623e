"""What ends a sentence stays with its last word."""

from __future__ import annotations

import pytest
from docutils import nodes
from sharpbook.stops import bind

X = "x^2"


def paragraph(*parts: nodes.Node | str) -> nodes.paragraph:
    return nodes.paragraph("", "", *(nodes.Text(p) if isinstance(p, str) else p for p in parts))


def pieces(tree: nodes.Node) -> list[str]:
    """Its children; what cannot be broken is in brackets."""
    return [
        f"[{one.astext()}]" if isinstance(one, nodes.inline) else one.astext()
        for one in tree.children
    ]


def formula(text: str = X) -> nodes.math:
    return nodes.math(text, text)


@pytest.mark.parametrize(
    ("parts", "bound"),
    [
        (("It holds. ", formula(r"\square")), ["It holds.\u00a0□"]),
        (("so ", formula(), ". ", formula(r"\square")), ["so ", f"[{X}.\u00a0□]"]),
        (("so ", formula(), " ", formula(r"\square")), ["so ", f"[{X}\u00a0□]"]),
        (("so ", nodes.emphasis("", "x"), formula(r"\square")), ["so ", "x", "\u00a0□"]),
        ((formula(r"\square"),), ["□"]),
        (("of ", formula(), "), then"), ["of ", f"[{X}),]", " then"]),
        (("of ", formula(), " and on"), ["of ", X, " and on"]),
        (("of ", formula()), ["of ", X]),
    ],
)
def test_a_stop_and_the_end_of_a_proof_are_bound(
    parts: tuple[nodes.Node | str, ...], bound: list[str]
) -> None:
    tree = paragraph(*parts)
    bind(tree)
    assert pieces(tree) == bound


def test_a_formula_that_is_bound_is_still_a_formula() -> None:
    tree = paragraph(formula(), ".")
    bind(tree)
    assert [one.astext() for one in tree.findall(nodes.math)] == [X]
