"""Pytest: what tests find out about claims, gathered over xdist workers into a `claims.json`.

A test marked `@pytest.mark.claim("E3")` may hand records of its checks to the fixture `evidence`.
With `--claims-json PATH` the session's statuses are written there at its end. A marked test that
fails is a problem of its claim, whatever it recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sharprates.theory.errors import UnknownClaimError
from sharprates.theory.registry import claim
from sharprates.verification.evidence import Evidence

MARKER = "claim"
_FOUND: pytest.StashKey[list[dict[str, Any]]] = pytest.StashKey()
"""Records in plain values, which is how workers send them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--claims-json`."""
    parser.addoption(
        "--claims-json",
        metavar="PATH",
        default=None,
        help="write the statuses of the claims that tests gave evidence for",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", f"{MARKER}(id): evidence for this claim of the registry")
    config.stash[_FOUND] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker that names no claim."""
    for item in items:
        try:
            _claims(item)
        except (UnknownClaimError, IndexError) as error:
            raise pytest.UsageError(f"{item.nodeid}: {error}") from None


def _claims(item: pytest.Item) -> list[str]:
    return [claim(mark.args[0]).id for mark in item.iter_markers(MARKER)]


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Callable[[Evidence], None]:
    """Hand evidence to the session; its claim must be among the test's markers."""
    marked = _claims(request.node)

    def hand_in(shown: Evidence) -> None:
        if shown.claim not in marked:
            raise pytest.UsageError(f"evidence for {shown.claim}: the test is marked {marked}")
        request.config.stash[_FOUND].append(asdict(shown))

    return hand_in


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A marked test that fails is a problem of its claims."""
    outcome = yield
    if outcome.failed:
        for claim_id in _claims(item):
            failed = Evidence(claim_id, item.nodeid, "test", 0, 0, complaint="the test failed")
            item.config.stash[_FOUND].append(asdict(failed))
    return outcome


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what an xdist worker found."""
    found = getattr(node, "workeroutput", {}).get("claims", [])
    node.config.stash[_FOUND].extend(found)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker send the records home, else write the file that was asked for."""
    config = session.config
    found = config.stash[_FOUND]
    if hasattr(config, "workeroutput"):
        config.workeroutput["claims"] = found
        return
    path = config.getoption("--claims-json")
    if path is None:
        return
    # here, because a session that gathers nothing need not load torch
    import cattrs
    from sharprates.verification import files
    from sharprates.verification.status import statuses, write_claims

    # In whatever order the workers finished, the file is the same.
    evidence = cattrs.structure(found, list[Evidence])
    evidence.sort(key=lambda one: (one.claim, one.check))
    command = " ".join(["pytest", *sys.argv[1:]])
    manifest = {**files.manifest(), "command": command}
    write_claims(Path(path), [one for one in statuses(evidence) if one.evidence], manifest)
