"""Statistical checks with proved levels, each stating what it detects.

Every check is a triple: a p-value that is proved to be at most x with probability at most x where
the claim holds (for every number of samples, no asymptotics); the smallest discrepancy that is
rejected with probability at least 99 % (`MISSES` are the rest); and, by `samples_needed`, the
samples that a given discrepancy needs. Levels come from `verification.budget`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtr, bdtrc
from scipy.stats import beta
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.target import Target
from sharprates.verification import plug_in
from torch import Tensor

MISSES = 0.01
"""Probability at most with which a check misses a discrepancy of the size that it states."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: what was checked.
        p_value: at most x with probability at most x, if the claim holds.
        level: false-alarm probability; the check fails if the p-value is not above it.
        n: independent samples.
        detects: smallest discrepancy rejected with probability ≥ 1 − `MISSES`; 1 if none is.
        distance: in what the discrepancy is measured: ``tv``, ``kolmogorov`` (at most the TV), or
            ``exact`` for a check without chance.
    """

    name: str
    p_value: float
    level: float
    n: int
    detects: float
    distance: str = "tv"

    @property
    def passed(self) -> bool:
        """True if the data do not contradict the claim at this level."""
        return self.p_value > self.level

    def __str__(self) -> str:
        verdict = "holds" if self.passed else "FAILS"
        return (
            f"{self.name}: {verdict} (p ≤ {self.p_value:.3g} at level {self.level:.3g}, "
            f"n = {self.n}, detects {self.distance} {self.detects:.3g})"
        )


def certain(name: str, holds: bool, n: int) -> Check:
    """A check without chance: it spends nothing and misses nothing it looked at."""
    return Check(name, 1.0 if holds else 0.0, 0.0, n, 0.0, "exact")


def samples_needed(detects: Callable[[int], float], discrepancy: float, most: int = 10**12) -> int:
    """A number of samples from which a check detects a discrepancy.

    Args:
        detects: the smallest discrepancy detected with n samples, falling in n.
        discrepancy: what is to be detected.
        most: where to give up.

    Returns:
        The smallest such n, if `detects` falls monotonically; `most` if none below will do.
    """
    high = 2
    while detects(high) > discrepancy:
        high *= 2
        if high >= most:
            return most
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if detects(middle) <= discrepancy else (middle, high)
    return high


def _sampling_error(n: int) -> float:
    """A frequency of n samples falls this far below its probability with chance ≤ `MISSES`."""
    return math.sqrt(-math.log(MISSES) / (2 * n))  # Hoeffding


# ---------------------------------------------------------------------------------------------
# One probability
# ---------------------------------------------------------------------------------------------


def at_least(successes: int, n: int, level: float) -> float:
    """Lower confidence bound for a probability, above it with probability ≤ level.

    Args:
        successes: in 0..n.
        n: trials, ≥ 1.
        level: in (0, 1).

    Source: Clopper and Pearson (1934), Biometrika 26.
    """
    return 0.0 if successes == 0 else float(beta.ppf(level, successes, n - successes + 1))


def binomial_check(name: str, successes: int, n: int, p: float, level: float) -> Check:
    """Is the probability of an event p? Exact test, both tails.

    Args:
        name: what is checked.
        successes: how often it occurred.
        n: independent trials.
        p: claimed probability.
        level: false-alarm probability.
    """
    if n == 0:
        return Check(name, 1.0, level, 0, 1.0)
    below = float(bdtr(successes, n, p))
    above = 1.0 if successes == 0 else float(bdtrc(successes - 1, n, p))
    return Check(name, min(1.0, 2 * min(below, above)), level, n, binomial_detects(n, p, level))


def binomial_detects(n: int, p: float, level: float) -> float:
    """Smallest |p' − p| from which on `binomial_check` rejects p' with probability 1 − `MISSES`."""
    counts = range(n + 1)
    # Accepted are the counts low..high; a count at the very level is rejected.
    low = bisect_right(counts, level / 2, key=lambda k: float(bdtr(k, n, p)))
    high = n - bisect_right(counts, level / 2, key=lambda k: float(bdtr(k, n, 1 - p)))
    over = 1.0 if high >= n else float(beta.isf(MISSES, high + 1, n - high)) - p
    under = 1.0 if low <= 0 else p - float(beta.ppf(MISSES, low, n - low + 1))
    # Beyond 0 and 1 there is no alternative to detect.
    return min(1.0, max(over if p < 1 else 0.0, under if p > 0 else 0.0))


# ---------------------------------------------------------------------------------------------
# A whole law
# ---------------------------------------------------------------------------------------------


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
    r = cells - 1
    top = 12 * r - 2 * math.log(level)
    x = brentq(lambda v: _log_tail(v, cells) - math.log(level), r, top)
    return min(1.0, math.sqrt(x / (2 * n)) + _sampling_error(n))


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
    excess = float(np.clip(law - c / n, 0, None).sum()) - plug_in.mean(n, law, law)
    return 0.0 if impossible else math.exp(-2 * n * max(0.0, excess) ** 2)


def identity_detects(n: int, p: Tensor, level: float) -> float:
    """Smallest TV at which `identity_p_value` is ≤ level with probability ≥ 1 − `MISSES`."""
    law = p.detach().cpu().numpy().astype(np.float64)
    law = law[law > 0]
    if n < 2:
        return 1.0
    reached = plug_in.mean(n, law, law) + plug_in.deviation(n, level)
    return plug_in.least_mean(n, law).inverse(reached + plug_in.deviation(n, MISSES))


def law_check(name: str, counts: Tensor, p: Tensor, level: float) -> Check:
    """Do samples follow a law? By the check that detects the smaller TV, chosen before looking.

    Args:
        name: what is checked.
        counts: int64 [k]; cells beyond those of p count as impossible.
        p: float64 [k], the claimed law.
        level: false-alarm probability.
    """
    n = int(counts.sum())
    few = multinomial_detects(n, int((p > 0).sum()), level)
    # An identity check detects nothing within its own band: no need then to work its bound out.
    if n == 0 or few <= plug_in.deviation(n, level) + plug_in.deviation(n, MISSES):
        return Check(name, multinomial_p_value(counts, p), level, n, few)
    many = identity_detects(n, p, level)
    if few <= many:
        return Check(name, multinomial_p_value(counts, p), level, n, few)
    return Check(name, identity_p_value(counts, p), level, n, many)


# ---------------------------------------------------------------------------------------------
# A distribution function
# ---------------------------------------------------------------------------------------------


def dkw_check(name: str, probabilities: Tensor, level: float) -> Check:
    """Do samples follow a distribution function F? By the largest gap to the empirical one.

    P(sup |F̂ − F| > t) ≤ 2e^{−2nt²}, for every n and F.

    Args:
        name: what is checked.
        probabilities: float64 [n], F at the samples; F continuous. One that is no number is a
            contradiction.
        level: false-alarm probability.

    Source: Massart (1990), The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality.
    """
    F = torch.sort(probabilities.flatten()).values
    n = F.numel()
    if n == 0:
        return Check(name, 1.0, level, 0, 1.0, "kolmogorov")
    rank = torch.arange(n, dtype=torch.float64, device=F.device)
    gap = float(torch.maximum((rank + 1) / n - F, F - rank / n).max())
    value = 0.0 if math.isnan(gap) else min(1.0, 2 * math.exp(-2 * n * gap**2))
    return Check(name, value, level, n, dkw_detects(n, level), "kolmogorov")


def dkw_detects(n: int, level: float) -> float:
    """Smallest Kolmogorov distance that `dkw_check` rejects with probability ≥ 1 − `MISSES`."""
    return min(1.0, plug_in.deviation(n, level / 2) + _sampling_error(n))


# ---------------------------------------------------------------------------------------------
# Total variation of samples to a target
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Empirical:
    """Total variation of a running sampler to its target, as a confidence interval.

    Attributes:
        n: samples.
        seed: of the generator that drew them.
        lower: end of the interval.
        upper: end of the interval.
        level: probability at most with which the interval misses the true TV.
    """

    n: int
    seed: int
    lower: float
    upper: float
    level: float

    def json(self) -> dict[str, Any]:
        """What stands under ``empirical`` in a report."""
        return {
            "n": self.n,
            "seed": self.seed,
            "tv": {"lower": self.lower, "upper": self.upper},
            "level": self.level,
        }


def cells(target: Target, rows: Tensor) -> Tensor:
    """Which sequence of the support each sample is, int64 [n]; N where it is none, masks included.

    The law on these N + 1 cells has the same TV to q_0 as the law of whole sequences (S5).

    Args:
        target: with N sequences.
        rows: int64 [n, d], mask = S.
    """
    N, base = target.support, target.vocabulary + 1
    rows = rows.to(target.rows.device)
    if base**target.length < 2**63:
        powers = torch.tensor([base**i for i in range(target.length - 1, -1, -1)])
        known, seen = (target.rows * powers).sum(1), (rows * powers).sum(1)
    else:
        ids = torch.unique(torch.cat([target.rows, rows]), dim=0, return_inverse=True)[1]
        known, seen = ids[:N], ids[N:]
    # The support is in lexicographic order, so its numbers rise.
    place = torch.searchsorted(known, seen).clamp(max=N - 1)
    return torch.where(known[place] == seen, place, N)


def counts(found: Tensor, target: Target) -> Tensor:
    """How often each of the N + 1 cells occurred, int64 [N + 1]."""
    return torch.bincount(found, minlength=target.support + 1)


def law_on_cells(law: OutputLaw, target: Target) -> Tensor:
    """An exact output law on the N + 1 cells of a target, float64 [N + 1].

    What is missing to 1 lies in the last cell. If it is within the law's error bound of 0 it counts
    as 0, so a sample there is a contradiction; the chance that such a mass is hit is below n times
    that error.

    Args:
        law: on the target's support or dense.
        target: the data law.
    """
    listed = law.probability.detach().to("cpu", torch.float64)
    if law.dense:
        powers = law.vocabulary ** torch.arange(target.length - 1, -1, -1)
        listed = listed[(target.rows * powers).sum(1)]
    rest = 1 - math.fsum(listed.tolist())
    rest = rest if rest > law.error else 0.0
    return torch.cat([listed, torch.tensor([rest], dtype=torch.float64)])


def empirical_tv(
    counts: Tensor, target: Target, level: float, seed: int, claimed: Tensor
) -> Empirical:
    """TV of a sampler's law to the target from its samples, true whatever the sampler's law is.

    Lower end: TV ≥ P(A) − q_0(A) for every event A, with Clopper–Pearson's bound for P(A). A is
    where the claimed law exceeds q_0, fixed before sampling; if the claim is wrong the bound is
    weaker, not wrong.
    Upper end: the plug-in TV(p̂, q_0) lies below its mean by more than t with probability ≤
    e^{−2nt²} (McDiarmid); a TV above the end has a larger mean than that (`plug_in.least_mean`).

    Args:
        counts: int64 [N + 1], the `counts` of n ≥ 2 independent samples.
        target: the data law q_0.
        level: probability at most with which the interval is wrong, half on either side.
        seed: of the generator that drew the samples.
        claimed: float64 [N + 1], the law that the sampler is said to have, from `law_on_cells`.
    """
    q = torch.cat([target.weights, torch.zeros(1, dtype=torch.float64)])
    n = int(counts.sum())
    event = claimed > q
    event[-1] = True  # outside the support every sample counts
    hits = int(counts[event].sum())
    lower = max(0.0, at_least(hits, n, level / 2) - math.fsum(q[event].tolist()))
    plug = float((q - counts / n).clamp(min=0).sum())
    bound = plug_in.least_mean(n, target.weights.numpy())
    upper = bound.inverse(plug + plug_in.deviation(n, level / 2))
    return Empirical(n, seed, lower, max(lower, upper), level)
