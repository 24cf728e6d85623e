"""A parallel sampler on a clock in exact numbers: hazards from the symbolic clocks of `theory`.

Rational where the clock is, else balls in flint's working precision. It shares nothing with
`samplers.step_law`, which has the same numbers in float64.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from functools import cache

import sympy
from flint import fmpq
from sharprates.samplers.errors import InputError
from sharprates.samplers.schedule import Schedule
from sharprates.theory.arithmetic import Arithmetic, Number
from sharprates.theory.clocks import ancestral_hazard, clock, euler_hazard, tau_leaping_hazard
from sharprates.theory.evaluation import evaluate
from sharprates.verification.arithmetic import BALL, RATIONAL, IrrationalError
from sharprates.verification.exact_law import step_weights

HAZARDS = {
    "euler": euler_hazard,
    "tau-leaping": tau_leaping_hazard,
    "ancestral": ancestral_hazard,
}


def steps_on_grid(grid: Schedule) -> list[dict[str, Number]]:
    """For each step: the hazard ``r``, that of the exact process ``rho``, and 1−α at its start.

    Args:
        grid: of a named rule and clock, uniform, from a horizon that is a fraction to 0.

    Raises:
        InputError: for any other schedule.
    """
    horizon = grid.horizon
    named = grid.rule_name in HAZARDS and grid.grid == "uniform" and grid.delta == 0
    if not (named and grid.steps >= 1 and isinstance(horizon, Fraction) and horizon > 0):
        raise InputError(
            f"schedule {grid}: exact numbers need one of the rules {', '.join(HAZARDS)}, a uniform "
            "grid with K ≥ 1 that ends at 0, and a fraction T > 0 as its horizon"
        )
    rule, bridge, masked = _formulas(grid.rule_name, grid.chosen.name)
    ends = [horizon * Fraction(grid.steps - k, grid.steps) for k in range(grid.steps + 1)]

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
        if grid.last_step == "fill":  # at time 0 nothing is masked in the exact process
            steps.append({"r": one, "rho": one, "masked": arithmetic.rational(0)})
        return steps

    try:
        return walk(RATIONAL)
    except IrrationalError:
        return walk(BALL)


def exact_weights(grid: Schedule) -> list[Number]:
    """The step law; see `steps_on_grid`."""
    return step_weights([step["r"] for step in steps_on_grid(grid)])


def exact_facts(grid: Schedule) -> dict[str, bool]:
    """Whether masks are left over, and whether the steps are equal: facts of a setting."""
    w = exact_weights(grid)
    # of a ball that is not sure, False; but the bridge to time 0, where α is 1, has ρ = 1
    complete = grid.rule_name == "ancestral" or 1 - sum(w) == 0
    return {
        "has_leftover": grid.last_step == "leave" and not complete,
        "equal_steps": all(isinstance(x, fmpq) and x == fmpq(1, len(w)) for x in w),
    }


@cache
def _formulas(rule: str, name: str) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """The rule's hazard, ρ and 1−α, as functions of a step's ends t and s."""
    chosen = clock(name)
    return HAZARDS[rule](chosen), ancestral_hazard(chosen), chosen.masked
