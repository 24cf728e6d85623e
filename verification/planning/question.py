"""What a plan is asked, and what is known of the data law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sharprates.samplers.errors import InputError
from sharprates.samplers.fields import check_types

MOST_STEPS = 10**18
"""A bound that is still above ε at so many steps is taken never to reach it."""


MAX_LENGTH = 1_000_000
"""Longest sequences that are planned for: some bounds have d factors."""

MAX_VOCABULARY = 10**300
"""Largest vocabulary: a float still holds it."""


def check_length(length: int) -> None:
    """Check that sequences are neither empty nor too long to plan for.

    Raises:
        InputError: if they are.
    """
    if not 1 <= length <= MAX_LENGTH:
        raise InputError(f"length: must lie in 1..{MAX_LENGTH}, got {length}")


@dataclass(frozen=True)
class Question:
    """How many steps for a total variation ε?

    Attributes:
        length: d.
        vocabulary: S; None if unknown.
        tv: ε, in (0, 1).
        score_error: e ≥ 0, which takes part of ε. In contexts of the data E2 adds it as ε_1, E3, B1
            and KL7 as ε_w, and H2 as ε_FHS. E5, E7, E8, E11 and KL2 add it by B3: for them e is the
            error summed along the sampler's own contexts; that in the data's is not enough (B0).
        information: Ī of the data or a bound on it, nats; None for nothing but Ī ≤ log S.
        curve: h_0..h_{d−1} of the data or bounds on them, nats.
    """

    length: int
    vocabulary: int | None
    tv: float
    score_error: float = 0.0
    information: float | None = None
    curve: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_length(self.length)
        if self.vocabulary is not None and not 1 <= self.vocabulary <= MAX_VOCABULARY:
            raise InputError(f"vocab: must lie in 1..10^300, got {self.vocabulary}")
        if not 0 < self.tv < 1:
            raise InputError(f"tv: must lie between 0 and 1, got {self.tv:g}")
        if not 0 <= self.score_error < math.inf:
            raise InputError(f"score-error: must be a number ≥ 0, got {self.score_error:g}")

    @property
    def left(self) -> float:
        """What the score error leaves of ε."""
        return self.tv - self.score_error

    @property
    def nothing_left(self) -> str | None:
        """Why no number of steps is enough, whatever the sampler."""
        if self.left > 0:
            return None
        return f"a score error of {self.score_error:g} leaves nothing of ε = {self.tv:g}"

    def to_json(self) -> dict[str, Any]:
        """As JSON, without what is known of the data."""
        names = ("length", "vocabulary", "tv", "score_error")
        return {name: getattr(self, name) for name in names}

    @property
    def is_of_any_law(self) -> bool:
        """Whether nothing is known of the data but d and S."""
        return self.information is None and self.curve is None
