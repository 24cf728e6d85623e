"""A user's own object, named on the command line as MODULE:OBJECT."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from samplers.errors import InputError


def load_object(text: str, option: str) -> Any:
    """Import an object; modules in the current folder are found, as with ``python -m``.

    Args:
        text: ``MODULE:OBJECT``, e.g. ``mine.models:denoiser``; dots reach into the object too.
        option: of the command line, for messages.

    Raises:
        InputError: in one line, also for whatever the module raises.
    """
    module, _, name = text.partition(":")
    if not module or not name:
        raise InputError(f"--{option}: needs MODULE:OBJECT, got {text!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
    except Exception as error:  # a user's module may raise anything
        raise InputError(f"--{option}: cannot import {module}: {one_line(error)}") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InputError(f"--{option}: {module} has no {name!r}")
        found = getattr(found, part)
    return found


def one_line(error: BaseException) -> str:
    """An error of foreign code in one line: its type and the first line of its message."""
    first = str(error).strip().split("\n")[0]
    kind = type(error).__name__
    return f"{kind}: {first}" if first else kind
