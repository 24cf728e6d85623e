"""The pytest fixture and its shares of the budget."""

import math
from fractions import Fraction

import pytest
from sharprates.verification.conformance.defects import DEFECTS, RIGHT
from sharprates.verification.conformance.findings import FAST, Outcome
from sharprates.verification.conformance.fixture import conformance  # noqa: F401 - a fixture
from sharprates.verification.statistics.budget import Ledger

CHECKS = ("fixture",)


def test_the_fixture(conformance, ledger: Ledger, monkeypatch) -> None:  # noqa: F811 - requested
    level = Fraction(ledger.take("fixture"))
    monkeypatch.setattr("sharprates.verification.conformance.fixture.DEFAULT_BUDGET", level)
    assert conformance(RIGHT[4], FAST).outcome is Outcome.CONFORMS
    with pytest.raises(pytest.fail.Exception, match="its samples follow confidence:drawn"):
        conformance(DEFECTS[-1].sampler, FAST)


def test_the_shares_of_the_fixture_stay_within_the_budget() -> None:
    assert math.fsum(1 / (j * (j + 1)) for j in range(1, 10**5)) < 1
