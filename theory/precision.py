"""G1: what float32 uniforms do to Gumbel-max."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation
from sharprates.theory.functions import TruncatedGumbel
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

truncation = -sympy.log(-sympy.log(1 - sympy.Rational(1, 2**24), evaluate=False), evaluate=False)
"""The largest Gumbel that a float32 uniform can give, about 16.6355."""

G1 = Claim(
    id="G1",
    title="Gumbel-max with float32 uniforms",
    statement=(
        r"Float32 uniforms truncate the Gumbel at $g_{\max}=-\log(-\log(1-2^{-24}))"
        r"\approx16.6355$ (found by Zheng et al., arXiv 2409.02908). With $u$ continuous uniform "
        r"on $(0,1-2^{-24})$, probabilities ascending $\pi_1\le\dots\le\pi_n$, $\Pi_i=\sum_{k\ge "
        r"i}\pi_k$, $\pi_0=0$: $\pi'_m=\pi_m\sum_{i\le m}[\exp((n+1-i-\Pi_i/\pi_i)e^{-g_{\max}})$ "
        r"$-\exp((n+1-i-\Pi_i/\pi_{i-1})e^{-g_{\max}})]/\Pi_i$ (second term 0 at $i=1$). Large "
        r"probabilities gain; on $\{\text{tokens},\text{mask}\}$ small unmask probabilities "
        "shrink. The law on the float32 lattice differs from this model at the same order."
    ),
    measured=Measured.TRUNCATED_GUMBEL,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=TruncatedGumbel(symbol("probabilities"), symbol("index"), truncation),
    provenance=Provenance(works=("Zheng et al., arXiv 2409.02908",)),
    unchecked=("which probabilities gain and which shrink",),
)

CLAIMS = (G1,)
