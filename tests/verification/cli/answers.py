"""Runs commands until their first answer, each forked from one process that has loaded all.

Takes command lines; prints for each the seconds of CPU, and the first words.
"""

import importlib
import json
import os
import select
import shlex
import signal
import sys

import torch
from sharprates.verification import cli
from sharprates.verification.cli import terminal

PATIENCE = 60.0
"""Seconds on the clock after which a command counts as silent, also where cores are shared."""


def first_answer(line: str) -> tuple[float, str]:
    """What a command says first, be it a result, progress or a refusal, and its CPU until then."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        for stream in (1, 2):
            os.dup2(theirs, stream)
        sys.argv = ["sharprates", *shlex.split(line)]
        cli.main()
    os.close(theirs)
    ready, _, _ = select.select([ours], [], [], PATIENCE)
    said = os.read(ours, 4096).decode(errors="replace") if ready else ""
    os.kill(child, signal.SIGKILL)
    _, _, used = os.wait4(child, 0)
    os.close(ours)
    return used.ru_utime + used.ru_stime, said


if __name__ == "__main__":
    for name in cli.COMMANDS:
        importlib.import_module(f"sharprates.verification.cli.{name}")
    torch.set_num_threads(1)
    terminal.SILENCE = 0.0  # the first line comes after a second, not four
    print(json.dumps([first_answer(line) for line in sys.argv[1:]]))
