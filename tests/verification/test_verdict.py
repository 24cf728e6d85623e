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


UNIT = Fraction(1, 10**9)  # as wide as the resolution


def between(low: Fraction | int, high: Fraction | int) -> Interval:
    return Interval(Fraction(low), Fraction(high))


def test_intervals_that_touch_hold_one_way_and_are_undecided_the_other() -> None:
    below, above = between(0, 1), between(1, 2)
    assert compare(Relation.UPPER, below, above) is Verdict.HOLDS
    assert compare(Relation.LOWER, above, below) is Verdict.HOLDS
    assert compare(Relation.UPPER, above, below) is Verdict.UNDECIDED
    assert compare(Relation.LOWER, below, above) is Verdict.UNDECIDED
    assert compare(Relation.EQUALITY, below, above) is Verdict.UNDECIDED


@pytest.mark.parametrize("share", [Fraction(0), Fraction(1, 3), Fraction(1)])
def test_the_resolution_is_that_of_both_intervals_together(share: Fraction) -> None:
    resolution = Fraction(RESOLUTION)
    for width, verdict in ((resolution, Verdict.HOLDS), (resolution + UNIT, Verdict.UNDECIDED)):
        sides = between(0, share * width), between(0, (1 - share) * width)
        assert compare(Relation.EQUALITY, *sides) is verdict


@pytest.mark.parametrize(
    ("measured", "bound", "settled"),
    [
        (between(1, 1), between(1, 1), True),
        (between(1, 1), between(2, 2), True),
        (between(0, 1), between(2, 3), True),
        (between(2, 3), between(0, 1), True),
        (between(0, 1), between(1, 2), False),
        (between(1, 2), between(0, 1), False),
        (between(0, 3), between(1, 2), False),
        (between(1, 2), between(0, 3), False),
        (between(1, 1), between(0, 2), False),
        (between(0, 2), between(1, 1), False),
    ],
)
def test_more_bits_change_nothing_where_sides_are_apart_or_points(
    measured: Interval, bound: Interval, settled: bool
) -> None:
    assert Decision(Relation.UPPER, ((measured, bound),)).settled is settled
    far = (between(5, 5), between(6, 6))
    assert Decision(Relation.UPPER, (far, (measured, bound))).settled is settled


def test_an_equality_strains_as_much_below_as_above() -> None:
    half = (Interval.exact(0.5), Interval.exact(1))
    assert (quotient(Relation.EQUALITY, half), strain(Relation.EQUALITY, half)) == (0.5, 0.5)


def test_an_equality_that_is_known_to_a_millionth_of_the_bound_has_its_own_ratio() -> None:
    bound = Interval.exact(2)
    off = Fraction(1, 10**6)
    for width, ratio in (
        (Fraction(201, 100) * off, 1.0),
        (Fraction(199, 100) * off, float(1 + off / 3)),
    ):
        measured = between(2 + 2 * off / 3 - width / 2, 2 + 2 * off / 3 + width / 2)
        assert quotient(Relation.EQUALITY, (measured, bound)) == pytest.approx(ratio, abs=1e-12)
    apart = between(3, 5), Interval.exact(2)
    assert quotient(Relation.EQUALITY, apart) == 2.0


def test_the_ratio_of_a_bound_is_that_of_the_ends_that_are_proved() -> None:
    sides = between(2, 3), between(4, 8)
    assert quotient(Relation.UPPER, sides) == 0.25
    assert quotient(Relation.LOWER, sides) == 0.75
    assert strain(Relation.LOWER, sides) == pytest.approx(4 / 3)
    assert quotient(Relation.UPPER, (between(-1, 3), between(4, 8))) == 0
    infinite = Interval.exact(1), Interval(Fraction(1), float("inf"))
    assert quotient(Relation.UPPER, infinite) is None
    assert strain(Relation.LOWER, (Interval.exact(0), Interval.exact(1))) == float("inf")


def test_a_fraction_beyond_all_digits_is_shown_in_decimals() -> None:
    sides = Interval.exact(Fraction(1, 3**10_000) + Fraction(1, 2)), Interval.exact(1)
    assert Decision(Relation.UPPER, (sides,)).text == "0.5 against 1"
