"""Block schedules: the excess against brute force on a Markov chain, and the best blocks."""

import itertools
import math
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.compositions import compositions, monomials, multinomials
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import markov_chain
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.verification.planning.block_schedule import (
    _by_stages,
    _priced,
    best_blocks,
    equal_blocks,
    excess,
    fewest_blocks,
    mean_excess,
)
from sharprates.verification.planning.loss_curve import LossCurve, loss_curve
from sharprates.verification.profile import profile


@pytest.fixture(scope="module")
def chain() -> Target:
    return markov_chain([0.5, 0.3, 0.2], [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.3, 0.1, 0.6]], 4)


def whole(losses: list[float] | np.ndarray) -> LossCurve:
    return loss_curve(range(len(losses)), list(losses), len(losses))


def conditional(pmf: np.ndarray, x: tuple[int, ...], i: int, known: tuple[int, ...]) -> float:
    """q_0(x_i | x_known) by summing the dense table."""
    place = tuple(x[j] if j in known else slice(None) for j in range(pmf.ndim))
    both = tuple(x[j] if j in known or j == i else slice(None) for j in range(pmf.ndim))
    return float(pmf[both].sum() / pmf[place].sum())


def mean_divergence(pmf: np.ndarray, blocks: tuple[int, ...]) -> float:
    """E_σ KL(q_0 ‖ P_{a,σ}) by enumerating orders and sequences."""
    d, orders = pmf.ndim, list(itertools.permutations(range(pmf.ndim)))
    total = 0.0
    for order in orders:
        for x in itertools.product(range(pmf.shape[0]), repeat=d):
            log_p, done = 0.0, 0
            for size in blocks:
                known = order[:done]
                for i in order[done : done + size]:
                    log_p += math.log(conditional(pmf, x, i, known))
                done += size
            total += float(pmf[x]) * (math.log(float(pmf[x])) - log_p)
    return total / len(orders)


def test_excess_is_the_exact_difference_in_kl(chain: Target) -> None:
    """On a Markov chain, L_m = h_m; one token at a time has KL 0, so the excess is the KL."""
    pmf = chain.pmf().numpy()
    curve = whole(profile(chain).information.numpy())
    assert curve.label == "exact"
    for blocks in [(4,), (1, 3), (3, 1), (2, 2), (1, 2, 1), (1, 1, 1, 1)]:
        exact = mean_divergence(pmf, blocks)
        assert excess(curve, blocks) == pytest.approx(exact, abs=1e-12), blocks
    # Power: the comparison sees a curve that is off by 1e-9 at one place.
    wrong = whole(profile(chain).information.numpy() + np.array([0, 1e-9, 0, 0]))
    assert abs(excess(wrong, (1, 3)) - mean_divergence(pmf, (1, 3))) > 1e-10


def test_a_model_that_errs_keeps_its_differences(chain: Target) -> None:
    """A loss above h by the same amount everywhere ranks schedules as h does."""
    h = profile(chain).information.numpy()
    for blocks in [(4,), (2, 2), (1, 3)]:
        assert excess(whole(h + 0.3), blocks) == pytest.approx(excess(whole(h), blocks), abs=1e-12)


@pytest.mark.parametrize("weights", [[0.25] * 4, [0.5, 0.3, 0.2], [0.1, 0.9]])
def test_mean_excess_averages_over_the_blocks_of_a_step_law(weights: list[float]) -> None:
    curve = whole([1.0, 0.7, 0.65, 0.4, 0.1])
    law = StepLaw.from_weights(torch.tensor(weights, dtype=torch.float64))
    chances = multinomials(5) * monomials(law.weights, 5)
    average = sum(
        float(chance) * excess(curve, blocks)
        for chance, blocks in zip(chances, compositions(5), strict=True)
    )
    assert mean_excess(curve, weights) == pytest.approx(average, abs=1e-13)


