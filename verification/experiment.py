"""An experiment: a data law, a denoiser, and the sampler that is run with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.predictions import GivenPredictions, Predictions
from sharprates.samplers.rational import brief
from sharprates.samplers.sampler import Sampler
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.setting import Setting
from sharprates.verification.exact_law import Context, fractions_of
from sharprates.verification.exact_schedule import exact_facts

MOST_ROWS = 27
"""A larger support is described by its size."""


@dataclass(frozen=True)
class Experiment:
    """What is run on what; nothing here is measured.

    An experiment is exact if its sampler's numbers are fractions (a step law made from fractions,
    blocks, or a schedule with a fraction as its horizon) and its denoiser is the exact one or
    departs from it by given fractions. The weights of its data law are then the fractions that
    they were built from, or the exact values of their floats, renormalised.

    Attributes:
        target: the data law.
        denoiser: what predicts hidden tokens.
        sampler: what is run; None for a claim about the data law alone, which is then the limit
            K → ∞ of equal steps.
    """

    target: Target
    denoiser: Denoiser
    sampler: Sampler | None = None

    # --- its parts, by their symbols ----------------------------------------------------------

    @property
    def length(self) -> int:
        """Sequence length d."""
        return self.target.length

    @property
    def vocabulary(self) -> int:
        """S."""
        return self.target.vocabulary

    @cached_property
    def rows(self) -> tuple[Context, ...]:
        """The support of q_0."""
        return tuple(map(tuple, self.target.rows.tolist()))

    @property
    def weights(self) -> tuple[Fraction, ...]:
        """q_0 on its support."""
        return fractions_of(self.target)

    @property
    def predictions(self) -> Predictions:
        """Where the denoiser departs from the exact one by given fractions."""
        return self.denoiser.given if isinstance(self.denoiser, GivenPredictions) else {}

    @property
    def step_law(self) -> StepLaw | None:
        """Of a parallel sampler."""
        return self.sampler.step_law if self.sampler else None

    @property
    def steps(self) -> tuple[Fraction, ...]:
        """The step law in fractions, if it was made from them."""
        return (self.step_law.fractions or ()) if not self.grid and self.step_law else ()

    @property
    def blocks(self) -> tuple[int, ...]:
        """Block sizes, of samplers that always have the same."""
        return (self.sampler.composition if self.sampler else None) or ()

    @property
    def grid(self) -> Schedule | None:
        """Of a parallel sampler on a clock."""
        return self.sampler.grid if self.sampler else None

    @property
    def exact(self) -> bool:
        """Whether all of its numbers are fractions, so that it can be decided exactly."""
        known = isinstance(self.denoiser, ExactDenoiser | GivenPredictions)
        clocked = self.grid is not None and isinstance(self.grid.horizon, Fraction)
        return known and (self.sampler is None or bool(self.steps or self.blocks or clocked))

    def setting(self) -> Setting:
        """The plain facts that the hypotheses of a claim look at."""
        return self._setting

    @cached_property
    def _setting(self) -> Setting:
        family = self.target.family
        facts: Mapping[str, Any] = (
            {"equal_steps": True} if self.sampler is None else self.sampler.facts()
        )
        if self.grid is not None and isinstance(self.grid.horizon, Fraction):
            facts = {**facts, **exact_facts(self.grid)}
        return Setting(
            length=self.length,
            vocabulary=self.vocabulary,
            exact_denoiser=isinstance(self.denoiser, ExactDenoiser),
            normalised=self.denoiser.normalised,
            time_free=self.denoiser.time_free,
            family=family.name if family else None,
            **facts,
        )

    def __str__(self) -> str:
        if not self.exact:
            return f"{self.target.name} ({self.sampler}; {self.denoiser})"
        d, S = self.length, self.vocabulary
        weights = self.weights
        rows = [
            "".join(map(str, row)) + f":{in_words(weight)}"
            for row, weight in zip(self.rows, weights, strict=True)
        ]
        law = " ".join(rows) if len(rows) <= MOST_ROWS else f"{len(rows)} rows"
        if len(rows) > MOST_ROWS and len(set(weights)) == 1:
            law = f"uniform on {len(rows)} rows"
        family = self.target.family
        parts = [f"d={d} S={S}", *([family.name] if family else []), f"q0=[{law}]"]
        steps, grid = self.steps, self.grid
        if steps and set(steps) == {Fraction(1, len(steps))}:
            parts.append(f"equal K={len(steps)}")
        elif steps:
            parts.append(f"w={in_words(steps)}")
        if self.blocks:
            parts.append(f"blocks={in_words(self.blocks)}")
        if grid is not None:
            last = " fill" if grid.last_step == "fill" else ""
            end = f"T={grid.horizon} K={grid.steps}{last}"
            parts.append(f"{grid.rule_name} {grid.chosen.name} {end}")
        shown = list(self.predictions.items())[:12]
        for (context, place), p in shown:
            state = "".join("_" if x == S else str(x) for x in context)
            parts.append(f"p̂_{place + 1}({state})={in_words(p)}")
        if len(self.predictions) > len(shown):
            parts.append(f"and {len(self.predictions) - len(shown)} more predictions")
        return " ".join(parts)


def in_words(value: Any) -> str:
    """A number or a sequence of them, for a reader."""
    if isinstance(value, (tuple, list)):
        return "(" + " ".join(map(in_words, value)) + ")"
    return brief(value) or f"≈{float(value):.6g}" if isinstance(value, Fraction) else str(value)
