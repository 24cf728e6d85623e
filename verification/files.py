"""Files of results: where they come from, and that they are written whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from sharprates.samplers.errors import InputError

PACKAGES = ("sharprates", "torch", "sympy", "python-flint", "numpy", "scipy", "hypothesis")


PREFIX = ".sharprates."
"""Of the names of files that are not whole yet."""


def manifest(seed: int | None = None) -> dict[str, Any]:
    """Where a file of results comes from: version, commit, packages, seed, command."""
    return {
        "version": metadata.version("sharprates"),
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "seed": seed,
        "command": " ".join(["sharprates", *sys.argv[1:]]),
    }


def _commit() -> str | None:
    """The commit of the checkout that this file lies in; None outside of one."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--show-prefix", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    prefix, commit = found.stdout.splitlines()
    # an installed copy may lie in a checkout of something else
    return commit if prefix == f"{folder.name}/" else None


def check_writable(path: Path) -> None:
    """Find out before the work that a file can be written afterwards.

    Raises:
        InputError: naming the path and what is wrong with it.
    """
    try:
        place = Path(os.path.realpath(path))
        folder = place.parent
        if any({"/dev", "/proc"} & set(map(str, one.parents)) for one in (path.absolute(), place)):
            raise InputError(f"{path}: is no place for results; name a file elsewhere")
        if place.is_symlink():  # what it points to was followed
            raise InputError(f"{path}: is a link in a circle; name a file")
        if place.is_dir():
            raise InputError(f"{path}: is a directory; name a file")
        if place.exists() and not place.is_file():  # a rename would replace a device or a pipe
            raise InputError(f"{path}: is not a regular file; name another")
        if not folder.is_dir():
            raise InputError(f"{path}: the folder {folder} does not exist; create it first")
        if place.exists() and not os.access(place, os.W_OK):
            raise InputError(f"{path}: may not be written; choose another place")
        handle, name = tempfile.mkstemp(dir=folder, prefix=PREFIX)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise InputError(f"{path}: may not be written ({error.strerror}); choose another") from None


def write_whole(path: Path, data: str | bytes, parents: bool = False) -> None:
    """Write a file whole or not at all: to a neighbour first, then renamed.

    What a link points to is written, not the link. A file that there was keeps its permissions.

    Args:
        path: the file.
        data: its content.
        parents: whether to make its folder.

    Raises:
        InputError: if the disk is full, or the folder cannot be made or written.
    """
    if parents:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path.parent}: cannot be made: {error.strerror}") from None
    # names of files may be no text in any encoding; in JSON this is what stands for such bytes
    content = data.encode(errors="backslashreplace") if isinstance(data, str) else data
    try:
        place = os.path.realpath(path)
        handle, name = tempfile.mkstemp(dir=os.path.dirname(place), prefix=PREFIX)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes files private; a result is as public as any new file
            there = os.path.exists(place)
            os.chmod(name, os.stat(place).st_mode & 0o777 if there else 0o666 & ~_umask())
            os.replace(name, place)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def to_json(content: Mapping[str, Any]) -> str:
    """JSON text: rationals as strings, no NaN or infinity."""
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
