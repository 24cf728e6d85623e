"""The factor on a constant of a bound at which it begins to fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction


def failing_factor(
    fails: Callable[[Fraction], bool],
    holding: Fraction,
    failing: Fraction,
    halvings: int = 24,
    guess: float | None = None,
) -> tuple[Fraction, Fraction] | None:
    """Between which factors on a constant a bound begins to fail, by bisection.

    Args:
        fails: whether the bound with the constant multiplied by a factor fails.
        holding: a factor at which it holds, or is taken to.
        failing: a factor at which it may fail: smaller for an upper bound, larger for a lower one.
        halvings: of the distance between the two.
        guess: where it may begin to fail; if it does so right there, nothing is halved.

    Returns:
        The last factor that holds and the next one that fails; None if none fails.
    """
    if not fails(failing):
        return None
    if guess is not None:
        step = (holding - failing) / 2**halvings
        last = failing + (math.ceil((Fraction(guess) - failing) / step) - 1) * step
        if fails(last) and not fails(last + step):
            return last + step, last
    for _ in range(halvings):
        middle = (holding + failing) / 2
        holding, failing = (holding, middle) if fails(middle) else (middle, failing)
    return holding, failing
