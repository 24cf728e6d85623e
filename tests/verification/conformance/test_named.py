"""The command `sharprates check`, also on samplers that end or hang their process."""

import json
import sys
import time
from pathlib import Path

import pytest
from sharprates.verification import cli
from sharprates.verification.conformance import named
from sharprates.verification.conformance.foreign import in_child

PROBE = """
import os, pathlib, signal, subprocess, time, torch
from sharprates.verification.conformance.defects import DEFECTS, RIGHT
right, wrong = RIGHT[0], DEFECTS[0].sampler
class Probe:
    declaration = right.declaration
    def __init__(self, act):
        self.sample = lambda denoiser, n, generator: act()
def starts_another():
    started = subprocess.Popen(["sleep", "600"])
    pathlib.Path("started").write_text(str(started.pid))
def hangs():
    starts_another()
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
def forks():
    if os.fork() == 0:
        pathlib.Path("started").write_text(str(os.getpid()))
        time.sleep(600)
    while not pathlib.Path("started").exists():
        pass
    os._exit(9)
dies, hangs = Probe(forks), Probe(hangs)
killed = Probe(lambda: os.kill(os.getpid(), signal.SIGTERM))
def interrupt():
    raise KeyboardInterrupt
interrupts = Probe(interrupt)
"""


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("wrong", 1, "likely cause: fits the hazard of euler"),
        ("dies", 1, "ends the process (exit code 9)"),
        ("killed", 1, "ends the process (exit code -15)"),
        ("interrupts", 1, "raises KeyboardInterrupt"),
        ("hangs", 3, "it is slow, or hangs (--limit)"),
    ],
)
def test_the_command(name, code, words, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "probe_samplers.py").write_text(PROBE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "out.json"
    arguments = (
        "check",
        f"probe_samplers:{name}",
        "--samples",
        "2000",
        "--limit",
        "15",
        "--json",
        str(out),
    )
    monkeypatch.setattr(sys, "argv", ["sharprates", *arguments])
    if name == "hangs":
        monkeypatch.setattr(named, "in_child", lambda *one: in_child(*one[:2], 5.0))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = "".join(capsys.readouterr())
    assert ended.value.code == code
    assert words in " ".join(printed.split())
    assert json.loads(out.read_text())["outcome"] == ("undecided" if code == 3 else "fails")
    if (tmp_path / "started").exists():
        assert gone(int((tmp_path / "started").read_text()))


def gone(pid: int) -> bool:
    """True once a process that was killed is no more, or waits only to be reaped."""
    for _ in range(100):
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
