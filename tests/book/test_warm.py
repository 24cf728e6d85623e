"""Warm kernels: modules are there before the first cell, and pages share nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from sharpbook.warm import Server

MODULE = "colorsys"
"""Of the standard library; no kernel imports it by itself."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server(("ipykernel.kernelapp", MODULE))
    yield running
    running.close()
    # and kernels start as usual
    assert KernelProvisionerFactory.instance().default_provisioner_name == "local-provisioner"


def outputs(folder: Path, *cells: str) -> list[str]:
    """What the last expressions of cells come to, run in one kernel."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(book, kernel_name="python3", resources={"metadata": {"path": folder}})
    client.execute()
    return [cell.outputs[0]["data"]["text/plain"] if cell.outputs else "" for cell in book.cells]


@pytest.mark.usefixtures("server")
def test_a_page_finds_modules_imported_and_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "kit_of_a_page.py").write_text("VALUE = 7\n")
    there = f"import sys; {MODULE!r} in sys.modules, 'kit_of_a_page' in sys.modules"
    found = outputs(tmp_path, there, "from kit_of_a_page import VALUE; VALUE")
    assert found == ["(True, False)", "7"]


@pytest.mark.usefixtures("server")
def test_pages_share_no_names(tmp_path: Path) -> None:
    assert outputs(tmp_path, "left = 1", "'left' in globals()") == ["", "True"]
    assert outputs(tmp_path, "'left' in globals()") == ["False"]


@pytest.mark.usefixtures("server")
def test_a_kernel_that_dies_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(DeadKernelError):
        outputs(tmp_path, "import os; os._exit(1)")
