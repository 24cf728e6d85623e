"""Three small drawings: balls in bins, the ladder of hybrids, and the Riemann sum."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate, pairwise

import kit
from matplotlib.axes import Axes

EXACT, OWN, CLASH = kit.COLOURS[0], "#e0a458", kit.COLOURS[1]


def bins(places: Sequence[float], weights: Sequence[float]) -> list[int]:
    """The bin of each place in [0, 1), for bins of these widths."""
    ends = list(accumulate(weights))
    return [next(k for k, end in enumerate(ends) if place < end) for place in places]


def balls(axis: Axes, weights: Sequence[float], tokens: int, seed: int) -> None:
    """Tokens thrown into the steps, one row a throw; those that share a step are red."""
    rng, ends = random.Random(seed), [0.0, *accumulate(weights)]
    for line in range(3):
        places = [rng.random() for _ in range(tokens)]
        found = bins(places, weights)
        for place, step in zip(places, found, strict=True):
            colour = CLASH if found.count(step) > 1 else EXACT
            axis.plot(place, -line, "o", ms=9, color=colour)
        alone = len(set(found)) == tokens
        axis.text(1.03, -line, "no two share a step" if alone else "two share a step", va="center")
    for end in ends:
        axis.axvline(end, color="#9aa5b1", lw=1)
    for k, (low, width) in enumerate(zip(ends, weights, strict=False)):
        axis.text(low + width / 2, 0.6, f"step {k}", ha="center", size=8.5)
    axis.set(xlim=(-0.01, 1.4), ylim=(-2.6, 0.9))
    axis.axis("off")


def ladder(axis: Axes, steps: int) -> None:
    """The laws ν_0, …, ν_K: exact kernels first, the sampler's after them."""
    for row in range(steps + 1):
        for k in range(steps):
            exact = k < row
            axis.text(
                k,
                -row,
                f"$R_{k}$" if exact else f"$\\hat R_{k}$",
                ha="center",
                va="center",
                color="white",
                bbox={"boxstyle": "round,pad=0.35", "fc": EXACT if exact else OWN, "ec": "white"},
            )
        axis.text(-0.7, -row, f"$\\nu_{row}$ =", ha="right", va="center")
        if row < steps:
            words = f"differ in step {row} only"
            axis.text(steps - 0.3, -row - 0.5, words, va="center", size=8.5, color=CLASH)
    axis.set(xlim=(-1.6, steps + 1.6), ylim=(-steps - 0.6, 0.6))
    axis.axis("off")


def excess(weights: Sequence[float]) -> float:
    """The area between a step law's staircase and the diagonal: half the sum of w_k²."""
    return sum(w * w for w in weights) / 2


def staircase(axis: Axes, weights: Sequence[float]) -> None:
    """Where a token's variable is, and the right end of its bin, at which the sampler sees it."""
    ends = [0.0, *accumulate(weights)]
    axis.plot([0, 1], [0, 1], color="black", lw=1, label="one token at a time")
    axis.step(ends, [*ends[1:], ends[-1]], where="post", color=EXACT, label="right end of the bin")
    for low, high in pairwise(ends):
        axis.fill_between([low, high], [low, high], [high, high], color=EXACT, alpha=0.25, lw=0)
    axis.set(xlabel="a token's uniform variable τ", ylabel="when it is seen", aspect="equal")
    axis.legend(loc="upper left")
