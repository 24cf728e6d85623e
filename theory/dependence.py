"""U1–U4: what a step costs, the best grid, and schedules that few numbers certify."""

from __future__ import annotations

import sympy
from sharprates.theory.block_sizes import DtcShare, TcShare
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.functions import FirstOrder, RankDivergence, Root
from sharprates.theory.growth import Growth, GrowthSum, InnerGrowth, StepGrowth
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    BLOCKS,
    EXACT,
    NO_LEFTOVER,
    STEP_LAW,
    TWO_TOKENS,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, w, h, a, m = (symbol(name) for name in ("d", "w", "h", "a", "m"))
p, q, tc, dtc, epsilon = (symbol(name) for name in ("start", "stop", "tc", "dtc", "epsilon"))
I_bar, spread = symbol("I_bar"), symbol("spread")

RUN = (STEP_LAW, EXACT, ALL_MASKED_START, NO_LEFTOVER)
_WAINWRIGHT = "Wainwright, arXiv 2608.13520"
_total = GrowthSum(w, h)

U1 = Claim(
    id="U1",
    title="Divergence of a step",
    statement=(
        r"$g(t)=d\sum_j\mathrm{Bin}(d-1,t)(j)\,(h_0-h_j)=\sum_i\mathbb E\,I(X_i;X_{R_t})$, each "
        r"other token in $R_t$ with probability $t$. A step that raises the probability of being "
        r"revealed from $p$ to $q$ diverges by $\mathbb "
        r"E\,\mathrm{TC}(X_B|X_U)=\Gamma(p,q):=\int_p^q(q-u)\,g'(u)\,du$. Without leftover "
        r"$\sum_k\Gamma(u_k,u_{k+1})=\sum_m(d\,n_m-1)h_m$, and "
        r"$\mathrm{KL}(q_0\|p_{\mathrm{out}})$ is at most that. With $\psi(t)=\frac t{1-t}$ and "
        r"$0<p\le q<1$: $\Gamma(p,q)\le(\frac{\psi(q)}{\psi(p)}-1)\,\Xi(p,q)$, "
        r"$\Xi(p,q)=\int_p^qu(1-u)\,g'(u)\,du$; $\Xi(0,1)\le\min\{\mathrm{TC},\mathrm{DTC}\}$ and "
        r"$\mathrm{TC}=\Gamma(0,1)$. In total variation "
        r"$\mathrm{TV}\le\sqrt{1-\exp(-\sum_k\Gamma(u_k,u_{k+1}))}$; without the root this is "
        r"false."
    ),
    measured=Measured.STEP_KL,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=StepGrowth(p, q, h),
    hypotheses=RUN,
    provenance=Provenance(works=(_WAINWRIGHT,)),
    depends_on=("KL1",),
    variants={
        "steps": Variant(RankDivergence(d, w, h), Relation.EQUALITY, measured=Measured.STEP_KLS),
        "divergence": Variant(_total, Relation.UPPER, measured=Measured.KL),
        "tv": Variant(Root(1 - sympy.exp(-_total)), Relation.UPPER, measured=Measured.TV),
        "odds": Variant((q / (1 - q) * (1 - p) / p - 1) * InnerGrowth(p, q, h), Relation.UPPER),
        "inner": Variant(sympy.Min(tc, dtc), Relation.UPPER, measured=Measured.INNER_GROWTH),
        "whole": Variant(
            StepGrowth(sympy.Integer(0), sympy.Integer(1), h),
            Relation.EQUALITY,
            measured=Measured.TC,
        ),
    },
)

