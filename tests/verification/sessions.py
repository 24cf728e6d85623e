"""Sessions of pytest with one of our plugins."""

import io
import os
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from tests.mutants.session import forked


def session(folder: Path, text: str, plugin: str, *options: str) -> tuple[int, str]:
    """Exit code and words of pytest on one file, in a fork: what it needs is loaded already."""
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")

    arguments = ["-q", "-rP", "-p", plugin, "--strict-markers", *options]

    def work() -> tuple[int, str]:
        os.chdir(folder)
        sys.argv = ["pytest", *arguments]
        warnings.resetwarnings()  # ours are errors
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            code = pytest.main(arguments)
        return int(code), said.getvalue()

    code, said = forked(work)
    return code, said
