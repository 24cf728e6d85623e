"""E1–E8: upper bounds for parallel unmasking, Euler's sampler among them."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.exponents import (
    closed_distance,
    coarse,
    entropy,
    fine,
    information,
    law,
    left,
    transport,
    with_leftover,
)
from sharprates.theory.functions import (
    Birthday,
    CompositionSum,
    DistinctSteps,
    EqualStepsRankDistance,
    EqualStepsRankExcess,
    Largest,
    RankDistance,
)
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    CONSTANT_CLOCK,
    ENOUGH_STEPS,
    EQUAL_STEPS,
    EULER,
    EXACT,
    NO_EARLY_STOPPING,
    NO_LEFTOVER,
    ON_A_CLOCK,
    STEP_LAW,
    TWO_SYMBOLS,
    UNIFORM_GRID,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import constant, symbol

d, S, K, T, w, h = (symbol(name) for name in ("d", "S", "K", "T", "w", "h"))
W, I_bar, epsilon_w = symbol("W"), symbol("I_bar"), symbol("epsilon_w")

E1 = Claim(
    id="E1",
    title="Decomposition along the trajectory",
    statement=(
        r"For the kernels $\hat R_k$ of a sampler, the exact reverse kernels $R_k$ and the "
        r"sampler's law $\hat P_k$ after $k$ steps: $\mathrm{TV}(\hat P_K,q_0)\le\mathrm{TV}(\hat "
        r"P_0,q_T)$ $+\sum_k\mathbb E_{x\sim q_{t_k}}\mathrm{TV}(\hat R_k(x,\cdot),R_k(x,\cdot))+"
        r"\mathrm{TV}(q_\delta,q_0)$. For Euler the local term at a state with $m$ masked tokens "
        r"splits into score, $\Delta_k\frac{-\alpha'}{\alpha}\sum_i\max\{\sum_a(\hat s-s)_+,"
        r"\sum_a(s-\hat s)_+\}$; clock, $m|\rho_k-r_k|$; and parallel decoding, $\sum_B "
        r"r^{|B|}(1-r)^{m-|B|}\,\mathrm{TV}(q_0(x_B|x_U),\prod_{i\in B}q_0(x_i|x_U))\le\binom m2 "
        r"r^2$. Other rules have $r\hat p$ in place of $\Delta_k\frac{-\alpha'}{\alpha}\hat s$. "
        "No score-entropy loss, no bounded score is assumed."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=symbol("E1_initialisation")
    + symbol("E1_score")
    + symbol("E1_clock")
    + symbol("E1_parallel")
    + symbol("E1_early_stopping"),
    hypotheses=(ON_A_CLOCK,),
    provenance=Provenance(promises=("A1", "A2", "A4")),
    depends_on=("F2", "F3", "F4", "F5", "S1"),
)

E2 = Claim(
    id="E2",
    title="Explicit rate on the uniform grid",
    statement=(
        r"Constant rate, uniform grid $\Delta=T/K$, no early stopping, all-mask start, and $"
        r"\varepsilon_1=\sum_k\Delta\,\mathbb E_{q_{t_k}}\sum_i\max\{\sum_a(\hat s-s)_+,"
        r"\sum_a(s-\hat s)_+\}$: $\mathrm{TV}(p_{\mathrm{out}},q_0)\le d\,e^{-T}+\varepsilon_1+"
        r"\frac{d(d+1)\Delta}4$. So $T=\log(2d/\varepsilon)$ and $K=d(d+1)T/(2\varepsilon)$ "
        r"steps give $\mathrm{TV}\le\varepsilon+\varepsilon_1$, for any $S$ and any $q_0$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=d * sympy.exp(-T)
    + symbol("epsilon_1")
    + (constant("E2", "clock") * d + constant("E2", "parallel") * d * (d - 1)) * T / K,
    constants={
        "clock": sympy.Rational(1, 2),
        "parallel": sympy.Rational(1, 4),
    },
    # Filling the masks that remain is a kernel that leaves q_0 as it is: it only contracts TV.
    hypotheses=(EULER, CONSTANT_CLOCK, UNIFORM_GRID, NO_EARLY_STOPPING, ALL_MASKED_START),
    provenance=Provenance(promises=("A2", "A3")),
    depends_on=("F2", "E1"),
)

E3 = Claim(
    id="E3",
    title="Birthday bound",
    statement=(
        r"Any schedule, any clock: $\mathrm{TV}(p_{\mathrm{out}},q_0)\le1-d!\,e_d(w)"
        r"+\varepsilon_w$, the probability that two tokens share a step or a token is never "
        r"revealed, plus $\varepsilon_w=\sum_kw_k\sum_i\mathbb E\,\mathrm{TV}(p_i,\hat p_i)$ "
        r"(0 for the exact denoiser). For equal steps this is "
        r"$1-\prod_{j<d}(1-j/K)\le\frac{d(d-1)}{2K}$. There is no initialisation term: $T$ need "
        r"not grow."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=1 - DistinctSteps(d, w) + epsilon_w,
    hypotheses=(STEP_LAW, ALL_MASKED_START),
    provenance=Provenance(promises=("A3", "A4", "A5")),
    depends_on=("S2",),
    variants={
        "equal-steps": Variant(
            1 - Birthday(d, K) + epsilon_w,
            Relation.UPPER,
            hypotheses=(EQUAL_STEPS,),
        ),
        "linear": Variant(
            d * (d - 1) / (2 * K) + epsilon_w,
            Relation.UPPER,
            hypotheses=(EQUAL_STEPS,),
        ),
    },
)

E4 = Claim(
    id="E4",
    title="Instance bound",
    statement=(
        r"$\mathrm{TV}(p_{\mathrm{out}},q_0)\le\sum M(w)\sum_{\text{blocks}}\mathbb E\,"
        r"\mathrm{TV}(q_0(x_B|x_U),\prod_{i\in B}q_0(x_i|x_U))$ $+1-(1-w_\infty)^d$, the first "
        r"sum over ordered set partitions; its weights, those of S2, total $(1-w_\infty)^d$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=CompositionSum(d, w, symbol("D")) + 1 - (1 - left) ** d,
    hypotheses=(STEP_LAW, EXACT, ALL_MASKED_START),
    provenance=Provenance(promises=("A1",)),
    depends_on=("S2",),
)

_vocabulary = d * RankDistance(d, law) * sympy.log(S)

E5 = Claim(
    id="E5",
    title="Entropy bound",
    statement=(
        r"Exact denoiser, any step law. Let $N$ be the number of other tokens revealed strictly "
        r"before a given one, $n_m=P(N=m)=\sum_kw_k\mathrm{Bin}(d-1,u_k)(m)$, "
        r"$u_k=\sum_{l<k}w_l$. Without leftover $\mathrm{TV}(p_{\mathrm{out}},q_0)\le"
        r"1-\exp(-d\sum_m(n_m-\frac1d)_+h_m)$, and $\mathrm{TV}\le1-\exp(-d\,"
        r"\mathrm{TV}(N,\mathrm{Unif})\min\{\log S,\bar I+\sqrt{\bar I/2}\})$. With leftover: "
        r"$1-(1-w_\infty)^d+(1-w_\infty)^dB$, $B$ the bound at $\bar w=w/(1-w_\infty)$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    # the first form is never above the log S form, since h_m ≤ log S
    expression=with_leftover(1 - sympy.exp(-sympy.Min(entropy, transport, evaluate=False))),
    hypotheses=(STEP_LAW, EXACT, ALL_MASKED_START),
    provenance=Provenance(promises=("A3", "A5")),
    depends_on=("S2", "S5"),
    variants={
        "entropy": Variant(with_leftover(1 - sympy.exp(-entropy)), Relation.UPPER),
        "information": Variant(
            with_leftover(
                1 - sympy.exp(-d * RankDistance(d, law) * sympy.Min(sympy.log(S), information))
            ),
            Relation.UPPER,
        ),
        "transport": Variant(with_leftover(1 - sympy.exp(-transport)), Relation.UPPER),
        "vocabulary": Variant(with_leftover(1 - sympy.exp(-_vocabulary)), Relation.UPPER),
        "equal-steps-entropy": Variant(
            1 - sympy.exp(-d * EqualStepsRankExcess(d, K, h)),
            Relation.UPPER,
            hypotheses=(EQUAL_STEPS,),
        ),
        "equal-steps-information": Variant(
            1 - sympy.exp(-d * EqualStepsRankDistance(d, K) * sympy.Min(sympy.log(S), information)),
            Relation.UPPER,
            hypotheses=(EQUAL_STEPS,),
        ),
        "equal-steps-vocabulary": Variant(
            1 - sympy.exp(-d * EqualStepsRankDistance(d, K) * sympy.log(S)),
            Relation.UPPER,
            hypotheses=(EQUAL_STEPS,),
        ),
    },
)

E6 = Claim(
    id="E6",
    title="Worst-case optimal steps",
    statement=(
        r"$1-d!\,e_d(w)$ is Schur-convex in $w$, so among $K$-step laws it is smallest for "
        r"equal steps (equidistant in $\alpha$), which are worst-case optimal, with "
        r"$1-\prod_{j<d}(1-j/K)$."
    ),
    measured=Measured.COINCIDENCE,
    kind=Kind.THEOREM,
    relation=Relation.LOWER,
    expression=1 - Birthday(d, K),
    hypotheses=(STEP_LAW,),
    provenance=Provenance(promises=("A3",)),
    depends_on=("E3",),
)


_rate = closed_distance(constant("E7", "correction"))

E7 = Claim(
    id="E7",
    title="Closed form for equal steps",
    statement=(
        r"Equal steps, exact denoiser, $K\ge d$: $\mathrm{TV}(N,\mathrm{Unif})\le\frac1{2K}"
        r"(1+\frac d{5K})$, so $\mathrm{TV}(p_{\mathrm{out}},q_0)\le1-\exp(-\frac d{2K}"
        r"(1+\frac d{5K})\min\{\log S,\bar I+\sqrt{\bar I/2}\})$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=1 - sympy.exp(-d * _rate * sympy.Min(sympy.log(S), information)),
    constants={"correction": sympy.Rational(1, 5)},
    hypotheses=(STEP_LAW, EXACT, ALL_MASKED_START, EQUAL_STEPS, ENOUGH_STEPS),
    provenance=Provenance(promises=("A3", "A5")),
    depends_on=("E5",),
    variants={
        "vocabulary": Variant(1 - sympy.exp(-d * _rate * sympy.log(S)), Relation.UPPER),
        "information": Variant(1 - sympy.exp(-d * _rate * information), Relation.UPPER),
        "rank-distance": Variant(
            _rate,
            Relation.UPPER,
            measured=Measured.RANK_DISTANCE,
            hypotheses=(EQUAL_STEPS, ENOUGH_STEPS),
            replaces=True,
        ),
    },
)

_root = constant("E8", "root")


E8 = Claim(
    id="E8",
    title="No step above W",
    statement=(
        r"Exact denoiser, any step law without leftover and with no step above $W$, $S\ge2$: "
        r"$\mathrm{TV}(p_{\mathrm{out}},q_0)\le1-\exp(-dW(\bar I+\frac12\sqrt{e\bar I}))"
        r"\le2\,d\,W\log S$; finer, with exponent $A+\frac12\sqrt{e\,dW\,A}$, "
        r"$A=\sum_m(d\,n_m-1)h_m\le dW\bar I$. With leftover: the same at $\bar w=w/(1-w_\infty)$, "
        r"inside the leftover form of E5."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    # the fine form is never above the coarse one; both are kept, each is checked
    expression=with_leftover(
        1 - sympy.exp(-sympy.Min(coarse(Largest(law), _root), fine(_root), evaluate=False))
    ),
    constants={"root": sympy.Rational(1, 2)},
    hypotheses=(STEP_LAW, EXACT, ALL_MASKED_START, TWO_SYMBOLS),
    provenance=Provenance(promises=("A3",)),
    depends_on=("S2", "S5", "KL1"),
    variants={
        "coarse": Variant(
            with_leftover(1 - sympy.exp(-coarse(Largest(law), _root))), Relation.UPPER
        ),
        "fine": Variant(with_leftover(1 - sympy.exp(-fine(_root))), Relation.UPPER),
        "step-size": Variant(
            1 - sympy.exp(-coarse(W, _root)), Relation.UPPER, hypotheses=(NO_LEFTOVER,)
        ),
        "vocabulary": Variant(2 * d * W * sympy.log(S), Relation.UPPER, hypotheses=(NO_LEFTOVER,)),
    },
)

CLAIMS = (E1, E2, E3, E4, E5, E6, E7, E8)
