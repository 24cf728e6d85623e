"""What commands show while they run, and how they end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from sharprates.samplers.errors import printable
from sharprates.verification.verdict import Verdict

EXIT = {Verdict.HOLDS: 0, Verdict.FAILS: 1, Verdict.UNDECIDED: 3}
"""Exit code of a run by its worst verdict; 2 is bad input."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more; rich would end the program."""
        raise BrokenPipeError


def console(stderr: bool = False) -> Console:
    """Standard output or error; in a user's names neither [red] nor :one: means anything.

    A pipe gets full lines: no table is cut at a width that nobody set.
    """
    width = None if stderr or sys.stdout.isatty() else 200
    return _Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


LONGEST_NOTE = 600


def note(text: str) -> None:
    """One line on standard error; of a very long one the beginning and the end."""
    text = printable(" ".join(text.splitlines()))
    if len(text) > LONGEST_NOTE:
        text = f"{text[: LONGEST_NOTE // 2]} … {text[-LONGEST_NOTE // 3 :]}"
    try:
        console(stderr=True).print(text, soft_wrap=True)
    except OSError:  # nobody reads it, or its disk is full: without results that ends no run
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - it stays open


SILENCE = 4.0
"""Seconds after which a command that still works says so; then after twice as many, and so on."""

LONGEST_SILENCE = 60.0


@dataclass
class _Work:
    """What is being done now, for who waits.

    Attributes:
        text: in a few words.
        shown: whether a bar shows it.
    """

    text: str = ""
    shown: bool = False


_work = _Work()


def doing(text: str) -> None:
    """Say what is being done, should it take long."""
    _work.text = text


@contextmanager
def heartbeat(began: float) -> Iterator[None]:
    """A line now and then while no bar is shown: a command that works is never silent for long.

    Args:
        began: when the command was called, by `time.monotonic`; loading it took its time.
    """
    ended = threading.Event()

    def beat() -> None:
        # at first a second at least: what is at its end says what it has found
        wait = max(1.0, began + SILENCE - time.monotonic())
        while not ended.wait(wait):
            wait = min(time.monotonic() - began, LONGEST_SILENCE)
            if not _work.shown:
                what = f": {_work.text}" if _work.text else ""
                with suppress(ValueError):  # the stream was closed
                    note(f"working for {time.monotonic() - began:.0f} s{what}")

    doing("")
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(1)  # it may be writing to a pipe that nobody reads


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    error = console(stderr=True)
    with Progress(*columns, *times, console=error, transient=True) as bar:
        _work.shown = True
        try:
            yield bar
        finally:
            _work.shown = False


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; on anything else a line after every tenth."""
    if not console(stderr=True).is_terminal:
        done = 0

        def line(text: str) -> None:
            nonlocal done
            done += 1
            doing(f"{done} of {total}: {text}")
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
            doing(f"training on {name}: step {step} of {steps}")
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
