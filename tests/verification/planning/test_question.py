"""What is asked: bad numbers are named."""

import math

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.planning.question import Question


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ((0, 2, 0.1), "length: must lie in 1..1000000"),
        ((10**20, 2, 0.1), "length: must lie in"),
        ((4, 10**400, 0.1), "vocab: must lie in"),
        ((4, 0, 0.1), r"vocab: must lie in 1..10\^300"),
        ((4, 2, 0.0), "tv: must lie between 0 and 1"),
        ((4, 2, 1.0), "tv: must lie between 0 and 1"),
        ((4, 2, math.nan), "tv: must lie between 0 and 1"),
        ((4, 2, 0.1, -0.1), "score-error: must be a number ≥ 0"),
        ((4, 2, 0.1, math.nan), "score-error: must be a number ≥ 0"),
    ],
)
def test_bad_questions_are_named(question: tuple[int, int, float], hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        Question(*question)
