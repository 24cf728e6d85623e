"""The rate in d, S and ε: step counts by a second calculation, exponents, the largest factor."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studies import rate
from studies.rate import Point

SMALL = [(4, 2, 0.25), (4, 256, 0.25), (7, 15, 0.01), (16, 16, 0.1), (16, 4, 0.01), (64, 4, 0.05)]


@pytest.fixture(scope="module")
def points():
    return [rate.point(*at) for at in SMALL]


def at(points, *where):
    return next(p for p in points if (p.length, p.vocabulary, p.tv) == where)


def test_values_of_the_note(points):
    one = at(points, 64, 4, 0.05)
    assert one.enough == {"E3": 39325, "E5": 876, "E7": 878}
    assert one.lower == one.needed["L6"] == 615
    assert at(points, 7, 15, 0.01).factor == pytest.approx(3.16, abs=0.005)
    # 2.30 at powers of 4 is E3 and E5 against L1 and L6; L3 is better here
    few = at(points, 4, 256, 0.25)
    old = few.upper / max(few.needed["L1"], few.needed["L6"])
    assert old == pytest.approx(2.30, abs=0.005)
    assert few.factor < old


def needed_by_hand(d, S, tv):
    """L1 and L6 (a), K counted upwards in floats."""

    def birthday(g, K):
        return math.prod(1 - j / K for j in range(g)) if g <= K else 0.0

    def loss(K):
        pairs = 1 - (1 - (1 - 1 / S) / K) ** (d // 2)
        groups = [
            1 - (1 - 0.5 * (1 - birthday(g, K))) ** (d // g)
            for g in range(2, d + 1)
            if 2 ** (g - 1) <= S
        ]
        return max([pairs, *groups])

    return next(K for K in range(1, 10**6) if loss(K) <= tv)


@settings(max_examples=15)
@given(st.integers(2, 12), st.sampled_from([2, 3, 4, 8, 20]), st.sampled_from([0.3, 0.1]))
def test_lower_counts_by_hand(d, S, tv):
    one = rate.point(d, S, tv)
    assert max(one.needed["L1"], one.needed["L6"]) == needed_by_hand(d, S, tv)
    birthday = next(
        K for K in range(1, 10**6) if 1 - math.prod(1 - j / K for j in range(min(d, K + 1))) <= tv
    )
    assert one.enough["E3"] == birthday
    assert 1 <= one.lower <= one.upper


def made_up(length, vocabulary, tv, steps):
    return Point(length, vocabulary, tv, {"E3": steps, "E5": 2 * steps}, {"L1": steps // 2})


def test_exponents_of_a_known_rate():
    grid = [(d, S, e) for d in (4, 16, 64) for S in (2, 16, 4096) for e in (0.1, 0.01)]
    known = [
        made_up(d, S, e, round(1000 * d**1.5 * min(d, math.log(S)) ** 0.5 / e)) for d, S, e in grid
    ]
    fit = rate.exponents(known, lambda one: one.upper)
    assert fit.length == pytest.approx(1.5, abs=1e-3)
    assert fit.size == pytest.approx(0.5, abs=1e-3)
    assert fit.error == pytest.approx(1, abs=1e-3)
    assert fit.residual < 1e-3


def test_the_largest_factor_of_a_grid(points):
    assert rate.largest(points) is at(points, 7, 15, 0.01)
    grid = rate.scan((4, 8), (2, 4), (0.1,))
    assert [(p.length, p.vocabulary) for p in grid] == [(4, 2), (4, 4), (8, 2), (8, 4)]
    assert grid[1] == rate.point(4, 4, 0.1)
