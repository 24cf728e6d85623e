from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval
from sharprates.verification.verdict import RESOLUTION, Verdict, compare

values = st.fractions(0, 1, max_denominator=100)
wide = st.fractions(Fraction(1, 100), 1, max_denominator=100)


def test_points_are_decided_exactly() -> None:
    third = Interval.exact(Fraction(1, 3))
    above = Interval.exact(Fraction(1, 3) + Fraction(1, 10**30))
    assert compare(Relation.UPPER, third, above) is Verdict.HOLDS
    assert compare(Relation.UPPER, third, third) is Verdict.HOLDS
    assert compare(Relation.LOWER, third, third) is Verdict.HOLDS
    assert compare(Relation.UPPER, above, third) is Verdict.FAILS
    assert compare(Relation.LOWER, third, above) is Verdict.FAILS
    assert compare(Relation.EQUALITY, third, third) is Verdict.HOLDS
    assert compare(Relation.EQUALITY, third, above) is Verdict.FAILS


def test_overlap_is_equality_only_within_the_resolution() -> None:
    bound = Interval.exact(0.5)
    for relation in (Relation.UPPER, Relation.LOWER, Relation.EQUALITY):
        assert compare(relation, Interval.around(0.5, RESOLUTION / 4), bound) is Verdict.HOLDS
        assert compare(relation, Interval.around(0.5, 0.01), bound) is Verdict.UNDECIDED


@given(values, values, wide)
def test_upper_and_lower_mirror_each_other(x: Fraction, y: Fraction, error: Fraction) -> None:
    measured = Interval(x - error, x + error)
    bound = Interval.exact(y)
    upper = compare(Relation.UPPER, measured, bound)
    assert upper is compare(Relation.LOWER, bound, measured)
    # a verdict is a proof: no value inside the interval contradicts it
    if upper is Verdict.HOLDS:
        assert x + error <= y
    if upper is Verdict.FAILS:
        assert x - error > y


def test_rows_that_speak_of_another_law_have_no_verdict() -> None:
    far = Interval.exact(0.9), Interval.exact(0.1)
    assert compare(Relation.WORST_CASE, *far) is Verdict.NONE
    assert compare(Relation.LIMIT, *far) is Verdict.NONE
