"""The proof of E5, one inequality at a time."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.families import family
from sharprates.samplers.step_law import StepLaw
from sharprates.samplers.target import Target
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.functions import rank_law
from studies import losses


@st.composite
def targets(draw):
    d, S = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    row = st.tuples(*[st.integers(0, S - 1)] * d)
    rows = draw(st.lists(row, min_size=1, max_size=6, unique=True))
    weights = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    return Target.from_rows(rows, weights, S)


@st.composite
def laws(draw):
    counts = draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))
    return StepLaw.from_weights(torch.tensor(counts, dtype=torch.float64) / sum(counts))


@given(targets(), laws())
def test_every_step_can_only_lose(target, law):
    values = list(losses.losses(target, law).values().values())
    for before, after in itertools.pairwise(values):
        assert before <= after + 1e-12


@given(targets(), laws())
def test_the_exponent_by_its_definition(target, law):
    """Z from conditionals, position by position, instead of means of marginals."""
    d, rows, q = target.length, target.rows.tolist(), target.weights.tolist()
    n = rank_law(FLOAT, d, law.weights.tolist())

    def mass(row, shown):
        return sum(
            w for other, w in zip(rows, q, strict=True) if all(row[i] == other[i] for i in shown)
        )

    total = termwise = 0.0
    for row, weight in zip(rows, q, strict=True):
        z = worst = 0.0
        for i in range(d):
            others = [j for j in range(d) if j != i]
            for m in range(d):
                sets = list(itertools.combinations(others, m))
                ell = sum(math.log(mass(row, (*U, i)) / mass(row, U)) for U in sets) / len(sets)
                z += (1 / d - n[m]) * ell
                worst += max(n[m] - 1 / d, 0) * -ell
        total += weight * -math.expm1(-max(z, 0))
        termwise += weight * -math.expm1(-worst)
    found = losses.losses(target, law)
    assert found.jensen == pytest.approx(total, abs=1e-12)
    assert found.positive_part == pytest.approx(termwise, abs=1e-12)


def test_copies_in_one_step_lose_nothing():
    # E5's log S form is attained: every inequality is an equality.
    found = losses.losses(family("copies:3:2"), StepLaw.equal(1))
    assert found.tv == pytest.approx(0.75)
    assert all(value == pytest.approx(0.75) for value in found.values().values())
    assert all(factor == pytest.approx(1) for factor in found.factors().values())


def test_independent_tokens_lose_only_at_the_end():
    found = losses.losses(family("uniform:3:2"), StepLaw.equal(4))
    # Z = 0: nothing depends on the order
    assert found.tv == pytest.approx(0, abs=1e-12)
    assert found.jensen == pytest.approx(0, abs=1e-12)
    assert found.positive_part > 0.05


def test_the_closed_form_needs_equal_steps_and_enough_steps():
    target = family("copies:3:2")
    assert losses.losses(target, StepLaw.equal(2)).closed_form is None
    assert losses.losses(target, StepLaw.equal(3)).closed_form is not None
    uneven = StepLaw.from_weights(torch.tensor([0.5, 0.25, 0.25]))
    assert losses.losses(target, uneven).closed_form is None


def test_leftover_is_refused():
    with pytest.raises(ValueError, match="without leftover"):
        losses.losses(family("copies:3:2"), StepLaw.from_weights(torch.tensor([0.5])))


def test_a_scan():
    found = losses.scan([family("copies:3:2"), family("permutations:3:3")], (2, 4))
    assert [(one.target, one.steps) for one in found] == [
        ("copies:3:2", 2),
        ("copies:3:2", 4),
        ("permutations:3:3", 2),
        ("permutations:3:3", 4),
    ]
    assert list(found[0].values()) == [name for name in losses.STEPS if name != "closed_form"]
    assert found[0] == losses.losses(family("copies:3:2"), StepLaw.equal(2))
