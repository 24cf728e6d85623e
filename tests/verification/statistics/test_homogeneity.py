"""Both error rates of the test that groups have one law, by simulation."""

import torch
from scipy.stats import binom
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.homogeneity import homogeneity_test
from torch import Tensor

from tests.verification.statistics.error_rates import random_law, rarely

CHECKS = ("homogeneity alarms", "homogeneity alarms, few", "homogeneity misses")
LEVEL, RUNS, GROUPS, CELLS = 0.1, 200, 40, 27


def table(rows: int, copies: float, generator: torch.Generator) -> Tensor:
    p = random_law(CELLS, 3) ** 2
    x = torch.multinomial(p.expand(GROUPS, -1), rows, True, generator=generator)
    half = round(rows * copies / 2)
    # Copies stand as far from each other as they can.
    x[:, rows - half :] = x[:, :half]
    return torch.nn.functional.one_hot(x, CELLS).sum(1)


def test_error_rates(ledger: Ledger) -> None:
    generator = torch.Generator().manual_seed(5)
    for rows, name in ((200, "homogeneity alarms"), (30, "homogeneity alarms, few")):
        found = [
            homogeneity_test("", table(rows, 0.0, generator), LEVEL, generator) for _ in range(RUNS)
        ]
        alarms = sum(not one.passed for one in found)
        assert rarely(alarms, RUNS, LEVEL, ledger.take(name))
        # The law of the statistic is exact: as many alarms as the level says, not fewer.
        assert binom.cdf(alarms, RUNS, LEVEL) > 1e-4
    share = homogeneity_test("", table(200, 0.0, generator), LEVEL, generator).detects
    assert 0.1 < share < 0.5
    found = [
        homogeneity_test("", table(200, share, generator), LEVEL, generator) for _ in range(RUNS)
    ]
    assert rarely(sum(one.passed for one in found), RUNS, 0.01, ledger.take("homogeneity misses"))


def test_groups_that_repeat_each_other_are_too_much_alike() -> None:
    generator = torch.Generator().manual_seed(6)
    one = table(200, 0.0, generator)[:1].expand(GROUPS, -1)
    assert not homogeneity_test("", one, 1e-12, generator).passed


def test_one_group_or_cell_says_nothing() -> None:
    generator = torch.Generator().manual_seed(6)
    for shape in ((1, 5), (5, 1)):
        found = homogeneity_test("", torch.full(shape, 100), 0.5, generator)
        assert (found.p_value, found.detects) == (1, 1)
