"""Both error rates of the tests of a law: by enumeration of few samples, else by simulation."""

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.verification.statistics import plug_in_tv
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.laws import (
    identity_detects,
    identity_p_value,
    law_test,
    multinomial_detects,
    multinomial_p_value,
)
from sharprates.verification.statistics.sample_test import MISSES
from torch import Tensor

from tests.verification.statistics.error_rates import (
    LEVEL,
    RUNS,
    halves,
    one_cell,
    random_law,
    rarely,
)

CHECKS = (
    *(
        f"{test} {what}"
        for test in ("multinomial", "identity", "sparse")
        for what in ("alarms", "misses", "misses elsewhere")
    ),
    "naive identity",
)


def outcomes(n: int, k: int) -> Iterator[tuple[int, ...]]:
    return (c for c in product(range(n + 1), repeat=k) if sum(c) == n)


LAWS = st.lists(st.floats(0.02, 1), min_size=2, max_size=4).map(
    lambda w: torch.tensor(w, dtype=torch.float64) / sum(w)
)


@pytest.mark.parametrize("p_value", [multinomial_p_value, identity_p_value])
@given(n=st.integers(1, 8), p=LAWS)
def test_p_values_of_laws_are_valid(
    p_value: Callable[[Tensor, Tensor], float], n: int, p: Tensor
) -> None:
    found = []
    for c in outcomes(n, len(p)):
        ways = math.factorial(n) / math.prod(math.factorial(v) for v in c)
        chance = ways * math.prod(float(q) ** v for q, v in zip(p, c, strict=True))
        found.append((p_value(torch.tensor(c), p), chance))
    total = 0.0
    for value, chance in sorted(found):
        total += chance
        assert total <= value * (1 + 1e-9) + 1e-12


def test_an_impossible_sample_is_a_contradiction() -> None:
    p = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    for p_value in (multinomial_p_value, identity_p_value):
        assert p_value(torch.tensor([50, 50, 0]), p) > 1e-9
        assert p_value(torch.tensor([50, 49, 1]), p) == 0
        # … and so is one outside the cells: of a token, or a step, that there is not
        assert p_value(torch.tensor([50, 49, 0, 0, 1]), p) == 0
    point = torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert law_test("", torch.tensor([99, 0]), point, 1e-9).passed
    assert not law_test("", torch.tensor([98, 1]), point, 1e-9).passed
    # Alternatives to a point mass are seen as soon as they show once.
    assert multinomial_detects(1000, 1, 1e-9) == pytest.approx(-math.log(MISSES) / 1000)


def rejected(test: str, n: int, p: Tensor, q: Tensor, seed: int) -> int:
    """How many of `RUNS` samples from q are rejected as samples from p at `LEVEL`."""
    draws = np.random.default_rng(seed).multinomial(n, (q / q.sum()).numpy(), size=RUNS)
    value = multinomial_p_value if test == "multinomial" else identity_p_value
    return sum(value(torch.from_numpy(row), p) <= LEVEL for row in draws)


LAW_CASES = {"multinomial": (2000, 6), "identity": (5000, 60), "sparse": (1500, 2000)}


@pytest.mark.parametrize("test", LAW_CASES)
def test_error_rates_of_law_checks(test: str, ledger: Ledger) -> None:
    n, k = LAW_CASES[test]
    # Equal cells in the sparse case: there the check is at its best, and least conservative.
    p = torch.full((k,), 1 / k, dtype=torch.float64) if test == "sparse" else random_law(k, 1)
    alarms = rejected(test, n, p, p, 1)
    assert rarely(alarms, RUNS, LEVEL, ledger.take(f"{test} alarms"))
    if test == "multinomial":
        detects = multinomial_detects(n, k, LEVEL)
    else:
        detects = identity_detects(n, p, LEVEL)
    assert detects < 0.75
    for alternative, name in ((halves, "misses"), (one_cell, "misses elsewhere")):
        misses = RUNS - rejected(test, n, p, alternative(p, detects), 2)
        assert rarely(misses, RUNS, MISSES, ledger.take(f"{test} {name}")), name


def test_the_simulation_rejects_a_check_that_forgets_its_band(ledger: Ledger) -> None:
    # The mutant compares the plug-in with its mean alone, as if it never exceeded it by chance.
    n, p = 2000, random_law(6, 1)
    centre = plug_in_tv.mean(n, p.numpy(), p.numpy())
    draws = np.random.default_rng(1).multinomial(n, p.numpy(), size=RUNS)
    alarms = int((np.clip(p.numpy() - draws / n, 0, None).sum(1) > centre).sum())
    assert not rarely(alarms, RUNS, LEVEL, ledger.take("naive identity"))


def test_the_law_test_takes_the_more_powerful_one_before_looking() -> None:
    few, many = torch.full((4,), 0.25), torch.full((5000,), 1 / 5000)
    for p, n in ((few, 1000), (many, 20_000)):
        p = p.to(torch.float64)
        found = torch.bincount(torch.arange(n) % len(p), minlength=len(p))
        check = law_test("", found, p, 1e-6)
        options = multinomial_detects(n, len(p), 1e-6), identity_detects(n, p, 1e-6)
        assert check.detects == min(options)
    # At 5 000 cells and 20 000 samples the entropy check would detect nothing below 0.3.
    assert identity_detects(20_000, many.to(torch.float64), 1e-6) < 0.2
    assert multinomial_detects(20_000, 5000, 1e-6) > 0.3


