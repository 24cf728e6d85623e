"""Both error rates of the band of a distribution function, by simulation."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import brentq
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.distribution import dkw_detects, dkw_test
from sharprates.verification.statistics.sample_test import MISSES
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


def test_what_is_no_number_is_no_sample_of_a_distribution() -> None:
    F = torch.linspace(0, 1, 100, dtype=torch.float64)
    assert dkw_test("", F, 1e-9).passed
    F[50] = float("nan")
    assert not dkw_test("", F, 1e-9).passed
