"""What benchmarks found, as one table of ratios: printed, and kept in results.md."""

import math
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from sharprates.samplers.contexts import Contexts
from sharprates.samplers.target import Target, all_states

RESULTS = Path(__file__).parent / "results.md"


@dataclass(frozen=True)
class Times:
    """Seconds of repeated runs."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return f"{show(self.median)} ({show(min(self.seconds))}–{show(max(self.seconds))})"

    def times(self, factor: float) -> "Times":
        """The same rounds, each so many times as long."""
        return Times(tuple(factor * one for one in self.seconds))

    def over(self, other: "Times") -> str:
        """How many times as long as another, round by round: median and spread."""
        ratios = [a / b for a, b in zip(self.seconds, other.seconds, strict=True)]
        return f"{statistics.median(ratios):.3g} ({min(ratios):.3g}–{max(ratios):.3g})"


def show(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def in_turn(
    runs: Mapping[str, Callable[[], object]],
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Times]:
    """Run all of them in turn, round by round, so that a busy machine slows all alike."""
    for run in runs.values():
        run()  # warm up
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = clock()
            run()
            found[name].append(clock() - start)
    return {name: Times(tuple(seconds)) for name, seconds in found.items()}


SQUARE = torch.rand(1024, 1024, dtype=torch.float64)

FLOORS: Mapping[str, Callable[[], object]] = {
    "matmul": lambda: SQUARE @ SQUARE,
    "copy": lambda: COPIED.copy_(COPIES),
}
"""What the machine does at its best: to be timed in turn with what is measured against it."""

COPIES = torch.rand(1 << 23, dtype=torch.float64)
COPIED = torch.empty_like(COPIES)


def multiply_adds(target: Target) -> int:
    """What the tables of a target take: for x_U ⊂ x_V one for each composition of |U|."""
    revealed = torch.bincount(Contexts.of(target).revealed, minlength=target.length + 1).tolist()
    of_level = [
        sum(math.comb(v, u) * max(1, 2 ** (u - 1)) for u in range(v))
        for v in range(target.length + 1)
    ]
    return sum(count * work for count, work in zip(revealed, of_level, strict=True))


def floors(target: Target, times: Mapping[str, Times]) -> dict[str, Times]:
    """How long the tables of a target take at least, of the rounds in which `FLOORS` were timed.

    By arithmetic, at the speed of a large product of matrices; by memory, writing them once.
    """
    written = 8 * target.support << (target.length - 1)
    moved = 2 * 8 * COPIES.numel()
    return {
        "arithmetic": times["matmul"].times(multiply_adds(target) / SQUARE.shape[0] ** 3),
        "memory": times["copy"].times(written / moved),
    }


def peak_mib(run: Callable[[], object]) -> float:
    """Memory that a call takes at most, beyond what was there before."""

    def status(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is used now
    before = status("VmRSS")
    run()
    return (status("VmHWM") - before) / 1024


@dataclass
class Report:
    """Tables by their title; rows as they are found."""

    tables: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def add(self, title: str, **row: object) -> None:
        words = {name.replace("_", " "): str(value) for name, value in row.items()}
        self.tables.setdefault(title, []).append(words)

    def __str__(self) -> str:
        lines = []
        for title, rows in self.tables.items():
            heads = list(dict.fromkeys(name for row in rows for name in row))
            lines += [f"## {title}", "", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
            lines += ["| " + " | ".join(row.get(h, "·") for h in heads) + " |" for row in rows]
            lines.append("")
        return "\n".join(lines)


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    model = names[0] if names else platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{model}, {os.cpu_count()} cores, {gpu}; Python {platform.python_version()}"


def dense(d: int, S: int = 2) -> Target:
    """A random law on all of [S]^d."""
    weights = torch.rand(S**d, generator=torch.Generator().manual_seed(d))
    return Target.from_rows(all_states(d, S), weights, S)


REPORT = Report()


@pytest.fixture
def report() -> Report:
    return REPORT


@pytest.fixture(autouse=True, scope="module")
def all_cores(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests run on one thread each; what is measured here is what a user gets."""
    before = torch.get_num_threads()
    torch.set_num_threads(getattr(request.module, "THREADS", os.cpu_count() or 1))
    yield
    torch.set_num_threads(before)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Only a whole run is kept: ratios of one table come from one run."""
    if not REPORT.tables:
        return
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "stormpy", "numpy"))
    text = (
        "# Benchmarks\n\nWritten by `make bench` in one run: medians, in brackets the smallest and "
        "largest. Ratios are\ntaken round by round, the candidates in turn.\n\n"
        f"{machine()}; {packages}; commit {commit}\n\n{REPORT}"
    )
    print(f"\n{text}")
    whole = set(session.config.args) == {"tests/bench"} and not session.config.option.keyword
    if whole and exitstatus == 0:
        RESULTS.write_text(text, encoding="utf-8")
