"""What is known of a law's dependence: read, bounded, and taken from its curve."""

import math
from fractions import Fraction

import pytest
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import family
from sharprates.verification.planning.dependence import Dependence
from sharprates.verification.profile import profile


def test_numbers_are_read_exactly() -> None:
    known = Dependence.read("tc=12.5, info=1/3", 10, 8)
    assert (known.tc, known.dtc, known.information) == (Fraction(25, 2), None, Fraction(1, 3))
    # TC + DTC = d·Ī, and neither is negative
    assert known.correlations == (Fraction(10, 3), Fraction(10, 3))
    assert Dependence.read("dtc=2,info=1/3", 10).correlations == (Fraction(10, 3), 2)
    assert Dependence.read("tc=2", 10).correlations == (2, None)


def test_of_a_law() -> None:
    """Copies of a bit have TC = (d−1)·log 2 and DTC = log 2; parity the other way round."""
    for text, tc, dtc in (("copies:4:2", 3, 1), ("parity:4:2", 1, 3)):
        shape = profile(family(text))
        known = Dependence.of_curve(shape.information.tolist(), shape.error)
        for bound, bits in ((known.tc, tc), (known.dtc, dtc), (known.information, 1)):
            assert bound is not None
            assert bits * math.log(2) <= bound <= bits * math.log(2) + 20 * shape.error


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("tc=-1", "tc must not be negative, got -1"),
        ("tc=6", r"tc = 6 nats is more than d·log S = 5.54518, the most for d = 8 and S = 2"),
        ("dtc=6", r"more than d·log S"),
        ("info=0.7", r"info = 0.7 nats is more than log S = 0.693147"),
        ("tc=nan", "tc needs a number, got 'nan'"),
        ("tc=inf", "tc needs a number, got 'inf'"),
        ("tc=", "tc needs a number, got ''"),
        ("tc=1,tc=2", "each once, got 'tc=2'"),
        ("mi=1", "needs tc=, dtc= or info= in nats, each once, got 'mi=1'"),
        ("12.5", "got '12.5'"),
    ],
)
def test_bad_numbers_are_named(text: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        Dependence.read(text, 8, 2)


def test_sizes_out_of_range_are_named() -> None:
    with pytest.raises(InputError, match="length: must lie in"):
        Dependence.read("tc=1", 0)
    with pytest.raises(InputError, match="vocab: must be at least 1, got 0"):
        Dependence.read("tc=1", 3, 0)
