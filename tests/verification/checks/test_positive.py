"""What the checks of X3 compute on their own."""

import pytest
from flint import arb, fmpq
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.one_target import PositiveValue, one_target_curve
from sharprates.verification.checks.positive import (
    CHECKS,
    CLOSE,
    curve_in_balls,
    enclosed_constant,
)


@pytest.mark.parametrize("x", [0, 1 / 7, 0.5, 0.9, 1])
def test_the_curve_in_balls(x: float) -> None:
    p = fmpq(*x.as_integer_ratio())
    assert float(curve_in_balls(p)) == pytest.approx(one_target_curve(FLOAT, x), abs=1e-15)


@pytest.mark.parametrize(("S", "value"), [(3, 0.856554), (5, 1.343212), (8, 1.843991)])
def test_the_constants_are_enclosed(S: int, value: float) -> None:
    lower, upper = enclosed_constant(S)
    assert lower <= upper <= lower + arb(float(CLOSE)) * 2
    assert float(lower) == pytest.approx(value, abs=1e-6)


def test_no_law_on_a_grid_exceeds_the_constant() -> None:
    upper = float(enclosed_constant(3)[1])
    grid = [(i / 60, j / 60, (60 - i - j) / 60) for i in range(61) for j in range(61 - i)]
    largest = max(PositiveValue.compute(FLOAT, list(p)) for p in grid)
    assert upper - 2e-3 < largest <= upper


def test_the_digits_are_told() -> None:
    check = next(one for one in CHECKS if one.note)
    examples = list(check.examples(1))
    note = check.note([check.evaluate(example, check.mutants[0]) for example in examples])
    assert note.startswith("v_2 in [0.54068")
