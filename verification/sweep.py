"""Sweeps: an audit on many processes or a Dask cluster, and its finished rows on disk.

Rows are appended to a journal as they finish, each line with a checksum, and reach the disk before
the next is begun. So a sweep that was stopped in whatever way has lost at most what was being
worked on, and goes on from there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import math
import os
import pickle
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import cattrs
import cloudpickle
import joblib
import numpy as np
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sharprates.samplers.denoiser import Denoiser, ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.step_law import step_law
from sharprates.samplers.target import Target
from sharprates.verification import files
from sharprates.verification.audit import Call, Finished, Plan, count_cases
from sharprates.verification.denoisers import questions

JOURNAL = "rows.jsonl"
"""Name of the journal in the folder that `--out` names."""


# --- values as JSON and back, exactly -------------------------------------------------------------


def _number(value: Any, _: Any) -> Fraction | float:
    """A number as it was, also an integer that stands for a float."""
    if not isinstance(value, dict):
        return cast(float, value)
    if "float" in value:
        return float(value["float"])
    return Fraction(*(int(part, 16) for part in value["fraction"]))


VALUES = cattrs.Converter()
"""Dataclasses as JSON and back without loss: fractions exactly, infinities by name."""
VALUES.register_unstructure_hook(
    # hexadecimal: python refuses decimal numbers of more than 4300 digits
    Fraction,
    lambda value: {"fraction": [hex(value.numerator), hex(value.denominator)]},
)
VALUES.register_unstructure_hook(
    float, lambda value: value if math.isfinite(value) else {"float": str(value)}
)
VALUES.register_structure_hook(float, _number)
VALUES.register_structure_hook(Fraction | float, _number)


# --- the journal ----------------------------------------------------------------------------------


def _line(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({"sha256": digest, **content}, ensure_ascii=False).encode() + b"\n"


def _checked(line: bytes) -> dict[str, Any] | None:
    """The content of a whole line; None of one that was cut or changed."""
    try:
        content = json.loads(line)
        del content["sha256"]
        return content if _line(content) == line else None
    except (ValueError, TypeError, KeyError):
        return None


class Journal:
    """Finished pieces of a sweep: a file to which lines are appended, and nothing is changed.

    One run at a time may use it.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], resume: bool) -> None:
        """Open the journal of a sweep, or begin one.

        Args:
            folder: where it lies; it exists.
            about: what the sweep is, from `identity`; a journal of another one is refused.
            resume: go on with what is there, if anything is.

        Raises:
            InputError: if there is a journal and `resume` is not set, or it is of another sweep, or
                is none, or is in use, or cannot be written.
        """
        self.path = folder / JOURNAL
        self.found: dict[str, Finished] = {}
        if not self.path.exists():
            files.write_whole(self.path, _line({"sweep": dict(about)}))
        try:
            # unbuffered: what was written and what was not is known at any time
            self.file = open(self.path, "r+b", buffering=0)  # noqa: SIM115 - closed by `close`
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.close()
            raise InputError(
                f"{self.path}: is in use by another run; wait for it, or use another --out"
            ) from None
        except OSError as error:
            raise InputError(f"{self.path}: cannot be used: {error.strerror}") from None
        try:
            self._read(about, resume)
        except BaseException:
            self.file.close()
            raise

    def _read(self, about: Mapping[str, Any], resume: bool) -> None:
        lines = self.file.readall().splitlines(keepends=True)
        head = _checked(lines[0]) if lines else None
        if head is None or not isinstance(head.get("sweep"), dict):
            raise InputError(
                f"{self.path}: is no journal of a sweep; remove it, or use another --out"
            )
        there = head["sweep"]
        differ = [name for name in sorted({*there, *about}) if there.get(name) != about.get(name)]
        if differ:
            raise InputError(
                f"{self.path}: holds another sweep (differs in {', '.join(differ)}); "
                "use another --out, or remove it"
            )
        self.end = len(lines[0])
        for line in lines[1:]:
            content = _checked(line)
            if content is None:
                break  # a line that was being written; what stands behind it is not trusted
            self.found[content["key"]] = VALUES.structure(content["found"], Finished)
            self.end += len(line)
        if self.found and not resume:
            raise InputError(
                f"{self.path}: holds {self.rows} finished rows of this sweep; "
                "add --resume to go on with it, or remove it"
            )
        self.file.truncate(self.end)
        self.file.seek(self.end)

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return sum(len(one.results) for one in self.found.values())

    def get(self, key: str) -> Finished | None:
        """What was found under a key."""
        return self.found.get(key)

    def put(self, key: str, found: Finished) -> None:
        """Append; the line is on the disk on return, or nothing of it is in the file.

        Raises:
            InputError: if the disk is full.
        """
        data = _line({"key": key, "found": VALUES.unstructure(found)})
        try:
            left = data
            while left:
                left = left[os.write(self.file.fileno(), left) :]
            os.fsync(self.file.fileno())
        except OSError as error:
            with suppress(OSError):
                self.file.truncate(self.end)
            raise InputError(f"{self.path}: cannot be written: {error.strerror}") from None
        self.end += len(data)
        self.found[key] = found

    def close(self) -> None:
        """Let others use it."""
        self.file.close()


