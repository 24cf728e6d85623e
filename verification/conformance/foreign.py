"""Running code that is not ours: with a time limit, and without a traceback."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from sharprates.samplers.objects import one_line

START = 120.0
"""Seconds that a child process may take until it is there, on however busy a machine."""

GRACE = 15.0
"""Seconds that it may take beyond its limit, to end by itself and to report."""


class FaultError(Exception):
    """What a sampler did that no correct one does; its message is the verdict's sentence."""


class SlowError(FaultError):
    """It gave no answer in its time: a slow one cannot be told from one that hangs."""


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
    started = time.monotonic()
    outer, _ = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:  # a test runner's own time limit goes on
            rest = outer - (time.monotonic() - started)
            signal.setitimer(signal.ITIMER_REAL, max(rest, 1e-3))


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
    os.setsid()  # what foreign code starts is in its group and ends with it
    if sys.platform == "linux":
        # Of a parent that is killed no child is left: PR_SET_PDEATHSIG.
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
    # The time limit may strike in a finaliser or a fork, which swallow it and print a traceback.
    sys.unraisablehook = lambda *_: None
    try:
        pipe.send(None)  # what this process had to import first is not the foreign code's time
        pipe.send((True, work(*arguments)))
    except Exception as error:  # the parent raises it again
        try:
            pipe.send((False, error))
        except (pickle.PicklingError, AttributeError, TypeError):
            pipe.send((False, FaultError(one_line(error))))
    except BaseException as error:  # exit() or the like in foreign code, also while it is imported
        pipe.send((False, FaultError(f"raises {one_line(error)}")))


def _end(child: BaseProcess) -> None:
    """End a child and whatever it has started."""
    # It leads its own group, unless it was ended before it could.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid or 0, signal.SIGKILL)
    if child.is_alive():
        child.kill()
    child.join()


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM unwinds, so that a child is ended; only in a main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _no_main(work: Callable[..., Any]) -> Iterator[None]:
    """Spare a new process the import of the running program, which takes seconds."""
    main = sys.modules["__main__"].__dict__
    hidden = {} if work.__module__ == "__main__" else {"__file__": main.pop("__file__", None)}
    try:
        yield
    finally:
        main.update({name: value for name, value in hidden.items() if value is not None})


def in_child(work: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Run in a process of its own: it may hang or crash there, and nothing of it is left.

    Except what foreign code has started and put into a session of its own, on purpose.

    Args:
        work: importable function with a result that can be pickled.
        arguments: likewise.
        seconds: limit, from when `work` is called; apart from `GRACE`.

    Raises:
        FaultError: if the process died or had to be ended.
        Exception: what `work` raised.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    # Not a daemon: a sampler may have processes of its own.
    child = context.Process(target=_answer, args=(there, work, arguments))
    with _terminable():
        with _no_main(work):
            child.start()
        there.close()
        # Its end is watched by its id: what it has forked may hold open the pipe, and likewise
        # `child.sentinel`.
        ended = os.pidfd_open(child.pid or 0)

        def answer(patience: float) -> Any:
            ready = wait([here, ended], patience)
            if not ready:
                raise SlowError(
                    f"no answer within {patience:.0f} s: it is slow, or hangs (--limit)"
                )
            if here not in ready:
                raise EOFError
            return here.recv()

        try:
            answer(START)
            good, found = answer(seconds + GRACE)
        except EOFError:
            wait([ended], 5)
            raise FaultError(f"ends the process (exit code {child.exitcode})") from None
        finally:
            _end(child)
            os.close(ended)
            here.close()
    if not good:
        raise found
    return found
