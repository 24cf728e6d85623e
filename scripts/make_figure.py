"""Draw the README's figure: exact TV on four-letter words, below its bounds.

Usage: python scripts/make_figure.py [FILE.svg]; by default book/figures/words4.svg.
"""

from __future__ import annotations

import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parents[1] / "book"
sys.path.insert(0, str(BOOK))

import kit  # noqa: E402 - lies in the book, which is no package
from matplotlib import pyplot as plt  # noqa: E402 - after the kit, which sets its style
from sharprates.samplers import datasets  # noqa: E402
from sharprates.samplers.step_law import StepLaw  # noqa: E402


def main() -> None:
    """Write the figure."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else BOOK / "figures" / "words4.svg"
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
