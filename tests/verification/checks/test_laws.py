"""Trials of S1–S5."""

from dataclasses import replace
from fractions import Fraction

import pytest
from sharprates.samplers import families
from sharprates.verification.checks.check import decided, exact, run_check
from sharprates.verification.checks.laws import CHECKS, LEVELS, with_convention
from sharprates.verification.checks.trial import STATED, Example, Mutant, Trial
from sharprates.verification.evidence import Method
from sharprates.verification.exact_experiment import exact_experiment
from sharprates.verification.statistics.budget import DEFAULT_BUDGET
from sharprates.verification.strategies import Schedule
from sharprates.verification.verdict import Verdict

PARITY = exact_experiment(
    families.family("parity:3:2"), steps=(Fraction(1, 2), Fraction(1, 4), Fraction(1, 8))
)


def trial(claim_id: str, place: int = 0):
    return [check for check in CHECKS if check.claim == claim_id][place].evaluate


@pytest.mark.parametrize("clock", ["linear", "constant", "cosine", "geometric", "polynomial:3"])
@pytest.mark.parametrize("rule", ["euler", "tau-leaping", "ancestral"])
def test_hazards_agree_on_every_clock(clock: str, rule: str) -> None:
    plan = Schedule(rule, clock, "uniform", 6)
    found = trial("S1")(Example.of(schedule=plan), STATED)
    assert len(found.decision.sides) == 6
    assert found.decision.verdict is Verdict.HOLDS
    assert all(measured.width < 1e-11 for measured, _ in found.decision.sides)


def test_the_expansion_is_compared_at_every_word() -> None:
    found = trial("S2")(Example.of(PARITY), STATED)
    assert len(found.decision.sides) == 4
    assert found.decision.verdict is Verdict.HOLDS
    total = sum(measured.lower for measured, _ in found.decision.sides)
    assert 0 < total < Fraction(7, 8) ** 3  # the rest is off the support, or masked


def test_stated_float_errors_are_small_and_contain() -> None:
    found = trial("S2", 1)(Example.of(PARITY), STATED)
    assert len(found.decision.sides) == 8  # two algorithms
    assert found.decision.verdict is Verdict.HOLDS
    assert all(measured.width < 1e-13 for measured, _ in found.decision.sides)


def test_conventions_differ_off_the_support_only() -> None:
    it = exact(PARITY)
    first, last = (with_convention(it, name) for name in ("first", "last"))
    assert list(first((2, 2, 2), 0)) == list(last((2, 2, 2), 0))
    copies = exact(exact_experiment(families.family("copies:3:2")))
    off = (0, 1, 2)  # no word has it
    first, last = (with_convention(copies, name) for name in ("first", "last"))
    assert list(first(off, 2)) == [1, 0]
    assert list(last(off, 2)) == [0, 1]


@pytest.mark.parametrize("convention", ["uniform", "first", "last"])
def test_total_variation_does_not_see_the_convention(convention: str) -> None:
    law = exact_experiment(families.family("copies:3:2"), steps=(Fraction(1, 2), Fraction(1, 4)))
    found = trial("S5")(Example.of(law, convention=convention), STATED)
    assert found.decision.verdict is Verdict.HOLDS
    (s5,) = [check for check in CHECKS if check.claim == "S5"]
    everywhere = decided(s5, Example.of(law, convention=convention), s5.mutants[0])
    assert everywhere.decision.verdict is Verdict.FAILS


def test_checks_by_chance_stay_within_a_hundredth_of_the_budget() -> None:
    assert sum(one.level for one in LEVELS.values()) == DEFAULT_BUDGET / 100


def test_chance_follows_the_seed_of_the_run() -> None:
    """And how many examples others try changes neither its seed nor its share of the budget."""
    sampled = next(check for check in CHECKS if check.method is Method.SAMPLED)
    seen: list[object] = []

    def trial(example: Example, mutant: Mutant) -> Trial:
        seen.append(example["seed"])
        assert sampled.trial is not None
        return sampled.trial(example, mutant)

    for examples, seed in ((60, 0), (60, 1), (1200, 1)):
        found = run_check(replace(sampled, trial=trial, mutants=()), examples, seed)
        assert (found.n, found.failure) == (3, None)
    first, second, third = seen[:3], seen[3:6], seen[6:]
    assert len(set(first)) == len(set(second)) == 1
    assert first != second == third
