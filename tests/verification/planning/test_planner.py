"""The planner: known step counts, independent confirmation, monotonicity, exact K on data."""

import json
import math
from functools import lru_cache

import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from samplers.denoiser import ExactDenoiser
from samplers.errors import InputError
from samplers.expansion import tables
from samplers.families import family
from samplers.output_law import total_variation
from samplers.step_law import StepLaw
from samplers.structured import structured_tv
from verification.arithmetic import precision
from verification.planning.bounds import Knowledge, Question, Row, smallest_steps
from verification.planning.planner import Options, StepPlan, plan, plan_target, schedule_laws


@lru_cache
def steps_of(d: int, S: int, tv: float, error: float = 0.0) -> dict[str, int | None]:
    return {row.claim: row.steps for row in plan(Question(d, S, tv, error)).rows}


# ── the numbers of the note ─────────────────────────────────────────────────────────────────────

KNOWN = [
    (1024, 50257, 0.01, {"E3": 52_115_615, "E5": 551_630, "E7": 551_665, "L6": 382_052}),
    (1024, 2, 0.01, {"E5": 35_482, "E7": 35_516, "L1": 25_473}),
    (64, 4, 0.05, {"E3": 39_325, "E5": 876, "E7": 878, "L6": 615}),
]


@pytest.mark.parametrize(("d", "S", "tv", "expected"), KNOWN)
def test_the_numbers_of_the_note(d: int, S: int, tv: float, expected: dict[str, int]) -> None:
    found = plan(Question(d, S, tv)).to_json()
    assert {claim: found["bounds"][claim]["steps"] for claim in expected} == expected
    assert found["fhs"] == {"calls": d, "tv_at_most": 0.0, "enough": True}
    assert found["enough"] == {"claim": "E5", "steps": expected["E5"]}
    json.dumps(found, allow_nan=False)


# ── the same numbers by hand, in balls, without the claims ──────────────────────────────────────


