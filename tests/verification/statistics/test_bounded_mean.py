"""Limits for the mean of bounded values fail as rarely as they say."""

import math

import pytest
import torch
from sharprates.verification.statistics.bounded_mean import empirical_bernstein
from sharprates.verification.statistics.budget import Ledger

from tests.verification.statistics.error_rates import rarely

CHECKS = ("failures",)


def test_bernstein_limits_fail_as_rarely_as_they_say(ledger: Ledger) -> None:
    """Skewed values, a generous level: no more failures than allowed, and not never too wide."""
    generator = torch.Generator().manual_seed(1)
    p, runs, level = 0.05, 400, 0.2
    failures = 0
    for _ in range(runs):
        values = (torch.rand(500, generator=generator, dtype=torch.float64) < p).to(torch.float64)
        limits = empirical_bernstein(values, 0.0, 1.0, level)
        failures += not limits.lower <= p <= limits.upper
        assert limits.upper - limits.lower < 0.15
    assert rarely(failures, runs, level, ledger.take("failures"))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.5, 2.0), (0.25, 3.0)])
def test_the_width_spends_half_of_the_level_on_either_side(low: float, high: float) -> None:
    """Theorem 4 at δ = level/2: √(2V·L/n) + 7(high − low)·L/(3(n − 1)), L = log(2/δ)."""
    values = torch.tensor([0.25, 0.75] * 5000, dtype=torch.float64)
    n, level = len(values), 0.01
    limits = empirical_bernstein(values, low, high, level)
    spread = math.log(2 / (level / 2))
    variance = 0.0625 * n / (n - 1)
    width = math.sqrt(2 * variance * spread / n) + 7 * (high - low) * spread / (3 * (n - 1))
    assert limits.upper - 0.5 == pytest.approx(width, rel=1e-12)
    assert 0.5 - limits.lower == pytest.approx(width, rel=1e-12)
