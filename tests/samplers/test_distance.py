"""Total variation of an output law against its definition in exact fractions."""

import math
from fractions import Fraction

import flint
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.distance import deficit, divergence, on_rows, total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.output_law import OutputLaw
from sharprates.samplers.target import Target, all_states


def law_on(
    rows: torch.Tensor, p: list[float], S: int, dense: bool, error: float = 0.0
) -> OutputLaw:
    return OutputLaw(rows, torch.tensor(p, dtype=torch.float64), S, dense, error, error)


@st.composite
def cases(draw):
    """A target, and a sub-probability on all of [S]^d; the rest of the mass keeps a mask."""
    d, S = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    states = all_states(d, S)
    size = states.shape[0]
    counts = st.lists(st.integers(0, 9), min_size=size, max_size=size)
    q = draw(counts.filter(any))
    p, rest = draw(counts), draw(st.integers(0, 5))
    total = sum(p) + rest
    p = [v / total if total else 0.0 for v in p]
    return Target.from_rows(states, q, S), states, p


@given(case=cases())
def test_both_formulas_are_the_total_variation(case):
    target, states, p = case
    q = dict(
        zip(map(tuple, target.rows.tolist()), map(Fraction, target.weights.tolist()), strict=True)
    )
    exact = {tuple(x): Fraction(v) for x, v in zip(states.tolist(), p, strict=True)}
    mask = 1 - sum(exact.values())
    # ½‖p − q‖₁ on ([S] ∪ {mask})^d: what kept a mask is all wrong.
    wanted = (sum(abs(exact[x] - q.get(x, 0)) for x in exact) + abs(mask)) / 2

    dense = law_on(states, p, target.vocabulary, True)
    keep = [i for i, x in enumerate(map(tuple, states.tolist())) if x in q]
    support = law_on(states[keep], [p[i] for i in keep], target.vocabulary, False)
    for law in (dense, support):
        value, error = total_variation(law, target)
        assert abs(Fraction(value) - wanted) <= Fraction(error)
        assert error < 1e-14
        assert float(deficit(law, target).sum()) == pytest.approx(float(wanted), abs=1e-14)
        assert on_rows(law, target).tolist() == [
            float(q.get(tuple(x), 0)) for x in law.rows.tolist()
        ]
    # What is left masked is wrong: to leave it out of the dense formula would be seen.
    if mask > Fraction(1, 1000):
        dropped = sum(abs(exact[x] - q.get(x, 0)) for x in exact) / 2
        assert abs(dropped - wanted) > 1e-4


def test_the_error_of_a_law_is_the_error_of_its_total_variation():
    target = Target.from_rows([[0], [1]], [1, 1], 2)
    law = law_on(target.rows, [0.25, 0.25], 2, True, 1e-3)
    assert total_variation(law, target).value == 0.5
    assert 1e-3 <= total_variation(law, target).error < 1.001e-3
    assert law.total == 0.5


def test_deficit_carries_the_gradient():
    target = Target.from_rows([[0], [1], [2]], [1, 1, 2], 3)
    p = torch.tensor([0.1, 0.4, 0.3], dtype=torch.float64, requires_grad=True)
    law = OutputLaw(target.rows, p, 3, True, 0.0, 0.0)
    (slope,) = torch.autograd.grad(deficit(law, target).sum(), p)
    assert slope.tolist() == [-1, 0, -1]
    assert total_variation(law, target).value == pytest.approx(0.35)


def test_a_law_on_other_rows_is_refused():
    target = Target.from_rows([[0, 1], [1, 0]], [1, 1], 2)
    other = Target.from_rows([[0, 1], [1, 1]], [1, 1], 2)
    law = law_on(other.rows, [0.5, 0.5], 2, False)
    with pytest.raises(InputError, match="does not list the support of target 'target'"):
        total_variation(law, target)
    longer = law_on(all_states(3, 2), [0.125] * 8, 2, True)
    with pytest.raises(InputError, match="does not list"):
        total_variation(longer, target)
    assert math.isclose(total_variation(law, other).value, 0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.data())
def test_divergence_in_balls(weights: list[int], data) -> None:
    target = Target.from_rows([[a] for a in range(len(weights))], weights, len(weights))
    p = [data.draw(st.integers(1, 9)) / 50 for _ in weights]
    law = law_on(target.rows, p, len(weights), False)
    q = [flint.arb(w) / sum(weights) for w in weights]
    exact = sum((a * (a / flint.arb(b)).log() for a, b in zip(q, p, strict=True)), flint.arb(0))
    value, error = divergence(law, target)
    assert abs(value - float(exact)) <= error < 1e-13


def test_divergence_is_infinite_where_a_sequence_is_never_put_out() -> None:
    target = Target.from_rows([[0], [1]], [1, 1], 2)
    assert divergence(law_on(target.rows, [1.0, 0.0], 2, False), target) == (math.inf, math.inf)
    assert divergence(law_on(target.rows, [0.5, 0.5], 2, True, 1e-3), target).error > 1e-3


def test_one_sequence_that_is_never_put_out_is_enough_beside_one_that_surely_is() -> None:
    target = Target.from_rows([[0], [1]], [1, 1], 2)
    assert divergence(law_on(target.rows, [0.9, 0.0], 2, False), target).value == math.inf
    point = Target.from_rows([[0]], [1], 2)
    assert divergence(law_on(point.rows, [1.0], 2, False), point).value == 0


@pytest.mark.parametrize("off", [1e-9, -1e-9])
def test_weights_that_do_not_add_up_widen_the_error_of_a_divergence(off: float) -> None:
    weights = torch.tensor([0.5, 0.5 + off], dtype=torch.float64)
    target = Target("off", torch.tensor([[0], [1]]), weights, 2)
    law = law_on(target.rows, [0.1, 0.1], 2, False)
    assert 1e-9 * math.log(5) <= divergence(law, target).error * (1 + 1e-6) < 2e-9
    assert total_variation(law, target).error >= 0.999e-9
