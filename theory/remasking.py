"""R1–R3, R5–R7: samplers that mask revealed tokens again, revision and correctors."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.hypotheses import (
    BINARY,
    EXACT,
    NORMALISED,
    ONE_LONG,
    REMASKING,
    TWO_SYMBOLS,
    TWO_TOKENS,
    on_families,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, S, K, n, kappa = (symbol(name) for name in ("d", "S", "K", "corrections", "kappa"))
init, score, parallel, stopping = (
    symbol(f"E1_{name}") for name in ("initialisation", "score", "parallel", "early_stopping")
)
start, corrector = symbol("start_tv"), symbol("corrector_tv")
REMDM = ("Wang et al., arXiv 2503.00307",)

_STEP = (
    r"A step from $t$ to $s<t$ masks each revealed token with probability $\sigma$, "
    r"$0\le\sigma\le\min\{1,(1-\alpha_s)/\alpha_t\}$, and reveals each masked one with probability "
    r"$r=(\alpha_s-(1-\sigma)\alpha_t)/(1-\alpha_t)$, its value drawn given all revealed tokens, "
    r"also those about to be masked. "
)

R1 = Claim(
    id="R1",
    title="Remasking keeps the marginals",
    statement=(
        _STEP + r"If the values are drawn *jointly* from $q_0(x_B|x_U)$, then $q_t$ becomes $q_s$, "
        r"for every admissible $\sigma$."
    ),
    measured=Measured.REMASKED_STEP_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=sympy.Rational(0),
    provenance=Provenance(works=REMDM),
)

R2 = Claim(
    id="R2",
    title="Decomposition with remasking",
    statement=(
        _STEP + r"For a normalised denoiser and tokens drawn independently from $\hat p_i$: "
        r"$\mathrm{TV}(p_{\mathrm{re}},q_0)\le\mathrm{TV}(\hat P_0,q_T)+\sum_kr_k"
        r"\mathbb E_{q_{t_k}}\sum_{i\,\mathrm{masked}}\mathrm{TV}(p_i,\hat p_i)$ "
        r"$+\sum_k\mathbb E_{q_{t_k}}\sum_Br_k^{|B|}(1-r_k)^{m-|B|}"
        r"\,\mathrm{TV}(q_0(x_B|x_U),\prod_{i\in B}p_i)$ "
        r"$+\mathrm{TV}(q_\delta,q_0)$: E1 with this $r_k$, and no clock term. As $r$ grows with "
        r"$\sigma$, no term of the third sum falls: whether remasking helps, this bound does not "
        r"decide."
    ),
    measured=Measured.REMASKED_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=init + score + parallel + stopping,
    hypotheses=(REMASKING, NORMALISED),
    depends_on=("E1", "R1"),
    variants={
        "parallel": Variant(
            parallel, Relation.LOWER, measured=Measured.REMASKED_PARALLEL, hypotheses=(EXACT,)
        ),
    },
)

R3 = Claim(
    id="R3",
    title="Two rounds of revision sample parity",
    statement=(
        r"Round one draws $y_1,\ldots,y_{d-1}$ as fair bits and $y_d=0$; round two overwrites all "
        r"of them, each given $y$: $z_1=y_1\oplus y_d$, $z_i=y_{i-1}\oplus y_i$. Then $z$ is "
        r"exactly uniform on the strings of even parity. (The second round uses predictors made "
        r"for it, not $q_0$'s conditionals; a sampler that commits and knows positions needs two "
        r"rounds as well.)"
    ),
    measured=Measured.REVISED_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=sympy.Rational(0),
    hypotheses=(TWO_TOKENS, on_families("parity")),
    provenance=Provenance(works=("Jiang, Haghtalab, Chen, arXiv 2512.25014",)),
)

R5 = Claim(
    id="R5",
    title="Only relevant reveals count",
    statement=(
        r"Blocks $B_k$ are revealed given the tokens $U_k$, and other tokens masked again, by a "
        r"schedule that does not look at values. A reveal is relevant if its value is there at the "
        r"end, or is in the context of a later relevant reveal; $B^*_k\subseteq B_k$. Then "
        r"$\mathrm{TV}(p_{\mathrm{re}},q_0)\le P(\text{a mask is left})$ $+\mathbb E\sum_k\mathbb "
        r"E_{q_0}\mathrm{TV}(q_0(x_{B^*_k}|x_{U_k}),\prod_{i\in B^*_k}p_i)$ $+\mathbb E\sum_k"
        r"\sum_{i\in B^*_k}\mathbb E_{q_0}\mathrm{TV}(p_i,\hat p_i)$, and the second term is at "
        r"most the probability that two relevant reveals share a step. There are at least $d$ "
        r"relevant reveals where no mask is left."
    ),
    measured=Measured.REMASKED_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=symbol("masks_left") + symbol("relevant_tv") + symbol("relevant_epsilon"),
    hypotheses=(REMASKING, NORMALISED),
    variants={
        "shared": Variant(symbol("crowded") + symbol("relevant_epsilon"), Relation.UPPER),
        "draws": Variant(d, Relation.LOWER, measured=Measured.RELEVANT_REVEALS),
    },
    unchecked=("schedules drawn at random: the bound is their mean, each is tried alone",),
)

R6 = Claim(
    id="R6",
    title="Discarding a value that was looked at is biased",
    statement=(
        r"If the tokens that are masked again are a function of those that are kept, an exact "
        r"joint redraw keeps $q_0$. If the rule reads the value that it discards, this fails even "
        r"one token at a time with the exact denoiser: $d=1$, a fair bit, drawn again if and only "
        r"if it is 0: after $n$ passes $\mathrm{TV}=\frac12-2^{-n-1}$, so more calls make it "
        r"worse. Remasking by confidence is of this kind."
    ),
    measured=Measured.REVISED_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=sympy.Rational(1, 2) - 2 ** (-n - 1),
    hypotheses=(ONE_LONG, BINARY, on_families("uniform")),
    variants={"kept": Variant(sympy.Rational(0), Relation.EQUALITY, replaces=True)},
)

R7 = Claim(
    id="R7",
    title="Correctors",
    statement=(
        r"A corrector $C$ masks a block $B$, chosen without looking at values (or as a function of "
        r"the kept tokens), and draws it again independently. $\mathrm{TV}(\mu C^n,q_0)\le"
        r"\mathrm{TV}(\mu,q_0)+n\,\Delta_C$, $\Delta_C=\mathbb E_{q_0}[\mathrm{TV}(q_0(x_B|x_{-B}),"
        r"\prod p_i)+\sum_{i\in B}\mathrm{TV}(p_i,\hat p_i)]$, and at most $(1-\kappa)^n"
        r"\mathrm{TV}(\mu,q_0)+\Delta_C/\kappa$ if $C$ brings any two laws closer by $1-\kappa$. "
        r"The total variation depends on what is predicted off the support (S5 fails): on "
        r"$\lfloor d/4\rfloor$ groups of four copies there is a convention for which, $K$ equal "
        r"steps and any number of single redraws with the exact denoiser, $\mathrm{TV}\ge1-(1-"
        r"(1-\frac1S)\beta_K)^{\lfloor d/4\rfloor}$, $\beta_K=(K-1)(2K-1)/K^3$ the chance that the "
        r"first block of a group has exactly two tokens."
    ),
    measured=Measured.CORRECTED_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=start + n * corrector,
    variants={
        "contraction": Variant((1 - kappa) ** n * start + corrector / kappa, Relation.UPPER),
        "convention": Variant(
            1 - (1 - (1 - 1 / S) * (K - 1) * (2 * K - 1) / K**3) ** sympy.floor(d / 4),
            Relation.LOWER,
            hypotheses=(TWO_SYMBOLS,),
        ),
    },
    unchecked=(
        "blocks that are a function of the kept tokens",
        "more than one group of four copies: groups are independent",
    ),
)

CLAIMS = (R1, R2, R3, R5, R6, R7)
