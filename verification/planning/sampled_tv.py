"""KL and TV of a parallel sampler on laws that are known but too long to enumerate.

The law draws rows, gives their probability, and is its own exact denoiser (Markov chains, mixtures
of products: `samplers.markov`). All limits hold together with probability at least 1 − level, for
every number of samples. None needs a bound on log-probabilities: entropies lie in [0, log S], and
the TV of one allocation of tokens to steps lies in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from sharprates.samplers.errors import InputError
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.functions import rank_excess
from sharprates.theory.registry import CLAIMS
from sharprates.verification.planning.data_law import Tractable
from sharprates.verification.statistics.bounded_mean import Confidence, empirical_bernstein
from torch import Tensor


@dataclass(frozen=True, eq=False)
class SampledTV:
    """What n samples say of a step law on a long target.

    Attributes:
        steps: K.
        samples: n.
        level: probability at most that any limit is wrong.
        divergence: A = Σ_m (d·n_m − 1)·h_m, the KL1 mean, which bounds KL(q_0‖p_out); None with
            leftover.
        lower: of TV, from the distribution of log q_0 under the sampler and under q_0, and from
            masks.
        parts: upper limits by name: ``allocations``, mean TV of single allocations; ``E5``; and
            ``pinsker``, √(A/2).
    """

    steps: int
    samples: int
    level: float
    divergence: Confidence | None
    lower: float
    parts: dict[str, float]

    @property
    def upper(self) -> float:
        """Upper limit of TV: the smallest of `parts`."""
        return min(1.0, *self.parts.values())

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "steps": self.steps,
            "label": "limits from samples",
            "samples": self.samples,
            "level": self.level,
            "divergence": self.divergence and asdict(self.divergence),
            "tv": {"lower": self.lower, "upper": self.upper},
            "upper_limits": self.parts,
        }


def sampled_tv(
    target: Tractable,
    law: StepLaw,
    samples: int = 2000,
    *,
    seed: int = 0,
    level: float = 1e-6,
    inner: int = 4,
) -> SampledTV:
    """Bound KL and TV of a parallel sampler with the exact denoiser of a long target.

    * h enters through entropies H(p(·|x_U)) along random orders of rows of q_0. A and the exponent
      of E5 are linear in h: sums of d bounded terms, whose mean gets Bernstein limits.
    * Given x ~ q_0 and allocations σ_1..σ_M, E(1 − mean_j P_{σ_j}(x)/q_0(x))_+ ≥ TV, by Jensen; it
      falls to TV as M grows.
    * For any statistic s, TV ≥ sup_c P(s(X_out) ≤ c) − P(s(X) ≤ c); here s = log q_0, and −∞ for a
      row with masks. The Dvoretzky–Kiefer–Wolfowitz inequality (Massart's constant) bounds both.

    Args:
        target: the law and its exact denoiser.
        law: the step law.
        samples: n ≥ 2 rows for each part.
        seed: of all draws.
        level: that any limit is wrong.
        inner: M ≥ 1.

    Raises:
        InputError: if a number is out of range.
    """
    if samples < 2 or inner < 1:
        raise InputError(f"samples and inner: need n ≥ 2 and M ≥ 1, got {samples} and {inner}")
    if not 0 < level < 1:
        raise InputError(f"level: must lie between 0 and 1, got {level:g}")
    generator = torch.Generator().manual_seed(seed)
    each = level / 4
    parts = {"allocations": _by_allocations(target, law, samples, inner, generator, each).upper}
    divergence = None
    if law.leftover == 0:
        entropies = _entropies(target, samples, generator)
        divergence, parts["E5"] = _by_entropies(target, law, entropies, each)
        parts["pinsker"] = math.sqrt(max(divergence.upper, 0.0) / 2)
    lower = _by_likelihood(target, law, samples, generator, each)
    return SampledTV(law.steps, samples, level, divergence, lower, parts)


def _entropies(target: Tractable, n: int, generator: torch.Generator) -> Tensor:
    """H(p(·|x_U)) at the next token of a random order, for |U| = 0..d−1: float64 [n, d]."""
    d, rows = target.length, torch.arange(n)
    x = target.sample(n, generator)
    order = torch.rand(n, d, generator=generator, dtype=torch.float64).argsort(1)
    state = torch.full_like(x, target.vocabulary)
    found = torch.empty(n, d, dtype=torch.float64)
    for m in range(d):
        column = order[:, m]
        p = target(state, positions=(rows, column)).to(torch.float64)
        found[:, m] = torch.special.entr(p).sum(1)
        state[rows, column] = x[rows, column]
    return found


def _by_entropies(
    target: Tractable, law: StepLaw, entropies: Tensor, level: float
) -> tuple[Confidence, float]:
    """Limits for A, and E5 at an upper limit of its exponent; level for each of the two."""
    d, top = target.length, math.log(target.vocabulary)
    excess = torch.tensor(rank_excess(FLOAT, d, law.weights.tolist()), dtype=torch.float64)
    # Σ(n_m − 1/d) = 0, so that half of Σ|·| is what the positive and the negative terms can reach.
    reach = d * float(excess.clamp(min=0).sum()) * top
    divergence = empirical_bernstein(entropies @ (d * excess), -reach, reach, level)
    positive = entropies @ (d * excess.clamp(min=0))
    limit = empirical_bernstein(positive, 0.0, reach, level)
    # E5 is linear in h before the exponential: raise h evenly until its exponent is the limit.
    mean = entropies.mean(0)
    raised = mean + ((limit.upper - limit.mean) * top / reach if reach else 0.0)
    values = {"d": d, "S": target.vocabulary, "w": law.weights.tolist(), "h": raised.tolist()}
    bound = CLAIMS["E5"].value(values, FLOAT, variant="entropy")
    # A is a divergence: not negative.
    return Confidence(divergence.mean, max(0.0, divergence.lower), divergence.upper), float(bound)


def _by_allocations(
    target: Tractable,
    law: StepLaw,
    n: int,
    inner: int,
    generator: torch.Generator,
    level: float,
) -> Confidence:
    """Limits for E(1 − mean_j P_{σ_j}(x)/q_0(x))_+."""
    d, K = target.length, law.steps
    x = target.sample(n, generator)
    log_q = target.log_probability(x)
    ends = torch.cumsum(law.weights, 0)
    if law.leftover == 0:
        ends[-1] = 1.0
    ratio = torch.zeros(n, dtype=torch.float64)
    for _ in range(inner):
        u = torch.rand(n, d, generator=generator, dtype=torch.float64)
        at = torch.searchsorted(ends, u, right=True)
        log_p = _log_allocation(target, x, at, K)
        ratio += torch.exp(log_p - log_q) / inner
    return empirical_bernstein((1 - ratio).clamp(min=0), 0.0, 1.0, level)


def _log_allocation(target: Tractable, x: Tensor, at: Tensor, K: int) -> Tensor:
    """log ∏_i p(x_i | tokens of earlier steps); −∞ if a token is left over (step K)."""
    n, d = x.shape
    order = torch.sort(at.flatten(), stable=True).indices
    counts = torch.bincount(at.flatten(), minlength=K + 1).tolist()
    state = torch.full_like(x, target.vocabulary)
    total = torch.zeros(n, dtype=torch.float64)
    for flat in torch.split(order, counts)[:K]:
        if flat.numel() == 0:
            continue
        rows, local = torch.unique_consecutive(flat // d, return_inverse=True)
        p = target(state[rows], positions=(local, flat % d)).to(torch.float64)
        value = x.view(-1)[flat]
        total.index_add_(0, flat // d, p[torch.arange(flat.numel()), value].log())
        state.view(-1)[flat] = value
    return torch.where((at == K).any(1), -math.inf, total)


def _by_likelihood(
    target: Tractable, law: StepLaw, n: int, generator: torch.Generator, level: float
) -> float:
    """A lower limit of TV from the two distribution functions of log q_0."""
    d = target.length
    drawn = ParallelSampler(d, law).sample(target, n, generator)
    masked = (drawn == target.vocabulary).any(1)
    out = target.log_probability(torch.where(masked[:, None], 0, drawn))
    out = torch.where(masked, -math.inf, out).sort().values
    exact = target.log_probability(target.sample(n, generator)).sort().values
    # F_out − F_exact just at and after each drawn value, which is where it can be largest.
    above = torch.arange(1, n + 1, dtype=torch.float64) / n
    gap = above - torch.searchsorted(exact, out, right=True) / n
    allowance = 2 * math.sqrt(math.log(2 / level) / (2 * n))
    masks = -math.expm1(d * math.log1p(-law.leftover)) if law.leftover < 1 else 1.0  # L0
    return max(0.0, masks, float(gap.max()) - allowance)
