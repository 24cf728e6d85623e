"""How far a denoiser is from the exact conditionals, over all contexts of a data law.

Averages over contexts of a size are all that any bound needs, since every sampler reveals uniformly
random subsets: in TV (E1, E2, E3, H2), in KL and as a loss (C1, C2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.errors import InputError, check_memory
from sharprates.samplers.expansion import reached
from sharprates.samplers.hitting_law import pieces
from sharprates.samplers.output_law import UNIT, compound, rounding
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification.arithmetic import Interval
from sharprates.verification.profile import gap_rounding, subset_law
from torch import Tensor

# Predictions asked for at a time: 2^22 float64 numbers are 32 MiB.
_CELLS = 1 << 22
# Well above the smallest normal number, below which a quotient loses digits.
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class SizeSums:
    """Sums over |U| = u and i ∉ U of means over x_U ~ q_0, float64 [d + 1] each.

    Attributes:
        gaps: of max{Σ_a(p̂_i − p_i)_+, Σ_a(p_i − p̂_i)_+}, which is TV(p_i, p̂_i) if p̂ is normalised.
        divergences: of KL(p_i‖p̂_i), nats; ∞ where p̂ gives 0 to a possible symbol.
        losses: of −Σ_a p_i(a) log p̂_i(a), nats.
        logs: of Σ_a p_i(a)(log p_i(a)/p̂_i(a))_+, nats; ∞ as the divergences.
    """

    gaps: Tensor
    divergences: Tensor
    losses: Tensor
    logs: Tensor


@dataclass(frozen=True, eq=False)
class Comparison:
    """All contexts of a target with their exact conditionals, to compare denoisers with.

    Attributes:
        contexts: of the target.
        exact: float64 [C, d, S].
        rounding: `verification.profile.gap_rounding` of the target.
    """

    contexts: Contexts
    exact: Tensor
    rounding: float

    @staticmethod
    def of(target: Target) -> Comparison:
        """Prepare a target.

        Raises:
            TooLargeError: if its conditionals do not fit into memory.
        """
        contexts = Contexts.of(target)
        cells = contexts.count * target.length * target.vocabulary
        check_memory(
            24 * cells, f"the conditionals at {contexts.count} contexts", "use fewer sequences"
        )
        return Comparison(contexts, ExactDenoiser(target)(contexts.states), gap_rounding(target))

    def sums(self, denoiser: Denoiser, t: float | None = None) -> SizeSums:
        """Compare a denoiser, at a time if it depends on one.

        For one that is not normalised the divergence and the loss are those of p̂/Σp̂.

        Raises:
            InputError: if its vocabulary is another.
        """
        S, d = self.contexts.vocabulary, self.contexts.length
        if denoiser.vocabulary != S:
            raise InputError(f"denoiser: its vocabulary is {denoiser.vocabulary}, the target's {S}")
        found = [torch.zeros(d + 1, dtype=torch.float64) for _ in range(4)]
        size = max(1, _CELLS // (d * S))
        for low in range(0, self.contexts.count, size):
            part = slice(low, low + size)
            x = self.contexts.states[part]
            p, q = self.exact[part], denoiser(x, t).to("cpu", torch.float64)
            masked = x == S
            for total, each in zip(found, _distances(p, q, denoiser.normalised), strict=True):
                mean = torch.where(masked, each, 0.0).sum(1) * self.contexts.mass[part]
                total.index_add_(0, self.contexts.revealed[part], mean)
        return SizeSums(*found)

    def along(self, denoiser: Denoiser, times: Tensor) -> Tensor:
        """Gap sums of a time-dependent denoiser at each time: float64 [K, d + 1]."""
        return torch.stack([self.sums(denoiser, t).gaps for t in times.tolist()])


def _distances(p: Tensor, q: Tensor, normalised: bool) -> tuple[Tensor, ...]:
    """As `SizeSums` has them, of predictions q where p is exact: [B, d, S] to [B, d] each."""
    difference = q - p
    over, under = difference.clamp(min=0).sum(-1), (-difference).clamp(min=0).sum(-1)
    total = torch.ones(()) if normalised else q.sum(-1, keepdim=True)
    total = torch.where(total > 0, total, 1.0)
    share, sure = q / total, torch.where(p > 0, p, 1.0)
    log_share = _log_quotient(q, total)
    # Near p, log(1 + δ) keeps the digits of a small δ; far from it 1 + δ would lose a small share.
    delta = (share - p) / sure
    far = torch.where(share > _TINY, _log_quotient(share, sure), log_share - torch.log(sure))
    log_ratio = torch.where(delta.abs() < 0.5, torch.log1p(delta), far)
    # KL as Σ q − p − p·log(q/p), all of whose terms are ≥ 0
    terms = torch.where(p > 0, share - p - p * log_ratio, share).clamp(min=0)
    surprise = torch.where(p > 0, -p * log_share, 0.0)
    excess = torch.where(p > 0, p * (-log_ratio).clamp(min=0), 0.0)
    gaps = torch.maximum(over, under)
    return gaps, terms.sum(-1), surprise.sum(-1), excess.sum(-1)


def _log_quotient(x: Tensor, y: Tensor) -> Tensor:
    """log(x/y): of the quotient, or, where that leaves the normal numbers, of both."""
    quotient = x / y
    normal = (quotient > _TINY) & (quotient < 1 / _TINY)
    return torch.where(normal, torch.log(quotient), torch.log(x) - torch.log(y))


@dataclass(frozen=True)
class OrderError:
    """A denoiser's error along a uniformly random order: the draws of first-hitting sampling.

    Attributes:
        gaps: E TV(p_i, p̂_i) at the n-th draw, n = 1..d; the larger one-sided distance if p̂ is not
            normalised.
        divergences: E KL(p_i‖p̂_i) at the n-th draw, nats; may be ∞.
        losses: L_m, the mean loss at m revealed tokens, m = 0..d−1, nats; may be ∞.
        error: bound on the error of each gap: rounding, and what a time-dependent denoiser may do
            between the times at which it is asked.
        divergence_error: the same for each divergence that is finite.
    """

    gaps: tuple[float, ...]
    divergences: tuple[float, ...]
    losses: tuple[float, ...]
    error: float
    divergence_error: float

    @property
    def epsilon_fhs(self) -> float:
        """ε_FHS = E Σ_n TV(p_i, p̂_i). Source: H2."""
        return math.fsum(self.gaps)

    @property
    def epsilon_kl(self) -> float:
        """ε_KL = E Σ_n KL(p_i‖p̂_i), nats; may be ∞. Source: C1."""
        return math.fsum(self.divergences)

    @property
    def nelbo(self) -> float:
        """Any-order NELBO, ε_KL more than the entropy of the data, nats; may be ∞."""
        return math.fsum(self.losses)


def order_error(comparison: Comparison, sums: SizeSums) -> OrderError:
    """A time-free denoiser's error: the mean over all (U, i) with |U| = u, for each u.

    Args:
        comparison: of the target.
        sums: what it found for the denoiser.

    Source: H2, C1.
    """
    d = comparison.contexts.length
    pairs = torch.tensor([math.comb(d, u) * (d - u) for u in range(d)], dtype=torch.float64)
    return _averaged([sums], (1 / pairs)[None], comparison.rounding)


def hitting_error(comparison: Comparison, denoiser: Denoiser, clock: Clock) -> OrderError:
    """Any denoiser's error at the hitting times of a clock.

    Args:
        comparison: of the target.
        denoiser: what is measured, asked once in each of `samplers.hitting_law.pieces`.
        clock: the clock.

    Returns:
        At u revealed tokens the sum over pieces of P(the draw falls into it)·(sums at its time).
        What the denoiser's variation inside the pieces may change is part of the stated error; that
        of the divergences is infinite if there is any, since a small TV bounds no divergence. So is
        that of the gaps if the denoiser is not normalised.

    Source: H2.
    """
    d = comparison.contexts.length
    cut = pieces(denoiser, clock)
    ends = torch.tensor([0.0, *(one.high for one in cut)], dtype=torch.float64)
    chance = _draws_before(ends, d).diff(dim=0)
    pairs = torch.tensor([math.comb(d, u) * (d - u) for u in range(d)], dtype=torch.float64)
    sums = [comparison.sums(denoiser, one.asked) for one in cut]
    found = _averaged(sums, chance / pairs, comparison.rounding)
    variations = torch.tensor([one.variation for one in cut], dtype=torch.float64)
    unresolved = float((chance * variations[:, None]).sum(0).max())
    unknown = math.inf if unresolved else 0.0

    def misplaced(values: Iterable[Tensor]) -> float:
        """Of chances that are differences of rounded sums, or of a break that is off by some."""
        means = torch.stack([each[:d] for each in values]) / pairs
        finite = torch.where(torch.isfinite(means), means, 0.0)
        return (4 * d + 16) * len(cut) * UNIT * float(finite.max())

    return replace(
        found,
        error=found.error
        + misplaced(one.gaps for one in sums)
        + (unresolved if denoiser.normalised else unknown),
        divergence_error=found.divergence_error
        + misplaced(one.divergences for one in sums)
        + unknown,
    )


def _draws_before(b: Tensor, d: int) -> Tensor:
    """P(the draw at u revealed tokens has happened at b) = P(Bin(d, b) > u), [n, u]."""
    ways = torch.tensor([float(math.comb(d, j)) for j in range(1, d + 1)], dtype=torch.float64)
    exactly = ways * subset_law(d, b)[:, 1:]
    return exactly.flip(1).cumsum(1).flip(1)


def _averaged(sums: Sequence[SizeSums], weights: Tensor, rounding: float) -> OrderError:
    d = weights.shape[1]

    def mean(values: Sequence[Tensor]) -> tuple[float, ...]:
        # a node of weight 0 says nothing, also where the sum is ∞
        terms = torch.where(weights > 0, weights * torch.stack([v[:d] for v in values]), 0.0)
        return tuple(terms.sum(0).tolist())

    gaps = mean([one.gaps for one in sums])
    divergences = mean([one.divergences for one in sums])
    relative = rounding + (len(sums) + d + 16) * UNIT
    largest = max([0.0, *filter(math.isfinite, divergences)])
    return OrderError(
        gaps,
        divergences,
        mean([one.losses for one in sums]),
        error=relative * (1 + max(gaps)),
        # A term p(δ − log(1+δ)) is off by its relative errors in p|δ| and p|log(1+δ)|, which sum
        # to at most 4·TV + divergence, and where δ is all rounding by its square. TV is at most 1
        # and at most the gap.
        divergence_error=4 * relative * (4 * min(1.0, max(gaps)) + largest + relative),
    )


# --- in the contexts of runs ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RunErrors:
    """A time-free denoiser's error in the contexts that a parallel sampler reaches, for any w.

    Attributes:
        exact: Σ over contexts x_U, |U| = u, of T_a(x_U) Σ_{i ∉ U} TV(p_i, p̂_i): float64 [2^(u−1)],
            a tensor for each u = 0..d−1; T_a those of the exact denoiser.
        own: the same with T_a of the denoiser itself.
        relative_error: bound on that of each number, but for the error of TV(p_i, p̂_i).
    """

    exact: tuple[Tensor, ...]
    own: tuple[Tensor, ...]
    relative_error: float

    @staticmethod
    def of(target: Target, denoiser: Denoiser) -> RunErrors:
        """Compare a normalised denoiser with the exact one where either of them goes.

        Raises:
            TooLargeError: if the contexts do not fit into memory.
        """
        exact = ExactDenoiser(target)
        gaps: list[Tensor] = []
        sums: list[tuple[Tensor, ...]] = []
        worst = 0.0
        for runner in (exact, denoiser):
            levels, error = reached(target, runner)
            tables = [(states, table) for states, table in levels][:-1]
            gaps = gaps or [_gaps_at(states, exact, denoiser) for states, _ in tables]
            sums.append(tuple(gap @ table for gap, (_, table) in zip(gaps, tables, strict=True)))
            most = max(len(gap) for gap in gaps)
            worst = max(worst, compound(error, rounding(most + target.length + 2)))
        return RunErrors(sums[0], sums[1], worst)

    def along(self, law: StepLaw, gap_error: float) -> tuple[Interval, Interval]:
        """Σ_k E Σ TV(p_i, p̂_i) over the tokens that step k reveals.

        Args:
            law: the step law.
            gap_error: `verification.profile.gap_rounding` of the data law.

        Returns:
            In runs with the exact denoiser, and in runs with the denoiser itself. Source: B3.
        """
        d = len(self.exact)
        chances, error = arrivals(law, d)
        relative = compound(self.relative_error, error, rounding(2**d + d))

        def total(sums: tuple[Tensor, ...]) -> Interval:
            parts = [float(x @ one) for x, one in zip(chances, sums, strict=True)]
            value = math.fsum(parts)
            return Interval.around(value, relative * value + (d + value) * gap_error)

        return total(self.exact), total(self.own)


def _gaps_at(states: Tensor, exact: Denoiser, denoiser: Denoiser) -> Tensor:
    """Σ over hidden tokens of TV(p_i, p̂_i), for each context: [C]."""
    found = []
    size = max(1, _CELLS // (states.shape[1] * exact.vocabulary))
    for x in torch.split(states, size):
        distance = (exact(x) - denoiser(x).to("cpu", torch.float64)).abs().sum(-1) / 2
        found.append(torch.where(x == exact.vocabulary, distance, 0.0).sum(1))
    return torch.cat(found)


def shifted(gaps: Tensor, shift: float) -> float:
    """Bound on what a mean gap, in a context that reveals tokens with probability a, may move.

    Over a binomial number of n tokens its derivative in a is n times the mean difference of
    neighbouring gaps, none of which is negative.

    Args:
        gaps: [..., n + 1], each summed over all subsets of a size.
        shift: of a.
    """
    n = gaps.shape[-1] - 1
    subsets = torch.tensor([float(math.comb(n, u)) for u in range(n + 1)], dtype=torch.float64)
    return n * shift * float((gaps / subsets).max())


def log_error(logs: Tensor, law: StepLaw, gap_error: float) -> Interval:
    """Σ_k w_k Σ_i E(log p_i/p̂_i)_+ at the law w/(1−w_∞), nats; it may be ∞.

    Args:
        logs: as `SizeSums` has them, [d + 1].
        law: the step law w.
        gap_error: `verification.profile.gap_rounding` of the data law.

    Source: B2.
    """
    d, w = len(logs) - 1, law.weights
    w = w / w.sum().clamp(min=_TINY)
    chance = (w[:, None] * subset_law(d - 1, (torch.cumsum(w, 0) - w).clamp(0, 1))).sum(0)
    # one step meets the empty context only; several meet all sizes, however small their chance
    most = 0 if not w.any() else 1 if int((w > 0).sum()) == 1 else d
    met = torch.where(torch.arange(d) < most, logs[:d], 0.0)
    if met.isinf().any():
        return Interval(math.inf, math.inf)
    total = float((chance * met).sum())
    # p·log(p/p̂) is off by the relative errors of p and of the logarithm's argument
    slack = (4 * d + total) * gap_error + shifted(met, 2 * len(w) * UNIT)
    return Interval.around(total, (2 * len(w) + 2 * d + 64) * UNIT * total + slack)


_CHUNK = 4096
"""Steps taken at a time."""


def arrivals(law: StepLaw, length: int) -> tuple[list[Tensor], float]:
    """Σ_k w_k (1−u_k)^{d−1−m} M_a(w_{<k}) for every composition a of m, m = 0..d−1.

    The chance that a given token is revealed when exactly m given others have been, in blocks of
    sizes a; positive terms only.

    Args:
        law: the step law.
        length: d.

    Returns:
        A tensor for each m, in the order of `samplers.compositions`; and a bound on their relative
        error.
    """
    d, stay = length, torch.cumprod(1 - law.hazards, 0)
    masked = torch.cat([torch.ones(1, dtype=torch.float64), stay[:-1]])  # 1 − u_k
    sizes = [1, *(1 << (m - 1) for m in range(1, d))]
    found = [torch.zeros(size, dtype=torch.float64) for size in sizes]
    carried = [torch.zeros(size, dtype=torch.float64) for size in sizes]
    carried[0] += 1
    for w, left in zip(torch.split(law.weights, _CHUNK), torch.split(masked, _CHUNK), strict=True):
        before = torch.ones(1, len(w), dtype=torch.float64)  # M_a(w_{<k}), a composition a row
        ending = w[None]  # of it the part whose last block is revealed in step k
        for m in range(d):
            if m:
                upto = ending.cumsum(1)
                before = carried[m][:, None] + torch.nn.functional.pad(upto[:, :-1], (1, 0))
                carried[m] = carried[m] + upto[:, -1]
                ending = torch.cat([ending, before]) * w
            found[m] += (before * (w * left ** (d - 1 - m))).sum(1)
    roundings = (2 * law.steps + d + 8) * (d + 1)
    return found, compound(rounding(roundings), *[law.weight_error] * d)


@dataclass(frozen=True, eq=False)
class ScoreError:
    """An imperfect denoiser of a data law, and all that its samplers' bounds need to know of it.

    Attributes:
        denoiser: the imperfect one.
        comparison: the exact one, at all contexts.
        gaps: gap sums of a time-free denoiser, [d + 1]; None if it depends on time.
        logs: its sums of logarithms, likewise.
        runs: its error in contexts of runs; None if it depends on time or is not normalised.
        errors: along uniform orders: one entry without a clock, or one for each clock of the
            hitting times, where the denoiser depends on them.
    """

    denoiser: Denoiser
    comparison: Comparison
    gaps: Tensor | None
    errors: tuple[tuple[Clock | None, OrderError], ...]
    logs: Tensor | None = None
    runs: RunErrors | None = None

    @property
    def normalised(self) -> bool:
        """Whether the denoiser's predictions sum to 1."""
        return self.denoiser.normalised

    @property
    def time_free(self) -> bool:
        """Whether they do not depend on time."""
        return self.denoiser.time_free

    def along(self, times: Tensor) -> Tensor:
        """Gap sums of a time-free denoiser, [d + 1]; of any other one a time, [K, d + 1]."""
        return self.comparison.along(self.denoiser, times) if self.gaps is None else self.gaps


def score_error_of(target: Target, denoiser: Denoiser, clocks: Sequence[Clock]) -> ScoreError:
    """Compare a denoiser with the exact one at all contexts.

    Args:
        target: the data law.
        denoiser: what is measured.
        clocks: of the hitting times; a time-free denoiser needs none.
    """
    comparison = Comparison.of(target)
    if denoiser.time_free:
        sums = comparison.sums(denoiser)
        along = order_error(comparison, sums)
        runs = RunErrors.of(target, denoiser) if denoiser.normalised else None
        return ScoreError(denoiser, comparison, sums.gaps, ((None, along),), sums.logs, runs)
    errors = tuple((one, hitting_error(comparison, denoiser, one)) for one in clocks)
    return ScoreError(denoiser, comparison, None, errors)
