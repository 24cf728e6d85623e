from fractions import Fraction

from sharprates.verification.reports.layout import exact_text, shown


def test_numbers_are_shown_short() -> None:
    assert [shown(v) for v in (0.0, 0.123456, 1.0, 1.234e-5)] == [
        "0",
        "0.1235",
        "1.0000",
        "1.2e-05",
    ]


def test_fractions_are_written_in_full() -> None:
    assert [exact_text(Fraction(x)) for x in (3, "-1/2", 0)] == ["3", "-1/2", "0"]
