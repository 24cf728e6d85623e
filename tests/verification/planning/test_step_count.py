"""Inverted bounds: known step counts, independent confirmation, monotonicity, edges."""

from dataclasses import replace
from functools import lru_cache

import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from sharprates.samplers.families import structured_tv
from sharprates.samplers.step_law import StepLaw
from sharprates.theory.arithmetic import Number
from sharprates.verification.arithmetic import precision
from sharprates.verification.planning import step_count
from sharprates.verification.planning.bounds import upper_bounds
from sharprates.verification.planning.question import Question
from sharprates.verification.planning.step_count import enough_steps, invert, needed_steps


@lru_cache
def steps_of(d: int, S: int, tv: float, error: float = 0.0) -> dict[str, int | None]:
    ask = Question(d, S, tv, error)
    return {row.claim: row.steps for row in (*enough_steps(ask), *needed_steps(ask))}


# ── known numbers ──────────────────────────────────────────────────────────────────────────────

KNOWN = [
    (1024, 50257, 0.01, {"E3": 52_115_615, "E5": 551_630, "E7": 551_665, "L6": 382_052}),
    (1024, 2, 0.01, {"E5": 35_482, "E7": 35_516, "L1": 25_473}),
    (64, 4, 0.05, {"E3": 39_325, "E5": 876, "E7": 878, "L6": 615}),
]


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
    if claim == "KL7":
        return (d * log_S / K * (1 + arb(d) / (5 * K))).sqrt() / 2
    if claim == "B1":
        return (1 - arb(1) / S) * (d - K * (1 - (1 - arb(1) / K) ** d))
    return 1 - (1 - (1 - arb(1) / S) / K) ** (d // 2)  # L1


@pytest.mark.parametrize("claim", ["E3", "B1", "E7", "E8", "KL2", "KL7", "L1"])
@pytest.mark.parametrize(("d", "S", "tv"), [(64, 4, 0.05), (7, 15, 0.001), (300, 2, 0.2)])
def test_each_count_is_the_smallest(claim: str, d: int, S: int, tv: float) -> None:
    steps = steps_of(d, S, tv)[claim]
    assert steps is not None
    with precision(128):
        assert by_hand(claim, d, S, steps) <= tv
        assert by_hand(claim, d, S, steps - 1) > tv or (claim in ("E7", "KL7") and steps == d)


def test_short_sequences_of_many_symbols_ask_for_fewest_steps_by_b1() -> None:
    """(1−1/S)(d−1)/2 against log S /2 and (d−1)/2."""
    for d, S in ((2, 2), (3, 8), (6, 1000)):
        counts = {name: K for name, K in steps_of(d, S, 0.001).items() if K}
        upper = {name: counts[name] for name in ("E2", "E3", "B1", "E5", "E7", "E8", "KL2", "KL7")}
        assert min(upper, key=upper.__getitem__) == "B1"
        assert counts["KL7"] < counts["KL2"]


def test_small_errors_of_few_symbols_ask_for_fewest_steps_by_e11() -> None:
    """v_S below log S, once d³ is far below K."""
    for S, value in ((2, 0.5), (3, 0.8567), (4, 1.1234)):
        counts = {name: K for name, K in steps_of(8, S, 1e-5).items() if K}
        assert counts["E11"] < counts["E5"] <= counts["E7"]
        assert counts["E11"] == pytest.approx(8 * value / 2e-5, rel=0.01)
    assert "E11" not in steps_of(8, 1000, 1e-5)


# ── and confirmed by exact TV at full length, which knows no claim ──────────────────────────────


@pytest.mark.parametrize(("d", "S", "tv", "expected"), KNOWN)
def test_exact_tv_confirms_both_sides(d: int, S: int, tv: float, expected: dict[str, int]) -> None:
    """At E5's K every family is within ε; one step below L6 or L1 its family is above."""
    law = StepLaw.equal(expected["E5"])
    g = min(d, S.bit_length())
    for text in (f"copies:{d}:{S}", f"pairs:{d}:{S}", f"parity:{d}:{S}", f"mds:{d}:{d // 2}:{S}"):
        assert structured_tv(text, law).tv <= tv, text
    assert structured_tv(f"groups:{d}:{g}", law).tv <= tv
    forbidden = StepLaw.equal((expected.get("L6") or expected["L1"]) - 1)
    assert structured_tv(f"groups:{d}:{g}", forbidden).tv > tv


# ── monotone ────────────────────────────────────────────────────────────────────────────────────

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


# ── edges ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("d", "tv", "error"), [(1, 0.1, 0.0), (50, 0.999, 0.0), (2000, 1e-3, 5e-4)]
)
def test_e3_is_searched_from_near_its_count(d: int, tv: float, error: float) -> None:
    """A closed form saves evaluations, and changes nothing."""
    ask, tried = Question(d, 2, tv, error), set[int]()
    bound = next(one for one in upper_bounds(ask) if one.claim == "E3")

    def at(K: int) -> Number | None:
        tried.add(K)
        return bound.at(K)

    row = invert(replace(bound, at=at), ask, step_count._birthday(ask))
    assert row.steps == invert(bound, ask).steps
    assert len(tried) <= 4


def test_a_score_error_takes_part_of_epsilon() -> None:
    """E2, E3 and B1 add it themselves; for the others it is the same as asking for ε − e."""
    with_error, less = steps_of(32, 4, 0.25, 0.125), steps_of(32, 4, 0.125)
    upper = ("E2", "E3", "B1", "E5", "E7", "E8", "E11", "KL2", "KL7")
    assert {c: with_error[c] for c in upper} == {c: less[c] for c in upper}
    # What some law needs with the exact denoiser, it needs whatever error is allowed.
    assert with_error["L6"] == steps_of(32, 4, 0.25)["L6"]
    spent = enough_steps(Question(32, 4, 0.1, 0.1))
    assert all("leaves nothing" in (row.reason or "") for row in spent)


def test_one_token_and_one_symbol() -> None:
    one = steps_of(1, 2, 0.1)
    assert (one["E3"], one["E5"], one["L1"]) == (1, 1, 1)
    reasons = {row.claim: row.reason for row in enough_steps(Question(5, 1, 0.1))}
    assert reasons["E8"] == "needs S ≥ 2"
    assert [row.steps for row in needed_steps(Question(5, 1, 0.1))] == [1]
