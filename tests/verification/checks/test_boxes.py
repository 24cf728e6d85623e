"""Ranges with slopes, and bisection."""

import numpy as np
import pytest
from sharprates.verification.checks.boxes import ARRAYS, Ranged, halve, least, subdivide


def formula(at, x, y):
    """With every operation in it."""
    top = at.maximum(x * y - 0.2, at.minimum(x / y, 1 - x)) + at.log(x + 2 * y) - 1 / (1 + y)
    return at.maximum(top, 0.3) - at.minimum(y, 0.4) * -0.5 + (0.1 - x) / 3 + at.log1p(x)


def boxes(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    low = rng.uniform(0.05, 1, (n, 2))
    return np.stack([low, low + 10 ** rng.uniform(-4, 0, (n, 2))], 2)


def inside(some: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return some[..., 0] + rng.uniform(0, 1, some.shape[:2]) * (some[..., 1] - some[..., 0])


def test_a_range_holds_every_value_and_slope() -> None:
    some, rng = boxes(3000), np.random.default_rng(1)
    found = formula(ARRAYS, *Ranged.sides(some))
    for _ in range(20):
        x, y = inside(some, rng).T
        value = formula(ARRAYS, x, y)
        assert (found.low - 1e-12 <= value).all()
        assert (value <= found.high + 1e-12).all()
        h = 1e-7
        slopes = np.stack(
            [
                (formula(ARRAYS, x + h, y) - formula(ARRAYS, x - h, y)) / (2 * h),
                (formula(ARRAYS, x, y + h) - formula(ARRAYS, x, y - h)) / (2 * h),
            ]
        )
        within = (found.falls - 1e-5 <= slopes) & (slopes <= found.rises + 1e-5)
        assert within.mean() > 0.999  # differences across a kink next to the box


def test_lower_bounds_are_below_and_close_on_small_boxes() -> None:
    some, rng = boxes(3000), np.random.default_rng(2)
    low, centre, axis = least(formula, some)
    for _ in range(20):
        assert (formula(ARRAYS, *inside(some, rng).T) >= low - 1e-12).all()
    small = (some[..., 1] - some[..., 0]).max(1) < 1e-3
    assert (centre - low)[small].max() < 0.02
    assert set(axis) == {0, 1}


def test_halves_share_a_face() -> None:
    (left, right) = halve(np.array([[[0.0, 1.0], [0.0, 4.0]]]), np.array([1]))
    assert left.tolist() == [[0, 1], [0, 2]]
    assert right.tolist() == [[0, 1], [2, 4]]


@pytest.mark.parametrize(("shift", "violated"), [(0.01, False), (-0.2, True)])
def test_subdivision_decides_a_parabola(shift: float, violated: bool) -> None:
    """x² − x + ¼ + shift on [0, 1], least at ½; a violation above the slack ends it."""

    def look(some, _):
        low, centre, axis = least(lambda _, x: x * x - x + 0.25 + shift, some)
        return low >= 0, centre, axis

    whole = np.array([[[0.0, 1.0]]])
    violation, undecided = subdivide(whole, look, 4000, 1e-12)
    if violated:
        assert (violation, undecided) == (pytest.approx(0.2), 1)
        violation, undecided = subdivide(whole, look, 4000, 1)
        assert violation == pytest.approx(0.2)
        assert 1 > undecided > 0.8  # 2·√0.2
    else:
        assert (violation, undecided) == (0, 0)
