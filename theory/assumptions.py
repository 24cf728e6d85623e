"""C1–C4: what the assumptions of L1 and KL analyses have to do with each other."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.functions import Leftover, Root
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    FIRST_HITTING,
    NORMALISED,
    ONE_TOKEN,
    POLICY,
    STEP_LAW,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, eta, error_kl = symbol("d"), symbol("eta"), symbol("epsilon_KL")

C1 = Claim(
    id="C1",
    title="From KL error to TV error",
    statement=(
        r"$\varepsilon_{\mathrm{FHS}}\le\sqrt{d\,\varepsilon_{\mathrm{KL}}/2}$ and "
        r"$\mathrm{TV}(p_{\mathrm{FHS}},q_0)\le\sqrt{\varepsilon_{\mathrm{KL}}/2}$, "
        r"$\varepsilon_{\mathrm{KL}}=\mathbb E\sum_n\mathrm{KL}(p_i\|\hat p_i)$: the excess of the "
        r"any-order NELBO over the entropy of the data."
    ),
    measured=Measured.EPSILON_FHS,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=Root(d * error_kl / 2),
    hypotheses=(FIRST_HITTING, NORMALISED),
    provenance=Provenance(promises=("A2",)),
    depends_on=("H2",),
    variants={
        "tv": Variant(Root(error_kl / 2), Relation.UPPER, measured=Measured.FHS_TV),
    },
)

C2 = Claim(
    id="C2",
    title="The L1 error is always finite",
    statement=(
        r"$\varepsilon_{\mathrm{FHS}}\le d$ always, while $\varepsilon_{\mathrm{KL}}=\infty$ as "
        r"soon as $\hat p$ gives 0 to a possible symbol: there are instances with "
        r"$\varepsilon_{\mathrm{KL}}=\infty$ and TV arbitrarily small."
    ),
    measured=Measured.EPSILON_FHS,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=d,
    hypotheses=(FIRST_HITTING, NORMALISED),
    provenance=Provenance(promises=("A2",)),
    depends_on=("H2",),
)

C3 = Claim(
    id="C3",
    title="Leftover masks and the two divergences",
    statement=(
        r"With leftover masks $\mathrm{KL}(p_{\mathrm{out}}\|q_0)=\infty$ however small the "
        r"leftover, while TV tends to 0 with it; $\mathrm{KL}(q_0\|p_{\mathrm{out}})$ stays "
        r"finite: at most its value $\mathrm{KL}_{\mathrm{rev}}$ without leftover, at "
        r"$w/(1-w_\infty)$, $-\,d\log(1-w_\infty)$."
    ),
    measured=Measured.KL,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=symbol("kl_revealed") - d * sympy.log(1 - Leftover(symbol("w"))),
    hypotheses=(STEP_LAW, ALL_MASKED_START),
    provenance=Provenance(promises=("A2",)),
    depends_on=("S2",),
)

C4 = Claim(
    id="C4",
    title="From Hellinger error to TV error",
    statement=(
        r"If $h^2(p_i,\hat p_i)=1-\sum_a\sqrt{p_i(a)\hat p_i(a)}\le\eta$ at every context of "
        r"positive probability, then every sampler that reveals one token a round, first hitting "
        r"and any order that depends on values included, has $\mathrm{TV}\le\sqrt{1-"
        r"(1-\eta)^{2d}}\le\sqrt{2d\eta}$: the root of $d$ where H2 grows like $d$, and finite "
        r"where $\varepsilon_{\mathrm{KL}}=\infty$."
    ),
    measured=Measured.FHS_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=Root(1 - (1 - eta) ** (2 * d)),
    hypotheses=(FIRST_HITTING, NORMALISED),
    variants={
        "simple": Variant(Root(2 * d * eta), Relation.UPPER),
        "policy": Variant(
            Root(1 - (1 - eta) ** (2 * d)),
            Relation.UPPER,
            measured=Measured.POLICY_TV,
            hypotheses=(POLICY, NORMALISED, ONE_TOKEN),
            replaces=True,
        ),
    },
)

CLAIMS = (C1, C2, C3, C4)
