"""Files that users name are looked at before they are read: a pipe or a device never ends."""

from __future__ import annotations

from pathlib import Path

from sharprates.samplers.errors import InputError, check_memory


def file_size(path: Path) -> int:
    """Size in bytes of a file that can be read as a whole.

    Raises:
        InputError: if it is missing or no regular file.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a directory: name a file in it")
        if not path.exists():
            raise InputError(f"{path}: cannot be read: no such file")
        if not path.is_file():
            raise InputError(f"{path}: is not a regular file: save the data to one")
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def read_bytes(path: Path, needed: int = 4) -> bytes:
    """The content of a file.

    Args:
        path: of a regular file.
        needed: memory that it takes until it is understood, bytes a byte.

    Raises:
        InputError: if it cannot be read.
        TooLargeError: if memory is short.
    """
    check_memory(needed * file_size(path), f"{path}: reading it", "name a smaller file")
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
