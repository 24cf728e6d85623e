"""Small drawings: balls in bins, hitting times and grids, the ladder, and the Riemann sum."""

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


def crowded(places: Sequence[float], weights: Sequence[float]) -> list[bool]:
    """Whether each place shares its bin with another."""
    found = bins(places, weights)
    return [found.count(step) > 1 for step in found]


def grids(axis: Axes, times: Sequence[float], steps: Sequence[int]) -> None:
    """Hitting times on the linear clock, from t = 1 to 0, and grids of so many equal steps below.

    Tokens that fall into one interval are red.
    """
    places = [1 - time for time in times]
    rows = {"first hitting": None, **{f"{count} steps": count for count in steps}}
    for line, (name, count) in enumerate(rows.items()):
        red = crowded(places, [1 / count] * count) if count else [False] * len(places)
        ends = [k / count for k in range(count + 1)] if count else [0, 1]
        axis.plot([0, 1], [-line, -line], color="#9aa5b1", lw=1, zorder=1)
        axis.plot(ends, [-line] * len(ends), "|", ms=12, color="#5a6472", zorder=1)
        for place, shared in zip(places, red, strict=True):
            axis.plot(place, -line, "o", ms=6, color=CLASH if shared else EXACT, zorder=3)
        axis.text(-0.03, -line, name, ha="right", va="center")
    for place in places:
        axis.plot([place, place], [0, 1 - len(rows)], color=EXACT, lw=0.7, ls=":", zorder=0)
    axis.text(0, 0.45, "t = 1: all masked", ha="left", size=8.5)
    axis.text(1, 0.45, "t = 0: none", ha="right", size=8.5)
    axis.set(xlim=(-0.32, 1.02), ylim=(0.6 - len(rows), 0.8))
    axis.axis("off")


def balls(axis: Axes, weights: Sequence[float], tokens: int, seed: int) -> None:
    """Tokens thrown into the steps, one row a throw; those that share a step are red."""
    rng, ends = random.Random(seed), [0.0, *accumulate(weights)]
    for line in range(3):
        places = [rng.random() for _ in range(tokens)]
        red = crowded(places, weights)
        for place, shared in zip(places, red, strict=True):
            axis.plot(place, -line, "o", ms=7, color=CLASH if shared else EXACT)
        axis.text(
            1.03, -line, "two share a step" if any(red) else "no two share a step", va="center"
        )
    for end in ends:
        axis.axvline(end, color="#9aa5b1", lw=1)
    for k, (low, width) in enumerate(zip(ends, weights, strict=False)):
        words = f"step {k}" if width > 0.15 else f"{k}"
        axis.text(low + width / 2, 0.6, words, ha="center", size=8.5)
    axis.set(xlim=(-0.02, 1.46), ylim=(-2.6, 0.9))
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
    axis.set(xlim=(-1.5, steps + 1.8), ylim=(-steps - 0.6, 0.6))
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
