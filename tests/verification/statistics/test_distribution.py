"""Both error rates of the band of a distribution function, by simulation."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.distribution import dkw_detects, dkw_test
from sharprates.verification.statistics.sample_test import MISSES, SampleTest
from torch import Tensor

from tests.verification.statistics.error_rates import LEVEL, RUNS, rarely

CHECKS = ("dkw alarms", "dkw misses", "dkw misses elsewhere")


def test_error_rates_of_the_band_of_a_distribution_function(ledger: Ledger) -> None:
    n = 400
    rng = np.random.default_rng(4)

    def failures(transform: Callable[[Tensor], Tensor]) -> int:
        u = torch.from_numpy(rng.random((RUNS, n)))
        return sum(not dkw_test("", transform(row), LEVEL).passed for row in u)

    # Massart's constant is sharp: the alarm rate is near the level, not only below it.
    alarms = failures(lambda u: u)
    assert rarely(alarms, RUNS, LEVEL, ledger.take("dkw alarms"))
    assert alarms > RUNS * LEVEL / 3
    gap = dkw_detects(n, LEVEL)
    # Two laws at this distance: min(1, x + gap) with an atom at 0, and x^a, that of u^{1/a}.
    misses = RUNS - failures(lambda u: (u - gap).clamp(min=0))
    assert rarely(misses, RUNS, MISSES, ledger.take("dkw misses"))
    # x − x^a is largest at x = a^{1/(1−a)}, where it is x·(1 − 1/a).
    a = brentq(lambda v: v ** (1 / (1 - v)) * (1 - 1 / v) - gap, 1.01, 100)
    misses = RUNS - failures(lambda u: u**a)
    assert rarely(misses, RUNS, MISSES, ledger.take("dkw misses elsewhere"))


@pytest.mark.parametrize(
    ("values", "gap"),
    [
        ([0.5, 0.25], 0.5),  # after the larger one
        ([0.1, 0.2, 0.95, 0.9], 0.4),  # before the third of four
        ([0.5], 0.5),
    ],
)
def test_the_p_value_is_the_chance_of_the_largest_gap(values: list[float], gap: float) -> None:
    n, level = len(values), 0.1
    found = dkw_test("a", torch.tensor(values, dtype=torch.float64), level)
    assert found.p_value == pytest.approx(min(1.0, 2 * math.exp(-2 * n * gap**2)))
    assert found == SampleTest("a", found.p_value, level, n, dkw_detects(n, level), "kolmogorov")


def test_no_sample_says_nothing() -> None:
    nothing = SampleTest("a", 1.0, 0.1, 0, 1.0, "kolmogorov")
    assert dkw_test("a", torch.zeros(0, dtype=torch.float64), 0.1) == nothing


def test_what_the_band_detects_is_its_width_and_the_error_of_a_frequency() -> None:
    """√(log(2/level)/2n) of the band, √(log(1/misses)/2n) of a sample at another law."""
    n, level = 1000, 0.01
    both = math.sqrt(math.log(2 / level)) + math.sqrt(math.log(1 / MISSES))
    assert dkw_detects(n, level) == pytest.approx(both / math.sqrt(2 * n), rel=1e-12)
    assert dkw_detects(1, level) == 1.0


def test_what_is_no_number_is_no_sample_of_a_distribution() -> None:
    F = torch.linspace(0, 1, 100, dtype=torch.float64)
    assert dkw_test("", F, 1e-9).passed
    F[50] = float("nan")
    assert not dkw_test("", F, 1e-9).passed
