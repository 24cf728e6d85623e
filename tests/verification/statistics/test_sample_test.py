"""What a test says of itself."""

from sharprates.verification.statistics.sample_test import SampleTest


def test_a_test_says_what_it_is() -> None:
    found = SampleTest("unmask probability", 1e-12, 1e-9, 100, 0.02)
    assert not found.passed
    assert "FAILS" in str(found)
    assert "n = 100" in str(found)
    assert "detects tv 0.02" in str(found)
