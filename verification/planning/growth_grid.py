"""The grid of K steps that costs least in ΣΓ, the bound on KL of steps in reveal probability (U2).

∂Γ(p, q)/∂q = g(q) − g(p) and ∂Γ(p, q)/∂p = −(q − p)·g'(p), so that at the best grid
g(t_k) − g(t_{k−1}) = (t_{k+1} − t_k)·g'(t_k): the first step determines all others.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from sharprates.samplers.errors import InputError

Array = NDArray[np.float64]

_HALVINGS = 100
"""Of the interval in which the first step is sought: more than a float64 has bits."""


class GrowthCurve:
    """g and g' of an information curve, in float64.

    Args:
        h: information curve, nats, [d].
    """

    def __init__(self, h: Array) -> None:
        d = h.size
        self._losses, self._drops = d * (h[0] - h), d * (d - 1) * (h[:-1] - h[1:])
        self._counts = [np.arange(n + 1.0) for n in (d - 1, max(d - 2, 0))]
        self._ways = [
            gammaln(m[-1] + 1) - gammaln(m + 1) - gammaln(m[::-1] + 1) for m in self._counts
        ]

    def __call__(self, t: float) -> float:
        """g(t), 0 ≤ t ≤ 1."""
        return float(self._law(0, t) @ self._losses)

    def rate(self, t: float) -> float:
        """g'(t), 0 for one token."""
        return float(self._law(1, t) @ self._drops) if self._drops.size else 0.0

    def _law(self, which: int, t: float) -> Array:
        """Bin(d−1, t) or Bin(d−2, t)."""
        m = self._counts[which]
        if t in (0.0, 1.0):
            unit: Array = np.eye(1, m.size, m.size - 1 if t else 0)[0]
            return unit
        law: Array = np.exp(self._ways[which] + m * math.log(t) + m[::-1] * math.log1p(-t))
        return law


def least_growth_grid(h: Array, steps: int) -> Array:
    """The K-step grid of [0, 1] with the smallest ΣΓ, by bisection in its first step.

    Args:
        h: information curve, nats, falling, [d].
        steps: K ≥ 1.

    Returns:
        t_0 = 0 < … < t_K = 1, reveal probabilities; uniform where nothing is gained by any grid.

    Raises:
        InputError: if K < 1.
    """
    if steps < 1:
        raise InputError(f"steps: need K ≥ 1, got {steps}")
    g = GrowthCurve(h)
    if steps == 1 or g(1.0) <= 0:
        return np.linspace(0.0, 1.0, steps + 1)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if _walk(g, middle, steps)[-1] > 1 else (middle, high)
    times = _walk(g, low, steps)
    times[-1] = 1.0
    return times


def _walk(g: GrowthCurve, first: float, steps: int) -> Array:
    """The grid that a first step determines; after 1 it stays where it is."""
    times = np.full(steps + 1, np.inf)
    times[:2] = 0.0, first
    before, here = g(0.0), g(first)
    for k in range(1, steps):
        rate = g.rate(float(times[k]))
        after = times[k] + (here - before) / rate if rate > 0 else np.inf
        times[k + 1] = after
        if after > 1:
            times[k + 1 :] = after
            break
        before, here = here, g(float(after))
    return times
