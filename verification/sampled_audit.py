"""An audit of policies on data laws of any length, from samples of the data.

A sequence drives one trajectory, so the ratio r(x) = q_π(x)/q_0(x) is computed exactly for each x
drawn from q_0, and TV(q_π, q_0) = E_{q_0}(1 − r)_+ is the mean of numbers in [0, 1]. Its limits are
proved (empirical Bernstein) and have a share of the run's false-alarm probability. KL and what
stands beside it are plain estimates.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from sharprates.samplers.denoiser import Denoiser, relative_error
from sharprates.samplers.output_law import UNIT
from sharprates.samplers.policies import ByThreshold, EntropyBounded, Policy, policy
from sharprates.samplers.trajectories import Rounds
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.registry import CLAIMS
from sharprates.verification import jobs
from sharprates.verification.driven import Driven, drive
from sharprates.verification.empirical import Sampling
from sharprates.verification.planning.data_law import Tractable
from sharprates.verification.statistics.bounded_mean import Confidence, empirical_bernstein
from torch import Tensor

ROWS = 1000
"""Sequences that one task draws, with a generator of its own."""


@dataclass(frozen=True)
class Estimate:
    """A mean of samples, without proved limits.

    Attributes:
        mean: of the samples.
        standard_error: their standard deviation by √n.
    """

    mean: float
    standard_error: float


@dataclass(frozen=True)
class SampledResult:
    """One policy on one data law.

    Attributes:
        policy: its text.
        tv: TV(q_π, q_0), with proved limits.
        kl: KL(q_0‖q_π), nats; None where a sequence was met that the policy never puts out.
        rounds: mean number of rounds.
        most_rounds: the largest number met.
        together: tokens revealed in rounds of two or more.
        bounds: claim id → its bound at the means of the samples: an estimate, without a verdict.
            P9's is without the score error of one token a block; the others are about the exact
            denoiser.
        seconds: of work, all processes together.
    """

    policy: str
    tv: Confidence
    kl: Estimate | None
    rounds: Estimate
    most_rounds: int
    together: Estimate
    bounds: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class SampledLaw:
    """All results on one data law.

    Attributes:
        name: of the law, as the user gave it.
        length: d.
        vocabulary: S.
        samples: n a policy; all policies get the same ones.
        level: probability at most with which an interval of `results` misses its TV, each.
        results: in the order of the policies.
    """

    name: str
    length: int
    vocabulary: int
    samples: int
    level: float
    results: tuple[SampledResult, ...]


@dataclass(frozen=True)
class Drive:
    """A part of the work.

    Attributes:
        law: place among the laws.
        policy: text of the policy.
        samples: how many sequences it draws.
        seed: of its generator.
    """

    law: int
    policy: str
    samples: int
    seed: int


Shared = tuple[Tractable, Denoiser, Rounds]
Part = tuple[Driven, Tensor, float]
"""What a task gives: the numbers, log q_0(x), and the seconds that it took."""


def estimated_bounds(
    chosen: Policy, exact: bool, together: float, parallel: float, measured: float
) -> dict[str, float]:
    """What claims bound the TV by if the means of samples are put for expectations over q_0.

    Args:
        chosen: the policy.
        exact: whether the denoiser is the law's own.
        together: tokens in rounds of two or more.
        parallel: these rounds.
        measured: see `verification.driven.Driven`.

    Source: P9; P3, P4 and P10 where they are about the rule.
    """

    def value(claim_id: str, variant: str | None = None, **values: float) -> float:
        return float(CLAIMS[claim_id].value(values, FLOAT, variant=variant))

    found = {"P9": value("P9", data_doubt=measured, anchor=0.0)}
    if exact and isinstance(chosen, ByThreshold):
        found["P3"] = value("P3", "threshold", tau=chosen.tau, parallel_tokens=together)
    if exact and isinstance(chosen, EntropyBounded):
        found["P4"] = value("P4", "tv", gamma=chosen.gamma, parallel=parallel)
        found["P10"] = value("P10", "linear", gamma=chosen.gamma, parallel=parallel)
    return found


def sampled_audit(
    laws: Sequence[tuple[str, Tractable, Denoiser]],
    policies: Sequence[str],
    sampling: Sampling,
    rounds: Rounds,
    progress: Callable[[str], None] = lambda _: None,
    workers: jobs.Workers | int = 1,
) -> list[SampledLaw]:
    """Audit policies on data laws that can be drawn from.

    Args:
        laws: name, law and denoiser of each.
        policies: their texts.
        sampling: how many sequences, from which seed, within which budget.
        rounds: cap, last step, and how often the denoiser is asked.
        progress: told of each task that is done.
        workers: who does it, or how many processes. The results are the same, but the seconds.

    Raises:
        InputError: for a policy that does not fit a length, or what `drive` refuses.
    """
    for text in policies:
        for _, law, _ in laws:
            policy(text, law.length)
    work = drives(len(laws), policies, sampling)
    shared = [(law, denoiser, rounds) for _, law, denoiser in laws]

    def told(task: Drive, _: Part) -> None:
        progress(f"{laws[task.law][0]}: {task.policy}")

    parts = iter(jobs.run(work, draw_and_drive, workers, None, lambda task: shared[task.law], told))
    levels = iter(sampling.levels(len(laws) * len(policies)))
    each = len(work) // (len(laws) * len(policies))
    found = []
    for name, law, denoiser in laws:
        results, level = [], 0.0
        for text in policies:
            level = next(levels)
            mine = [next(parts) for _ in range(each)]
            rule, error = policy(text, law.length), rounding_of(law, denoiser)
            results.append(joined_parts(rule, denoiser is law, mine, error, level))
        about = (name, law.length, law.vocabulary, sampling.samples, level)
        found.append(SampledLaw(*about, tuple(results)))
    return found


def drives(laws: int, policies: Sequence[str], sampling: Sampling) -> list[Drive]:
    """All tasks: law by law, policy by policy; every policy is driven by the same sequences."""
    starts = range(0, sampling.samples, ROWS)
    return [
        Drive(law, text, min(ROWS, sampling.samples - start), sampling.seed + place)
        for law in range(laws)
        for text in policies
        for place, start in enumerate(starts)
    ]


def draw_and_drive(shared: Shared, task: Drive) -> Part:
    """Draw sequences of a law, and let them drive a policy."""
    law, denoiser, rounds = shared
    begun = time.perf_counter()
    rows = law.sample(task.samples, torch.Generator().manual_seed(task.seed))
    driven = drive(policy(task.policy, law.length), denoiser, rows, rounds)
    return driven, law.log_probability(rows), time.perf_counter() - begun


def rounding_of(law: Tractable, denoiser: Denoiser) -> Callable[[Tensor, Tensor], Tensor]:
    """Bound on the error of log q_π(x) − log q_0(x) as computed, given both.

    Of d logarithms each has one rounding and what its argument brings, and so has each of d − 1
    sums of terms ≤ 0. A factor of q_π is a prediction with its stated error and a division by the
    sum of S numbers; one of q_0 is an entry of a law that sums to 1 up to S roundings.
    """
    d, S = law.length, law.vocabulary

    def bound(log_q_pi: Tensor, log_q_0: Tensor) -> Tensor:
        sums = (d + 1) * UNIT * (log_q_pi.abs() + log_q_0.abs())
        return sums + d * (relative_error(denoiser) + 2 * (S + 2) * UNIT)

    return bound


def joined_parts(
    chosen: Policy,
    exact: bool,
    parts: Sequence[Part],
    rounding: Callable[[Tensor, Tensor], Tensor],
    level: float,
) -> SampledResult:
    """What all parts of a policy say together."""
    log_q = torch.cat([driven.log_probability for driven, _, _ in parts])
    log_q_0 = torch.cat([part for _, part, _ in parts])
    ratio = log_q - log_q_0  # −∞ where the policy never puts x out
    tv = empirical_bernstein((-torch.expm1(ratio)).clamp(min=0), 0.0, 1.0, level)
    # (1 − r)_+ moves by at most e^s − 1 if log r does by s; where q_π(x) = 0 it is 1 exactly
    met = ratio > -math.inf
    error = rounding(log_q[met], log_q_0[met])
    slack = 2 * math.expm1(float(error.max())) if bool(met.any()) else 0.0

    def all_of(name: str) -> Tensor:
        return torch.cat([getattr(driven, name) for driven, _, _ in parts]).to(torch.float64)

    rounds, together = all_of("rounds"), estimate(all_of("together"))
    means = [float(all_of(name).mean()) for name in ("parallel", "measured")]
    return SampledResult(
        chosen.name,
        Confidence(tv.mean, max(0.0, tv.lower - slack), min(1.0, tv.upper + slack)),
        estimate(-ratio) if bool(met.all()) else None,
        estimate(rounds),
        int(rounds.max()),
        together,
        estimated_bounds(chosen, exact, together.mean, *means),
        sum(seconds for _, _, seconds in parts),
    )


def estimate(values: Tensor) -> Estimate:
    """The mean of samples and its standard error."""
    return Estimate(float(values.mean()), float(values.std()) / math.sqrt(len(values)))
