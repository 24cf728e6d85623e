"""The one-target control problem: bounds from both sides, and what both rest on."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from studies import control
from studies.control import evaluate, exact_tree_value, rule_out, solve


def test_two_symbols_have_the_proved_value():
    found = solve(2, grid=(4, 6), nodes=12, trees=0)
    assert found.lower == found.conjecture == Fraction(1, 2)
    assert found.upper == pytest.approx(0.5, abs=1e-9)


def test_three_symbols_reach_the_conjecture_and_not_more_on_the_grid():
    found = solve(3, grid=(6,), nodes=10, trees=0)
    assert found.lower == found.conjecture == Fraction(5, 6)
    assert found.upper == pytest.approx(5 / 6, abs=1e-9)
    assert found.rounds > 1


def test_a_grid_without_halves_cannot_follow_the_best_policy():
    found = solve(3, grid=(3,), nodes=8, trees=0)
    # (1/3, 1/3, 1/3) → (2/3, 1/3, 0) and so on: 2/3·(1/2 + 1/3) + 1/3·(0 + 2/3)
    assert found.upper == pytest.approx(7 / 9)
    assert found.lower == Fraction(5, 6)  # by a policy off that grid


@pytest.mark.parametrize("S", [2, 3, 4, 5])
def test_ruling_out_one_symbol_at_a_time(S):
    even = (control.math.factorial(S),) * S
    assert evaluate(rule_out, even, S) == control.harmonic(S)


def revealing(p, _):
    n = sum(p)
    return [
        (Fraction(k, n), tuple(n * (a == b) for b in range(len(p)))) for a, k in enumerate(p) if k
    ]


def test_revealing_at_once_by_hand():
    # Σ p_a (1 − p_a) = 2·(1/4)(3/4) at p = (1/4, 3/4)
    assert evaluate(revealing, (1, 3), 1) == Fraction(3, 8)


def test_payments_against_the_truth_are_cut_at_zero_only_at_the_end():
    # p = 1/2 → (1/4, 3/4) and (3/4, 1/4), then revealed. If X is the likelier symbol:
    # 1 − (1/2)/(3/4) + 1 − 3/4 = 7/12; if not: 1 − 2 + 1 − 1/4 < 0.
    def swing(p, paid):
        return (
            [(Fraction(1, 2), (1, 3)), (Fraction(1, 2), (3, 1))]
            if p == (2, 2)
            else revealing(p, paid)
        )

    assert evaluate(swing, (2, 2), 2) == Fraction(3, 4) * Fraction(7, 12)


@st.composite
def trees(draw):
    S, depth = draw(st.integers(2, 3)), draw(st.integers(0, 2))

    def law(count):
        numbers = [draw(st.integers(1, 5)) for _ in range(count)]
        return [Fraction(k, sum(numbers)) for k in numbers]

    start = law(S)
    return start, [[[law(S) for _ in range(S)] for _ in range(S**level)] for level in range(depth)]


@given(trees())
def test_trees_in_floats_and_in_fractions(tree):
    start, channels = tree
    tensors = [torch.tensor([[[float(x) for x in r] for r in c] for c in t]) for t in channels]
    value = control.tree_value(
        torch.tensor([float(x) for x in start], dtype=torch.float64),
        [t.to(torch.float64) for t in tensors],
    )
    exact = exact_tree_value(start, channels)
    assert float(value) == pytest.approx(float(exact), abs=1e-6)
    assert exact <= control.harmonic(len(start))  # no tree is known to do better


def test_ascent_finds_good_trees():
    assert control.climb_trees(2, 1, starts=2, steps=150) >= Fraction(49, 100)
    assert control.climb_trees(3, 2, starts=2, steps=200) >= Fraction(4, 5)


def test_splits_are_martingales():
    points = control.beliefs(3, 4)
    for p in ((2, 1, 1), (3, 1, 0), (4, 0, 0)):
        moves = control._moves(p, points)
        means = (np.array(points)[moves.places] * moves.shares[..., None]).sum(1)
        assert np.allclose(means, p)
        assert np.allclose(moves.shares.sum(1), 1)
        # every split is listed once: an independent count over subsets with positive solution
        assert len({tuple(sorted(set(row))) for row in moves.places.tolist()}) == len(moves.places)
    assert control._exact_shares((2, 1, 1), [(4, 0, 0), (0, 2, 2)]) == [Fraction(1, 2)] * 2


@pytest.mark.parametrize("p", [(2, 1, 1), (2, 2, 0), (1, 1, 2)])
def test_best_splits_are_those_of_a_linear_program(p):
    points = control.beliefs(3, 4)
    gains = np.random.default_rng(0).normal(size=len(points))
    moves = control._moves(p, points)
    best = (gains[moves.places] * moves.shares).sum(1).max()
    program = linprog(-gains, A_eq=np.array(points, dtype=float).T, b_eq=np.array(p, dtype=float))
    assert best == pytest.approx(-program.fun, abs=1e-9)


def test_the_value_is_monotone_and_starts_at_the_reveal():
    work = control._Iteration(3, (4,), 8)
    first = {p: table.copy() for p, table in work.value.items()}
    work.step()
    for p, table in work.value.items():
        assert (table >= first[p] - 1e-15).all()
    assert work.value[4, 0, 0][3, 0, 0] == pytest.approx(work.nodes[3])  # at a vertex: its budget


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((5,), "2, 3 or 4"), ((3, (1,)), "numbers ≥ 2"), ((4, (12,)), "too fine")],
)
def test_out_of_reach(arguments, message):
    with pytest.raises(ValueError, match=message):
        solve(*arguments)
