"""Dependence from predictions: unbiased over every coupling, and what a plan makes of it."""

import itertools
import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
import torch
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.letters import letters
from sharprates.samplers.noisy import NoisyDenoiser
from sharprates.samplers.target import Target
from sharprates.verification.planning.block_schedule import excess
from sharprates.verification.planning.chain_information import chain_information
from sharprates.verification.planning.fewest_steps import growth
from sharprates.verification.planning.loss_curve import loss_curve
from sharprates.verification.planning.sampled_growth import (
    bootstrap,
    cost_of_blocks,
    drops,
    measured_places,
    plan_samples,
)
from sharprates.verification.planning.schedule_plan import Goal
from sharprates.verification.profile import profile
from sharprates.verification.statistics.budget import Ledger

CHECKS = ("blocks",)
D = 3
LAWS = [
    {(0, 0, 0): 1, (1, 1, 0): 2, (1, 0, 1): 3, (0, 1, 1): 1, (1, 1, 1): 5},
    {(0, 1, 2): 2, (2, 2, 0): 1, (1, 0, 0): 4, (2, 1, 2): 3},
]


def law_of(counts: dict[tuple[int, ...], int]) -> Target:
    total = sum(counts.values())
    weights = torch.tensor([n / total for n in counts.values()], dtype=torch.float64)
    return Target.from_rows(torch.tensor(list(counts)), weights, max(map(max, counts)) + 1)


def every_coupling(target: Target, denoiser, m: int, later: int) -> float:
    """E of the estimate: all sequences by their probability, all orders alike."""
    orders = torch.tensor(list(itertools.permutations(range(D))))
    rows = target.rows.repeat_interleave(len(orders), 0)
    shown = torch.tensor([[m, later]]).expand(len(rows), 2)
    found = drops(denoiser, rows, orders.repeat(target.support, 1), shown)[:, 0]
    return float(target.weights @ found.view(target.support, -1).mean(1))


@pytest.mark.parametrize("counts", LAWS)
def test_unbiased_for_the_curve(counts) -> None:
    target = law_of(counts)
    h = profile(target).information.tolist()
    for m, later in itertools.combinations_with_replacement(range(D), 2):
        exact = h[m] - h[later]
        assert every_coupling(target, ExactDenoiser(target), m, later) == pytest.approx(
            exact, abs=1e-13
        )
    # power: predictions off by a little are seen
    wrong = NoisyDenoiser(ExactDenoiser(target), 0.01)
    assert abs(every_coupling(target, wrong, 0, 2) - (h[0] - h[2])) > 1e-5


@pytest.mark.parametrize("counts", LAWS)
def test_unbiased_for_the_growth_between_two_times(counts) -> None:
    """R_p ⊆ R_q: each of the other tokens arrives by p, or between, or later; every case summed."""
    target = law_of(counts)
    h = profile(target).information.numpy()
    p, q = Fraction(1, 5), Fraction(7, 10)
    total = 0.0
    for arrivals in itertools.product(range(3), repeat=D - 1):  # of the other two tokens
        chance = math.prod([p, q - p, 1 - q][one] for one in arrivals)
        m, later = arrivals.count(0), arrivals.count(0) + arrivals.count(1)
        total += float(chance) * D * every_coupling(target, ExactDenoiser(target), m, later)
    exact = np.diff(growth(h, np.array([float(p), float(q)])))[0]
    assert total == pytest.approx(exact, abs=1e-13)


def test_blocks_of_a_law_cost_what_the_curve_says(ledger: Ledger) -> None:
    """16 tokens, by 4000 rows: within what a normal mean allows; a wrong curve is not."""
    chain = letters(16)
    generator = torch.Generator().manual_seed(5)
    h = chain_information(chain).tolist()
    sizes = (5, 1, 6, 4)
    cost = cost_of_blocks(chain, chain.sample(4000, generator), sizes, generator)
    exact = excess(loss_curve(range(16), h, 16), sizes)
    allowed = -NormalDist().inv_cdf(ledger.take("blocks") / 2) * float(cost.std()) / math.sqrt(4000)
    assert abs(float(cost.mean()) - exact) < allowed < 0.07 * exact
    wrong = excess(loss_curve(range(16), h, 16), (5, 1, 7, 3))
    assert abs(float(cost.mean()) - wrong) > allowed


def test_a_bootstrap_covers_as_often_as_it_says() -> None:
    generator = torch.Generator().manual_seed(0)
    covered = 0
    for _ in range(100):
        low, high = bootstrap(torch.randn(60, generator=generator), generator)
        covered += low < 0 < high
    assert 88 <= covered <= 99


def test_places_cover_both_ends() -> None:
    assert measured_places(1) == [0]
    assert measured_places(9) == list(range(9))
    some = measured_places(256)
    assert some[:4] == [0, 1, 2, 4]
    assert some[-3:] == [253, 254, 255]
    assert len(some) < 40


def test_a_plan_of_letters() -> None:
    """Estimates lie near the exact curve's, and say that they are estimates."""
    chain = letters(48)
    plan = plan_samples(chain, "letters:48", Goal(kl=1.0), samples=1000, seed=1)
    h = chain_information(chain).tolist()
    assert plan.label == "estimate"
    assert "(U4)" in plan.knows
    assert plan.curve is not None
    assert plan.curve[0] == pytest.approx(h[0] - h[-1], abs=0.05)
    best = plan.cheapest
    assert best.claim == "KL6"
    assert best.interval is not None
    exact = excess(loss_curve(range(48), h, 48), best.sizes)
    assert best.interval[0] - 0.03 < exact < best.interval[1] + 0.03
    assert best.promise == pytest.approx(exact, abs=0.1)
    assert plan == plan_samples(chain, "letters:48", Goal(kl=1.0), samples=1000, seed=1)
    tc = float(plan.notes[0].split()[2])
    assert tc == pytest.approx(sum(h[0] - x for x in h), rel=0.05)
    one = plan_samples(letters(1), "letters:1", Goal(kl=1.0), samples=4)
    assert one.cheapest.sizes == (1,)


class Forgetting:
    """Rules a symbol out at first, and not later."""

    length, vocabulary, time_free, normalised = 2, 2, True, True

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randint(2, (n, 2), generator=generator)

    def __call__(self, x, t=None, positions=None):  # noqa: ARG002 - the protocol's
        p = torch.full((*x.shape, 2), 0.5, dtype=torch.float64)
        p[(x == 2).all(1)] = torch.tensor([1.0, 0.0], dtype=torch.float64)
        return p if positions is None else p[positions]


def test_what_cannot_be_estimated_is_said() -> None:
    with pytest.raises(InputError, match="gives probability 0 to a symbol"):
        plan_samples(Forgetting(), "own", Goal(kl=1.0))
    with pytest.raises(InputError, match="samples: need at least 4, got 3"):
        plan_samples(letters(4), "letters:4", Goal(kl=1.0), samples=3)
    timed = Forgetting()
    timed.time_free = False
    with pytest.raises(InputError, match="depends on time"):
        plan_samples(timed, "own", Goal(kl=1.0))
