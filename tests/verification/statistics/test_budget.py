"""Levels add up to at most the budget, exactly, and none is handed out twice."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError
from sharprates.verification.statistics.budget import DEFAULT_BUDGET, Budget, BudgetError, Ledger

LEVELS = st.fractions(min_value=Fraction(1, 10**12), max_value=Fraction(1, 2))
NAMES = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=12, unique=True)


@given(LEVELS, NAMES, NAMES)
def test_shares_of_shares_add_up_to_the_budget(
    level: Fraction, groups: list[str], names: list[str]
) -> None:
    whole = Budget(level)
    parts = [part for group in whole.share(groups).values() for part in group.share(names).values()]
    assert sum(part.level for part in parts) == level
    # What checks really use are floats: they are rounded down, so their exact sum stays below.
    assert sum(Fraction(part.alpha) for part in parts) <= level
    assert all(part.alpha > 0 for part in parts)
    assert len({part.name for part in parts}) == len(groups) * len(names)


@given(LEVELS)
def test_a_float_level_is_the_largest_below(level: Fraction) -> None:
    alpha = Budget(level).alpha
    assert Fraction(alpha) <= level < Fraction(alpha) * (1 + Fraction(1, 2**51))


def test_the_default_is_one_in_a_million() -> None:
    assert Budget().level == DEFAULT_BUDGET == Fraction(1, 1_000_000)


@given(LEVELS, NAMES)
def test_a_ledger_spends_each_level_once(level: Fraction, names: list[str]) -> None:
    ledger = Ledger(Budget(level), names)
    spent = [ledger.take(name) for name in names]
    assert level * (1 - Fraction(1, 2**50)) < sum(map(Fraction, spent)) <= level
    for name in names:
        with pytest.raises(BudgetError, match="spent"):
            ledger.take(name)


def test_what_was_not_planned_gets_nothing() -> None:
    ledger = Ledger(Budget(), ["one", "two"])
    with pytest.raises(BudgetError, match="not among"):
        ledger.take("three")


@pytest.mark.parametrize("level", [Fraction(0), Fraction(1), Fraction(-1, 2)])
def test_a_level_outside_the_unit_interval_is_refused(level: Fraction) -> None:
    with pytest.raises(InputError, match="budget"):
        Budget(level)


def test_a_budget_too_small_for_floats_is_refused() -> None:
    with pytest.raises(InputError, match="at least 3e-200 for 3 checks"):
        Budget(Fraction(1e-320)).share(["a", "b", "c"])


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_names_must_be_there_and_distinct(names: list[str]) -> None:
    with pytest.raises(BudgetError, match="distinct"):
        Budget().share(names)
