"""The symbols of the formulas; their names are the keys of the values that evaluate a claim.

`MEANINGS` is the table of names. Whole numbers are given as ints, vectors as sequences.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sympy

_TABLE: tuple[tuple[str, str, str, str], ...] = (
    # name, LaTeX, assumption, meaning
    ("d", "d", "positive integer", "sequence length"),
    ("S", "S", "positive integer", "vocabulary size"),
    ("K", "K", "positive integer", "number of steps"),
    ("T", "T", "positive", "horizon: the time at which sampling starts"),
    ("t", "t", "positive", "time at the start of a step"),
    ("s", "s", "nonnegative", "time at the end of a step, s < t"),
    ("p", "p", "positive", "exponent of the polynomial clock"),
    ("sigma_0", r"\sigma_0", "positive", "σ at t = 0 of the geometric clock"),
    ("sigma_1", r"\sigma_1", "positive", "σ at t = 1 of the geometric clock"),
    ("alpha", r"\alpha", "nonnegative", "α(t), the probability that a token is still unmasked"),
    ("alpha_t", r"\alpha_t", "nonnegative", "α at the start of a step"),
    ("alpha_s", r"\alpha_s", "nonnegative", "α at the end of a step"),
    ("alpha_T", r"\alpha_T", "nonnegative", "α at the horizon"),
    ("alpha_delta", r"\alpha_\delta", "nonnegative", "α at the early-stopping time δ"),
    ("speed", r"(-\alpha')", "nonnegative", "−α′(t) at the start of a step"),
    ("w", "w", "real", "step law w_1..w_K, a sequence; what is missing to 1 is leftover"),
    ("W", "W", "nonnegative", "largest step, max w_k"),
    ("h", "h", "real", "information curve h_0..h_{d−1} in nats, a sequence"),
    ("I_bar", r"\bar I", "nonnegative", "Ī = h_0 − h_{d−1} in nats, not below 0"),
    ("entropy", "H(q_0)", "nonnegative", "entropy of q_0 in nats"),
    ("last_entropy", "h_{d-1}", "nonnegative", "h_{d−1} in nats"),
    ("u", "|U|", "nonnegative integer", "number of revealed tokens"),
    ("j", "|B|", "nonnegative integer", "number of tokens revealed in one step"),
    ("n", "n", "positive integer", "number of masked tokens"),
    ("v", "v", "nonnegative", "a probability, uniform on (0,1)"),
    ("q", "q", "nonnegative", "a marginal or conditional probability of q_0, see the claim"),
    ("q0", "q_0", "real", "q_0(x) over the states x (the support is enough), a sequence"),
    ("p_out", r"p_{\mathrm{out}}", "real", "p_out(x) over the same states, a sequence"),
    ("P", "P", "real", "mapping: composition → P_a(x), or the sequence of it over states"),
    ("D", "D", "real", "mapping: composition a → Σ_blocks E TV(q_0(x_B|x_U), ∏ q_0(x_i|x_U))"),
    ("a", "a", "real", "composition of d, a tuple of positive ints"),
    ("beta", r"\beta", "real", "β_0..β_{d−2}: where the coarse steps are, a sequence"),
    ("m", "m", "positive integer", "number of parts of a composition"),
    ("b", "b", "positive integer", "number of values of a shared symbol"),
    ("k", "k", "nonnegative integer", "dimension of an MDS code; d − 1 for parity"),
    ("g", "g", "positive integer", "group size"),
    ("eta", r"\eta", "nonnegative", "mass that a denoiser puts on wrong symbols"),
    ("epsilon", r"\varepsilon", "nonnegative", "score error that the sampler may be given"),
    ("epsilon_1", r"\varepsilon_1", "nonnegative", "L1 score error along the grid (E2)"),
    ("epsilon_w", r"\varepsilon_w", "nonnegative", "denoiser error along the step law (E3)"),
    (
        "epsilon_FHS",
        r"\varepsilon_{\mathrm{FHS}}",
        "nonnegative",
        "denoiser error along a uniform order (H2)",
    ),
    (
        "epsilon_KL",
        r"\varepsilon_{\mathrm{KL}}",
        "nonnegative",
        "the same in KL, nats; may be ∞ (C1)",
    ),
    (
        "epsilon_score",
        r"\varepsilon_{\mathrm{score}}",
        "nonnegative",
        "∫E_{q_t}Σ_i(−α′/α)max{Σ_a(s−ŝ)_+, Σ_a(ŝ−s)_+}dt, the error of a score (H2)",
    ),
    ("kl_revealed", r"\mathrm{KL}_{\mathrm{rev}}", "nonnegative", "KL(q_0‖p_out) at w/(1−w_∞)"),
    ("leak", r"\lambda", "nonnegative", "mass of p_out outside the support of q_0"),
    ("probabilities", r"\pi", "real", "positive probabilities in ascending order, a sequence"),
    ("index", "i", "positive integer", "place in that order, counted from 1"),
    ("E1_initialisation", r"\mathrm{TV}(P_0,q_T)", "nonnegative", "first term of E1"),
    ("E1_score", r"E_{\mathrm{score}}", "nonnegative", "score term of E1, summed over steps"),
    ("E1_clock", r"E_{\mathrm{clock}}", "nonnegative", "clock term of E1, summed over steps"),
    (
        "E1_parallel",
        r"E_{\mathrm{parallel}}",
        "nonnegative",
        "parallel decoding term of E1, summed over steps",
    ),
    ("E1_early_stopping", r"\mathrm{TV}(q_\delta,q_0)", "nonnegative", "last term of E1"),
)

MEANINGS: Mapping[str, str] = MappingProxyType({name: text for name, _, _, text in _TABLE})
"""Name of a value → what it is."""

LATEX: Mapping[str, str] = MappingProxyType({name: latex for name, latex, _, _ in _TABLE})
"""Name of a value → its LaTeX."""

DERIVED = frozenset(
    (
        *("W", "h", "I_bar", "entropy", "last_entropy", "q", "q0", "p_out", "P", "D", "beta"),
        *("alpha", "alpha_t", "alpha_s", "alpha_T", "alpha_delta", "speed", "kl_revealed"),
        *("leak", "index", *(name for name in MEANINGS if name.startswith(("epsilon_", "E1_")))),
    )
)
"""Values that q_0, the denoiser or the sampler determine: no statement ranges over them."""

_SYMBOLS = {
    name: sympy.Symbol(name, **dict.fromkeys(assumption.split(), True))
    for name, _, assumption, _ in _TABLE
}


def symbol(name: str) -> sympy.Symbol:
    """The symbol of that name in `MEANINGS`."""
    return _SYMBOLS[name]


def constant(claim_id: str, name: str = "constant") -> sympy.Symbol:
    """The symbol of a named constant, written e.g. ``E2.clock``.

    The overall factor, ``E2.constant``, stands in no formula: `Claim` multiplies by it.
    """
    return sympy.Symbol(f"{claim_id}.{name}", positive=True)
