import pytest
from flint import arb, fmpq
from sharprates.verification.exact_information import all_but_largest, entropy_of, gini_of

THIRD = [fmpq(1, 3), fmpq(2, 3)]


def test_of_a_biased_bit() -> None:
    assert float(entropy_of(THIRD)) == pytest.approx(0.6365141683)
    assert gini_of(THIRD) == fmpq(4, 9)


def test_of_a_sure_token_both_are_exact_zeros() -> None:
    assert entropy_of([fmpq(0), fmpq(1)]) == 0
    assert isinstance(entropy_of([fmpq(0), fmpq(1)]), fmpq)
    assert gini_of([fmpq(0), fmpq(1)]) == 0


def test_all_but_the_largest() -> None:
    assert all_but_largest([fmpq(1, 2), fmpq(3), fmpq(1)]) == fmpq(3, 2)
    assert all_but_largest([arb(2)]) == 0
    assert float(all_but_largest([arb(2), fmpq(1), arb(5)])) == 3
