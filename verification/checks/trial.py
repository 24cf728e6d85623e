"""What a check tries: an example, both sides of a claim on it, and a mutant of the claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.target import Target
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval
from sharprates.verification.experiment import Experiment, in_words
from sharprates.verification.verdict import Decision


@dataclass(frozen=True)
class Example:
    """What a check is evaluated on: an experiment, further parameters, or both.

    Attributes:
        experiment: law, denoiser and schedule.
        parameters: by name; their text must tell them apart.
    """

    experiment: Experiment | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(experiment: Experiment | None = None, **parameters: Any) -> Example:
        """An example with parameters given by name."""
        return Example(experiment, parameters)

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    @cached_property
    def text(self) -> str:
        """In one line, for a reader."""
        parts = [] if self.experiment is None else [str(self.experiment)]
        parts += [
            f"{name}={in_words(value)}"
            for name, value in self.parameters.items()
            if not name.startswith("_")  # said by another one
        ]
        return ", ".join(parts)

    @property
    def plainness(self) -> tuple[int, int]:
        """Of equally tight examples the least is shown: more than one token, row, step; short."""
        sizes = (it.length, len(it.rows), len(it.steps)) if (it := self.experiment) else ()
        return sizes.count(1), len(self.text)

    @property
    def law(self) -> Experiment:
        """The experiment, which the examples of most checks have."""
        assert self.experiment is not None
        return self.experiment


Tried = Example | Experiment | Target
"""What a check may be given to try: an example, an experiment alone, a data law alone."""


def example_of(tried: Tried) -> Example:
    """What is tried, as an example."""
    if isinstance(tried, Target):
        tried = Experiment(tried, ExactDenoiser(tried))
    return Example(tried) if isinstance(tried, Experiment) else tried


@dataclass(frozen=True)
class Trial:
    """A claim decided on one example.

    Attributes:
        example: what was tried.
        decision: both sides, and what they show.
        counts: whether the claim says something here.
    """

    example: Example
    decision: Decision
    counts: bool


Evaluate = Callable[[Example, "Mutant"], Trial]


@dataclass(frozen=True)
class Mutant:
    """A claim altered so that a check should reject it.

    Attributes:
        name: what was altered, for a reader.
        scale: factors on constants.
        values: alters the values that the formula is given.
        trial: a changed trial, run in place of the check's.
    """

    name: str
    scale: Mapping[str, Fraction] = field(default_factory=dict)
    values: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    trial: Evaluate | None = None


STATED = Mutant("as stated")
"""No alteration."""


def above_zero(_: Example, measured: Interval, bound: Interval) -> bool:
    """An equality counts where it does not say 0 = 0."""
    return measured.upper > 0 or bound.upper > 0


def below_one(_: Example, measured: Interval, bound: Interval) -> bool:  # noqa: ARG001 - a hook of `Check`
    """An upper bound on a probability counts below 1."""
    return bound.upper < 1


def positive(_: Example, measured: Interval, bound: Interval) -> bool:  # noqa: ARG001 - a hook of `Check`
    """A lower bound counts above 0."""
    return bound.lower > 0


Counts = Callable[[Example, Interval, Interval], bool]


COUNTS: Mapping[Relation, Counts] = {
    Relation.UPPER: below_one,
    Relation.LOWER: positive,
    Relation.EQUALITY: above_zero,
}
"""When an instance says something about a claim on a probability."""
