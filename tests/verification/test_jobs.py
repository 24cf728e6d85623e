"""Tasks: the same results whoever works on them, and one line whatever stops them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, dirichlet, pairs
from sharprates.verification import audit as audits
from sharprates.verification import digests, jobs
from sharprates.verification.audit import Finished, audit
from sharprates.verification.audit_plan import Plan
from sharprates.verification.empirical import Sampling
from sharprates.verification.jobs import Cluster, Here, Processes, run
from sharprates.verification.journal import Journal, identity
from sharprates.verification.reports.audit import audit_json

from tests.samplers.perturbed import Drifting, Leaking, Uniform

NAME = "rows.jsonl"
PLAN = Plan(
    steps=(2, 5), clocks=("constant", "linear"), blocks=((2,),), sampling=Sampling(400, seed=3)
)
TARGETS = [copies(3, 2), dirichlet(2, 3, 0.5, seed=1), pairs(2, 3)]
ROWS = 14


def found(audited):
    return audit_json(audited)["targets"]


@pytest.fixture(scope="module")
def serial():
    return found(audit(TARGETS, PLAN))


@dataclass(frozen=True)
class Backwards(Here):
    """Works on the last call first."""

    def carry_out(self, calls):
        for place, call in reversed(list(enumerate(calls))):
            yield place, call()


def opened(
    folder: Path, plan: Plan = PLAN, resume: bool = True, targets=TARGETS, denoiser: str = "exact"
):
    about = identity({"plan": plan, "denoiser": denoiser}, digests.of_data(plan, targets))
    return Journal[Finished](folder / NAME, about, Finished, resume=resume)


# --- the same results -----------------------------------------------------------------------------


def test_the_order_of_work_does_not_matter(serial) -> None:
    assert found(audit(TARGETS, PLAN, workers=Backwards())) == serial
    assert found(audit(TARGETS, PLAN, workers=Backwards(count=2))) == serial


def test_seeds_by_order_of_work_would_be_noticed(serial, monkeypatch) -> None:
    """The mutant gives the next seed to whatever comes next."""
    right, seeds = audits.carry_out, iter(range(3, 1000, 3))
    monkeypatch.setattr(
        audits, "carry_out", lambda shared, task: right(shared, replace(task, seed=next(seeds)))
    )
    assert found(audit(TARGETS, PLAN)) != serial


def test_levels_spend_the_budget_once() -> None:
    made = [(target, ExactDenoiser(target)) for target in TARGETS]
    tasks = audits.tasks(PLAN, made)
    levels = [level for of_target in tasks for task in of_target for level in task.levels]
    assert len(levels) == ROWS * len(TARGETS)
    assert sum(levels) <= float(PLAN.sampling.budget) * (1 + 1e-12)
    seeds = [task.seed + k for some in tasks for task in some for k in range(len(task.samplers))]
    assert seeds == list(range(3, 3 + ROWS * len(TARGETS)))


def test_processes_give_the_same_to_the_last_bit(serial) -> None:
    two = Processes(2)
    assert found(audit(TARGETS, PLAN, workers=two)) == serial
    threads = "__import__('torch').get_num_threads(), __import__('os').environ['OMP_NUM_THREADS']"
    assert run([threads] * 3, eval, two) == [(1, "1")] * 3


def test_imperfect_denoisers_travel() -> None:
    for defect in (
        lambda target: Leaking(ExactDenoiser(target), 0.1),
        lambda target: Drifting(ExactDenoiser(target), Uniform(target.vocabulary), 0.3),
    ):
        plan = replace(PLAN, steps=(2,))
        here = audit(TARGETS[:1], plan, defect)
        assert here[0].dominance
        assert found(audit(TARGETS[:1], plan, defect, workers=Processes(2))) == found(here)


def test_a_killed_process_is_one_line() -> None:
    suicide = "__import__('os').kill(__import__('os').getpid(), 9)"
    with pytest.raises(InputError, match="worker process was killed"):
        run([suicide], eval, 2)


def test_what_cannot_be_sent_is_one_line() -> None:
    with pytest.raises(InputError, match="cannot be sent"):
        run([1], max, 2, shared=lambda _: threading.Lock())


WAITING = """
import sys, time
from sharprates.verification.jobs import run
def told(*_):
    print(flush=True)
run([0, 600, 600], time.sleep, 2, told=told)
"""


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_a_killed_program(sign: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"\n"
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        assert len(children) >= 2
        program.send_signal(sign)
        program.wait()
    end = time.monotonic() + 60
    while any(Path("/proc", child).exists() for child in children) and time.monotonic() < end:
        time.sleep(0.2)
    assert not any(Path("/proc", child).exists() for child in children)


def test_shared_memory_of_dead_programs_is_given_back(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f"joblib_memmapping_folder_{pid}_a_b").mkdir()
    jobs._remove_leftovers(tmp_path)
    assert [path.name.split("_")[3] for path in tmp_path.iterdir()] == [str(os.getpid())]


def test_processes_import_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's folder may hold anything."""
    for name in ("json", "pickle", "numpy", "joblib", "cloudpickle"):
        (tmp_path / f"{name}.py").write_text("open('executed', 'w')\n")
    monkeypatch.chdir(tmp_path)
    code = "from sharprates.verification.jobs import run; print(run([-1, -2], abs, 2))"
    command = [sys.executable, "-P", "-c", code]
    path = os.pathsep.join(filter(os.path.isabs, sys.path))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "[1, 2]\n", done.stderr
    assert not (tmp_path / "executed").exists()


