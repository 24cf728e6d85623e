"""F1–F6: the forward process, its exact reversal, and a surrogate start."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.clocks import bridge
from sharprates.theory.growth import ShownEntropy
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, u, j, q, S = symbol("d"), symbol("u"), symbol("j"), symbol("q"), symbol("S")
alpha, alpha_t, alpha_s = symbol("alpha"), symbol("alpha_t"), symbol("alpha_s")
alpha_start, alpha_stop, speed = symbol("alpha_T"), symbol("alpha_delta"), symbol("speed")

F1 = Claim(
    id="F1",
    title="Law of a partial state",
    statement=(
        r"Each token is masked independently of the values: for every $U\subseteq[d]$ and $x_U$, "
        r"$q_t(x_U)=\alpha^{|U|}(1-\alpha)^{d-|U|}\,q_0(x_U)$."
    ),
    measured=Measured.PARTIAL_STATE,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=alpha**u * (1 - alpha) ** (d - u) * q,
)

F2 = Claim(
    id="F2",
    title="Initialisation without a surrogate",
    statement=(
        r"For every $q_0$: $\mathrm{TV}(q_T,\delta_{M\ldots M})=1-(1-\alpha_T)^d\le d\,\alpha_T$, "
        r"while $\mathrm{KL}(q_T\,\|\,\delta_{M\ldots M})=\infty$ for every $\alpha_T>0$, which is "
        r"why KL analyses need a surrogate."
    ),
    measured=Measured.INITIAL_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=1 - (1 - alpha_start) ** d,
    provenance=Provenance(promises=("A4",)),
    depends_on=("F1",),
    variants={"linear": Variant(d * alpha_start, Relation.UPPER)},
)

F3 = Claim(
    id="F3",
    title="Early stopping",
    statement=(
        r"$\mathrm{TV}(q_\delta,q_0)=1-\alpha_\delta^d\le d(1-\alpha_\delta)$: exactly the "
        r"probability that some token is still masked at time $\delta$."
    ),
    measured=Measured.STOPPING_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=1 - alpha_stop**d,
    depends_on=("F1",),
    variants={"linear": Variant(d * (1 - alpha_stop), Relation.UPPER)},
)

F4 = Claim(
    id="F4",
    title="Score and reverse rate",
    statement=(
        r"For $0<\alpha<1$ and $q_t(x)>0$ the concrete score is "
        r"$s_t(x;i,a)=\frac{\alpha}{1-\alpha}\,q_0(a\mid x_U)$ and the reverse rate is "
        r"$R_t(x;i,a)=\frac{-\alpha'}{\alpha}s_t=\frac{-\alpha'}{1-\alpha}\,q_0(a\mid x_U)$. "
        r"The total rate of one masked token does not depend on the values."
    ),
    measured=Measured.SCORE,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=alpha / (1 - alpha) * q,
    depends_on=("F1",),
    variants={
        "rate": Variant(speed / (1 - alpha) * q, Relation.EQUALITY, measured=Measured.REVERSE_RATE),
    },
)

F5 = Claim(
    id="F5",
    title="Exact bridge",
    statement=(
        r"From $t$ to $s<t$ the exact reverse kernel unmasks each masked token independently with "
        r"probability $\rho=(\alpha_s-\alpha_t)/(1-\alpha_t)$ and draws the revealed values "
        r"jointly from $q_0(x_B\mid x_U)$."
    ),
    measured=Measured.REVERSE_KERNEL,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=bridge**j * (1 - bridge) ** (d - u - j) * q,
    depends_on=("F1",),
    variants={"probability": Variant(bridge, Relation.EQUALITY, measured=Measured.BRIDGE)},
)

F6 = Claim(
    id="F6",
    title="Surrogate initialisation",
    statement=(
        r"Start with each token masked with probability $1-\alpha_T$ and else uniform on $[S]$: "
        r"$\mathrm{KL}(q_T\|p_{\mathrm{init}})=\mathbb E|U|\,\log S-\mathbb E\,H(X_U)\le "
        r"d\,\alpha_T\log S$, each token in $U$ with probability $\alpha_T$. By F2 no such start "
        r"is needed in total variation."
    ),
    measured=Measured.SURROGATE_KL,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=d * alpha_start * sympy.log(S) - ShownEntropy(alpha_start, symbol("h")),
    provenance=Provenance(works=("after Liang et al., arXiv 2506.02318",)),
    depends_on=("F1", "F2"),
    variants={"upper": Variant(d * alpha_start * sympy.log(S), Relation.UPPER)},
)

CLAIMS = (F1, F2, F3, F4, F5, F6)
