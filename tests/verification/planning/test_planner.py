"""The planner: known step counts, never below what some law needs, exact K on data."""

import json

import pytest
from hypothesis import given, settings
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family, structured_tv
from sharprates.samplers.output_law import total_variation
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.planning.bounds import Knowledge, Question, Row
from sharprates.verification.planning.planner import (
    Options,
    StepPlan,
    plan,
    plan_target,
    schedule_laws,
)

from tests.verification.planning.test_bounds import KNOWN, questions

# ── the numbers of the note ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("d", "S", "tv", "expected"), KNOWN)
def test_the_numbers_of_the_note(d: int, S: int, tv: float, expected: dict[str, int]) -> None:
    found = plan(Question(d, S, tv)).to_json()
    assert {claim: found["bounds"][claim]["steps"] for claim in expected} == expected
    assert found["fhs"] == {"calls": d, "tv_at_most": 0.0, "enough": True}
    assert found["enough"] == {"claim": "E5", "steps": expected["E5"]}
    json.dumps(found, allow_nan=False)


# ── never below what some law needs ─────────────────────────────────────────────────────────────


@settings(max_examples=10)
@given(questions)
def test_never_below_a_lower_bound(question: tuple[int, int, float, float]) -> None:
    found = plan(Question(*question))
    assert found.needed is not None
    if found.enough is not None:
        assert found.enough.steps >= found.needed.steps  # type: ignore[operator]


