"""One false-alarm probability for a whole run, shared out over its statistical checks.

If every check that holds is rejected with probability at most its level, then a run whose levels
add up to at most the budget raises a false alarm with probability at most the budget, however the
checks depend on each other (union bound). Levels are exact fractions, so the sum is exact too.
A level is spent once: a check that failed is not tried again with fresh samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sharprates.samplers.errors import InputError

DEFAULT_BUDGET = Fraction(1, 10**6)

LEAST = Fraction(1, 10**200)
"""The smallest share of a check: what is worked out with it must not be 0 as a float."""


class BudgetError(RuntimeError):
    """A level was asked for that was never planned, or a second time."""


@dataclass(frozen=True)
class Budget:
    """A false-alarm probability and what it is for.

    Attributes:
        level: in (0, 1), exact.
        name: path of the check or group of checks, parts joined by ``/``.

    Raises:
        InputError: if the level is no such number.
    """

    level: Fraction = DEFAULT_BUDGET
    name: str = "run"

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            level = float(self.level)
            raise InputError(f"budget: need a probability between 0 and 1, got {level:g}")

    @property
    def alpha(self) -> float:
        """The level as a float, rounded down."""
        near = float(self.level)
        return near if Fraction(near) <= self.level else math.nextafter(near, 0.0)

    def share(self, names: Sequence[str]) -> dict[str, Budget]:
        """Equal parts, one a name; they add up to this budget exactly.

        Args:
            names: distinct, at least one.

        Raises:
            BudgetError: if there is none, or a name occurs twice.
            InputError: if the parts would be too small.
        """
        if not names or len(set(names)) < len(names):
            raise BudgetError(f"{self.name}: need distinct names to share out, got {list(names)}")
        part = self.level / len(names)
        if part < LEAST:
            least = float(LEAST * len(names))
            raise InputError(f"budget: need at least {least:.1g} for {len(names)} checks")
        return {name: Budget(part, f"{self.name}/{name}") for name in names}


class Ledger:
    """Hands out each planned level once.

    The plan is fixed before anything is drawn, so a result cannot move a level; a second request
    is refused, so a check cannot be repeated until it passes.
    """

    def __init__(self, budget: Budget, names: Sequence[str]) -> None:
        """Plan equal levels.

        Args:
            budget: to be shared out.
            names: one a check, distinct.
        """
        self.budget = budget
        self._open = budget.share(names)
        self._spent: set[str] = set()

    def take(self, name: str) -> float:
        """The level of a check, once.

        Raises:
            BudgetError: if the check was not planned or has had its level.
        """
        if name in self._spent:
            raise BudgetError(
                f"{name}: its level is spent; a check is not repeated until it passes"
            )
        if name not in self._open:
            raise BudgetError(f"{name}: not among the checks planned for {self.budget.name}")
        self._spent.add(name)
        return self._open[name].alpha
