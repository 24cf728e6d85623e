from fractions import Fraction
from itertools import product
from math import comb, factorial

import pytest
from sharprates.theory.proofs import sampler
from sharprates.theory.proofs.proof import RATIONALS


def test_without_dependence_only_leftover_costs() -> None:
    hazards = [Fraction(1, 3), Fraction(1, 2)]
    whole = sampler.reveal(RATIONALS, 3, hazards, lambda _i, _known: Fraction(1))
    assert whole == (1 - Fraction(2, 3) * Fraction(1, 2)) ** 3
    assert sum(sampler.weights_from_hazards(RATIONALS, hazards)) == Fraction(2, 3)
    blocks = sampler.reveal_in_blocks(RATIONALS, 3, (2, 1), lambda _i, _known: Fraction(1))
    assert blocks == 1


def test_conditionals_of_a_small_support() -> None:
    at = sampler.uniform_conditional([(0, 0), (0, 1), (1, 1)], (0, 1))
    assert at(0, 0b00) == Fraction(2, 3)
    assert at(0, 0b10) == Fraction(1, 2)
    assert at(1, 0b01) == Fraction(1, 2)


def test_subsets() -> None:
    assert sorted(sampler.subsets(0b101)) == [0, 1, 4, 5]
    assert sampler.bits(0b1011) == [0, 1, 3]


@pytest.mark.parametrize(
    ("support", "size"),
    [
        (sampler.rows_of_copies(3, 4), 4),
        (sampler.rows_of_pairs(5, 2), 8),
        (sampler.rows_of_parity(3, 3), 9),
        (sampler.rows_of_reed_solomon(4, 2, 5), 25),
        (sampler.rows_of_shared_symbols(4, 2), 64),
        (sampler.permutations_in_groups(4, 2), 4),
        (sampler.in_groups(5, 2, sampler.rows_of_copies(2, 3)), 9),
    ],
)
def test_families_have_distinct_rows(support: list[sampler.Row], size: int) -> None:
    assert len(support) == len(set(support)) == size


def test_what_makes_each_family() -> None:
    assert all(sum(row) % 3 == 0 for row in sampler.rows_of_parity(4, 3))
    words = sampler.rows_of_reed_solomon(4, 2, 5)
    for i, j in ((0, 1), (0, 3), (2, 3)):  # any two places are free
        assert {(row[i], row[j]) for row in words} == set(product(range(5), repeat=2))
    assert len(sampler.permutations_in_groups(6, 3)) == factorial(3) ** 2
    assert len(sampler.rows_of_shared_symbols(4, 2)) == 2 ** comb(4, 2)
