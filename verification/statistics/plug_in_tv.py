"""The plug-in total variation TV(p̂, q) of n samples from p: its mean, and what it says of TV(p, q).

With X_i ~ Bin(n, p_i), E TV(p̂, q) = Σ_i f_i(p_i), f_i(p) = E(q_i − X_i/n)_+ over the cells of q.
Each f_i is convex and at least (q_i − p)_+, so E TV(p̂, q) ≥ TV(p, q): the plug-in is biased
upwards, and most where p is near q. `least_mean` bounds that bias from below, which both sharpens
an upper bound on TV(p, q) and states what a test on the plug-in detects, also with fewer samples
than cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc, gammaln, xlog1py, xlogy

Array = NDArray[np.float64]

# Slopes of the tangents: more of them sharpen the bound by a few percent, none can make it wrong.
_SLOPES, _SLOPES_OF_MANY, _MANY = 32, 8, 300


def deviation(n: int, level: float) -> float:
    """Half-width t of the one-sided band P(TV(p̂, q) − E ≥ t) ≤ level; alike for −t.

    One sample moves TV(p̂, q) by at most 1/n, so the chance is at most e^{−2nt²} for any p, q.

    Args:
        n: samples, ≥ 1.
        level: in (0, 1).

    Source: McDiarmid (1989), On the method of bounded differences.
    """
    return math.sqrt(-math.log(level) / (2 * n))


def _cdf(n: int, k: Array, p: Array) -> Array:
    """P(Bin(n, p) ≤ k), also for k = −1 and k ≥ n."""
    return np.where(k < 0, 0.0, np.where(k >= n, 1.0, betaincc(k + 1, n - k, p)))


def _shortfall(n: int, q: Array, p: Array) -> Array:
    """f(p) = E(q − X/n)_+ with X ~ Bin(n, p)."""
    m = np.floor(n * q)
    value: Array = q * _cdf(n, m, p) - p * _cdf(n - 1, m - 1, p)
    return value


def _curve(n: int, q: Array) -> Callable[[Array], tuple[Array, Array, Array]]:
    """f, −f′ and f″ as functions of p in one pass: one incomplete beta function serves all three.

    With F = P(Bin(n−1, p) < m), M = P(Bin(n−1, p) = m), m = ⌊nq⌋ and nq = m + part:
    f = (q − p)·F + q·(1 − p)·M, −f′ = F + part·M, f″ = M·((1 − part)·m/p + part·(n−1−m)/(1−p)).
    """
    m = np.minimum(np.floor(n * q), n - 1)  # at q = 1 as the limit from below, part = 1
    part = n * q - m
    ways = gammaln(n) - gammaln(m + 1) - gammaln(n - m)

    def at(p: Array) -> tuple[Array, Array, Array]:
        F = _cdf(n - 1, m - 1, p)
        M = np.exp(ways + xlogy(m, p) + xlog1py(n - 1 - m, -p))
        with np.errstate(divide="ignore", invalid="ignore"):  # f″ has no value at 0 and 1
            bend = M * ((1 - part) * m / p + part * (n - 1 - m) / (1 - p))
        return (q - p) * F + q * (1 - p) * M, F + part * M, bend

    return at


def mean(n: int, q: Array, p: Array) -> float:
    """E TV(p̂, q) for n samples from p.

    Args:
        n: samples, ≥ 1.
        q: [N], a law.
        p: [N], the sampled law on the same cells; mass missing to 1 lies elsewhere.
    """
    if p is q:  # equal cells have equal means
        values, counts = np.unique(q, return_counts=True)
        return float((counts * _shortfall(n, values, values)).sum())
    return float(_shortfall(n, q, p).sum())


def _tangent(n: int, q: Array, slope: Array, low: Array, high: Array) -> Array:
    """Lower bound on min f(p) + slope·p over [low, high], which is or ends at q.

    For all slopes [m] and all cells [N] at once, [m, N].
    """
    slope, curve = slope[:, None], _curve(n, q)
    p, a, b = q, low, high
    for _ in range(6):  # Newton, kept inside a shrinking bracket
        _, fall, bend = curve(p)
        rise = slope - fall
        a, b = np.where(rise < 0, p, a), np.where(rise < 0, b, p)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = p - rise / bend
        p = np.where((step >= a) & (step <= b), step, (a + b) / 2)
    # By convexity the tangent at any p lies below: what Newton left over is taken off here.
    f, fall, _ = curve(p)
    rise = slope - fall
    value: Array = f + slope * p + np.minimum(rise * (low - p), rise * (high - p))
    return value


@dataclass(frozen=True, eq=False)
class LeastMean:
    """g(τ) ≤ min E TV(p̂, q) over all p with TV(p, q) ≥ τ; convex, rising, and at least τ.

    A maximum of tangents slope·τ + intercept, each of them valid: for λ, ν ≥ 0 every such p has
    Σ f_i(p_i) ≥ λτ − ν + Σ_i min_p [f_i(p) − λ(q_i − p)_+ + νp] (Lagrange duality).

    Attributes:
        slopes: λ.
        intercepts: the rest.
    """

    slopes: Array
    intercepts: Array

    def __call__(self, tau: float) -> float:
        """g(τ)."""
        return max(tau, float((self.slopes * tau + self.intercepts).max()))

    def inverse(self, value: float) -> float:
        """Largest τ in [0, 1] with g(τ) ≤ value: a TV above it has a larger mean than `value`."""
        rising = self.slopes > 0
        if bool((self.intercepts[~rising] > value).any()):
            return 0.0
        crossing = (value - self.intercepts[rising]) / self.slopes[rising]
        return max(0.0, min(value, float(crossing.min(initial=1.0))))


def least_mean(n: int, q: Array) -> LeastMean:
    """Tangents of the least mean of the plug-in; kept, since many samplers share one target.

    Args:
        n: samples, ≥ 2.
        q: [N], a law, entries in (0, 1].

    Source: derived here; convexity of Bernstein polynomials of convex functions.
    """
    return _least_mean(n, np.sort(q).tobytes())


@lru_cache(maxsize=64)
def _least_mean(n: int, q: bytes) -> LeastMean:
    values, counts = np.unique(np.frombuffer(q), return_counts=True)
    # At p = q the slopes are −f′(q): about ½ for cells that are hit often, nq for rare ones.
    middle = float((counts * values * _curve(n, values)(values)[1]).sum())
    slopes_a_side = _SLOPES if len(values) <= _MANY else _SLOPES_OF_MANY
    grid = np.arange(slopes_a_side) / slopes_a_side
    down, up = middle + (1 - middle) * grid, middle * (1 - grid)
    zero, one = np.zeros_like(values), np.ones_like(values)
    below, above = _tangent(n, values, down, zero, values), _tangent(n, values, up, values, one)
    slopes, intercepts = [], []
    for s, left in zip(down, below, strict=True):
        slope = s - up
        best = np.minimum(left - slope[:, None] * values, above)
        slopes.append(slope)
        intercepts.append(best @ counts - up)
    return LeastMean(np.concatenate(slopes), np.concatenate(intercepts))
