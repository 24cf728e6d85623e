"""Limits for the mean of bounded values fail as rarely as they say."""

import torch
from sharprates.verification.statistics.bounded_mean import empirical_bernstein


def test_bernstein_limits_fail_as_rarely_as_they_say() -> None:
    """Skewed values, a generous level: no more failures than allowed, and not never too wide."""
    generator = torch.Generator().manual_seed(1)
    p, runs, level = 0.05, 400, 0.2
    failures = 0
    for _ in range(runs):
        values = (torch.rand(500, generator=generator, dtype=torch.float64) < p).to(torch.float64)
        limits = empirical_bernstein(values, 0.0, 1.0, level)
        failures += not limits.lower <= p <= limits.upper
        assert limits.upper - limits.lower < 0.15
    assert failures <= level * runs
