"""Each seeded defect is caught by the check that is meant to catch it; no defect, no alarm."""

from dataclasses import replace
from fractions import Fraction

import pytest
from scipy.stats import binom

from verification.conformance.checker import FAST, ORDER, Outcome, check
from verification.conformance.mutants import MUTANTS, RIGHT, Mutant, Stepwise, detect, false_alarms

LEVEL = Fraction(1, 10**6)
ALARMS = Fraction(1, 10)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_defect_is_caught_by_name(mutant: Mutant) -> None:
    found = detect(mutant, 1, LEVEL, mutant.settings)
    assert (found.caught, found.named) == (1, 1), found.sentence


def test_the_catalogue_is_large_and_its_checks_exist() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 15
    assert {mutant.caught_by for mutant in MUTANTS} <= set(ORDER)


@pytest.mark.parametrize("sampler", RIGHT, ids=lambda sampler: sampler.declaration.name)
def test_what_is_right_conforms(sampler) -> None:  # type: ignore[no-untyped-def]
    found = check(sampler, LEVEL, FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)


def test_false_alarms_stay_within_the_level() -> None:
    # 100 runs at a level of 0.1 each: more than this many have probability 1e-7 at most.
    # Samplers of few steps, to save time; `sharprates check --false-alarms` runs them all.
    short = Stepwise(replace(RIGHT[0].declaration, name="one step", steps=1))
    settings = replace(FAST, rows=400, step_rows=100)
    alarms = false_alarms(100, ALARMS, settings, (short, *RIGHT[4:]))
    assert alarms <= binom.isf(1e-7, 100, float(ALARMS))
