"""The plug-in total variation TV(p̂, q) of n samples from p: its mean, and what it says of TV(p, q).

With X_i ~ Bin(n, p_i), E TV(p̂, q) = Σ_i f_i(p_i), f_i(p) = E(q_i − X_i/n)_+ over the cells of q.
Each f_i is convex and at least (q_i − p)_+, so E TV(p̂, q) ≥ TV(p, q): the plug-in is biased
upwards, and most where p is near q. `least_mean` bounds that bias from below, which both sharpens
an upper bound on TV(p, q) and states what a test on the plug-in detects, also with fewer samples
than cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincc, gammaln, ndtri, xlog1py, xlogy

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
    inner = np.clip(k, 0, n - 1) if n else np.zeros_like(k)
    value = betaincc(inner + 1, n - inner, p) if n else np.ones(np.broadcast(k, p).shape)
    return np.where(k < 0, 0.0, np.where(k >= n, 1.0, value))


def _shortfall(n: int, q: Array, p: Array) -> Array:
    """f(p) = E(q − X/n)_+ with X ~ Bin(n, p)."""
    m = np.floor(n * q)
    value: Array = q * _cdf(n, m, p) - p * _cdf(n - 1, m - 1, p)
    return value


def _fall(n: int, q: Array, p: Array) -> Array:
    """−f′(p), in [0, 1], falling in p."""
    m = np.floor(n * q)
    part = n * q - m
    value: Array = (1 - part) * _cdf(n - 1, m - 1, p) + part * _cdf(n - 1, m, p)
    return value


def _bend(n: int, q: Array, p: Array) -> Array:
    """f″(p)."""
    m = np.floor(n * q)
    part = n * q - m

    def mass(k: Array) -> Array:  # P(Bin(n − 2, p) = k)
        N = n - 2
        inner = np.clip(k, 0, max(N, 0))
        log = gammaln(N + 1) - gammaln(inner + 1) - gammaln(N - inner + 1)
        log = log + xlogy(inner, p) + xlog1py(N - inner, -p)
        return np.where((k < 0) | (k > N), 0.0, np.exp(log))

    value: Array = (n - 1) * ((1 - part) * mass(m - 1) + part * mass(m))
    return value


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


def _tangent(n: int, q: Array, slope: float, low: Array, high: Array) -> Array:
    """Lower bound on min f(p) + slope·p over [low, high], to rounding the minimum itself."""
    spread = np.sqrt(q * (1 - q) / n)
    p = np.clip(q - ndtri(min(max(slope, 1e-9), 1 - 1e-9)) * spread, low, high)
    a, b = low.copy(), high.copy()
    for _ in range(4):  # Newton, kept inside a shrinking bracket
        rise = slope - _fall(n, q, p)
        a, b = np.where(rise < 0, p, a), np.where(rise < 0, b, p)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = p - rise / _bend(n, q, p)
        p = np.where((step >= a) & (step <= b), step, (a + b) / 2)
    # By convexity the tangent at any p lies below: what Newton left over is taken off here.
    rise = slope - _fall(n, q, p)
    value: Array = _shortfall(n, q, p) + slope * p + np.minimum(rise * (low - p), rise * (high - p))
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
        return float(min(max(crossing.min(initial=1.0), 0.0), max(value, 0.0), 1.0))


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
    middle = float((counts * values * _fall(n, values, values)).sum())
    slopes_a_side = _SLOPES if len(values) <= _MANY else _SLOPES_OF_MANY
    grid = (np.arange(slopes_a_side + 1) / slopes_a_side) ** 2
    down, up = middle + (1 - middle) * grid, middle * (1 - grid)
    zero, one = np.zeros_like(values), np.ones_like(values)
    below = [_tangent(n, values, s, zero, values) for s in down]
    above = [_tangent(n, values, v, values, one) for v in up]
    slopes, intercepts = [], []
    for s, left in zip(down, below, strict=True):
        for v, right in zip(up, above, strict=True):
            slope = s - v
            slopes.append(slope)
            best = np.minimum(left - slope * values, right)
            intercepts.append(float((counts * best).sum()) - v)
    return LeastMean(np.array(slopes), np.array(intercepts))
