"""B0–B4: bounds that are linear in d, or of order √d, and count a denoiser's error."""

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
    transport,
    with_leftover,
)
from sharprates.theory.functions import (
    CompositionSum,
    DistinctSteps,
    Largest,
    NonEmptySteps,
    RankDistance,
    Root,
)
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    ENOUGH_STEPS,
    EQUAL_STEPS,
    NO_LEFTOVER,
    STEP_LAW,
    TIME_FREE,
    TWO_SYMBOLS,
    Hypothesis,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, S, K, w, I_bar = (symbol(name) for name in ("d", "S", "K", "w", "I_bar"))
epsilon_w, epsilon_log = symbol("epsilon_w"), symbol("epsilon_log")
rho, theta = symbol("rho"), symbol("theta")

RUN = (STEP_LAW, ALL_MASKED_START)
CLOSED = (EQUAL_STEPS, ENOUGH_STEPS)
DOMINATED = Hypothesis(
    lambda it: not it.exact_denoiser, "needs a denoiser that errs, and gives 0 to nothing possible"
)

_errors = (
    r"$\varepsilon_w=\sum_kw_k\sum_i\mathbb E\,\mathrm{TV}(p_i,\hat p_i)$, each context drawn from "
    r"$q_0$"
)

B0 = Claim(
    id="B0",
    title="No factor on the error makes up for the contexts",
    statement=(
        r"There is no $C$ with $\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le\mathrm{TV}(p_{"
        r"\mathrm{out}},q_0)+C\,\varepsilon_w$, already for $d=3$, $S=2$, $K=2$. Let $q_0$ have "
        r"111 with probability $\rho$, 010 and 100 with $\frac{1-\rho}2$ each, "
        r"$w=(1-\frac\rho2,\frac\rho2)$, and let $\hat p$ be exact but for $\hat "
        r"p(x_3=1|x_1=x_2=1)=\frac12$. Then the increase of TV over $\varepsilon_w$ is "
        r"$\frac{(1+\rho)^2}{4\rho}$: $\frac{121}{40}$ at $\rho=\frac1{10}$, $\frac{10201}{400}$ "
        r"at $\rho=\frac1{100}$."
    ),
    measured=Measured.GAIN_PER_ERROR,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=(1 + rho) ** 2 / (4 * rho),
    provenance=Provenance(promises=("A2",)),
    depends_on=("S2", "S5"),
    unchecked=("that no C is enough, which follows",),
)

_divergence = Root(d * RankDistance(d, law) * I_bar / 2)
_blocks = (1 - 1 / S) * (d - NonEmptySteps(d, law))
_saved = with_leftover(_blocks)
_pinsker = with_leftover(_divergence)

