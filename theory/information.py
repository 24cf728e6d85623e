"""KL1–KL3: bounds in Kullback–Leibler divergence, for comparison."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.functions import BlockDivergence, RankDivergence, Root
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    BLOCKS,
    EXACT,
    NO_LEFTOVER,
    STEP_LAW,
    UNIFORM_LAW,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

RUN = (STEP_LAW, EXACT, ALL_MASKED_START, NO_LEFTOVER)

d, K, w, W, h, I_bar = (symbol(name) for name in ("d", "K", "w", "W", "h", "I_bar"))

KL1 = Claim(
    id="KL1",
    title="Divergence of a block schedule",
    statement=(
        r"$\mathbb E_\sigma\mathrm{KL}(q_0\|P_{a,\sigma})=\sum_{\text{blocks at }n,\text{ size }s}"
        r"\sum_{r<s}(h_n-h_{n+r})$ (Chen, Cong, Li, arXiv 2511.04647; exact). Without leftover "
        r"$\mathrm{KL}(q_0\|p_{\mathrm{out}})$ is at most its average over $a$, which is "
        r"$\sum_m(d\,n_m-1)h_m$."
    ),
    measured=Measured.BLOCK_KL,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=BlockDivergence(symbol("a"), h),
    hypotheses=(BLOCKS, EXACT),
    provenance=Provenance(works=("Chen, Cong, Li, arXiv 2511.04647",)),
    variants={
        "average": Variant(
            RankDivergence(d, w, h),
            Relation.UPPER,
            measured=Measured.KL,
            hypotheses=RUN,
            replaces=True,
        ),
    },
)

KL2 = Claim(
    id="KL2",
    title="Divergence and the largest step",
    statement=(
        r"$\mathrm{KL}(q_0\|p_{\mathrm{out}})\le d\,\max_kw_k\,\bar I$ without leftover (after Li, "
        r"Cai, arXiv 2505.21400); uniform: $\frac dK\bar I$. Hence "
        r"$\mathrm{TV}\le\sqrt{d\bar I/(2K)}$."
    ),
    measured=Measured.KL,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=d * W * I_bar,
    hypotheses=RUN,
    provenance=Provenance(works=("after Li, Cai, arXiv 2505.21400",)),
    depends_on=("KL1",),
    variants={
        "uniform": Variant(d / K * I_bar, Relation.UPPER, hypotheses=(UNIFORM_LAW,)),
        "tv": Variant(Root(d * W * I_bar / 2), Relation.UPPER, measured=Measured.TV),
        "uniform-tv": Variant(
            Root(d * I_bar / (2 * K)),
            Relation.UPPER,
            measured=Measured.TV,
            hypotheses=(UNIFORM_LAW,),
        ),
    },
)

KL3 = Claim(
    id="KL3",
    title="Pinsker loses a square root",
    statement=(
        r"With mass $\lambda$ of $p_{\mathrm{out}}$ off the support "
        r"$\mathrm{KL}(q_0\|p_{\mathrm{out}})\ge-\log(1-\lambda)\ge\lambda$, so Pinsker is loose "
        r"by a square root whenever mass leaks: for pairs TV is of order $1/K$ and "
        r"$\sqrt{\mathrm{KL}/2}$ of order $K^{-1/2}$."
    ),
    measured=Measured.KL,
    kind=Kind.THEOREM,
    relation=Relation.LOWER,
    expression=-sympy.log(1 - symbol("leak")),
    provenance=Provenance(promises=("A3",)),
    depends_on=("L1",),
    variants={"linear": Variant(symbol("leak"), Relation.LOWER)},
)

CLAIMS = (KL1, KL2, KL3)
