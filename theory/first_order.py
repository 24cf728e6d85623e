"""E9–E11: upper bounds on the first-order constant c(q_0) of equal steps, and what it gives."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.functions import Birthday, FewSteps
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    BINARY,
    EQUAL_STEPS,
    EXACT,
    STEP_LAW,
    TWO_TOKENS,
)
from sharprates.theory.measured import Measured
from sharprates.theory.one_target import LargestPositiveValue
from sharprates.theory.symbols import constant, symbol

d, S, K = (symbol(name) for name in ("d", "S", "K"))

E9 = Claim(
    id="E9",
    title="Sharp first order at S = 2",
    statement=(
        r"Equal steps: $c(q_0)\le d/4$ for every $q_0$ on $\{0,1\}^d$, $c$ the first-order "
        r"constant of L5; attained by copies and parity for every $d\ge2$."
    ),
    measured=Measured.FIRST_ORDER,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=constant("E9", "factor") * d,
    constants={"factor": sympy.Rational(1, 4)},
    hypotheses=(EXACT, BINARY),
    provenance=Provenance(promises=("A5",)),
    depends_on=("L5",),
)

E10 = Claim(
    id="E10",
    title="First order at short length",
    statement=(
        r"Equal steps: $c(q_0)\le\binom d2(1-S^{-1/(d-1)})$ for every $q_0$ on $[S]^d$, $c$ the "
        r"first-order constant of L5; attained wherever $S=b^{d-1}$, by shared symbols (L3)."
    ),
    measured=Measured.FIRST_ORDER,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=sympy.binomial(d, 2) * (1 - S ** (-1 / (d - 1))),
    hypotheses=(EXACT, TWO_TOKENS),
    depends_on=("L5",),
)

_once = sympy.binomial(d, 2)
_more = d**2 * (d - 1) ** 2 / (8 * K**2)
_first = symbol("first_order") / K * Birthday(d - 1, K)

E11 = Claim(
    id="E11",
    title="First order at every number of steps",
    statement=(
        r"Equal steps, exact denoiser, $d\ge2$, $c$ the first-order constant of L5: "
        r"$\mathrm{TV}(p_{\mathrm{out}},q_0)\le\frac{c(q_0)}K\prod_{i=1}^{d-2}(1-\frac iK)+\pi_2$, "
        r"$\pi_2=P(\text{at most }d-2\text{ distinct steps})\le\binom d2(\binom d2-1)/(2K^2)$. So "
        r"at $S=2$, for every $K$, $\mathrm{TV}\le\frac d{4K}+\frac{d^2(d-1)^2}{8K^2}$ (E9), and "
        r"for every $S$ the same with $\frac{d\log S}{2K}$ (E7) or $\frac{d\,v_S}{2K}$ (X3) in "
        r"the first place."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=d / (4 * K) + _more,
    hypotheses=(STEP_LAW, EXACT, ALL_MASKED_START, EQUAL_STEPS, TWO_TOKENS, BINARY),
    provenance=Provenance(promises=("A3", "A5")),
    depends_on=("S2", "S3", "E7", "E9", "L5", "X3"),
    variants={
        name: Variant(
            bound,
            Relation.UPPER,
            hypotheses=(STEP_LAW, EXACT, ALL_MASKED_START, EQUAL_STEPS, TWO_TOKENS),
            replaces=True,
        )
        for name, bound in {
            "instance": _first + FewSteps(d, K),
            "pairs": _first + _once * (_once - 1) / (2 * K**2),
            "vocabulary": d * sympy.log(S) / (2 * K) + _more,
            "symbols": d * LargestPositiveValue(S) / (2 * K) + _more,
        }.items()
    },
)

CLAIMS = (E9, E10, E11)