B1 = Claim(
    id="B1",
    title="Factor 1 on the error in the data's contexts",
    statement=(
        r"Any step law, any normalised denoiser, also one that depends on the step; "
        + _errors
        + r": $\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le\bar T+\varepsilon_w$, $\bar T$ the mean "
        r"of $\mathrm{TV}(P_\sigma,q_0)$ over the allocations $\sigma$ of tokens to steps, "
        r"$P_\sigma$ the law of the exact denoiser's output given $\sigma$; allocations that leave "
        r"a token masked count 1. And $\bar T$ is at most each of (i) $1-d!\,e_d(w)$ (E3); (ii) "
        r"the sum of E4; without leftover (iii) $(1-\frac1S)(d-\mathbb E[\text{steps used}])$, "
        r"those that reveal something, for equal steps at most $(1-\frac1S)\frac{d(d-1)}{2K}$; "
        r"(iv) $\sqrt{d\,\mathrm{TV}(N,\mathrm{Unif})\bar I/2}$, for equal steps and $K\ge d$ at "
        r"most $\frac12\sqrt{\frac dK(1+\frac d{5K})\bar I}$. With leftover (iii) and (iv) become "
        r"$1-(1-w_\infty)^d+(1-w_\infty)^dB$, $B$ the bound at $\bar w=w/(1-w_\infty)$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=sympy.Min(1 - DistinctSteps(d, w), _saved, _pinsker, evaluate=False) + epsilon_w,
    hypotheses=RUN,
    provenance=Provenance(promises=("A2", "A3")),
    depends_on=("E3", "E4", "KL7", "P8"),
    variants={
        "allocations": Variant(symbol("alloc_tv") + epsilon_w, Relation.UPPER),
        "coincidence": Variant(1 - DistinctSteps(d, w) + epsilon_w, Relation.UPPER),
        "blocks": Variant(
            CompositionSum(d, w, symbol("D")) + with_leftover(sympy.Integer(0)) + epsilon_w,
            Relation.UPPER,
        ),
        "steps": Variant(_saved + epsilon_w, Relation.UPPER),
        "divergence": Variant(_pinsker + epsilon_w, Relation.UPPER),
        "equal-steps": Variant(
            (1 - 1 / S) * (d - K * (1 - (1 - 1 / K) ** d)) + epsilon_w,
            Relation.UPPER,
            hypotheses=(EQUAL_STEPS,),
        ),
        "equal-steps-linear": Variant(
            (1 - 1 / S) * d * (d - 1) / (2 * K) + epsilon_w,
            Relation.UPPER,
            hypotheses=(EQUAL_STEPS,),
        ),
        "equal-steps-divergence": Variant(
            Root(d * closed_distance() * I_bar / 2) + epsilon_w, Relation.UPPER, hypotheses=CLOSED
        ),
    },
)

EXPONENTS = {
    "entropy": entropy,
    "transport": transport,
    "coarse": coarse(Largest(law)),
    "fine": fine(),
}
"""Of E5 by the information curve and by Ī, of E8 by Ī and by the information curve."""
_least = sympy.Min(*EXPONENTS.values(), evaluate=False)
_closed = d * closed_distance() * sympy.Min(sympy.log(S), information)

B2 = Claim(
    id="B2",
    title="Linear in d, with the logarithmic error",
    statement=(
        r"Any normalised denoiser. Without leftover let $\varepsilon^{\log}_w=\sum_kw_k\sum_i"
        r"\mathbb E(\log\frac{p_i}{\hat p_i})_+$, contexts and $x_i$ drawn from $q_0$. Then "
        r"$\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le1-\exp(-X-\varepsilon^{\log}_w)$, $X$ the "
        r"exponent of E5 (either form), E7 or E8. Moreover $\varepsilon^{\log}_w\le\sum_kw_k"
        r"\sum_i\mathbb E[\mathrm{KL}_i+\sqrt{\mathrm{KL}_i/2}]$, $\mathrm{KL}_i=\mathrm{KL}(p_i"
        r"\|\hat p_i)$; and if $\hat p_i\ge\vartheta p_i$ in every context of $q_0$, then "
        r"$\varepsilon^{\log}_w\le\frac{\log(1/\vartheta)}{1-\vartheta}\varepsilon_w$: "
        r"$1.39\,\varepsilon_w$ for $\vartheta=\frac12$, and the factor tends to 1 as "
        r"$\vartheta\to1$. With leftover the bound is $1-(1-w_\infty)^d+(1-w_\infty)^dB$, $B$ the "
        r"same at $\bar w=w/(1-w_\infty)$."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=with_leftover(1 - sympy.exp(-_least - epsilon_log)),
    hypotheses=(*RUN, TIME_FREE, TWO_SYMBOLS),
    provenance=Provenance(promises=("A2", "A3")),
    depends_on=("E5", "E7", "E8"),
    variants={
        **{
            name: Variant(with_leftover(1 - sympy.exp(-exponent - epsilon_log)), Relation.UPPER)
            for name, exponent in EXPONENTS.items()
        },
        "closed": Variant(1 - sympy.exp(-_closed - epsilon_log), Relation.UPPER, hypotheses=CLOSED),
        "divergence": Variant(symbol("kl_root"), Relation.UPPER, measured=Measured.EPSILON_LOG),
        "dominated": Variant(
            sympy.log(1 / theta) / (1 - theta) * epsilon_w,
            Relation.UPPER,
            measured=Measured.EPSILON_LOG,
            hypotheses=(DOMINATED, NO_LEFTOVER),
        ),
    },
)

_exact_run, _own_run = symbol("epsilon_exact_run"), symbol("epsilon_own_run")
_linear = with_leftover(1 - sympy.exp(-_least))

B3 = Claim(
    id="B3",
    title="Linear in d, with the error in the run's contexts",
    statement=(
        r"Any step law, any normalised denoiser: $\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le "
        r"X+\varepsilon_{\mathrm{run}}$, $X$ the bound of E5, E7 or E8 and "
        r"$\varepsilon_{\mathrm{run}}=\sum_k\mathbb E\sum_{i\text{ revealed in step "
        r"}k}\mathrm{TV}(p_i,\hat p_i)$, the contexts those of the partial states of the sampler "
        r"with the exact denoiser; and $\mathrm{TV}\le X+\hat\varepsilon_{\mathrm{run}}$, the "
        r"contexts those of the sampler itself. Contexts with $q_0(x_U)=0$ count 0."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=_linear + sympy.Min(_exact_run, _own_run, evaluate=False),
    hypotheses=(*RUN, TIME_FREE, TWO_SYMBOLS),
    provenance=Provenance(promises=("A2", "A3")),
    depends_on=("E5", "E7", "E8", "S5"),
    variants={
        "exact-run": Variant(_linear + _exact_run, Relation.UPPER),
        "own-run": Variant(_linear + _own_run, Relation.UPPER),
        "closed": Variant(
            1 - sympy.exp(-_closed) + sympy.Min(_exact_run, _own_run, evaluate=False),
            Relation.UPPER,
            hypotheses=CLOSED,
        ),
    },
)

_first = with_leftover(1 - sympy.exp(-sympy.Min(entropy, transport, evaluate=False)))

B4 = Claim(
    id="B4",
    title="Linear in d, with the data's error and one of second order",
    statement=(
        r"Any step law, any normalised denoiser. Let $\varepsilon^\infty_w=\sum_kw_k\sum_i\mathbb "
        r"E_U\sup_{x_U}\mathrm{TV}(p_i,\hat p_i)$, the supremum over $q_0(x_U)>0$, and $b_k$ the "
        r"largest over $U\ne[d]$ of E5's bound for the law of $x_U$ at the steps $w_{<k}/u_k$. "
        r"Then $\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le X+\varepsilon_w+\varepsilon^\infty_w"
        r"\max_kb_k$, $X$ the bound of E5."
    ),
    measured=Measured.TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=_first + epsilon_w + symbol("epsilon_sup") * symbol("marginal_bound"),
    hypotheses=(*RUN, TIME_FREE),
    provenance=Provenance(promises=("A2", "A3")),
    depends_on=("B3", "E5"),
)

CLAIMS = (B0, B1, B2, B3, B4)