curves = st.lists(st.floats(0, 5), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(curves, st.integers(1, 13), st.booleans())
def test_no_composition_is_better(losses: list[float], steps: int, sort: bool) -> None:
    """Falling curves and noisy ones, against all compositions of at most K parts."""
    curve = whole(sorted(losses, reverse=True) if sort else losses)
    found = best_blocks(curve, steps)
    assert len(found.blocks) <= steps
    assert sum(found.blocks) == curve.length
    everything = [excess(curve, a) for a in compositions(curve.length) if len(a) <= steps]
    assert found.excess == pytest.approx(min(everything), abs=1e-12)
    assert found.excess <= equal_blocks(curve, steps).excess + 1e-12


@given(curves, st.floats(0, 6))
def test_no_fewer_blocks_are_enough(losses: list[float], most: float) -> None:
    """Against all compositions; curves of whole numbers have many ties."""
    for curve in (whole(sorted(losses, reverse=True)), whole(sorted(map(round, losses))[::-1])):
        found = fewest_blocks(curve, most)
        assert found.excess <= most
        fewer = [a for a in compositions(curve.length) if len(a) < len(found.blocks)]
        assert all(excess(curve, a) > most - 1e-12 for a in fewer)


def falling(d: int, seed: int) -> LossCurve:
    """With flat stretches: there blocks of several sizes cost the same."""
    rng = np.random.default_rng(seed)
    drops = rng.exponential(size=d) * (rng.random(d) < rng.choice([0.05, 0.5, 1.0]))
    return whole(np.cumsum(drops)[::-1])


@settings(max_examples=40)
@given(st.integers(1, 150), st.integers(0, 10**6))
def test_prices_find_what_the_programme_finds(d: int, seed: int) -> None:
    """At every K, by two algorithms that share nothing."""
    curve = falling(d, seed)
    for steps in {1, 2, d // 3 + 1, d // 2 + 1, max(1, d - 1), d}:
        quick = best_blocks(curve, steps)
        slow = excess(curve, np.diff(_by_stages(curve.losses, steps)).tolist())
        assert len(quick.blocks) <= steps
        assert quick.excess == pytest.approx(slow, rel=1e-11, abs=1e-11)


def test_prices_are_wrong_where_curves_rise() -> None:
    """Why `best_blocks` looks first; and power of the comparison above."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(20):
        losses = rng.exponential(size=30)
        ends = _priced(losses.tolist(), 0.2)
        cost = excess(whole(losses), np.diff(ends).tolist())
        wrong += cost > best_blocks(whole(losses), len(ends) - 1).excess + 1e-9
    assert wrong > 0


def test_four_thousand_tokens_take_seconds() -> None:
    curve = whole(1 / np.sqrt(np.arange(1, 4097)))
    began = time.process_time()
    assert len(best_blocks(curve, 2048).blocks) == 2048
    assert fewest_blocks(curve, 1e-3).excess <= 1e-3
    assert time.process_time() - began < 5


def test_long_curves_in_many_blocks() -> None:
    """d = 3000: more blocks never cost more, and K = d costs nothing."""
    d = 3000
    curve = whole(8 / (1 + np.arange(d) / 50))
    costs = [best_blocks(curve, K).excess for K in (1, 2, 30, 300)]
    assert costs == sorted(costs, reverse=True)
    assert best_blocks(curve, 10**6).blocks == (1,) * d
    assert best_blocks(curve, 30).excess < 0.6 * equal_blocks(curve, 30).excess


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda c: excess(c, (1, 1)), "sum to d = 3"),
        (lambda c: excess(c, (0, 3)), "sizes must be at least 1"),
        (lambda c: best_blocks(c, 0), "steps: need K ≥ 1"),
        (lambda c: equal_blocks(c, 0), "steps: need K ≥ 1"),
        (lambda c: fewest_blocks(c, -1), "excess: needs a number ≥ 0, got -1"),
        (lambda c: fewest_blocks(c, math.nan), "excess: needs a number ≥ 0, got nan"),
    ],
)
def test_bad_arguments_are_named(call, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        call(whole([1.0, 0.5, 0.2]))


def test_fewest_blocks_need_a_curve_that_falls() -> None:
    with pytest.raises(InputError, match="rises with more context"):
        fewest_blocks(whole([1, 2]), 1)
