import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.claim import Claim
from sharprates.theory.euler_lower import L1, L2, L6
from sharprates.theory.euler_upper import E1, E2, E3, E4, E5, E6, E7, E8
from sharprates.theory.functions import BlockDivergence
from sharprates.theory.proofs.proof import RATIONALS
from sharprates.theory.setting import Setting


def smallest(bound: Callable[[int], float], epsilon: float) -> int:
    """The first K at which a decreasing bound is at most ε."""
    low, high = 0, 1
    while bound(high) > epsilon:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bound(middle) > epsilon else (low, middle)
    return high


@pytest.mark.parametrize(
    ("claim", "variant", "d", "S", "epsilon", "steps"),
    [
        # the examples of the book
        (E3, "equal-steps", 1024, 50257, 0.01, 52_115_615),
        (E7, "vocabulary", 1024, 50257, 0.01, 551_665),
        (E5, "equal-steps-vocabulary", 1024, 50257, 0.01, 551_630),
        (L6, "every-law", 1024, 50257, 0.01, 382_052),
        (E7, "vocabulary", 1024, 2, 0.01, 35_516),
        (E5, "equal-steps-vocabulary", 1024, 2, 0.01, 35_482),
        (L1, "every-law", 1024, 2, 0.01, 25_473),
        (E7, "vocabulary", 64, 4, 0.05, 878),
        (E5, "equal-steps-vocabulary", 64, 4, 0.05, 876),
        (E3, "equal-steps", 64, 4, 0.05, 39_325),
        (L6, "every-law", 64, 4, 0.05, 615),
    ],
)
def test_the_steps_of_the_planner(
    claim: Claim, variant: str, d: int, S: int, epsilon: float, steps: int
) -> None:
    # the largest group that fits, g = 1 + ⌊log2 S⌋
    values: dict[str, Any] = {"d": d, "S": S, "g": S.bit_length(), "epsilon_w": 0}
    found = smallest(
        lambda K: claim.value({**values, "K": K}, FLOAT, variant=variant),
        epsilon,
    )
    assert found == steps


def test_bounds_are_accurate_where_they_are_small() -> None:
    values = {"d": 2, "S": 2, "K": 10**9, "epsilon_w": 0}
    rate = 1e-9 * (1 + 2 / 5e9) * math.log(2)
    found = E7.value(values, FLOAT, variant="vocabulary")
    assert found == pytest.approx(rate - rate**2 / 2, rel=1e-14, abs=0)
    exact = E3.value(values, RATIONALS, variant="equal-steps")
    assert exact == Fraction(1, 10**9)


@given(
    st.integers(1, 6),
    st.lists(st.integers(0, 6), min_size=1, max_size=8),
    st.integers(0, 4),
    st.lists(st.floats(0, 3), min_size=6, max_size=6),
)
def test_the_forms_of_e5_and_e8_stand_as_the_note_says(
    d: int, parts: list[int], rest: int, entropies: list[float]
) -> None:
    total = sum(parts) + rest
    if not sum(parts):
        return
    h = sorted(entropies[:d], reverse=True)
    values = {
        "d": d,
        "w": [part / total for part in parts],
        "h": h,
        "I_bar": h[0] - h[-1],
        "S": math.ceil(math.exp(h[0])) + 1,
    }

    def bound(claim: Claim, variant: str | None = None) -> float:
        return float(claim.value(values, FLOAT, variant=variant))

    slack = 1 + 1e-12
    assert bound(E5, "entropy") <= bound(E5, "vocabulary") * slack
    assert bound(E5) == min(bound(E5, "entropy"), bound(E5, "transport"))
    information = min(bound(E5, "vocabulary"), bound(E5, "transport"))
    assert bound(E5, "information") == pytest.approx(information, rel=1e-12)
    assert bound(E8, "fine") <= bound(E8, "coarse") * slack + 1e-15
    assert bound(E8) == min(bound(E8, "coarse"), bound(E8, "fine"))
    everything_left = 1 - sum(values["w"]) ** d
    assert everything_left <= bound(E5) * slack + 1e-12
    if not rest:
        steps = {**values, "W": max(parts) / total}
        coarse = E8.value(steps, FLOAT, variant="step-size")
        assert coarse == pytest.approx(bound(E8, "coarse"), abs=1e-12)
        assert coarse <= E8.value(steps, FLOAT, variant="vocabulary") * slack


