"""Both error rates of every check: by enumeration where that can be done, else by simulation.

A simulated rate is compared with the stated one by a binomial band, at a level of the budget.
"""

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import bdtrc
from scipy.stats import binom
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.verification import plug_in
from sharprates.verification.budget import Ledger
from sharprates.verification.statistics import (
    MISSES,
    Check,
    at_least,
    binomial_check,
    binomial_detects,
    cells,
    certain,
    counts,
    dkw_check,
    dkw_detects,
    empirical_tv,
    identity_detects,
    identity_p_value,
    law_check,
    law_on_cells,
    multinomial_detects,
    multinomial_p_value,
    samples_needed,
)
from torch import Tensor

LEVEL = 0.05
RUNS = 1500

CHECKS = (
    *(f"{test} {what}" for test in ("multinomial", "identity", "sparse", "dkw") for what in
      ("alarms", "misses", "misses elsewhere")),
    *(f"interval {tv} {claim}" for tv in (0.0, 0.03, 0.2) for claim in ("right", "wrong")),
    "naive identity",
    "naive interval",
)  # fmt: skip


def rarely(hits: int, runs: int, rate: float, level: float) -> bool:
    """Are `hits` of `runs` compatible with a rate of at most `rate`?"""
    return hits == 0 or float(bdtrc(hits - 1, runs, rate)) > level


# ---------------------------------------------------------------------------------------------
# Exact error rates
# ---------------------------------------------------------------------------------------------


PROBABILITIES = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(1e-9, 1 - 1e-9))


@given(st.integers(1, 80), PROBABILITIES, st.sampled_from([0.2, 0.01, 1e-4]))
def test_binomial_error_rates_are_as_stated(n: int, p: float, level: float) -> None:
    def rejection(q: float) -> float:
        return math.fsum(
            float(binom.pmf(k, n, q))
            for k in range(n + 1)
            if not binomial_check("", k, n, p, level).passed
        )

    assert rejection(p) <= level * (1 + 1e-9)
    detects = binomial_detects(n, p, level)
    for q in (p - detects, p + detects):
        if 0 <= q <= 1 and detects < 1:
            assert rejection(q) >= 1 - MISSES - 1e-9


def test_binomial_check_at_the_ends() -> None:
    assert binomial_check("", 0, 100, 0.0, 1e-9).passed
    assert not binomial_check("", 1, 100, 0.0, 1e-9).passed
    assert binomial_check("", 100, 100, 1.0, 1e-9).passed
    assert not binomial_check("", 99, 100, 1.0, 1e-9).passed
    assert binomial_check("", 0, 0, 0.3, 1e-9).passed


@given(st.integers(1, 60), PROBABILITIES, st.sampled_from([0.2, 1e-3]))
def test_clopper_pearson_covers(n: int, p: float, level: float) -> None:
    wrong = 0.0
    for k in range(n + 1):
        low = at_least(k, n, level)
        assert 0 <= low <= k / n
        # As far up as the level allows: where p is the bound, k or more have that probability.
        assert k == 0 or float(bdtrc(k - 1, n, low)) == pytest.approx(level)
        wrong += float(binom.pmf(k, n, p)) * (low > p)
    assert wrong <= level + 1e-12


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
    assert law_check("", torch.tensor([99, 0]), point, 1e-9).passed
    assert not law_check("", torch.tensor([98, 1]), point, 1e-9).passed
    # Alternatives to a point mass are seen as soon as they show once.
    assert multinomial_detects(1000, 1, 1e-9) == pytest.approx(-math.log(MISSES) / 1000)


# ---------------------------------------------------------------------------------------------
# Simulated error rates
# ---------------------------------------------------------------------------------------------


