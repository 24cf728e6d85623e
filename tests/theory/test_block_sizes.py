"""Block sizes from one number: guaranteed on every falling curve, and the fewest that are."""

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory.block_sizes import (
    DtcShare,
    TcShare,
    dtc_blocks,
    shrinking_blocks,
    tc_blocks,
)
from sharprates.theory.errors import TheoryError
from sharprates.theory.functions import BlockDivergence, all_compositions
from sharprates.theory.proofs.proof import RATIONALS

lengths = st.integers(1, 8)
curves = st.lists(st.fractions(0, 4, max_denominator=9), min_size=1, max_size=12).map(
    lambda values: sorted(values, reverse=True)
)
budgets = st.fractions(Fraction(1, 20), 3, max_denominator=20)


def correlations(h: list[Fraction]) -> tuple[Fraction, Fraction]:
    """TC and DTC of a curve."""
    return sum(h[0] - x for x in h), sum(x - h[-1] for x in h)


def divergence(sizes: tuple[int, ...], h: list[Fraction]) -> Fraction:
    return BlockDivergence.compute(RATIONALS, sizes, h)


@given(curves, budgets)
def test_the_sizes_cost_no_more_than_allowed(h: list[Fraction], epsilon: Fraction) -> None:
    d = len(h)
    tc, dtc = correlations(h)
    for sizes in (tc_blocks(d, tc, epsilon), dtc_blocks(d, dtc, epsilon)):
        assert sum(sizes) == d
        assert divergence(sizes, h) <= epsilon
    parts = max(1, math.ceil(tc / epsilon))
    shrinking = shrinking_blocks(d, parts)
    assert sum(shrinking) == d
    assert divergence(shrinking, h) <= tc / parts <= epsilon


@given(lengths, st.fractions(0, 8, max_denominator=9), budgets)
def test_no_fewer_blocks_are_certified(d: int, total: Fraction, epsilon: Fraction) -> None:
    """Against all compositions, each certified by the steps that are its worst curves."""
    steps = [[Fraction(int(m < j)) for m in range(d)] for j in range(1, d)]

    def certified(sizes: tuple[int, ...], dual: bool) -> bool:
        return all(
            total * divergence(sizes, h) <= epsilon * correlations(h)[int(dual)] for h in steps
        )

    for find, dual in ((tc_blocks, False), (dtc_blocks, True)):
        fewest = min(len(a) for a in all_compositions(d) if certified(a, dual))
        found = find(d, total, epsilon)
        assert certified(found, dual)
        assert len(found) == fewest


@given(lengths.flatmap(lambda d: st.sampled_from(all_compositions(d))))
def test_the_shares_are_attained_by_steps(sizes: tuple[int, ...]) -> None:
    d = sum(sizes)
    steps = [[Fraction(int(m < j)) for m in range(d)] for j in range(1, d)]
    for share, dual in ((TcShare, 0), (DtcShare, 1)):
        worst = max((divergence(sizes, h) / correlations(h)[dual] for h in steps), default=0)
        assert share.compute(RATIONALS, sizes) == worst


def test_two_thousand_long_curves() -> None:
    """d up to 256, falling curves of many shapes, within rounding of the sums."""
    rng = np.random.default_rng(0)
    for _ in range(2000):
        d = int(rng.integers(2, 257))
        drops = rng.exponential(size=d) * (rng.random(d) < rng.choice([0.02, 0.2, 1.0]))
        h = np.cumsum(drops[::-1])[::-1]
        tc, dtc = float((h[0] - h).sum()), float((h - h[-1]).sum())
        epsilon = float(10 ** rng.uniform(-2, 1))
        for sizes in (
            tc_blocks(d, tc, epsilon),
            dtc_blocks(d, dtc, epsilon),
            shrinking_blocks(d, max(1, math.ceil(tc / epsilon))),
        ):
            opened = np.cumsum(sizes) - sizes
            kl = float((np.array(sizes) * h[opened]).sum() - h.sum())
            assert sum(sizes) == d
            assert kl <= epsilon + 1e-9 * h[0] * d


def test_fewer_than_published() -> None:
    assert len(tc_blocks(1024, 4, 1)) == 22
    assert len(shrinking_blocks(1024, 4)) == 25
    assert len(shrinking_blocks(1024, 1 + 4)) == 31  # as published


def test_a_rounded_share_takes_no_token_too_many() -> None:
    """0.1·3 rounds to above 3/10: the sizes use the fraction that the float is."""
    assert tc_blocks(11, 1, 0.1) == tc_blocks(11, Fraction(1), Fraction(0.1))
    assert tc_blocks(11, 1, Fraction(1, 10))[0] == 2
    assert tc_blocks(11, 1, Fraction(1, 10) - Fraction(1, 10**30))[0] == 1


def test_limits() -> None:
    for find in (tc_blocks, dtc_blocks):
        assert find(7, 0, 0.1) == (7,)
        assert find(7, 1, 7) == (7,)
        assert find(7, 1, 1e-9) == (1,) * 7
    assert shrinking_blocks(7, 1) == (7,)
    assert shrinking_blocks(7, 8) == (1,) * 7
    start = time.perf_counter()
    tc_blocks(4096, 400.0, 0.1)
    dtc_blocks(4096, 400.0, 0.1)
    assert time.perf_counter() - start < 0.2


@pytest.mark.parametrize(
    ("d", "total", "epsilon", "hint"),
    [
        (0, 1, 1, "length: must be at least 1, got 0"),
        (3, -1, 1, "correlation: must be finite and not negative, got -1"),
        (3, math.nan, 1, "correlation"),
        (3, math.inf, 1, "correlation"),
        (3, 1, 0, "ε: must be finite and above 0, got 0"),
        (3, 1, math.nan, "ε"),
    ],
)
def test_bad_numbers_are_named(d: int, total: float, epsilon: float, hint: str) -> None:
    for find in (tc_blocks, dtc_blocks):
        with pytest.raises(TheoryError, match=hint):
            find(d, total, epsilon)
    with pytest.raises(TheoryError, match="ζ ≥ 1, got d = 3, ζ = 0"):
        shrinking_blocks(3, 0)
