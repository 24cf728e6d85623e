"""A pytest plugin: the fixture `conformance` and the marker of that name.

Put ``pytest_plugins = ["sharprates.verification.conformance.fixture"]`` into conftest.py.
Then ``def test_mine(conformance): conformance(MySampler())`` fails with the verdict's sentence.
``@pytest.mark.conformance(limit=30)`` before it gives other `Settings`; every test that asks for
the fixture is marked, so that ``-m "not conformance"`` leaves these tests out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count

import pytest
from sharprates.samplers.errors import InputError
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.findings import Conformance, Outcome, Settings
from sharprates.verification.conformance.protocol import SamplerUnderTest
from sharprates.verification.statistics.budget import DEFAULT_BUDGET

Checker = Callable[..., Conformance]

MARKER = "conformance"
_NUMBERS: pytest.StashKey[Iterator[int]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    line = f"{MARKER}(**settings): a sampler is held to its declaration, with these Settings"
    config.addinivalue_line("markers", line)


@pytest.hookimpl(tryfirst=True)  # before -m chooses among the marked ones
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for the fixture, and refuse settings that there are not."""
    for item in items:
        try:
            _settings(item)
        except (InputError, TypeError) as error:
            raise pytest.UsageError(f"{item.nodeid}: marker {MARKER}: {error}") from None
        if MARKER in getattr(item, "fixturenames", ()):
            item.add_marker(MARKER)


def _settings(item: pytest.Item) -> Settings:
    """What the nearest marker says."""
    given = next((mark.kwargs for mark in item.iter_markers(MARKER) if mark.kwargs), {})
    return Settings(**given)


@pytest.fixture
def conformance(request: pytest.FixtureRequest) -> Checker:
    """Check a sampler; all checks of a session share one false-alarm budget.

    The j-th check gets the part 1/(j(j+1)) of it: these add up to 1 however many there are. Workers
    of xdist, which count each for itself, get equal parts.
    """
    numbers = request.config.stash.setdefault(_NUMBERS, count(1))
    workers = getattr(request.config, "workerinput", {}).get("workercount", 1)

    def run(sampler: SamplerUnderTest, settings: Settings | None = None) -> Conformance:
        j = next(numbers)
        chosen = settings or _settings(request.node)
        found = check(sampler, DEFAULT_BUDGET * Fraction(1, j * (j + 1) * workers), chosen)
        if found.outcome is not Outcome.CONFORMS:
            pytest.fail(str(found), pytrace=False)
        return found

    return run
