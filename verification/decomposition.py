"""The five terms of the total-variation decomposition E1, each exact; where the score dominates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.errors import InputError
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.profile import UNIT, Profile, subset_law
from torch import Tensor

MOST_STEPS = 1 << 14
"""Where the search for the K from which on the score error dominates gives up."""


@dataclass(frozen=True)
class Decomposition:
    """Where a sampler's total variation may come from; the sum bounds it. Source: E1.

    Attributes:
        initialisation: TV(δ_{M…M}, q_T).
        score: the denoiser's error, along the trajectory of the exact law.
        clock: unmasking at another rate than the exact reverse process.
        parallel: drawing dependent tokens independently.
        early_stopping: TV(q_δ, q_0).
        error: absolute error that float64 may have caused in the sum.
        draws: of first-hitting sampling, whose only term is the score: its part in each draw (H2).
    """

    initialisation: float
    score: float
    clock: float
    parallel: float
    early_stopping: float
    error: float
    draws: tuple[float, ...] = ()

    @staticmethod
    def of_draws(draws: Sequence[float], error: float) -> Decomposition:
        """The decomposition of first-hitting sampling; `error` is that of one draw. Source: H2."""
        return Decomposition(0.0, math.fsum(draws), 0.0, 0.0, 0.0, len(draws) * error, tuple(draws))

    @property
    def score_dominates(self) -> bool:
        """Whether the denoiser's error is at least half of the sum, and not 0."""
        return 0 < self.score >= self.sum / 2

    @property
    def sum(self) -> float:
        """The bound of E1."""
        return self.initialisation + self.score + self.clock + self.parallel + self.early_stopping


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What a parallel sampler does at each step, next to what the exact reverse process does.

    Attributes:
        masked: 1−α at the start of each step, float64 [K].
        bridge: ρ_k of the exact reverse process (F5), [K].
        hazards: r_k of the sampler, [K].
        rates: what the rule asks for, not clipped, by which an unnormalised prediction is
            multiplied, [K]; h_k·(−α′)/(1−α) for Euler, 1 in a step that fills.
        times: the start of each step, [K].
        end: 1−α where the last step ends.
    """

    masked: Tensor
    bridge: Tensor
    hazards: Tensor
    rates: Tensor
    times: Tensor
    end: float

    @staticmethod
    def of(clock: Clock, times: Tensor, law: StepLaw) -> Trajectory:
        """Read a step law along its grid; a step more than the grid has fills what is left.

        Args:
            clock: the clock.
            times: float64 [K + 1].
            law: K hazards, or K + 1 if the last step fills.
        """
        if law.hazards.numel() == times.numel():  # the filling step ends at time 0
            times = torch.cat([times, torch.zeros(1, dtype=torch.float64)])
        start, masked = times[:-1], clock.masked(times)
        # At time 0 nothing is masked, and the filling step after δ = 0 has nothing to do: 0/0 is 0.
        bridge = 1 - masked[1:] / masked[:-1].clamp(min=1e-300)
        # A filling step draws from p̂/Σp̂, which is no farther from p than p̂ is.
        rates = torch.where(torch.isinf(law.unclipped), 1.0, law.unclipped)
        return Trajectory(masked[:-1], bridge, law.hazards, rates, start, float(masked[-1]))


def decompose(
    profile: Profile, trajectory: Trajectory, gaps: Tensor | None = None, normalised: bool = True
) -> Decomposition:
    """The terms of E1 for a sampler that starts from all masks.

    With a rate r, a jump vector r·p̂ rescaled to total 1 where it exceeds that, and the exact one
    min(1, r)·p, the TV of one token's step is at most r·max{Σ_a(p̂−p)_+, Σ_a(p−p̂)_+}: rescaling
    moves it towards p or not past it. For a normalised p̂ it is min(1, r)·TV.

    Args:
        profile: of the data law.
        trajectory: of the sampler.
        gaps: of its denoiser, as `ScoreError.along`, [d + 1] or a row a step; None if exact.
        normalised: whether the denoiser is.

    Returns:
        The terms. Every term is a sum of non-negative numbers whose weights are probabilities, or
        probabilities times a rate, so an error is at most that of one step times their sum.
    """
    d = len(profile.information)
    masked, r, rates = trajectory.masked, trajectory.hazards, trajectory.rates
    at = subset_law(d, 1 - masked)  # [K, u]
    s = torch.arange(d + 1)
    # block[k, u, s] = r^s (1−r)^{d−u−s}, 0 where u + s > d
    rest = d - s[:, None] - s[None, :]
    block = torch.where(
        rest >= 0,
        r[:, None, None] ** s * (1 - r[:, None, None]) ** rest.clamp(min=0),
        torch.zeros((), dtype=torch.float64),
    )
    # Rates that differ by rounding alone are equal: Euler's on the linear clock, say.
    apart = (trajectory.bridge - r).abs()
    apart = torch.where(apart > 8 * UNIT, apart, 0.0)
    error = float(rates.clamp(min=1).sum()) * (profile.error + 64 * d * UNIT)
    score = 0.0
    if gaps is not None:
        used = r if normalised else rates
        score = float((at * used[:, None] * gaps).sum())
        error += (d * float((used * masked).sum()) + score) * profile.gap_error
    return Decomposition(
        initialisation=1 - float(masked[0]) ** d,
        score=score,
        clock=float((d * masked * apart).sum()),
        parallel=float((at[:, :, None] * block * profile.dependence).sum()),
        early_stopping=1 - (1 - trajectory.end) ** d,
        error=error,
    )


@dataclass(frozen=True)
class ScoreDominance:
    """Where the score term becomes at least half of the decomposition.

    Attributes:
        sampler: the rule.
        clock: its name.
        grid: its name.
        steps: the K found; None if there is none up to `searched`.
        searched: the largest K that was looked at.
    """

    sampler: str
    clock: str
    grid: str
    steps: int | None
    searched: int


def score_dominates_from(terms: Callable[[int], Decomposition]) -> int | None:
    """The smallest K found at which the score term is at least half of the sum.

    By doubling, then bisection: where the other terms fall in K, as they do on every built-in grid,
    it is the smallest of all.

    Args:
        terms: K to the decomposition at K steps.
    """

    def dominates(steps: int) -> bool:
        try:
            return terms(steps).score_dominates
        except InputError:  # a grid so fine that two times coincide
            return False

    high = 1
    while not dominates(high):
        high *= 2
        if high > MOST_STEPS:
            return None
    low = high // 2  # does not dominate, or is 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if dominates(middle) else (middle, high)
    return high


def score_dominates_among(terms: Mapping[int, Decomposition]) -> int | None:
    """The smallest K of these from which on the score term is at least half of the sum."""
    found = None
    for steps in sorted(terms, reverse=True):
        if not terms[steps].score_dominates:
            break
        found = steps
    return found
