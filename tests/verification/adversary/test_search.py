"""Tools of the hunts: marginals, the constant c in torch, rounding, readable instances."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.verification.adversary import frontier, search
from sharprates.verification.adversary.search import (
    Support,
    first_order,
    instance_of,
    roundings,
    simplest,
    uniform_first_order,
)


@given(
    st.integers(2, 4).flatmap(
        lambda d: st.lists(st.tuples(*[st.integers(0, 2)] * d), min_size=1, max_size=6, unique=True)
    ),
    st.data(),
)
def test_the_differentiable_constant_is_the_exact_one(rows, data):
    counts = data.draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    exact = frontier.first_order_of(instance_of(rows, counts, 3))
    weights = torch.tensor(counts, dtype=torch.float64)[:, None] / sum(counts)
    value = first_order(Support(torch.tensor(rows), 3).marginals(weights), weights)
    assert float(value) == pytest.approx(float(exact), abs=1e-12)
    repeated = torch.tensor([row for row, n in zip(rows, counts, strict=True) for _ in range(n)])
    assert float(uniform_first_order(repeated[None])) == pytest.approx(float(exact), abs=1e-12)


def test_all_rows_and_pair_terms():
    assert search.all_rows(2, 3).tolist() == [[a, b] for a in range(3) for b in range(3)]
    assert search.all_rows(1, 2).tolist() == [[0], [1]]
    terms, weights = search.pair_terms(3)
    assert terms.shape == (4, 3 * 2)  # C(3,2) pairs, the third position in U or not
    assert float(weights.sum()) == pytest.approx(2)  # each size |U| = 0, 1 counts once


def test_weights_stay_positive():
    weights = search.as_weights(torch.tensor([[0.0], [1000.0]], dtype=torch.float64))
    assert float(weights.min()) == search.SMALLEST


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=6), st.integers(1, 30))
def test_roundings_are_laws_near_the_given_one(weights, largest):
    for denominator, counts in zip(
        range(1, largest + 1), roundings(weights, largest), strict=False
    ):
        assert sum(counts) == denominator
        for count, w in zip(counts, weights, strict=True):
            assert abs(count / denominator - w / sum(weights)) <= 1 / denominator + 1e-9


def test_a_rational_law_is_its_own_rounding():
    assert [4, 2, 1] in roundings([4 / 7, 2 / 7, 1 / 7], 7)
    assert simplest([0.1, 0.5, 0.5 + 1e-12]) == 1


def test_symbols_are_named_in_order_of_appearance():
    it = instance_of([[2, 1], [1, 0], [2, 1]], [1, 1, 1], 3)
    assert it.rows == ((0, 0), (1, 1))
    assert it.weights == (Fraction(2, 3), Fraction(1, 3))
