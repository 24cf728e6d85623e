"""What ends a sentence stays with its last word: a full stop behind a formula, the □ of a proof.

A browser may break the line before and after any formula, whatever stands there.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

STOP = re.compile(r"[.,;:!?)\]’”]*(\u00a0□)?")
END = "\u00a0□"
"""A letter, not a formula: a space that cannot be broken ties it to the word before."""


def bind(tree: nodes.Node) -> None:
    """Tie them together in place."""
    for sign in list(tree.findall(nodes.math)):
        if sign.astext().strip() == r"\square":
            _letter(sign)
    for formula in list(tree.findall(nodes.math)):
        _hold(formula)


def _letter(sign: nodes.math) -> None:
    """The sign as a letter of the text before it."""
    parent, place = sign.parent, sign.parent.index(sign)
    before = parent[place - 1] if place else None
    if isinstance(before, nodes.Text):
        parent[place - 1 : place + 1] = [nodes.Text(before.rstrip() + END)]
    else:  # without any text before it, it has a line of its own, below a display
        parent[place] = nodes.Text(END if place else END.strip())


def _hold(formula: nodes.math) -> None:
    """The formula and the stop behind it in one piece that is not broken."""
    parent, place = formula.parent, formula.parent.index(formula)
    after = parent[place + 1] if place + 1 < len(parent) else None
    found = STOP.match(after) if isinstance(after, nodes.Text) else None
    if not found or not found[0]:
        return
    whole = nodes.inline("", "", formula.deepcopy(), nodes.Text(found[0]), classes=["whole"])
    rest = after[found.end() :]
    parent[place : place + 2] = [whole, nodes.Text(rest)] if rest else [whole]


def _read(_: Sphinx, doctree: nodes.document) -> None:
    bind(doctree)


def setup(app: Sphinx) -> None:
    """Go through each page once it is read."""
    app.connect("doctree-read", _read)
