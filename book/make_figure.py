"""Draw the README's figure: exact TV on four-letter words, below its bounds.

Usage: python book/make_figure.py [FILE.svg]; by default book/figures/words4.svg.
"""

from __future__ import annotations

import sys
from pathlib import Path

import kit
from matplotlib import pyplot as plt
from sharprates.samplers import datasets
from sharprates.samplers.step_law import StepLaw

FIGURE = Path(__file__).parent / "figures" / "words4.svg"


def main() -> None:
    """Write the figure."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURE
    bench, steps = kit.Bench.of(datasets.builtin("words4")), kit.powers_of_two(2, 1024)
    laws = [StepLaw.uniform(K) for K in steps]
    fig, axis = plt.subplots(figsize=(7, 3.6))
    axis.plot(steps, [bench.bound("E3", law) for law in laws], "--", label="E3, any data")
    axis.plot(steps, [bench.bound("E5", law) for law in laws], "--", label="E5, by entropy")
    axis.plot(steps, [bench.bound("KL2", law, "tv") for law in laws], ":", label="KL2 with Pinsker")
    axis.plot(steps, [bench.tv(law).middle for law in laws], "ko-", ms=4, label="exact TV")
    kit.loglog(axis, "parallel steps K; English four-letter words, exact denoiser")
    fig.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
