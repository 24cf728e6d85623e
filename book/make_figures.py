"""Draw the README's figures.

Usage: python book/make_figures.py [FOLDER]; by default book/figures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import kit
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sharprates.samplers import datasets
from sharprates.samplers.step_law import StepLaw
from studies import front

FIGURES = Path(__file__).parent / "figures"
CALLS = front.calls()


def words4() -> Figure:
    """Exact TV on four-letter words, below its bounds."""
    bench, steps = kit.Bench.of(datasets.builtin("words4")), kit.powers_of_two(2, 1024)
    laws = [StepLaw.equal(K) for K in steps]
    figure, axis = plt.subplots(figsize=(7, 3.6))
    axis.plot(steps, [bench.bound("E3", law) for law in laws], "--", label="E3, any data")
    axis.plot(steps, [bench.bound("E5", law) for law in laws], "--", label="E5, by entropy")
    axis.plot(steps, [bench.bound("KL2", law, "tv") for law in laws], ":", label="KL2 with Pinsker")
    axis.plot(steps, [bench.tv(law).middle for law in laws], "ko-", ms=4, label="exact TV")
    kit.loglog(axis, "parallel steps K; English four-letter words, exact denoiser")
    return figure


def pair() -> Figure:
    """Two letters, drawn together and apart."""
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.9))
    front.draw_pair(tuple(axes), front.pair())
    return figure


def calls() -> Figure:
    """Denoiser calls at a model's length and vocabulary."""
    figure, axis = plt.subplots(figsize=(7, 2.3))
    front.draw_calls(axis, CALLS)
    return figure


def main() -> None:
    """Write the figures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURES
    for draw in (pair, calls, words4):
        numbers = ", ".join(str(number) for _, number in CALLS.rows()) if draw is calls else None
        metadata = {"Date": None, "Description": numbers}
        draw().savefig(folder / f"{draw.__name__}.svg", metadata=metadata)


if __name__ == "__main__":
    main()
