"""What each claim comes to, as a person would say and set it; the book opens a claim with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Headline:
    """For a reader only: what is evaluated is the claim's own formula.

    Attributes:
        says: a sentence without a full stop, LaTeX between dollars.
        display: LaTeX of the main inequality.
    """

    says: str
    display: str


HEADLINES: Mapping[str, Headline] = {
    "F1": Headline(
        "Every token is masked on its own",
        r"q_t(x_U)=\alpha_t^{|U|}\,(1-\alpha_t)^{d-|U|}\,q_0(x_U)",
    ),
    "F2": Headline(
        r"Starting from all masks costs at most $d\,\alpha_T$",
        r"\mathrm{TV}(q_T,\delta_{\text{all masks}})=1-(1-\alpha_T)^d\le d\,\alpha_T",
    ),
    "F3": Headline(
        "Stopping early costs the chance that a mask is left",
        r"\mathrm{TV}(q_\delta,q_0)=1-\alpha_\delta^d\le d\,(1-\alpha_\delta)",
    ),
    "F4": Headline(
        "The score is the data's conditional, scaled by the clock",
        r"s_t(x;i,a)=\frac{\alpha_t}{1-\alpha_t}\,q_0(a\mid x_U)",
    ),
    "F5": Headline(
        "The exact reverse step reveals tokens independently, values jointly",
        r"R(x_U,x_{U\cup B})=\rho^{|B|}(1-\rho)^{d-|U|-|B|}\,q_0(x_B\mid x_U),\qquad\rho=\frac{"
        r"\alpha_s-\alpha_t}{1-\alpha_t}",
    ),
    "F6": Headline(
        "A start with full support costs what the shown tokens lack in entropy",
        r"\mathrm{KL}(q_T\,\|\,p_{\mathrm{init}})=d\,\alpha_T\log S-\mathbb E\,H(X_U)\le "
        r"d\,\alpha_T\log S",
    ),
    "S1": Headline(
        "A step rule is one number: the chance to unmask",
        r"\begin{aligned}r_{\mathrm{Euler}}&=\min\{1,\Lambda\},\quad r_{\tau}=1-e^{-\Lambda},"
        r"\quad r_{\mathrm{ancestral}}=\frac{\alpha_s-\alpha_t}{1-\alpha_t},\\\Lambda&=(t-s)\,"
        r"\frac{-\alpha'(t)}{1-\alpha(t)}\end{aligned}",
    ),
    "S2": Headline(
        "Any such sampler is a mixture over block sizes",
        r"p_{\mathrm{out}}(x)=\sum_{a\models d}\frac{d!}{\prod_jn_j!}\,M_a(w)\,P_a(x)\qquad(x"
        r"\text{ without masks})",
    ),
    "S3": Headline(
        "For equal steps the mixture has binomial weights",
        r"M_a\big(\tfrac1K,\dots,\tfrac1K\big)=\binom Km K^{-d}\qquad(a\text{ has }m\text{ "
        "parts})",
    ),
    "S4": Headline(
        "The next unmasking time has a closed form",
        r"\Pr(\text{next unmasking time}\le s)=\Big(\frac{1-\alpha_s}{1-\alpha_t}\Big)^n",
    ),
    "S5": Headline(
        "What is predicted off the support does not matter",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)=\sum_{x:\,q_0(x)>0}\big(q_0(x)-p_{\mathrm{out}}(x)"
        r"\big)_+",
    ),
    "E1": Headline(
        "Errors add up along the trajectory; they do not compound",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\le\underbrace{\mathrm{TV}(\hat P_0,q_T)}_{\text{start}}"
        r"+E_{\mathrm{score}}+E_{\mathrm{clock}}+E_{\mathrm{parallel}}+\underbrace{"
        r"\mathrm{TV}(q_\delta,q_0)}_{\text{early stop}}",
    ),
    "E2": Headline(
        "Euler on the uniform grid errs by $O(d^2T/K)$",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\le d\,e^{-T}+\varepsilon_1+\frac{d(d+1)}4\cdot\frac "
        "TK",
    ),
    "E3": Headline(
        "TV is at most the chance that two tokens share a step",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\le1-d!\,e_d(w)+\varepsilon_w\qquad\Big(\le"
        r"\tfrac{d(d-1)}{2K}+\varepsilon_w\text{ for equal steps}\Big)",
    ),
    "E4": Headline(
        "Sharing a step costs what the tokens of the block depend on each other",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\le\sum_{a\models d}\frac{d!}{\prod_jn_j!}M_a(w)"
        r"\,D_a+1-(1-w_\infty)^d",
    ),
    "E5": Headline(
        "The error is a Riemann sum's, weighted by entropy: linear in $d$",
        r"\begin{aligned}\mathrm{TV}(p_{\mathrm{out}},q_0)&\le1-\exp\Big(-d\sum_m\big(n_m-"
        r"\tfrac1d\big)_+h_m\Big)\\&\le d\,\mathrm{TV}(N,\mathrm{Unif})\,\log S\qquad(\text{no "
        r"mask left})\end{aligned}",
    ),
    "E6": Headline(
        r"In the worst case equal steps in $\alpha$ are best",
        r"1-d!\,e_d(w)\ \ge\ 1-\prod_{j<d}\Big(1-\frac jK\Big)\qquad\text{for every }K"
        r"\text{-step law }w",
    ),
    "E7": Headline(
        r"Equal steps err by at most about $\frac{d}{2K}\log S$, whatever the data",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\le1-\exp\Big(-\frac d{2K}\Big(1+\frac d{5K}\Big)"
        r"\min\big\{\log S,\ \bar I+\sqrt{\bar I/2}\big\}\Big)",
    ),
    "E8": Headline(
        r"Without a step above $W$ the error is at most $2dW\log S$",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\le1-\exp\Big(-d\,W\big(\bar I+\tfrac12\sqrt{e\,\bar "
        r"I}\big)\Big)\le2\,d\,W\log S",
    ),
    "E9": Headline(
        r"On two symbols the error is at most $\frac{d}{4K}$ to first order, and that is sharp",
        r"c(q_0)=\lim_{K\to\infty}K\cdot\mathrm{TV}(p_{\mathrm{out}},q_0)\le\frac d4\qquad(S=2)",
    ),
    "E10": Headline(
        "Short sequences: the first-order constant, sharp where $S=b^{d-1}$",
        r"c(q_0)\le\binom d2\big(1-S^{-1/(d-1)}\big)",
    ),
    "L0": Headline(
        "Every mask left over is an error",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\ge1-(1-w_\infty)^d",
    ),
    "L1": Headline(
        r"Pairs of equal tokens need $\Omega(d/\varepsilon)$ steps",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)=1-\Big(1-\big(1-\tfrac1S\big)\sum_kw_k^2\Big)^{"
        r"\lfloor d/2\rfloor}\qquad(\text{no mask left})",
    ),
    "L2": Headline(
        "Copies of one token: the error is decided by the first block",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)=1-\mathbb E\big[S^{-(|B_1|-1)};\ "
        r"\text{no leftover}\big]",
    ),
    "L3": Headline(
        "With enough symbols the birthday bound is attained",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)=1-\mathbb E\Big[b^{-\sum_j\binom{n_j}2};\ \text{no "
        r"leftover}\Big]\ \xrightarrow[b\to\infty]{}\ 1-d!\,e_d(w)",
    ),
    "L4": Headline(
        "Parity and other codes: the error is decided by one block",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)=1-\mathbb E\big[S^{-\mathrm{excess}};\ \text{no "
        r"leftover}\big]",
    ),
    "L5": Headline(
        "The error is $c(q_0)/K$ to first order, with a computable constant",
        r"K\cdot\mathrm{TV}(p_{\mathrm{out}},q_0)\ \longrightarrow\ c(q_0)=\frac d2\cdot\frac12"
        r"\Big\|\sum_{n=0}^{d-2}\big(P_{a^{(n+1)}}-q_0\big)\Big\|_1",
    ),
    "L6": Headline(
        r"No schedule beats the order of $d\min(d,\log S)/\varepsilon$ steps",
        r"\begin{aligned}\mathrm{TV}(p_{\mathrm{out}},q_0)&\ge1-\bigg(\frac12+\frac12"
        r"\prod_{j<g}\Big(1-\frac jK\Big)\bigg)^{\lfloor d/g\rfloor}\\&\quad\text{for every }K"
        r"\text{-step law, if }S\ge2^{g-1}\end{aligned}",
    ),
    "L7": Headline(
        "A grid uniform in time costs a factor of order $T$",
        r"\sup_{S,q_0}\frac{\mathrm{TV}(p_{\mathrm{out}},q_0)}{T/K}\ \longrightarrow\ \binom d2"
        r"\Big(\frac12+\frac{e^{-T}}{1-e^{-T}}\Big)\qquad(K\to\infty)",
    ),
    "X1": Headline(
        "Conjecture: permutations are the worst data for every $S$",
        r"c(q_0)\le\frac d2\,(H_S-1),\qquad H_S=1+\tfrac12+\dots+\tfrac1S",
    ),
    "H1": Headline(
        "First hitting is exact with the exact denoiser, in $d$ calls",
        r"p_{\mathrm{FHS}}=q_0",
    ),
    "H2": Headline(
        "First hitting errs at most by what its denoiser errs at the tokens $i$ of a uniform order,"
        " each given those revealed before it, $x_U$",
        r"\mathrm{TV}(p_{\mathrm{FHS}},q_0)\le\varepsilon_{\mathrm{FHS}}=\mathbb E\sum_{n=1}^d"
        r"\mathrm{TV}\big(p_i(\cdot\mid x_U),\hat p_i(\cdot\mid x_U)\big)",
    ),
    "H3": Headline(
        "The constant 1 of H2 cannot be lowered",
        r"\mathrm{TV}(p_{\mathrm{FHS}},q_0)=\varepsilon_{\mathrm{FHS}}=\eta\qquad\text{for "
        r"every }\eta\in[0,1]\text{ and every }d",
    ),
    "H4": Headline(
        r"Given only the denoiser, no sampler's law $p$ is nearer than $\varepsilon$ to all data "
        r"$q_0$ with $\varepsilon_{\mathrm{FHS}}\le\varepsilon$",
        r"\min_{p}\max_{q_0}\mathrm{TV}(p,q_0)\ge\varepsilon\qquad(\varepsilon\le1-\tfrac1S)",
    ),
    "C1": Headline(
        "The training loss bounds the error, through a square root",
        r"\varepsilon_{\mathrm{FHS}}\le\sqrt{d\,\varepsilon_{\mathrm{KL}}/2},\qquad"
        r"\mathrm{TV}(p_{\mathrm{FHS}},q_0)\le\sqrt{\varepsilon_{\mathrm{KL}}/2}",
    ),
    "C2": Headline(
        "The total-variation error of a denoiser is always finite",
        r"\varepsilon_{\mathrm{FHS}}\le d,\qquad\text{while }\varepsilon_{\mathrm{KL}}\text{ "
        r"may be }\infty",
    ),
    "C3": Headline(
        "Masks left over: one divergence stays finite, the other does not",
        r"\mathrm{KL}(q_0\,\|\,p_{\mathrm{out}})\le\mathrm{KL}_{\mathrm{rev}}-d\,\log(1-w_"
        r"\infty)",
    ),
    "C4": Headline(
        "Hellinger error: the root of $d$, without logarithms",
        r"\mathrm{TV}(p_{\mathrm{FHS}},q_0)\le\sqrt{1-(1-\eta)^{2d}}\le\sqrt{2\,d\,\eta}",
    ),
    "KL1": Headline(
        "The divergence of a block schedule is a Riemann sum",
        r"\mathbb E_\sigma\,\mathrm{KL}(q_0\,\|\,P_{a,\sigma})=\sum_{\text{blocks at }n,\text{ "
        r"size }s}\ \sum_{r<s}(h_n-h_{n+r})",
    ),
    "KL2": Headline(
        "KL is at most $d$ times the largest step times the information",
        r"\mathrm{KL}(q_0\,\|\,p_{\mathrm{out}})\le d\,\max_kw_k\,\bar I\qquad\Big(\text{equal "
        r"steps: }\mathrm{TV}\le\sqrt{d\bar I/2K}\Big)",
    ),
    "KL3": Headline(
        "Pinsker's inequality loses a square root",
        r"\mathrm{KL}(q_0\,\|\,p_{\mathrm{out}})\ge-\log(1-\lambda)\ge\lambda,\qquad\lambda=p_{"
        r"\mathrm{out}}(\text{outside the support})",
    ),
    "KL4": Headline(
        "Total and dual total correlation share out the information",
        r"\mathrm{TC}+\mathrm{DTC}=d\,\bar I,\qquad\mathrm{TC}=\sum_m(h_0-h_m),\quad"
        r"\mathrm{DTC}=\sum_m(h_m-h_{d-1})",
    ),
    "KL5": Headline(
        "Blocks cost at most one token less than the largest block has, times the information",
        r"\mathbb E_\sigma\,\mathrm{KL}(q_0\,\|\,P_{a,\sigma})\le(\max_is_i-1)\,\bar I",
    ),
    "KL6": Headline(
        "The best block sizes are the best stairs above the information curve",
        r"\min_{m\text{ blocks}}\mathbb E_\sigma\,\mathrm{KL}(q_0\,\|\,P_{a,\sigma})=\min_{n_1<"
        r"\ldots<n_{m-1}}\sum_{i<m}\sum_{n_i\le j<n_{i+1}}(h_{n_i}-h_j)",
    ),
    "U1": Headline(
        "What a step costs in divergence is an integral over the growth of dependence",
        r"\mathbb E\,\mathrm{TC}(X_B\mid X_U)=\Gamma(p,q)=\int_p^q(q-u)\,g'(u)\,du",
    ),
    "U2": Headline(
        r"The best grid for divergence has steps in proportion to $1/\sqrt{g'}$",
        r"K\inf_u\sum_k\Gamma(u_k,u_{k+1})\longrightarrow\tfrac12\Big(\int_0^1\sqrt{g'(t)}\,dt"
        r"\Big)^2",
    ),
    "U3": Headline(
        "One number certifies block sizes",
        r"\mathbb E_\sigma\,\mathrm{KL}(q_0\,\|\,P_{a,\sigma})\le\mathrm{TC}\cdot\max_i\frac{"
        r"s_i-1}{d-N_{i-1}-1}",
    ),
    "U4": Headline(
        "Samples and predictions give the dependence without any entropy",
        r"g(q)-g(p)=\sum_i\mathbb E\,\mathrm{KL}\big(\mu_i(\cdot\mid X_{R_q})\,\|\,\mu_i"
        r"(\cdot\mid X_{R_p})\big)",
    ),
    "G1": Headline(
        "Float32 Gumbel noise favours likely tokens",
        r"\begin{aligned}\pi'_m&=\pi_m\sum_{i\le m}\frac{e^{(n+1-i-\Pi_i/\pi_i)\,\gamma}-"
        r"e^{(n+1-i-\Pi_i/\pi_{i-1})\,\gamma}}{\Pi_i},\\\gamma&=e^{-g_{\max}}=-\log(1-2^{-24})"
        r"\end{aligned}",
    ),
    "P1": Headline(
        "A policy's divergence is the dependence of what it reveals together",
        r"\mathrm{KL}(q_0\,\|\,q_\pi)=\mathbb E_{x\sim q_0}\sum_t\mathrm{TC}(X_{B_t}\mid "
        "x_{C_t})",
    ),
    "P2": Headline(
        "A policy errs at most by the sum of its rounds' errors",
        r"\mathrm{TV}(q_\pi,q_0)\le\mathbb E_{x\sim q_0}\sum_t\mathrm{TV}\Big(q_0(x_{B_t}\mid "
        r"x_{C_t}),\prod_{i\in B_t}\hat p_i\Big)",
    ),
    "P3": Headline(
        r"Confident tokens may share a round: the error is at most $n\varepsilon$",
        r"\mathrm{TV}\Big(p,\prod_jp_j\Big)\le n\,\varepsilon",
    ),
    "P3C": Headline(
        "Conjecture: copies are the worst confident triple",
        r"\mathrm{TV}\Big(p,\prod_jp_j\Big)\le1-(1-\varepsilon)^3-(S-1)\Big(\frac"
        r"\varepsilon{S-1}\Big)^3",
    ),
    "P4": Headline(
        r"Rounds of bounded entropy cost $\gamma$ each",
        r"\mathrm{KL}(q_0\,\|\,q_\pi)\le\gamma\,N_\pi",
    ),
    "P5": Headline(
        "No policy escapes random permutations",
        r"\mathrm{TV}(q_\pi,q_0)=1-\mathbb E\prod_t\frac{(M_t)_{B_t}}{M_t^{B_t}}\ \ge\ 1-\frac{"
        r"\mathbb E[R]}d",
    ),
    "P6": Headline(
        r"Bisection samples a Markov chain exactly in $O(\log n)$ rounds",
        r"\mathrm{TV}(q_\pi,q_0)=0\qquad\text{in at most }m\big(\lceil\log_2(n/m)\rceil+1\big)"
        r"\text{ rounds}",
    ),
    "P7": Headline(
        "Fewer than $d$ rounds guarantee nothing",
        r"\mathrm{TV}(q_\pi,q_0)=1-\mathbb E\,b^{-\sum_t\binom{B_t}2}\ \ge\ \Big(1-\frac1b\Big)"
        r"\Pr(R<d)",
    ),
    "P8": Headline(
        "A block errs by its uncertainty, less that of its least certain token",
        r"\mathrm{TV}\Big(p,\prod_ip_i\Big)\le\sum_{i\in B}G_i-\max_{i\in B}G_i,\qquad G_i=1-"
        r"\sum_ap_i(a)^2",
    ),
    "P9": Headline(
        "Held-out data and predictions certify a policy",
        r"\mathrm{TV}(q_\pi,q_0)\le\mathbb E\sum_t\Big[\sum_{i\in B_t\setminus j}\big(1-\hat "
        r"p_i(x_i\mid x_{C_t})\big)+\mathrm{TV}(p_j,\hat p_j)\Big]",
    ),
    "P10": Headline(
        "Rounds of bounded entropy: the sharp TV bound",
        r"\mathrm{TV}(q_\pi,q_0)\le2\,\varepsilon(1-\varepsilon)\,N_\pi,\qquad\gamma=h_b("
        r"\varepsilon)",
    ),
    "P11": Headline(
        "Block diffusion needs more steps at the same error",
        r"\begin{aligned}\mathrm{TV}(q_\pi,q_0)&\le1-e^{-X},\\X&\le\frac{L\,d}{2K}\Big(1+\frac "
        r"d{5K}\Big)\log S\quad(L\text{ equal blocks, equal steps})\end{aligned}",
    ),
    "Q1": Headline(
        "Speculative decoding is lossless",
        r"\mathrm{TV}(q_\pi,q_0)=0",
    ),
    "Q2": Headline(
        "Speculation needs a call for every rejection and every accepted block",
        r"\mathbb E[\text{calls}]=\mathbb E[\text{rejections}]+\mathbb E[\text{fully accepted "
        "blocks}]",
    ),
    "R1": Headline(
        "Masking again keeps the marginals, if values are drawn jointly",
        r"q_t\,R_\sigma=q_s\qquad\Big(0\le\sigma\le\min\Big\{1,\frac{1-\alpha_s}{\alpha_t}\Big"
        r"\}\Big)",
    ),
    "R2": Headline(
        "With remasking the errors of the steps still add up",
        r"\mathrm{TV}(p_{\mathrm{re}},q_0)\le\underbrace{\mathrm{TV}(\hat P_0,q_T)}_{\text{start}}"
        r"+E_{\mathrm{score}}+E_{\mathrm{parallel}}+\underbrace{\mathrm{TV}(q_\delta,q_0)}_{"
        r"\text{early stop}}",
    ),
    "R3": Headline(
        "Two rounds of revision sample parity exactly",
        r"\mathrm{TV}(p_{\mathrm{rev}},q_0)=0",
    ),
    "R5": Headline(
        "Only reveals that still matter count",
        r"\mathrm{TV}(p_{\mathrm{re}},q_0)\le\Pr(\text{a mask is left})+\varepsilon^*+\Delta^*",
    ),
    "R6": Headline(
        "Discarding a value because of the value is biased",
        r"\mathrm{TV}(p_{\mathrm{rev}},q_0)=\frac12-2^{-n-1}",
    ),
    "R7": Headline(
        "Correctors add at most their own error a pass",
        r"\mathrm{TV}(\mu C^n,q_0)\le\mathrm{TV}(\mu,q_0)+n\,\Delta_C",
    ),
    "E11": Headline(
        "The first-order bounds hold at every $K$, up to a term of order $d^4/K^2$",
        r"\mathrm{TV}(p_{\mathrm{out}},q_0)\le\frac d{4K}+\frac{d^2(d-1)^2}{8K^2}\qquad(S=2)",
    ),
    "X2": Headline(
        "Mass off the support stays below the conjectured constant",
        r"\lim_{K\to\infty}K\cdot p_{\mathrm{out}}(\text{outside the support})\le\frac d2"
        r"\,(H_S-1)",
    ),
    "X3": Headline(
        "The conjecture X1 holds within a few per cent",
        r"c(q_0)\le\frac12\sum_jv(x_j)\le\frac d2\,v_S",
    ),
    "X4": Headline(
        "The signed problem of one target has a closed form",
        r"N(p)=\min\Big\{n\cdot p:\ \mathbb E\max_b(E_b-1-n_b)=0\Big\}",
    ),
    "KL7": Headline(
        r"KL is at most the distance of the rank from uniform, times $d\bar I$",
        r"\mathrm{KL}(q_0\,\|\,p_{\mathrm{out}})\le\sum_m(d\,n_m-1)\,h_m\le d\,\mathrm{TV}(N,"
        r"\mathrm{Unif})\,\bar I",
    ),
    "B0": Headline(
        "No factor on the denoiser's error makes up for the change of contexts",
        r"\frac{\mathrm{TV}(\hat p_{\mathrm{out}},q_0)-\mathrm{TV}(p_{\mathrm{out}},q_0)}{"
        r"\varepsilon_w}=\frac{(1+\rho)^2}{4\rho}\ \xrightarrow[\rho\to0]{}\ \infty",
    ),
    "B1": Headline(
        "Averaged over allocations, the denoiser's error enters with factor 1",
        r"\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le\bar T+\varepsilon_w,\qquad\bar T=\mathbb E_"
        r"\sigma\mathrm{TV}(P_\sigma,q_0)\le1-d!\,e_d(w)",
    ),
    "B2": Headline(
        "Linear in $d$, if the denoiser's error is measured by a logarithm",
        r"\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le1-\exp\big(-X-\varepsilon^{\log}_w\big)"
        r"\qquad(X\text{ the exponent of E5 or E8})",
    ),
    "B3": Headline(
        "Linear in $d$, if the denoiser's error is met in the sampler's own contexts",
        r"\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le X+\min\{\varepsilon_{\mathrm{run}},\hat"
        r"\varepsilon_{\mathrm{run}}\}\qquad(X\text{ the bound of E5 or E8})",
    ),
    "B4": Headline(
        "Linear in $d$, with the data's error and a product of two small terms",
        r"\mathrm{TV}(\hat p_{\mathrm{out}},q_0)\le X+\varepsilon_w+\varepsilon^\infty_w\,"
        r"\max_kb_k\qquad(X\text{ the bound of E5})",
    ),
}
"""Claim id → headline; a claim without one opens with its statement."""
