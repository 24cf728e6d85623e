"""Running code that is not ours: with a time limit, and without a traceback."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import torch

from verification.conformance.protocol import FaultError
from verification.objects import one_line

GRACE = 15.0
"""Seconds that a child process may take beyond its limit, to start and to report."""


class OutOfTimeError(BaseException):
    """The time limit is over. No `Exception`, so that foreign code does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what runs longer; only in a main thread, elsewhere nothing is interrupted.

    Code that never returns to Python is not interrupted either; `in_child` ends that too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def guarded(call: Callable[[], Any], what: str) -> Any:
    """What a call into foreign code returns.

    The global random state of torch and random is put back, so that foreign code disturbs nothing.

    Raises:
        FaultError: in one line, whatever the code raised.
        OutOfTimeError: if the time limit ended it.
    """
    state = random.getstate()
    with torch.random.fork_rng(devices=[]):
        try:
            return call()
        except (KeyboardInterrupt, OutOfTimeError, FaultError):
            raise
        except BaseException as error:  # SystemExit too: foreign code may call exit()
            raise FaultError(f"{what} raises {one_line(error)}") from None
        finally:
            random.setstate(state)


def _answer(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        pipe.send((True, work(*arguments)))
    except Exception as error:  # the parent raises it again
        pipe.send((False, error))


def in_child(work: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Run in a process of its own: it may hang or crash there.

    Args:
        work: importable function with a result that can be pickled.
        arguments: likewise.
        seconds: limit, apart from `GRACE`.

    Raises:
        FaultError: if the process died or had to be ended.
        Exception: what `work` raised.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(there, work, arguments), daemon=True)
    started = time.monotonic()
    child.start()
    there.close()
    try:
        if not here.poll(seconds + GRACE):
            raise FaultError(f"hangs: no answer within {time.monotonic() - started:.0f} s")
        try:
            good, found = here.recv()
        except EOFError:
            child.join(5)
            raise FaultError(f"ends the process (exit code {child.exitcode})") from None
    finally:
        if child.is_alive():
            child.kill()
        child.join()
    if not good:
        raise found
    return found