# --- a Dask cluster -------------------------------------------------------------------------------


def test_a_cluster_gives_the_same_and_survives_its_workers(serial) -> None:
    """One worker is killed, then all: with them goes what they were sent."""
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local,
        closing(Cluster(local.scheduler_address)) as hands,
    ):
        assert hands.count == 2

        def kill(many: int) -> None:
            for pid in list(hands.client.run(os.getpid, on_error="ignore").values())[:many]:
                os.kill(pid, signal.SIGKILL)

        rows: list[str] = []

        def told(text: str) -> None:
            rows.append(text)
            kill({4: 1, 20: 2}.get(len(rows), 0))

        assert found(audit(TARGETS, PLAN, workers=hands, progress=told)) == serial
    assert len(rows) == 3 * (ROWS + 1)


ALL_IN_ONE = """
import time
from distributed import LocalCluster
threads = {"processes": False, "threads_per_worker": 2, "protocol": "tcp"}
with LocalCluster(n_workers=1, dashboard_address=":0", **threads) as cluster:
    print(cluster.scheduler_address, flush=True)
    time.sleep(600)
"""


def test_a_vanished_cluster_is_one_line(tmp_path: Path, serial) -> None:
    """Scheduler and workers are gone at once; two threads of one worker gave the same before."""

    with ExitStack() as stack:
        other = subprocess.Popen([sys.executable, "-c", ALL_IN_ONE], stdout=subprocess.PIPE)
        stack.enter_context(other)
        stack.callback(other.kill)  # runs before the wait for its end
        assert other.stdout is not None
        address = other.stdout.readline().decode().strip()
        rows: list[str] = []

        def told(text: str) -> None:
            rows.append(text)
            if len(rows) == 20:
                other.kill()

        with (
            closing(Cluster(address, timeout=1)) as hands,
            pytest.raises(InputError, match=r"connection to .* is lost; \d+ finished pieces"),
            opened(tmp_path) as kept,
        ):
            audit(TARGETS, PLAN, workers=hands, journal=kept, progress=told)
    with opened(tmp_path) as kept:
        assert kept.values
        assert found(audit(TARGETS, PLAN, journal=kept)) == serial


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "tcp://HOST:PORT"),
        ("tcp://127.0.0.1:x", "tcp://HOST:PORT"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers"),
    ],
)
def test_a_wrong_address_is_one_line(address: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Cluster(address, timeout=0.3)


def test_workers_of_another_version_are_refused() -> None:
    with pytest.raises(InputError, match="install the same versions"):
        jobs.check_versions("0.0.0 0.0.0")


def test_workers_that_come_and_go_between_groups_do_no_work_twice(serial) -> None:
    """How many there are is asked once a run."""
    rows: list[str] = []

    class Changing(Here):
        counts = iter(())

        @property
        def count(self) -> int:
            return next(self.counts)

    for counts in ([2, 1, 1, 1, 1], [1, 2, 3, 4, 5]):
        rows.clear()
        Changing.counts = iter(counts)
        hands = object.__new__(Changing)
        assert found(audit(TARGETS, PLAN, workers=hands, progress=rows.append)) == serial
        assert len(rows) == 3 * (ROWS + 1)


def test_a_port_that_says_nothing_is_one_line() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(InputError, match="no Dask scheduler answers"):
            Cluster(f"tcp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.5)


@pytest.mark.parametrize("shared", [None, [3]])
def test_a_frozen_worker_is_given_up(shared) -> None:
    """A paused host keeps its connections, and says nothing."""
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as local,
        closing(Cluster(local.scheduler_address, patience=3)) as hands,
    ):
        (pid,) = hands.client.run(os.getpid).values()
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(InputError, match=r"workers say nothing for 3 s|lost the same work"):
                run([1, 2], max if shared else abs, hands, shared=lambda _: shared)
        finally:
            os.kill(pid, signal.SIGKILL)


def test_a_frozen_scheduler_is_given_up() -> None:
    with ExitStack() as stack:
        other = subprocess.Popen([sys.executable, "-c", ALL_IN_ONE], stdout=subprocess.PIPE)
        stack.enter_context(other)
        stack.callback(other.kill)
        assert other.stdout is not None
        address = other.stdout.readline().decode().strip()
        hands = stack.enter_context(closing(Cluster(address, timeout=1, patience=2)))

        def freeze(*_: int) -> None:
            other.send_signal(signal.SIGSTOP)

        with pytest.raises(InputError, match=r"is lost|lost the same work"):
            run([0, 3, 3], time.sleep, hands, told=freeze)
