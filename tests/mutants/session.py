"""One pytest session for all mutants of a file: tests are collected once, and forked for each.

In a fork a function gets the code that a mutant gives it, whoever holds it, and the tests run that
reach it. A change that is seen when files are imported cannot be made this way: that of a constant,
say.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NoReturn

import pytest
from hypothesis import Phase, settings

PATIENCE = 5
"""A mutant is killed that takes so many times the CPU of the tests without it, and `GRACE` more."""

GRACE = 5
"""Seconds."""

ASLEEP = 20
"""Times its allowance of CPU: what takes so much longer waits for something."""

MEMORY = 12 * 2**30
"""Bytes that a mutant may take before it counts as killed."""


PYTEST = (
    *("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is loaded already
)


@dataclass(frozen=True)
class Usual:
    """A test without a mutant.

    Attributes:
        cpu: seconds that it takes.
        reached: functions of the file that it calls.
    """

    cpu: float
    reached: frozenset[str]


# --- functions and their code ---------------------------------------------------------------------


def defined(tree: ast.Module) -> list[tuple[str, ast.FunctionDef]]:
    """The functions of a file and of its classes, not those inside functions."""
    found = []

    def walk(statements: Sequence[ast.stmt], place: str) -> None:
        for node in statements:
            if isinstance(node, ast.ClassDef):
                walk(node.body, f"{place}{node.name}.")
            elif isinstance(node, ast.FunctionDef):
                found.append((place + node.name, node))

    walk(tree.body, "")
    return found


def changed_function(before: str, after: str) -> str | None:
    """The function whose body alone tells two sources apart; None if they differ elsewhere."""
    trees = ast.parse(before), ast.parse(after)
    both = [defined(tree) for tree in trees]
    names = [
        name
        for (name, old), (_, new) in zip(*both, strict=True)
        if [ast.dump(one) for one in old.body] != [ast.dump(one) for one in new.body]
    ]
    for _, node in (*both[0], *both[1]):
        node.body = []
    rest = [ast.dump(tree) for tree in trees]
    return names[0] if rest[0] == rest[1] else None


def functions(path: str) -> dict[str, list[FunctionType]]:
    """Those of a loaded file, wherever they are held, by name in the order of lines."""
    found = defaultdict(list)
    gc.unfreeze()  # what is frozen is not listed
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename == path:
            found[one.__code__.co_qualname].append(one)
    for same in found.values():
        same.sort(key=lambda one: one.__code__.co_firstlineno)
    return found


def _codes(code: CodeType, name: str) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            if one.co_qualname == name:
                yield one
            elif name.startswith(f"{one.co_qualname}."):
                yield from _codes(one, name)


def swapped(
    loaded: Mapping[str, Sequence[FunctionType]], name: str, path: str, source: str
) -> list[tuple[FunctionType, CodeType]]:
    """The functions of this name, each with its code in another source.

    Raises:
        SystemExit: if they are not all loaded: nothing could then be said of a mutant.
    """
    codes = [*_codes(compile(source, path, "exec", dont_inherit=True), name)]
    if not codes or len(codes) != len(loaded[name]):
        raise SystemExit(f"{path}: {len(loaded[name])} of {len(codes)} functions {name} are loaded")
    return list(zip(loaded[name], codes, strict=True))


class Watch:
    """Collects the names of a file's functions that are called, inner ones under the outer's."""

    def __init__(self, path: str) -> None:
        self.path, self.called = path, set[str]()

    def __call__(self, frame: FrameType, _event: str, _argument: Any) -> None:
        if frame.f_code.co_filename == self.path:
            self.called.add(frame.f_code.co_qualname.partition(".<locals>")[0])

    def __enter__(self) -> Watch:
        threading.settrace(self)
        sys.settrace(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)


# --- forks ----------------------------------------------------------------------------------------


def forked(work: Callable[[], Any], cpu: float | None = None) -> Any:
    """What a function returns in a fork, through JSON; ``{"lost": why}`` if it does not return.

    Args:
        work: what to do there.
        cpu: seconds of CPU that it may take, `ASLEEP` times as many on the clock; none without.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(work, writing, cpu)
    os.close(writing)
    end = None if cpu is None else time.monotonic() + ASLEEP * cpu
    while not (done := os.waitpid(child, os.WNOHANG))[0]:
        if end is not None and time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            done = os.waitpid(child, 0)
            break
        time.sleep(0.005)
    with os.fdopen(reading) as told:
        text = told.read()
    code = os.waitstatus_to_exitcode(done[1])
    if code == 0 and text:
        return json.loads(text)
    return {"lost": "time" if code in (-signal.SIGXCPU, -signal.SIGKILL) else f"exit {code}"}


