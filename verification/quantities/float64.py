"""The numbers of an experiment in float64 with their errors, as balls: wherever TV is exact.

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
from flint import arb
from sharprates.samplers.errors import TooLargeError
from sharprates.samplers.family import Family
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import Number
from sharprates.theory.claim import Claim
from sharprates.verification.arithmetic import BALL, Interval, ball, root
from sharprates.verification.decomposition import (
    Decomposition,
    Trajectory,
    decompose,
)
from sharprates.verification.exact_law import step_weights
from sharprates.verification.experiment import Experiment
from sharprates.verification.profile import UNIT, Profile, exact_information, subset_law
from sharprates.verification.quantities.base import Quantities
from sharprates.verification.score_error import OrderError, RunErrors, log_error, shifted
from torch import Tensor

FAMILY_PARAMETERS = frozenset({"k", "g"})
"""Symbols that only a member of a family has."""


@dataclass(frozen=True, eq=False)
class FloatQuantities(Quantities):
    """The numbers of an experiment: counts are exact, all else are balls in flint's precision.

    Attributes:
        experiment: what is run.
        shape: information curve and dependence of its data law.
        gaps: of its denoiser, as `score_error.SizeSums` has them: [d + 1], or [K, d + 1] where it
            depends on time; None if it is exact.
        errors: of the denoiser along a uniform order; by default ε_FHS comes from `gaps`.
        measured_tv: TV(p_out, q_0), if a left side will be asked for.
        curve: the information curve in balls, where float64 is not enough.
        logs: of a time-free denoiser, as `score_error.SizeSums` has them; None if it is exact.
        runs: its error in the contexts of runs, likewise.
    """

    experiment: Experiment
    shape: Profile
    gaps: Tensor | None = None
    errors: OrderError | None = None
    measured_tv: Interval | None = None
    curve: tuple[Number, ...] | None = None
    logs: Tensor | None = None
    runs: RunErrors | None = None

    @property
    def step_law(self) -> StepLaw:
        """The step law, which the hypotheses of a claim that asks for it guarantee."""
        assert self.experiment.step_law is not None
        return self.experiment.step_law

    @cached_property
    def trajectory(self) -> Trajectory:
        """The sampler along its grid, which the hypotheses of a claim that asks guarantee."""
        sampler = self.experiment.sampler
        pace = None if sampler is None else sampler.pace
        if pace is not None:  # at its own rate, with no clock term (R2)
            r = pace.reveal
            return Trajectory(pace.masked, r, r, r, pace.times, pace.end)
        grid = self.experiment.grid
        assert grid is not None
        return Trajectory.of(grid.chosen, grid.times(self.d), self.step_law)

    @cached_property
    def decomposition(self) -> Decomposition | None:
        """The terms of E1 or R2, for samplers on a grid, or of H2, for first-hitting; or None."""
        sampler = self.experiment.sampler
        if self.experiment.grid is not None or (sampler and sampler.pace is not None):
            normalised = self.experiment.denoiser.normalised
            return decompose(self.shape, self.trajectory, self.gaps, normalised)
        if isinstance(self.experiment.sampler, FirstHittingSampler):
            if self.errors is None:
                return Decomposition.of_draws((0.0,) * self.d, 0.0)
            return Decomposition.of_draws(self.errors.gaps, self.errors.error)
        return None

    @property
    def tv(self) -> Number:
        """TV(p_out, q_0)."""
        assert self.measured_tv is not None, "the total variation was not measured"
        return ball(self.measured_tv)

    @property
    def d(self) -> int:
        """Sequence length."""
        return self.experiment.length

    @property
    def S(self) -> int:
        """Vocabulary size."""
        return self.experiment.vocabulary

    @property
    def K(self) -> int | None:
        """Number of steps."""
        return self.experiment.setting().steps

    @property
    def T(self) -> Number:
        """The horizon, 0 without a grid."""
        grid = self.experiment.grid
        return ball(0.0 if grid is None else float(grid.times(self.d)[0]))

    @cached_property
    def w(self) -> list[Number]:
        """The step law: the fractions that it was made from, else that of its hazards."""
        if self.step_law.fractions is not None:
            return [ball(w) for w in self.step_law.fractions]
        return step_weights([ball(r) for r in self.step_law.hazards.tolist()])

    @property
    def W(self) -> Number:
        """max w_k."""
        return BALL.maximum(ball(0.0), max(self.w, key=float))

    @cached_property
    def h(self) -> list[Number]:
        """The information curve h_0..h_{d−1}, nats."""
        if self.curve is not None:
            return list(self.curve)
        numbers = self.shape.information.tolist()
        return [ball(Interval.around(max(h, 0.0), self.shape.error)) for h in numbers]

    @property
    def I_bar(self) -> Number:
        """Ī = h_0 − h_{d−1} ≥ 0, nats."""
        return BALL.maximum(self.h[0] - self.h[-1], ball(0.0))

    @property
    def entropy(self) -> Number:
        """H(q_0), nats."""
        return ball(Interval.around(self.shape.entropy, self.shape.error))

    @cached_property
    def epsilon_w(self) -> Number:
        """ε_w: the context reveals every other token with probability u_k."""
        if self.gaps is None:
            return ball(0.0)
        d, w = self.experiment.length, self.step_law.weights
        before = (torch.cumsum(w, 0) - w).clamp(0, 1)
        # Σ_i over i ∉ U: a context of size u lies among the other d − 1 tokens
        at = subset_law(d - 1, before)
        gaps = self.gaps[..., :d]
        total = float((w[:, None] * at * gaps).sum())
        slack = (d + total) * self.shape.gap_error + shifted(gaps, len(w) * UNIT)
        return _sum(total, len(w) + d, slack)

    @cached_property
    def epsilon_log(self) -> Number:
        """ε^log of B2 at w/(1−w_∞), nats; it may be ∞."""
        if self.logs is None:
            assert self.gaps is None, "an imperfect denoiser needs its logarithms"
            return ball(0.0)
        return ball(log_error(self.logs, self.step_law, self.shape.gap_error))

    @cached_property
    def _in_runs(self) -> tuple[Number, Number]:
        if self.runs is None:
            assert self.gaps is None, "an imperfect denoiser needs its error in runs"
            return ball(0.0), ball(0.0)
        exact, own = self.runs.along(self.step_law, self.shape.gap_error)
        return ball(exact), ball(own)

    @property
    def epsilon_exact_run(self) -> Number:
        """Σ_k E Σ TV(p_i, p̂_i) over the tokens revealed, in runs with the exact denoiser."""
        return self._in_runs[0]

    @property
    def epsilon_own_run(self) -> Number:
        """The same in runs with the denoiser itself."""
        return self._in_runs[1]

    @cached_property
    def epsilon_1(self) -> Number:
        """ε_1 = Σ_k h E Σ_i max{Σ_a(ŝ−s)_+, Σ_a(s−ŝ)_+}, with s = α/(1−α)·p."""
        if self.gaps is None:
            return ball(0.0)
        d, path = self.experiment.length, self.trajectory
        at = subset_law(d, 1 - path.masked)
        total = float((path.rates[:, None] * at * self.gaps).sum())
        tokens = d * float((path.rates * path.masked).sum())
        # What a rounded 1−α moves is less: u/2 of it where it is above ½, else a relative error.
        return _sum(total, len(at) + d, (tokens + total) * self.shape.gap_error)

    @cached_property
    def epsilon_FHS(self) -> Number:
        """ε_FHS: (U, i) uniform among subsets of each size and positions outside."""
        d = self.experiment.length
        if self.errors is not None:
            return _sum(self.errors.epsilon_fhs, d, d * self.errors.error)
        if self.gaps is None:
            return ball(0.0)
        pairs = torch.tensor([math.comb(d, u) * (d - u) for u in range(d)], dtype=torch.float64)
        total = float((self.gaps[:d] / pairs).sum())
        return _sum(total, 2 * d, (d + total) * self.shape.gap_error)

    @property
    def epsilon_score(self) -> Number:
        """The same number, where the denoiser is not normalised."""
        return self.epsilon_FHS

    @cached_property
    def epsilon_KL(self) -> Number:
        """ε_KL, which may be ∞; 0 for the exact denoiser."""
        if self.errors is None:
            assert self.gaps is None, "an imperfect denoiser needs its errors along orders"
            return ball(0.0)
        value, d = self.errors.epsilon_kl, self.experiment.length
        slack = d * self.errors.divergence_error
        return ball(value) if math.isinf(value) and math.isfinite(slack) else _sum(value, d, slack)

    @property
    def b(self) -> int:
        """b of L3, whose worst case any q_0 of this size is held against: what S has room for."""
        family = self.experiment.target.family
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
        assert self.experiment.target.family is not None
        return self.experiment.target.family

    def E1_term(self, name: str) -> Number:
        """See `Quantities.E1_term`; the rounding of the sum is shared out."""
        terms = self.decomposition
        assert terms is not None, "only samplers on a grid have the terms of E1"
        return ball(Interval.around(getattr(terms, name), terms.error / 5))

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
        if self.curve is not None or not symbols & {"h", "I_bar"}:
            return None
        try:
            curve = tuple(exact_information(self.experiment.target))
        except TooLargeError:
            return None
        return replace(self, curve=curve)


def _sum(value: float, terms: int, slack: float = 0.0) -> Number:
    """A float64 sum of that many non-negative terms, as a ball that contains the exact sum.

    `slack` is what the terms themselves may be off by, all together; if it is infinite, the ball is
    the whole line.
    """
    if math.isinf(slack):
        return arb(0, math.inf)
    return ball(Interval.around(value, (terms + 64) * UNIT * abs(value) + slack))
