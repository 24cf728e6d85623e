"""The clocks as formulas, and the reveal probabilities of S1 on them.

The samplers have their own clocks, in another form: two derivations that a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sharprates.theory.errors import TheoryError
from sharprates.theory.symbols import symbol

t, s = symbol("t"), symbol("s")
p, sigma_0, sigma_1 = symbol("p"), symbol("sigma_0"), symbol("sigma_1")
alpha_t, alpha_s = symbol("alpha_t"), symbol("alpha_s")

bridge = (alpha_s - alpha_t) / (1 - alpha_t)
"""ρ: a token masked at time t is unmasked at time s < t."""


@dataclass(frozen=True)
class Clock:
    """α and what follows from it, as functions of the symbol t.

    Attributes:
        alpha: α(t).
        end: end of the domain, ∞ for the constant-rate clock.
    """

    alpha: sympy.Expr
    end: sympy.Expr

    @property
    def masked(self) -> sympy.Expr:
        """1 − α(t)."""
        return 1 - self.alpha

    @property
    def speed(self) -> sympy.Expr:
        """−α′(t)."""
        return -sympy.diff(self.alpha, t)

    @property
    def at_end_of_step(self) -> sympy.Expr:
        """α(s)."""
        return self.alpha.subs(t, s)


_HALF_TURN = sympy.pi / 2
_NOISE = sigma_0 ** (1 - t) * sigma_1**t

CLOCKS: dict[str, Clock] = {
    "constant": Clock(sympy.exp(-t), sympy.oo),
    "linear": Clock(1 - t, sympy.S.One),
    "cosine": Clock(sympy.cos(_HALF_TURN * t), sympy.S.One),
    "cosine-late": Clock(1 - sympy.cos(_HALF_TURN * (1 - t)), sympy.S.One),
    "polynomial": Clock(1 - t**p, sympy.S.One),
    "geometric": Clock(sympy.exp(sigma_0 - _NOISE), sympy.S.One),
}
"""Kind of clock → formula; p, σ_0 and σ_1 are symbols."""


def clock(name: str) -> Clock:
    """The clock of a name such as ``cosine``, ``polynomial:2`` or ``geometric:1e-4:20``.

    Raises:
        TheoryError: if there is no such clock or its parameters do not fit.
    """
    kind, *texts = name.split(":")
    if name == "geometric":
        texts = ["1e-4", "20"]
    parameters = {"polynomial": (p,), "geometric": (sigma_0, sigma_1)}.get(kind, ())
    if kind not in CLOCKS or len(texts) != len(parameters):
        raise TheoryError(f"clock {name!r} is unknown: use one of {', '.join(CLOCKS)}")
    try:
        numbers = [sympy.Rational(text) for text in texts]
    except (TypeError, ValueError):
        raise TheoryError(f"clock {name!r}: parameters after ':' must be numbers") from None
    chosen = CLOCKS[kind]
    return Clock(chosen.alpha.subs(dict(zip(parameters, numbers, strict=True))), chosen.end)


def euler_hazard(chosen: Clock) -> sympy.Expr:
    """H = (t−s)·(−α′(t))/(1−α(t)), before clipping at 1. Source: S1."""
    return (t - s) * chosen.speed / chosen.masked


def tau_leaping_hazard(chosen: Clock) -> sympy.Expr:
    """1 − e^{−H}. Source: S1."""
    return 1 - sympy.exp(-euler_hazard(chosen))


def ancestral_hazard(chosen: Clock) -> sympy.Expr:
    """ρ = (α_s − α_t)/(1 − α_t). Source: F5, S1."""
    return (chosen.at_end_of_step - chosen.alpha) / chosen.masked
