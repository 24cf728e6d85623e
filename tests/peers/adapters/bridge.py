"""What adapters share: seeds for global random states, vocabularies with a mask, other clocks."""

from __future__ import annotations

import math

import numpy as np
import torch
from sharprates.samplers.clock import Clock
from sharprates.verification.conformance.protocol import OracleDenoiser
from torch import Tensor


def seed_globals(generator: torch.Generator) -> None:
    """Seed torch's and numpy's global states, for code that takes no generator."""
    seed = int(torch.randint(2**31, (1,), generator=generator))
    torch.manual_seed(seed)
    np.random.seed(seed)


def with_mask_column(values: Tensor, fill: float) -> Tensor:
    """[..., S] to [..., S + 1]: the mask's entry last."""
    return torch.cat([values, torch.full_like(values[..., :1], fill)], -1)


def carried_over(p: Tensor, x: Tensor, mask: int) -> Tensor:
    """Probabilities [B, d, S + 1], made certain of revealed tokens."""
    certain = torch.nn.functional.one_hot(x, p.shape[-1]).to(p)
    return torch.where((x == mask)[..., None], p, certain)


def probabilities(denoiser: OracleDenoiser, x: Tensor, t: Tensor | None = None) -> Tensor:
    """Predictions [B, d, S + 1], certain of revealed tokens."""
    S = denoiser.vocabulary
    return carried_over(with_mask_column(denoiser(x, t), 0.0), x, S)


def log_linear(eps: float) -> Clock:
    """α = 1 − (1 − ε)·t, the log-linear noise of SEDD and MDLM: α(1) = ε, not 0."""
    return Clock.from_alpha(f"log-linear:{eps:g}", lambda t: 1 - (1 - eps) * t, 1.0)


def log_linear_noise(t: float) -> float:
    """Its σ(t) = −log α(t) with ε = 1e-3, what the networks of SEDD, MDLM and ReMDM get as time."""
    return -math.log(1 - (1 - 1e-3) * t)


def kappa_power(power: float) -> Clock:
    """κ(τ) = τ^n in time τ = 1 − t from noise to data: α(t) = (1 − t)^n."""
    return Clock.from_alpha(f"kappa:{power:g}", lambda t: (1 - t) ** power, 1.0)


def log_score(denoiser: OracleDenoiser, x: Tensor, sigma: Tensor) -> Tensor:
    """Logarithm of the concrete score [B, d, S + 1] at noise [B]; 0 at the present symbol."""
    odds = -torch.expm1(sigma.double()).log()[:, None, None]
    score = with_mask_column(denoiser.logits(x, sigma) + odds, 0.0)
    return denoiser.watch(score.scatter(-1, x[..., None], 0.0).float())


LOG_LINEAR = log_linear(1e-3)
EPS = 1e-5
"""Where SEDD's and MDLM's grids end by default."""
