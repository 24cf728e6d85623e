"""What a user writes about a sampler so that `sharprates check` can test it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Protocol

import torch
from sharprates.samplers.clock import Clock
from sharprates.samplers.denoiser import Denoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.policies import FORMS, Policy, policy
from sharprates.samplers.schedule import RULES, Schedule
from sharprates.verification.conformance.denoiser_table import DenoiserTable, sharpened
from sharprates.verification.conformance.known_laws import LAST_STEPS, MEASURES
from torch import Tensor

if TYPE_CHECKING:
    from sharprates.samplers.output_law import OutputLaw
    from sharprates.samplers.target import Target

COUNTS = ("first-hitting", "blocks", "left-to-right")
CONFIDENCE = tuple(f"confidence:{measure}" for measure in MEASURES)
KNOWN_RULES = (*RULES, *COUNTS, *CONFIDENCE)
TIMES_RUN = ("to 0", "to 1")
UNIFORMS = ("float64", "float32", "float16", "bfloat16")


@lru_cache(maxsize=1024)
def _hazards(schedule: Schedule) -> tuple[float, ...]:
    return tuple(schedule.law(1).hazards.tolist())


@dataclass(frozen=True)
class Declaration:
    """What a sampler says about itself; the checker holds it to that.

    Attributes:
        name: what a report calls it.
        rule: one of `KNOWN_RULES`, a policy or its text (`samplers.policies`: ``threshold:0.9``,
            ``entropy-bounded:0.5``), or None to ask which law it implements.
        clock: of a rule with hazards: a name of `samplers.clock.CLOCKS`, or a Clock.
        steps: K, number of equal steps between horizon and delta, the last one of `fill` excluded.
        times: the grid in place of `steps`, decreasing, in the clock's time.
        horizon: T where all is masked; None is the end of the clock's domain.
        delta: where the grid ends.
        last_step: masks that remain: ``leave``, ``fill`` by one more draw, or by ``argmax``.
        tokens_a_step: of ``blocks`` and ``confidence:…``: how many, or of each step; or a function
            of the number of tokens, of the block if there are blocks, that lists them.
        block_length: semi-autoregressive: blocks of this length from the left, each finished, by
            all steps, before the next one begins; None for the whole sequence at once.
        law: a law of its own: a function (target, denoiser) → float64 [S^d] over all sequences in
            lexicographic order, or over all (S+1)^d partial states; a `Sampler.law` is one.
        kernel: steps of its own, K of them: a function (states [C, d], predictions [C, d, S], step)
            → float64 [C, d, S + 1], the law of each token's next symbol, or [C, C] between all
            states. If `times` are given the denoiser is to be asked at these.
        rows_independent: whether rows of one call are independent of each other.
        carry_over: whether a revealed token stays as it is.
        prompt: whether it starts from `denoiser.prompt`: ``none``, a ``prefix``, or ``any`` set.
        time: the denoiser and `step` get times that run ``to 0`` at the data (the clock's own), or
            ``to 1`` (T minus that); or a function of the clock's time.
        temperature: probabilities are raised to 1/temperature and normalised before a draw; 0 takes
            the most probable value.
        top_k: values are drawn from the k most probable ones, after the temperature.
        top_p: values are drawn from the fewest most probable ones of this mass, after top_k.
        temperature_acts: ``everywhere``, or on the ``draw`` alone: then confidence goes by the
            prediction itself, as it does at temperature 0.
        ties: of equally sure tokens the ``left``, the ``right``, or a ``random`` one comes first;
            None for any.
        uniforms: one of `UNIFORMS`: what a categorical draw computes with.
        device: of the generator that it is handed; predictions come where its states are.
    """

    name: str
    rule: str | Policy | None = None
    clock: str | Clock = "linear"
    steps: int = 3
    times: tuple[float, ...] | None = None
    horizon: float | None = None
    delta: float = 0.0
    last_step: str = "leave"
    tokens_a_step: int | tuple[int, ...] | Callable[[int], Sequence[int]] = 1
    block_length: int | None = None
    law: Callable[[Target, Denoiser], Tensor | OutputLaw] | None = None
    kernel: Callable[[Tensor, Tensor, int], Tensor] | None = None
    rows_independent: bool = True
    carry_over: bool = True
    prompt: str = "none"
    time: str | Callable[[float], float] = "to 0"
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    temperature_acts: str = "everywhere"
    ties: str | None = None
    uniforms: str = "float64"
    device: str = "cpu"

    def __post_init__(self) -> None:
        form = isinstance(self.rule, str) and self.rule.partition(":")[0] in FORMS
        if form and self.rule not in KNOWN_RULES:
            object.__setattr__(self, "rule", policy(str(self.rule)))
        for name, known in (
            ("rule", (None, *KNOWN_RULES)),
            ("last_step", LAST_STEPS),
            ("time", TIMES_RUN),
            ("uniforms", UNIFORMS),
            ("prompt", ("none", "prefix", "any")),
            ("temperature_acts", ("everywhere", "draw")),
            ("ties", (None, "left", "right", "random")),
        ):
            given = getattr(self, name)
            if not isinstance(given, Policy) and not callable(given) and given not in known:
                options = ", ".join(filter(None, known))
                raise InputError(f"{name} {given!r} is unknown: use one of {options}")
        if not 0 <= self.temperature < math.inf:
            raise InputError(f"temperature: need a number ≥ 0, got {self.temperature}")
        given = self.tokens_a_step
        if (
            isinstance(given, int | tuple)
            and min(given if isinstance(given, tuple) else [given]) < 1
        ):
            raise InputError(f"tokens_a_step: need at least 1, got {given}")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top_k: need at least 1, got {self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InputError(f"top_p: need a number in (0, 1], got {self.top_p}")
        if self.block_length is not None and self.block_length < 1:
            raise InputError(f"block_length: need at least 1, got {self.block_length}")
        if (self.law is not None) + (self.kernel is not None) + (self.rule is not None) > 1:
            raise InputError("law, kernel, rule: declare one of them")
        if isinstance(self.rule, Policy) and self.rule.needs_ranks:
            raise InputError(f"rule {self.rule.name}: for a random order declare blocks")

    def __str__(self) -> str:
        """What is said, the name apart: the grid of hazards, and what is not at its default."""
        grid = ("clock", "steps" if self.times is None else "times") if self.by_hazard else ()
        said = []
        for one in fields(self)[1:]:
            value = getattr(self, one.name)
            if value == one.default and one.name not in grid:
                continue
            if isinstance(value, Clock | Policy):
                value = value.name
            elif callable(value):
                value = "a function"
            elif one.name == "times":
                value = ", ".join(f"{t:.4g}" for t in value)
            said.append(f"{one.name.replace('_', ' ')} {value}")
        return "; ".join(said) or "nothing"

    def schedule(self, rule: str) -> Schedule:
        """A rule on the declared clock and grid; masks that remain are left."""
        grid = "uniform" if self.times is None else None
        return Schedule(
            rule, self.clock, grid, self.steps, self.horizon, self.delta, times_given=self.times
        )

    @cached_property
    def grid(self) -> Tensor:
        """float64 [K + 1], decreasing, in the clock's time."""
        return self.schedule("euler").times(1)

    def hazards(self, rule: str) -> list[float]:
        """Reveal probability of each step of a rule on the declared clock and grid."""
        return list(_hazards(self.schedule(rule)))

    @property
    def by_hazard(self) -> bool:
        """True if the rule says with what probability a token is revealed in each step."""
        return self.rule in RULES

    @property
    def may_leave(self) -> bool:
        """True if masks may remain at the end."""
        if self.rule is None:  # who asks what it is, or brings a law, may
            return self.last_step == "leave"
        return self.by_hazard and self.last_step == "leave"

    @property
    def has_times(self) -> bool:
        """True if it says at what times the denoiser is asked."""
        return self.by_hazard or (self.kernel is not None and self.times is not None)

    def own_time(self, t: float) -> float:
        """A time of the clock as the sampler has it."""
        if callable(self.time):
            return self.time(t)
        return t if self.time == "to 0" else float(self.grid[0]) - t

    def left(self, step: int) -> float:
        """The share of the grid's time, as the sampler has it, that is left at a step's start."""
        first, last = (self.own_time(float(self.grid[end])) for end in (0, -1))
        here = self.own_time(float(self.grid[min(step, len(self.grid) - 1)]))
        return (here - last) / (first - last)

    def predictions(self, denoiser: DenoiserTable, step: int) -> Tensor:
        """What a denoiser predicts in a step, float64 [C, d, S]."""
        return denoiser.table if denoiser.late is None else denoiser.at(self.left(step))

    def counts(self, tokens: int) -> list[int]:
        """Tokens of each step, of so many."""
        given = self.tokens_a_step
        if isinstance(given, int):
            return [given] * -(-tokens // given)
        return list(given if isinstance(given, tuple) else given(tokens))

    def drawn_from(self, p: Tensor) -> Tensor:
        """What values are drawn from at predictions [..., S]."""
        return sharpened(p, self.temperature, self.top_k, self.top_p)

    def judged_by(self, p: Tensor) -> Tensor:
        """What confidence goes by at predictions [..., S]."""
        alone = self.temperature_acts == "draw" or self.temperature == 0
        return p if alone else self.drawn_from(p)

    def opened(self, denoiser: DenoiserTable) -> list[Tensor]:
        """The masked tokens of each block, bool [C, d]; of all positions without blocks."""
        hidden, d = denoiser.moves.hidden, denoiser.length
        if self.block_length is None:
            return [hidden]
        first = int((denoiser.start < denoiser.vocabulary).sum()) if self.prompt == "prefix" else 0
        if (d - first) % self.block_length:
            raise InputError(f"block_length: {self.block_length} must divide {d - first} tokens")
        block = torch.div(torch.arange(d) - first, self.block_length, rounding_mode="floor")
        return [hidden & (block == b) for b in range((d - first) // self.block_length)]


class OracleDenoiser(Denoiser, Protocol):
    """What the checker hands to a sampler: a normalised denoiser with a length."""

    @property
    def length(self) -> int:
        """Sequence length d."""
        ...

    @property
    def prompt(self) -> Tensor:
        """int64 [d], where a sampler that takes prompts starts: S where nothing is given."""
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
