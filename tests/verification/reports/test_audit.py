import json
from fractions import Fraction

import pytest
from sharprates.verification.arithmetic import Interval
from sharprates.verification.files import to_json
from sharprates.verification.reports.audit import interval_json
from sharprates.verification.reports.layout import exact_text, shown


def test_rationals_stay_exact_and_nan_is_refused() -> None:
    third = Interval.exact(Fraction(1, 3))
    assert interval_json(third, "rational")["lower"] == "1/3"
    assert json.loads(to_json(interval_json(third, "ball")))["lower"] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})


def test_numbers_are_shown_short() -> None:
    assert [shown(v) for v in (0.0, 0.123456, 1.0, 1.234e-5)] == [
        "0",
        "0.1235",
        "1.0000",
        "1.2e-05",
    ]


def test_fractions_of_any_length_are_written() -> None:
    """Python itself refuses to write numbers of more than 4300 digits."""
    assert [exact_text(Fraction(x)) for x in (3, "-1/2", 0)] == ["3", "-1/2", "0"]
    long = Fraction(10**5000 + 1, 7)
    assert interval_json(Interval.exact(long), "rational")["lower"] == f"1{'0' * 4999}1/7"