@pytest.mark.parametrize(("d", "K"), [(2, 2), (3, 5), (7, 7), (12, 40), (64, 64), (200, 333)])
def test_e7_is_e5_with_the_rank_distance_bounded(d: int, K: int) -> None:
    values = {"d": d, "K": K, "S": 5, "I_bar": 0.3}
    for weak, strong in (
        ("vocabulary", "equal-steps-vocabulary"),
        (None, "equal-steps-information"),
    ):
        assert E5.value(values, FLOAT, variant=strong) < E7.value(values, FLOAT, variant=weak)
    # the mutant: without the correction the closed form is too small
    broken = {"E7.correction": Fraction(0)}
    if d > 2:
        assert E5.value(values, FLOAT, variant="equal-steps-vocabulary") > E7.value(
            values, FLOAT, broken, "vocabulary"
        )


@pytest.mark.parametrize("S", [2, 3, 10])
@pytest.mark.parametrize("d", [2, 3, 8])
def test_copies_in_one_step_attain_the_vocabulary_form(d: int, S: int) -> None:
    values = {"d": d, "S": S, "w": [1]}
    exact = L2.value(values, FLOAT)
    assert E5.value(values, FLOAT, variant="vocabulary") == pytest.approx(exact, rel=1e-14)
    assert E5.value(values, FLOAT, {"E5.constant": 0.99}, "vocabulary") < exact


def test_uniform_forms_agree_with_the_general_ones() -> None:
    values = {"d": 5, "K": 9, "S": 3, "w": [Fraction(1, 9)] * 9, "I_bar": 0.4, "epsilon_w": 0.01}
    values["h"] = [1.0, 0.9, 0.8, 0.65, 0.6]
    for claim, general, uniform in (
        (E3, None, "equal-steps"),
        (E5, "entropy", "equal-steps-entropy"),
        (E5, "information", "equal-steps-information"),
        (E5, "vocabulary", "equal-steps-vocabulary"),
    ):
        left = claim.value(values, FLOAT, variant=general)
        assert left == pytest.approx(claim.value(values, FLOAT, variant=uniform), rel=1e-12)


def test_e1_and_e2_by_hand() -> None:
    names = ("initialisation", "score", "clock", "parallel", "early_stopping")
    terms = {f"E1_{name}": Fraction(1, n) for n, name in enumerate(names, start=2)}
    assert E1.value(terms, RATIONALS) == sum(terms.values())
    values = {"d": 3, "T": 8.0, "K": 100, "epsilon_1": 0.25}
    assert E2.value(values, FLOAT) == pytest.approx(3 * math.exp(-8) + 0.25 + 12 * 0.08 / 4)
    half = E2.value(values, FLOAT, {"E2.parallel": 0})
    assert half == pytest.approx(3 * math.exp(-8) + 0.25 + 3 * 0.08 / 2)


def test_e4_adds_the_leftover_to_the_blocks() -> None:
    values = {
        "d": 2,
        "w": [Fraction(1, 2), Fraction(1, 4)],
        "D": {(1, 1): Fraction(0), (2,): Fraction(1, 3)},
    }
    assert E4.value(values, RATIONALS) == Fraction(5, 16) / 3 + 1 - Fraction(9, 16)


@pytest.mark.parametrize("w", [[1, 0, 0], [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]])
def test_e6_is_below_every_law_and_attained_at_the_uniform_one(w: list[Fraction]) -> None:
    values = {"d": 2, "K": 3, "epsilon_w": 0}
    least = E6.value(values, RATIONALS)
    assert E3.value({**values, "w": w}, RATIONALS) > least
    third = [Fraction(1, 3)] * 3
    assert E3.value({**values, "w": third}, RATIONALS) == least


def test_divergence_of_e8_is_that_of_one_step() -> None:
    # K = 1: every token is drawn at once, and A is the total correlation
    h = [Fraction(3), Fraction(2), Fraction(1)]
    assert BlockDivergence.compute(RATIONALS, (3,), h) == 3
    value = E8.value({"d": 3, "w": [1], "h": h}, FLOAT, variant="fine")
    assert value == pytest.approx(1 - math.exp(-(3 + math.sqrt(math.e * 9) / 2)))


def test_where_the_bounds_apply() -> None:
    plain = Setting(length=4, vocabulary=2, steps=8, clock="constant", grid="uniform")
    assert E2.applies(plain) is None
    assert E2.applies(Setting(length=4, vocabulary=2, sampler="ancestral")) is not None
    assert E3.applies(plain) is None
    assert E3.applies(plain, "equal-steps") == "needs equal steps, w_k = 1/K"
    assert E5.applies(Setting(length=4, vocabulary=2, exact_denoiser=False)) is not None
    assert E7.applies(plain) == "needs equal steps, w_k = 1/K"
    assert E7.applies(Setting(length=4, vocabulary=2, steps=3, equal_steps=True)) is not None
    assert E8.applies(Setting(length=4, vocabulary=1)) == "needs S ≥ 2"
