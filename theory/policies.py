"""P1–P11: policies, which choose the next tokens by what is revealed; Q1, Q2: speculation."""

from __future__ import annotations

import sympy
from sharprates.theory.claim import Claim, Kind, Provenance, Relation, Variant
from sharprates.theory.functions import (
    BinaryDigits,
    BisectionRounds,
    PermutationsBest,
    PermutationsKept,
    Root,
    SharedKept,
    WalkDivergence,
)
from sharprates.theory.hypotheses import (
    EXACT,
    NORMALISED,
    ONE_TOKEN,
    POLICY,
    SEEDLESS,
    SPECULATIVE,
    TWO_SYMBOLS,
    Hypothesis,
    on_families,
)
from sharprates.theory.measured import Measured
from sharprates.theory.symbols import symbol

d, S, K, L, n, m, b, R, R_max = (
    symbol(name) for name in ("d", "S", "K", "L", "n", "m", "b", "R", "R_max")
)
sizes, tau, gamma, eta, epsilon = (
    symbol(name) for name in ("sizes", "tau", "gamma", "eta", "epsilon")
)
parallel = symbol("parallel")
COMPLETE = Hypothesis(lambda it: not it.has_leftover, "needs a policy that leaves no mask")
RUN = (POLICY, EXACT)
WHOLE_RUN = (*RUN, COMPLETE)

_DEFINED = (
    r"A policy chooses, from what is revealed, the round and a seed $\omega$, which hidden tokens "
    r"$B$ come next; they are drawn independently, each from $\hat p_i(\cdot|x_C)$. "
)

P1 = Claim(
    id="P1",
    title="Divergence of a policy",
    statement=(
        _DEFINED
        + r"Exact denoiser, no seed: $\mathrm{KL}(q_0\|q_\pi)=\mathrm{TC}_\pi:=\mathbb E_{x\sim "
        r"q_0}\sum_t\mathrm{TC}(X_{B_t}|x_{C_t})$, $\mathrm{TC}(X_B|x_C)=\sum_{i\in "
        r"B}H(X_i|x_C)-H(X_B|x_C)$, along the rounds that $x$ drives. With a seed it is at most "
        r"the mean of that over the seed."
    ),
    measured=Measured.POLICY_KL,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=symbol("block_tc"),
    hypotheses=(*WHOLE_RUN, SEEDLESS),
    provenance=Provenance(works=("Wen, Liang, Lu, arXiv 2608.25505",)),
    variants={
        "seeds": Variant(symbol("block_tc"), Relation.UPPER, hypotheses=WHOLE_RUN, replaces=True),
    },
)

