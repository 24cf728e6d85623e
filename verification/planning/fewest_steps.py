"""Grids of the fewest steps that cost no more than allowed, for an information curve (U1).

A step from reveal probability p to q costs Γ(p, q) = ∫_p^q (g(u) − g(p)) du, so the steps of a grid
cost ∫g − Σ_k (t_{k+1} − t_k)·g(t_k): what is left out by steps below the rising g. The best grid
among the multiples of 1/N is therefore a best block schedule (KL6) of N "tokens" with g for −h;
`verification.planning.growth_grid` finds the best of all, more slowly, for a given K.
"""

from __future__ import annotations

import math

import numpy as np
from sharprates.verification.planning.block_schedule import fewest_blocks
from sharprates.verification.planning.growth_grid import Array, GrowthCurve
from sharprates.verification.planning.loss_curve import LossCurve

PARTS = 10_000
"""Reveal probabilities are multiples of 1/N: times of four digits."""


def growth(curve: Array, revealed: Array) -> Array:
    """g at many t, nats, [n]; see U1.

    Args:
        curve: h_0..h_{d−1}, nats, float64 [d].
        revealed: t, in [0, 1], float64 [n].
    """
    g = GrowthCurve(curve)
    return np.array([g(t) for t in revealed.tolist()])


def grid_cost(curve: Array, times: tuple[float, ...]) -> float:
    """Σ_k Γ(t_k, t_{k+1}) of times from 1 down to 0 on the linear clock, nats."""
    revealed = 1 - np.asarray(times)
    widths = np.diff(revealed)
    return math.fsum([*(curve[0] - curve), *(-widths * growth(curve, revealed[:-1]))])


def fewest_times(curve: Array, most: float, steps: int) -> tuple[float, ...] | None:
    """Times of the fewest steps that cost at most so much, on the linear clock.

    Args:
        curve: a falling information curve, nats, float64 [d].
        most: nats a sequence.
        steps: most steps K that are of interest.

    Returns:
        K + 1 times from 1 to 0, multiples of 1/N; None if more than K are needed.
    """
    places = np.arange(PARTS) / PARTS
    told = growth(curve, places)
    # of the N steps of equal width, whose cost is not 0 as that of single tokens is
    finest = math.fsum([*(curve[0] - curve), *(-told / PARTS)])
    if most < finest:
        return None
    falling = np.minimum.accumulate(told.max() - told)  # rounding may have made g fall
    room = most * (1 - 1e-9) - finest  # what is returned stays within in spite of rounding
    found = fewest_blocks(LossCurve(falling, falling, PARTS), PARTS * max(0.0, room))
    if len(found.blocks) > steps:
        return None
    ends = np.cumsum((0, *found.blocks))
    return tuple(((PARTS - ends) / PARTS).tolist())
