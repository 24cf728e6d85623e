"""Memory is what the smallest of all limits leaves: the machine's, a container's, a process's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sharprates.samplers.errors import (
    MemoryLimit,
    TooLargeError,
    available_bytes,
    check_memory,
    memory_limits,
)

MIB = 2**20


def system(root: Path, group: str, **files: str) -> Path:
    """A file system with one control group; the arguments name its files."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(group)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("_", ".", 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V1 = "9:name=systemd:/\n4:cpu,memory:/pod/one\n"
STAT = f"inactive_file {MIB}\ntotal_inactive_file {30 * MIB}\nhierarchical\n"


@pytest.mark.parametrize(
    ("group", "files"),
    [
        (V1, {"memory__pod__one__memory_": ("limit_in_bytes", "usage_in_bytes")}),
        (V1, {"memory__memory_": ("limit_in_bytes", "usage_in_bytes")}),  # seen from inside
        ("0::/pod/one\n", {"pod__one__memory_": ("max", "current")}),
        ("0::/pod/one\n", {"pod__memory_": ("max", "current")}),
        ("0::/\n", {"memory_": ("max", "current")}),
    ],
)
def test_limits_of_containers_count(tmp_path: Path, group: str, files: dict) -> None:
    ((place, (limit, usage)),) = files.items()
    content = {limit: f"{100 * MIB}\n", usage: f"{50 * MIB}\n", "stat": STAT}
    root = system(tmp_path, group, **{place + name: text for name, text in content.items()})
    (found,) = memory_limits(root)
    assert found.left() == 80 * MIB


@pytest.mark.parametrize("text", ["max\n", "9223372036854771712\n", "nonsense"])
def test_no_limit_is_none(tmp_path: Path, text: str) -> None:
    assert memory_limits(system(tmp_path, "0::/\n", memory_max=text)) == ()
    assert memory_limits(tmp_path / "elsewhere") == ()


def test_a_limit_is_an_error_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = system(tmp_path, "0::/\n", memory_current=f"{90 * MIB}", memory_stat=STAT)
    limit = MemoryLimit(100 * MIB, root / "sys/fs/cgroup/memory.current")
    monkeypatch.setattr("sharprates.samplers.errors.memory_limits", lambda: (limit,))
    assert available_bytes() == 40 * MIB
    with pytest.raises(TooLargeError, match=r"0.0391 GiB are free: take less"):
        check_memory(33 * MIB, "it", "take less")


def test_the_address_space_of_a_process_counts() -> None:
    code = "from sharprates.samplers.errors import available_bytes; print(available_bytes())"
    line = f"ulimit -v 500000; {sys.executable} -c '{code}'"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))}
    done = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, check=True
    )
    assert 0 < int(done.stdout) < 500_000 * 1024
