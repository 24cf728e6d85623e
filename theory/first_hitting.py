"""H1–H4: the first-hitting sampler."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.hypotheses import EXACT, FIRST_HITTING, NORMALISED, TWO_SYMBOLS, on_families
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, eta, error = symbol("d"), symbol("eta"), symbol("epsilon_FHS")

H1 = Claim(
    id="H1",
    title="Exact with the exact denoiser",
    statement=r"With the exact denoiser $p_{\mathrm{FHS}}=q_0$ exactly, in $d$ denoiser calls.",
    measured=Measured.FHS_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=sympy.Rational(0),
    hypotheses=(FIRST_HITTING, EXACT),
    provenance=Provenance(promises=("A6",)),
    depends_on=("S4",),
    variants={
        "calls": Variant(d, Relation.EQUALITY, measured=Measured.DENOISER_CALLS),
    },
)

H2 = Claim(
    id="H2",
    title="Path-wise bound",
    statement=(
        r"For any normalised denoiser, time-dependent or not: $\mathrm{TV}(p_{\mathrm{FHS}},q_0)"
        r"\le\varepsilon_{\mathrm{FHS}}:=\mathbb E\sum_{n=1}^d\mathrm{TV}(p_i(\cdot|x_U),"
        r"\hat p_i(\cdot|x_U))$, $(U,i)$ the first $n-1$ positions of a uniform order and the next "
        r"one, $x_U\sim q_0$. In scores this is exactly $\frac12\int_0^\infty\mathbb E_{q_t}"
        r"\sum_{i,a}\frac{-\alpha'}{\alpha}|s_t-\hat s_t|\,dt$; for an unnormalised $\hat s$ "
        r"$\mathrm{TV}\le\int\mathbb E_{q_t}\sum_i\frac{-\alpha'}{\alpha}\max\{\sum_a"
        r"(s-\hat s)_+,\sum_a(\hat s-s)_+\}\,dt$. No initialisation, early-stopping or grid term."
    ),
    measured=Measured.FHS_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=error,
    hypotheses=(FIRST_HITTING, NORMALISED),
    provenance=Provenance(promises=("A2", "A6")),
    depends_on=("S4", "F4"),
    variants={
        "score": Variant(
            symbol("epsilon_score"),
            Relation.UPPER,
            hypotheses=(FIRST_HITTING,),
            replaces=True,
        ),
    },
)

H3 = Claim(
    id="H3",
    title="The path-wise bound is attained",
    statement=(
        r"$S\ge2$, $q_0=\delta_{0\ldots0}$, $\hat p$ errs by $\eta$ at the empty context only: "
        r"$\mathrm{TV}=\varepsilon_{\mathrm{FHS}}=\eta$ for every $\eta\in[0,1]$ and $d$, so the "
        r"constant 1 in H2 cannot be lowered. Spread errors, mass $\eta$ off support at every "
        r"context: $\mathrm{TV}=1-(1-\eta)^d$, $\varepsilon_{\mathrm{FHS}}=d\eta$."
    ),
    measured=Measured.FHS_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=eta,
    hypotheses=(FIRST_HITTING, NORMALISED, TWO_SYMBOLS, on_families("point-mass")),
    provenance=Provenance(promises=("A7",)),
    depends_on=("H2",),
    variants={
        "error": Variant(eta, Relation.EQUALITY, measured=Measured.EPSILON_FHS),
        "spread": Variant(1 - (1 - eta) ** d, Relation.EQUALITY),
        "spread-error": Variant(d * eta, Relation.EQUALITY, measured=Measured.EPSILON_FHS),
    },
)

H4 = Claim(
    id="H4",
    title="No sampler can do better",
    statement=(
        r"For every $S\ge2$ and $\varepsilon\le1-\frac1S$ there is $\hat s$ such that for every "
        r"sampler (any, randomised) that sees only $\hat s$ there is $q_0$ with "
        r"$\varepsilon_{\mathrm{FHS}}(q_0,\hat s)\le\varepsilon$ and $\mathrm{TV}\ge\varepsilon$. "
        r"So FHS is minimax optimal with constant exactly 1."
    ),
    measured=Measured.MINIMAX_TV,
    kind=Kind.THEOREM,
    relation=Relation.LOWER,
    expression=symbol("epsilon"),
    hypotheses=(TWO_SYMBOLS,),
    provenance=Provenance(promises=("A7",)),
    depends_on=("H2",),
    unchecked=("samplers of more than one token: the proof needs one, so the game has one",),
)

CLAIMS = (H1, H2, H3, H4)
