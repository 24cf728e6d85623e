"""How the text of options is read, and which options belong together.

Values are read by functions that name the option, so that whatever is wrong is one line.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import typer
from sharprates.samplers import datasets
from sharprates.samplers.errors import InputError
from sharprates.samplers.rational import read_rational
from sharprates.verification.files import check_writable, manifest, to_json, write_whole
from sharprates.verification.planning.data_law import Tractable, long_target

MOST_JOBS = 1024

# --- values ---------------------------------------------------------------------------------------


def comma_list(text: str, option: str) -> tuple[str, ...]:
    """Values with commas."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise InputError(f"--{option}: needs values with a comma between two, got {text!r}")
    return parts


def sizes(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers ≥ 1, repetitions kept."""
    values = []
    for part in comma_list(text, option):
        # longer ones are beyond all memory, and beyond int64
        if not part.isdecimal() or len(part) > 15 or int(part) < 1:
            raise InputError(f"--{option}: needs whole numbers ≥ 1 with commas, got {part[:40]!r}")
        values.append(int(part))
    return tuple(values)


def distinct_sizes(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers ≥ 1, each once; none of no text."""
    return tuple(dict.fromkeys(sizes(text, option))) if text else ()


def reals(text: str, option: str) -> tuple[float, ...]:
    """Numbers with commas."""
    try:
        return tuple(float(part) for part in comma_list(text, option))
    except ValueError:
        raise InputError(f"--{option}: needs numbers with commas, got {text!r}") from None


def scales(texts: Iterable[str] | None) -> dict[str, Fraction]:
    """Factors on constants, from ``ID.name=number`` each."""
    factors = {}
    for text in texts or ():
        name, _, factor = text.partition("=")
        try:
            factors[name.strip()] = read_rational(factor)
        except ValueError:
            raise InputError(f"--scale: needs ID.name=number, got {text!r}") from None
    return factors


def check_finite(**options: float | None) -> None:
    """Refuse NaN and infinity."""
    for name, value in options.items():
        if value is not None and not math.isfinite(value):
            raise InputError(f"--{name}: must be a finite number, got {value}")


def long_law(text: str, *, probabilities: bool = True) -> str | Tractable | None:
    """What DATA names if that is not listed; a file or a shipped data set always is.

    See `verification.planning.data_law.long_target`.
    """
    listed = text in datasets.BUILTIN or os.path.exists(text)
    return None if listed else long_target(text, probabilities=probabilities)


# --- files ----------------------------------------------------------------------------------------


def check_outputs(
    json: Path | None, plot: Path | None = None, inputs: Iterable[str | Path] = ()
) -> None:
    """Find out before the work that results can be written, and overwrite none of the inputs.

    Raises:
        InputError: naming the option and what is wrong with it.
    """
    if plot is not None and plot.suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"--plot: the name must end in .png, .svg or .pdf, got {plot}")
    taken = {os.path.realpath(path) for path in inputs if os.path.exists(path)}
    for path in (json, plot):
        if path is not None:
            check_writable(path)
            if os.path.realpath(path) in taken:
                raise InputError(f"{path}: is read or written by the same run; name another file")
            taken.add(os.path.realpath(path))


def make_folder(folder: Path) -> None:
    """Make the folder of `--out`, and see that files can be made in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out: {folder} cannot be made: {error.strerror}") from None
    check_writable(folder / "any")


def write_json(path: Path | None, content: dict[str, Any], seed: int | None = None) -> None:
    """Write results with a manifest, if anywhere."""
    if path is not None:
        write_whole(path, to_json({"version": 1, "manifest": manifest(seed), **content}))


# --- modes ----------------------------------------------------------------------------------------


def given(context: typer.Context) -> dict[str, str]:
    """Parameters that the user has set, each by what it is called on the command line."""
    names = {
        one.name: one.opts[0] if one.opts[0].startswith("-") else (one.metavar or one.name).upper()
        for one in context.command.params
    }
    return {
        name: text
        for name, text in names.items()
        if name and (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    }


def only(context: typer.Context, mode: str, *useful: str) -> None:
    """Refuse what a mode has no use for.

    Args:
        context: of the command.
        mode: what a message calls it.
        useful: the parameters that it uses.

    Raises:
        InputError: naming what was given in vain.
    """
    refuse(context, mode, *(name for name in given(context) if name not in useful))


def refuse_empty(context: typer.Context, *names: str) -> None:
    """Refuse these parameters where they were given as nothing."""
    for name in names:
        if name in given(context) and context.params[name] == "":
            raise InputError(f"--{name}: needs at least one value, got ''; or leave it out")


def refuse(context: typer.Context, mode: str, *useless: str) -> None:
    """Refuse these parameters, if they were given."""
    idle = [text for name, text in given(context).items() if name in useless]
    if idle:
        raise InputError(f"{mode}: has no use for {', '.join(idle)}; leave it out")
