"""The smallest K by exact TV: against another algorithm, on any schedule, and why there is none."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sharprates.samplers.families import family, structured_tv
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.verification.planning.exact_steps import smallest_steps
from sharprates.verification.planning.planner import plan_target

EULER = Schedule("euler", "linear", "uniform", 2)


def schedule(**changes: Any) -> Schedule:
    return replace(EULER, **changes)


@pytest.mark.parametrize("text", ["copies:5:3", "parity:6:2", "pairs:6:2", "permutations:4:4"])
def test_exact_steps_agree_with_a_scan_by_another_algorithm(text: str) -> None:
    """`structured_tv` at every K from 1 up, until TV falls to ε."""
    target, tv = family(text), 0.03
    found = plan_target(target, tv)
    scan = next(K for K in range(1, 10**4) if structured_tv(text, StepLaw.equal(K)).tv <= tv)
    (exact,) = found.exact
    assert exact.steps == scan
    assert exact.tv_before is not None
    assert exact.tv_before.value > tv >= exact.tv.value
    assert exact.tv_before.value == pytest.approx(
        structured_tv(text, StepLaw.equal(scan - 1)).tv, rel=1e-10
    )
    # Every bound that applies asks for at least as many.
    assert all(row.steps >= scan for row in found.counts if row.steps)
    names = ["E2", "E3", "B1", "E5", "E7", "E8", "E11", "KL2", "KL7"]
    assert [row.claim for row in found.counts] == names
    assert found.schedule is not None
    assert found.schedule.steps == scan
    assert found.schedule.tv.value <= exact.tv.value
    json.dumps(found.to_json(), allow_nan=False)


def test_other_clocks_and_rules_are_searched_too() -> None:
    target = family("dirichlet:4:2:0.5:3")
    schedules = [
        schedule(clock=clock, last_step=last)
        for clock in ("constant", "linear")
        for last in ("leave", "fill")
    ]
    found = plan_target(target, 0.02, schedules=schedules)
    by_name = {one.schedule: one for one in found.exact}
    assert len(by_name) == 5
    linear = by_name["linear clock, uniform grid, euler, leave"]
    assert linear.steps == by_name["equal steps"].steps  # Euler on the linear clock is uniform
    slow = by_name["constant clock, uniform grid, euler, leave"]
    assert slow.steps is not None
    assert slow.steps > linear.steps


def test_masks_left_over_are_named_where_they_forbid_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a grid that stops at δ = 0.5, masks stay however many steps there are."""
    monkeypatch.setattr("sharprates.verification.planning.exact_steps.MOST_TRIED", 64)
    late = schedule(rule="ancestral", delta=0.5)
    found = plan_target(family("pairs:4:2"), 0.05, schedules=[late]).exact[1]
    assert found.steps is None
    assert found.reason is not None
    assert "masks left over cost 0.938: raise T, or fill the last step" in found.reason


def test_smallest_steps_from_any_guess() -> None:
    for threshold in (1, 2, 17, 1000):
        calls: list[int] = []

        def enough(K: int, threshold: int = threshold, calls: list[int] = calls) -> bool:
            calls.append(K)
            return threshold <= K

        for guess in (1, 2, 16, 17, 18, 10**6):
            calls.clear()
            assert smallest_steps(enough, guess) == threshold
            assert {threshold, threshold - 1} - {0} <= set(calls)
            assert len(calls) < 50
    assert smallest_steps(lambda K: K > 100, most=100) is None
    assert smallest_steps(lambda K: K >= 100, most=100) == 100
