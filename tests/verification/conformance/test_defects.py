"""Each seeded defect is caught by the check that is meant to catch it; no defect, no alarm."""

from dataclasses import replace
from fractions import Fraction

import pytest
from scipy.stats import binom
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.defects import (
    DEFECTS,
    RIGHT,
    Defect,
    Stepwise,
)
from sharprates.verification.conformance.findings import FAST, ORDER, Outcome
from sharprates.verification.conformance.self_test import band, detection, false_alarms
from sharprates.verification.statistics.budget import Ledger

ALARMS = Fraction(1, 10)
CHECKS = (*(f"right {place}" for place in range(len(RIGHT))), "false alarms")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_caught_by_name(defect: Defect) -> None:
    row = detection(defect, 1)
    assert (row["caught"], row["first"]) == (1, 1), row["sentence"]


def test_the_catalogue_is_large_and_its_checks_exist() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 15
    assert {defect.caught_by for defect in DEFECTS} <= set(ORDER)


@pytest.mark.parametrize("place", range(len(RIGHT)))
def test_what_is_right_conforms(place: int, ledger: Ledger) -> None:
    found = check(RIGHT[place], ledger.take(f"right {place}"), FAST)
    assert found.outcome is Outcome.CONFORMS, str(found)


def test_false_alarms_stay_within_the_level(ledger: Ledger) -> None:
    # Samplers of few steps, to save time; `sharprates check --false-alarms` runs them all.
    short = Stepwise(replace(RIGHT[0].declaration, name="one step", steps=1))
    settings = replace(FAST, rows=400, step_rows=100)
    alarms = false_alarms(100, ALARMS, settings, (short, *RIGHT[4:]))
    assert alarms <= binom.isf(ledger.take("false alarms"), 100, float(ALARMS))


def test_the_band_says_which_rate_of_false_alarms_it_would_see() -> None:
    most, detects = band(300, 0.1)
    assert most == 57
    assert binom.sf(most, 300, 0.1) <= 1e-6 < binom.sf(most - 1, 300, 0.1)
    assert binom.sf(most, 300, detects) == pytest.approx(0.99)
    assert 0.24 < detects < 0.26
    assert band(3, 0.1) == (3, 1.0)  # so few show nothing