U2 = Claim(
    id="U2",
    title="Best grids to first order",
    statement=(
        r"Over grids $0=u_0<\dots<u_K=1$, "
        r"$K\inf_u\sum_k\Gamma(u_k,u_{k+1})\to\frac12\big(\int_0^1\sqrt{g'}\,dt\big)^2$, with "
        r"steps in proportion to $1/\sqrt{g'}$. Steps of $v(t)/K$ at $t$, $v$ bounded and "
        r"$\int_0^1dt/v=1$: $K\sum_k\Gamma\to\frac12\int_0^1v\,g'\,dt$, which is $\frac d2\bar I$ "
        r"for equal steps, half of KL2's bound; and $K\,\mathrm{TV}\to\binom "
        r"d2\cdot\frac12\|\int_0^1v(t)(\sum_n\mathrm{Bin}(d-2,t)(n)\,P_{a^{(n+1)}}-q_0)\,dt\|_1$, "
        r"which is convex in $v$. The two best grids differ in general: for half copies and half "
        r"parity, $d=3$, $K\,\mathrm{TV}\to\frac{13}{32}$ for equal steps, $0.4295$ for the grid "
        r"that is best in $\sum\Gamma$, and $0.3959$ for the one that is best in TV; for copies "
        r"and for parity they are the same."
    ),
    measured=Measured.LEAST_GROWTH,
    kind=Kind.THEOREM,
    relation=Relation.LIMIT,
    expression=symbol("root_growth") ** 2 / 2,
    hypotheses=RUN,
    provenance=Provenance(works=(_WAINWRIGHT, "Lavenant, Zanella, arXiv 2510.25544")),
    depends_on=("U1", "L5"),
    variants={
        "equal-steps": Variant(d * I_bar / 2, Relation.LIMIT, measured=Measured.GROWTH_TIMES_STEPS),
        "grid": Variant(
            symbol("growth_along") / 2, Relation.LIMIT, measured=Measured.GROWTH_TIMES_STEPS
        ),
        "tv": Variant(
            d * (d - 1) / 2 * spread * FirstOrder(d, symbol("q0"), symbol("P"), symbol("beta")),
            Relation.LIMIT,
            measured=Measured.TV_TIMES_STEPS,
            hypotheses=(TWO_TOKENS,),
        ),
    },
    unchecked=("copies and parity of more than three tokens",),
)

U3 = Claim(
    id="U3",
    title="Block sizes from one number",
    statement=(
        r"Blocks of sizes $s_i$ that end at $N_i$, in a random order: "
        r"$\mathbb E_\sigma\mathrm{KL}(q_0\|P_{a,\sigma})\le\mathrm{TC}\cdot\max_i\frac{"
        r"s_i-1}{d-N_{i-1}-1}$ and $\le\mathrm{DTC}\cdot\max_i\frac{s_i-1}{N_{i-1}+1}$, attained "
        r"by codes. "
        r"So of all sizes that $\hat T\ge\mathrm{TC}$ alone certifies to cost at most "
        r"$\varepsilon$, the "
        r"fewest blocks have $N_i=N_{i-1}+1+\lfloor(d-N_{i-1}-1)\min\{1,\varepsilon/\hat "
        r"T\}\rfloor$; with $\hat D\ge\mathrm{DTC}$ they have "
        r"$N_i=\min\{d,N_{i-1}+1+\lfloor(N_{i-1}+1)\,\varepsilon/\hat D\rfloor\}$. Published: "
        r"$\zeta=1+\lceil\hat T/\varepsilon\rceil$, $N_i=\lfloor N_{i-1}+(d-N_{i-1})/\zeta\rfloor$ "
        r"while that moves on, then single tokens; $\zeta=\max\{1,\lceil\hat "
        r"T/\varepsilon\rceil\}$ is enough for $\mathbb "
        r"E_\sigma\mathrm{KL}\le\mathrm{TC}/\zeta\le\varepsilon$."
    ),
    measured=Measured.BLOCK_KL,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=tc * TcShare(a),
    hypotheses=(BLOCKS, EXACT),
    provenance=Provenance(works=("after Chen, Cong, Li, arXiv 2511.04647",)),
    depends_on=("KL1", "KL4"),
    variants={
        "dual": Variant(dtc * DtcShare(a), Relation.UPPER),
        "certified": Variant(epsilon, Relation.UPPER),
        "shrinking": Variant(tc / symbol("zeta"), Relation.UPPER),
        "fewest": Variant(m, Relation.EQUALITY, measured=Measured.FEWEST_BLOCKS),
    },
)

U4 = Claim(
    id="U4",
    title="Dependence from predictions",
    statement=(
        r"$R_p\subseteq R_q$ random sets of the other tokens, each token in them with probability "
        r"$p\le q$; $\mu_i$ the conditional of token $i$: $g(q)-g(p)=\sum_i\mathbb "
        r"E\,\mathrm{KL}(\mu_i(\cdot|X_{R_q})\|\mu_i(\cdot|X_{R_p}))$. So $(q-p)(g(u)-g(p))$ with "
        r"$u$ uniform on $(p,q)$ is unbiased for $\Gamma(p,q)$, and "
        r"$\Gamma(p,q)\le(q-p)(g(q)-g(p))$: samples and predictions give $g$, a schedule and its "
        r"bound without any entropy. With a model for $\mu$ it is an estimate."
    ),
    measured=Measured.PREDICTIONS_KL,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=Growth(q, h) - Growth(p, h),
    provenance=Provenance(works=(_WAINWRIGHT,)),
    depends_on=("U1",),
    variants={
        "grid": Variant(
            (q - p) * (Growth(q, h) - Growth(p, h)), Relation.UPPER, measured=Measured.STEP_KL
        ),
    },
)

CLAIMS = (U1, U2, U3, U4)
