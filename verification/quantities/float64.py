"""The numbers of a case in float64 with their error, as balls: at any size with an exact law.

Hazards in float64 are exact: they define the sampler. A sum of float64 numbers becomes a ball that
contains the exact sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import torch
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.family import Family
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.sampler import Sampler
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim
from sharprates.theory.setting import Setting
from sharprates.verification.arithmetic import BALL, Interval, ball
from sharprates.verification.decomposition import Decomposition, Trajectory, subset_law
from sharprates.verification.exact_law import step_weights
from sharprates.verification.profile import UNIT, Profile, exact_information
from sharprates.verification.quantities.base import Quantities
from sharprates.verification.score_error import OrderError
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Case:
    """One sampler on one target, and what is known about both.

    Attributes:
        target: the data law.
        profile: its information curve and dependence.
        setting: the facts that hypotheses look at.
        sampler: what is run; None for claims about the data law alone.
        trajectory: the sampler along its grid, for parallel samplers on a clock.
        decomposition: the terms of E1, if there is a trajectory.
        gaps: denoiser gaps from `score_gaps`, [d + 1] or, time-dependent, [K, d + 1]; None if the
            denoiser is exact.
        horizon: T, if there is a grid.
        errors: of the denoiser along a uniform order; by default ε_FHS comes from `gaps`.
        information: the information curve in balls, where float64 was not enough.
    """

    target: Target
    profile: Profile
    setting: Setting
    sampler: Sampler | None = None
    trajectory: Trajectory | None = None
    decomposition: Decomposition | None = None
    gaps: Tensor | None = None
    horizon: float | None = None
    information: tuple[Number, ...] | None = None
    errors: OrderError | None = None

    @property
    def law(self) -> StepLaw | None:
        """The step law, of a parallel sampler."""
        return self.sampler.step_law if isinstance(self.sampler, ParallelSampler) else None

    @property
    def step_law(self) -> StepLaw:
        """The step law, which the hypotheses of a claim that asks for it guarantee."""
        assert self.law is not None
        return self.law

    @property
    def path(self) -> Trajectory:
        """The trajectory, which the hypotheses of a claim that asks for it guarantee."""
        assert self.trajectory is not None
        return self.trajectory

    @property
    def terms(self) -> Decomposition:
        """The decomposition, which the hypotheses of a claim that asks for it guarantee."""
        assert self.decomposition is not None
        return self.decomposition


FAMILY_PARAMETERS = frozenset({"k", "g"})
"""Symbols that only a member of a family has."""


class FloatQuantities(Quantities):
    """The numbers of a case: counts are exact, all else are balls in flint's working precision."""

    def __init__(self, case: Case, tv: Interval | None = None) -> None:
        """Take a case and its TV(p_out, q_0) as measured, if a left side will be asked for."""
        self.case, self._tv = case, tv

    @property
    def tv(self) -> Number:
        """TV(p_out, q_0)."""
        assert self._tv is not None, "the total variation was not measured"
        return ball(self._tv)

    @property
    def d(self) -> int:
        """Sequence length."""
        return self.case.target.length

    @property
    def S(self) -> int:
        """Vocabulary size."""
        return self.case.target.vocabulary

    @property
    def K(self) -> int | None:
        """Number of steps."""
        return self.case.setting.steps

    @property
    def T(self) -> Number:
        """The horizon, 0 without a grid."""
        return ball(self.case.horizon or 0.0)

    @cached_property
    def w(self) -> list[Number]:
        """The step law."""
        return step_weights([ball(r) for r in self.case.step_law.hazards.tolist()])

    @property
    def W(self) -> Number:
        """max w_k."""
        return BALL.maximum(ball(0.0), max(self.w, key=float))

    @cached_property
    def h(self) -> list[Number]:
        """The information curve h_0..h_{d−1}, nats."""
        if self.case.information is not None:
            return list(self.case.information)
        shape = self.case.profile
        numbers = shape.information.tolist()
        return [ball(Interval.around(max(h, 0.0), shape.error)) for h in numbers]

    @property
    def I_bar(self) -> Number:
        """Ī = h_0 − h_{d−1} ≥ 0, nats."""
        return BALL.maximum(self.h[0] - self.h[-1], ball(0.0))

    @property
    def entropy(self) -> Number:
        """H(q_0), nats."""
        return ball(Interval.around(self.case.profile.entropy, self.case.profile.error))

    @property
    def last_entropy(self) -> Number:
        """h_{d−1}, nats."""
        return self.h[-1]

    @cached_property
    def epsilon_w(self) -> Number:
        """ε_w: the context reveals every other token with probability t_k."""
        if self.case.gaps is None:
            return ball(0.0)
        d, w = self.case.target.length, self.case.step_law.weights
        before = (torch.cumsum(w, 0) - w).clamp(0, 1)
        # Σ_i over i ∉ U: a context of size u lies among the other d − 1 tokens
        at = subset_law(d - 1, before)
        gaps = self.case.gaps[..., :d]
        total = float((w[:, None] * at * gaps).sum())
        slack = (d + total) * self.case.profile.gap_error + _shift(gaps, len(w) * UNIT)
        return _sum(total, len(w) + d, slack)

    @cached_property
    def epsilon_1(self) -> Number:
        """ε_1 = Σ_k h E Σ_i max{Σ_a(ŝ−s)_+, Σ_a(s−ŝ)_+}, with s = α/(1−α)·p."""
        if self.case.gaps is None:
            return ball(0.0)
        d, path = self.case.target.length, self.case.path
        at = subset_law(d, 1 - path.masked)
        total = float((path.rates[:, None] * at * self.case.gaps).sum())
        tokens = d * float((path.rates * path.masked).sum())
        slack = (tokens + total) * self.case.profile.gap_error
        slack += _shift(self.case.gaps, UNIT) * float(path.rates.sum())
        return _sum(total, len(at) + d, slack)

    @cached_property
    def epsilon_FHS(self) -> Number:
        """ε_FHS: (U, i) uniform among subsets of each size and positions outside."""
        d = self.case.target.length
        if self.case.errors is not None:
            return _sum(self.case.errors.epsilon_fhs, d, d * self.case.errors.error)
        if self.case.gaps is None:
            return ball(0.0)
        pairs = torch.tensor([math.comb(d, u) * (d - u) for u in range(d)], dtype=torch.float64)
        total = float((self.case.gaps[:d] / pairs).sum())
        return _sum(total, 2 * d, (d + total) * self.case.profile.gap_error)

    @property
    def epsilon_score(self) -> Number:
        """The same number, where the denoiser is not normalised."""
        return self.epsilon_FHS

    @cached_property
    def epsilon_KL(self) -> Number:
        """ε_KL, which may be ∞; 0 for the exact denoiser."""
        if self.case.errors is None:
            assert self.case.gaps is None, "an imperfect denoiser needs its errors along orders"
            return ball(0.0)
        value, d = self.case.errors.epsilon_kl, self.case.target.length
        slack = d * self.case.errors.divergence_error
        return _sum(value, d, slack) if math.isfinite(value) else ball(value)

    @property
    def b(self) -> int:
        """b of L3, whose worst case any q_0 of this size is held against: what S has room for."""
        family = self.case.target.family
        if family is not None and family.name == "shared-symbols":
            return family.number("b")
        return root(self.S, self.d - 1) if self.d > 1 else 1

    @property
    def k(self) -> int:
        """Dimension of the code of L4; parity is the one of dimension d − 1."""
        family = self._family
        return self.d - 1 if family.name == "parity" else family.number("k")

    @property
    def g(self) -> int:
        """Tokens in a group of L6."""
        return self._family.number("g")

    @property
    def _family(self) -> Family:
        """The family, which a claim that asks for its parameters is shown on only."""
        assert self.case.target.family is not None
        return self.case.target.family

    @property
    def E1_initialisation(self) -> Number:
        """TV(P_0, q_T)."""
        return self._term(self.case.terms.initialisation)

    @property
    def E1_score(self) -> Number:
        """Score term of E1."""
        return self._term(self.case.terms.score)

    @property
    def E1_clock(self) -> Number:
        """Clock term of E1."""
        return self._term(self.case.terms.clock)

    @property
    def E1_parallel(self) -> Number:
        """Parallel decoding term of E1."""
        return self._term(self.case.terms.parallel)

    @property
    def E1_early_stopping(self) -> Number:
        """TV(q_δ, q_0)."""
        return self._term(self.case.terms.early_stopping)

    def _term(self, value: float) -> Number:
        return ball(Interval.around(value, self.case.terms.error / 5))

    def bound(
        self,
        claim: Claim,
        scale: Mapping[str, Any] | None = None,
        variant: str | None = None,
    ) -> Number:
        """The value of a claim's formula, with all rounding enclosed; see `Quantities.bound`."""
        return claim.value(self.values(claim.symbols(variant)), BALL, scale, variant)

    def finer(self, symbols: Set[str]) -> Self | None:
        """With the information curve from exact weights, where it is asked for and they are few.

        √Ī turns a rounding of 1e-15 into 3e-8.
        """
        if self.case.information is not None or not symbols & {"h", "I_bar"}:
            return None
        try:
            curve = tuple(exact_information(self.case.target))
        except TooLargeError:
            return None
        return type(self)(replace(self.case, information=curve), self._tv)


def _sum(value: float, terms: int, slack: float = 0.0) -> Number:
    """A float64 sum of that many non-negative terms, as a ball that contains the exact sum.

    `slack` is what the terms themselves may be off by, all together.
    """
    return ball(Interval.around(value, (terms + 64) * UNIT * abs(value) + slack))


def _shift(gaps: Tensor, shift: float) -> float:
    """Bound on what a mean gap, in a context that reveals tokens with probability a, may move.

    Over a binomial number of n tokens, a that is off by `shift` moves 2n·shift of the mass.

    Args:
        gaps: [..., n + 1], each summed over all subsets of a size.
        shift: of a.
    """
    n = gaps.shape[-1] - 1
    subsets = torch.tensor([float(math.comb(n, u)) for u in range(n + 1)], dtype=torch.float64)
    return 2 * n * shift * float((gaps / subsets).max())


def root(S: int, n: int) -> int:
    """⌊S^{1/n}⌋, exactly: the alphabet of a shared symbol if one of [S] is to hold n (L3)."""
    low, high = 1, 1 << (S.bit_length() // n + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**n <= S else (low, middle)
    return low
