"""L0–L7 and X1: lower bounds, exact values on families, and the first-order constant."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.functions import (
    Birthday,
    DistinctSteps,
    EqualStepsFirstOrder,
    EqualStepsSharedSymbols,
    FirstBlock,
    FirstOrder,
    Harmonic,
    LastBlock,
    Leftover,
    Permutations,
    RankGap,
    SharedSymbols,
    SumOfSquares,
    Threshold,
)
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    BINARY,
    CONSTANT_CLOCK,
    EQUAL_STEPS,
    EULER_OR_ANCESTRAL,
    EXACT,
    NO_EARLY_STOPPING,
    NO_LEFTOVER,
    STEP_LAW,
    TWO_SYMBOLS,
    TWO_TOKENS,
    UNIFORM_GRID,
    on_families,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import constant, symbol

RUN = (STEP_LAW, EXACT, ALL_MASKED_START)

d, S, K, T, w, b, k, g = (symbol(name) for name in ("d", "S", "K", "T", "w", "b", "k", "g"))
q0, P, beta = symbol("q0"), symbol("P"), symbol("beta")

left = Leftover(w)
pairs = sympy.floor(d / 2)
spread = 1 - 1 / S
"""1 − 1/S: the chance that two independent uniform symbols differ."""

L0 = Claim(
    id="L0",
    title="Masks left over",
    statement=(
        r"For any $q_0$ and any denoiser $\mathrm{TV}(p_{\mathrm{out}},q_0)\ge1-(1-w_\infty)^d$: "
        r"masks left over lie outside the support."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.LOWER,
    expression=1 - (1 - left) ** d,
    hypotheses=(STEP_LAW, ALL_MASKED_START),
    provenance=Provenance(promises=("A5",)),
)

L1 = Claim(
    id="L1",
    title="Pairs",
    statement=(
        r"$\lfloor d/2\rfloor$ independent pairs of equal, uniform symbols (an odd token alone): "
        r"$\mathrm{TV}=1-(1-w_\infty)^{d\bmod2}((1-w_\infty)^2-(1-\frac1S)\sum_kw_k^2)"
        r"^{\lfloor d/2\rfloor}$; for every $K$-step law "
        r"$\mathrm{TV}\ge1-(1-(1-\frac1S)/K)^{\lfloor d/2\rfloor}$, so "
        r"$K\ge(1-\frac1S)\lfloor d/2\rfloor/\log\frac1{1-\varepsilon}=\Omega(d/\varepsilon)$ "
        r"steps are necessary, $S=2$ included."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.WORST_CASE,
    expression=1
    - (1 - left) ** sympy.Mod(d, 2) * ((1 - left) ** 2 - spread * SumOfSquares(w)) ** pairs,
    hypotheses=RUN,
    attained_by=("pairs",),
    provenance=Provenance(promises=("A5",)),
    depends_on=("S2", "S5"),
    variants={
        "every-law": Variant(
            1 - (1 - spread / K) ** pairs,
            Relation.LOWER,
            hypotheses=(on_families("pairs"),),
        ),
    },
    unchecked=("the consequence for the number of steps, K = Ω(d/ε)",),
)

L2 = Claim(
    id="L2",
    title="Copies",
    statement=(
        r"All $d$ tokens equal: $\mathrm{TV}=1-\mathbb E[S^{-(|B_1|-1)};\,\text{no leftover}]$, "
        r"$B_1$ the first non-empty block."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.WORST_CASE,
    expression=1 - FirstBlock(d, S, w),
    hypotheses=RUN,
    attained_by=("copies",),
    provenance=Provenance(promises=("A5",)),
    depends_on=("S2", "S5"),
)

L3 = Claim(
    id="L3",
    title="Shared symbols",
    statement=(
        r"Token $i$ is $(b_{ij})_{j\ne i}$ with $b_{ij}=b_{ji}$ uniform on $[b]$, $S=b^{d-1}$: "
        r"$\mathrm{TV}=1-\mathbb E[b^{-\sum_j\binom{n_j}2};\,\text{no leftover}]$, which tends to "
        r"$1-d!\,e_d(w)$ as $b\to\infty$. Hence, with E3, "
        r"$\sup_{S,q_0}\mathrm{TV}(p_{\mathrm{out}},q_0)=1-d!\,e_d(w)$ exactly, for every schedule "
        r"and every finite $K$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.WORST_CASE,
    expression=1 - SharedSymbols(d, b, w),
    hypotheses=RUN,
    attained_by=("shared-symbols",),
    provenance=Provenance(promises=("A5",)),
    depends_on=("S2", "S5", "E3", "E6"),
    variants={
        "equal-steps": Variant(
            1 - EqualStepsSharedSymbols(d, b, K), Relation.WORST_CASE, hypotheses=(EQUAL_STEPS,)
        ),
        # A coinciding pair costs at least a factor 1/b; then E6.
        "every-law": Variant(
            (1 - 1 / b) * (1 - Birthday(d, K)),
            Relation.LOWER,
            hypotheses=(on_families("shared-symbols"),),
        ),
        "supremum": Variant(
            1 - DistinctSteps(d, w),
            Relation.WORST_CASE,
            measured=Measured.TV_SUPREMUM,
            hypotheses=RUN,
            replaces=True,
        ),
    },
)

L4 = Claim(
    id="L4",
    title="Threshold codes",
    statement=(
        r"MDS codes of dimension $k$: $\mathrm{TV}=1-\mathbb E[S^{-\mathrm{excess}};\,"
        r"\text{no leftover}]$, excess = tokens beyond $k$ in the block that crosses $k$. Parity "
        r"(all but one token free, $k=d-1$), without leftover: "
        r"$\mathrm{TV}=(1-\frac1S)P(\text{last block}\ge2)$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.WORST_CASE,
    expression=1 - Threshold(d, k, S, w),
    hypotheses=RUN,
    attained_by=("mds", "parity"),
    provenance=Provenance(promises=("A5",)),
    depends_on=("S2", "S5"),
    variants={
        "parity": Variant(
            spread * LastBlock(d, w),
            Relation.WORST_CASE,
            hypotheses=(*RUN, on_families("parity"), NO_LEFTOVER),
            replaces=True,
        ),
    },
)

L5 = Claim(
    id="L5",
    title="First-order constant",
    statement=(
        r"Equal steps: $K\cdot\mathrm{TV}\to c(q_0)=\frac d2\cdot\frac12\|\sum_{n=0}^{d-2}"
        r"(P_{a^{(n+1)}}-q_0)\|_1$, $a^{(j)}$ = ones with a 2 at place $j$. For general $w$ "
        r"without leftover, $\max_kw_k\to0$, $u_k=\sum_{l<k}w_l$ and "
        r"$\mu=\lim\sum_kw_k^2\delta_{u_k}/\sum_kw_k^2$: "
        r"$\mathrm{TV}/\sum_kw_k^2\to\binom d2\frac12\|\sum_n\beta_nP_{a^{(n+1)}}-q_0\|_1$, "
        r"$\beta_n=\int\mathrm{Bin}(d-2,u)(n)\,\mu(du)$: it depends on where the coarse steps are."
    ),
    measured=Measured.TV_TIMES_STEPS,
    kind=Kind.THEOREM,
    relation=Relation.LIMIT,
    expression=sympy.binomial(d, 2) * EqualStepsFirstOrder(d, q0, P),
    hypotheses=(*RUN, EQUAL_STEPS, TWO_TOKENS),
    provenance=Provenance(promises=("A5",)),
    depends_on=("S2", "S3", "S5"),
    variants={
        "steps": Variant(
            sympy.binomial(d, 2) * FirstOrder(d, q0, P, beta),
            Relation.LIMIT,
            measured=Measured.TV_PER_SQUARES,
            hypotheses=(*RUN, NO_LEFTOVER, TWO_TOKENS),
            replaces=True,
        ),
    },
)

L6 = Claim(
    id="L6",
    title="Matching the log S",
    statement=(
        r"(a) $S\ge2^{g-1}$, $\lfloor d/g\rfloor$ independent groups of L3 ($b=2$) of size $g$ "
        r"(the other tokens constant): every $K$-step law has $\mathrm{TV}\ge1-(1-\frac12"
        r"(1-\prod_{j<g}(1-j/K)))^{\lfloor d/g\rfloor}$. With E3 and E7 the worst "
        r"case of equal steps over $q_0$ is $K=\Theta(d\min(d,\log S)/\varepsilon)$ for $d,S\ge2$, "
        r"$\varepsilon\le\frac14$. (b) Uniformly random permutations of $[S]$ in groups of $S$ "
        r"tokens ($S\mid d$): $\mathrm{TV}=1-(\mathbb E\prod_{\text{blocks}}(m)_n/m^n)^{d/S}$ "
        r"($m$ symbols left in the group, no leftover), and $c=\frac d2(H_S-1)$ at equal "
        r"steps: the leading constant $\frac d2\log S$ of E7 is sharp as $S\to\infty$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.WORST_CASE,
    expression=1 - (1 - left) ** sympy.Mod(d, g) * SharedSymbols(g, 2, w) ** sympy.floor(d / g),
    constants={"half": sympy.Rational(1, 2)},
    hypotheses=RUN,
    attained_by=("groups",),
    provenance=Provenance(promises=("A5",)),
    depends_on=("L3", "E3", "E6", "E7"),
    variants={
        "every-law": Variant(
            1 - (1 - constant("L6", "half") * (1 - Birthday(g, K))) ** sympy.floor(d / g),
            Relation.LOWER,
            hypotheses=(on_families("groups"),),
        ),
        "permutations": Variant(
            1 - Permutations(S, w) ** (d / S),
            Relation.WORST_CASE,
            hypotheses=(*RUN, on_families("permutations")),
            replaces=True,
        ),
        "permutations-limit": Variant(
            d / 2 * (Harmonic(S) - 1),
            Relation.LIMIT,
            measured=Measured.TV_TIMES_STEPS,
            hypotheses=(*RUN, EQUAL_STEPS, on_families("permutations")),
            replaces=True,
        ),
    },
    unchecked=("the consequence for the number of steps, K = Θ(d min(d, log S)/ε)",),
)

_grid_constant = sympy.exp(-T) / (1 - sympy.exp(-T))
_on_grid = (
    EULER_OR_ANCESTRAL,
    STEP_LAW,
    EXACT,
    ALL_MASKED_START,
    CONSTANT_CLOCK,
    UNIFORM_GRID,
    NO_EARLY_STOPPING,
)

L7 = Claim(
    id="L7",
    title="What the uniform grid costs",
    statement=(
        r"Constant-rate clock, uniform grid $\Delta=T/K$, $\psi_T=e^{-T}/(1-e^{-T})$, "
        r"$\Delta\to0$, $d$ and $T$ fixed, Euler and ancestral alike: "
        r"$\sup_{S,q_0}\mathrm{TV}/\Delta\to\binom d2(\frac12+\psi_T)$; at $S=2$ exactly "
        r"$(d-1+d\,\psi_T)/4$, attained by parity (for ancestral steps at any $K$: "
        r"$\mathrm{TV}=(1-\frac1S)\,d\,\gamma_{d-2}$); in data form "
        r"$\mathrm{TV}\lesssim\frac\Delta2(H(q_0)-h_{d-1})$, up to terms of smaller order, for "
        r"large $T$. So the clock term $d\Delta/2$ of E2 is an artefact of the decomposition, "
        "and at $S=2$ this grid costs a factor $T/(1-e^{-T})-T/d$ over equal steps."
    ),
    measured=Measured.TV_SUPREMUM_PER_STEP_SIZE,
    kind=Kind.THEOREM,
    relation=Relation.WORST_CASE,
    expression=sympy.binomial(d, 2) * (sympy.Rational(1, 2) + _grid_constant),
    hypotheses=_on_grid,
    provenance=Provenance(promises=("A5",)),
    depends_on=("E3", "L3", "L4", "L5", "E9"),
    variants={
        "binary": Variant(
            (d - 1 + d * _grid_constant) / 4,
            Relation.LIMIT,
            measured=Measured.TV_PER_STEP_SIZE,
            hypotheses=(BINARY, on_families("parity")),
        ),
        "parity": Variant(
            spread * d * RankGap(d, w, d - 2),
            Relation.EQUALITY,
            measured=Measured.TV,
            hypotheses=(*RUN, on_families("parity"), NO_LEFTOVER, TWO_TOKENS),
            replaces=True,
        ),
        "data": Variant(
            (symbol("entropy") - symbol("last_entropy")) / 2,
            Relation.UPPER,
            measured=Measured.TV_LIMIT_PER_STEP_SIZE,
        ),
    },
    unchecked=(
        "the limit Δ → 0 itself: it is extrapolated from six grids, within 10⁻⁶",
        "that no other law does worse: the supremum and S = 2 rest on E3, L3 and E9",
    ),
)

X1 = Claim(
    id="X1",
    title="Sharp first order for every S",
    statement=(
        r"Conjecture ($S\ge3$; at $S=2$ it is E9), equal steps: $c(q_0)\le\frac d2(H_S-1)$ for all "
        r"$d$, $q_0$. Proved is $c\le\frac d2v_S$, $v_3=0.8567$ in place of $H_3-1=0.8333\ldots$ "
        r"(X3), and the conjecture itself where no support point gains mass to first order (X2). "
        r"Attained if $S\mid d$ (permutations)."
    ),
    measured=Measured.FIRST_ORDER,
    kind=Kind.CONJECTURE,
    relation=Relation.UPPER,
    expression=d / 2 * (Harmonic(S) - 1),
    hypotheses=(EXACT, TWO_SYMBOLS),
    provenance=Provenance(),
    depends_on=("L5", "L6"),
)

CLAIMS = (L0, L1, L2, L3, L4, L5, L6, L7, X1)
