from dataclasses import replace
from fractions import Fraction

import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.laws import S1, S2, S3, S4, S5
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.setting import Setting


def test_euler_is_clipped_and_the_others_are_not() -> None:
    values = {"t": 1, "s": 0, "alpha_t": 0, "alpha_s": 1, "speed": 3}
    assert S1.value(values, FLOAT) == 1
    assert S1.value(values, FLOAT, variant="tau-leaping") == pytest.approx(0.950212931632136)
    assert S1.value(values, FLOAT, variant="ancestral") == 1


def test_expansion_of_two_tokens() -> None:
    # P_(2) = 1/4 and P_(1,1) = 1/2 at one word; both steps or one: w = (1/3, 2/3)
    values = {
        "d": 2,
        "w": [Fraction(1, 3), Fraction(2, 3)],
        "P": {(2,): Fraction(1, 4), (1, 1): Fraction(1, 2)},
    }
    assert S2.value(values, RATIONALS) == Fraction(5, 9) / 4 + Fraction(4, 9) / 2


def test_expansion_needs_a_time_free_normalised_denoiser() -> None:
    plain = Setting(length=2, vocabulary=2)
    assert S2.applies(plain) is None
    assert S2.applies(replace(plain, time_free=False)) == "needs a time-free denoiser"
    assert S2.applies(replace(plain, sampler="policy")) is not None


def test_equal_steps_and_hitting_times() -> None:
    assert S3.value({"K": 5, "m": 2, "d": 3}, RATIONALS) == Fraction(10, 125)
    assert S4.value({"alpha_s": 0.75, "alpha_t": 0.5, "n": 3}, FLOAT) == 0.125
    half = S4.value({"alpha_t": 0.5, "v": 0.125, "n": 3}, FLOAT, variant="quantile")
    assert half == pytest.approx(0.25)


def test_total_variation_from_the_support_alone() -> None:
    q = [Fraction(1, 2), Fraction(1, 2)]
    p = [Fraction(1, 2), Fraction(1, 8)]  # 3/8 of p is elsewhere, or masked
    elsewhere = Fraction(3, 8)
    direct = (sum(abs(x - y) for x, y in zip(q, p, strict=True)) + elsewhere) / 2
    assert S5.value({"q0": q, "p_out": p}, RATIONALS) == direct
