"""Sweeps: the same results whoever works on them, and nothing lost whatever stops them."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.samplers.clock import clock
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, dirichlet, pairs
from sharprates.samplers.perturbed import Drifting, Leaking, TopK, Uniform
from sharprates.verification import audit as audits
from sharprates.verification import cli, report, sweep
from sharprates.verification.audit import Call, Finished, Plan, Serial, audit
from sharprates.verification.empirical import Sampling

PLAN = Plan(
    steps=(2, 5), clocks=("constant", "linear"), blocks=(2,), sampling=Sampling(400, seed=3)
)
TARGETS = [copies(3, 2), dirichlet(2, 3, 0.5, seed=1), pairs(2, 3)]
ROWS = 14


def found(audited):  # type: ignore[no-untyped-def]
    return report.audit_json(audited)["targets"]


@pytest.fixture(scope="module")
def serial():  # type: ignore[no-untyped-def]
    return found(audit(TARGETS, PLAN))


class Recorded(Serial):
    """Keeps the keys of the pieces that it worked on."""

    def __init__(self) -> None:
        object.__setattr__(self, "keys", [])
        super().__init__()

    def run(self, calls):  # type: ignore[no-untyped-def]
        self.keys.extend(call.arguments[0].key for call in calls if call.arguments)
        return super().run(calls)


class Backwards(Serial):
    """Works on the last call first."""

    def run(self, calls):  # type: ignore[no-untyped-def]
        for place, call in reversed(list(enumerate(calls))):
            yield place, call.function(call.shared, *call.arguments)


def opened(folder: Path, plan: Plan = PLAN, resume: bool = True, targets=TARGETS, **more):  # type: ignore[no-untyped-def]
    about = sweep.identity(plan, targets, [ExactDenoiser(one) for one in targets], **more)
    return sweep.journal(folder, about, resume, ROWS * len(targets))


# --- the same results -----------------------------------------------------------------------------


def test_the_order_of_work_does_not_matter(serial) -> None:  # type: ignore[no-untyped-def]
    assert found(audit(TARGETS, PLAN, workers=Backwards())) == serial
    assert found(audit(TARGETS, PLAN, workers=Backwards(count=2))) == serial


def test_seeds_by_order_of_work_would_be_noticed(serial, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """The mutant gives the next seed to whatever comes next."""
    right, seeds = audits.carry_out, iter(range(3, 1000, 3))
    monkeypatch.setattr(
        audits, "carry_out", lambda shared, task: right(shared, replace(task, seed=next(seeds)))
    )
    assert found(audit(TARGETS, PLAN)) != serial


def test_levels_spend_the_budget_once() -> None:
    tasks = audits.tasks(PLAN, [True] * 3)
    levels = [level for of_target in tasks for task in of_target for level in task.levels]
    assert len(levels) == ROWS * 3
    assert sum(levels) <= float(PLAN.sampling.budget) * (1 + 1e-12)
    seeds = [task.seed + k for some in tasks for task in some for k in range(task.piece.rows)]
    assert seeds == list(range(3, 3 + ROWS * 3))


def test_processes_give_the_same_to_the_last_bit(serial) -> None:  # type: ignore[no-untyped-def]
    two = sweep.Processes(2)
    assert found(audit(TARGETS, PLAN, workers=two)) == serial
    threads = "__import__('torch').get_num_threads(), __import__('os').environ['OMP_NUM_THREADS']"
    assert dict(two.run([Call(eval, threads, ())] * 3)) == dict.fromkeys(range(3), (1, "1"))


def test_imperfect_denoisers_travel() -> None:
    for defect in (
        lambda target: Leaking(ExactDenoiser(target), 0.1),
        lambda target: Drifting(ExactDenoiser(target), Uniform(target.vocabulary), 0.3),
    ):
        plan = replace(PLAN, steps=(2,))
        here = audit(TARGETS[:1], plan, defect)
        assert here[0].crossovers
        assert found(audit(TARGETS[:1], plan, defect, workers=sweep.Processes(2))) == found(here)


def test_a_killed_process_is_one_line() -> None:
    suicide = Call(eval, "__import__('os').kill(__import__('os').getpid(), 9)", ())
    with pytest.raises(InputError, match="worker process was killed"):
        list(sweep.Processes(2).run([suicide]))


def test_what_cannot_be_sent_is_one_line() -> None:
    with pytest.raises(InputError, match="cannot be sent"):
        list(sweep.Processes(2).run([Call(eval, threading.Lock(), ())]))


# --- values on disk -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "denoiser"),
    [
        (PLAN, ExactDenoiser),
        (replace(PLAN, arithmetic="rational", steps=(3,)), ExactDenoiser),
        (replace(PLAN, arithmetic="ball", confidence=(1,)), ExactDenoiser),
        (PLAN, lambda target: TopK(ExactDenoiser(target), 1)),  # losses are infinite
        (
            replace(PLAN, steps=(2,), clocks=("linear",)),
            lambda target: Drifting(ExactDenoiser(target), Uniform(2), 0.1),
        ),
    ],
)
def test_values_return_from_json_as_they_were(plan: Plan, denoiser) -> None:  # type: ignore[no-untyped-def]
    class Keeping(audits.Forgetful):
        def put(self, key: str, found: Finished) -> None:  # noqa: ARG002 - the protocol's
            text = json.dumps(sweep.VALUES.unstructure(found), allow_nan=False)
            assert sweep.VALUES.structure(json.loads(text), Finished) == found

    audit([copies(3, 2)], plan, denoiser, store=Keeping())


# --- what stops a sweep ---------------------------------------------------------------------------


def test_a_cut_line_is_done_again_and_no_other(tmp_path: Path, serial) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / sweep.JOURNAL
    with opened(tmp_path) as kept:
        audit(TARGETS, PLAN, store=kept)
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in (1, 2, len(last) // 2, len(last) - 1):
        path.write_bytes(whole[:-cut])
        hands = Recorded()
        with opened(tmp_path) as kept:
            assert found(audit(TARGETS, PLAN, workers=hands, store=kept)) == serial
        assert hands.keys == [json.loads(last)["key"]]
        assert path.read_bytes() == whole
    with opened(tmp_path) as kept:
        hands = Recorded()
        assert found(audit(TARGETS, PLAN, workers=hands, store=kept)) == serial
        assert kept.rows == ROWS * 3
        assert hands.keys == []


def test_a_changed_line_is_not_trusted(tmp_path: Path, serial) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / sweep.JOURNAL
    with opened(tmp_path) as kept:
        audit(TARGETS, PLAN, store=kept)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"euler"', b'"Euler"', 1)
    path.write_bytes(b"".join(lines))
    hands = Recorded()
    with opened(tmp_path) as kept:
        assert found(audit(TARGETS, PLAN, workers=hands, store=kept)) == serial
    assert hands.keys == [json.loads(line)["key"] for line in lines[5:]]


def test_another_sweep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as kept:
        audit(TARGETS, PLAN, store=kept)
    before = (tmp_path / sweep.JOURNAL).read_bytes()
    own = replace(clock("linear"), masked=lambda t: t**2)
    sampled = replace(PLAN, sampling=Sampling(400, seed=4))
    for options, words in [
        ({"plan": replace(PLAN, claims=("E1",))}, "differs in options"),
        ({"plan": replace(PLAN, clocks=("constant", own))}, "differs in schedules"),
        ({"plan": sampled}, "differs in options"),
        ({"targets": [copies(3, 2), *TARGETS[:2]]}, "differs in data"),
        ({"named": ("trained", 100)}, "differs in denoiser"),
        ({"resume": False}, "add --resume"),
    ]:
        with pytest.raises(InputError, match=words), opened(tmp_path, **options):
            pass
    perturbed = [Leaking(ExactDenoiser(one), 0.1) for one in TARGETS]
    about = sweep.identity(PLAN, TARGETS, perturbed)
    with pytest.raises(InputError, match="differs in denoiser"):
        sweep.Journal(tmp_path, about, True)
    with opened(tmp_path), pytest.raises(InputError, match="in use"), opened(tmp_path):
        pass
    monkeypatch.setattr(report, "_commit", lambda: "another")
    with pytest.raises(InputError, match="differs in version"), opened(tmp_path):
        pass
    assert (tmp_path / sweep.JOURNAL).read_bytes() == before


def test_how_much_a_denoiser_errs_makes_another_sweep() -> None:
    target = TARGETS[0]
    one, other = (
        sweep.identity(PLAN, [target], [Leaking(ExactDenoiser(target), rate)])
        for rate in (0.1, 0.2)
    )
    assert {name for name in one if one[name] != other[name]} == {"denoiser"}


@pytest.mark.parametrize("content", ["", "\n", "{}\n", "rows,of\na,table\n", '{"sweep": 1}\n'])
def test_what_is_no_journal_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / sweep.JOURNAL
    path.write_text(content)
    with pytest.raises(InputError, match="no journal"), opened(tmp_path):
        pass
    assert path.read_text() == content


def test_a_full_disk_keeps_whole_lines(
    tmp_path: Path,
    serial,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Some bytes of a line still fit."""
    right, room = os.write, 30_000

    def write(handle: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        some = data[:room]
        room -= len(some)
        return right(handle, some)

    monkeypatch.setattr(os, "write", write)
    with (
        pytest.raises(InputError, match=r"No space left .*; \d+ of 42 rows are kept .*--resume"),
        opened(tmp_path) as kept,
    ):
        audit(TARGETS, PLAN, store=kept)
    monkeypatch.undo()
    lines = (tmp_path / sweep.JOURNAL).read_bytes()
    assert lines.endswith(b"}\n")
    hands = Recorded()
    with opened(tmp_path) as kept:
        assert 0 < kept.rows < ROWS * 3
        assert found(audit(TARGETS, PLAN, workers=hands, store=kept)) == serial
    assert (tmp_path / sweep.JOURNAL).read_bytes().startswith(lines)
    assert not hands.keys or set(hands.keys).isdisjoint(
        json.loads(line).get("key") for line in lines.splitlines()
    )


def test_a_file_that_may_not_grow_is_told_as_one(tmp_path: Path) -> None:
    """The system's own limit: what fits is written, then nothing."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(InputError, match="cannot be written: File too large"):  # noqa: SIM117, PT012 - the limit ends inside
        with opened(tmp_path) as kept:
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limits[1]))
                audit(TARGETS, PLAN, store=kept)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert kept.rows > 0
    assert (tmp_path / sweep.JOURNAL).stat().st_size == kept.end < 30_000
    assert (tmp_path / sweep.JOURNAL).read_bytes().endswith(b"}\n")


def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    def impatient(text: str) -> None:
        if text.endswith("ancestral 5"):
            raise KeyboardInterrupt

    with pytest.raises(InputError, match=r"^stopped; 6 of 42 rows are kept"):  # noqa: SIM117 - opening is not what may raise
        with opened(tmp_path) as kept:
            audit(TARGETS, PLAN, progress=impatient, store=kept)


def test_kill_9_loses_nothing(tmp_path: Path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    out, written = tmp_path / "out", tmp_path / "a.json"
    arguments = ["audit", "copies:3:2", "--samples", "3000", "--out", str(out)]
    arguments += ["--steps", ",".join(map(str, range(1, 13))), "--json", str(written)]
    code = "from sharprates.verification.cli import main; main()"
    running = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    path = out / sweep.JOURNAL
    while not path.exists() or path.read_bytes().count(b"\n") < 4:
        assert running.poll() is None
        time.sleep(0.005)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    before = path.read_bytes()
    monkeypatch.setattr(sys, "argv", ["sharprates", *arguments, "--resume"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert "of 73 rows are done" in capsys.readouterr().err
    after = path.read_bytes()
    whole = before[: before.rfind(b"\n") + 1]
    assert after.startswith(whole)
    assert whole.count(b"\n") < after.count(b"\n")
    keys = [json.loads(line)["key"] for line in after.splitlines()[1:]]
    assert len(keys) == len(set(keys)) == 26
    plan = Plan(steps=tuple(range(1, 13)), sampling=Sampling(3000, budget=Fraction(1e-6)))
    assert json.loads(written.read_text())["targets"] == found(audit([copies(3, 2)], plan))


# --- a Dask cluster -------------------------------------------------------------------------------


class Telling(audits.Forgetful):
    """Calls a function when so many pieces are done; counts what comes."""

    def __init__(self, events) -> None:  # type: ignore[no-untyped-def]
        self.events, self.keys = events, []

    def put(self, key: str, found: Finished) -> None:  # noqa: ARG002 - the protocol's
        self.keys.append(key)
        self.events.get(len(self.keys), lambda: None)()


def test_a_cluster_gives_the_same_and_survives_its_workers(serial) -> None:  # type: ignore[no-untyped-def]
    """One worker is killed, then all: with them goes what they were sent."""
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
        closing(sweep.Cluster(local.scheduler_address)) as hands,
    ):
        assert hands.count == 2

        def kill(many: int) -> None:
            for pid in list(hands.client.run(os.getpid).values())[:many]:
                os.kill(pid, signal.SIGKILL)

        store = Telling({2: lambda: kill(1), 10: lambda: kill(2)})
        assert found(audit(TARGETS, PLAN, workers=hands, store=store)) == serial
    assert len(store.keys) == len(set(store.keys)) == 3 * 7


ALL_IN_ONE = """
import time
from distributed import LocalCluster
threads = {"processes": False, "threads_per_worker": 2, "protocol": "tcp"}
with LocalCluster(n_workers=1, dashboard_address=None, **threads) as cluster:
    print(cluster.scheduler_address, flush=True)
    time.sleep(600)
"""


def test_a_vanished_cluster_is_one_line(tmp_path: Path, serial) -> None:  # type: ignore[no-untyped-def]
    """Scheduler and workers are gone at once; two threads of one worker gave the same before."""

    class Kept(Telling):
        def put(self, key: str, found: Finished) -> None:
            kept.put(key, found)
            super().put(key, found)

    with ExitStack() as stack:
        other = subprocess.Popen([sys.executable, "-c", ALL_IN_ONE], stdout=subprocess.PIPE)
        stack.enter_context(other)
        stack.callback(other.kill)  # runs before the wait for its end
        assert other.stdout is not None
        address = other.stdout.readline().decode().strip()
        with (
            closing(sweep.Cluster(address, timeout=1)) as hands,
            pytest.raises(InputError, match=r"connection to .* is lost; \d+ of 42 rows are kept"),
            opened(tmp_path) as kept,
        ):
            audit(TARGETS, PLAN, workers=hands, store=Kept({12: other.kill}))
    with opened(tmp_path) as kept:
        assert kept.rows > 0
        assert found(audit(TARGETS, PLAN, store=kept)) == serial


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
        sweep.Cluster(address, timeout=0.3)


def test_workers_of_another_version_are_refused() -> None:
    with pytest.raises(InputError, match="install the same versions"):
        sweep._check_versions("0.0.0 0.0.0")
