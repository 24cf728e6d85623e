from fractions import Fraction

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.first_order import E9, E10, E11
from sharprates.theory.proofs.euler_lower import first_order_by_rows
from sharprates.theory.proofs.proof import RATIONALS, fill
from sharprates.theory.proofs.sampler import rows_of_copies, rows_of_parity, rows_of_shared_symbols
from sharprates.theory.setting import Setting


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_e9_is_attained_and_no_smaller_factor_does(d: int) -> None:
    for support in (rows_of_copies(d, 2), rows_of_parity(d, 2)):
        c = first_order_by_rows(d, support)
        assert c == E9.value({"d": d}, RATIONALS)
        assert c > E9.value({"d": d}, RATIONALS, {"E9.factor": Fraction(99, 100)})


@pytest.mark.parametrize(("d", "b"), [(2, 3), (3, 2), (4, 2)])
def test_e10_is_attained_and_no_smaller_constant_does(d: int, b: int) -> None:
    c, bound = first_order_by_rows(d, rows_of_shared_symbols(d, b)), fill(E10, d=d, S=b ** (d - 1))
    assert c == bound
    values = {"d": d, "S": b ** (d - 1)}
    assert c > E10.value(values, FLOAT, {"E10.constant": Fraction(99, 100)})


@pytest.mark.parametrize(("d", "K"), [(2, 1), (2, 7), (3, 3), (6, 40)])
def test_e11_with_the_largest_constant_is_below_its_form_at_two_symbols(d: int, K: int) -> None:
    values = {"d": d, "S": 2, "K": K, "first_order": Fraction(d, 4)}
    exact, pairs, two = (
        E11.value(values, RATIONALS, variant=name) for name in ("instance", "pairs", None)
    )
    assert exact <= pairs <= two
    assert two == Fraction(d, 4 * K) + Fraction(d**2 * (d - 1) ** 2, 8 * K**2)


def test_two_copies_attain_e11() -> None:
    """They meet with probability 1/K, and differ then with probability 1 − 1/S."""
    values = {"d": 2, "S": 5, "K": 9, "first_order": Fraction(4, 5)}
    assert E11.value(values, RATIONALS, variant="instance") == Fraction(4, 45)


def test_where_they_apply() -> None:
    assert E9.applies(Setting(length=4, vocabulary=3)) == "needs S = 2"
    plain = Setting(length=4, vocabulary=3, sampler="ancestral", steps=9, equal_steps=True)
    assert E11.applies(plain) == "needs S = 2"
    assert E11.applies(plain, "vocabulary") is None
