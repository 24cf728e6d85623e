"""X2–X4 as formulas."""

from fractions import Fraction

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.many_symbols import X2, X3, X4
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.setting import Setting

UNIFORM = {"d": 3, "S": 3, "marginals": {(j,): [1 / 3] * 3 for j in range(3)}}


def test_permutations_of_three_by_hand() -> None:
    """(3/2)(1/2 + 1/3) = 5/4, by either form."""
    assert X2.value({"d": 3, "S": 3}, RATIONALS) == Fraction(5, 4)
    assert X2.value(UNIFORM, FLOAT, variant="marginals") == pytest.approx(1.25, abs=1e-12)
    assert X4.value({"p_X": [1 / 3] * 3}, FLOAT) == pytest.approx(5 / 6, abs=1e-14)


def test_what_support_points_gain_is_added() -> None:
    values = {"d": 3, "S": 3, "off_support": Fraction(1), "overweight": Fraction(1, 8)}
    assert X2.value(values, RATIONALS, variant="over-weighted") == Fraction(11, 8)
    assert X2.value(values, RATIONALS, variant="decomposition") == Fraction(9, 8)


def test_the_frontier_values_of_the_statement() -> None:
    for (d, S), value in {
        (4, 3): 1.7134,
        (5, 3): 2.1417,
        (5, 4): 2.8083,
        (6, 4): 3.3700,
        (6, 5): 4.0297,
    }.items():
        found = X3.value({"d": d, "S": S}, FLOAT)
        assert value - 4e-4 < found <= value  # these are (d/2)·v_S rounded up in v_S


def test_forms_are_ordered() -> None:
    uneven = {**UNIFORM, "marginals": {(j,): [0.7, 0.2, 0.1] for j in range(3)}}
    for claim in (X2, X3):
        assert claim.value(uneven, FLOAT, variant="marginals") < claim.value(uneven, FLOAT)


def test_where_they_apply() -> None:
    assert X2.applies(Setting(2, 30)) is None
    assert X2.applies(Setting(2, 30), "marginals") == "is computed for S ≤ 20"
    assert X3.applies(Setting(2, 1)) == "needs S ≥ 2"
