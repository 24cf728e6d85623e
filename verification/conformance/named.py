"""`sharprates check`: a sampler checked in a process of its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction

from sharprates.samplers.errors import InputError
from sharprates.samplers.objects import load_object, one_line
from sharprates.verification.conformance.checker import check
from sharprates.verification.conformance.findings import (
    Conformance,
    Finding,
    Outcome,
    Settings,
)
from sharprates.verification.conformance.foreign import FaultError, SlowError, in_child


def _work(name: str, path: list[str], budget: Fraction, settings: Settings) -> Conformance:
    started = time.monotonic()
    sys.path[:] = path
    sampler = load_object(name, "SAMPLER")
    spent = time.monotonic() - started
    with _progress(settings.limit - spent) as tell:
        return check(sampler, budget, settings, spent=spent, tell=tell)


@contextmanager
def _progress(seconds: float) -> Iterator[Callable[[str], None]]:
    """What is going on: one line on a terminal that is written over, else a line each."""
    started, terminal = time.monotonic(), sys.stderr.isatty()

    def tell(text: str) -> None:
        line = f"{time.monotonic() - started:.0f} of {seconds:.0f} s: {text}"
        # Of a reader that has gone nothing is asked.
        with suppress(OSError):
            print(
                f"\r\x1b[2K{line}" if terminal else line,
                end="" if terminal else "\n",
                file=sys.stderr,
                flush=True,
            )

    yield tell
    if terminal:
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def check_named(name: str, budget: Fraction, settings: Settings) -> Conformance:
    """Check MODULE:OBJECT in a child process, which may hang or crash.

    Raises:
        InputError: if the module cannot be imported or has no such object, or if what the sampler
            declares cannot be.
    """

    def stopped(outcome: Outcome, sentence: str) -> Conformance:
        finding = Finding("runs", False, sentence)
        said = "fails" if outcome is Outcome.FAILS else "undecided"
        return Conformance(name, outcome, f"{said}: {sentence}", (finding,), budget=float(budget))

    try:
        found = in_child(_work, (name, sys.path, budget, settings), settings.limit)
    except FaultError as fault:
        slow = isinstance(fault, SlowError)
        return stopped(Outcome.UNDECIDED if slow else Outcome.FAILS, str(fault))
    except InputError:
        raise
    except Exception as error:  # the sampler has broken what the check stands on, or it has a bug
        return stopped(Outcome.UNDECIDED, f"the check stopped: {one_line(error)}")
    if not isinstance(found, Conformance):
        return stopped(Outcome.UNDECIDED, "the check gave no verdict")
    return found
