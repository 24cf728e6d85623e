import pytest
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.evaluation import evaluate
from sharprates.theory.precision import G1, truncation


def test_the_truncation_of_float32() -> None:
    assert evaluate(truncation, {}, FLOAT) == pytest.approx(16.6355, abs=5e-5)


def test_small_probabilities_shrink_as_in_the_note() -> None:
    values = {"probabilities": [1e-7, 1 - 1e-7], "index": 1}
    small = G1.value(values, FLOAT)
    assert small == pytest.approx(5.5099e-8, rel=1e-4)
    assert small + G1.value({**values, "index": 2}, FLOAT) == pytest.approx(1, abs=1e-12)


def test_equal_probabilities_stay_equal() -> None:
    law = [G1.value({"probabilities": [0.25] * 4, "index": i}, FLOAT) for i in (1, 2, 3, 4)]
    assert law == pytest.approx([0.25] * 4, rel=1e-12)
