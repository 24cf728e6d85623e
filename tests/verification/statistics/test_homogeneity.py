"""Both error rates of the test that groups have one law, by simulation."""

import numpy as np
import pytest
import torch
from scipy.stats import binom, chi2, hypergeom, norm
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.homogeneity import (
    _hypergeometric,
    _joined,
    homogeneity_test,
)
from sharprates.verification.statistics.sample_test import SampleTest
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
        found = homogeneity_test("a", torch.full(shape, 100), 0.5, generator)
        assert found == SampleTest("a", 1.0, 0.5, 500, 1.0, "copies")


@pytest.mark.parametrize(
    "table", [[[30, 10], [20, 40]], [[9, 11], [10, 10]], [[900, 0], [0, 900]], [[0, 900], [900, 0]]]
)
def test_the_p_value_of_two_groups_and_cells_is_that_of_one_hypergeometric_number(
    table: list[list[int]],
) -> None:
    """Also where the float that should be uniform is 0 or 1: then it is the next one inside."""
    counts, level = torch.tensor(table), 0.01
    found = homogeneity_test("a", counts, level, torch.Generator().manual_seed(2))
    v = torch.rand((1, 1), generator=torch.Generator().manual_seed(2), dtype=torch.float64).item()
    first, cell = table[0], int(counts.sum(0).argmax())  # the more frequent cell is counted
    law = hypergeom(int(counts.sum()), int(counts[:, cell].sum()), sum(first))
    u = float(law.cdf(first[cell] - 1) + v * law.pmf(first[cell]))
    square = float(norm.ppf(min(max(u, 1e-300), 1 - 2**-53))) ** 2
    tails = chi2.sf(square, 1), chi2.cdf(square, 1)
    assert found.p_value == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6, abs=0)
    assert (found.name, found.level, found.n) == ("a", level, int(counts.sum()))
    assert (found.detects, found.distance) == (1.0, "copies")  # of one degree no share is detected


def test_the_share_of_copies_that_is_detected_is_where_the_misses_are() -> None:
    """Then χ² is 1 + share times as large, and below what the level rejects with chance 0.01."""
    counts = torch.full((GROUPS, 5), 20)
    degrees, level = (GROUPS - 1) * 4, 0.01
    found = homogeneity_test("", counts, level, torch.Generator().manual_seed(2))
    rejected = chi2.isf(level / 2, degrees)
    assert chi2.cdf(rejected / (1 + found.detects), degrees) == pytest.approx(0.01, rel=1e-6)


def test_a_hypergeometric_number_far_from_its_mean_and_near_it() -> None:
    sizes = (
        (20_000, 10_000, 10_000),
        (10_000, 3, 33),
        (40, 12, 30),
        (40, 40, 7),
        (9, 3, 0),
        (7, 0, 7),
        (1, 1, 1),
    )
    rows = [
        (x, *size)
        for size in sizes
        for x in sorted({0, 1, 2, 3, 4, 7, 12, 4470, 4600, 5000, 5100, 5519, 5520, 5521, 6000})
        if x <= min(size[1:])
    ]
    x, cells, good, drawn = np.array(rows).T
    below, at = _hypergeometric(x, cells, good, drawn)
    law = hypergeom(cells, good, drawn)
    assert below.tolist() == pytest.approx(law.cdf(x - 1).tolist(), rel=1e-9, abs=1e-15)
    assert at.tolist() == pytest.approx(law.pmf(x).tolist(), rel=1e-9, abs=1e-300)
    # 5520 is the mean and ten standard deviations and twenty: up to there it is summed
    alone = _hypergeometric(*(one[:1] for one in (np.array([5520]), *np.array([sizes[0]]).T)))
    assert alone[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "joined"),
    [
        ([[60, 1, 30, 2, 1], [40, 2, 20, 2, 1]], [[60, 34], [40, 25]]),  # 16 a cell, or a twelfth
        ([[600, 20, 300, 60], [600, 30, 300, 70]], [[600, 300, 80], [600, 300, 100]]),
        ([[8, 4, 3, 1], [8, 4, 3, 1]], [[8, 8], [8, 8]]),  # 16 are enough
        ([[8, 8], [8, 7]], [[16], [15]]),  # and 15 are not
        ([[300, 300, 50], [292, 200, 54]], [[300, 300, 50], [292, 200, 54]]),  # 104 of 1196 are
        ([[300, 300, 50], [304, 200, 46]], [[300, 350], [304, 246]]),  # 96 of 1200 are not
        ([[2, 3], [1, 4]], [[5], [5]]),
        ([[9, 1], [7, 5]], [[10], [12]]),
    ],
)
def test_rare_cells_are_joined_until_they_are_enough(
    counts: list[list[int]], joined: list[list[int]]
) -> None:
    assert _joined(np.array(counts)).tolist() == joined
