"""A user's own object, named on the command line as MODULE:OBJECT."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from sharprates.samplers.errors import InputError


def load_object(text: str, option: str) -> Any:
    """Import an object; modules in the current folder are found, as with ``python -m``.

    Args:
        text: ``MODULE:OBJECT``, e.g. ``mine.models:denoiser``; dots reach into the object too.
        option: of the command line, for messages; in capitals an argument, e.g. ``DATA``.

    Raises:
        InputError: in one line, also for whatever the module raises.
    """
    where = option if option.isupper() else f"--{option}"
    module, _, name = text.partition(":")
    if not module or not name:
        raise InputError(f"{where}: needs MODULE:OBJECT, got {text!r}")
    sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # a user's module may raise anything, or exit
        raise InputError(f"{where}: cannot import {module}: {one_line(error)}") from error
    finally:
        # from now on the last place: a numpy.py there is not what others mean by numpy
        sys.path.remove("")
        if "" not in sys.path:
            sys.path.append("")
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"{where}: {module} has no {name!r}")
        found = getattr(found, part)
    return found


def one_line(error: BaseException) -> str:
    """An error of foreign code in one line: its type and the first line of its message."""
    kind = type(error).__name__
    try:
        first = str(error).strip().split("\n")[0]
    except Exception:  # a message of foreign code may raise too
        return kind
    return f"{kind}: {first}" if first else kind