def random_law(k: int, seed: int) -> Tensor:
    w = torch.rand(k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.05
    return w / w.sum()


def halves(p: Tensor, tv: float) -> Tensor:
    """A law at the given TV from p: one half of the cells raised, the other lowered."""
    up = torch.arange(len(p)) % 2 == 0
    q = p.clone()
    q[up] *= 1 + tv / float(p[up].sum())
    q[~up] *= 1 - tv / float(p[~up].sum())
    return q


def one_cell(p: Tensor, tv: float) -> Tensor:
    """A law at the given TV from p: the last cell takes from all others."""
    q = p * (1 - tv / float(p[:-1].sum()))
    q[-1] = p[-1] + tv
    return q


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


def test_error_rates_of_the_band_of_a_distribution_function(ledger: Ledger) -> None:
    n = 400
    rng = np.random.default_rng(4)

    def failures(transform: Callable[[Tensor], Tensor]) -> int:
        u = torch.from_numpy(rng.random((RUNS, n)))
        return sum(not dkw_check("", transform(row), LEVEL).passed for row in u)

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
    assert dkw_check("", F, 1e-9).passed
    F[50] = float("nan")
    assert not dkw_check("", F, 1e-9).passed


@pytest.mark.parametrize("claim", ["right", "wrong"])
@pytest.mark.parametrize("tv", [0.0, 0.03, 0.2])
def test_the_interval_covers_the_tv(tv: float, claim: str, ledger: Ledger) -> None:
    q = family("sparse-dirichlet:4:3:40")
    n, runs = 2000, 500
    p = torch.cat([halves(q.weights, tv * 0.8), torch.zeros(1, dtype=torch.float64)])
    p[:-1] *= 1 - tv * 0.2
    p[-1] = tv * 0.2
    exact = float((torch.cat([q.weights, torch.zeros(1)]) - p).clamp(min=0).sum())
    claimed = p if claim == "right" else p.flip(0)  # a wrong claim only makes it wider
    draws = np.random.default_rng(6).multinomial(n, (p / p.sum()).numpy(), size=runs)
    wrong = 0
    width = []
    for found in torch.from_numpy(draws):
        one = empirical_tv(found, q, LEVEL, 6, claimed)
        wrong += not one.lower <= exact <= one.upper
        width.append(one.upper - one.lower)
    assert rarely(wrong, runs, LEVEL, ledger.take(f"interval {tv} {claim}"))
    assert np.mean(width) < (0.15 if claim == "right" else 0.4)


def test_the_simulation_rejects_a_check_that_forgets_its_band(ledger: Ledger) -> None:
    # The mutant compares the plug-in with its mean alone, as if it never exceeded it by chance.
    n, p = 2000, random_law(6, 1)
    centre = plug_in.mean(n, p.numpy(), p.numpy())
    draws = np.random.default_rng(1).multinomial(n, p.numpy(), size=RUNS)
    alarms = int((np.clip(p.numpy() - draws / n, 0, None).sum(1) > centre).sum())
    assert not rarely(alarms, RUNS, LEVEL, ledger.take("naive identity"))


def test_the_simulation_rejects_an_interval_around_the_plug_in(ledger: Ledger) -> None:
    # The mutant takes the plug-in for unbiased: plug-in ± deviation misses a TV of 0 for sure.
    q = family("sparse-dirichlet:4:3:40")
    generator = torch.Generator().manual_seed(7)
    wrong = 0
    for _ in range(200):
        found = torch.multinomial(q.weights, 500, replacement=True, generator=generator)
        plug = float((q.weights - counts(found, q)[:-1] / 500).clamp(min=0).sum())
        wrong += plug - plug_in.deviation(500, LEVEL / 2) > 0
    assert not rarely(wrong, 200, LEVEL, ledger.take("naive interval"))


# ---------------------------------------------------------------------------------------------
# The rest
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tv", [0.3, 0.05, 0.01])
def test_samples_needed_is_the_threshold(tv: float) -> None:
    def detects(n: int) -> float:
        return multinomial_detects(n, 10, 1e-8)

    n = samples_needed(detects, tv)
    assert detects(n) <= tv < detects(n - 1)
    assert samples_needed(lambda _: 1.0, 0.5, most=1000) == 1000


def test_the_law_check_takes_the_more_powerful_one_before_looking() -> None:
    few, many = torch.full((4,), 0.25), torch.full((5000,), 1 / 5000)
    for p, n in ((few, 1000), (many, 20_000)):
        p = p.to(torch.float64)
        found = torch.bincount(torch.arange(n) % len(p), minlength=len(p))
        check = law_check("", found, p, 1e-6)
        options = multinomial_detects(n, len(p), 1e-6), identity_detects(n, p, 1e-6)
        assert check.detects == min(options)
    # At 5 000 cells and 20 000 samples the entropy check would detect nothing below 0.3.
    assert identity_detects(20_000, many.to(torch.float64), 1e-6) < 0.2
    assert multinomial_detects(20_000, 5000, 1e-6) > 0.3


def test_checks_say_what_they_are() -> None:
    check = Check("unmask probability", 1e-12, 1e-9, 100, 0.02)
    assert not check.passed
    assert "FAILS" in str(check)
    assert "n = 100" in str(check)
    assert "detects tv 0.02" in str(check)
    assert certain("carry-over", True, 5).passed
    assert not certain("carry-over", False, 5).passed


def test_cells_find_each_row_of_the_support_and_nothing_else() -> None:
    for text in ("sparse-dirichlet:4:3:20", "sparse-dirichlet:70:3:20"):  # 4^70 has no int64 code
        q = family(text)
        found = cells(q, torch.cat([q.rows.flip(0), q.rows[:3]]))
        assert found.tolist() == [*range(19, -1, -1), 0, 1, 2]
        other = q.rows.clone()
        other[:, 1] = 3  # a mask
        assert set(cells(q, other).tolist()) == {20}


@pytest.mark.parametrize("rows", ["support", "all"])
def test_law_on_cells_keeps_the_tv(rows: str) -> None:
    q = family("sparse-dirichlet:4:3:20")
    steps = StepLaw.from_hazards(torch.tensor([0.3, 0.9], dtype=torch.float64))
    law = tables(q, ExactDenoiser(q), rows=rows).law(steps)
    p = law_on_cells(law, q)
    assert float(p.sum()) == pytest.approx(1, abs=1e-14)
    assert float(p[-1]) > 0.1
    full = law_on_cells(tables(q, ExactDenoiser(q), rows=rows).at((1, 1, 1, 1)), q)
    assert float(full[-1]) == 0  # not what rounding left


def test_empirical_tv_of_a_running_sampler_holds_the_exact_tv() -> None:
    q = family("copies:3:3")
    steps = StepLaw.uniform(4)
    denoiser = ExactDenoiser(q)
    p = law_on_cells(tables(q, denoiser).law(steps), q)
    exact = float((torch.cat([q.weights, torch.zeros(1)]) - p).clamp(min=0).sum())
    rows = ParallelSampler(denoiser, 3, steps).sample(100_000, torch.Generator().manual_seed(9))
    one = empirical_tv(counts(cells(q, rows), q), q, 1e-9, 9, p)
    assert one.lower <= exact <= one.upper < one.lower + 0.03
    assert one.json() == {
        "n": 100_000,
        "seed": 9,
        "tv": {"lower": one.lower, "upper": one.upper},
        "level": 1e-9,
    }
