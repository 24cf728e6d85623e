"""KL1–KL7: bounds in Kullback–Leibler divergence, of step laws and of block schedules."""

from __future__ import annotations

import sympy
from sharprates.theory.block_sizes import LargestBlock, LeastBlockDivergence, NextPower
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.exponents import closed_distance
from sharprates.theory.functions import BlockDivergence, RankDistance, RankDivergence, Root
from sharprates.theory.growth import CurveDtc, CurveTc
from sharprates.theory.hypotheses import (
    ALL_MASKED_START,
    BLOCKS,
    ENOUGH_STEPS,
    EQUAL_STEPS,
    EXACT,
    NO_LEFTOVER,
    STEP_LAW,
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
        r"Cai, arXiv 2505.21400); equal steps: $\frac dK\bar I$. Hence "
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
        "equal-steps": Variant(d / K * I_bar, Relation.UPPER, hypotheses=(EQUAL_STEPS,)),
        "tv": Variant(Root(d * W * I_bar / 2), Relation.UPPER, measured=Measured.TV),
        "equal-steps-tv": Variant(
            Root(d * I_bar / (2 * K)),
            Relation.UPPER,
            measured=Measured.TV,
            hypotheses=(EQUAL_STEPS,),
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

KL4 = Claim(
    id="KL4",
    title="Total and dual total correlation",
    statement=(
        r"$\mathrm{TC}=\sum_iH(X_i)-H(q_0)=\sum_m(h_0-h_m)$, "
        r"$\mathrm{DTC}=H(q_0)-\sum_iH(X_i|X_{-i})=\sum_m(h_m-h_{d-1})$, and "
        r"$\mathrm{TC}+\mathrm{DTC}=d\,\bar I$."
    ),
    measured=Measured.TC,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=d * I_bar - symbol("dtc"),
    provenance=Provenance(works=("Chen, Cong, Li, arXiv 2511.04647",)),
    variants={
        "tc": Variant(CurveTc(h), Relation.EQUALITY),
        "dtc": Variant(CurveDtc(h), Relation.EQUALITY, measured=Measured.DTC),
    },
)

KL5 = Claim(
    id="KL5",
    title="Divergence and the largest block",
    statement=(
        r"Blocks of fixed sizes in a random order, the largest of $s$ tokens: $\mathbb "
        r"E_\sigma\mathrm{KL}(q_0\|P_{a,\sigma})\le(s-1)\,\bar I$, attained by copies with a block "
        r"of $s$ first. Published with $2^{\lceil\log_2s\rceil}-1$ for $s-1$ (Li, Cai, arXiv "
        r"2505.21400)."
    ),
    measured=Measured.BLOCK_KL,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=(LargestBlock(symbol("a")) - 1) * I_bar,
    hypotheses=(BLOCKS, EXACT),
    provenance=Provenance(works=("after Li, Cai, arXiv 2505.21400",)),
    depends_on=("KL1",),
    variants={"published": Variant(NextPower(symbol("a")) * I_bar, Relation.UPPER)},
)

KL6 = Claim(
    id="KL6",
    title="Best block sizes",
    statement=(
        r"The least $\mathbb E_\sigma\mathrm{KL}(q_0\|P_{a,\sigma})$ over exactly $m\le d$ "
        r"non-empty blocks is the error of the best approximation of $h$ from above by a function "
        r"of $m$ pieces, each the value at its left end: a dynamic programme over the ends of "
        r"blocks finds it."
    ),
    measured=Measured.LEAST_BLOCK_KL,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=LeastBlockDivergence(symbol("m"), h),
    hypotheses=(BLOCKS, EXACT),
    provenance=Provenance(works=("Chen, Cong, Li, arXiv 2511.04647",)),
    depends_on=("KL1",),
)

_rank = d * RankDistance(d, w) * I_bar
_closed = d * closed_distance() * I_bar
_CLOSED = (EQUAL_STEPS, ENOUGH_STEPS)

KL7 = Claim(
    id="KL7",
    title="Divergence and the rank law",
    statement=(
        r"Exact denoiser, no leftover, $N$ and $n_m$ as in E5: "
        r"$\mathrm{KL}(q_0\|p_{\mathrm{out}})\le\sum_m(d\,n_m-1)h_m\le d\,"
        r"\mathrm{TV}(N,\mathrm{Unif})\,\bar I$; equal steps, $K\ge d$: "
        r"$\le\frac d{2K}(1+\frac d{5K})\bar I$, half of KL2 as $K\to\infty$. Hence "
        r"$\mathrm{TV}\le\frac12\sqrt{\frac dK(1+\frac d{5K})\bar I}$. Copies attain the middle "
        r"term's bound at $K=1$, and to first order as $K\to\infty$."
    ),
    measured=Measured.KL,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=_rank,
    hypotheses=RUN,
    provenance=Provenance(promises=("A3",)),
    depends_on=("KL1", "E7"),
    variants={
        "equal-steps": Variant(_closed, Relation.UPPER, hypotheses=_CLOSED),
        "tv": Variant(Root(_rank / 2), Relation.UPPER, measured=Measured.TV),
        "equal-steps-tv": Variant(
            Root(_closed / 2), Relation.UPPER, measured=Measured.TV, hypotheses=_CLOSED
        ),
    },
)

CLAIMS = (KL1, KL2, KL3, KL4, KL5, KL6, KL7)
