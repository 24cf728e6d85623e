"""Do samples follow a continuous distribution function?"""

from __future__ import annotations

import math

import torch
from sharprates.verification.statistics.plug_in_tv import deviation
from sharprates.verification.statistics.sample_test import SampleTest, sampling_error
from torch import Tensor


def dkw_test(name: str, probabilities: Tensor, level: float) -> SampleTest:
    """Do samples follow a distribution function F? By the largest gap to the empirical one.

    P(sup |F̂ − F| > t) ≤ 2e^{−2nt²}, for every n and F.

    Args:
        name: what is tested.
        probabilities: float64 [n], F at the samples; F continuous. One that is no number is a
            contradiction.
        level: false-alarm probability.

    Source: Massart (1990), The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality.
    """
    F = torch.sort(probabilities.flatten()).values
    n = F.numel()
    if n == 0:
        return SampleTest(name, 1.0, level, 0, 1.0, "kolmogorov")
    rank = torch.arange(n, dtype=torch.float64, device=F.device)
    gap = float(torch.maximum((rank + 1) / n - F, F - rank / n).max())
    value = 0.0 if math.isnan(gap) else min(1.0, 2 * math.exp(-2 * n * gap**2))
    return SampleTest(name, value, level, n, dkw_detects(n, level), "kolmogorov")


def dkw_detects(n: int, level: float) -> float:
    """Smallest Kolmogorov distance that `dkw_test` rejects with probability ≥ 1 − `MISSES`."""
    return min(1.0, deviation(n, level / 2) + sampling_error(n))