@contextmanager
def journal(folder: Path, about: Mapping[str, Any], resume: bool, total: int) -> Iterator[Journal]:
    """A journal for the time of a sweep; if that stops, a message says how to go on.

    Args:
        folder: where it lies.
        about: what the sweep is, from `identity`.
        resume: go on with what is there.
        total: rows of the whole sweep.

    Raises:
        InputError: of the sweep, with what was kept.
    """
    kept = Journal(folder, about, resume)
    try:
        yield kept
    except (InputError, KeyboardInterrupt) as error:
        what = str(error) or "stopped"
        if not kept.rows:
            raise InputError(what) from None
        raise InputError(
            f"{what}; {kept.rows} of {total} rows are kept in {kept.path}: "
            "run the same command with --resume to go on"
        ) from None
    finally:
        kept.close()


def identity(
    plan: Plan,
    targets: Sequence[Target],
    denoisers: Sequence[Denoiser],
    named: Sequence[str | int | None] = (),
) -> dict[str, Any]:
    """What makes two sweeps the same: versions, options, data, schedules and denoisers.

    Args:
        plan: what is run; own clocks and rules count by the schedules that they make.
        targets: the data laws.
        denoisers: one a target; an imperfect one counts by its answers to a few questions.
        named: how a user asked for the denoiser.
    """
    made = files.manifest()
    sampling = plan.sampling
    options = {
        "claims": plan.claims,
        "rules": [rule if isinstance(rule, str) else rule.__name__ for rule in plan.rules],
        "clocks": [one.name for one in plan.chosen_clocks()],
        "schedules": plan.schedules(),
        "blocks": plan.blocks,
        "confidence": plan.confidence,
        "arithmetic": plan.arithmetic,
        "scale": {name: str(factor) for name, factor in sorted(plan.scale.items())},
        "samples": sampling.samples,
        "seed": sampling.seed,
        "budget": str(sampling.budget),
        "device": sampling.device,
    }
    about = {
        "version": [made["version"], made["commit"]],
        "packages": made["packages"],
        "options": options,
        "targets": [one.name for one in targets],
        "data": [_digest(_of_target(one)) for one in targets],
        "schedules": _digest(_of_schedules(plan, {one.length for one in targets})),
        "denoiser": [
            *named,
            *(
                _digest(_answers(one, target))
                for one, target in zip(denoisers, targets, strict=True)
            ),
        ],
        "rows": sum(count_cases(plan, one.time_free) for one in denoisers),
    }
    # as it will be read back
    return dict(json.loads(json.dumps(about)))


def _digest(parts: Iterator[Any]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part if isinstance(part, bytes) else repr(part).encode())
        found.update(b"\0")
    return found.hexdigest()


def _of_target(target: Target) -> Iterator[Any]:
    yield (target.vocabulary, str(target.family), tuple(target.rows.shape))
    yield target.rows.numpy().tobytes()
    yield target.weights.numpy().tobytes()
    yield (
        None
        if target.fractions is None
        else [(hex(w.numerator), hex(w.denominator)) for w in target.fractions]
    )


def _of_schedules(plan: Plan, lengths: set[int]) -> Iterator[Any]:
    for length in sorted(lengths):
        for chosen in plan.chosen_clocks():
            for steps, name in plan.schedules():
                times = plan.grid_times(chosen, name, steps, length)
                yield times.numpy().tobytes()
                for rule in plan.rules:
                    yield step_law(rule, chosen, times, plan.last_step).unclipped.numpy().tobytes()


def _answers(denoiser: Denoiser, target: Target) -> Iterator[Any]:
    yield (type(denoiser).__name__, denoiser.time_free, denoiser.normalised)
    if isinstance(denoiser, ExactDenoiser):
        yield denoiser.off_support
    else:
        x, t = questions(denoiser, target)
        yield denoiser(x, t).detach().to("cpu", torch.float64).numpy().tobytes()


# --- workers --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Packed:
    """A large object as bytes, in an array: that is what joblib sends to a worker only once.

    Attributes:
        digest: of the content.
        content: uint8 [n].
    """

    digest: str
    content: Any

    @staticmethod
    def of(value: Any) -> _Packed:
        try:
            data = cloudpickle.dumps(value)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise InputError(
                f"the work cannot be sent to other processes ({error}); leave out --jobs and "
                "--cluster, or define the denoiser in a module"
            ) from None
        return _Packed(hashlib.sha256(data).hexdigest(), np.frombuffer(data, dtype=np.uint8))


_ALONE = threading.Lock()
"""A Dask worker may have many threads; the precision of balls is one setting for all of them."""

_opened: dict[str, Any] = {}
"""The last large object that this worker was sent, by its digest."""


