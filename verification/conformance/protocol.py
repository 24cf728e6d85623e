"""What a user writes about a sampler so that `sharprates check` can test it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.schedule import RULES, Schedule
from sharprates.verification.conformance.known_laws import LAST_STEPS, MEASURES
from torch import Tensor

COUNTS = ("first-hitting", "blocks", "left-to-right")
CONFIDENCE = tuple(f"confidence:{measure}" for measure in MEASURES)
KNOWN_RULES = (*RULES, *COUNTS, *CONFIDENCE)
TIMES_RUN = ("to 0", "to 1")
UNIFORMS = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Declaration:
    """What a sampler says about itself; the checker holds it to that.

    Attributes:
        name: what a report calls it.
        rule: one of `KNOWN_RULES`, or None to ask which law it implements.
        clock: of a rule with hazards: a name of `samplers.clock.CLOCKS`, or a Clock.
        steps: K, number of equal steps between horizon and delta, the last one of `fill` excluded.
        times: the grid in place of `steps`, decreasing, in the clock's time.
        horizon: T where all is masked; None is the end of the clock's domain.
        delta: where the grid ends.
        last_step: masks that remain: ``leave``, ``fill`` by one more draw, or by ``argmax``.
        tokens_a_step: of ``blocks`` and ``confidence:…``.
        rows_independent: whether rows of one call are independent of each other.
        carry_over: whether a revealed token stays as it is.
        time: the denoiser and `step` get times that run ``to 0`` at the data (the clock's own), or
            ``to 1`` (T minus that).
        temperature: probabilities are raised to 1/temperature and normalised before a draw.
        uniforms: one of `UNIFORMS`: what a categorical draw computes with.
    """

    name: str
    rule: str | None = None
    clock: str | Clock = "linear"
    steps: int = 3
    times: tuple[float, ...] | None = None
    horizon: float | None = None
    delta: float = 0.0
    last_step: str = "leave"
    tokens_a_step: int = 1
    rows_independent: bool = True
    carry_over: bool = True
    time: str = "to 0"
    temperature: float = 1.0
    uniforms: str = "float64"

    def __post_init__(self) -> None:
        for name, known in (
            ("rule", (None, *KNOWN_RULES)),
            ("last_step", LAST_STEPS),
            ("time", TIMES_RUN),
            ("uniforms", UNIFORMS),
        ):
            if getattr(self, name) not in known:
                options = ", ".join(filter(None, known))
                raise InputError(f"{name} {getattr(self, name)!r} is unknown: use one of {options}")
        if not 0 < self.temperature < math.inf:
            raise InputError(f"temperature: need a positive number, got {self.temperature}")
        if self.tokens_a_step < 1:
            raise InputError(f"tokens_a_step: need at least 1, got {self.tokens_a_step}")

    def schedule(self, rule: str) -> Schedule:
        """A rule on the declared clock and grid; masks that remain are left."""
        grid = "uniform" if self.times is None else None
        return Schedule(
            rule, self.clock, grid, self.steps, self.horizon, self.delta, times_given=self.times
        )

    @property
    def grid(self) -> Tensor:
        """float64 [K + 1], decreasing, in the clock's time."""
        return self.schedule("euler").times(1)

    def hazards(self, rule: str) -> list[float]:
        """Reveal probability of each step of a rule on the declared clock and grid."""
        return self.schedule(rule).law(1).hazards.tolist()

    @property
    def by_hazard(self) -> bool:
        """True if the rule says with what probability a token is revealed in each step."""
        return self.rule in RULES

    def own_time(self, t: float) -> float:
        """A time of the clock in the sampler's own direction."""
        return t if self.time == "to 0" else float(self.grid[0]) - t


class OracleDenoiser(Denoiser, Protocol):
    """What the checker hands to a sampler: a time-free, normalised denoiser with a length."""

    @property
    def length(self) -> int:
        """Sequence length d."""
        ...

    def logits(self, x: Tensor, t: Tensor | float | None = None) -> Tensor:
        """Logarithm of the prediction, float64 [B, d, S]: what most samplers consume."""
        ...

    def watch(self, handed: Tensor) -> Tensor:
        """The same tensor, watched for writes: what an adapter makes of a prediction."""
        ...


class SamplerUnderTest(Protocol):
    """A sampler as the checker sees it.

    It may also have ``step(x, t, s, denoiser, generator) -> Tensor``, one step from time t to time
    s, both in the sampler's own direction, from partial states int64 [B, d] with mask = S: then
    hazards and conditionals are checked step by step. And ``draw(probabilities, generator)``, its
    categorical draw, [n, S] to int64 [n]: then rare tokens are checked (`looks.rare_tokens`), and
    the first line of its docstring is printed: state the formula there (ε, clamp, ties).
    """

    @property
    def declaration(self) -> Declaration:
        """What the sampler says about itself."""
        ...

    def sample(self, denoiser: OracleDenoiser, n: int, generator: torch.Generator) -> Tensor:
        """Draw n sequences.

        Args:
            denoiser: `denoiser(x, t)` takes partial states int64 [B, d] with mask = S and returns
                float64 [B, d, S]; `denoiser.vocabulary` is S, `denoiser.length` is d.
            n: rows.
            generator: the only source of randomness.

        Returns:
            int64 [n, d]; S where a token was left masked.
        """
        ...
