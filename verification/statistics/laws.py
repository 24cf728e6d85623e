"""Do samples follow a law on finitely many cells, few or more than there are samples?"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from sharprates.verification.statistics import plug_in_tv
from sharprates.verification.statistics.sample_test import MISSES, SampleTest, sampling_error
from torch import Tensor

Array = NDArray[np.float64]


def _law(counts: Tensor, p: Tensor) -> tuple[Array, Array, int, bool]:
    """Counts and law on the cells of positive probability, n, and whether others occurred.

    Cells that p does not list are impossible: a foreign sampler may put out anything.
    """
    c, law = counts.cpu().numpy().astype(np.float64), p.detach().cpu().numpy().astype(np.float64)
    law = np.pad(law, (0, max(0, len(c) - len(law))))
    possible = law > 0
    return c[possible], law[possible], int(c.sum()), bool(c[~possible].sum() > 0)


def multinomial_p_value(counts: Tensor, p: Tensor) -> float:
    """P-value of samples under a law on few cells, by relative entropy; no asymptotics.

    D = KL(p̂ ‖ p) has P(nD ≥ x) ≤ e^{−x}·(ex/(k−1))^{k−1} for x ≥ k−1, k cells, any n and p.

    Args:
        counts: int64 [k].
        p: float64 [k], the claimed law; a sample in a cell of probability 0 is a contradiction.

    Source: Agrawal (2020), Finite-sample concentration of the multinomial in relative entropy.
    """
    c, law, n, impossible = _law(counts, p)
    seen = c > 0
    x = float((c[seen] * np.log(c[seen] / (n * law[seen]))).sum())
    return 0.0 if impossible else math.exp(_log_tail(x, len(law)))


def _log_tail(x: float, cells: int) -> float:
    r = cells - 1
    if r == 0 or x <= r:
        return 0.0
    return -x + r + r * math.log(x / r)


def multinomial_detects(n: int, cells: int, level: float) -> float:
    """Smallest TV at which `multinomial_p_value` is ≤ level with probability ≥ 1 − `MISSES`.

    By Pinsker D ≥ 2·TV(p̂, p)², and TV(p̂, p) falls short of TV(p', p) by Hoeffding's bound.
    """
    if n == 0:
        return 1.0
    if cells == 1:  # every alternative puts mass where there should be none
        return min(1.0, -math.log(MISSES) / n)
    r, lost = cells - 1, -math.log(level)
    # At 2(r + lost) the tail is below the level, since log(1 + z) ≤ z.
    x = brentq(lambda v: _log_tail(v, cells) + lost, r, 2 * (r + lost))
    return min(1.0, math.sqrt(x / (2 * n)) + sampling_error(n))


def identity_p_value(counts: Tensor, p: Tensor) -> float:
    """P-value of samples under a law on many cells, perhaps more than samples, by TV(p̂, p).

    Under p the statistic exceeds its mean, which is known exactly, by t with chance ≤ e^{−2nt²}.

    Args:
        counts: int64 [k].
        p: float64 [k], the claimed law; a sample in a cell of probability 0 is a contradiction.

    Source: Diakonikolas, Gouleakis, Peebles, Price (2018), Sample-optimal identity testing with
        high probability (the statistic); McDiarmid (1989) (the band).
    """
    c, law, n, impossible = _law(counts, p)
    if n == 0:
        return 1.0
    excess = float(np.clip(law - c / n, 0, None).sum()) - plug_in_tv.mean(n, law, law)
    return 0.0 if impossible else math.exp(-2 * n * max(0.0, excess) ** 2)


def identity_detects(n: int, p: Tensor, level: float) -> float:
    """Smallest TV at which `identity_p_value` is ≤ level with probability ≥ 1 − `MISSES`."""
    law = p.detach().cpu().numpy().astype(np.float64)
    law = law[law > 0]
    if n < 2:
        return 1.0
    reached = plug_in_tv.mean(n, law, law) + plug_in_tv.deviation(n, level)
    return plug_in_tv.least_mean(n, law).inverse(reached + plug_in_tv.deviation(n, MISSES))


def law_test(name: str, counts: Tensor, p: Tensor, level: float) -> SampleTest:
    """Do samples follow a law? By the test that detects the smaller TV, chosen before looking.

    Args:
        name: what is tested.
        counts: int64 [k]; cells beyond those of p count as impossible.
        p: float64 [k], the claimed law.
        level: false-alarm probability.
    """
    n = int(counts.sum())
    few = multinomial_detects(n, int((p > 0).sum()), level)
    many = identity_detects(n, p, level)
    if few <= many:
        return SampleTest(name, multinomial_p_value(counts, p), level, n, few)
    return SampleTest(name, identity_p_value(counts, p), level, n, many)
