"""Levels add up to at most the budget, exactly, and none is handed out twice."""

import ast
import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sharprates.samplers.errors import InputError
from sharprates.verification.statistics.budget import (
    DEFAULT_BUDGET,
    LEAST,
    Budget,
    BudgetError,
    Ledger,
)

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
    assert Fraction(alpha) <= level < Fraction(math.nextafter(alpha, 1))
    assert Budget(Fraction(alpha)).alpha == alpha


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
    (least,) = Budget(LEAST).share(["a"]).values()
    assert least.level == LEAST


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_names_must_be_there_and_distinct(names: list[str]) -> None:
    with pytest.raises(BudgetError, match="distinct"):
        Budget().share(names)


JUDGES = {
    "binomial_test",
    "certify",
    "dkw_test",
    "empirical_bernstein",
    "empirical_tv",
    "hitting_times",
    "homogeneity_test",
    "law_test",
    "order_uniform",
    "rarely",
    "reveal_steps",
    "sampled_tv",
}
"""What gives a verdict or a limit at a level: such a level comes from the ledger."""

DRAWS, MANY = {"sample", "multinomial"}, 1000
"""So many rows are drawn for nothing but a frequency."""

CERTAIN = {
    "samplers/test_higher_order.py::test_long_rows_do_not_underflow": "rows are numbers ≥ 0",
    "samplers/test_sampling.py::test_neither_threads_nor_batches_change_the_rows": "equal rows",
    "samplers/test_trajectories.py::test_long_sequences_in_batches": "1024 is a length",
    "verification/conformance/test_checker.py::test_a_near_miss_is_named": "power, not alarms",
    "verification/planning/test_sampled_tv.py::test_a_lower_limit_that_says_something": "power",
    "verification/planning/test_sampled_tv.py::test_masks_left_over_count_exactly": "exact part",
    "verification/planning/test_sampled_tv.py::test_a_product_law_has_no_divergence": "exactly 0",
    "verification/planning/test_sampled_tv.py::test_bad_arguments_are_named": "nothing is drawn",
    "verification/statistics/test_binomial.py::": "exact probabilities, nothing is drawn",
    "verification/statistics/test_bounded_mean.py::test_the_width_spends_half_of_the_level_on"
    "_either_side": "given values",
    "verification/statistics/test_distribution.py::test_no_sample": "nothing is drawn",
    "verification/statistics/test_distribution.py::test_the_p_value": "given values",
    "verification/statistics/test_distribution.py::test_what_is_no_number_is_no_sample_of_a"
    "_distribution": "given values",
    "verification/statistics/test_empirical_tv.py::test_the_ends_do_not_cross": "given counts",
    "verification/statistics/test_empirical_tv.py::test_the_lower_end_has_half_of_the_level_in"
    "_fractions": "given counts",
    "verification/statistics/test_empirical_tv.py::test_the_upper_end_has_half_of_the_level": ""
    "given counts",
    "verification/statistics/test_homogeneity.py::test_groups_that_repeat": "given counts",
    "verification/statistics/test_homogeneity.py::test_one_group_or_cell": "given counts",
    "verification/statistics/test_homogeneity.py::test_the_p_value": "given counts",
    "verification/statistics/test_homogeneity.py::test_the_share": "given counts",
    "verification/statistics/test_laws.py::test_an_impossible_sample": "given counts",
    "verification/statistics/test_laws.py::test_the_law_test": "given counts",
    "verification/statistics/test_step_tests.py::test_what_is_asked_of_a_grid": "given steps",
    "verification/test_certificate.py::test_one_token_a_round_leaves": "exactly 0",
    "verification/test_certificate.py::test_what_it_cannot_certify": "an error",
}
"""Tests without a level whose assertions hold for certain, and why."""


def outside_the_budget(text: str) -> list[str]:
    """Tests of a file that judge samples without a level from the ledger."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test")):
            continue
        inside = list(ast.walk(node))
        functions = [one.func for one in inside if isinstance(one, ast.Call)]
        called = {getattr(one, "attr", getattr(one, "id", "")) for one in functions}
        many = any(
            isinstance(one, ast.Constant) and type(one.value) is int and one.value >= MANY
            for one in inside
        )
        judged = called & JUDGES or (called & DRAWS and many)
        if judged and "ledger" not in {argument.arg for argument in node.args.args}:
            found.append(node.name)
    return found


def test_every_statistical_assertion_is_inside_the_budget() -> None:
    tests = Path(__file__).parents[2]
    found, used = [], set()
    for file in sorted(tests.rglob("test_*.py")):
        if "bench" in file.parts:
            continue
        for name in outside_the_budget(file.read_text(encoding="utf-8")):
            place = f"{file.relative_to(tests).as_posix()}::{name}"
            reasons = [known for known in CERTAIN if place.startswith(known)]
            used |= set(reasons)
            found += [place] * (not reasons)
    assert not found, "take a level from the ledger, or say why the assertion is certain"
    assert used == set(CERTAIN)


@pytest.mark.parametrize(
    ("body", "outside"),
    [
        ("def test_a(): assert law_test('x', c, p, 0.01).passed", True),
        ("def test_a(ledger): assert law_test('x', c, p, ledger.take('a')).passed", False),
        ("def test_a():\n    n = 40_000\n    assert mean(sampler.sample(p, n, g)) < 5", True),
        ("def test_a(): assert sampler.sample(p, 5, g).shape == (5, 2)", False),
    ],
)
def test_what_is_outside_is_seen(body: str, outside: bool) -> None:
    assert bool(outside_the_budget(body)) is outside
