"""The planner: known step counts, never below what some law needs, exact K on data."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.distance import total_variation
from sharprates.samplers.errors import InputError
from sharprates.samplers.expansion import tables
from sharprates.samplers.families import family, structured_tv
from sharprates.samplers.schedule import Schedule
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import FLOAT
from sharprates.theory.information import KL1
from sharprates.verification.cli import app
from sharprates.verification.planning import planner
from sharprates.verification.planning.chain_information import chain_information
from sharprates.verification.planning.data_law import long_target
from sharprates.verification.planning.planner import (
    StepPlan,
    plan_length,
    plan_sampled,
    plan_structured,
    plan_target,
)
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.step_count import StepCount

from book.examples.two_topics import LAW
from tests.verification.planning.test_step_count import KNOWN, questions

EULER = Schedule("euler", "linear", "uniform", 2)


def schedule(**changes: Any) -> Schedule:
    return replace(EULER, **changes)


# ── known numbers ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("d", "S", "tv", "expected"), KNOWN)
def test_the_numbers_of_the_note(d: int, S: int, tv: float, expected: dict[str, int]) -> None:
    found = plan_length(Question(d, S, tv)).to_json()
    assert {claim: found["bounds"][claim]["steps"] for claim in expected} == expected
    assert found["fhs"] == {"calls": d, "tv_at_most": 0.0, "enough": True}
    assert found["enough"] == {"claim": "E5", "steps": expected["E5"]}
    json.dumps(found, allow_nan=False)


# ── never below what some law needs ─────────────────────────────────────────────────────────────


@settings(max_examples=10)
@given(questions)
def test_never_below_a_lower_bound(question: tuple[int, int, float, float]) -> None:
    found = plan_length(Question(*question))
    assert found.needed is not None
    if found.enough is not None:
        assert found.enough.steps >= found.needed.steps


def test_a_plan_below_a_lower_bound_would_be_seen() -> None:
    """Power of the comparison above: a bound whose K is a fifth of E5's."""
    found = plan_length(Question(64, 4, 0.05))
    low = StepCount("E5", "enough", 876 // 5, None, "main", "float64", {})
    wrong = StepPlan(found.ask, (low, *found.counts))
    assert wrong.enough is not None
    assert wrong.enough.steps < wrong.needed.steps


# ── edges ───────────────────────────────────────────────────────────────────────────────────────


def test_a_score_error_that_takes_all_of_epsilon() -> None:
    spent = plan_length(Question(32, 4, 0.1, 0.1))
    assert spent.enough is None
    assert spent.to_json()["fhs"] == {"calls": 32, "tv_at_most": 0.1, "enough": True}


def test_of_known_data_no_lower_bound_is_given() -> None:
    assert plan_length(Question(4, 2, 0.1, information=0.5)).needed is None


def test_a_huge_vocabulary_falls_back_on_e3() -> None:
    """With S beyond 2^d the birthday bound is the smallest, and L3 matches it exactly."""
    found = plan_length(Question(8, 2**200, 0.3))
    assert found.enough is not None
    assert found.needed is not None
    assert (found.enough.claim, found.needed.claim) == ("E3", "L3")
    assert found.enough.steps == found.needed.steps == 82


# ── other schedules ─────────────────────────────────────────────────────────────────────────────


def test_bounds_by_schedule_agree_with_exact_tv_and_with_equal_steps() -> None:
    """L1 counts what the recursion counts; at E5's and E8's K no family is above ε."""
    d, S, tv = 12, 3, 0.1
    schedules = {
        f"{clock} clock, uniform grid, euler, {last}": schedule(clock=clock, last_step=last)
        for clock in ("linear", "cosine")
        for last in ("leave", "fill")
    }
    found = plan_length(Question(d, S, tv), list(schedules.values()))
    assert set(found.by_schedule) == set(schedules)

    def law(name: str, K: int) -> StepLaw:
        return replace(schedules[name], steps=K).law(d)

    uniform = {row.claim: row.steps for row in found.counts}
    for name, rows in found.by_schedule.items():
        steps = {row.claim: row.steps or 0 for row in rows}
        assert set(steps) == {"E3", "E5", "E8", "L1"}
        if name.startswith("linear"):  # Euler there reveals uniformly
            assert all(steps[claim] == uniform[claim] for claim in steps)
        for K, inside in ((steps["L1"], True), (steps["L1"] - 1, False)):
            assert (structured_tv(f"pairs:{d}:{S}", law(name, K)).tv <= tv) is inside
        for text in (f"copies:{d}:{S}", f"parity:{d}:{S}", f"permutations:{d}:{S}"):
            for claim in ("E3", "E5", "E8"):
                assert structured_tv(text, law(name, steps[claim])).tv <= tv, (name, claim)
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert content["schedules"].keys() == found.by_schedule.keys()


def test_a_schedule_that_leaves_masks_or_needs_too_many_steps_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sharprates.verification.planning.bounds._MOST_WEIGHTS", 5000)
    late = schedule(rule="ancestral", delta=0.5)
    found = plan_length(Question(4, 2, 0.1), [late]).by_schedule
    for row in next(iter(found.values())):
        assert row.steps is None
        assert "up to K = 5000, and is not evaluated beyond" in (row.reason or "")
    with pytest.raises(InputError, match="clock 'late' is unknown"):
        plan_length(Question(4, 2, 0.1), [replace(late, clock="late")])


# ── data ────────────────────────────────────────────────────────────────────────────────────────


def test_a_score_error_on_data() -> None:
    target = family("copies:4:2")
    table = tables(target, ExactDenoiser(target))
    found = plan_target(target, 0.06, score_error=0.02)
    steps = found.exact[0].steps
    assert steps is not None
    assert total_variation(table.law(StepLaw.equal(steps)), target).value <= 0.04
    assert found.to_json()["fhs"]["tv_at_most"] == 0.02
    spent = plan_target(target, 0.06, score_error=0.06)
    assert spent.schedule is None
    assert "leaves nothing" in (spent.exact[0].reason or "")


def test_the_best_schedule_of_as_many_steps_as_asked_for() -> None:
    found = plan_target(family("copies:4:2"), 0.1, steps=3)
    assert found.exact[0].steps != 3
    assert found.schedule is not None
    assert found.schedule.steps == 3


def test_a_bad_schedule_is_found_before_the_work() -> None:
    with pytest.raises(InputError, match="grid 'log' is unknown"):
        plan_target(family("pairs:4:2"), 0.1, schedules=[schedule(grid="log")])


# ── laws too long to enumerate ──────────────────────────────────────────────────────────────────

STICKY = "0.5,0.5:0.9,0.1:0.1,0.9"


LINEAR = [schedule(rule=rule) for rule in ("ancestral", "tau-leaping")]


@pytest.mark.parametrize("text", ["pairs:6:3", "parity:5:2", "permutations:6:3", "copies:4:3"])
def test_the_recursion_finds_the_steps_that_enumeration_finds(text: str) -> None:
    long = plan_structured(text, 0.05, schedules=LINEAR)
    short = plan_target(family(text), 0.05, schedules=LINEAR)
    assert {one.schedule: one.steps for one in long.exact} == {
        one.schedule: one.steps for one in short.exact
    }
    assert long.target == text


def test_pairs_of_four_thousand_tokens() -> None:
    """The count that L1 has in closed form: TV(K) ≤ ε just if (1 − 1/(2K))^2048 ≥ 1 − ε."""
    (found,) = plan_structured("pairs:4096:2", 0.05).exact
    assert found.steps is not None
    for K, inside in ((found.steps, True), (found.steps - 1, False)):
        assert ((1 - 1 / (2 * K)) ** 2048 >= 0.95) is inside
        assert (structured_tv("pairs:4096:2", StepLaw.equal(K)).tv <= 0.05) is inside


def test_a_vocabulary_too_large_to_write_down() -> None:
    found = plan_structured("shared-symbols:80:3", 0.2)
    assert found.ask.vocabulary is None
    assert found.enough is not None
    assert found.exact[0].steps is not None
    assert found.exact[0].steps <= (found.enough.steps or 0)


def test_a_score_error_takes_part_of_epsilon() -> None:
    (plain,) = plan_structured("pairs:64:2", 0.05).exact
    (less,) = plan_structured("pairs:64:2", 0.05, 0.02).exact
    (same,) = plan_structured("pairs:64:2", 0.03).exact
    assert plain.steps is not None
    assert less.steps is not None
    assert less.steps == same.steps > plain.steps


def test_a_chain_uses_its_own_information_and_samples() -> None:
    chain = long_target(f"markov:40:{STICKY}")
    assert chain is not None
    assert not isinstance(chain, str)
    asked: list[str] = []
    found = plan_sampled(chain, "chain", 0.1, samples=300, progress=asked.append)
    curve = chain_information(chain)
    assert found.ask.curve == pytest.approx(curve.tolist(), abs=1e-11)
    # half the steps each time, down to a TV that is certainly above ε
    steps = [one.steps for one in found.estimates]
    assert steps[0] == found.enough.steps
    assert all(b == -(-a // 2) for a, b in itertools.pairwise(steps))
    assert asked == [f"K = {K}" for K in steps]
    last = found.estimates[-1]
    assert last.lower > 0.1 or last.steps == 1
    # every limit is paid for out of one level
    assert sum(one.level for one in found.estimates) <= found.level == 1e-6
    assert found.sampled is not None
    assert found.sampled.upper <= 0.1
    json.dumps(found.to_json(), allow_nan=False)


def test_a_mixture_has_no_curve_but_samples() -> None:
    found = plan_sampled(LAW, "topics", 0.3, samples=300)
    assert found.ask.curve is None
    assert found.estimates[0].upper < found.estimates[-1].upper


def test_no_room_for_error_means_no_sampling() -> None:
    found = plan_sampled(LAW, "topics", 0.1, 0.1, samples=300)
    assert found.estimates == ()
    assert found.sampled is None


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> str:
        app(list(arguments), standalone_mode=False)
        return capsys.readouterr().out

    place, picture = tmp_path / "p.json", tmp_path / "p.svg"
    shown = run("plan", "pairs:400:2", "--clock", "linear", "--rule", "ancestral", "--tv", "0.1")
    assert "equal steps: smallest K found 950" in shown
    options = ("--samples", "300", "--json", str(place), "--plot", str(picture))
    shown = run("plan", f"markov:30:{STICKY}", "--tv", "0.2", *options)
    assert "probability ≥ 1 − 1e-06" in shown
    content = json.loads(place.read_text())
    assert content["bounds"]["E5"]["steps"] == content["estimates"][0]["steps"]
    assert content["estimates_level"] == 1e-6
    assert "limits from samples" in picture.read_text()


def test_a_wrong_curve_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Power: with a curve that falls too little, samples show a divergence above the claimed."""
    chain = long_target(f"markov:40:{STICKY}")
    monkeypatch.setattr(planner, "chain_information", lambda c: 0.25 * chain_information(c) + 0.3)
    wrong = plan_sampled(chain, "chain", 0.1, samples=300)
    curve, first = wrong.ask.curve, wrong.estimates[0]
    assert curve is not None
    assert first.divergence is not None
    values = {"d": 40, "w": [1 / first.steps] * first.steps, "h": list(curve)}
    claimed = KL1.value(values, FLOAT, variant="average")
    assert first.divergence.lower > float(claimed)
