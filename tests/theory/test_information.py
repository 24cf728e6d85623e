import math
from fractions import Fraction
from typing import Any

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.information import KL1, KL2, KL3
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.setting import Setting


def test_one_step_costs_the_total_correlation() -> None:
    # three copies: h = (log S, 0, 0) in units of log S, d·h_0 − H = 2
    values: dict[str, Any] = {"a": (3,), "h": [1, 0, 0], "d": 3, "w": [1]}
    assert KL1.value(values, RATIONALS) == 2
    assert KL1.value(values, RATIONALS, variant="average") == 2
    assert KL1.value({**values, "a": (1, 2)}, RATIONALS) == 0


@pytest.mark.parametrize("w", [[1], [Fraction(1, 2)] * 2, [Fraction(2, 3), Fraction(1, 3)]])
def test_the_largest_step_bounds_the_average(w: list[Fraction]) -> None:
    for h in ([1, 0, 0, 0], [1, 1, 1, 0], [4, 3, 2, 1]):
        values: dict[str, Any] = {"d": 4, "w": w, "h": h, "W": max(w), "I_bar": h[0] - h[-1]}
        assert KL1.value(values, RATIONALS, variant="average") <= KL2.value(values, RATIONALS)


def test_forms_in_total_variation() -> None:
    values = {"d": 8, "W": 0.25, "K": 4, "I_bar": 0.25}
    assert KL2.value(values, FLOAT) == KL2.value(values, FLOAT, variant="equal-steps") == 0.5
    tv = KL2.value(values, FLOAT, variant="tv")
    assert tv == KL2.value(values, FLOAT, variant="equal-steps-tv") == 0.5


def test_leaking_mass() -> None:
    exact = KL3.value({"leak": 1e-12}, FLOAT)
    assert exact == pytest.approx(1e-12 + 5e-25, rel=1e-15, abs=0)
    assert KL3.value({"leak": 1e-12}, FLOAT, variant="linear") == 1e-12 < exact
    assert KL3.value({"leak": 1.0}, FLOAT) == math.inf


def test_where_they_apply() -> None:
    blocks = Setting(length=2, vocabulary=2, sampler="blocks")
    assert KL1.applies(blocks) is None
    assert KL1.applies(blocks, "average") is not None
    plain = Setting(length=2, vocabulary=2)
    assert KL1.applies(plain, "average") is None
    assert KL2.applies(plain) is None
    assert KL2.applies(Setting(length=2, vocabulary=2, has_leftover=True)) is not None
    assert KL3.applies(plain) is None
