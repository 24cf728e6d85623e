"""`make mutants`: change the product in one place, and see that a test fails; and so on.

Neither mutmut nor cosmic-ray fits: mutmut changes bodies of functions alone, and the formulas of
the claims stand outside of any; cosmic-ray works in the checkout and starts Python anew for each
mutant, which takes longer than the tests. Here tests are collected once for a file, and a process
is forked for each mutant, in which one function has other code. What is seen while files are
imported is changed in a copy, and only what does not depend on it is loaded before.

A mutant meets the tests of its own file first, then those that import that file. One that survives
must stand in `survivors.txt` with the reason, or the run fails.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.mutants import session
from tests.mutants.operators import Mutant, mutants

ROOT = Path(__file__).parents[2]
ROOMS = ("theory", "samplers", "verification")
SURVIVORS = Path(__file__).with_name("survivors.txt")

NUMBERS = (
    "theory/*.py",
    "theory/proofs/proof.py",
    "samplers/*.py",
    *(f"verification/{room}/*.py" for room in ("quantities", "statistics", "planning")),
    *(f"verification/checks/{name}.py" for name in ("check", "trial", "channel")),
    *(
        f"verification/{name}.py"
        for name in (
            *("arithmetic", "decide", "decomposition", "digests", "empirical", "exact_experiment"),
            *("exact_law", "exact_schedule", "experiment", "measure", "profile", "score_error"),
            *("scope", "status", "verdict", "witness"),
        )
    ),
)
"""Files that hold formulas, laws, bounds, statistics or statuses."""

WORDS = {"errors.py", "__init__.py", "make_data.py", "symbols.py", "measured.py", "registry.py"}
"""Files of these names hold no numbers."""

SETTLED = (
    *("theory/evaluation.py", "theory/hypotheses.py"),
    *(f"samplers/{name}.py" for name in ("hitting_law", "occupancy", "parallel", "step_law")),
    *(f"verification/{name}.py" for name in ("decomposition", "profile", "status", "witness")),
    *(f"verification/quantities/{name}.py" for name in ("exact", "float64")),
    "verification/checks/check.py",
    *(
        f"verification/statistics/{name}.py"
        for name in (
            *("binomial", "bounded_mean", "budget", "distribution", "empirical_tv"),
            *("homogeneity", "laws", "plug_in_tv", "step_tests"),
        )
    ),
)
"""Those of which every mutant was tried and no one is left: what is tried by default."""

HEAVY = ("numpy", "torch", "sympy", "scipy.stats", "flint", "hypothesis", "rich.table")
"""Loaded once, before all forks."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes:
        mutant: the mutant.
        killer: the test file, or ``time``; None if it survived.
    """

    mutant: Mutant
    killer: str | None


# --- which files, mutants and tests ---------------------------------------------------------------


def targets(patterns: Sequence[str] = NUMBERS) -> list[str]:
    """The files to change, from the root."""
    found = {path for pattern in patterns for path in Path().glob(pattern)}
    return sorted(str(path) for path in found if path.name not in WORDS)


def sampled(found: Sequence[Mutant], count: int | None, seed: int) -> list[Mutant]:
    """So many of them, the same for the same seed whatever the others are; all without a count."""

    def lot(one: Mutant) -> str:
        return hashlib.sha256(f"{seed}/{one.name}".encode()).hexdigest()

    return sorted(found, key=lot)[:count]


def survivors(path: Path = SURVIVORS) -> dict[str, str]:
    """Name of a mutant → why no test can kill it.

    Raises:
        SystemExit: if a line has no reason, or a name stands there twice.
    """
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(" :: ")
            if not reason.strip() or name in found:
                raise SystemExit(
                    f"{path.name}: {name}: needs one line with its reason after ' :: '"
                )
            found[name] = reason.strip()
    return found


def module(path: str) -> str:
    """The name by which a file is imported."""
    return ".".join(("sharprates", *Path(path).with_suffix("").parts)).removesuffix(".__init__")


@cache
def imported(file: Path) -> frozenset[str]:
    """The modules that a file names in its imports."""
    found = set()
    left: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while left:
        node = left.pop()
        # no import is inside an expression
        left += (one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.expr))
        if isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return frozenset(found)


@cache
def graph() -> Mapping[str, frozenset[str]]:
    """Module of the house → those that it imports, the packages around it among them."""
    files = {
        module(str(path)): path
        for room in ROOMS
        for path in Path(room).rglob("*.py")
        if (path.parent / "__init__.py").exists()
    }
    return {
        name: (imported(path) | set(_packages(name))) & files.keys() for name, path in files.items()
    }


def _packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:k]) for k in range(2, len(parts)))


def dependents(name: str) -> set[str]:
    """The module and all that import it, directly or not."""
    found = {name}
    while more := {one for one, known in graph().items() if known & found} - found:
        found |= more
    return found


def tests_of(path: str) -> tuple[list[str], list[str]]:
    """The tests of a file: its own, and the others that import it, those of few files first."""
    own = Path("tests") / Path(path).with_name(f"test_{Path(path).name}")
    house = graph().keys()
    files = [file for file in Path("tests").rglob("test_*.py") if "bench" not in file.parts]
    others = [file for file in files if module(path) in imported(file) and file != own]
    others.sort(key=lambda file: (len(imported(file) & house), file))
    return [str(own)] * own.exists(), [str(file) for file in others]


# --- what becomes of mutants ----------------------------------------------------------------------


def warm(path: str) -> None:
    """Load what does not depend on a file, so that its mutants need not."""
    changing = dependents(module(path))
    for name in sorted(graph()):
        if name not in changing and not name.endswith("pytest_plugin"):
            __import__(name)
    assert not changing & sys.modules.keys(), "loaded before it was changed"


Tell = Callable[[int, str | None], None]
"""Told of each mutant by its number: what killed it, or None."""


def judge(path: str, chosen: Sequence[Mutant], wide: float, tell: Tell) -> None:
    """Try mutants of one file, in the copy that is the present folder.

    Args:
        path: the file.
        chosen: its mutants.
        wide: seconds of other tests that a survivor of the file's own ones meets.
        tell: told of each.

    Raises:
        SystemExit: if the tests fail without any mutant.
    """
    warm(path)
    found = session.forked(lambda: _in_one_session(path, chosen, wide, tell))
    if isinstance(found, dict):
        raise SystemExit(f"{path}: {found['lost']}")
    left, cpu = found
    _afresh(path, {number: chosen[number] for number in left}, wide, cpu, tell)


def _in_one_session(
    path: str, chosen: Sequence[Mutant], wide: float, tell: Tell
) -> tuple[list[int], dict[str, float]]:
    """Those that change the body of a function; the rest, and the seconds of the file's tests."""
    own, others = tests_of(path)
    plain = Path(path).read_text(encoding="utf-8")
    left: list[int] = []
    cpu: dict[str, float] = {}

    def work(tests: session.Session) -> None:
        by_file: dict[str, list[str]] = {}
        for name in tests.items:
            by_file.setdefault(name.partition("::")[0], []).append(name)
        cpu.update({name: tests.usual(name).cpu for file in own for name in by_file[file]})

        def killer(one: Mutant, function: str) -> str | None:
            seconds = wide
            for number, file in enumerate((*own, *others)):
                if number >= len(own):
                    if seconds <= 0:
                        break
                    seconds -= sum(tests.usual(name).cpu for name in by_file.get(file, ()))
                if found := tests.killer(one.source, function, by_file.get(file, ())):
                    return found
            return None

        for number, one in enumerate(chosen):
            function = session.changed_function(plain, one.source)
            found = killer(one, function) if function else None
            if found is None and (function is None or function in tests.early):
                left.append(number)
            else:
                tell(number, found)

    place = Path.cwd() / ".package" / "sharprates" / path
    code = pytest.main([*session.PYTEST, *own, *others], plugins=[session.Session(place, work)])
    if code != 0:
        raise SystemExit(f"{path}: pytest ends with {code!r}")
    return left, cpu


