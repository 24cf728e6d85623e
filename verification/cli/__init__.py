"""The command line, one file a command: `sharprates audit`, `plan`, `certify`, `verify` and so on.

Exit codes: 0 all hold; 1 a claim or sampler fails; 2 bad usage or input; 3 undecided; 70 a bug of
this program; 74 the output cannot be written; 128 + n ended by signal n, also by a closed pipe.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "audit": "Exact TV of the samplers on data, beside the bounds.",
    "plan": "Steps for a total variation: by every bound, by exact TV on data, or a loss curve.",
    "certify": "What held-out data and predictions alone say of a policy's total variation.",
    "verify": "Check every claim on generated instances: status, sharpness, power.",
    "check": "Is this sampler's law what it says it is?",
    "claims": "List the claims, or show one whole.",
}
"""Name → what ``sharprates --help`` says of it."""


class Commands(TyperGroup):
    """A command's module is imported when it is run, not for the list of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's
        """The names, the main job first."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's
        """A command that has only a name and a help text."""
        if cmd_name not in COMMANDS:
            return None
        return typer.core.TyperCommand(cmd_name, help=COMMANDS[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is run."""
        if args and args[0] in COMMANDS:
            return args[0], load_command(args[0]), args[1:]
        if args and not args[0].startswith("-"):
            from sharprates.samplers.errors import check_known

            check_known("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)


def load_command(name: str) -> Any:
    """A command with all that it does.

    Args:
        name: one of `COMMANDS`.
    """
    began = time.monotonic()
    module = importlib.import_module(f"{__name__}.{name}")
    command = getattr(module, f"{name}_command")
    from sharprates.verification.cli.terminal import heartbeat

    @wraps(command)
    def never_silent(*arguments: Any, **options: Any) -> Any:
        with heartbeat(began):
            return command(*arguments, **options)

    alone = typer.Typer(add_completion=False)
    alone.command(name)(never_silent)
    return typer.main.get_command(alone)


app = typer.Typer(
    cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
)


@app.callback()
def sharprates() -> None:
    """Verify total-variation guarantees of masked diffusion samplers."""


def main() -> None:
    """Entry point: whatever goes wrong is one clear line and an exit code, never a traceback."""
    with _signals():
        code = _run()
        with suppress(OSError):
            sys.stderr.flush()
    sys.exit(code)


def _run() -> int:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed by who called
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - it stays open
        elif isinstance(stream, io.TextIOWrapper):  # names of files may be in any encoding
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except Exception as error:
        return _explain(error)
    return int(code or 0)


def _explain(error: Exception) -> int:
    from sharprates.samplers.errors import InputError
    from sharprates.theory.errors import TheoryError
    from sharprates.verification.cli.terminal import note

    if isinstance(error, InputError | TheoryError):
        note(f"sharprates: {error}")
        return 2
    if hasattr(error, "format_message"):  # wrong usage, as typer says it
        note(f"sharprates: {error.format_message()}")
        return 2
    if isinstance(error, BrokenPipeError):
        _give_up_output()
        return 128 + signal.SIGPIPE
    if _out_of_memory(error):
        note("sharprates: memory has run out; use a smaller target, fewer steps or fewer --jobs")
        return 2
    *_, last = traceback.extract_tb(error.__traceback__)
    if isinstance(error, OSError) and error.filename is None and "console" in last.filename:
        _give_up_output()
        note(f"sharprates: standard output cannot be written: {error.strerror}")
        return 74
    text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    place = f"{Path(last.filename).name}:{last.lineno}"
    note(f"sharprates: a bug in sharprates, please report it: {text} ({place})")
    return 70


def _out_of_memory(error: Exception) -> bool:
    """Whether memory was taken that was not there: torch has no error of its own for that."""
    words = ("allocate memory", "out of memory", "not enough memory")
    torchs = isinstance(error, RuntimeError) and any(one in str(error) for one in words)
    return torchs or isinstance(error, MemoryError)


def _give_up_output() -> None:
    """Python would try once more when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _signals() -> Iterator[None]:
    """An end by a signal is an exit, so that processes, files and clusters are left in order."""

    def leave(number: int, _: Any) -> None:
        sys.exit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, leave) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
