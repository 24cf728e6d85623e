"""Inequalities decided on whole boxes: range arithmetic with slopes, and bisection.

A formula in operators, logarithms and maxima is evaluated on a box twice: by the range of each
part, and by its value at the centre with the range of its slopes (the mean value theorem; at a kink
the slopes of both sides). Float rounding is covered by a slack that whoever decides leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sharprates.verification.checks.trial import Trial

Array = NDArray[np.float64]


class Arrays:
    """Arrays of floats, as a number type for formulas of `theory`."""

    name = "arrays"

    def rational(self, p: int, q: int = 1) -> Any:
        """The float nearest to p/q."""
        return p / q

    def log(self, x: Any) -> Any:
        """The natural logarithm; of a range its range."""
        return x.log() if isinstance(x, Ranged) else np.log(x)

    def log1p(self, x: Any) -> Any:
        """log(1 + x)."""
        return self.log(1 + x) if isinstance(x, Ranged) else np.log1p(x)

    def maximum(self, x: Any, y: Any) -> Any:
        """The larger one."""
        if isinstance(y, Ranged):
            return y.maximum(x)
        return x.maximum(y) if isinstance(x, Ranged) else np.maximum(x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """The smaller one."""
        return -self.maximum(-x, -y)


ARRAYS = Arrays()


def _hull(*ends: Array) -> tuple[Array, Array]:
    return reduce(np.minimum, ends), reduce(np.maximum, ends)


def _product(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """[a, b]·[c, d]."""
    return _hull(a * c, a * d, b * c, b * d)


@dataclass(frozen=True, eq=False)
class Ranged:
    """A number on each of n boxes: its range, and that of its k slopes.

    Attributes:
        low: [n].
        high: [n].
        falls: least slopes, [k, n].
        rises: largest slopes, [k, n].
    """

    low: Array
    high: Array
    falls: Array
    rises: Array

    __array_ufunc__ = None  # numpy then leaves array·range to this class

    @staticmethod
    def sides(boxes: Array) -> list[Ranged]:
        """The k variables on boxes [n, k, 2]."""
        n, k, _ = boxes.shape
        ends = np.ascontiguousarray(boxes.transpose(1, 2, 0))
        units = [np.broadcast_to(unit[:, None], (k, n)) for unit in np.eye(k)]
        return [Ranged(ends[i, 0], ends[i, 1], units[i], units[i]) for i in range(k)]

    def __neg__(self) -> Ranged:
        return Ranged(-self.high, -self.low, -self.rises, -self.falls)

    def __add__(self, other: Ranged | float) -> Ranged:
        if isinstance(other, Ranged):
            return Ranged(
                self.low + other.low,
                self.high + other.high,
                self.falls + other.falls,
                self.rises + other.rises,
            )
        return Ranged(self.low + other, self.high + other, self.falls, self.rises)

    def __sub__(self, other: Ranged | float) -> Ranged:
        return self + -other

    def __rsub__(self, other: float) -> Ranged:
        return -self + other

    def __mul__(self, other: Ranged | float) -> Ranged:
        if not isinstance(other, Ranged):
            ends = (self.low, self.high), (self.falls, self.rises)
            pairs = [
                (a * other, b * other) if other >= 0 else (b * other, a * other) for a, b in ends
            ]
            return Ranged(*pairs[0], *pairs[1])
        first = _product(self.falls, self.rises, other.low, other.high)
        second = _product(self.low, self.high, other.falls, other.rises)
        values = _product(self.low, self.high, other.low, other.high)
        return Ranged(*values, first[0] + second[0], first[1] + second[1])

    def __truediv__(self, other: Ranged | float) -> Ranged:
        return self * (other._inverse() if isinstance(other, Ranged) else 1 / other)

    def __rtruediv__(self, other: float) -> Ranged:
        return self._inverse() * other

    __radd__, __rmul__ = __add__, __mul__

    def _inverse(self) -> Ranged:
        """1/x of a positive number."""
        a, b = 1 / self.high, 1 / self.low
        least, most = _product(self.falls, self.rises, -b * b, -a * a)
        return Ranged(a, b, least, most)

    def log(self) -> Ranged:
        """log x of a positive number."""
        slopes = _product(self.falls, self.rises, 1 / self.high, 1 / self.low)
        return Ranged(np.log(self.low), np.log(self.high), *slopes)

    def maximum(self, other: Ranged | float) -> Ranged:
        """max(x, y); where both may be the larger one, the slopes of both."""
        if not isinstance(other, Ranged):
            ends, none = np.full_like(self.low, other), np.zeros_like(self.falls)
            other = Ranged(ends, ends, none, none)
        mine, theirs = self.low >= other.high, other.low >= self.high
        least, most = np.minimum(self.falls, other.falls), np.maximum(self.rises, other.rises)
        return Ranged(
            np.maximum(self.low, other.low),
            np.maximum(self.high, other.high),
            np.where(mine, self.falls, np.where(theirs, other.falls, least)),
            np.where(mine, self.rises, np.where(theirs, other.rises, most)),
        )


Formula = Callable[..., Any]
"""(arithmetic, *variables) → a number: right minus left of an inequality."""


def least(formula: Formula, boxes: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """A lower bound of a formula on each box, its value at the centre, and where to halve the box.

    Args:
        formula: of k variables.
        boxes: [n, k, 2].

    Returns:
        [n], [n], and the axis along which the formula may change most, [n].
    """
    centre = np.asarray(formula(ARRAYS, *boxes.mean(2).T))
    ranged = formula(ARRAYS, *Ranged.sides(boxes))
    steepest = np.maximum(np.abs(ranged.falls), np.abs(ranged.rises))
    reach = steepest * (boxes[:, :, 1] - boxes[:, :, 0]).T / 2
    return np.maximum(ranged.low, centre - reach.sum(0)), centre, reach.argmax(0)


AT_ONCE = 4096
"""Boxes that are looked at together: their arrays stay in a core's cache."""

