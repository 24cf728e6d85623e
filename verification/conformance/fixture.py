"""A pytest fixture.

Put ``pytest_plugins = ["sharprates.verification.conformance.fixture"]`` into conftest.py.
Then ``def test_mine(conformance): conformance(MySampler())`` fails with the verdict's sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import count

import pytest
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.findings import Conformance, Outcome, Settings
from sharprates.verification.conformance.protocol import SamplerUnderTest
from sharprates.verification.statistics.budget import DEFAULT_BUDGET

Checker = Callable[..., Conformance]


@pytest.fixture(scope="session")
def conformance() -> Checker:
    """Check a sampler; all checks of a session share one false-alarm budget.

    The j-th check gets the part 1/(j(j+1)) of it: these add up to 1 however many there are.
    """
    number = count(1)

    def run(sampler: SamplerUnderTest, settings: Settings | None = None) -> Conformance:
        j = next(number)
        found = check(sampler, DEFAULT_BUDGET * Fraction(1, j * (j + 1)), settings)
        if found.outcome is not Outcome.CONFORMS:
            pytest.fail(str(found), pytrace=False)
        return found

    return run