P2 = Claim(
    id="P2",
    title="Total variation of a policy",
    statement=(
        r"Any policy, any normalised denoiser: $\mathrm{TV}(q_\pi,q_0)\le\hat\Delta_\pi:=\mathbb "
        r"E_{x\sim q_0}\sum_t\mathrm{TV}(q_0(x_{B_t}|x_{C_t}),\prod_{i\in B_t}\hat "
        r"p_i)\le\Delta_\pi+\varepsilon_\pi$, $\Delta_\pi$ the same with the exact $p_i$ and "
        r"$\varepsilon_\pi=\mathbb E_{x\sim q_0}\sum_t\sum_{i\in B_t}\mathrm{TV}(p_i,\hat p_i)$. "
        r"The same holds with contexts of the sampler's own run, where those with $q_0(x_C)=0$ "
        r"count 0. One token a round: $\mathrm{TV}\le\varepsilon_\pi$, so 0 with the exact "
        r"denoiser, whatever the order depends on. Exact denoiser: "
        r"$\mathrm{TV}\le\rho_\pi:=\mathbb E_{x\sim "
        r"q_0}\sum_t\sqrt{\mathrm{TC}(X_{B_t}|x_{C_t})/2}$. Masks that a cap on "
        r"the rounds leaves add their probability to every bound on TV here."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=symbol("block_tv_hat"),
    hypotheses=(POLICY, NORMALISED),
    depends_on=("E1",),
    variants={
        "split": Variant(symbol("block_tv") + symbol("epsilon_pi"), Relation.UPPER),
        "run": Variant(symbol("run_tv_hat"), Relation.UPPER),
        "run-split": Variant(symbol("run_tv") + symbol("run_epsilon"), Relation.UPPER),
        "one-token": Variant(symbol("epsilon_pi"), Relation.UPPER, hypotheses=(ONE_TOKEN,)),
        "one-token-exact": Variant(
            sympy.Rational(0), Relation.EQUALITY, hypotheses=(ONE_TOKEN, EXACT)
        ),
        "correlation": Variant(symbol("root_tc"), Relation.UPPER, hypotheses=(EXACT,)),
    },
)

_noise = -epsilon * sympy.log(epsilon) - (1 - epsilon) * sympy.log(1 - epsilon)
_copies = 1 - (1 - epsilon) ** n - (S - 1) * (epsilon / (S - 1)) ** n

P3 = Claim(
    id="P3",
    title="Confident tokens in one round",
    statement=(
        r"A law $p$ of $n$ tokens with marginals $p_j(x^*_j)\ge1-\varepsilon$, $S\ge2$: "
        r"$\mathrm{TV}(p,\prod_jp_j)\le1-\min\{p(x^*),\prod_jp_j(x^*_j)\}\le n\varepsilon$, and "
        r"the factor $n$ is sharp: copies of one symbol that is $x^*$ with probability "
        r"$1-\varepsilon$, else uniform, have "
        r"$1-(1-\varepsilon)^n-(S-1)(\frac\varepsilon{S-1})^n$; of two tokens with "
        r"$\varepsilon\le1-\frac1S$ none have more. Known (Wu et al., arXiv 2505.22618): if "
        r"$(n+1)\varepsilon\le1$ then $x^*$ is most probable under both, and TV is below "
        r"$\frac{3n-1}2\varepsilon$; $\mathrm{KL}\le(n-1)(h_b(\varepsilon)+\varepsilon\log(S-1))$ "
        r"for $\varepsilon\le1-\frac1S$, $h_b$ the entropy of a bit. A policy with the exact "
        r"denoiser that reveals two tokens or more only if each has confidence $\ge\tau$ has "
        r"$\mathrm{TV}\le(1-\tau)M_\pi$, $M_\pi$ the mean number of tokens revealed in such "
        r"rounds; and $\mathrm{TV}\le\mathcal D_\pi$, the mean of $\sum(1-\max p_i)$ over them."
    ),
    measured=Measured.BLOCK_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=n * epsilon,
    hypotheses=(TWO_SYMBOLS,),
    depends_on=("P2",),
    variants={
        "common": Variant(1 - symbol("common"), Relation.UPPER),
        "copies": Variant(_copies, Relation.EQUALITY),
        "two": Variant(_copies.subs(n, 2), Relation.UPPER),
        "published": Variant((3 * n - 1) * epsilon / 2, Relation.UPPER),
        "divergence": Variant(
            (n - 1) * (_noise + epsilon * sympy.log(S - 1)),
            Relation.UPPER,
            measured=Measured.BLOCK_TC,
        ),
        "threshold": Variant(
            (1 - tau) * symbol("parallel_tokens"),
            Relation.UPPER,
            measured=Measured.POLICY_TV,
            hypotheses=RUN,
            replaces=True,
        ),
        "doubt": Variant(
            symbol("doubt"),
            Relation.UPPER,
            measured=Measured.POLICY_TV,
            hypotheses=RUN,
            replaces=True,
        ),
    },
)

P3C = Claim(
    id="P3C",
    title="Copies are the worst confident triple",
    statement=(
        r"Three tokens with marginals $p_j(x^*_j)\ge1-\varepsilon$, $\varepsilon\le\frac12$: "
        r"$\mathrm{TV}(p,\prod_jp_j)\le1-(1-\varepsilon)^3-(S-1)(\frac\varepsilon{S-1})^3$, the "
        r"value of copies. For two tokens this is proved (P3); for four or more it is false: "
        r"equal weights on 1100, 2200, 0011, 0022 ($\varepsilon=\frac12$) have $\frac{120}{128}$ "
        r"against $\frac{119}{128}$, and on 11000, 00110, 00001 ($\varepsilon=\frac13$) "
        r"$\frac{211}{243}$ against $\frac{210}{243}$."
    ),
    measured=Measured.BLOCK_TV,
    kind=Kind.CONJECTURE,
    relation=Relation.UPPER,
    expression=_copies,
    hypotheses=(TWO_SYMBOLS, Hypothesis(lambda it: it.length == 3, "is about three tokens")),
    depends_on=("P3",),
    unchecked=("tokens that lack more than half",),
)

P4 = Claim(
    id="P4",
    title="Blocks of bounded entropy",
    statement=(
        r"Exact denoiser, every round of two tokens or more with "
        r"$\sum_{B}H_i-\max_{B}H_i\le\gamma$ (nats): $\mathrm{KL}(q_0\|q_\pi)\le\mathcal "
        r"H_\pi:=\mathbb E_{q_0}\sum_t(\sum_{B_t}H_i-\max_{B_t}H_i)\le\gamma N_\pi$, $N_\pi$ the "
        r"mean number of these rounds; a round of copies attains it. "
        r"$\mathrm{TV}\le\sqrt{\gamma/2}\,N_\pi$."
    ),
    measured=Measured.POLICY_KL,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=gamma * parallel,
    hypotheses=WHOLE_RUN,
    provenance=Provenance(works=("Ben-Hamu et al., arXiv 2505.24857",)),
    depends_on=("P1", "P2"),
    variants={
        "entropy": Variant(symbol("block_entropy"), Relation.UPPER),
        "tv": Variant(Root(gamma / 2) * parallel, Relation.UPPER, measured=Measured.POLICY_TV),
    },
)

_permutations = on_families("permutations")
_one_group = Hypothesis(lambda it: it.length == it.vocabulary, "needs d = S")

P5 = Claim(
    id="P5",
    title="No policy escapes random permutations",
    statement=(
        r"$q_0$ uniform on the permutations of $d=S$ symbols, exact denoiser, any policy: "
        r"$\mathrm{TV}=1-\mathbb E\prod_t\frac{(M_t)_{B_t}}{M_t^{B_t}}\ge1-\frac{\mathbb E[R]}d$, "
        r"$M_t$ the tokens still masked and $R$ the rounds; under the sampler's own law $\mathbb "
        r"E_{q_\pi}R\ge d(1-\mathrm{TV})^2$. Independent groups of $S$ tokens, at most $R_{\max}$ "
        r"rounds: $\mathrm{TV}\ge1-(\min\{R_{\max},S\}/S)^{d/S}$. Known (Wen, Liang, Lu, arXiv "
        r"2608.25505): $\mathrm{KL}\ge\log d-\mathbb E_x\log\mathbb E_\omega R$, so $\mathbb "
        r"E[R]\ge d\,e^{-\mathrm{KL}}$; with at most $R_{\max}$ rounds the least KL is a minimum "
        r"over block sizes, with the profiles $(3,2,2,1)$, $(6,5,3,2)$, $(12,9,7,4)$ at "
        r"$d=8,16,32$, $R_{\max}=4$. The least TV has the same ones."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=1 - PermutationsKept(sizes),
    hypotheses=(*WHOLE_RUN, _permutations, _one_group),
    depends_on=("P1",),
    variants={
        "rounds": Variant(1 - R / d, Relation.LOWER),
        "own-law": Variant(
            d * (1 - symbol("tv")) ** 2, Relation.LOWER, measured=Measured.RUN_ROUNDS
        ),
        "groups": Variant(
            1 - (sympy.Min(R_max, S) / S) ** (d / S),
            Relation.LOWER,
            hypotheses=(*WHOLE_RUN, _permutations),
            replaces=True,
        ),
        "divergence": Variant(
            sympy.log(d) - symbol("log_R"), Relation.LOWER, measured=Measured.POLICY_KL
        ),
        "least-tv": Variant(
            1 - PermutationsBest(d, R_max), Relation.EQUALITY, measured=Measured.LEAST_TV
        ),
        "least-kl": Variant(
            -sympy.log(PermutationsBest(d, R_max)), Relation.EQUALITY, measured=Measured.LEAST_KL
        ),
    },
    unchecked=("the bound on rounds by KL, which follows",),
)

_bisection = Hypothesis(lambda it: (it.policy or "").startswith("bisection"), "is about bisection")
_walk = Hypothesis(
    lambda it: it.family == "walk" and (it.policy or "").startswith("left-to-right"),
    "is about the walk of fair bits, from left to right",
)

P6 = Claim(
    id="P6",
    title="The order decides for blocks",
    statement=(
        r"A Markov chain of order $m\le n$ on $n$ tokens is sampled exactly by bisection, with "
        r"the exact denoiser, in at most $m(\lceil\log_2(n/m)\rceil+1)$ rounds, for $m=1$ in "
        r"$\lfloor\log_2n\rfloor+1$: separators of $m$ tokens first, each a token a round; given "
        r"them the gaps are independent. Blocks from left to right on the walk "
        r"$X_j=\xi_1+\dots+\xi_j$ of fair bits have $\mathrm{KL}=\sum_t\sum_{j\le "
        r"B_t}H(\mathrm{Bin}(j,\frac12))-n\log2$; equal blocks are best, and $R$ rounds pay at "
        r"least $\frac n2\log\frac{\pi n}{8R}$ (the last for blocks below 1500 tokens)."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=sympy.Rational(0),
    hypotheses=(*WHOLE_RUN, _bisection, on_families("markov")),
    provenance=Provenance(works=("Wen, Liang, Lu, arXiv 2608.25505",)),
    depends_on=("P1", "P2"),
    variants={
        "rounds": Variant(BisectionRounds(n, m), Relation.UPPER, measured=Measured.ROUNDS),
        "rounds-one": Variant(BinaryDigits(n), Relation.EQUALITY, measured=Measured.ROUNDS),
        "walk": Variant(
            WalkDivergence(symbol("a")),
            Relation.EQUALITY,
            measured=Measured.POLICY_KL,
            hypotheses=(*WHOLE_RUN, _walk),
            replaces=True,
        ),
        "scan": Variant(
            n / 2 * sympy.log(sympy.pi * n / (8 * R_max)),
            Relation.LOWER,
            measured=Measured.POLICY_KL,
            hypotheses=(*WHOLE_RUN, _walk),
            replaces=True,
        ),
    },
    unchecked=("chains of more than two symbols, or of an order above 2",),
)

P7 = Claim(
    id="P7",
    title="Fewer than d rounds guarantee nothing",
    statement=(
        r"The law of L3 (shared symbols of $b$ values), exact denoiser, every policy: "
        r"$\mathrm{TV}=1-\mathbb E\,b^{-\sum_t\binom{B_t}2}\ge(1-\frac1b)P(R<d)$, $x\sim q_0$. So "
        r"over all $S$ no policy with fewer than $d$ rounds has any guarantee, and by P2 $d$ "
        r"rounds cost nothing: one token at a time is worst-case optimal."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=1 - SharedKept(b, sizes),
    hypotheses=(*WHOLE_RUN, on_families("shared-symbols")),
    depends_on=("L3", "P2"),
    variants={"lower": Variant((1 - 1 / b) * symbol("short"), Relation.LOWER)},
    unchecked=("the consequence: one token at a time is worst-case optimal",),
)

P8 = Claim(
    id="P8",
    title="Error of one block",
    statement=(
        r"A law $p$ of the tokens of a block, $G_i=1-\sum_ap_i(a)^2$: "
        r"$\mathrm{TV}(p,\prod_ip_i)\le\sum_BG_i-\max_BG_i\le\frac1{2\log2}(\sum_BH_i-\max_BH_i)$ "
        r"(half of the same in bits), and $\mathrm{KL}(p\|\prod_ip_i)\le\sum_BH_i-\max_BH_i$; two "
        r"equal tokens, and two equal fair bits, attain them. For predictions, with any $j\in B$: "
        r"$\mathrm{TV}(p,\prod_i\hat p_i)\le\sum_{i\in B\setminus j}(1-\sum_ap_i\hat "
        r"p_i)+\mathrm{TV}(p_j,\hat p_j)$."
    ),
    measured=Measured.BLOCK_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=symbol("gini"),
    variants={
        "entropy": Variant(symbol("excess") / (2 * sympy.log(2)), Relation.UPPER),
        "correlation": Variant(symbol("excess"), Relation.UPPER, measured=Measured.BLOCK_TC),
        "estimated": Variant(
            symbol("overlap") + symbol("anchor_tv"),
            Relation.UPPER,
            measured=Measured.ESTIMATED_BLOCK_TV,
        ),
    },
)

P9 = Claim(
    id="P9",
    title="A certificate from data and predictions",
    statement=(
        r"Uncover held-out data $x\sim q_0$ by the policy, with one token $j$ of every block "
        r"chosen by its context: $\mathrm{TV}(q_\pi,q_0)\le\mathbb E\sum_t\big[\sum_{i\in "
        r"B_t\setminus j}(1-\hat p_i(x_i|x_{C_t}))+\mathrm{TV}(p_j,\hat p_j)\big]$: data and "
        r"predictions give the first part, the second is the error at one token a block. In the "
        r"sampler's own runs, contexts off the support counted 0: $\mathrm{TV}\le\mathbb "
        r"E\sum_t(\sum_{B_t}\hat G_i-\max_{B_t}\hat G_i)+\varepsilon_\pi^{\mathrm{run}}$."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=symbol("data_doubt") + symbol("anchor"),
    hypotheses=(POLICY, NORMALISED),
    depends_on=("P2", "P8"),
    variants={"run": Variant(symbol("run_gini") + symbol("run_epsilon"), Relation.UPPER)},
)

_price = 2 * epsilon * (1 - epsilon)

P10 = Claim(
    id="P10",
    title="Sharp rules for blocks",
    statement=(
        r"Exact denoiser, $N_\pi$ the mean number of rounds of two tokens or more, of data or of "
        r"the sampler's own runs. If their blocks have $\sum H_i-\max H_i\le\gamma\le\log2$, "
        r"$\gamma=h_b(\varepsilon)$ with $\varepsilon\le\frac12$: "
        r"$\mathrm{TV}\le2\varepsilon(1-\varepsilon)N_\pi$, and pairs of equal bits revealed pair "
        r"by pair have $1-(1-2\varepsilon(1-\varepsilon))^{N_\pi}$. Any $\gamma$: "
        r"$\mathrm{TV}\le\frac\gamma{2\log2}N_\pi$, and with the number of data also "
        r"$\sqrt{\gamma N_\pi/2}$. Blocks with $\sum G_i-\max G_i\le\eta$: "
        r"$\mathrm{TV}\le\eta N_\pi$. Confidence $\ge1-\varepsilon$ of all tokens of a block but "
        r"one: $\mathrm{TV}\le(2\varepsilon-\varepsilon^2)(d-\mathbb E[R])$."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=_price * parallel,
    hypotheses=RUN,
    depends_on=("P2", "P8"),
    variants={
        "run": Variant(_price * symbol("run_parallel"), Relation.UPPER),
        "linear": Variant(gamma / (2 * sympy.log(2)) * parallel, Relation.UPPER),
        "root": Variant(Root(gamma * parallel / 2), Relation.UPPER),
        "gini": Variant(eta * parallel, Relation.UPPER),
        "confidence": Variant((2 * epsilon - epsilon**2) * (d - R), Relation.UPPER),
        "pairs": Variant(1 - (1 - _price) ** parallel, Relation.EQUALITY),
    },
)

P11 = Claim(
    id="P11",
    title="Block diffusion",
    statement=(
        r"Consecutive blocks $b$ of $d_b$ tokens, within each a parallel sampler with its own "
        r"step law $w_b$ without leftover and the exact denoiser, given the earlier blocks: "
        r"$\mathrm{TV}\le1-\exp(-X)$, $X=\sum_b\min\{d_b\sum_m(n^b_m-\frac1{d_b})_+h^{"
        r"(b)}_m,d_b\,\mathrm{TV}(N_b,\mathrm{Unif})\min\{\log S,\bar I_b+\sqrt{\bar I_b/2}\}\}$, "
        r"and $\mathrm{TV}\le1-\prod_bd_b!\,e_{d_b}(w_b)$. $L$ equal blocks, $K$ equal steps in "
        r"all, $K\ge d$: $X\le\frac{Ld}{2K}(1+\frac d{5K})\log S$; pairs inside the blocks have "
        r"$\mathrm{TV}=1-(1-(1-\frac1S)\frac LK)^{L\lfloor d/2L\rfloor}$. So at fixed $S$ they "
        r"need $L$ times the steps of an any-order sampler."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.UPPER,
    expression=1 - sympy.exp(-symbol("exponent")),
    hypotheses=WHOLE_RUN,
    depends_on=("E3", "E5", "E7", "L1"),
    variants={
        "coincidence": Variant(1 - symbol("distinct"), Relation.UPPER),
        "equal-blocks": Variant(
            1 - sympy.exp(-L * d / (2 * K) * (1 + d / (5 * K)) * sympy.log(S)), Relation.UPPER
        ),
        "pairs": Variant(
            1 - (1 - (1 - 1 / S) * L / K) ** (L * sympy.floor(d / (2 * L))), Relation.EQUALITY
        ),
    },
    unchecked=("the consequence for the number of steps",),
)

Q1 = Claim(
    id="Q1",
    title="Speculation is lossless",
    statement=(
        r"A call opens at $x_C$: the policy picks hidden tokens and an order of them before they "
        r"are drafted, all from $\hat p_i(\cdot|x_C)$. The verifier's $p$ given the tokens so far "
        r"accepts the next one with probability $\min\{1,p/\hat p\}$; the first rejected one is "
        r"replaced by a draw $\propto(p-\hat p)_+$ and ends the call. The output law is the "
        r"verifier's, exactly, for any drafter: with the exact verifier $\mathrm{TV}=0$."
    ),
    measured=Measured.POLICY_TV,
    kind=Kind.THEOREM,
    relation=Relation.EQUALITY,
    expression=sympy.Rational(0),
    hypotheses=(SPECULATIVE, EXACT),
    provenance=Provenance(
        works=("Leviathan et al., arXiv 2211.17192", "Chen et al., arXiv 2302.01318")
    ),
    depends_on=("P2",),
    unchecked=("policies that look at what was accepted before", "verifiers of no law"),
)

Q2 = Claim(
    id="Q2",
    title="Calls of speculation",
    statement=(
        r"$\mathbb E[\text{calls}]$, the sum over opening contexts of the probability to meet "
        r"them, is the mean number of rejections plus that of fully accepted blocks. If a call "
        r"drafts all hidden tokens it is $1+\sum\mathrm{TV}(p,\hat p)$, summed over the contexts "
        r"with two hidden tokens or more at which a token is verified, weighed by the probability "
        r"to meet them."
    ),
    measured=Measured.CALLS,
    kind=Kind.IDENTITY,
    relation=Relation.EQUALITY,
    expression=symbol("rejections") + symbol("accepted"),
    hypotheses=(SPECULATIVE,),
    depends_on=("Q1",),
    variants={"all-hidden": Variant(1 + symbol("drift"), Relation.EQUALITY)},
)

CLAIMS = (P1, P2, P3, P3C, P4, P5, P6, P7, P8, P9, P10, P11, Q1, Q2)
