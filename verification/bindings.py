"""From a case that was run to the values that a claim's formula needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim
from sharprates.theory.setting import Setting
from sharprates.verification.arithmetic import BALL, Interval, ball, interval
from sharprates.verification.decomposition import Decomposition, Trajectory, subset_law
from sharprates.verification.exact import step_weights
from sharprates.verification.profile import UNIT, Profile
from sharprates.verification.score_error import OrderError
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Case:
    """One sampler on one target, and what is known about both.

    Attributes:
        target: the data law.
        profile: its information curve and dependence.
        setting: the facts that hypotheses look at.
        law: the step law, for parallel samplers.
        trajectory: the sampler along its grid, for parallel samplers on a clock.
        decomposition: the terms of E1, if there is a trajectory.
        gaps: denoiser gaps from `score_gaps`, [d + 1] or, time-dependent, [K, d + 1]; None if the
            denoiser is exact.
        horizon: T, if there is a grid.
        composition: block sizes in order, for samplers that have them (first-hitting: all 1).
        confidence: tokens a step of a confidence-based sampler.
        errors: of the denoiser along a uniform order; by default ε_FHS comes from `gaps`.
        clock: of the hitting times, where the denoiser depends on them.
        information: the information curve in balls, where float64 was not enough.
    """

    target: Target
    profile: Profile
    setting: Setting
    law: StepLaw | None = None
    trajectory: Trajectory | None = None
    decomposition: Decomposition | None = None
    gaps: Tensor | None = None
    horizon: float | None = None
    composition: tuple[int, ...] | None = None
    confidence: int | None = None
    information: tuple[Number, ...] | None = None
    errors: OrderError | None = None
    clock: Clock | None = None

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


def _weights(case: Case) -> list[Number]:
    """w in balls from the float64 hazards, which are exact: they define the sampler."""
    return step_weights([ball(r) for r in case.step_law.hazards.tolist()])


def _curve(case: Case) -> list[Number]:
    if case.information is not None:
        return list(case.information)
    error = case.profile.error
    return [ball(Interval.around(max(h, 0.0), error)) for h in case.profile.information.tolist()]


def _mutual_information(case: Case) -> Number:
    curve = _curve(case)
    return BALL.maximum(curve[0] - curve[-1], ball(0.0))


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


def _term(name: str) -> Callable[[Case], Number]:
    def value(case: Case) -> Number:
        return ball(Interval.around(getattr(case.terms, name), case.terms.error / 5))

    return value


def _error_along_steps(case: Case) -> Number:
    """ε_w: the context reveals every other token with probability t_k."""
    if case.gaps is None:
        return ball(0.0)
    d, w = case.target.length, case.step_law.weights
    before = (torch.cumsum(w, 0) - w).clamp(0, 1)
    # Σ_i over i ∉ U: a context of size u lies among the other d − 1 tokens
    at = subset_law(d - 1, before)
    gaps = case.gaps[..., :d]
    total = float((w[:, None] * at * gaps).sum())
    slack = (d + total) * case.profile.gap_error + _shift(gaps, len(w) * UNIT)
    return _sum(total, len(w) + d, slack)


def _error_of_scores(case: Case) -> Number:
    """ε_1 = Σ_k h E Σ_i max{Σ_a(ŝ−s)_+, Σ_a(s−ŝ)_+}, with s = α/(1−α)·p."""
    if case.gaps is None:
        return ball(0.0)
    d, path = case.target.length, case.path
    at = subset_law(d, 1 - path.masked)
    total = float((path.rates[:, None] * at * case.gaps).sum())
    tokens = d * float((path.rates * path.masked).sum())
    slack = (tokens + total) * case.profile.gap_error
    slack += _shift(case.gaps, UNIT) * float(path.rates.sum())
    return _sum(total, len(at) + d, slack)


def _error_along_orders(case: Case) -> Number:
    """ε_FHS: (U, i) uniform among subsets of each size and positions outside."""
    d = case.target.length
    if case.errors is not None:
        return _sum(case.errors.epsilon_fhs, d, d * case.errors.error)
    if case.gaps is None:
        return ball(0.0)
    pairs = torch.tensor([math.comb(d, u) * (d - u) for u in range(d)], dtype=torch.float64)
    total = float((case.gaps[:d] / pairs).sum())
    return _sum(total, 2 * d, (d + total) * case.profile.gap_error)


def _divergence_along_orders(case: Case) -> Number:
    """ε_KL, which may be ∞; 0 for the exact denoiser."""
    if case.errors is None:
        assert case.gaps is None, "an imperfect denoiser needs its errors along orders"
        return ball(0.0)
    value, d = case.errors.epsilon_kl, case.target.length
    slack = d * case.errors.divergence_error
    return _sum(value, d, slack) if math.isfinite(value) else ball(value)


def root(S: int, n: int) -> int:
    """⌊S^{1/n}⌋, exactly: the alphabet of a shared symbol if one of [S] is to hold n (L3)."""
    low, high = 1, 1 << (S.bit_length() // n + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**n <= S else (low, middle)
    return low


def _shared(case: Case) -> int:
    """b of L3, whose worst case any q_0 of this size is held against: what S has room for."""
    family, d = case.target.family, case.target.length
    if family is not None and family.name == "shared-symbols":
        return family.number("b")
    return root(case.target.vocabulary, d - 1) if d > 1 else 1


def _of_family(name: str) -> Callable[[Case], int]:
    def value(case: Case) -> int:
        family = case.target.family
        assert family is not None, f"{name} is asked for on its family only"
        if family.name == "parity":  # the MDS code of this dimension
            return case.target.length - 1
        return family.number(name)

    return value


FAMILY_VALUES = frozenset({"k", "g"})
"""Parameters that only a member of the family has."""

VALUES: Mapping[str, Callable[[Case], Any]] = {
    "d": lambda case: case.target.length,
    "S": lambda case: case.target.vocabulary,
    "K": lambda case: case.setting.steps,
    "T": lambda case: ball(case.horizon or 0.0),
    "w": _weights,
    "W": lambda case: BALL.maximum(ball(0.0), max(_weights(case), key=float)),
    "h": _curve,
    "I_bar": _mutual_information,
    "entropy": lambda case: ball(Interval.around(case.profile.entropy, case.profile.error)),
    "last_entropy": lambda case: _curve(case)[-1],
    "b": _shared,
    "k": _of_family("k"),
    "g": _of_family("g"),
    "epsilon_w": _error_along_steps,
    "epsilon_1": _error_of_scores,
    "epsilon_FHS": _error_along_orders,
    "epsilon_score": _error_along_orders,
    "epsilon_KL": _divergence_along_orders,
    "E1_initialisation": _term("initialisation"),
    "E1_score": _term("score"),
    "E1_clock": _term("clock"),
    "E1_parallel": _term("parallel"),
    "E1_early_stopping": _term("early_stopping"),
}
"""Name of a value → how a case provides it. Counts are exact, all else are balls."""


def bound(
    claim: Claim,
    case: Case,
    scale: Mapping[str, Number] | None = None,
    variant: str | None = None,
) -> Interval:
    """The value of a claim's formula on a case, with all rounding enclosed.

    Args:
        claim: a claim that applies to the case's setting.
        case: the case.
        scale: factors on named constants, e.g. ``{"E3.constant": Fraction(99, 100)}``.
        variant: a named form of the claim.

    Returns:
        The exact endpoints of a ball around the value.
    """
    values = {name: VALUES[name](case) for name in claim.symbols(variant)}
    return interval(claim.value(values, BALL, scale, variant))
