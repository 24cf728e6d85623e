"""Exact conditionals against sums by brute force in exact fractions."""

from contextlib import nullcontext
from fractions import Fraction
from itertools import product
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers import denoiser as module
from sharprates.samplers.denoiser import OFF_SUPPORT, ExactDenoiser, relative_error
from sharprates.samplers.errors import InputError
from sharprates.samplers.target import Target


@st.composite
def targets(draw) -> Target:
    d, S = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rows = draw(
        st.lists(st.lists(st.integers(0, S - 1), min_size=d, max_size=d), min_size=1, max_size=12)
    )
    # From equal to wildly uneven: 2^-60 of the largest weight is still mass.
    weights = draw(
        st.lists(st.integers(0, 60), min_size=len(rows), max_size=len(rows)).map(
            lambda powers: [2.0**-p for p in powers]
        )
    )
    return Target.from_rows(rows, weights, S)


def partial_states(d: int, S: int) -> torch.Tensor:
    return torch.tensor(list(product(range(S + 1), repeat=d)))


def brute(target: Target, x: list[int], i: int, off_support: str) -> list[Fraction]:
    """q_0(x_i = a | revealed part of x), for each a."""
    S = target.vocabulary
    rows, weights = target.rows.tolist(), [Fraction(w) for w in target.weights.tolist()]
    fits = [all(a in (S, b) for a, b in zip(x, row, strict=True)) for row in rows]
    if not any(fits):
        if off_support == "uniform":
            return [Fraction(1, S)] * S
        if off_support == "first":
            return [Fraction(a == 0) for a in range(S)]
        fits = [True] * len(rows)  # the marginal: nothing revealed
    mass = [
        sum(w for row, w, f in zip(rows, weights, fits, strict=True) if f and row[i] == a)
        for a in range(S)
    ]
    return [Fraction(m) / sum(mass) for m in mass]


def sums_of_the_support():
    """So that predictions are not looked up in a table of all marginals."""
    return patch.object(module, "is_small", lambda *_: False)


ways = st.sampled_from([nullcontext, sums_of_the_support])


@given(target=targets(), off_support=st.sampled_from(OFF_SUPPORT), way=ways)
def test_conditionals_are_those_of_the_target_within_the_stated_error(target, off_support, way):
    d, S = target.length, target.vocabulary
    denoiser = ExactDenoiser(target, off_support)
    x = partial_states(d, S)
    bound = Fraction(denoiser.relative_error)
    with way():
        got = denoiser(x)
    assert got.dtype == torch.float64
    assert got.shape == (x.shape[0], d, S)
    for state, prediction in zip(x.tolist(), got.tolist(), strict=True):
        for i in range(d):
            if state[i] == S:
                wanted = brute(target, state, i, off_support)
                for p, q in zip(prediction[i], wanted, strict=True):
                    assert abs(Fraction(p) - q) <= bound * q


@given(target=targets(), data=st.data(), way=ways)
def test_any_batch_and_positions_give_the_same_numbers(target, data, way):
    with way():
        same_numbers(target, data)


def same_numbers(target, data):
    d, S = target.length, target.vocabulary
    denoiser = ExactDenoiser(target)
    x = partial_states(d, S)
    table = denoiser(x)
    pick = torch.tensor(data.draw(st.lists(st.integers(0, x.shape[0] - 1), min_size=1)))
    batch = x[pick]
    again = denoiser(batch)
    hidden = batch == S
    assert torch.equal(again[hidden], table[pick][hidden])
    assert bool((again[~hidden] == 0).all())
    row, position = hidden.nonzero().unbind(1)
    order = torch.randperm(row.shape[0], generator=torch.Generator().manual_seed(1))
    pairs = (row[order], position[order])
    assert torch.equal(denoiser(batch, 0.3, pairs), again[pairs])


def test_contexts_are_cut_into_pieces_to_bound_memory(monkeypatch):
    target = Target.from_rows([[0, 1, 2], [2, 1, 0], [1, 1, 1], [0, 0, 2]], [1, 2, 3, 4], 3)
    x = partial_states(3, 3)
    with sums_of_the_support():
        whole = ExactDenoiser(target)(x)
        monkeypatch.setattr(module, "_CELLS", 5)
        assert torch.equal(ExactDenoiser(target)(x), whole)


def test_long_sequences_whose_states_no_integer_can_number():
    d, S = 80, 30
    generator = torch.Generator().manual_seed(2)
    rows = torch.randint(0, S, (6, d), generator=generator)
    target = Target.from_rows(rows, [1, 2, 3, 4, 5, 6], S)
    denoiser = ExactDenoiser(target)
    x = target.rows[3].repeat(3, 1)
    x[0] = S
    x[1, 10:] = S
    x[2, ::2] = S
    got = denoiser(x)
    for b, i in ((0, 0), (0, 79), (1, 10), (1, 50), (2, 0), (2, 78)):
        wanted = brute(target, x[b].tolist(), i, "uniform")
        assert got[b, i].tolist() == pytest.approx([float(q) for q in wanted], rel=1e-15)


def test_the_stated_error_does_not_grow_with_the_support():
    n = 20_000
    rows = torch.arange(n)[:, None] // torch.tensor([200, 1]) % 200
    weights = torch.rand(n, generator=torch.Generator().manual_seed(3), dtype=torch.float64) + 0.5
    target = Target.from_rows(rows, weights, 200)
    denoiser = ExactDenoiser(target)
    assert denoiser.relative_error < 1e-15
    x = torch.full((1, 2), 200)
    got = denoiser(x)[0, 1]
    exact = [Fraction(0)] * 200
    for (_, a), w in zip(target.rows.tolist(), target.weights.tolist(), strict=True):
        exact[a] += Fraction(w)
    total = sum(exact)
    worst = max(
        abs(Fraction(p) / (q / total) - 1) for p, q in zip(got.tolist(), exact, strict=True)
    )
    assert worst <= denoiser.relative_error


def test_an_error_that_is_not_stated_is_none():
    target = Target.from_rows([[0], [1]], [1, 1], 2)
    assert relative_error(ExactDenoiser(target)) > 0

    class Silent:
        vocabulary, time_free, normalised = 2, True, True

        def __call__(self, x, t=None, positions=None):
            raise NotImplementedError

    assert relative_error(Silent()) == 0


def test_no_state_and_no_hidden_token():
    denoiser = ExactDenoiser(Target.from_rows([[0, 1], [1, 0]], [1, 1], 2))
    assert denoiser(torch.empty(0, 2, dtype=torch.int64)).shape == (0, 2, 2)
    assert denoiser(torch.tensor([[0, 1], [0, 0]])).tolist() == [[[0, 0], [0, 0]]] * 2


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([[0, 1, 2]], "need partial states [B, 2], got [1, 3]"),
        ([0, 1], "need partial states [B, 2]"),
        ([[0, 3]], "symbols must lie in 0..2, where 2 is the mask"),
        ([[0, -1]], "symbols must lie in 0..2"),
    ],
)
def test_impossible_states(x, words):
    denoiser = ExactDenoiser(Target.from_rows([[0, 1], [1, 0]], [1, 1], 2))
    with pytest.raises(InputError) as caught:
        denoiser(torch.tensor(x))
    assert words in str(caught.value)


def test_unknown_convention():
    with pytest.raises(InputError, match="off_support 'zero' is unknown: use one of uniform"):
        ExactDenoiser(Target.from_rows([[0]], [1], 1), "zero")
