"""A parallel sampler on a clock in exact numbers: hazards from the symbolic clocks of `theory`.

Rational where the clock is, else balls in flint's working precision. It shares nothing with
`samplers.step_law`, which has the same numbers in float64.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import sympy
from sharprates.samplers.errors import InputError
from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.clocks import ancestral_hazard, clock, euler_hazard, tau_leaping_hazard
from sharprates.theory.evaluation import evaluate
from sharprates.verification.arithmetic import BALL, RATIONAL, IrrationalError

HAZARDS = {
    "euler": euler_hazard,
    "tau-leaping": tau_leaping_hazard,
    "ancestral": ancestral_hazard,
}


@dataclass(frozen=True)
class Grid:
    """A parallel sampler on a clock, K steps uniform in t from T to 0.

    Attributes:
        rule: ``euler``, ``tau-leaping`` or ``ancestral``.
        clock: its name.
        horizon: T.
        steps: K.
        fill: whether one more step reveals all that is still masked.
    """

    rule: str
    clock: str
    horizon: Fraction
    steps: int
    fill: bool = False

    def __post_init__(self) -> None:
        if self.rule not in HAZARDS:
            raise InputError(f"rule {self.rule!r} is unknown: use one of {', '.join(HAZARDS)}")
        clock(self.clock)
        if self.horizon <= 0 or self.steps < 1:
            raise InputError(f"grid: need T > 0 and K ≥ 1, got {self.horizon}, {self.steps}")


def steps_on_grid(grid: Grid) -> list[dict[str, Number]]:
    """For each step: the hazard ``r``, that of the exact process ``rho``, and 1−α at its start."""
    rule, bridge, masked = _formulas(grid.rule, grid.clock)
    ends = [grid.horizon * Fraction(grid.steps - k, grid.steps) for k in range(grid.steps + 1)]

    def walk(arithmetic: Arithmetic) -> list[dict[str, Number]]:
        one = arithmetic.rational(1)
        steps = []
        for t, s in itertools.pairwise(ends):
            times = {"t": t, "s": s}
            steps.append(
                {
                    "r": arithmetic.minimum(one, evaluate(rule, times, arithmetic)),
                    "rho": evaluate(bridge, times, arithmetic),
                    "masked": evaluate(masked, times, arithmetic),
                }
            )
        if grid.fill:  # at time 0 nothing is masked in the exact process
            steps.append({"r": one, "rho": one, "masked": arithmetic.rational(0)})
        return steps

    try:
        return walk(RATIONAL)
    except IrrationalError:
        return walk(BALL)


@cache
def _formulas(rule: str, name: str) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """The rule's hazard, ρ and 1−α, as functions of a step's ends t and s."""
    chosen = clock(name)
    return HAZARDS[rule](chosen), ancestral_hazard(chosen), chosen.masked
