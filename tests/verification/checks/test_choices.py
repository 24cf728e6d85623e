"""Rules in fractions against those that the samplers run, and what no rule is."""

from fractions import Fraction

import pytest
import torch
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers import families
from sharprates.samplers.policies import policy
from sharprates.samplers.target import Target
from sharprates.verification import strategies as some
from sharprates.verification.checks.choices import (
    Chooser,
    Halving,
    LeftBlocks,
    Scattered,
    SmallestExcess,
    SurestFirst,
    drawn_law,
    rounds_of_halving,
)
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.exact_law import positive_gap
from sharprates.verification.quantities.exact import ExactQuantities

PAIRS: dict[str, Chooser] = {
    "threshold:0.75": SurestFirst(Fraction(3, 4)),
    "threshold:1": SurestFirst(),
    "bisection": Halving(1),
    "bisection:2": Halving(2),
}


@given(some.laws(min_length=2), st.sampled_from(sorted(PAIRS)))
@settings(max_examples=60, deadline=None)
def test_rules_choose_as_the_samplers_do(law: Target, rule: str) -> None:
    it = ExactQuantities(exact_experiment(law))
    context, turn, run = (it.S,) * it.d, 0, policy(rule, it.d)
    row = it.experiment.rows[-1]
    while it.S in context:
        predicted = torch.tensor(
            [
                [float(p) for p in it.predict(context, i)] if context[i] == it.S else [0.0] * it.S
                for i in range(it.d)
            ],
            dtype=torch.float64,
        )
        found = run.choose(torch.tensor([context]), predicted[None], turn)
        chosen = PAIRS[rule](it, context, turn)
        assert found[0].nonzero().squeeze(1).tolist() == sorted(chosen)
        context = tuple(row[i] if i in chosen else x for i, x in enumerate(context))
        turn += 1


@pytest.mark.parametrize("m", [1, 2, 3])
def test_bisection_reveals_each_token_once(m: int) -> None:
    for n in range(m, 30):
        rounds = rounds_of_halving(n, m)
        assert sorted(place for one in rounds for place in one) == list(range(n))


def test_any_function_is_one() -> None:
    it = ExactQuantities(exact_experiment(families.family("uniform:3:2")))
    empty = (2, 2, 2)
    chosen = {tuple(Scattered(k)(it, empty, 0)) for k in range(200)}
    assert len(chosen) == 7  # all non-empty sets
    assert Scattered(5)(it, empty, 0) == Scattered(5)(it, empty, 0)
    assert {len(Scattered(k, 1)(it, empty, 0)) for k in range(50)} == {1}


def test_blocks_of_bounded_excess_take_equality() -> None:
    """Two copies of a bit with ε = ⅓: the excess of both is h(⅓), and 4/9 in G."""
    it = ExactQuantities(exact_experiment(some.copies_of(2, 2, Fraction(1, 3))))
    empty = (2, 2)
    assert len(SmallestExcess(Fraction(1, 3), bit=True)(it, empty, 0)) == 2
    assert len(SmallestExcess(Fraction(1, 4), bit=True)(it, empty, 0)) == 1
    assert len(SmallestExcess(Fraction(4, 9))(it, empty, 0)) == 2
    assert len(SmallestExcess(Fraction(3, 9))(it, empty, 0)) == 1


def test_blocks_from_the_left_end_with_what_is_left() -> None:
    it = ExactQuantities(exact_experiment(families.family("uniform:3:2")))
    assert LeftBlocks((2,))(it, (2, 2, 2), 0) == [0, 1]
    assert LeftBlocks((2,))(it, (0, 1, 2), 1) == [2]


def test_confidence_in_the_values_drawn_is_wrong_by_nine_hundredths() -> None:
    half = Fraction(1, 2)
    law = families.product([[half, half], [Fraction(9, 10), Fraction(1, 10)]])
    it = ExactQuantities(exact_experiment(law))
    assert positive_gap(it.pmf, drawn_law(it)) == fmpq(9, 100)
