"""X2–X4: what is proved of the first-order constant for three symbols and more."""

from __future__ import annotations

from sharprates.theory.claim import Claim, Kind, Relation, Variant
from sharprates.theory.functions import Harmonic
from sharprates.theory.hypotheses import EXACT, TWO_SYMBOLS, Hypothesis
from sharprates.theory.measured import Measured
from sharprates.theory.one_target import (
    MOST_SYMBOLS,
    LargestPositiveValue,
    LeastDual,
    PositiveSum,
    PositiveValue,
    SignedClosed,
    SignedSum,
    SignedValue,
)
from sharprates.theory.symbols import symbol

d, S, marginals, overweight = (symbol(name) for name in ("d", "S", "marginals", "overweight"))
start = symbol("p_X")

FEW_SYMBOLS = Hypothesis(
    lambda it: it.vocabulary <= MOST_SYMBOLS, f"is computed for S ≤ {MOST_SYMBOLS}"
)

X2 = Claim(
    id="X2",
    title="Mass off the support",
    statement=(
        r"Equal steps, exact denoiser, every $q_0$ on $[S]^d$: $\lim_{K\to\infty}K\,P("
        r"p_{\mathrm{out}}\notin\mathrm{supp}\,q_0)=\frac12\mathbb E_{q_0}\sum_jF_j\le"
        r"\frac12\sum_jN(x_j)\le\frac d2(H_S-1)$, $F_j$ as in the proof of E9. Here $N(x_j)=N(p)$ "
        r"for the law $p$ of $x_j$, $N(p)=\max\{\mathbb E[E_\beta]-1\}$ over all $\beta\in[S]$ of "
        r"law $p$ that may depend on independent $E_1,\dots,E_S\sim\mathrm{Exp}(1)$. Permutations "
        r"($S\mid d$) attain both. So $c(q_0)\le\frac d2(H_S-1)+\frac12\mathbb E(\sum_jF_j)_-$, "
        r"where the last term counts the support points that gain mass: X1 holds wherever none "
        r"does."
    ),
    measured=Measured.OFF_SUPPORT,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=d / 2 * (Harmonic(S) - 1),
    hypotheses=(EXACT, TWO_SYMBOLS),
    depends_on=("L5", "X4"),
    variants={
        "marginals": Variant(SignedSum(marginals) / 2, Relation.UPPER, hypotheses=(FEW_SYMBOLS,)),
        "over-weighted": Variant(
            d / 2 * (Harmonic(S) - 1) + overweight, Relation.UPPER, Measured.FIRST_ORDER
        ),
        "decomposition": Variant(
            symbol("off_support") + overweight, Relation.EQUALITY, Measured.FIRST_ORDER
        ),
    },
)

X3 = Claim(
    id="X3",
    title="First order between X1 and log S",
    statement=(
        r"Equal steps, exact denoiser, every $q_0$ on $[S]^d$: $c(q_0)\le\frac12\sum_jv(x_j)\le"
        r"\frac d2v_S$. Here $v_S=\sup_pv(p)$ and $v(p)=\min_\gamma\max\{H(p)-\frac\gamma2"
        r"\sum_aJ(p_a),\;H(p)-\log\frac1{\max p}\cdot\frac{\max_aJ(p_a)}{t}\}$, $H$ the entropy, "
        r"$\kappa=2\log2-1$, $t=\frac{2\kappa}{2-\gamma}$, $\gamma\in[2-\frac{2\kappa}{\log2},1]$, "
        r"$J(x)=-(1-x)\log(1-x)-(1-\log2)x$ on $[0,\frac12]$ and $J(x)=J(1-x)$. Rounded up: "
        r"$v_3=0.8567$, $v_4=1.1233$, $v_5=1.3433$, $v_6=1.5313$, $v_7=1.6981$, $v_8=1.8440$, "
        r"$v_{10}=2.0896$, where X1 has $H_S-1=0.8333$, $1.0833$, $1.2833$, $1.45$, $1.5929$, "
        r"$1.7179$, $1.9290$."
    ),
    measured=Measured.FIRST_ORDER,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=d / 2 * LargestPositiveValue(S),
    hypotheses=(EXACT, TWO_SYMBOLS),
    depends_on=("L5",),
    variants={
        "marginals": Variant(PositiveSum(marginals) / 2, Relation.UPPER),
        "payoff": Variant(PositiveValue(start), Relation.UPPER, Measured.PAYOFF),
    },
)

X4 = Claim(
    id="X4",
    title="The signed problem in closed form",
    statement=(
        r"$N(p)$ of X2 is $\min\{n\cdot p:\mathbb E\max_b(E_b-1-n_b)=0\}$. On this surface the "
        r"least coordinate, say $n_1$, is $\sum_{A\ne\emptyset,\,1\notin A}\frac{(-1)^{|A|-1}}"
        r"{|A|(|A|+1)}\prod_{b\in A}e^{n_1-n_b}$. For two symbols $N=m(1-\log2-\log m)$, "
        r"$m=\min p$; for three, $p_1\ge p_2\ge p_3$ and $s=p_2+p_3$: $N=x-p_2\log2(x-p_3)-"
        r"p_3\log2(x-p_2)$ with $x=\frac12\big[s+\frac32-\sqrt{(\frac32-s)^2-4p_2p_3}\big]$. It is "
        r"the value of the control problem with payoff $Y$: $\mathbb EY\le N(p)$ for every "
        r"martingale of posteriors from $p$, and no smaller number will do."
    ),
    measured=Measured.SIGNED_VALUE,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=SignedClosed(start),
    variants={
        "dual": Variant(LeastDual(symbol("y")), Relation.EQUALITY, Measured.LEAST_DUAL),
        "payoff": Variant(SignedValue(start), Relation.UPPER, Measured.SIGNED_PAYOFF),
    },
)

CLAIMS = (X2, X3, X4)
