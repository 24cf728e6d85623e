"""S1–S5: the law of the step in which a token is revealed, and the output law."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.clocks import bridge
from sharprates.theory.functions import CompositionSum, Deficit
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    EQUAL_STEPS,
    FIRST_HITTING,
    STEP_LAW,
    TIME_FREE,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, K, m, n, v = symbol("d"), symbol("K"), symbol("m"), symbol("n"), symbol("v")
t, s, alpha_t, alpha_s = symbol("t"), symbol("s"), symbol("alpha_t"), symbol("alpha_s")
w, P, speed = symbol("w"), symbol("P"), symbol("speed")

hazard = (t - s) * speed / (1 - alpha_t)
"""Λ: the reverse rate of one token times the step size."""

S1 = Claim(
    id="S1",
    title="Unmask probabilities",
    statement=(
        r"In a step from $t$ to $s$, with $\Lambda=(t-s)\frac{-\alpha'(t)}{1-\alpha(t)}$ "
        r"(constant rate: $(t-s)\,e^{-t}/(1-e^{-t})$), a masked token is revealed with "
        r"probability: Euler $r=\min(1,\Lambda)$; $\tau$-leaping (one jump allowed) $r=1-e^{-"
        r"\Lambda}$; ancestral (a.k.a. Tweedie, MDLM) $r=\rho=(\alpha_s-\alpha_t)/(1-\alpha_t)$. "
        "On the linear clock Euler and ancestral coincide; on the constant-rate clock Euler "
        r"always lags ($r\le\rho$); on cosine and polynomial ($p>1$) clocks it can lead, and $"
        r"\Lambda$ can exceed 1."
    ),
    measured=Measured.EULER_HAZARD,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=sympy.Min(1, hazard),
    hypotheses=(STEP_LAW,),
    depends_on=("F4", "F5"),
    variants={
        "tau-leaping": Variant(
            1 - sympy.exp(-hazard), Relation.EQUALITY, measured=Measured.TAU_LEAPING_HAZARD
        ),
        "ancestral": Variant(bridge, Relation.EQUALITY, measured=Measured.ANCESTRAL_HAZARD),
    },
)

S2 = Claim(
    id="S2",
    title="Composition expansion",
    statement=(
        r"For a normalised, time-free denoiser the output law on full states is, whatever $K$ is, "
        r"$p_{\mathrm{out}}=\sum_{a\models d}\frac{d!}{\prod_j n_j!}M_a(w)P_a$, where $P_a$ is the "
        r"output law when a uniformly random ordered set partition with block sizes $a$ is "
        r"revealed block by block. Every order-uniform, value-blind sampler is a point of the "
        r"simplex over compositions."
    ),
    measured=Measured.OUTPUT,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=CompositionSum(d, w, P),
    hypotheses=(STEP_LAW, TIME_FREE, ALL_MASKED_START),
    unchecked=("samplers that are order-uniform and value-blind but have no step law",),
)

S3 = Claim(
    id="S3",
    title="Weights of equal steps",
    statement=(r"For $w_k=1/K$ and a composition $a$ with $m$ parts: $M_a(w)=\binom Km/K^d$."),
    measured=Measured.EQUAL_STEPS_MONOMIAL,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=sympy.binomial(K, m) / K**d,
    hypotheses=(EQUAL_STEPS,),
    depends_on=("S2",),
)

S4 = Claim(
    id="S4",
    title="First hitting times",
    statement=(
        r"With $n$ tokens masked at time $t$, the time $s$ of the next unmasking of the exact "
        r"reverse process satisfies $1-\alpha_s=v^{1/n}(1-\alpha_t)$, $v$ uniform on $(0,1)$, and "
        r"the unmasked position is uniform among the masked ones, independent of the values. The "
        r"first-hitting sampler (Zheng et al., arXiv 2409.02908) simulates this with $d$ denoiser "
        r"calls and no grid."
    ),
    measured=Measured.HITTING_TIME,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=((1 - alpha_s) / (1 - alpha_t)) ** n,
    hypotheses=(FIRST_HITTING,),
    provenance=Provenance(works=("Zheng et al., arXiv 2409.02908",)),
    depends_on=("F5",),
    variants={
        "quantile": Variant(
            v ** (1 / n) * (1 - alpha_t), Relation.EQUALITY, measured=Measured.HITTING_TIME_MASKED
        ),
    },
)

S5 = Claim(
    id="S5",
    title="Off-support conventions",
    statement=(
        r"$\mathrm{TV}(p_{\mathrm{out}},q_0)=\sum_{x\in\mathrm{supp}\,q_0}"
        r"(q_0(x)-p_{\mathrm{out}}(x))_+$, and on the support $p_{\mathrm{out}}(x)$ uses only "
        r"contexts with $q_0(x_U)>0$. So no TV to $q_0$, and no $\mathrm{KL}(q_0\|\cdot)$, depends "
        r"on what the denoiser does at contexts of probability 0."
    ),
    measured=Measured.TV,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=Deficit(symbol("q0"), symbol("p_out")),
)

CLAIMS = (S1, S2, S3, S4, S5)