def _afresh(
    path: str, left: Mapping[int, Mutant], wide: float, cpu: Mapping[str, float], tell: Tell
) -> None:
    """Those that are seen when files are imported: written down, and all is loaded anew."""
    own, others = tests_of(path)
    place = Path(path)
    plain = place.read_text(encoding="utf-8")
    times: dict[str, float] = {}

    def usual(test: str) -> float:
        """Seconds of a file of tests without a mutant."""
        if test not in times:
            failure, times[test] = session.afresh([test], cpu, None)
            if failure is not None:
                raise SystemExit(f"{test} fails without a mutant: {failure}")
        return times[test]

    def killer(one: Mutant) -> str | None:
        seconds = wide
        for number, test in enumerate((*own, *others)):
            if number >= len(own):
                if seconds <= 0:
                    break
                seconds -= usual(test)
            allowed = session.GRACE + session.PATIENCE * usual(test)
            ast.parse(one.source)  # a file that is none would be killed by any test
            place.write_text(one.source, encoding="utf-8")
            try:
                failure, _ = session.afresh([test], cpu, allowed)
            finally:
                place.write_text(plain, encoding="utf-8")
            if failure is not None:
                return failure
        return None

    for number, one in left.items():
        tell(number, killer(one))


def in_a_copy(folder: Path) -> None:
    """Copy what git knows or would add, with checked bytecode, and go there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source, copy = ROOT / name, folder / name
        if source.is_symlink() or source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)
    os.chdir(folder)
    # of a changed file the hash differs, whatever its time is
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode=checked-hash", *ROOMS],
        check=False,
    )
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder / ".package"))
    os.environ.update(
        PYTHONPATH=str(folder / ".package"), PYTHONDONTWRITEBYTECODE="1", OMP_NUM_THREADS="1"
    )


# --- the command ----------------------------------------------------------------------------------


def report(found: Iterable[Outcome], known: Mapping[str, str]) -> tuple[list[str], bool]:
    """A line a file, then what is wrong; and whether anything is."""
    by_file: dict[str, list[Outcome]] = {}
    for one in found:
        by_file.setdefault(one.mutant.path, []).append(one)
    lines = [f"{'file':44} {'mutants':>8} {'killed':>7} {'argued':>7} {'alive':>6} {'rate':>7}"]
    alive, needless = [], []
    total = [0, 0, 0]
    for path, ours in sorted(by_file.items()):
        left = [one.mutant for one in ours if one.killer is None]
        argued = [one for one in left if one.name in known]
        alive += [one for one in left if one.name not in known]
        needless += [one.mutant.name for one in ours if one.killer and one.mutant.name in known]
        killed = len(ours) - len(left)
        total = [total[0] + len(ours), total[1] + killed, total[2] + len(argued)]
        lines.append(_row(path, len(ours), killed, len(argued)))
    lines.append(_row("all", *total))
    lines += [f"alive, and not in {SURVIVORS.name}: {one.name} (line {one.line})" for one in alive]
    lines += [f"killed by now, take it out of {SURVIVORS.name}: {name}" for name in needless]
    return lines, bool(alive)


def _row(name: str, count: int, killed: int, argued: int) -> str:
    share = 100 * killed / (count - argued) if count > argued else 100.0
    alive = count - killed - argued
    return f"{name:44} {count:8} {killed:7} {argued:7} {alive:6} {share:6.1f}%"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", help="patterns from the root; default: `SETTLED`")
    parser.add_argument("--every", action="store_true", help="all files that hold numbers")
    parser.add_argument("--sample", type=int, help="so many mutants; all by default")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument(
        "--wide", type=float, default=60.0, help="seconds of other tests for a survivor"
    )
    parser.add_argument("--among", type=Path, help="a file of names: only these, one a line")
    parser.add_argument("--list", action="store_true", help="name the mutants, run nothing")
    asked = parser.parse_args()
    asked.among = asked.among and asked.among.resolve()
    os.chdir(ROOT)
    if asked.list:
        print(*(one.name for one in _chosen(asked)), sep="\n")
        return 0
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        in_a_copy(Path(folder))
        for name in HEAVY:
            __import__(name)
        chosen = _chosen(asked)
        for path in sorted({one.path for one in chosen}):
            found += _in_a_fork(path, [one for one in chosen if one.path == path], asked.wide)
        os.chdir(ROOT)
    lines, wrong = report(found, survivors())
    print(*lines, sep="\n")
    return int(wrong)


def _chosen(asked: argparse.Namespace) -> list[Mutant]:
    """The mutants that a command asks for, of the files in the present folder."""
    files = NUMBERS if asked.every else asked.files or SETTLED
    sources = {path: Path(path).read_text(encoding="utf-8") for path in targets(files)}
    found = [one for path, source in sources.items() for one in mutants(path, source)]
    if asked.among:
        names = set(asked.among.read_text(encoding="utf-8").splitlines())
        found = [one for one in found if one.name in names]
    return sampled(found, asked.sample, asked.seed)


def _in_a_fork(path: str, chosen: Sequence[Mutant], wide: float) -> list[Outcome]:
    """Outcomes of one file, in a process of its own, which has loaded what does not change."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            with os.fdopen(writing, "w") as out:

                def tell(number: int, killer: str | None) -> None:
                    print(json.dumps([number, killer]), file=out, flush=True)

                judge(path, chosen, wide, tell)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    found = []
    with os.fdopen(reading) as lines:
        for line in lines:
            number, killer = json.loads(line)
            found.append(Outcome(chosen[number], killer))
            told_as = f"killed ({killer})" if killer else "ALIVE"
            print(f"{chosen[number].name}: {told_as}", file=sys.stderr, flush=True)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{path}: its mutants could not be tried")
    return found


if __name__ == "__main__":
    sys.exit(main())