def test_a_plan_below_a_lower_bound_would_be_seen() -> None:
    """Power of the comparison above: a bound whose K is a fifth of E5's."""
    found = plan(Question(64, 4, 0.05))
    low = Row("E5", "enough", 876 // 5, None, "main", "float64", {})
    wrong = StepPlan(found.ask, found.known, (low, *found.rows), 0.0)
    assert wrong.enough is not None
    assert wrong.enough.steps < wrong.needed.steps  # type: ignore[union-attr, operator]


# ── edges ───────────────────────────────────────────────────────────────────────────────────────


def test_a_score_error_that_takes_all_of_epsilon() -> None:
    spent = plan(Question(32, 4, 0.1, 0.1))
    assert spent.enough is None
    assert spent.to_json()["fhs"] == {"calls": 32, "tv_at_most": 0.1, "enough": True}


def test_of_known_data_no_lower_bound_is_given() -> None:
    assert plan(Question(4, 2, 0.1), Knowledge(0.5)).needed is None


def test_a_huge_vocabulary_falls_back_on_e3() -> None:
    """With S beyond 2^d the birthday bound is the smallest, and L3 matches it exactly."""
    found = plan(Question(8, 2**200, 0.3))
    assert found.enough is not None
    assert found.needed is not None
    assert (found.enough.claim, found.needed.claim) == ("E3", "L3")
    assert found.enough.steps == found.needed.steps == 82


# ── other schedules ─────────────────────────────────────────────────────────────────────────────


def test_bounds_by_schedule_agree_with_exact_tv_and_with_the_uniform_law() -> None:
    """L1 counts what the recursion counts; at E5's and E8's K no family is above ε."""
    d, S, tv = 12, 3, 0.1
    options = Options(clocks=("linear", "cosine"), rules=("euler",), last_steps=("leave", "fill"))
    found = plan(Question(d, S, tv), options=options)
    laws = schedule_laws(d, options)
    assert set(found.by_schedule) == set(laws) - {"uniform law"}
    uniform = {row.claim: row.steps for row in found.rows}
    for name, rows in found.by_schedule.items():
        steps = {row.claim: row.steps or 0 for row in rows}
        assert set(steps) == {"E3", "E5", "E8", "L1"}
        if name.startswith("linear"):  # Euler there reveals uniformly
            assert all(steps[claim] == uniform[claim] for claim in steps)
        for K, inside in ((steps["L1"], True), (steps["L1"] - 1, False)):
            assert (structured_tv(f"pairs:{d}:{S}", laws[name](K)).tv <= tv) is inside
        for text in (f"copies:{d}:{S}", f"parity:{d}:{S}", f"permutations:{d}:{S}"):
            for claim in ("E3", "E5", "E8"):
                assert structured_tv(text, laws[name](steps[claim])).tv <= tv, (name, claim)
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert content["schedules"].keys() == found.by_schedule.keys()


def test_a_schedule_that_leaves_masks_or_needs_too_many_steps_says_so() -> None:
    options = Options(clocks=("linear",), rules=("ancestral",), delta=0.5)
    found = plan(Question(4, 2, 0.1), options=options).by_schedule
    for row in next(iter(found.values())):
        assert row.steps is None
        assert "up to K = 1000000, and is not evaluated beyond" in (row.reason or "")
    with pytest.raises(InputError, match="clock 'late' is unknown"):
        plan(Question(4, 2, 0.1), options=Options(clocks=("late",)))


# ── data ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["copies:5:3", "parity:6:2", "pairs:6:2", "permutations:4:4"])
def test_exact_steps_agree_with_a_scan_by_another_algorithm(text: str) -> None:
    """`structured_tv` at every K from 1 up, until TV falls to ε."""
    target, tv = family(text), 0.03
    found = plan_target(target, tv)
    scan = next(K for K in range(1, 10**4) if structured_tv(text, StepLaw.uniform(K)).tv <= tv)
    (exact,) = found.exact
    assert exact.steps == scan
    assert exact.before is not None
    assert exact.before.value > tv >= exact.tv.value  # type: ignore[union-attr]
    assert exact.before.value == pytest.approx(
        structured_tv(text, StepLaw.uniform(scan - 1)).tv, rel=1e-10
    )
    # Every bound that applies asks for at least as many.
    assert all(row.steps >= scan for row in found.rows if row.steps)
    assert {row.claim for row in found.rows} == {"E2", "E3", "E5", "E7", "E8", "KL2"}
    assert found.schedule is not None
    assert found.schedule.steps == scan
    assert found.schedule.tv.value <= exact.tv.value  # type: ignore[union-attr]
    assert found.hitting == 0.0
    json.dumps(found.to_json(), allow_nan=False)


def test_other_clocks_and_rules_are_searched_too() -> None:
    target = family("dirichlet:4:2:0.5:3")
    options = Options(
        clocks=("constant", "linear"), last_steps=("leave", "fill"), rules=("euler",), most=3000
    )
    found = plan_target(target, 0.02, options=options)
    by_name = {one.schedule: one for one in found.exact}
    assert len(by_name) == 5
    linear = by_name["linear clock, uniform grid, euler, leave"]
    assert linear.steps == by_name["uniform law"].steps  # Euler on the linear clock is uniform
    slow = by_name["constant clock, uniform grid, euler, leave"]
    assert slow.steps is not None
    assert slow.steps > linear.steps  # type: ignore[operator]


def test_masks_left_over_are_named_where_they_forbid_it() -> None:
    """On a grid that stops at δ = 0.5, masks stay however many steps there are."""
    options = Options(clocks=("linear",), rules=("ancestral",), delta=0.5, most=64)
    found = plan_target(family("pairs:4:2"), 0.05, options=options).exact[1]
    assert found.steps is None
    assert found.reason is not None
    assert "masks left over cost 0.938: raise T, or fill the last step" in found.reason


def test_a_score_error_and_a_denoiser_on_data() -> None:
    target = family("copies:4:2")
    table = tables(target, ExactDenoiser(target))
    found = plan_target(target, 0.06, score_error=0.02)
    steps = found.exact[0].steps
    assert steps is not None
    assert total_variation(table.law(StepLaw.uniform(steps)), target).value <= 0.04
    assert found.hitting == 0.02
    given = plan_target(target, 0.06, denoiser=ExactDenoiser(target))
    assert given.rows == ()  # the bounds are about the exact denoiser, which is not known to it
    assert given.hitting < 1e-13
    spent = plan_target(target, 0.06, score_error=0.06)
    assert spent.schedule is None
    assert "leaves nothing" in (spent.exact[0].reason or "")


def test_the_best_schedule_of_as_many_steps_as_asked_for() -> None:
    found = plan_target(family("copies:4:2"), 0.1, options=Options(steps=3))
    assert found.exact[0].steps != 3
    assert found.schedule is not None
    assert found.schedule.steps == 3


def test_a_bad_schedule_is_found_before_the_work() -> None:
    with pytest.raises(InputError, match="grid 'log' is unknown"):
        plan_target(family("pairs:4:2"), 0.1, options=Options(clocks=("linear",), grids=("log",)))
