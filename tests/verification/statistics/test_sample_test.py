"""What a test says of itself."""

import math

import pytest
from sharprates.verification.statistics.sample_test import MISSES, SampleTest, sampling_error


def test_a_test_says_what_it_is() -> None:
    found = SampleTest("unmask probability", 1e-12, 1e-9, 100, 0.02)
    assert not found.passed
    assert "FAILS" in str(found)
    assert "n = 100" in str(found)
    assert "detects tv 0.02" in str(found)


def test_a_p_value_at_the_level_fails_and_a_frequency_misses_rarely() -> None:
    assert not SampleTest("", 0.01, 0.01, 1, 1.0).passed
    assert SampleTest("", 0.0101, 0.01, 1, 1.0).passed
    for n in (1, 50):  # e^{−2nt²}, Hoeffding's bound, is what is missed
        assert math.exp(-2 * n * sampling_error(n) ** 2) == pytest.approx(MISSES)
    assert MISSES == 0.01