def _child(work: Callable[[], Any], writing: int, cpu: float | None) -> NoReturn:
    """Its own group of processes, its own limits."""
    code = 3
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        if cpu is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 2))
        text = json.dumps(work())
        with os.fdopen(writing, "w") as out:
            out.write(text)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


# --- the session ----------------------------------------------------------------------------------


class Quick:
    """A plugin of pytest: the tests that were quick come first, and the first failure is kept.

    Attributes:
        cpu: seconds of tests, by their id.
        failure: the id of the test or file that failed first.
    """

    def __init__(self, cpu: Mapping[str, float]) -> None:
        self.cpu = cpu
        self.failure: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let no failure be made smaller, which takes long."""
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings.default, phases=phases)
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort."""
        items.sort(key=lambda item: self.cpu.get(item.nodeid, 0.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a failure."""
        if report.failed and self.failure is None:
            self.failure = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file that cannot be read."""
        if report.failed and self.failure is None:
            self.failure = report.nodeid


def afresh(
    tests: Sequence[str], known: Mapping[str, float], cpu: float | None
) -> tuple[str | None, float]:
    """Run pytest in a fork, in the present folder, until the first failure.

    Args:
        tests: files.
        known: seconds of tests, by their id.
        cpu: seconds that they may take, as in `forked`.

    Returns:
        None if all pass, else what failed, or ``time``; and the seconds of CPU that it took.
    """

    def work() -> tuple[str | None, float]:
        begun, quick = time.process_time(), Quick(known)
        code = int(pytest.main([*PYTEST, *tests], plugins=[quick]))
        failure = quick.failure or (f"exit {code}" if code else None)
        return failure, time.process_time() - begun

    found = forked(work, cpu)
    return (found["lost"], 0.0) if isinstance(found, dict) else (found[0], found[1])


class Session(Quick):
    """One that hands itself over when all tests are collected, instead of running them.

    Attributes:
        path: of the file, absolute.
        work: what is called then.
        early: functions of the file that were called while tests were collected.
        items: the tests by their id.
    """

    def __init__(self, path: Path, work: Callable[[Session], None]) -> None:
        super().__init__({})
        self.path, self.work = str(path), work
        self.plain = path.read_text(encoding="utf-8")
        self.early: set[str] = set()
        self.items: dict[str, pytest.Item] = {}
        self._usual: dict[str, Usual] = {}
        self._last: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Iterator[None]:
        """Look at what is called."""
        with Watch(self.path) as watch:
            report = yield
        self.early |= watch.called
        return report

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Work instead."""
        if session.testsfailed:
            raise SystemExit(f"{self.failure} cannot be collected without a mutant")
        self.items = {item.nodeid: item for item in session.items}
        self.loaded = functions(self.path)
        gc.collect()
        gc.freeze()  # a fork that collects garbage would copy every page that it looks at
        self.work(self)
        return True

    def _first_failure(self, names: Sequence[str]) -> str | None:
        """Run tests until one fails."""
        for name, following in zip(names, (*names[1:], None), strict=True):
            item, then = self.items[name], self.items.get(following or "")
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=then)
            if self.failure is not None:
                break
        return self.failure

    def usual(self, name: str) -> Usual:
        """A test without a mutant, run in a fork of its own: caches of one hide calls of another.

        Raises:
            SystemExit: if it fails.
        """
        if name not in self._usual:

            def look() -> tuple[str | None, float, list[str]]:
                begun = time.process_time()
                with Watch(self.path) as watch:
                    failed = self._first_failure([name])
                return failed, time.process_time() - begun, sorted(watch.called)

            found = forked(look)
            if isinstance(found, dict) or found[0] is not None:
                raise SystemExit(f"{name} fails without a mutant")
            self._usual[name] = Usual(found[1], frozenset(found[2]))
        return self._usual[name]

    def killer(self, source: str, function: str, names: Sequence[str]) -> str | None:
        """The first of the tests that fails with a function changed; ``time`` if one does not end.

        Args:
            source: of the whole file.
            function: the one that is changed there.
            names: ids of tests; those that do not reach the function are left out.
        """
        chosen = [name for name in names if function in self.usual(name).reached]
        if not chosen:
            return None
        chosen.sort(key=lambda name: (self._last.get(function) != name, self.usual(name).cpu))
        pairs = swapped(self.loaded, function, self.path, source)

        def judge() -> str | None:
            Path(self.path).write_text(source, encoding="utf-8")  # for processes that tests start
            for one, code in pairs:
                one.__code__ = code
            return self._first_failure(chosen)

        try:
            found = forked(judge, GRACE + PATIENCE * sum(self.usual(name).cpu for name in chosen))
        finally:
            Path(self.path).write_text(self.plain, encoding="utf-8")
        if isinstance(found, dict):
            return str(found["lost"])
        if found is not None:
            self._last[function] = found
        return found