def _versions() -> list[str]:
    return [metadata.version("sharprates"), torch.__version__]


@cache
def _check_versions(asked: str) -> None:
    """A worker of another version would give other numbers."""
    here = " ".join(_versions())
    if here != asked:
        raise InputError(
            f"--cluster: a worker has sharprates and torch {here}, not {asked}; "
            "install the same versions on all machines"
        )


def _carry_out(versions: str, place: int, content: Any, digest: str, call: Any) -> tuple[int, Any]:
    """One call in a worker."""
    _check_versions(versions)
    function, arguments = call
    with _ALONE:
        torch.set_num_threads(1)
        if digest not in _opened:
            _opened.clear()
            _opened[digest] = pickle.loads(content.data)
        return place, function(_opened[digest], *arguments)


def _delayed(calls: Sequence[Call], places: Sequence[int]) -> Iterator[Any]:
    packed: dict[int, _Packed] = {}
    versions = " ".join(_versions())
    for place in places:
        call = calls[place]
        if id(call.shared) not in packed:
            packed[id(call.shared)] = _Packed.of(call.shared)
        pack = packed[id(call.shared)]
        work = (call.function, call.arguments)
        yield joblib.delayed(_carry_out)(versions, place, pack.content, pack.digest, work)


@dataclass(frozen=True)
class Processes:
    """Processes on this machine, by joblib; each of them computes on one thread.

    Attributes:
        count: how many.
    """

    count: int

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """See `verification.audit.Workers`.

        Raises:
            InputError: if a process dies.
        """
        with joblib.parallel_config("loky", n_jobs=self.count, inner_max_num_threads=1):
            parallel = joblib.Parallel(return_as="generator_unordered")
            try:
                yield from parallel(_delayed(calls, range(len(calls))))
            except TerminatedWorkerError:
                raise InputError(
                    "a worker process was killed, most likely for lack of memory; use fewer --jobs"
                ) from None


_ROUNDS = 5
"""How often work that a cluster has lost is sent again without any piece of it being finished."""


class Cluster:
    """The workers of an existing Dask cluster, by joblib's Dask backend.

    What a dead worker was doing is done by another one. The cluster may lose the data of a whole
    group of pieces with it; these are sent again.
    """

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        """Connect to a cluster.

        Args:
            address: of its scheduler, e.g. ``tcp://127.0.0.1:8786``.
            timeout: seconds to wait for it, now and if the connection is lost.

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
        self.address = address
        # The messages below say in one line what its log would say in twenty.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            connect: Any = distributed.Client  # declares no types
            self.client = connect(address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"--cluster: no Dask scheduler answers at {address} ({type(error).__name__})"
            ) from None

    @property
    def count(self) -> int:
        """Threads of all workers that are there now."""
        try:
            return max(1, sum(map(int, self.client.ncores().values())))
        except OSError:  # as distributed says that a connection broke
            raise self._lost() from None

    def close(self) -> None:
        """Leave the cluster as it is; what it still does for this run is dropped."""
        self.client.close()

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
        """See `verification.audit.Workers`.

        Raises:
            InputError: if the cluster is gone, or loses the same work again and again.
        """
        import distributed

        left, rounds = dict.fromkeys(range(len(calls))), 0
        while left:
            rounds += 1
            try:
                for place, answer in self._round(calls, list(left)):
                    del left[place]
                    rounds = 0
                    yield place, answer
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
            except TimeoutError:
                raise InputError(f"--cluster: {self.address} has no workers") from None
            except (distributed.client.FutureCancelledError, OSError):
                self._check_alive()
                if rounds == _ROUNDS:
                    raise InputError(
                        f"--cluster: {self.address} lost the same work {_ROUNDS} times"
                    ) from None

    def _check_alive(self) -> None:
        """A client that has lost its scheduler tries for some seconds to find it again."""
        while self.client.status == "connecting":
            time.sleep(0.1)
        if self.client.status != "running":
            raise self._lost()

    def _lost(self) -> InputError:
        return InputError(f"--cluster: the connection to {self.address} is lost")

    def _round(self, calls: Sequence[Call], places: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """Answers as they come; a thread of its own would wait for ever if the scheduler vanished.

        The caller looks after the connection meanwhile.
        """
        answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        stop = threading.Event()

        def wait() -> None:
            try:
                with joblib.parallel_config("dask", client=self.client, n_jobs=-1):
                    parallel = joblib.Parallel(return_as="generator_unordered")
                    for answer in parallel(_delayed(calls, places)):
                        answers.put((True, answer))
                        if stop.is_set():
                            return
                answers.put((True, None))
            except BaseException as error:  # handed over, to be raised where the answers go
                answers.put((False, error))

        threading.Thread(target=wait, daemon=True).start()
        try:
            while True:
                try:
                    fine, answer = answers.get(timeout=1)
                except queue.Empty:
                    self._check_alive()
                    continue
                if not fine:
                    raise answer
                if answer is None:
                    return
                yield answer
        finally:
            stop.set()
