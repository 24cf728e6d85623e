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
