"""One probability: a lower confidence bound, and a test."""

from __future__ import annotations

from bisect import bisect_right

from scipy.special import bdtr, bdtrc, betainccinv, betaincinv
from sharprates.verification.statistics.sample_test import MISSES, SampleTest


def at_least(successes: int, n: int, level: float) -> float:
    """Lower confidence bound for a probability, above it with probability ≤ level.

    Args:
        successes: in 0..n.
        n: trials, ≥ 1.
        level: in (0, 1).

    Source: Clopper and Pearson (1934), Biometrika 26.
    """
    return 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, level))


def binomial_test(name: str, successes: int, n: int, p: float, level: float) -> SampleTest:
    """Is the probability of an event p? Exact test, both tails.

    Args:
        name: what is tested.
        successes: how often it occurred.
        n: independent trials.
        p: claimed probability.
        level: false-alarm probability.
    """
    if n == 0:
        return SampleTest(name, 1.0, level, 0, 1.0)
    below = float(bdtr(successes, n, p))
    above = 1.0 if successes == 0 else float(bdtrc(successes - 1, n, p))
    return SampleTest(
        name, min(1.0, 2 * min(below, above)), level, n, binomial_detects(n, p, level)
    )


def binomial_detects(n: int, p: float, level: float) -> float:
    """Smallest |p' − p| from which on `binomial_test` rejects p' with probability 1 − `MISSES`."""
    counts = range(n + 1)
    # Accepted are the counts low..high; a count at the very level is rejected.
    low = bisect_right(counts, level / 2, key=lambda k: float(bdtr(k, n, p)))
    high = n - bisect_right(counts, level / 2, key=lambda k: float(bdtr(k, n, 1 - p)))
    over = 1.0 if high >= n else float(betainccinv(high + 1, n - high, MISSES)) - p
    under = 1.0 if low <= 0 else p - float(betaincinv(low, n - low + 1, MISSES))
    # Beyond 0 and 1 there is no alternative to detect.
    return max(over if p < 1 else 0.0, under if p > 0 else 0.0)
