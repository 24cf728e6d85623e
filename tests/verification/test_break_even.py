"""Where a bound begins to fail, by bisection or at once."""

from fractions import Fraction

import pytest
from sharprates.verification.break_even import failing_factor


def test_where_a_bound_begins_to_fail() -> None:
    third = Fraction(1, 3)
    holds, fails = failing_factor(lambda factor: factor < third, Fraction(1), Fraction(0)) or (0, 0)
    assert fails < third <= holds
    assert holds - fails == Fraction(1, 2**24)
    assert failing_factor(lambda _: False, Fraction(1), Fraction(0)) is None
    above = failing_factor(lambda factor: factor > 5, Fraction(1), Fraction(64), halvings=6)
    assert above is not None
    assert above[0] <= 5 < above[1]


@pytest.mark.parametrize(
    ("far", "limit"), [(0, Fraction(1, 3)), (64, Fraction(5)), (0, Fraction(1))]
)
@pytest.mark.parametrize("guess", ["right", 0.5, 1.0, 40.0])
def test_a_guess_saves_work_and_changes_nothing(
    far: int, limit: Fraction, guess: float | str
) -> None:
    tried = []

    def fails(factor: Fraction) -> bool:
        tried.append(factor)
        return factor < limit if far == 0 else factor > limit

    ends = Fraction(1), Fraction(far)
    bisected = failing_factor(fails, *ends)
    tried.clear()
    right = guess == "right"
    assert failing_factor(fails, *ends, guess=float(limit) if right else float(guess)) == bisected
    assert len(tried) == 3 or not right