Look = Callable[[Array, int], tuple[NDArray[np.bool_], Array, NDArray[np.int64]]]
"""(boxes, turn) → which of them are proved, right minus left at the centres, the axes to halve."""


def halve(boxes: Array, axis: NDArray[np.int64]) -> Array:
    """Each box in two, along an axis of its own."""
    here = np.arange(len(boxes))
    middle = boxes[here, axis].mean(1)
    left, right = boxes.copy(), boxes.copy()
    left[here, axis, 1], right[here, axis, 0] = middle, middle
    return np.concatenate([left, right])


def subdivide(whole: Array, look: Look, most: int, slack: float) -> tuple[float, float]:
    """The largest violation seen at a box's centre, and the share of the volume left undecided.

    A violation ends it: what then is not proved is undecided.

    Args:
        whole: the boxes to begin with, [n, k, 2].
        look: decides boxes.
        most: stop when more than so many are undecided.
        slack: what counts as a violation.
    """
    volume = np.prod(whole[:, :, 1] - whole[:, :, 0], axis=1).sum()
    violation = 0.0
    for turn in itertools.count():
        looks = [look(whole[i : i + AT_ONCE], turn) for i in range(0, len(whole), AT_ONCE)]
        proved, centre, axis = map(np.concatenate, zip(*looks, strict=True))
        violation = max(violation, -float(centre.min()))
        whole, axis = whole[~proved], axis[~proved]
        if len(whole) == 0 or 2 * len(whole) > most or turn > 60 or violation > slack:
            break
        whole = halve(whole, axis)
    left_over = np.prod(whole[:, :, 1] - whole[:, :, 0], axis=1).sum()
    return violation, float(left_over / volume)


def share_told(trials: list[Trial]) -> str:
    """The mean share of a volume that trials leave undecided, their second side."""
    shares = [float(trial.decision.sides[1][0].lower) for trial in trials]
    return f"{100 * sum(shares) / len(shares):.2g} % of the volume"
