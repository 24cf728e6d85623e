"""Journals: nothing is lost whatever stops a run, and no other run is continued."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from pathlib import Path

import pytest
from sharprates.samplers.clock import clock
from sharprates.samplers.denoiser import ExactDenoiser
from sharprates.samplers.errors import InputError
from sharprates.samplers.families import copies, dirichlet, pairs
from sharprates.samplers.first_hitting import FirstHittingSampler
from sharprates.verification import cli, digests, files
from sharprates.verification.audit import Finished, audit
from sharprates.verification.audit_plan import Plan
from sharprates.verification.empirical import Sampling
from sharprates.verification.jobs import Here
from sharprates.verification.journal import Journal, identity
from sharprates.verification.reports.audit import audit_json

from tests.samplers.perturbed import Drifting, Leaking, TopK, Uniform

NAME = "rows.jsonl"
PIECES = 21
PLAN = Plan(
    steps=(2, 5), clocks=("constant", "linear"), blocks=((2,),), sampling=Sampling(400, seed=3)
)
TARGETS = [copies(3, 2), dirichlet(2, 3, 0.5, seed=1), pairs(2, 3)]


def found(audited):
    return audit_json(audited)["targets"]


@pytest.fixture(scope="module")
def serial():
    return found(audit(TARGETS, PLAN))


@dataclass(frozen=True)
class Recorded(Here):
    """Keeps the keys of the pieces that it worked on."""

    keys: list[str] = field(default_factory=list)

    def carry_out(self, calls):
        self.keys.extend(call.task.key for call in calls if hasattr(call.task, "key"))
        return super().carry_out(calls)


def opened(
    folder: Path, plan: Plan = PLAN, resume: bool = True, targets=TARGETS, denoiser: str = "exact"
):
    about = identity({"plan": plan, "denoiser": denoiser}, digests.of_data(plan, targets))
    return Journal[Finished](folder / NAME, about, Finished, resume=resume)


# --- values on disk -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "denoiser"),
    [
        (PLAN, ExactDenoiser),
        (replace(PLAN, arithmetic="rational", steps=(3,)), ExactDenoiser),
        (replace(PLAN, arithmetic="ball", policies=("confidence:1",)), ExactDenoiser),
        (PLAN, lambda target: TopK(ExactDenoiser(target), 1)),  # losses are infinite
        (
            replace(PLAN, steps=(2,), clocks=("linear",)),
            lambda target: Drifting(ExactDenoiser(target), Uniform(2), 0.1),
        ),
    ],
)
def test_values_return_from_the_disk_as_they_were(tmp_path: Path, plan: Plan, denoiser) -> None:
    with opened(tmp_path) as kept:
        audit([copies(3, 2)], plan, denoiser, journal=kept)
    with opened(tmp_path) as again:
        assert again.values == kept.values != {}


# --- what stops a sweep ---------------------------------------------------------------------------


def test_a_cut_line_is_done_again_and_no_other(tmp_path: Path, serial) -> None:
    path = tmp_path / NAME
    with opened(tmp_path) as kept:
        audit(TARGETS, PLAN, journal=kept)
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in (1, 2, len(last) // 2, len(last) - 1):
        path.write_bytes(whole[:-cut])
        hands = Recorded()
        with opened(tmp_path) as kept:
            assert found(audit(TARGETS, PLAN, workers=hands, journal=kept)) == serial
        assert hands.keys == [json.loads(last)["key"]]
        assert path.read_bytes() == whole
    with opened(tmp_path) as kept:
        hands = Recorded()
        assert found(audit(TARGETS, PLAN, workers=hands, journal=kept)) == serial
        assert len(kept.values) == PIECES
        assert hands.keys == []


def test_a_changed_line_is_not_trusted(tmp_path: Path, serial) -> None:
    path = tmp_path / NAME
    with opened(tmp_path) as kept:
        audit(TARGETS, PLAN, journal=kept)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"euler"', b'"Euler"', 1)
    path.write_bytes(b"".join(lines))
    hands = Recorded()
    with opened(tmp_path) as kept:
        assert found(audit(TARGETS, PLAN, workers=hands, journal=kept)) == serial
    assert hands.keys == [json.loads(line)["key"] for line in lines[5:]]


def test_another_sweep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as kept:
        audit(TARGETS, PLAN, journal=kept)
    before = (tmp_path / NAME).read_bytes()
    own = replace(clock("linear"), masked=lambda t: t**2)
    sampled = replace(PLAN, sampling=Sampling(400, seed=4))
    for options, words in [
        ({"plan": replace(PLAN, claims=("E1",))}, "differs in claims"),
        ({"plan": replace(PLAN, clocks=("constant", own))}, "differs in clocks, schedules"),
        ({"plan": sampled}, "differs in sampling"),
        ({"targets": [copies(3, 2), *TARGETS[:2]]}, "differs in data, targets"),
        ({"denoiser": "trained"}, "differs in denoiser"),
        ({"resume": False}, "add --resume"),
    ]:
        with pytest.raises(InputError, match=words), opened(tmp_path, **options):
            pass
    with opened(tmp_path), pytest.raises(InputError, match="in use"), opened(tmp_path):
        pass
    monkeypatch.setattr(files, "_commit", lambda: "another")
    with pytest.raises(InputError, match="differs in commit"), opened(tmp_path):
        pass
    assert (tmp_path / NAME).read_bytes() == before


def test_how_much_a_denoiser_errs_makes_another_run(tmp_path: Path) -> None:
    exact = ExactDenoiser(TARGETS[0])
    one, other = ([Leaking(exact, rate)] for rate in (0.1, 0.2))
    with opened(tmp_path) as kept:
        kept.check("answers", digests.of_denoisers(one, TARGETS[:1]))
    with opened(tmp_path) as kept:
        kept.check("answers", digests.of_denoisers(one, TARGETS[:1]))
        with pytest.raises(InputError, match="differs in answers"):
            kept.check("answers", digests.of_denoisers(other, TARGETS[:1]))


def test_every_option_counts() -> None:
    """A field that is added is added here, and compared without further ado."""
    changes = {
        "steps": (2,),
        "clocks": ("linear",),
        "grids": ("alpha",),
        "rules": ("euler",),
        "horizon": 3.0,
        "delta": 0.25,
        "last_step": "fill",
        "claims": ("E1",),
        "blocks": (),
        "policies": ("confidence:1",),
        "remasking": ("0.1",),
        "speculation": ("threshold:0.5",),
        "rounds": 2,
        "ties": "seed",
        "cache": 2,
        "temperature": 0.5,
        "top_p": 0.9,
        "others": (FirstHittingSampler,),
        "arithmetic": "ball",
        "scale": {"E3.constant": Fraction(1, 2)},
        "times": (1.0, 0.0),
        "sampling": Sampling(400, seed=4),
    }
    assert set(changes) == {one.name for one in fields(Plan)}
    same = identity({"plan": PLAN}, {})
    assert identity({"plan": replace(PLAN)}, {}) == same
    for name, value in changes.items():
        other = identity({"plan": replace(PLAN, **{name: value})}, {})
        assert {key for key in same if same[key] != other[key]} == {name}


@pytest.mark.parametrize(
    "content", ["\n", "{}\n", "rows,of\na,table\n", '{"about": 1}\n', "[" * 200_000]
)
def test_what_is_no_journal_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / NAME
    path.write_text(content)
    with pytest.raises(InputError, match="no journal"), opened(tmp_path):
        pass
    assert path.read_text() == content


@pytest.mark.parametrize("resume", [False, True])
def test_a_pipe_is_no_journal(tmp_path: Path, resume: bool) -> None:
    """Whoever read it would wait for ever."""
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(InputError, match="not a regular file"), opened(tmp_path, resume=resume):
        pass
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).symlink_to("/dev/zero")
    with pytest.raises(InputError, match="not a regular file"), opened(tmp_path, resume=resume):
        pass


def test_a_full_disk_keeps_whole_lines(
    tmp_path: Path,
    serial,
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
        pytest.raises(
            InputError, match=r"No space left .*; \d+ finished pieces of work .*--resume"
        ),
        opened(tmp_path) as kept,
    ):
        audit(TARGETS, PLAN, journal=kept)
    monkeypatch.undo()
    lines = (tmp_path / NAME).read_bytes()
    assert lines.endswith(b"}\n")
    hands = Recorded()
    with opened(tmp_path) as kept:
        assert 0 < len(kept.values) < PIECES
        assert found(audit(TARGETS, PLAN, workers=hands, journal=kept)) == serial
    assert (tmp_path / NAME).read_bytes().startswith(lines)
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
                audit(TARGETS, PLAN, journal=kept)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert kept.values
    assert (tmp_path / NAME).stat().st_size == kept.end < 30_000
    assert (tmp_path / NAME).read_bytes().endswith(b"}\n")


def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    def impatient(text: str) -> None:
        if text.endswith("ancestral 5"):
            raise KeyboardInterrupt

    with pytest.raises(InputError, match=r"^stopped; 3 finished pieces of work in"):  # noqa: SIM117 - opening is not what may raise
        with opened(tmp_path) as kept:
            audit(TARGETS, PLAN, progress=impatient, journal=kept)


def test_kill_9_loses_nothing(tmp_path: Path, monkeypatch, capsys) -> None:
    out, written = tmp_path / "out", tmp_path / "a.json"
    arguments = ["audit", "copies:3:2", "--samples", "3000", "--out", str(out)]
    arguments += ["--steps", ",".join(map(str, range(1, 13))), "--json", str(written)]
    code = "from sharprates.verification.cli import main; main()"
    running = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    path = out / NAME
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
    keys = [json.loads(line)["key"] for line in after.splitlines()[2:]]
    assert len(keys) == len(set(keys)) == 26
    plan = Plan(steps=tuple(range(1, 13)), sampling=Sampling(3000, budget=Fraction(1e-6)))
    assert json.loads(written.read_text())["targets"] == found(audit([copies(3, 2)], plan))


# --- one run at a time ----------------------------------------------------------------------------


def test_of_runs_that_begin_at_once_one_has_the_journal(tmp_path: Path) -> None:
    """Of a new folder, too; nobody's file is replaced under his hands."""
    for place in range(30):
        path = tmp_path / str(place) / NAME
        refused: list[InputError] = []
        opened_ones: list[Journal[int]] = []
        start = threading.Barrier(4)

        def begin(path: Path = path, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                opened_ones.append(Journal(path, {}, int))  # noqa: B023 - joined below
            except InputError as error:
                refused.append(error)  # noqa: B023 - joined below

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (kept,) = opened_ones
        assert all("in use" in str(error) for error in refused)
        assert len(refused) == 3
        assert os.fstat(kept.file.fileno()).st_ino == path.stat().st_ino
        kept.close()


def test_other_options_or_a_fresh_start_do_all_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / NAME
    with Journal[int](path, {"a": 1}, int) as kept:
        kept.put("x", 3)
    with Journal[int](path, {"a": 1}, int, resume=True, replace=True) as kept:
        assert kept.values == {"x": 3}
    with pytest.raises(InputError, match="differs in a"):
        Journal[int](path, {"a": 2}, int, resume=True)
    with Journal[int](path, {"a": 2}, int, replace=True) as kept:
        assert kept.values == {}
    with Journal[int](path, {"a": 2}, int, resume=True) as kept:
        assert kept.values == {}


def test_lines_that_say_something_else_are_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / NAME
    for content in ({}, {"key": "y"}, {"key": "y", "value": {"no": "number"}}, {"about": 3}):
        path.unlink(missing_ok=True)
        with Journal[int](path, {}, int) as kept:
            kept.put("x", 3)
            kept._append(content)
            kept.put("z", 4)
        with Journal[int](path, {}, int, resume=True) as kept:
            assert kept.values == {"x": 3}
