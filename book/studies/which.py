"""Which bound is the smallest: over lengths and vocabularies, and over steps and information."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import claim
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.step_count import enough_steps

HUES = {
    "E3": "#5b8c3a",
    "B1": "#c8553d",
    "E5": "#0b6e99",
    "E8": "#b08900",
    "E11": "#5a6472",
    "KL2": "#8a5aa8",
    "KL7": "#c13584",
}
NAMES = tuple(HUES)
"""The bounds that are compared, the first first among equals; E7 is E5 in closed form and never
below it."""


def fewest(length: int, vocabulary: int, tv: float) -> str:
    """The bound that asks for the fewest equal steps, for data of which only (d, S) is known."""
    counts = {one.claim: one.steps for one in enough_steps(Question(length, vocabulary, tv))}
    return min(NAMES, key=lambda name: counts.get(name) or math.inf)


def smallest(length: int, vocabulary: int, steps: int, information: float) -> str:
    """The smallest bound at K equal steps for data of mean mutual information Ī."""
    law = [1 / steps] * steps
    values = {"d": length, "S": vocabulary, "K": steps, "I_bar": information, "W": 1 / steps}
    forms = {
        "E3": "equal-steps",
        "B1": "equal-steps",
        "E5": "equal-steps-information",
        "E8": "step-size",
        "KL2": "equal-steps-tv",
        "KL7": "tv",
    }
    found = {
        name: float(claim(name).value({**values, "w": law, "epsilon_w": 0}, FLOAT, variant=form))
        for name, form in forms.items()
    }
    return min(found, key=found.__getitem__)


def draw(
    axis: Axes, winners: Sequence[Sequence[str]], rows: Sequence[object], columns: Sequence[object]
) -> None:
    """A coloured table of names, the first row at the bottom."""
    numbers = [[NAMES.index(name) for name in line] for line in winners]
    colours = ListedColormap([HUES[name] for name in NAMES])
    axis.imshow(
        numbers, cmap=colours, vmin=-0.5, vmax=len(NAMES) - 0.5, origin="lower", aspect="auto"
    )
    axis.set(xticks=np.arange(len(columns)), yticks=np.arange(len(rows)))
    axis.set_xticklabels([str(one) for one in columns])
    axis.set_yticklabels([str(one) for one in rows])
    axis.grid(visible=False)
    for i, line in enumerate(winners):
        for j, name in enumerate(line):
            axis.text(j, i, name, ha="center", va="center", color="white", size=8)
