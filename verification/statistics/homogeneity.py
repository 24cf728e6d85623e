"""Have groups of independent samples one law? With all pairs of samples at once, exactly."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import chdtr, chdtrc, chdtri, gammaincinv, gammaln, ndtri
from sharprates.verification.statistics.sample_test import MISSES, SampleTest
from torch import Tensor

Counts = NDArray[np.int64]
Array = NDArray[np.float64]

# A cell that is expected less often than this in a group is joined with others like it.
_EXPECTED = 8
# So many cells at most, and the frequent ones: more would cost time and show little more.
_CELLS = 12


def homogeneity_test(
    name: str, counts: Tensor, level: float, generator: torch.Generator
) -> SampleTest:
    """Are all samples, of all groups, independent with one law, whatever it is?

    Given its margins, the table of groups × cells is then a chain of hypergeometric numbers. Each
    becomes exactly standard normal by a uniform of our own, so that their squares add up to χ² with
    (groups − 1)·(cells − 1) degrees, for any number of samples. Samples that repeat others of their
    group make the sum too large, wherever they stand in it; those that repeat other groups, or
    avoid each other, make it too small.

    Args:
        name: what is tested.
        counts: int64 [G, k], samples of each group in each cell.
        level: false-alarm probability, of both tails together.
        generator: of the uniforms.

    Returns:
        The test; it detects a share of samples that are copies of another one of their group.
    """
    n = _joined(counts.numpy())
    samples, degrees = int(n.sum()), (len(n) - 1) * (n.shape[1] - 1)
    if degrees == 0:
        return SampleTest(name, 1.0, level, samples, 1.0, "copies")
    # Of this group and all later ones: what is left of each cell, and of it and all later cells.
    left = np.cumsum(n[::-1], 0)[::-1]
    cells = np.cumsum(left[:, ::-1], 1)[:, ::-1][:-1, :-1]
    drawn = np.cumsum(n[:, ::-1], 1)[:, ::-1][:-1, :-1]
    seen, good = n[:-1, :-1], left[:-1, :-1]
    v = torch.rand(seen.shape, generator=generator, dtype=torch.float64).numpy()
    below, at = _hypergeometric(seen, cells, good, drawn)
    u = (below + v * at).clip(1e-300, 1 - 2**-53)
    statistic = float((ndtri(u) ** 2).sum())
    above, under = chdtrc(degrees, statistic), chdtr(degrees, statistic)
    p = min(1.0, 2 * min(float(above), float(under)))
    # A share s of copies makes the variance of each count 1 + s times as large.
    share = float(chdtri(degrees, level / 2) / (2 * gammaincinv(degrees / 2, MISSES))) - 1
    return SampleTest(name, p, level, samples, min(1.0, share), "copies")


def _hypergeometric(x: Counts, cells: Counts, good: Counts, drawn: Counts) -> tuple[Array, Array]:
    """P(X < x) and P(X = x), X good ones among those drawn; sums over ten standard deviations."""
    factorial = gammaln(np.arange(cells.max() + 1) + 1.0)

    def choose(n: Counts, k: Counts) -> Array:
        inside = (k >= 0) & (k <= n)
        k = np.where(inside, k, 0)
        ways: Array = factorial[n] - factorial[k] - factorial[n - k]
        return np.where(inside, ways, -np.inf)

    def probability(k: Counts, M: Counts, K: Counts, D: Counts) -> Array:
        chance: Array = np.exp(choose(K, k) + choose(M - K, D - k) - choose(M, D))
        return chance

    share = good / np.maximum(cells, 1)
    mean, wide = drawn * share, 10 * np.sqrt(drawn * share * (1 - share)) + 20
    least = np.maximum(0, np.floor(mean - wide)).astype(np.int64)
    # Far above its mean all the rest lies below x.
    below = np.where(x > mean + wide, 1.0, 0.0)
    rows = np.nonzero((x > least) & (x <= mean + wide))
    steps = least[rows][:, None] + np.arange(int((x - least)[rows].max(initial=0)))
    at = (one[rows][:, None] for one in (cells, good, drawn))
    terms = np.where(steps < x[rows][:, None], probability(steps, *at), 0.0)
    below[rows] = terms.sum(1)
    return below, probability(x, cells, good, drawn)


def _joined(n: Counts) -> Counts:
    """Frequent cells first; rare ones added up until each sum is large enough."""
    sums, enough = [np.zeros_like(n[:, 0])], max(_EXPECTED * len(n), n.sum() / _CELLS)
    for cell in np.argsort(-n.sum(0), kind="stable"):
        sums[-1] = sums[-1] + n[:, cell]
        if sums[-1].sum() >= enough:
            sums.append(np.zeros_like(n[:, 0]))
    rest = sums.pop()
    if sums:
        sums[-1] = sums[-1] + rest
    return np.stack(sums or [rest], 1)
