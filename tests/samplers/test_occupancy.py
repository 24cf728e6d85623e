"""Bins of a step law, and the chances of single groups against direct counting."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from sharprates.samplers.occupancy import (
    Bins,
    code_draws,
    distinct_draws,
    equal_draws,
    shared_draws,
)
from sharprates.samplers.step_law import StepLaw


def by_hand(
    weights: list[Fraction], tokens: int, agree: Callable[[list[int]], Fraction]
) -> Fraction:
    """Sum over all allocations of tokens to bins, of their chance times that of success."""
    total = Fraction(0)
    for steps in itertools.product(range(len(weights)), repeat=tokens):
        sizes = [steps.count(k) for k in range(len(weights))]
        total += math.prod((weights[k] for k in steps), start=Fraction(1)) * agree(sizes)
    return total


def equal(sizes: list[int]) -> Fraction:
    return Fraction(1, 3) ** (next(n for n in sizes if n) - 1)


def shared(sizes: list[int]) -> Fraction:
    return Fraction(1, 3) ** sum(math.comb(n, 2) for n in sizes)


def beyond_two(sizes: list[int]) -> Fraction:
    known = 0
    for n in sizes:
        if known + n >= 2:
            return Fraction(1, 3) ** (known + n - 2)
        known += n
    return Fraction(1)


def distinct(sizes: list[int]) -> Fraction:
    left, chance = sum(sizes), Fraction(1)
    for n in sizes:
        chance *= Fraction(math.perm(left, n), left**n) if n else 1
        left -= n
    return chance


WEIGHTS = [Fraction(1, 8), Fraction(1, 2), Fraction(3, 8)]


@pytest.mark.parametrize("tokens", [2, 3, 6])
def test_chances_agree_with_counting(tokens: int) -> None:
    law = StepLaw.from_weights(torch.tensor([float(w) for w in WEIGHTS], dtype=torch.float64))
    bins = Bins.of(law)
    for found, agree in (
        (equal_draws(bins, tokens, 3), equal),
        (shared_draws(bins, tokens, 3), shared),
        (code_draws(bins, tokens, 2, 3), beyond_two),
        (distinct_draws(bins, tokens), distinct),
    ):
        exact = by_hand(WEIGHTS, tokens, agree)
        assert math.exp(found.log_success) == pytest.approx(float(exact), rel=1e-13)
        if exact > Fraction(1, 2):
            assert found.failure == pytest.approx(float(1 - exact), rel=1e-13)


def test_bins_of_weights_and_of_hazards_agree() -> None:
    """Empty steps are dropped, leftover is conditioned away, and both ends stay accurate."""
    weights = torch.tensor([0.0, 1e-9, 0.25, 0.0, 0.5, 1e-12], dtype=torch.float64)
    given = Bins.of(StepLaw.from_weights(weights))
    derived = Bins.of(StepLaw.from_hazards(StepLaw.from_weights(weights).hazards))
    for name in ("width", "before", "after", "hazard", "log_from_here", "log_after", "log_until"):
        np.testing.assert_allclose(getattr(given, name), getattr(derived, name), rtol=1e-14)
    assert given.width.tolist() == pytest.approx([4e-9 / 3, 1 / 3, 2 / 3, 4e-12 / 3], rel=1e-8)
    assert given.log_kept == pytest.approx(math.log(0.75), rel=1e-8)
    assert given.after[-1] == 0
    assert given.hazard[-1] == 1
    assert given.log_after[-1] == -math.inf
    assert given.log_after[0] == pytest.approx(-4e-9 / 3, rel=1e-8)


def test_a_million_steps_keep_their_digits() -> None:
    """Prefix sums against exact ones: the error stays near an ulp, not a million of them."""
    steps = 1_000_000
    bins = Bins.of(StepLaw.from_hazards(torch.full((steps,), 1e-9, dtype=torch.float64)))
    r = Fraction(1e-9)
    # 1 − (1−r)^K to second order and beyond, exactly enough: K·r = 1e-3.
    terms = [Fraction(math.comb(steps, j)) * (-r) ** j for j in range(1, 8)]
    kept = -sum(terms, Fraction(0))
    assert bins.log_kept == pytest.approx(math.log(kept), rel=1e-14)
    last = r * (1 - (steps - 1) * r + math.comb(steps - 1, 2) * r**2 - math.comb(steps, 3) * r**3)
    assert bins.width[-1] == pytest.approx(float(last / kept), rel=1e-8)
    np.testing.assert_allclose(bins.before + bins.width + bins.after, 1.0, rtol=1e-14)


def guesses(weights: list[Fraction], d: int, k: int, S: int) -> Fraction:
    """P(every guess is right): the bin that holds the k-th token, by how many it holds."""
    total, before = Fraction(0), Fraction(0)
    for w in weights:
        after = 1 - before - w
        for m in range(k):
            for n in range(k - m, d - m + 1):
                ways = math.comb(d, m) * math.comb(d - m, n)
                chance = ways * before**m * w**n * after ** (d - m - n)
                total += chance / S ** (m + n - k)
        before += w
    return total


@pytest.mark.parametrize(
    ("d", "k", "S"), [(2, 1, 2), (9, 1, 3), (12, 8, 2), (12, 11, 2), (30, 12, 5)]
)
@pytest.mark.parametrize(
    "exponents",
    [
        (1,),  # one bin: before and after are empty
        (1, 30),
        (30, 1),
        (40, 1, 2, 40, 3, 10),
        (3,) * 8,
        (200, 2, 1, 2),  # a chance below every digit of the others
    ],
)
def test_codes_agree_with_fractions_whatever_the_bins(
    exponents: tuple[int, ...], d: int, k: int, S: int
) -> None:
    raw = [Fraction(1, 2**e) for e in exponents]
    weights = [w / sum(raw) for w in raw]
    exact = guesses(weights, d, k, S)
    law = StepLaw.from_weights(torch.tensor([float(w) for w in weights], dtype=torch.float64))
    found = code_draws(Bins.of(law), d, k, S)
    assert math.exp(found.log_success) == pytest.approx(float(exact), rel=1e-12)
    assert found.failure == pytest.approx(float(1 - exact), rel=1e-12)
