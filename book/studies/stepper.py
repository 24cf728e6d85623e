"""Data of the stepper: the four-letter words, and the exact total variation for each K."""

from __future__ import annotations

import json

import kit
from sharprates.samplers import datasets
from sharprates.samplers.step_law import StepLaw

STEPS = tuple(2**n for n in range(11))

ON_PAPER = (
    "On a screen the letters of a word fall into K steps here, for a K of your choice; those that "
    "share a step turn red. It is on the page index.html, which “make book” writes to "
    "book/_build/html."
)
"""Printed in its place."""


def data() -> dict[str, object]:
    """Words with their weights, and the exact TV of K equal steps, for `stepper.js`."""
    words = datasets.builtin("words4")
    assert words.symbols is not None
    spelt = ["".join(words.symbols[c] for c in row) for row in words.rows.tolist()]
    bench = kit.Bench.of(words)
    total = {steps: bench.tv(StepLaw.equal(steps)).middle for steps in STEPS}
    return {"words": dict(zip(spelt, words.weights.tolist(), strict=True)), "tv": total}


class Stepper:
    """Shown as the element that `stepper.js` fills, with its data."""

    def _repr_html_(self) -> str:
        return (
            f'<div id="sharprates-stepper" data-paper="{ON_PAPER}"></div>'
            f'<script type="application/json" id="stepper-data">{json.dumps(data())}</script>'
        )
