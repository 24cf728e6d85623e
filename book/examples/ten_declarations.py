"""What to declare for the usual samplers; each is run against a small implementation of it.

K, thresholds, temperatures and block lengths are those of your own settings.
"""

import math

import torch
from sharprates import Declaration
from sharprates.samplers.clock import Clock


def log_linear(eps=1e-3):
    """The log-linear noise of MDLM and SEDD: α(t) = 1 − (1 − ε)t."""
    return Clock.from_alpha(f"log-linear:{eps:g}", lambda t: 1 - (1 - eps) * t, 1.0)


def sigma(t, eps=1e-3):
    """Their noise level, −log α(t), which their network gets in place of t."""
    return -math.log(1 - (1 - eps) * t)


def remdm(states, predicted, step, K=3, eta=0.3):
    """ReMDM, capped: P(each token's next symbol), [C, d, S + 1]; the mask is the symbol S."""
    alpha_t, alpha_s = step / K, (step + 1) / K
    mask = predicted.shape[-1]
    # At t = 1 nothing is revealed that could be masked again.
    remask = min(eta, (1 - alpha_s) / alpha_t) if alpha_t else 0.0
    reveal = (alpha_s - (1 - remask) * alpha_t) / (1 - alpha_t)
    hidden = (states == mask)[..., None]
    masked = torch.cat([reveal * predicted, torch.full_like(predicted[..., :1], 1 - reveal)], -1)
    shown = torch.nn.functional.one_hot(states, mask + 1) * (1 - remask)
    shown[..., mask] += remask
    return torch.where(hidden, masked, shown)


def first_then_rest(target, denoiser):
    """A law of one's own, [S^d]: the first token, then all others at once."""
    rows, mask = target.rows, denoiser.vocabulary
    start = torch.full_like(rows, mask)
    first = torch.where(torch.arange(rows.shape[1]) == 0, rows, mask)
    p = torch.cat([denoiser(start)[:, :1], denoiser(first)[:, 1:]], 1)
    return p.gather(-1, rows[..., None]).squeeze(-1).prod(1)


MDLM = Declaration(
    "MDLM",
    "ancestral",
    log_linear(),
    steps=3,
    delta=1e-5,
    last_step="argmax",
    time=sigma,
    uniforms="float32",
)
SEDD = Declaration(
    "SEDD, Euler", "euler", log_linear(), steps=3, delta=1e-5, last_step="fill", time=sigma
)
LLADA_RANDOM = Declaration("LLaDA, random", "blocks", tokens_a_step=2, temperature=0.7)
LLADA_LOW_CONFIDENCE = Declaration(
    "LLaDA, low_confidence", "confidence:drawn", temperature=0.7, temperature_acts="draw"
)
LLADA_BLOCKS = Declaration(
    "LLaDA, low_confidence, temperature 0, blocks after a prompt",
    "confidence:probability",
    block_length=2,
    temperature=0,
    prompt="prefix",
)
FAST_DLLM = Declaration("Fast-dLLM", "threshold:0.6", block_length=2, temperature=0)
EB = Declaration("EB-Sampler", "entropy-bounded:0.5")
REMDM = Declaration("ReMDM, capped", kernel=remdm, steps=3, carry_over=False)
BD3_LM = Declaration("BD3-LM, first hitting", "first-hitting", block_length=2)
OWN = Declaration("my own", law=first_then_rest)
