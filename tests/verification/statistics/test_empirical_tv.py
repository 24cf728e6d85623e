"""The interval for a total variation covers it as often as stated; the cells of a target."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.parallel import ParallelSampler
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification.statistics import plug_in_tv
from sharprates.verification.statistics.budget import Ledger
from sharprates.verification.statistics.empirical_tv import (
    cells,
    counts,
    empirical_tv,
    law_on_cells,
)

from tests.verification.statistics.error_rates import LEVEL, halves, rarely

CHECKS = (
    *(f"interval {tv} {claim}" for tv in (0.0, 0.03, 0.2) for claim in ("right", "wrong")),
    "naive interval",
    "running sampler",
)


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


def test_the_simulation_rejects_an_interval_around_the_plug_in(ledger: Ledger) -> None:
    # The mutant takes the plug-in for unbiased: plug-in ± deviation misses a TV of 0 for sure.
    q = family("sparse-dirichlet:4:3:40")
    generator = torch.Generator().manual_seed(7)
    wrong = 0
    for _ in range(200):
        found = torch.multinomial(q.weights, 500, replacement=True, generator=generator)
        plug = float((q.weights - counts(found, q)[:-1] / 500).clamp(min=0).sum())
        wrong += plug - plug_in_tv.deviation(500, LEVEL / 2) > 0
    assert not rarely(wrong, 200, LEVEL, ledger.take("naive interval"))


def test_cells_find_each_row_of_the_support_and_nothing_else() -> None:
    for text in ("sparse-dirichlet:4:3:20", "sparse-dirichlet:70:3:20"):  # 4^70 has no int64 code
        q = family(text)
        found = cells(q, torch.cat([q.rows.flip(0), q.rows[:3]]))
        assert found.tolist() == [*range(19, -1, -1), 0, 1, 2]
        other = q.rows.clone()
        other[:, 1] = 3  # a mask
        assert set(cells(q, other).tolist()) == {20}
    S = 4_200_000_000  # (S + 1)² has 64 bits: one too many
    wide = Target.from_rows([[0, 0], [S - 1, 0]], [1, 1], S)
    assert cells(wide, torch.tensor([[S - 1, 0], [0, 0], [S, 0]])).tolist() == [1, 0, 2]


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
    kept = law_on_cells(tables(q, ExactDenoiser(q), rows="support").law(steps), q)
    assert torch.allclose(p, kept, atol=1e-14)
    half = torch.tensor([0.5, 0.25], dtype=torch.float64)
    pair = family("copies:2:2")
    for error, rest in ((0.25, 0.0), (0.2, 0.25)):
        law = OutputLaw(pair.rows, half, 2, dense=False, relative_error=0.0, error=error)
        assert law_on_cells(law, pair).tolist() == [0.5, 0.25, rest]


def test_empirical_tv_of_a_running_sampler_holds_the_exact_tv(ledger: Ledger) -> None:
    q = family("copies:3:3")
    steps = StepLaw.equal(4)
    denoiser = ExactDenoiser(q)
    p = law_on_cells(tables(q, denoiser).law(steps), q)
    exact = float((torch.cat([q.weights, torch.zeros(1)]) - p).clamp(min=0).sum())
    rows = ParallelSampler(3, steps).sample(denoiser, 100_000, torch.Generator().manual_seed(9))
    level = ledger.take("running sampler")
    one = empirical_tv(counts(cells(q, rows), q), q, level, 9, p)
    assert one.lower <= exact <= one.upper < one.lower + 0.03
    assert one.json() == {
        "n": 100_000,
        "seed": 9,
        "tv": {"lower": one.lower, "upper": one.upper},
        "level": level,
    }


@pytest.mark.parametrize("level", [Fraction(1, 2), Fraction(1, 10), Fraction(1, 10**6)])
@pytest.mark.parametrize("n", [2, 5, 9])
def test_the_lower_end_has_half_of_the_level_in_fractions(n: int, level: Fraction) -> None:
    """At a true chance equal to the end, as many hits or more have exactly that probability."""
    q = family("copies:2:2")
    claimed = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    for hits in range(1, n + 1):  # outside the support, where q_0 has nothing
        one = empirical_tv(torch.tensor([n - hits, 0, hits]), q, float(level), 0, claimed)
        p = Fraction(one.lower)
        tail = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1))
        assert float(tail / (level / 2)) == pytest.approx(1, rel=1e-9)
    none = empirical_tv(torch.tensor([n, 0, 0]), q, float(level), 0, claimed)
    assert none.lower == 0


@pytest.mark.parametrize("level", [Fraction(1, 2), Fraction(1, 10), Fraction(1, 10**6)])
def test_the_upper_end_has_half_of_the_level(level: Fraction) -> None:
    """There the least mean of the plug-in exceeds it by t, and e^(−2nt²) is half of the level."""
    q, n = family("copies:2:2"), 4000
    claimed = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    one = empirical_tv(torch.tensor([n // 2, n // 2, 0]), q, float(level), 0, claimed)
    excess = plug_in_tv.least_mean(n, q.weights.numpy())(one.upper)  # the plug-in is 0
    assert math.exp(-2 * n * excess**2) / float(level / 2) == pytest.approx(1, rel=1e-9)


def test_the_ends_do_not_cross_where_a_sample_is_too_good() -> None:
    """Ten cells hit as evenly as can be, and one foreign row, which alone speaks of a distance."""
    q = family("uniform:1:10")
    found = torch.tensor([10] * 9 + [9, 1])
    one = empirical_tv(found, q, 0.9, 0, torch.tensor([0.09] * 10 + [0.1], dtype=torch.float64))
    assert one.lower == one.upper > 0.005
