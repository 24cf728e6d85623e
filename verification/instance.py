"""One instance in exact numbers: a law, a denoiser and a schedule, all in fractions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import fmpq
from sharprates.samplers.errors import InputError
from sharprates.samplers.family import Family
from sharprates.samplers.target import Target
from sharprates.theory.setting import Setting
from sharprates.verification.exact_law import Composition, Context, fractions_of, step_weights
from sharprates.verification.exact_schedule import Grid, steps_on_grid

Predictions = Mapping[tuple[Context, int], tuple[Fraction, ...]]
"""(context, hidden position) → the S predicted probabilities, where they are not the exact ones."""


@dataclass(frozen=True)
class Instance:
    """A data law, a denoiser and a schedule, all in exact fractions.

    Of `steps`, `blocks` and `grid` at most one is given; a claim about q_0 alone needs none.

    Attributes:
        vocabulary: S.
        rows: the support, distinct, each of length d ≥ 1 with symbols 0..S−1.
        weights: one a row, positive, of sum 1.
        steps: step law w; what is missing to 1 is leftover.
        blocks: block sizes in order; (1, …, 1) is first-hitting sampling.
        grid: a sampler on a clock.
        predictions: where the denoiser is not the exact one.
        family: the member of a built-in family that q_0 is, if it is one.
    """

    vocabulary: int
    rows: tuple[Context, ...]
    weights: tuple[Fraction, ...]
    steps: tuple[Fraction, ...] = ()
    blocks: Composition = ()
    grid: Grid | None = None
    predictions: Predictions = field(default_factory=dict)
    family: Family | None = None

    def __post_init__(self) -> None:
        d, S = len(self.rows[0]) if self.rows else 0, self.vocabulary
        if d < 1 or len(self.weights) != len(self.rows) or len(set(self.rows)) < len(self.rows):
            raise InputError("instance: needs distinct rows of length ≥ 1, each with a weight")
        if any(len(row) != d or not all(0 <= x < S for x in row) for row in self.rows):
            raise InputError(f"instance: every row needs {d} symbols in 0..{S - 1}")
        if any(w <= 0 for w in self.weights) or sum(self.weights) != 1:
            raise InputError("instance: the weights must be positive and sum to 1")
        if bool(self.steps) + bool(self.blocks) + (self.grid is not None) > 1:
            raise InputError("instance: give one of steps, blocks and grid")
        if any(w < 0 for w in self.steps) or sum(self.steps) > 1:
            raise InputError("instance: steps must be ≥ 0 with sum at most 1")
        if self.blocks and (sum(self.blocks) != d or min(self.blocks) < 1):
            raise InputError(f"instance: blocks must be at least 1 and sum to {d}")
        for (context, place), law in self.predictions.items():
            hidden = len(context) == d and 0 <= place < d and context[place] == S
            hidden &= all(0 <= x <= S for x in context)
            if not hidden or len(law) != S or any(p < 0 for p in law) or sum(law) != 1:
                raise InputError(
                    f"instance: the prediction at {context}, {place} must be {S} probabilities "
                    f"of sum 1 for a hidden position"
                )

    @staticmethod
    def of(target: Target, **schedule: Any) -> Instance:
        """The instance of a target; a float weight is taken at its exact value, renormalised.

        Args:
            target: the data law.
            schedule: `steps`, `blocks` or `grid`, and `predictions`.
        """
        rows = tuple(tuple(row) for row in target.rows.tolist())
        return Instance(
            target.vocabulary, rows, fractions_of(target), family=target.family, **schedule
        )

    @property
    def length(self) -> int:
        """Sequence length d."""
        return len(self.rows[0])

    def target(self) -> Target:
        """The data law as a target with exact weights."""
        return Target.from_rows(self.rows, self.weights, self.vocabulary, family=self.family)

    def setting(self) -> Setting:
        """The facts that the hypotheses of a claim look at."""
        base = Setting(
            length=self.length,
            vocabulary=self.vocabulary,
            exact_denoiser=not self.predictions,
            family=None if self.family is None else self.family.name,
        )
        if self.grid is not None:
            facts: dict[str, Any] = {
                "steps": self.grid.steps,
                "sampler": self.grid.rule,
                "clock": self.grid.clock,
                "grid": "uniform",
                "last_step": "fill" if self.grid.fill else "leave",
            }
            w = step_weights([step["r"] for step in steps_on_grid(self.grid)])
            facts["has_leftover"] = not (1 - sum(w) == 0 or self.grid.fill)
            facts["uniform_law"] = all(isinstance(x, fmpq) and x == fmpq(1, len(w)) for x in w)
        elif self.blocks:
            one_by_one = max(self.blocks) == 1
            facts = {
                "steps": len(self.blocks),
                "sampler": "fhs" if one_by_one else "blocks",
            }
        else:
            # No schedule is the limit K → ∞ of the uniform law: claims about c(q_0).
            count = len(self.steps)
            facts = {
                "steps": count or None,
                "has_leftover": count > 0 and sum(self.steps) < 1,
                "uniform_law": all(w == Fraction(1, count) for w in self.steps),
            }
        return Setting(**{**vars(base), **facts})
