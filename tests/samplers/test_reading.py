"""What is read is a regular file that fits into memory; anything else is one line, at once."""

import os
from pathlib import Path

import pytest
from sharprates.samplers.errors import InputError, TooLargeError
from sharprates.samplers.reading import file_size, read_bytes


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_size(tmp_path / "x") == 3
    assert read_bytes(tmp_path / "x") == b"abc"


def test_what_never_ends_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "pipe", "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path, "is a directory"),
        (tmp_path / "none", "no such file"),
        (tmp_path / ("x" * 300), "name too long|no such file"),
    ):
        with pytest.raises(InputError, match=f"(?i){words}"):
            read_bytes(path)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(2**42)
    with pytest.raises(TooLargeError, match="GiB"):
        read_bytes(tmp_path / "x")
