import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.target import Target, all_states, listed


@st.composite
def weighted_rows(draw: st.DrawFn) -> tuple[list[list[int]], list[int], int]:
    d, S = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    row = st.lists(st.integers(0, S - 1), min_size=d, max_size=d)
    rows = draw(st.lists(row, min_size=1, max_size=12))
    weights = draw(st.lists(st.integers(0, 20), min_size=len(rows), max_size=len(rows)))
    weights[draw(st.integers(0, len(rows) - 1))] += 1
    return rows, weights, S


@given(weighted_rows())
def test_rows_are_merged_sorted_and_normalised(
    data: tuple[list[list[int]], list[int], int],
) -> None:
    rows, weights, S = data
    target = Target.from_rows(rows, weights, S)
    law: dict[tuple[int, ...], Fraction] = {}
    for row, weight in zip(rows, weights, strict=True):
        if weight:
            law[tuple(row)] = law.get(tuple(row), Fraction(0)) + Fraction(weight, sum(weights))
    assert [tuple(row) for row in target.rows.tolist()] == sorted(law)
    assert target.fractions == tuple(law[row] for row in sorted(law))
    assert target.weights.tolist() == [float(law[row]) for row in sorted(law)]
    assert (target.length, target.vocabulary, target.support) == (len(rows[0]), S, len(law))


@given(weighted_rows())
def test_exact_and_float_weights_give_one_law(
    data: tuple[list[list[int]], list[int], int],
) -> None:
    rows, weights, S = data
    exact = Target.from_rows(rows, weights, S)
    for given_as in ([float(w) for w in weights], torch.tensor(weights)):
        rounded = Target.from_rows(torch.tensor(rows), given_as, S)
        assert rounded.fractions is None
        assert torch.equal(rounded.rows, exact.rows)
        assert torch.allclose(rounded.weights, exact.weights, rtol=1e-15, atol=0)


@given(weighted_rows())
def test_dense_and_sparse_round_trip(data: tuple[list[list[int]], list[int], int]) -> None:
    rows, weights, S = data
    target = Target.from_rows(rows, weights, S)
    pmf = target.pmf()
    assert pmf.shape == (S,) * target.length
    assert float(pmf.sum()) == pytest.approx(1, abs=1e-15)
    again = Target.from_pmf(pmf)
    assert torch.equal(again.rows, target.rows)
    assert torch.allclose(again.weights, target.weights, rtol=1e-15, atol=0)


def test_weights_that_floats_cannot_add_stay_exact() -> None:
    target = Target.from_rows([[0], [1]], [Fraction(1, 3), Fraction(1, 10**30)], 2)
    assert target.fractions is not None
    assert sum(target.fractions) == 1
    assert target.fractions[1] == Fraction(3, 10**30 + 3)
    assert Target.from_rows([[0], [1]], [10**400, 10**400], 2).weights.tolist() == [0.5, 0.5]


def test_all_states_are_in_lexicographic_order() -> None:
    states = all_states(2, 3).tolist()
    assert states == [[a, b] for a in range(3) for b in range(3)]
    assert torch.equal(Target.from_pmf(torch.ones(3, 3)).rows, all_states(2, 3))


@pytest.mark.parametrize(
    ("rows", "weights", "message"),
    [
        (torch.zeros(0, 2), [], r"^rows: need shape \[n, d\]"),
        (torch.zeros(2), [1, 1], r"^rows: need shape \[n, d\]"),
        ([[0], [2]], [1, 1], r"^rows: symbols must lie in 0\.\.1, got 0\.\.2"),
        ([[0], [-1]], [1, 1], r"^rows: symbols must lie in 0\.\.1, got -1\.\.0"),
        ([[0], [1]], [1], r"^weights: need shape \(2,\), one a row, got \(1,\)"),
        ([[0], [1]], torch.ones(2, 1), r"^weights: need shape \(2,\), one a row, got \(2, 1\)"),
        ([[0], [1]], [1, -1], "^weights: must be finite and not negative"),
        ([[0], [1]], [1.0, -1.0], "^weights: must be finite and not negative"),
        ([[0], [1]], [1.0, math.nan], "^weights: must be finite and not negative"),
        ([[0], [1]], [1.0, math.inf], "^weights: must be finite and not negative"),
        ([[0], [1]], [0, 0], "^weights: need a positive, finite sum"),
        ([[0], [1]], [0.0, 0.0], "^weights: need a positive, finite sum"),
        ([[0], [1]], [1e308, 1e308], "^weights: need a positive, finite sum, got inf"),
        ([[0], [1]], [1, Fraction(1, 10**400)], "^weights: one is below 1e-308 of the whole"),
    ],
)
def test_impossible_rows_and_weights_are_named(rows: object, weights: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Target.from_rows(rows, weights, 2)


@pytest.mark.parametrize(
    ("pmf", "message"),
    [
        (torch.tensor(1.0), r"^pmf: need shape \(S,\)\*d"),
        (torch.ones(2, 3), r"^pmf: need shape \(S,\)\*d, all axes alike, got \(2, 3\)"),
        (torch.zeros(2, 2), "^pmf: all entries are 0"),
        (torch.tensor([1.0, math.nan]), "^weights: must be finite"),
    ],
)
def test_impossible_tables_are_named(pmf: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Target.from_pmf(pmf)


def test_a_table_beyond_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target.from_rows([[0] * 10], [1], 4)
    monkeypatch.setattr("sharprates.samplers.errors.available_bytes", lambda: 2**20)
    with pytest.raises(TooLargeError, match=r"dense table of 4\^10 states.*GiB"):
        target.pmf()
    with pytest.raises(TooLargeError, match=r"all 4\^10 states.*GiB"):
        all_states(10, 4)


def test_listed():
    target = Target.from_rows([[0, 1], [1, 0]], [1, 1], 2)
    assert torch.equal(listed(target, "support"), target.rows)
    assert torch.equal(listed(target, "all"), all_states(2, 2))
    with pytest.raises(InputError, match="rows 'dense' is unknown: use one of support, all"):
        listed(target, "dense")
    long = Target.from_rows(torch.zeros(1, 30, dtype=torch.int64), [1], 10)
    with pytest.raises(TooLargeError, match="support-only"):
        listed(long, "all")
