"""Many independent tasks: in this process, in processes of this machine, or on a Dask cluster.

What a task gives is a function of the task alone, and results stand in the order of the tasks: so
they are the same to the last bit whoever works on them, and whenever. With a journal each result
is on the disk before it counts as done.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import os
import pickle
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cloudpickle
import joblib
import numpy as np
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sharprates.samplers.errors import InputError
from sharprates.verification.journal import Journal

_key: Callable[[Any], str] = attrgetter("key")

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Call:
    """One task, to be carried out by any process.

    Attributes:
        work: found by its name in its module; called with `shared`, if there is such, and `task`.
        task: small.
        shared: a large object that many tasks have in common.
    """

    work: Callable[..., Any]
    task: Any
    shared: Any = None

    def __call__(self) -> Any:
        """Carry it out."""
        return self.work(self.task) if self.shared is None else self.work(self.shared, self.task)


class Workers(Protocol):
    """Who carries out calls."""

    @property
    def count(self) -> int:
        """How many calls are carried out at a time."""
        ...

    def carry_out(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """The place of each call in the list and its result, as they finish."""
        ...


def run(
    tasks: Sequence[T],
    work: Callable[..., R],
    workers: Workers | int = 1,
    journal: Journal[R] | None = None,
    shared: Callable[[T], Any] | None = None,
    told: Callable[[T, R], None] = lambda *_: None,
) -> list[R]:
    """Carry out tasks.

    Args:
        tasks: independent of each other; picklable, with a distinct `key` if there is a journal.
        work: a picklable function of a task; or of a shared object and a task.
        workers: who does it, or how many processes.
        journal: of what is done already and need not be done again.
        shared: the large object of a task; each process is sent it once.
        told: called with each task and its result, first of those that were done already, then as
            they finish, after the journal has them.

    Returns:
        The results, in the order of the tasks.

    Raises:
        InputError: if a process dies or the cluster is gone, or the journal cannot be written.
    """
    hands = using(workers)
    results: dict[int, R] = {}
    done = {} if journal is None else journal.values
    for place, task in enumerate(tasks):
        if done and _key(task) in done:
            results[place] = done[_key(task)]
            told(task, results[place])
    places = [place for place in range(len(tasks)) if place not in results]
    calls = [Call(work, tasks[place], shared and shared(tasks[place])) for place in places]
    with _one_thread():
        for number, result in hands.carry_out(calls):
            task = tasks[places[number]]
            if journal is not None:
                journal.put(_key(task), result)
            results[places[number]] = result
            told(task, result)
    return [results[place] for place in range(len(tasks))]


def using(workers: Workers | int) -> Workers:
    """Who a number of processes stands for."""
    if not isinstance(workers, int):
        return workers
    return Processes(workers) if workers > 1 else Here()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums that are split over threads round differently; here results must not depend on cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Here:
    """This process, one call after the other."""

    count: int = 1

    def carry_out(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """See `Workers`."""
        for place, call in enumerate(calls):
            yield place, call()


# --- what a worker does ---------------------------------------------------------------------------


def _packed(calls: Iterable[Call]) -> Iterator[tuple[str, Any]]:
    """Digest and bytes of each call's large object, the same array where it is the same object.

    Arrays are what joblib sends to a worker only once.
    """
    known: dict[int, tuple[str, Any]] = {}
    for call in calls:
        if id(call.shared) not in known:
            try:
                data = cloudpickle.dumps(call.shared)
            except (pickle.PicklingError, TypeError, AttributeError) as error:
                raise InputError(
                    f"the work cannot be sent to other processes ({error}); leave out --jobs and "
                    "--cluster, or define the denoiser in a module"
                ) from None
            digest = hashlib.sha256(data).hexdigest()
            known[id(call.shared)] = digest, np.frombuffer(data, dtype=np.uint8)
        yield known[id(call.shared)]


_ALONE = threading.Lock()
"""A Dask worker may have many threads; the precision of balls is one setting for all of them."""

_opened: dict[str, Any] = {}
"""The last large object that this worker was sent, by its digest."""


def versions() -> str:
    """What workers must have the same of, to give the same numbers."""
    return f"{metadata.version('sharprates')} {torch.__version__}"


@cache
def _settle() -> None:
    """What a worker has imported stays: garbage need not be looked for in it again and again."""
    gc.collect()
    gc.freeze()


@cache
def check_versions(asked: str) -> None:
    """A worker of another version would give other numbers."""
    here = versions()
    if here != asked:
        raise InputError(
            f"--cluster: a worker has sharprates and torch {here}, not {asked}; "
            "install the same versions on all machines"
        )


def _answer(asked: str, work: Callable[..., R], task: Any, digest: str, content: Any) -> R:
    """A call in a worker."""
    _settle()
    check_versions(asked)
    with _ALONE, _one_thread():
        if digest not in _opened:
            _opened.clear()
            _opened[digest] = pickle.loads(content.data)
        result: R = Call(work, task, _opened[digest])()
        return result


def _placed(place: int, *rest: Any) -> tuple[int, Any]:
    return place, _answer(*rest)


# --- processes of this machine --------------------------------------------------------------------


def _end_with(parent: int) -> None:
    """A worker does not outlive the program that has begun it, however that ends."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _remove_leftovers(memory: Path = Path("/dev/shm")) -> None:
    """Give back the shared memory of programs that were killed."""
    for folder in memory.glob("joblib_memmapping_folder_*"):
        owner = folder.name.split("_")[3]
        dead = owner.isdecimal() and not Path("/proc", owner).exists()
        if dead and folder.stat().st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _safe_path() -> Iterator[None]:
    """Workers import nothing from the current folder only because it is the current one."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@dataclass(frozen=True)
class Processes:
    """Processes on this machine, by joblib; each of them computes on one thread.

    Attributes:
        count: how many.
    """

    count: int

    def carry_out(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """See `Workers`.

        Raises:
            InputError: if a process dies.
        """
        asked = versions()
        delayed = (
            joblib.delayed(_placed)(place, asked, call.work, call.task, *pack)
            for place, (call, pack) in enumerate(zip(calls, _packed(calls), strict=True))
        )
        _remove_leftovers()
        begin = {"initializer": _end_with, "initargs": (os.getpid(),)}
        with (
            _safe_path(),
            joblib.parallel_config("loky", n_jobs=self.count, inner_max_num_threads=1, **begin),
        ):
            parallel = joblib.Parallel(return_as="generator_unordered")
            try:
                yield from parallel(delayed)
            except TerminatedWorkerError:
                raise InputError(
                    "a worker process was killed, most likely for lack of memory; use fewer --jobs"
                ) from None


# --- a Dask cluster -------------------------------------------------------------------------------

_ROUNDS = 5
"""How often work that a cluster has lost is sent again without any piece of it being finished."""


class _LostError(Exception):
    """The cluster has lost work, or data that work needs."""


class Cluster:
    """The workers of an existing Dask cluster.

    What a dead worker was doing is done by another one. The cluster may lose the data of a whole
    group of tasks with it; these are sent again. A scheduler or a whole cluster that says nothing
    for `patience` seconds is given up; what a single worker was doing that says nothing goes to
    another one when the scheduler gives that worker up (`distributed.scheduler.worker-ttl`).

    This talks to Dask without joblib, whose backend waits without limit in many places.
    """

    def __init__(self, address: str, timeout: float = 10.0, patience: float = 60.0) -> None:
        """Connect to a cluster.

        Args:
            address: of its scheduler, e.g. ``tcp://127.0.0.1:8786``.
            timeout: seconds to wait for it, now and if the connection is lost.
            patience: seconds without any sign of life.

        Raises:
            InputError: if distributed is not installed, or no scheduler answers.
        """
        try:
            import distributed
        except ImportError:
            raise InputError(
                "--cluster: needs dask.distributed: pip install 'sharprates[cluster]'"
            ) from None
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise InputError(f"--cluster: write the address as tcp://HOST:PORT, got {address!r}")
        self.address, self.timeout, self.patience = address, timeout, patience
        # The messages below say in one line what its log would say in twenty.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        connect: Any = distributed.Client  # declares no types
        try:
            self.client = _within(
                2 * timeout, lambda: connect(address, timeout=timeout, set_as_default=False)
            )
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"--cluster: no Dask scheduler answers at {address} ({type(error).__name__})"
            ) from None

    @property
    def count(self) -> int:
        """Threads of all workers that are there now."""
        return max(1, sum(map(int, self._ask(self.client.nthreads).values())))

    def close(self) -> None:
        """Leave the cluster as it is; what it still does for this run is dropped."""
        self.client.close(timeout=self.timeout)

    def carry_out(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """See `Workers`.

        Raises:
            InputError: if the cluster is gone, or loses the same work again and again.
        """
        left, rounds = dict(enumerate(calls)), 0
        while left:
            rounds += 1
            try:
                for place, result in self._round(dict(left)):
                    del left[place]
                    rounds = 0
                    yield place, result
            except _LostError:
                self._check_alive()
                if rounds == _ROUNDS:
                    raise InputError(
                        f"--cluster: {self.address} lost the same work {_ROUNDS} times"
                    ) from None

    def _round(self, calls: Mapping[int, Call]) -> Iterator[tuple[int, Any]]:
        """Send calls, and give results as they come until all are there or some are lost."""
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        asked, sent, places = versions(), {}, {}
        packs = _packed(calls.values())
        for (place, call), (digest, content) in zip(calls.items(), packs, strict=True):
            if digest not in sent:
                sent[digest] = content if call.shared is None else self._scatter(content)
            rest = (asked, call.work, call.task, digest, sent[digest])
            future = self.client.submit(_answer, *rest, pure=False)
            places[future.key] = place, future
            future.add_done_callback(answers.put)
        signs = _Signs(self)
        while places:
            try:
                future = answers.get(timeout=1)
            except queue.Empty:
                signs.check()
                continue
            signs.seen()
            place, _ = places.pop(future.key)
            yield place, self._result(future)

    def _scatter(self, content: Any) -> Any:
        try:
            # it goes to the next worker in turn, which may be one that does not answer
            return _within(self.patience, partial(self.client.scatter, content, hash=False))
        except OSError:
            if not self._ask(self.client.nthreads):
                raise InputError(f"--cluster: {self.address} has no workers") from None
            raise _LostError from None

    def _result(self, future: Any) -> Any:
        import distributed

        try:
            return future.result(timeout=self.patience)
        except distributed.KilledWorker:
            raise InputError(
                f"--cluster: a piece of work killed several workers of {self.address}, most "
                "likely for lack of memory"
            ) from None
        except ImportError as error:
            raise InputError(
                f"--cluster: the workers of {self.address} lack {error.name or error}; "
                "install sharprates there"
            ) from None
        except (distributed.client.FutureCancelledError, OSError):  # a timeout is an OSError too
            raise _LostError from None

    def _check_alive(self) -> None:
        """A client that has lost its scheduler tries for some seconds to find it again."""
        end = time.monotonic() + 2 * self.timeout
        while self.client.status == "connecting" and time.monotonic() < end:
            time.sleep(0.1)
        if self.client.status != "running":
            raise self._lost()

    def _ask(self, question: Callable[[], R]) -> R:
        """An answer of the scheduler."""
        try:
            return _within(self.patience, question)
        except OSError:  # as distributed says that a connection broke, or when time is over
            raise self._lost() from None

    def _lost(self) -> InputError:
        return InputError(f"--cluster: the connection to {self.address} is lost")


class _Signs:
    """Signs of life of a cluster: results, and what its workers tell the scheduler."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.told: Any = None
        self.seen()

    def seen(self) -> None:
        """There was one."""
        self.last = self.asked = time.monotonic()

    def check(self) -> None:
        """Look for one, now and then; the workers tell every second or so that they are there.

        Raises:
            InputError: if there was none for long.
        """
        cluster, now = self.cluster, time.monotonic()
        cluster._check_alive()
        if now - self.asked < min(10.0, cluster.patience / 4):
            return
        self.asked = now
        about = cluster._ask(cluster.client.scheduler_info)
        told = {name: worker.get("last_seen") for name, worker in about["workers"].items()}
        if told != self.told:
            self.told, self.last = told, now
        elif now - self.last > cluster.patience:
            what = "the workers say nothing" if told else "there are no workers"
            raise InputError(
                f"--cluster: {cluster.address}: {what} for {cluster.patience:.0f} seconds"
            )


def _within(seconds: float, call: Callable[[], R]) -> R:
    """What a call gives that may wait for ever.

    Raises:
        TimeoutError: if it takes longer; it is then left alone.
    """
    answer: Future[R] = Future()

    def attempt() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # raised where it was asked
            answer.set_exception(error)

    threading.Thread(target=attempt, daemon=True).start()
    return answer.result(seconds)
