"""One session for all mutants of a file, on a small house of its own."""

import gc
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.mutants.session import (
    PYTEST,
    Session,
    afresh,
    changed_function,
    forked,
    functions,
    swapped,
)

PLAIN = """
import functools

N = 2

class C:
    def __init__(self, x=1):
        self.x = x

    @functools.cached_property
    def twice(self):
        return N * self.x

    @classmethod
    def of(cls, *xs):
        return [cls(x) for x in xs]

@functools.cache
def total(*xs):
    def more(x):
        return x + 1
    return sum(more(x) for x in xs)
"""


@pytest.mark.parametrize(
    ("before", "after", "function"),
    [
        ("N * self.x", "N / self.x", "C.twice"),
        ("[cls(x) for x in xs]", "[cls(x) for x in xs[1:]]", "C.of"),
        ("x + 1", "x", "total"),
        ("N = 2", "N = 3", None),
        ("x=1", "x=2", None),
        ("@functools.cache\n", "", None),
    ],
)
def test_a_change_is_in_one_function_or_seen_on_import(
    before: str, after: str, function: str | None
) -> None:
    assert changed_function(PLAIN, PLAIN.replace(before, after)) == function


def test_functions_get_new_code_whoever_holds_them(tmp_path: Path) -> None:
    file = str(tmp_path / "plain.py")
    names: dict = {"__name__": "plain"}
    exec(compile(PLAIN, file, "exec"), names)
    kept, one = names["total"], names["C"](3)
    gc.freeze()  # as the suite does with what it has collected
    loaded = functions(file)
    assert loaded.keys() == {"C.__init__", "C.twice", "C.of", "total"}
    for before, after, function in (
        *(("N * self.x", "N + self.x", "C.twice"), ("cls(x)", "cls(-x)", "C.of")),
        ("x + 1", "x + 2", "total"),
    ):
        for it, code in swapped(loaded, function, file, PLAIN.replace(before, after)):
            it.__code__ = code
    assert one.twice == 5
    assert [it.x for it in type(one).of(4, 5)] == [-4, -5]
    assert kept(1, 2) == 7
    with pytest.raises(SystemExit, match="0 of 1 functions total are loaded"):
        swapped(functions(f"{file}x"), "total", file, PLAIN)


def test_a_fork_tells_what_it_found_or_how_it_was_lost() -> None:
    assert forked(lambda: [1, "a", None]) == [1, "a", None]
    assert forked(lambda: os._exit(5)) == {"lost": "exit 5"}
    assert forked(lambda: os.kill(os.getpid(), signal.SIGXCPU)) == {"lost": "time"}
    assert forked(lambda: time.sleep(600), cpu=0.01) == {"lost": "time"}


def _spin() -> None:
    while True:
        pass


def test_what_computes_for_ever_is_stopped() -> None:
    assert forked(_spin, cpu=0.2) == {"lost": "time"}


@pytest.mark.parametrize("text", ["assert False", "exit()", "while True: pass"])
def test_a_failing_test_kills_and_so_does_one_that_does_not_end(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("test_it.py").write_text(f"def test_it():\n    {text}\n")
    found, _ = afresh(["test_it.py"], {}, 0.5 if "while" in text else None)
    assert found == ("time" if "while" in text else "test_it.py::test_it")


def test_what_passes_kills_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("test_good.py").write_text("def test_good(): pass\n")
    assert afresh(["test_good.py"], {}, None)[0] is None


HOUSE = {
    "plain.py": "def f(x):\n    return x > 1\n\ndef g():\n    return 3\n\nM = g()\n",
    "test_plain.py": "from plain import f, g\n"
    "def test_f(): assert f(2) and not f(0)\ndef test_g(): assert g() == 3\n",
}


def test_a_session_runs_the_tests_that_reach_a_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in HOUSE.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tests.mutants.session.GRACE", 0)
    plain = HOUSE["plain.py"]

    def work() -> dict[str, object]:
        sys.path.insert(0, str(tmp_path))
        found: dict[str, object] = {}

        def judge(tests: Session) -> None:
            names = list(tests.items)
            found["reached"] = sorted(tests.usual("test_plain.py::test_f").reached)
            found["early"] = sorted(tests.early)
            for function, before, after in (
                *(("f", "x > 1", "x < 1"), ("f", "x > 1", "x > 0"), ("g", "3", "4")),
                ("f", "return x > 1", "while x: pass"),
            ):
                source = plain.replace(before, after)
                found[after] = tests.killer(source, function, names)

        pytest.main([*PYTEST, "test_plain.py"], plugins=[Session(tmp_path / "plain.py", judge)])
        return found

    assert forked(work) == {
        "reached": ["f"],
        "early": ["<module>", "g"],
        "x < 1": "test_plain.py::test_f",
        "x > 0": None,
        "4": "test_plain.py::test_g",
        "while x: pass": "time",
    }
    assert (tmp_path / "plain.py").read_text() == plain
