from dataclasses import replace

import pytest
from sharprates.theory import hypotheses
from sharprates.theory.hypotheses import Hypothesis
from sharprates.theory.setting import Setting

PLAIN = Setting(
    length=3,
    vocabulary=2,
    steps=4,
    clock="constant",
    grid="uniform",
    equal_steps=True,
    family="pairs",
)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("STEP_LAW", {"sampler": "blocks"}),
        ("EXACT", {"exact_denoiser": False}),
        ("EXACT", {"stale": True}),
        ("NORMALISED", {"normalised": False}),
        ("TIME_FREE", {"time_free": False}),
        ("ALL_MASKED_START", {"all_masked_start": False}),
        ("NO_LEFTOVER", {"has_leftover": True}),
        ("EQUAL_STEPS", {"equal_steps": False}),
        ("NO_EARLY_STOPPING", {"delta": 0.1}),
        ("CONSTANT_CLOCK", {"clock": "linear"}),
        ("UNIFORM_GRID", {"grid": "alpha"}),
        ("EULER", {"sampler": "ancestral"}),
        ("EULER", {"custom_rule": True}),
        ("EULER_OR_ANCESTRAL", {"sampler": "tau-leaping"}),
        ("ENOUGH_STEPS", {"steps": 2}),
        ("ENOUGH_STEPS", {"steps": None}),
        ("BINARY", {"vocabulary": 3}),
        ("TWO_SYMBOLS", {"vocabulary": 1}),
        ("TWO_TOKENS", {"length": 1}),
    ],
)
def test_each_condition_holds_and_can_fail(name: str, broken: dict[str, object]) -> None:
    condition: Hypothesis = getattr(hypotheses, name)
    assert condition.holds(PLAIN)
    assert not condition.holds(replace(PLAIN, **broken))
    assert condition.reason


def test_samplers_of_their_own() -> None:
    assert hypotheses.FIRST_HITTING.holds(replace(PLAIN, sampler="fhs"))
    assert hypotheses.BLOCKS.holds(replace(PLAIN, sampler="blocks"))
    policy = replace(PLAIN, sampler="policy")
    assert hypotheses.POLICY.holds(policy)
    assert not hypotheses.POLICY.holds(PLAIN)
    assert hypotheses.SPECULATIVE.holds(replace(PLAIN, sampler="speculative"))
    assert hypotheses.ONE_TOKEN.holds(replace(PLAIN, one_token=True))
    assert not hypotheses.ONE_TOKEN.holds(PLAIN)
    assert not hypotheses.SEEDLESS.holds(replace(PLAIN, seeded=True))
    assert not hypotheses.FIRST_HITTING.holds(PLAIN)
    assert not hypotheses.BLOCKS.holds(PLAIN)


def test_one_long_and_samplers_that_mask_again() -> None:
    assert hypotheses.ONE_LONG.holds(replace(PLAIN, length=1))
    assert not hypotheses.ONE_LONG.holds(replace(PLAIN, length=2))
    for rule, holds in ((None, False), ("max", True), ("confidence", False)):
        assert hypotheses.REMASKING.holds(replace(PLAIN, remasking=rule)) is holds


def test_families() -> None:
    either = hypotheses.on_families("copies", "pairs")
    assert either.holds(PLAIN)
    assert not either.holds(replace(PLAIN, family=None))
    assert "copies or pairs" in either.reason


def test_the_ends_of_inequalities_are_inside() -> None:
    assert hypotheses.TWO_TOKENS.holds(replace(PLAIN, length=2))
    assert hypotheses.ENOUGH_STEPS.holds(replace(PLAIN, steps=3))


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"sampler": "own", "custom_rule": True}, True),
        ({"sampler": "own"}, False),
        ({"sampler": "fhs"}, False),  # its clock is one of hitting times
        ({"clock": None}, False),
        ({"clock": None, "custom_rule": True}, False),
    ],
)
def test_on_a_clock_needs_a_clock_and_a_parallel_sampler(
    change: dict[str, object], holds: bool
) -> None:
    assert hypotheses.ON_A_CLOCK.holds(replace(PLAIN, **change)) is holds
