"""Step laws against exact fractions, and bad input."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.arithmetic import precision


def exact_weights(hazards: list[float]) -> tuple[list[Fraction], Fraction]:
    """w_k and w_∞ of the hazards that the float numbers are."""
    stay, weights = Fraction(1), []
    for r in map(Fraction, hazards):
        weights.append(r * stay)
        stay *= 1 - r
    return weights, stay


@given(hazards=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_weights_are_the_law_of_the_hazards_within_the_stated_error(hazards):
    law = StepLaw.from_hazards(torch.tensor(hazards, dtype=torch.float64))
    weights, leftover = exact_weights(hazards)
    tiny = 1e-300  # below, float64 itself has no relative accuracy
    for got, wanted in zip(law.weights.tolist(), weights, strict=True):
        assert abs(Fraction(got) - wanted) <= Fraction(law.weight_error) * wanted + Fraction(tiny)
    assert law.leftover == pytest.approx(float(leftover), rel=1e-15, abs=tiny)
    assert law.steps == len(hazards)
    assert law.clipped == 0


def test_many_steps_cost_little_accuracy():
    # ∏ (1 − 1/(l+1)) telescopes: w_k = 1/(k(k+1)) up to the rounding of the hazards themselves.
    hazards = 1 / torch.arange(2, 802, dtype=torch.float64)
    law = StepLaw.from_hazards(hazards)
    weights, _ = exact_weights(hazards.tolist())
    worst = max(
        abs(Fraction(got) / wanted - 1)
        for got, wanted in zip(law.weights.tolist(), weights, strict=True)
    )
    assert worst <= law.weight_error < 1e-14


@given(raw=st.lists(st.integers(0, 50), min_size=1, max_size=20), rest=st.integers(0, 50))
def test_weights_to_hazards_and_back(raw, rest):
    total = sum(raw) + rest
    if total == 0:
        return
    weights = torch.tensor([v / total for v in raw], dtype=torch.float64)
    law = StepLaw.from_weights(weights)
    assert torch.equal(law.weights, weights)
    assert law.leftover == pytest.approx(rest / total, abs=1e-15)
    assert law.weight_error == 0
    again = StepLaw.from_hazards(law.hazards)
    assert torch.allclose(again.weights, weights, rtol=1e-13, atol=1e-16)
    assert again.leftover == pytest.approx(law.leftover, abs=1e-15)
    if rest == 0:
        # The last step that does anything takes all that remains: exactly 1, not 1 ± 1e-16.
        assert float(law.hazards[max(i for i, v in enumerate(raw) if v)]) == 1


def test_weights_near_the_end_of_a_long_law_keep_their_accuracy():
    # 1 − Σ_{l<k} w_l would cancel here; the sum from the end does not.
    steps = 100_000
    law = StepLaw.from_weights(torch.full((steps,), 1 / steps, dtype=torch.float64))
    wanted = 1 / torch.arange(steps, 0, -1, dtype=torch.float64)
    assert torch.allclose(law.hazards, wanted, rtol=1e-11, atol=0)


def test_weights_with_a_sum_just_above_one_become_a_law():
    law = StepLaw.from_weights(torch.tensor([0.5, 0.5 + 5e-10]))
    assert math.fsum(law.weights.tolist()) == pytest.approx(1, abs=1e-15)
    assert law.leftover == 0


@given(steps=st.integers(1, 200))
def test_uniform(steps):
    law = StepLaw.equal(steps)
    assert torch.equal(law.weights, torch.full((steps,), 1 / steps, dtype=torch.float64))
    assert law.leftover == 0
    assert torch.allclose(StepLaw.from_hazards(law.hazards).weights, law.weights, rtol=1e-13)


@pytest.mark.parametrize(
    "law",
    [
        StepLaw.from_hazards(torch.tensor([0.5, 0.25])),
        StepLaw.from_weights(torch.tensor([0.5, 0.125])),
        StepLaw.from_hazards(torch.tensor([1.5, 0.25])),
    ],
)
def test_filling_moves_the_leftover_into_a_last_step(law):
    filled = law.filled()
    assert filled.leftover == 0
    assert filled.steps == law.steps + 1
    assert torch.allclose(filled.weights[:-1], law.weights, rtol=1e-15)
    assert float(filled.weights[-1]) == pytest.approx(law.leftover, abs=1e-16)
    assert filled.clipped == law.clipped
    assert filled.unclipped[:-1].tolist() == law.unclipped.tolist()
    # However little a denoiser predicts in total, this step draws all.
    assert float(filled.unclipped[-1]) == math.inf


@pytest.mark.parametrize("hazards", [[], [[0.5]], [math.nan], [-0.1, 0.5], [0.5, -math.inf]])
def test_impossible_hazards(hazards):
    with pytest.raises(InputError, match="hazards"):
        StepLaw.from_hazards(torch.tensor(hazards))


def test_a_negative_rounding_error_is_no_hazard():
    assert StepLaw.from_hazards(torch.tensor([-1e-17, 0.5])).hazards.tolist() == [0, 0.5]


@pytest.mark.parametrize("weights", [[], [[0.5]], [math.nan], [-0.1, 0.5], [0.6, 0.5], [math.inf]])
def test_impossible_weights(weights):
    with pytest.raises(InputError, match="weights"):
        StepLaw.from_weights(torch.tensor(weights))


def test_no_steps():
    with pytest.raises(InputError, match="K ≥ 1, got 0"):
        StepLaw.equal(0)


def test_what_rounding_leaves_above_one_is_not_clipped() -> None:
    """And a rule that asks for more than that is, and what it asked is kept."""
    for excess, clipped in ((0.0, 0), (1e-13, 0), (1e-11, 1)):
        law = StepLaw.from_hazards(torch.tensor([0.5, 1 + excess], dtype=torch.float64))
        assert law.hazards.tolist() == [0.5, 1.0]
        assert law.clipped == clipped
        assert (law.asked is None) == (clipped == 0)
        assert float(law.unclipped[1]) == (1 + excess if clipped else 1)


def test_only_a_sum_above_one_is_divided_out() -> None:
    for total in (0.5, 1.0, 1 + 5e-10):
        law = StepLaw.from_weights(torch.full((4,), total / 4, dtype=torch.float64))
        assert math.fsum(law.weights.tolist()) == pytest.approx(min(total, 1), rel=1e-15)
        assert law.leftover == pytest.approx(max(0.0, 1 - total), abs=1e-15)


def test_the_error_of_weights_on_a_long_grid_is_within_its_bound() -> None:
    """Against balls: it grows with the grid, and more than one rounding is seen."""
    worst = 0.0
    hazards = torch.linspace(0.9, 1.1, 20_000, dtype=torch.float64) / 3000
    law = StepLaw.from_hazards(hazards)
    with precision(200):
        stay = arb(1)
        for r, w in zip(hazards.tolist(), law.weights.tolist(), strict=True):
            exact, stay = arb(r) * stay, stay * (1 - arb(r))
            worst = max(worst, float(abs(w / exact - 1)))
    assert 2.0**-54 < worst <= law.weight_error < 1e-14
    # K differences, K products and one product more, of 64 bits; then one rounding to 53
    stated = 40_001 * Fraction(float(np.finfo(np.longdouble).eps)) + Fraction(1, 2**53)
    assert law.weight_error == float(stated)
    short = StepLaw.from_hazards(hazards[:1])
    assert short.weight_error < 2.0**-52  # one rounding is all that one step has


UNIFORM = torch.tensor([1 / 4, 1 / 3, 1 / 2, 1], dtype=torch.float64)
"""Hazards of four equal steps, in floats."""


def test_equal_in_floats_is_known_to_a_millionth_of_a_millionth() -> None:
    assert StepLaw.from_hazards(UNIFORM).is_equal(4)
    assert StepLaw.from_hazards(UNIFORM).filled().is_equal(4)
    for off, uniform in ((0.5e-12, True), (1.5e-12, False)):
        weights = torch.full((4,), 0.25, dtype=torch.float64)
        weights[0] += 0.25 * off  # one step is off by that share, another makes up for it
        weights[1] -= 0.25 * off
        assert StepLaw.from_weights(weights).is_equal(4) is uniform
        left = UNIFORM.clone()
        left[-1] -= 4 * off  # a quarter of the tokens comes to the last step
        assert (StepLaw.from_hazards(left).leftover < 1e-12) is uniform
    assert not StepLaw.from_hazards(UNIFORM[:3]).is_equal(3)
    assert not StepLaw.from_hazards(UNIFORM[:3]).is_equal(4)  # a quarter is left


def test_fractions_are_rounded_once_and_equal_steps_where_all_are_equal() -> None:
    half, third, sixth = Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)
    assert StepLaw.from_fractions((half, third, sixth)).weight_error == 2.0**-53
    assert not StepLaw.from_fractions((half, third, sixth)).is_equal(3)
    assert StepLaw.from_fractions((third,) * 3).is_equal(3)


def test_what_is_lost_by_rounding_alone_is_no_leftover() -> None:
    for missing, left in ((0.8e-14, False), (1.2e-14, True)):
        law = StepLaw.from_weights(torch.tensor([0.5, 0.5 - missing], dtype=torch.float64))
        assert (law.leftover > 0) is left


def test_weights_may_exceed_one_by_a_billionth() -> None:
    over = torch.tensor([0.5, 0.5 + 0.8e-9], dtype=torch.float64)
    law = StepLaw.from_weights(over)
    assert float(law.weights.sum()) == pytest.approx(1, abs=1e-15)
    with pytest.raises(InputError, match="sum must be at most 1"):
        StepLaw.from_weights(over + 0.2e-9)


def test_a_hazard_is_clipped_from_just_above_one_on() -> None:
    edge = 1 + 1e-12
    for hazard, clipped in ((edge, 0), (math.nextafter(edge, 2), 1)):
        law = StepLaw.from_hazards(torch.tensor([hazard, 0.5], dtype=torch.float64))
        assert law.clipped == clipped
        assert law.hazards.tolist() == [1, 0.5]


def test_steps_without_weight_reveal_nothing_and_nothing_is_left_after_all() -> None:
    law = StepLaw.from_weights(torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    assert law.hazards.tolist() == [0, 1, 0]
    assert (law.leftover, law.clipped, StepLaw.equal(3).clipped) == (0, 0, 0)


def test_edges_belong_to_what_is_allowed() -> None:
    edge = 1 + 1e-9
    StepLaw.from_weights(torch.tensor([edge - 0.5, 0.5], dtype=torch.float64))
    over = torch.tensor([math.nextafter(edge, 2) - 0.5, 0.5], dtype=torch.float64)
    with pytest.raises(InputError, match="sum must be at most 1"):
        StepLaw.from_weights(over)
    tiny = torch.tensor([1 - 2**-46, 2**-46 - 1e-14], dtype=torch.float64)
    assert StepLaw.from_weights(tiny).leftover == 0  # what is missing is 1e-14 and no more
    for hazard in (-1e-12, -0.8e-12):
        assert StepLaw.from_hazards(torch.tensor([hazard], dtype=torch.float64)).hazards == 0
    with pytest.raises(InputError, match="must be numbers ≥ 0"):
        StepLaw.from_hazards(torch.tensor([-1.5e-12], dtype=torch.float64))
    short = torch.full((4,), 0.25 * (1 - 8e-13), dtype=torch.float64)
    assert StepLaw.from_weights(short).is_equal(4)


def test_fractions_stay_exact_with_what_is_left() -> None:
    half, eighth = Fraction(1, 2), Fraction(1, 8)
    law = StepLaw.from_fractions((half, eighth))
    assert law.leftover == 0.375
    assert law.filled().fractions == (half, eighth, Fraction(3, 8))
    for excess in (Fraction(1, 10**12), half):  # also one that floats would not notice
        with pytest.raises(InputError, match="sum must be at most 1"):
            StepLaw.from_fractions((half, half + excess))


def test_laws_are_equal_if_all_that_they_hold_is() -> None:
    half = torch.tensor([0.5, 0.5], dtype=torch.float64)
    same = StepLaw.from_hazards(half), StepLaw.from_hazards(half.clone())
    assert same[0] == same[1]
    assert hash(same[0]) == hash(same[1])
    others = (
        StepLaw.from_hazards(half / 2),
        StepLaw.from_hazards(half).filled(),
        StepLaw(half, given=half),
        StepLaw(half, asked=half),
        StepLaw(half, clipped=1),
        StepLaw(half, fractions=(Fraction(1, 2), Fraction(1, 4))),
        "no law",
    )
    assert all(same[0] != other for other in others)
