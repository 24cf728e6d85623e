"""What stands on the left side of a claim."""

from __future__ import annotations

from enum import Enum


class Measured(Enum):
    """The quantity that a claim is about; its value is its LaTeX."""

    TV = r"\mathrm{TV}(p_{\mathrm{out}},q_0)"
    """Of a parallel unmasking sampler's output law."""
    FHS_TV = r"\mathrm{TV}(p_{\mathrm{FHS}},q_0)"
    """Of the first-hitting sampler's output law."""
    KL = r"\mathrm{KL}(q_0\|p_{\mathrm{out}})"
    BLOCK_KL = r"\mathbb E_\sigma\mathrm{KL}(q_0\|P_{a,\sigma})"
    """Of blocks of given sizes, averaged over which tokens are in which."""
    EPSILON_FHS = r"\varepsilon_{\mathrm{FHS}}"
    FIRST_ORDER = "c(q_0)"
    """The first-order constant of L5, at the uniform law."""
    RANK_DISTANCE = r"\mathrm{TV}(N,\mathrm{Unif})"
    """N: the number of tokens revealed strictly before a given one."""
    COINCIDENCE = r"1-d!\,e_d(w)"
    """The probability that two tokens share a step or a token is never revealed."""

    TV_SUPREMUM = r"\sup_{S,q_0}\mathrm{TV}(p_{\mathrm{out}},q_0)"
    TV_TIMES_STEPS = r"K\cdot\mathrm{TV}(p_{\mathrm{out}},q_0)"
    TV_PER_SQUARES = r"\mathrm{TV}(p_{\mathrm{out}},q_0)/\textstyle\sum_kw_k^2"
    TV_PER_STEP_SIZE = r"\mathrm{TV}(p_{\mathrm{out}},q_0)/h"
    TV_SUPREMUM_PER_STEP_SIZE = r"\sup_{S,q_0}\mathrm{TV}(p_{\mathrm{out}},q_0)/h"
    TV_LIMIT_PER_STEP_SIZE = r"\lim_{T\to\infty}\lim_{h\to0}\mathrm{TV}(p_{\mathrm{out}},q_0)/h"
    MINIMAX_TV = r"\min_{p}\max_{q_0}\mathrm{TV}(p,q_0)"

    INITIAL_TV = r"\mathrm{TV}(q_T,\delta_{M\ldots M})"
    STOPPING_TV = r"\mathrm{TV}(q_\delta,q_0)"
    PARTIAL_STATE = r"q_t(x_U)"
    SCORE = r"s_t(x;i,a)"
    REVERSE_RATE = r"R_t(x;i,a)"
    REVERSE_KERNEL = r"R(x_U, x_{U\cup B})"
    BRIDGE = r"\rho"
    EULER_HAZARD = r"r_{\mathrm{Euler}}"
    TAU_LEAPING_HAZARD = r"r_{\tau\text{-leaping}}"
    ANCESTRAL_HAZARD = r"r_{\mathrm{ancestral}}"
    OUTPUT = r"p_{\mathrm{out}}(x)"
    UNIFORM_MONOMIAL = r"M_a(1/K,\ldots,1/K)"
    HITTING_TIME = r"P(\text{next unmasking time} \le s)"
    HITTING_TIME_MASKED = r"1-\alpha_s"
    """1 − α at the next unmasking time."""
    DENOISER_CALLS = r"\text{denoiser calls}"
    TRUNCATED_GUMBEL = r"\pi'_i"

    OWN = r"\text{left side}"
    """A quantity of a user's own claim, measured by a function that comes with it."""
