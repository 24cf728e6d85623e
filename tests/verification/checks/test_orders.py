"""What the checks of P5–P7 compute on their own."""

from fractions import Fraction

import pytest
from sharprates.verification.checks import orders
from sharprates.verification.checks.check import Check, decided
from sharprates.verification.checks.choices import Halving, LeftBlocks, Scattered
from sharprates.verification.checks.trial import STATED, Example
from sharprates.verification.quantities.policies import policied
from sharprates.verification.verdict import Verdict


def check(claim: str, name: str) -> Check:
    return next(one for one in orders.CHECKS if one.claim == claim and name in one.name)


@pytest.mark.parametrize("number", range(3))
def test_permutations_of_five_and_shared_symbols_of_four(number: int) -> None:
    for claim, example in (
        ("P5", Example.of(orders.PERMUTATIONS[5], rules=(Scattered(number),))),
        ("P7", orders._shared_example(4, 2, Scattered(number), Scattered(9))),
    ):
        ((measured, value),) = check(claim, "exact value").evaluate(example, STATED).decision.sides
        assert measured == value


def test_the_walk_of_eight_bits() -> None:
    found = decided(check("P6", "on a walk"), orders._walk_example((3, 3, 2)), STATED)
    ((measured, value),) = found.decision.sides
    assert found.decision.verdict is Verdict.HOLDS
    assert measured.middle == pytest.approx(value.middle, abs=1e-12)


def test_chains() -> None:
    walk = Example.of(orders.WALKS[5], rules=(Halving(1),))
    assert policied(walk).tv == 0
    assert policied(walk).R == 3
    parity = Example.of(orders.ORDER_TWO, rules=(Halving(1),))
    assert policied(parity).tv > 0
    blocks = Example.of(orders.WALKS[5], rules=(LeftBlocks((3, 2)),))
    assert policied(blocks).tv > 0


def test_sizes_in_rising_order_are_another_law() -> None:
    it = policied(Example.of(orders.PERMUTATIONS[3], rules=(LeftBlocks((2, 1)),)))
    assert orders._sorted_sizes(it) == {(1, 2): 1}
    assert orders._kept((2, 1)) == Fraction(2, 3)
    assert orders._kept((1, 2)) == Fraction(1, 2)


def test_walks_count_ones() -> None:
    law = orders.bit_walk(2)
    assert law.rows.tolist() == [[0, 0], [0, 1], [1, 1], [1, 2]]