HALF = torch.tensor([0.5, 0.5], dtype=torch.float64)
LOST = math.log(1 / MISSES)


def test_p_values_of_two_cells_by_hand() -> None:
    """Nine of ten in one: nD = 9·log 1.8 + log 0.2, and two of four are what is expected."""
    x = 9 * math.log(1.8) + math.log(0.2)
    nine = torch.tensor([9, 1])
    assert multinomial_p_value(nine, HALF) == pytest.approx(math.exp(-x) * math.e * x, rel=1e-12)
    assert multinomial_p_value(torch.tensor([6, 4]), HALF) == 1.0  # nD is below k − 1
    # E TV(p̂, p) of four fair bits is (2·½ + 8·¼)/16
    assert identity_p_value(torch.tensor([2, 2]), HALF) == 1.0
    excess = 0.5 - 3 / 16
    found = identity_p_value(torch.tensor([4, 0]), HALF)
    assert found == pytest.approx(math.exp(-2 * 4 * excess**2), rel=1e-12)
    assert identity_p_value(torch.tensor([0, 0]), HALF) == 1.0
    # of three cells two degrees
    third = torch.full((3,), 1 / 3, dtype=torch.float64)
    x = 20 * math.log(20 / 10) + 8 * math.log(8 / 10) + 2 * math.log(2 / 10)
    found = multinomial_p_value(torch.tensor([20, 8, 2]), third)
    assert found == pytest.approx(math.exp(-x) * (math.e * x / 2) ** 2, rel=1e-12)


@pytest.mark.parametrize(
    ("n", "cells", "level"),
    [
        *((1000, 2, 0.01), (5000, 7, 1e-9), (3, 4, 0.1), (1000, 2, 0.5), (10**6, 2, 1e-60)),
        *((1000, 2, 0.9), (10**6, 100, 0.9)),
    ],
)
def test_what_the_multinomial_test_detects(n: int, cells: int, level: float) -> None:
    """There nD ≥ 2n·(TV − the error of a frequency)² is just what the level rejects."""
    found = multinomial_detects(n, cells, level)
    if n == 3:
        assert found == 1.0
        return
    x, r = 2 * n * (found - math.sqrt(LOST / (2 * n))) ** 2, cells - 1
    assert math.exp(-x) * (math.e * x / r) ** r == pytest.approx(level, rel=1e-6, abs=0)


def test_what_single_cells_and_few_samples_detect() -> None:
    assert multinomial_detects(0, 3, 0.1) == multinomial_detects(4, 1, 0.1) == 1.0
    assert multinomial_detects(5, 1, 0.1) == pytest.approx(LOST / 5)
    assert identity_detects(1, HALF, 0.1) == 1.0
    assert identity_detects(2, HALF, 0.1) <= 1.0


@pytest.mark.parametrize("level", [0.1, 1e-6])
def test_what_the_identity_test_detects(level: float) -> None:
    """At the TV whose least mean exceeds what is expected by both bands; no cell of chance 0."""
    n, p = 20_000, torch.tensor([0.125, 0.0, 0.375, 0.5], dtype=torch.float64)
    law = np.array([0.125, 0.375, 0.5])
    found = identity_detects(n, p, level)
    bands = math.sqrt(-math.log(level) / (2 * n)) + math.sqrt(LOST / (2 * n))
    expected = plug_in_tv.mean(n, law, law) + bands
    assert plug_in_tv.least_mean(n, law)(found) == pytest.approx(expected, rel=1e-9)


def test_cells_of_chance_0_do_not_count_among_those_of_a_fine_bound() -> None:
    """A law of 300 chances has finer tangents than one of more."""
    law = torch.arange(1, 301, dtype=torch.float64)
    law /= law.sum()
    with_none = torch.cat([law, torch.zeros(1, dtype=torch.float64)])
    assert identity_detects(5000, with_none, 0.1) == identity_detects(5000, law, 0.1)


def test_the_law_test_takes_the_first_of_two_that_detect_alike() -> None:
    p = torch.tensor([0.9, 0.1], dtype=torch.float64)
    x = math.log(10)  # of one sample in the second cell; neither test detects anything
    assert law_test("", torch.tensor([0, 1]), p, 0.1).p_value == pytest.approx(math.e * x / 10)


def test_the_law_test_says_what_it_did() -> None:
    nothing = law_test("a", torch.tensor([0, 0]), HALF, 0.1)
    assert (nothing.p_value, nothing.detects, nothing.n) == (1.0, 1.0, 0)
    for law, cells in (([1.0, 0.0], 1), ([0.5, 0.5], 2), ([0.9999, 0.0001], 2)):
        p, found = torch.tensor(law, dtype=torch.float64), torch.tensor([990, 10])
        one = law_test("a", found, p, 0.1)
        few, many = multinomial_detects(1000, cells, 0.1), identity_detects(1000, p, 0.1)
        assert (one.name, one.level, one.n, one.detects) == ("a", 0.1, 1000, min(few, many))
        test = multinomial_p_value if few <= many else identity_p_value
        assert one.p_value == test(found, p)
    many = torch.full((5000,), 1 / 5000, dtype=torch.float64)
    found = torch.zeros(5000, dtype=torch.int64)
    found[::2] = 8
    one = law_test("b", found, many, 1e-6)
    assert one.p_value == identity_p_value(found, many) < 1e-6
    assert (one.name, one.level, one.n) == ("b", 1e-6, 20_000)
    assert one.detects == identity_detects(20_000, many, 1e-6)
