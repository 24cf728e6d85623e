"""One drawn example of each built-in family, and its first-order constant."""

from __future__ import annotations

from fractions import Fraction

import kit
import torch
from matplotlib.axes import Axes
from sharprates.samplers.families import family
from sharprates.verification.adversary.frontier import first_order_of
from sharprates.verification.exact_experiment import exact_experiment

ROWS = 7
"""Sequences that are drawn of each family."""

SHOWN = {
    "copies:4:3": "all tokens equal one uniform symbol",
    "pairs:4:3": "independent pairs of equal symbols",
    "shared-symbols:4:2": "every two tokens share one uniform symbol of b; a token is the list of "
    "all that it shares",
    "groups:6:3": "independent groups of g tokens with shared symbols, b = 2",
    "parity:4:3": "all tokens but one are free; the sum of all is 0 modulo S",
    "mds:4:2:3": "a code word of which any k tokens are free and determine the others "
    "(maximum-distance separable)",
    "permutations:4:4": "groups of S tokens, each a random order of all S symbols",
}
"""Text of a member → what the family is."""


def drawn(text: str, seed: int = 1) -> list[list[int]]:
    """Some of a family's sequences, drawn without repetition where there are enough."""
    target = family(text)
    generator = torch.Generator().manual_seed(seed)
    most = min(ROWS, target.support)
    chosen = torch.multinomial(target.weights.double(), most, generator=generator)
    found: list[list[int]] = target.rows[chosen].tolist()
    return found


def constant(text: str) -> Fraction:
    """The first-order constant c of L5, exactly."""
    return first_order_of(exact_experiment(family(text)))


def draw(axis: Axes, text: str) -> None:
    """Sequences as rows of coloured symbols."""
    rows = drawn(text)
    for line, row in enumerate(rows):
        for place, symbol in enumerate(row):
            colour = kit.COLOURS[symbol % len(kit.COLOURS)]
            box = {"boxstyle": "square,pad=0.28", "fc": colour, "ec": "white"}
            axis.text(
                place, -line, str(symbol), ha="center", va="center", color="white", size=9, bbox=box
            )
    axis.set(xlim=(-0.8, len(rows[0]) - 0.2), ylim=(-ROWS + 0.3, 0.8), xticks=())
    axis.set_title(text, size=9)
    axis.axis("off")
