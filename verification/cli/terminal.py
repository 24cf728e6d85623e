"""What commands show while they run, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from sharprates.verification.verdict import Verdict

EXIT = {Verdict.HOLDS: 0, Verdict.FAILS: 1, Verdict.UNDECIDED: 3}
"""Exit code of a run by its worst verdict; 2 is bad input."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more: of results that ends the run, of notes it does not."""
        self.quiet = True
        if not self.stderr:
            raise BrokenPipeError
        sys.stderr = open("/dev/null", "w")  # noqa: SIM115 - it stays open


def console(stderr: bool = False) -> Console:
    """Standard output or error; in a user's names neither [red] nor :one: means anything.

    A pipe gets full lines: no table is cut at a width that nobody set.
    """
    width = None if stderr or sys.stdout.isatty() else 200
    return _Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def note(text: str) -> None:
    """One line on standard error."""
    console(stderr=True).print(text, soft_wrap=True)


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    error = console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=error, transient=True) as bar:
        yield bar


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; on anything else a line after every tenth."""
    if not console(stderr=True).is_terminal:
        done = 0

        def line(text: str) -> None:
            nonlocal done
            done += 1
            if done * 10 // total > (done - 1) * 10 // total:
                note(f"{done} of {total}: {text}")

        yield line
        return
    with _bar() as bar:
        task = bar.add_task("", total=total)
        yield lambda text: bar.update(task, description=text, advance=1)


@contextmanager
def training() -> Iterator[Callable[[str, int, int, float], None]]:
    """A bar for each network on a terminal; on anything else a line after every tenth."""
    if not console(stderr=True).is_terminal:

        def line(name: str, step: int, steps: int, loss: float) -> None:
            if step == steps or step % max(1, steps // 10) == 0:
                note(f"training on {name}: step {step} of {steps}, loss {loss:.3f} nats")

        yield line
        return
    with _bar() as bar:
        tasks: dict[str, TaskID] = {}

        def move(name: str, step: int, steps: int, loss: float) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task("", total=steps)
            text = f"training on {name}: loss {loss:.3f} nats"
            bar.update(tasks[name], description=text, completed=step)

        yield move
