"""Remasking: a step also masks revealed tokens again, so that they are drawn anew later."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from sharprates.samplers.compositions import CompositionTables
from sharprates.samplers.denoiser import Denoiser, normalised, relative_error
from sharprates.samplers.errors import InputError
from sharprates.samplers.output_law import UNIT, OutputLaw, rounding
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.rational import read_rational
from sharprates.samplers.remasked_law import (
    RemaskingStep,
    check_work,
    remasked_law,
    remembered_law,
)
from sharprates.samplers.sampler import Pace, RoundCount, Run, Sampler
from sharprates.samplers.sampling import draw
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.target import Target
from torch import Tensor

FORMS = {
    "constant": "σ or constant:σ, 0 ≤ σ ≤ 1",
    "max": "max",
    "rescaled": "rescaled:η, 0 ≤ η ≤ 1",
    "confidence": "confidence:η, 0 ≤ η ≤ 1",
}


@dataclass(frozen=True)
class Remasking:
    """With which probability σ a step from t to s masks a revealed token again.

    At most min(1, (1−α_s)/α_t) is admissible, which is 0 in a step that ends at s = 0.

    Attributes:
        rule: ``constant``, min(amount, the most); ``rescaled``, amount · the most; or
            ``confidence``, where amount · the most is shared out among the revealed tokens in
            proportion to exp(−ψ), ψ the probability at which a token was committed.
        amount: σ or η, in [0, 1].
        low: remasks only in steps that start at a time in [low, high].
        high: see `low`.

    Source: ReMDM (Wang et al., arXiv 2503.00307): cap, rescale, conf, switch.
    """

    rule: str
    amount: float
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        if self.rule not in ("constant", "rescaled", "confidence"):
            raise InputError(f"remasking {self.rule!r} is unknown: use {', '.join(FORMS.values())}")
        if not 0 <= self.amount <= 1:
            raise InputError(f"remasking {self.rule}: need a number in [0, 1], got {self.amount}")
        if not 0 <= self.low <= self.high:
            raise InputError(f"remasking: need times 0 ≤ low ≤ high, got {self.low}:{self.high}")

    @property
    def name(self) -> str:
        """Its text, as `remasking` reads it."""
        whole = self.rule == "rescaled" and self.amount == 1
        text = "max" if whole else f"{self.rule}:{self.amount:g}".removeprefix("constant:")
        window = "" if (self.low, self.high) == (0, math.inf) else f"@{self.low:g}:{self.high:g}"
        return text + window

    def at(self, time: float, most: float) -> float:
        """σ, or what is shared out, of a step that starts at a time.

        Args:
            time: t.
            most: the largest admissible σ.
        """
        if not self.low <= time <= self.high:
            return 0.0
        return min(self.amount, most) if self.rule == "constant" else self.amount * most


def remasking(text: str) -> Remasking:
    """A rule by its text: ``0.1``, ``max``, ``rescaled:0.5``, ``confidence:1``; ``0.1@0.2:0.8``.

    Raises:
        InputError: naming what is wrong with it, in one line.
    """
    rule, at, window = text.partition("@")
    head, _, number = rule.partition(":")
    if head == "max" and not number:
        head, number = "rescaled", "1"
    elif not number and head in FORMS:
        raise InputError(f"remasking {text!r}: is written {FORMS[head]}")
    elif not number:
        head, number = "constant", head
    low, colon, high = window.partition(":")
    if head not in FORMS or head == "max" or bool(at) != bool(colon):
        raise InputError(
            f"remasking {text!r} is unknown: use {'; '.join(FORMS.values())}; @LOW:HIGH after it "
            "names the times at which it is on"
        )
    amounts = [_number(text, given) for given in (number, *((low, high) if at else ()))]
    return Remasking(head, *amounts)


def _number(text: str, number: str) -> float:
    try:
        return float(read_rational(number))
    except (ValueError, OverflowError):
        raise InputError(
            f"remasking {text!r}: {number[:40]!r} is no number; use {'; '.join(FORMS.values())}"
        ) from None


@dataclass(frozen=True)
class RemaskingSampler(Sampler):
    """Ancestral steps that mask revealed tokens again and keep the marginals of the clock (R1).

    In a step from t to s a masked token is revealed with probability (α_s − (1−σ)α_t)/(1−α_t), its
    value drawn given all revealed tokens, also those about to be masked; a revealed one is masked
    with probability σ. Under the rule ``confidence`` masked tokens have no confidence, so theirs is
    the ancestral probability. A row uses 2d uniforms a step. An unnormalised denoiser is normalised
    first.

    Attributes:
        schedule: of the rule ``ancestral``.
        remasking: σ.

    Source: ReMDM (Wang et al., arXiv 2503.00307); claim R1.
    """

    kind = "remasking"

    schedule: Schedule
    remasking: Remasking

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.schedule.rule != "ancestral":
            raise InputError(
                f"remasking: is a form of ancestral steps, got the rule {self.schedule.rule_name}"
            )

    @property
    def fills(self) -> bool:
        """Whether a last step reveals all that is masked."""
        return self.schedule.last_step == "fill"

    @cached_property
    def steps(self) -> tuple[RemaskingStep, ...]:
        """σ and the reveal probability of each step; one that fills reveals all that is masked."""
        schedule, spread = self.schedule, self.remasking.rule == "confidence"
        times, hazards = schedule.times(self.length), schedule.law(self.length).hazards.tolist()
        masked, alpha = (
            schedule.chosen.masked(times).tolist(),
            schedule.chosen.alpha(times).tolist(),
        )
        steps = []
        for k, time in enumerate(times[:-1].tolist()):
            most = min(alpha[k], masked[k + 1]) / alpha[k] if alpha[k] > 0 else 0.0
            sigma = self.remasking.at(time, most)
            more = 0.0 if spread else sigma * alpha[k] / masked[k]
            steps.append(RemaskingStep(time, sigma, min(1.0, hazards[k] + more), spread))
        if self.fills:
            steps.append(RemaskingStep(float(times[-1]), 0.0, 1.0, spread))
        return tuple(steps)

    @property
    def calls(self) -> int:
        """K, and one more where a step fills what is left."""
        return len(self.steps)

    @property
    def call_times(self) -> Tensor:
        """The time at the start of each step."""
        return torch.tensor([step.time for step in self.steps], dtype=torch.float64)

    @property
    def pace(self) -> Pace | None:
        """See `samplers.sampler.Sampler`; none where σ depends on the values."""
        if self.remasking.rule == "confidence":
            return None
        reveal = torch.tensor([step.reveal for step in self.steps], dtype=torch.float64)
        masked = self.schedule.chosen.masked
        end = 0.0 if self.fills else float(masked(self.schedule.times(self.length)[-1:]))
        return Pace(self.call_times, masked(self.call_times), reveal, end)

    @property
    def uniforms(self) -> int:
        """Two a step: whether a token changes, and its value."""
        return 2 * self.calls

    @property
    def _plain(self) -> ParallelSampler:
        """The ancestral sampler that it is where nothing is masked again."""
        return ParallelSampler(
            self.length, self.schedule, device=self.device, dtype=self.dtype, batch=self.batch
        )

    def __str__(self) -> str:
        return f"remasking {self.remasking.name} {self.schedule}"

    def check_law(self, vocabulary: int) -> None:
        """Find out that its exact law is out of reach.

        Raises:
            TooLargeError: naming the number of partial states.
        """
        if any(step.sigma > 0 for step in self.steps):
            check_work(self.length, vocabulary, self.calls, self.device)

    def rounds_on(self, target: Target, denoiser: Denoiser) -> RoundCount | None:  # noqa: ARG002 - blind to values
        """Steps that reveal something; None where σ depends on what was drawn."""
        if self.remasking.rule == "confidence":
            return None
        mean, masked = 0.0, 1.0
        for step in self.steps:
            mean += 1 - (1 - masked * step.reveal) ** self.length
            masked = masked * (1 - step.reveal) + (1 - masked) * step.sigma
        return RoundCount(mean, self.calls)

    def facts(self) -> Mapping[str, Any]:
        """See `samplers.sampler.Sampler`; it has no step law, for a token may be revealed twice."""
        known = {**self._plain.facts(), "sampler": self.kind, "remasking": self.remasking.name}
        return {**known, "equal_steps": False}

    def run_batch(self, denoiser: Denoiser, uniforms: Tensor) -> Run:
        """See `samplers.sampler.Sampler`; a token's step is the last one that revealed it."""
        predict, S = normalised(denoiser), denoiser.vocabulary
        n, _, d = uniforms.shape
        x = torch.full((n, d), S, device=self.device)
        at, psi = torch.full_like(x, self.calls), torch.zeros((n, d), device=self.device)
        psi = psi.to(torch.float64)
        for k, step in enumerate(self.steps):
            change, value = uniforms[:, 2 * k], uniforms[:, 2 * k + 1]
            masked = x == S
            rows, columns = (masked & (change < step.reveal)).nonzero(as_tuple=True)
            again = ~masked & (change < step.remask(x, psi, S))
            p = predict(x, step.time, positions=(rows, columns))
            drawn = draw(p, value[rows, columns])
            x = torch.where(again, S, x)
            x[rows, columns], at[rows, columns] = drawn, k
            psi[rows, columns] = p.gather(1, drawn[:, None]).squeeze(1).to(psi)
            at = torch.where(again, self.calls, at)
        return Run(x, at, self.calls)

    def _law(
        self, target: Target, denoiser: Denoiser, given: CompositionTables | None
    ) -> OutputLaw:
        """On the support, by all partial states: a token that is drawn again may leave it between.

        So S5 fails for partial states, and what the denoiser says off the support matters.
        """
        if all(step.sigma == 0 for step in self.steps):
            return self._plain.law(target, denoiser, given)
        law_of = remembered_law if self.remasking.rule == "confidence" else remasked_law
        law = law_of(denoiser, self.length, self.steps, self.device).cpu()
        probability = law[tuple(target.rows.unbind(1))]
        d, S = target.length, target.vocabulary
        # a step: d factors, each a prediction, its normalisation and a product; a sum over the
        # values that were masked, axis by axis; σ of the rule confidence, a softmax
        inside = relative_error(denoiser) / UNIT + S + 4
        error = rounding(self.calls * d * (inside + S + 2 + (d + 8) * self.steps[0].spread))
        return OutputLaw(target.rows, probability, S, False, error, error)
