"""Tables of marginals against sums over the support."""

from itertools import product

import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.marginal_table import Places, is_small, marginal_table

whole = st.integers(1, 9).map(float)


@st.composite
def laws(draw):
    """Rows, weights in two parts that floats add up exactly, and S."""
    d, S = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rows = draw(st.lists(st.tuples(*[st.integers(0, S - 1)] * d), min_size=1, unique=True))
    parts = [draw(st.lists(whole, min_size=len(rows), max_size=len(rows))) for _ in range(2)]
    return torch.tensor(rows), torch.tensor(parts, dtype=torch.float64), S


@given(laws())
def test_each_is_the_weight_of_the_rows_that_agree(law):
    rows, parts, S = law
    d = rows.shape[1]
    table = marginal_table(rows, parts, S).tolist()
    for x, found in zip(product(range(S + 1), repeat=d), table, strict=True):
        agree = [all(a in (S, b) for a, b in zip(x, row, strict=True)) for row in rows.tolist()]
        assert found == float(parts.sum(0)[torch.tensor(agree)].sum())


@given(laws())
def test_joint_masses_sum_to_the_mass_and_pairs_are_picked(law):
    rows, parts, S = law
    d = rows.shape[1]
    table = marginal_table(rows, parts, S)
    x = torch.tensor(list(product(range(S + 1), repeat=d)))
    joint, mass = (table.take(place) for place in Places.of(x, S))
    hidden = x == S
    assert torch.equal(joint.sum(2)[hidden], mass.squeeze(2).expand(-1, d)[hidden])
    pairs = hidden.nonzero().unbind(1)
    some, of_some = (table.take(place) for place in Places.of(x, S, (pairs[0], pairs[1])))
    assert torch.equal(some, joint[hidden])
    assert torch.equal(of_some.squeeze(1), mass.view(-1)[pairs[0]])


def test_a_table_is_for_few_states_or_for_many_rows():
    assert is_small(6, 2, 1)
    assert is_small(12, 2, 4096)
    assert not is_small(12, 2, 8)
    assert not is_small(16, 2, 2**16)
