"""The three rooms: who imports whom, how deep imports go, and that a name stands for one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("theory", "samplers", "verification")
FLOORS = 11
"""Modules in the longest chain of imports."""

TWICE = {"Clock", "clock"}
"""Names that stand for two things on purpose: formula and measured number are derived apart."""


def sources(room: str) -> list[Path]:
    """The files of a room that are its modules: those in packages."""
    files = sorted((ROOT / room).rglob("*.py"))
    return [file for file in files if (file.parent / "__init__.py").exists()]


def module(file: Path) -> str:
    """The full name that a file is imported by."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(("sharprates", *(parts[:-1] if parts[-1] == "__init__" else parts)))


MODULES = {module(file): file for room in ROOMS for file in sources(room)}


def is_for_types_only(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`, which is no import at run time."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports that run, those inside functions included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and is_for_types_only(node):
            for other in node.orelse:
                yield from imports(ast.Module([other], []))
        elif not isinstance(node, ast.expr):  # none is inside one
            yield from imports(node)


def targets(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Modules of the house that an import names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names} & MODULES.keys()
    assert node.level == 0, f"a relative import: {ast.unparse(node)}"
    names = {f"{node.module}.{alias.name}" for alias in node.names}
    inside = names & MODULES.keys()
    # what is no module is a name that the package itself defines
    return inside | ({node.module or ""} & MODULES.keys() if names - inside else set())


def test_imports_are_read_as_they_run() -> None:
    text = (
        "from sharprates.samplers import target, errors\n"
        "from sharprates.samplers.target import Target\n"
        "if TYPE_CHECKING:\n    from sharprates.theory import claim\n"
        "def late():\n    import sharprates.verification.verdict\n"
    )
    found = {name.split(".")[-1] for one in imports(ast.parse(text)) for name in targets(one)}
    assert found == {"target", "errors", "verdict"}


@cache
def graph() -> dict[str, set[str]]:
    """Module → those that it imports."""
    return {
        name: set().union(*map(targets, imports(ast.parse(file.read_text(encoding="utf-8")))))
        for name, file in MODULES.items()
    }


def room(name: str) -> str:
    """The room of a module."""
    return name.split(".")[1]


@pytest.mark.parametrize("name", ["theory", "samplers"])
def test_two_rooms_know_nobody_else(name: str) -> None:
    arrows = {
        f"{source} → {target}"
        for source, known in graph().items()
        for target in known
        if room(source) == name != room(target)
    }
    assert not arrows


def circle() -> list[str]:
    """Modules that import each other in turn; empty if there are none."""
    finished: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in finished:
            return []
        for target in sorted(graph()[name]):
            if around := walk(target, [*path, name]):
                return around
        finished.add(name)
        return []

    return next((around for name in sorted(graph()) if (around := walk(name, []))), [])


def test_no_circle_of_imports() -> None:
    around = circle()
    assert not around, " → ".join(around)


@cache
def chain(name: str) -> tuple[str, ...]:
    """The longest chain of imports that starts at a module."""
    below = (chain(target) for target in sorted(graph()[name]))
    return (name, *max(below, key=len, default=()))


def test_floors() -> None:
    if circle():
        pytest.skip("there is a circle: chains have no end")
    longest = max(map(chain, sorted(graph())), key=len)
    assert len(longest) <= FLOORS, f"{len(longest)} floors:\n" + "\n".join(longest)


def test_a_name_stands_for_one_thing() -> None:
    """Public classes and functions of modules; a method belongs to its class, a hook to pytest."""
    places = defaultdict(list)
    for name, file in MODULES.items():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            named = isinstance(node, ast.ClassDef | ast.FunctionDef)
            if named and not node.name.startswith(("_", "pytest_")):
                places[node.name].append(name.removeprefix("sharprates."))
    twice = {name: sorted(set(found)) for name, found in places.items() if len(set(found)) > 1}
    assert not {name: found for name, found in twice.items() if name not in TWICE}


def code(file: Path) -> Iterator[str]:
    """The Python in a file: all of it, or the cells and blocks of a page."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        yield text
    else:
        yield from re.findall(r"^```(?:python|\{code-cell\}.*)\n(?::.*\n)*([^`]*)```", text, re.M)


@pytest.mark.parametrize("folder", [*ROOMS, "tests", "book", "README.md"])
def test_rooms_are_imported_from_the_package(folder: str) -> None:
    """A bare `import samplers` would take the user's own folder of this name."""
    place = ROOT / folder
    files = [place] if place.is_file() else [*place.rglob("*.py"), *place.rglob("*.md")]
    found = []
    for file in sorted(one for one in files if "_build" not in one.parts):
        for text in code(file):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                bare = [name for name in names if name.split(".")[0] in ROOMS]
                found += [f"{file.relative_to(ROOT)}: {name}" for name in bare]
    assert not found


ACROSS = {
    "verification/conformance/test_declarations.py": "what the book declares of ten samplers",
    "verification/conformance/test_fresh_defects.py": "defects that are in no catalogue",
    "samplers/test_storm.py": "every way to a law, against a model checker that is not ours",
    "verification/test_claims.py": "every claim's checks and mutants",
    "verification/test_structured_claims.py": "L1-L6 against closed forms of the samplers",
}
"""Tests that hold several files against each other, and what they are for."""


def test_tests_mirror_the_source() -> None:
    """One test file for a source file, of its name and in its place."""
    tests = ROOT / "tests"
    files = [file for name in ROOMS for file in sorted((tests / name).rglob("test_*.py"))]
    assert len(files) > 100
    unlike = set()
    for file in files:
        inside, tested = file.relative_to(tests), file.name.removeprefix("test_")
        # a helper that tests share stands beside its own test
        places = (ROOT / inside.with_name(tested), file.with_name(tested))
        if not any(place.exists() for place in places):
            unlike.add(inside.as_posix())
    assert unlike == set(ACROSS), "name it like the file that it tests, or add it to ACROSS"


MARKER = re.compile(r"# (?:noqa|type: ignore)(?P<rules>: [A-Z0-9, ]+|\[[\w, -]+\])?(?P<reason>.*)")


def test_an_exception_from_a_rule_names_it_and_says_why() -> None:
    files = [*(ROOT / "book").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *MODULES.values()]
    bare = []
    for file in sorted(one for one in files if "_build" not in one.parts):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for found in MARKER.finditer(line):
                if not found["rules"] or not re.search(r"\w", found["reason"]):
                    bare.append(f"{file.relative_to(ROOT)}:{number}")
    assert not bare
