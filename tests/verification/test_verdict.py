from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.theory.claim import Relation
from sharprates.verification.arithmetic import Interval
from sharprates.verification.verdict import RESOLUTION, Decision, Verdict, compare, quotient, strain

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


def decision(measured: Fraction, bound: Fraction, relation: Relation = Relation.UPPER) -> Decision:
    return Decision(relation, ((Interval.exact(measured), Interval.exact(bound)),))


def test_a_decision_in_words() -> None:
    found = decision(Fraction(1, 2), Fraction(2, 3))
    assert (found.ratio, found.verdict) == (0.75, Verdict.HOLDS)
    assert found.text == "1/2 = 0.5 against 2/3 = 0.666667"
    assert decision(Fraction(0), Fraction(1)).text == "0 against 1"
    third = Interval(Fraction(10**30, 3 * 10**30 + 1), Fraction(1, 3))
    wide = Decision(Relation.UPPER, ((Interval.exact(0.25), third),))
    assert wide.text == "1/4 = 0.25 against 0.333333333333"


def test_of_several_pairs_the_worst_counts() -> None:
    both = (decision(Fraction(1), Fraction(2)).side, decision(Fraction(3), Fraction(2)).side)
    assert Decision(Relation.UPPER, both).verdict is Verdict.FAILS
    assert Decision(Relation.UPPER, both).measured.middle == 3


@pytest.mark.parametrize(
    ("relation", "measured", "bound", "ratio", "near"),
    [
        (Relation.UPPER, (1, 1), (2, 2), 0.5, 0.5),
        (Relation.UPPER, (0.9, 1.1), (2, 2), 0.45, 0.45),  # what is proved
        (Relation.UPPER, (0, 0), (0, 0), None, 0.0),
        (Relation.LOWER, (4, 4), (2, 2), 2.0, 0.5),
        (Relation.LOWER, (1, 1), (0, 0), None, 0.0),
        (Relation.EQUALITY, (0, 0), (0, 0), 1.0, 0.0),
        (Relation.EQUALITY, (3, 3), (2, 2), 1.5, 0.5),
        (Relation.EQUALITY, (1, 1), (0, 0), None, float("inf")),
    ],
)
def test_ratio_and_strain(relation, measured, bound, ratio, near) -> None:
    side = (Interval(*measured), Interval(*bound))
    assert quotient(relation, side) == (ratio if ratio is None else pytest.approx(ratio))
    assert strain(relation, side) == pytest.approx(near)
