"""KL and TV of a parallel sampler on laws that are known but too long to enumerate.

The law draws rows, gives their probability, and is its own exact denoiser (Markov chains, mixtures
of products: `samplers.markov`). All limits hold together with probability at least 1 − level, for
every number of samples. None needs a bound on log-probabilities: entropies lie in [0, log S], and
the TV of one allocation of tokens to steps lies in [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from scipy.special import gammaln
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.functions import rank_excess
from sharprates.theory.registry import CLAIMS
from torch import Tensor


class Tractable(Denoiser, Protocol):
    """A law with exact conditionals, samples and probabilities."""

    @property
    def length(self) -> int:
        """Sequence length d."""
        ...

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n rows, int64 [n, d]."""
        ...

    def log_probability(self, rows: Tensor) -> Tensor:
        """Logarithm of q_0 at rows, float64 [n]."""
        ...


@dataclass(frozen=True)
class Confidence:
    """A mean with limits, each of which fails with its share of the level.

    Attributes:
        mean: of the samples.
        lower: below the true value.
        upper: above it.
    """

    mean: float
    lower: float
    upper: float


def empirical_bernstein(values: Tensor, low: float, high: float, level: float) -> Confidence:
    """Limits for the mean of i.i.d. values in [low, high]; each fails with probability ≤ level/2.

    Args:
        values: float64 [n], n ≥ 2.
        low: smallest possible value.
        high: largest possible value.
        level: for both limits together.

    Source:
        Maurer, Pontil, Empirical Bernstein bounds, COLT 2009, theorem 4.
    """
    n, log_term = values.numel(), math.log(4 / level)
    width = math.sqrt(2 * float(values.var()) * log_term / n)
    width += 7 * (high - low) * log_term / (3 * (n - 1))
    mean = float(values.mean())
    return Confidence(mean, max(low, mean - width), min(high, mean + width))


@dataclass(frozen=True, eq=False)
class LargeEstimate:
    """What n samples say of a step law on a long target.

    Attributes:
        samples: n.
        level: probability at most that any limit is wrong.
        divergence: A = Σ_m (d·n_m − 1)·h_m, the KL1 mean, which bounds KL(q_0‖p_out); None with
            leftover.
        tv_lower: from the distribution of log q_0 under the sampler and under q_0, and from masks.
        tv_upper: the smallest of `parts`.
        parts: upper limits by name: ``allocations``, mean TV of single allocations; ``E5``; and
            ``pinsker``, √(A/2).
    """

    samples: int
    level: float
    divergence: Confidence | None
    tv_lower: float
    tv_upper: float
    parts: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        kl = self.divergence
        return {
            "samples": self.samples,
            "level": self.level,
            "divergence": kl and {"mean": kl.mean, "lower": kl.lower, "upper": kl.upper},
            "tv": {"lower": self.tv_lower, "upper": self.tv_upper},
            "upper_limits": self.parts,
        }


def estimate(
    target: Tractable,
    law: StepLaw,
    samples: int = 2000,
    *,
    seed: int = 0,
    level: float = 1e-6,
    inner: int = 4,
) -> LargeEstimate:
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
    upper = min(1.0, *parts.values())
    return LargeEstimate(samples, level, divergence, lower, upper, parts)


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


def chain_information(chain: MarkovChain) -> Tensor:
    """The information curve h_0..h_{d−1} of a Markov chain, exactly, at any length.

    A hidden token depends on its nearest revealed neighbours. With m of the other d − 1 tokens
    revealed, gaps g and h to them have chance C(d−1−g−h, m−2)/C(d−1, m) at each of the d − g − h
    places that have room; so h_m = H(π) − Σ P(g, h)·I(X_0; X_{−g}, X_h), neighbours beyond the
    chain's reach telling nothing.

    Args:
        chain: the chain.

    Returns:
        float64 [d], nats.
    """
    d, pi = chain.length, chain.stationary.cpu()
    reach = min(chain.reach, d - 1)
    m = torch.arange(d, dtype=torch.float64)
    log_factorial = torch.from_numpy(gammaln(torch.arange(d + 1, dtype=torch.float64).numpy() + 1))

    def chance(hidden: int, shown: int) -> Tensor:
        """That so many given tokens are hidden and so many shown, for every m: [d]."""
        rest = d - 1 - hidden - shown
        ways = torch.full((d,), -math.inf, dtype=torch.float64)
        if rest >= 0:
            index = torch.arange(shown, shown + rest + 1)  # C(rest, m − shown)
            ways[index] = (
                log_factorial[rest]
                - log_factorial[index - shown]
                - log_factorial[rest - index + shown]
            )
        total = log_factorial[d - 1] - log_factorial[:d] - log_factorial[d - 1 - m.long()]
        return torch.exp(ways - total)

    def entropy(p: Tensor) -> float:
        return float(torch.special.entr(p).sum())

    powers = [torch.linalg.matrix_power(chain.transition.cpu(), g) for g in range(reach + 1)]
    top = entropy(pi)
    one_side = [top - float(pi @ torch.special.entr(p).sum(1)) for p in powers]  # I(X_0; X_g)
    told = torch.zeros(d, dtype=torch.float64)
    for g in range(1, reach + 1):
        single = chance(g - 1, 1) * (d - g) / d
        for h in range(1, min(reach, d - 1 - g) + 1):
            joint = pi[:, None, None] * powers[g][:, :, None] * powers[h][None]  # left, X_0, right
            both = top + entropy(joint.sum(1)) - entropy(joint)
            weight = chance(g + h - 2, 2) * (d - g - h) / d
            # Both within reach: told once by the pair, no more by the two single sums below.
            told += weight * (both - one_side[g] - one_side[h])
        told += 2 * single * one_side[g]
    return top - told
