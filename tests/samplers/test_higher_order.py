"""Message passing against enumeration in exact fractions, and against another algorithm."""

from fractions import Fraction
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError
from sharprates.samplers.higher_order import HigherOrderChain
from sharprates.samplers.letters import letters
from sharprates.samplers.markov import MarkovChain
from sharprates.samplers.target import all_states

Law = dict[tuple[int, ...], Fraction]


@st.composite
def chains(draw: st.DrawFn) -> tuple[HigherOrderChain, Law]:
    """A small chain, zeros included, and the exact law of its rows."""
    S, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    d = draw(st.integers(m, 5))
    # eighths are exact in float64
    counts = st.lists(st.integers(0, 3), min_size=S, max_size=S)

    def conditional() -> list[Fraction]:
        parts = draw(counts)
        parts[-1] = 8 - sum(parts[:-1]) if S > 1 else 8
        return [Fraction(part, 8) for part in parts]

    grams = list(product(range(S), repeat=m))
    kernel = {gram: conditional() for gram in grams}
    first: Law = {(): Fraction(1)}
    for _ in range(m):
        first = {(*g, a): p * q for g, p in first.items() for a, q in enumerate(conditional())}
    law = first
    for i in range(d - m):
        law = {(*r, a): p * q for r, p in law.items() for a, q in enumerate(kernel[r[i:]])}
    chain = HigherOrderChain.of(
        torch.tensor([[float(q) for q in kernel[g]] for g in grams], dtype=torch.float64),
        torch.tensor([float(first[g]) for g in grams], dtype=torch.float64),
        d,
    )
    return chain, law


def brute_force(law: Law, context: tuple[int, ...], i: int, S: int) -> list[Fraction]:
    """q_0(x_i = a | context), by adding up all rows that agree with it; [] without mass."""
    joint = [Fraction(0)] * S
    for row, p in law.items():
        if all(c in (S, a) for c, a in zip(context, row, strict=True)):
            joint[row[i]] += p
    total = sum(joint)
    return [p / total for p in joint] if total else []


@given(chains())
def test_conditionals_equal_brute_force(made: tuple[HigherOrderChain, Law]) -> None:
    chain, law = made
    d, S = chain.length, chain.vocabulary
    states = all_states(d, S + 1)[:: max(1, (S + 1) ** d // 60)]
    found = chain(states)
    for x, p in zip(states.tolist(), found.tolist(), strict=True):
        for i in range(d):
            exact = brute_force(law, tuple(x), i, S) if x[i] == S else []
            for mine, true in zip(p[i], exact, strict=False):
                assert abs(Fraction(mine) - true) <= true * Fraction(chain.relative_error)
    hidden = (states == S).nonzero(as_tuple=True)
    assert torch.equal(chain(states, positions=hidden), found[hidden])
    rows = torch.tensor(list(law))
    weights = torch.tensor([float(p) for p in law.values()], dtype=torch.float64)
    assert float((chain.log_probability(rows).exp() - weights).abs().max()) < 1e-15


@given(st.integers(0, 99), st.integers(1, 40), st.floats(0, 0.5))
def test_order_one_agrees_with_tables_of_powers(seed: int, d: int, shown: float) -> None:
    g = torch.Generator().manual_seed(seed)
    A = torch.rand(3, 3, generator=g, dtype=torch.float64) + 0.01
    tables = MarkovChain.of(A / A.sum(1, keepdim=True), d)
    chain = HigherOrderChain.of(tables.transition, tables.stationary, d)
    rows = tables.sample(6, g)
    assert torch.equal(chain.log_probability(rows), tables.log_probability(rows))
    x = torch.where(torch.rand(6, d, generator=g) < shown, rows, 3)
    hidden = (x == 3).nonzero(as_tuple=True)
    difference = (chain(x) - tables(x))[hidden].abs()
    assert difference.numel() == 0 or float(difference.max()) < 1e-12


def test_rows_are_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = letters(20, 2)
    rows = chain.sample(7, torch.Generator().manual_seed(0))
    x = torch.where(torch.arange(20) % 3 == 0, rows, 27)
    whole = chain(x)
    monkeypatch.setattr("sharprates.samplers.higher_order._CELLS", 20 * 27**2 * 2)
    assert float((chain(x) - whole).abs().max()) < 1e-15


def test_long_rows_do_not_underflow() -> None:
    chain = letters(1024, 2)
    rows = chain.sample(2, torch.Generator().manual_seed(0))
    x = torch.where(torch.arange(1024) == 1000, 27, rows)
    # given all the others, a letter follows from the two before and the two after it
    near = letters(5, 2)(x[:, 998:1003])
    assert float((chain(x)[:, 1000] - near[:, 2]).abs().max()) < 1e-12


def test_bad_chains_are_named() -> None:
    half = torch.full((4, 2), 0.5, dtype=torch.float64)
    with pytest.raises(InputError, match=r"need \[S\^m, S\]"):
        HigherOrderChain.of(half, torch.full((3,), 1 / 3), 5)
    with pytest.raises(InputError, match="order 2 needs d ≥ 2"):
        HigherOrderChain.of(half, torch.full((4,), 0.25), 1)
    with pytest.raises(InputError, match="sum to 1"):
        HigherOrderChain.of(half / 2, torch.full((4,), 0.25), 3)