def by_hand(claim: str, d: int, S: int, K: int) -> arb:
    """The bound at K, written once more."""
    log_S = arb(S).log()
    if claim == "E3":
        product = arb(1)
        for j in range(d):
            product *= 1 - arb(j) / K
        return 1 - product
    if claim == "E7":
        return 1 - (-(arb(d) / (2 * K)) * (1 + arb(d) / (5 * K)) * log_S).exp()
    if claim == "E8":
        drift = log_S + (arb(1).exp() * log_S).sqrt() / 2
        return 1 - (-arb(d) / K * drift).exp()
    if claim == "KL2":
        return (d * log_S / (2 * K)).sqrt()
    return 1 - (1 - (1 - arb(1) / S) / K) ** (d // 2)  # L1


@pytest.mark.parametrize("claim", ["E3", "E7", "E8", "KL2", "L1"])
@pytest.mark.parametrize(("d", "S", "tv"), [(64, 4, 0.05), (7, 15, 0.001), (300, 2, 0.2)])
def test_each_count_is_the_smallest(claim: str, d: int, S: int, tv: float) -> None:
    steps = steps_of(d, S, tv)[claim]
    assert steps is not None
    with precision(128):
        assert by_hand(claim, d, S, steps) <= tv
        assert by_hand(claim, d, S, steps - 1) > tv or (claim == "E7" and steps == d)


# ── and confirmed by exact TV at full length, which knows no claim ──────────────────────────────


@pytest.mark.parametrize(("d", "S", "tv", "expected"), KNOWN)
def test_exact_tv_confirms_both_sides(d: int, S: int, tv: float, expected: dict[str, int]) -> None:
    """At E5's K every family is within ε; one step below L6 or L1 its family is above."""
    law = StepLaw.uniform(expected["E5"])
    g = min(d, S.bit_length())
    for text in (f"copies:{d}:{S}", f"pairs:{d}:{S}", f"parity:{d}:{S}", f"mds:{d}:{d // 2}:{S}"):
        assert structured_tv(text, law).tv <= tv, text
    assert structured_tv(f"groups:{d}:{g}", law).tv <= tv
    forbidden = StepLaw.uniform((expected.get("L6") or expected["L1"]) - 1)
    assert structured_tv(f"groups:{d}:{g}", forbidden).tv > tv


# ── monotone, and never below what some law needs ───────────────────────────────────────────────

questions = st.tuples(
    st.integers(1, 90), st.integers(2, 3000), st.floats(1e-3, 0.7), st.floats(0, 0.2)
)


def at_most(fewer: dict[str, int | None], more: dict[str, int | None]) -> None:
    for claim, steps in more.items():
        if steps is not None and claim in fewer:
            known = fewer[claim]
            assert known is not None, claim
            assert known <= steps, claim


@settings(max_examples=6)
@given(questions, st.integers(1, 40), st.integers(1, 3000), st.floats(0.3, 0.99))
def test_monotone(
    question: tuple[int, int, float, float], more_d: int, more_S: int, factor: float
) -> None:
    """More tokens, symbols or score error, or a smaller ε, never ask for fewer steps."""
    d, S, tv, error = question
    here = steps_of(d, S, tv, error)
    at_most(here, steps_of(d + more_d, S, tv, error))
    at_most(here, steps_of(d, S + more_S, tv, error))
    at_most(here, steps_of(d, S, tv * factor, error))
    at_most(here, steps_of(d, S, tv, error / factor))


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


def test_a_score_error_takes_part_of_epsilon() -> None:
    """E2 and E3 add it themselves; for the others it is the same as asking for ε − e."""
    with_error, less = steps_of(32, 4, 0.25, 0.125), steps_of(32, 4, 0.125)
    assert {c: with_error[c] for c in ("E2", "E3", "E5", "E7", "E8", "KL2")} == {
        c: less[c] for c in ("E2", "E3", "E5", "E7", "E8", "KL2")
    }
    # What some law needs with the exact denoiser, it needs whatever error is allowed.
    assert with_error["L6"] == steps_of(32, 4, 0.25)["L6"]
    spent = plan(Question(32, 4, 0.1, 0.1))
    assert spent.enough is None
    assert all("leaves nothing" in (row.reason or "") for row in spent.rows if row.role == "enough")
    assert spent.to_json()["fhs"] == {"calls": 32, "tv_at_most": 0.1, "enough": True}


def test_one_token_and_one_symbol() -> None:
    one = steps_of(1, 2, 0.1)
    assert (one["E3"], one["E5"], one["L1"]) == (1, 1, 1)
    found = plan(Question(5, 1, 0.1))
    assert {row.claim: row.reason for row in found.rows}["E8"] == "needs S ≥ 2"
    assert found.needed is not None
    assert found.needed.steps == 1


def test_a_huge_vocabulary_falls_back_on_e3() -> None:
    """With S beyond 2^d the birthday bound is the smallest, and L3 matches it exactly."""
    found = plan(Question(8, 2**200, 0.3))
    assert found.enough is not None
    assert found.needed is not None
    assert (found.enough.claim, found.needed.claim) == ("E3", "L3")
    assert found.enough.steps == found.needed.steps == 82


def test_e2_takes_the_best_horizon() -> None:
    """No T on a grid does with fewer steps."""
    row = plan(Question(10, 4, 0.1)).rows[0]
    assert row.claim == "E2"
    needed = min(
        math.ceil(10 * 11 / 4 * T / (0.1 - 10 * math.exp(-T)))
        for T in (4.7 + i / 1000 for i in range(8000))
        if 10 * math.exp(-T) < 0.1
    )
    assert row.steps == needed


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ((0, 2, 0.1), "length: must be at least 1"),
        ((4, 0, 0.1), "vocab: must be at least 1"),
        ((4, 2, 0.0), "tv: must lie between 0 and 1"),
        ((4, 2, 1.0), "tv: must lie between 0 and 1"),
        ((4, 2, math.nan), "tv: must lie between 0 and 1"),
        ((4, 2, 0.1, -0.1), "score-error: must be a number ≥ 0"),
        ((4, 2, 0.1, math.nan), "score-error: must be a number ≥ 0"),
    ],
)
def test_bad_questions_are_named(question: tuple[int, int, float], hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        Question(*question)


def test_something_must_bound_the_information() -> None:
    with pytest.raises(InputError, match="vocab: needed"):
        plan(Question(4, None, 0.1))
    known = plan(Question(4, None, 0.1), Knowledge(0.5, (0.7, 0.5, 0.3, 0.2)))
    assert all(row.steps for row in known.rows)
    assert known.needed is None


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
