"""Total variation of samples to a target, as a confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.target import Target
from sharprates.verification.statistics import plug_in_tv
from sharprates.verification.statistics.binomial import at_least
from torch import Tensor


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
    e^{−2nt²} (McDiarmid); a TV above the end has a larger mean than that (`plug_in_tv.least_mean`).

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
    bound = plug_in_tv.least_mean(n, target.weights.numpy())
    upper = bound.inverse(plug + plug_in_tv.deviation(n, level / 2))
    return Empirical(n, seed, lower, max(lower, upper), level)
