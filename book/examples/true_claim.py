"""A true claim of one's own: two tokens rarely share a step.

Run `sharprates verify --claim book.examples.true_claim:UNION`.
"""

import sympy
from sharprates import Claim, Kind, Measured, Relation, symbol
from sharprates.theory.functions import SumOfSquares
from sharprates.theory.hypotheses import EXACT, NO_LEFTOVER, STEP_LAW

UNION = Claim(
    id="UNION",
    title="Union bound over pairs of tokens",
    statement=r"Without leftover "
    r"$\mathrm{TV}(p_{\mathrm{out}},q_0)\le\binom d2\sum_kw_k^2$.",
    measured=Measured.TV,
    kind=Kind.CONJECTURE,
    relation=Relation.UPPER,
    expression=sympy.binomial(symbol("d"), 2) * SumOfSquares(symbol("w")),
    hypotheses=(STEP_LAW, EXACT, NO_LEFTOVER),
)
