"""Kernels that start warm: each page's is a fork of one process, which has imported what all need.

Loading torch and sympy takes four seconds of CPU, more than most pages compute. Every page still
has a process of its own, in which nothing has run.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import select
import socket
import socketserver
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from sphinx.application import Sphinx

MODULES = ("ipykernel.kernelapp", "matplotlib.figure", "sharprates.verification.audit")
"""Not pyplot, which asks at its import whether it is in a notebook."""

NAME = "warm"


class Kernel:
    """What Jupyter asks of a process, for one that the server forked."""

    stdin = stdout = stderr = None

    def __init__(self, address: str, file: str, folder: str) -> None:
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(address)
        self._line.sendall(json.dumps({"file": file, "folder": folder}).encode() + b"\n")
        with self._line.makefile() as answer:
            self.pid = int(answer.readline())

    def poll(self) -> int | None:
        """None while it runs; its end of the line closes with it."""
        if self._line.fileno() >= 0 and select.select([self._line], [], [], 0)[0]:
            self._line.close()
        return None if self._line.fileno() >= 0 else 0

    def wait(self) -> int:
        """Called when it has ended."""
        self._line.close()
        return 0

    def send_signal(self, signum: int) -> None:
        """To the kernel."""
        os.kill(self.pid, signum)


class Provisioner(LocalProvisioner):
    """Starts kernels by the server."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # noqa: ARG002 what it would run is known
        """Ask the server instead of running the command."""
        self.process = Kernel(Server.address, self.parent.connection_file, str(kwargs["cwd"]))
        self.pid = self.process.pid
        return self.connection_info


class Server:
    """The process that is forked; while it lives, kernels of this process are its forks."""

    address = ""

    def __init__(self, modules: Sequence[str] = MODULES) -> None:
        self._folder = tempfile.TemporaryDirectory()
        Server.address = str(Path(self._folder.name, "kernels"))
        with socket.socket(socket.AF_UNIX) as line:
            line.bind(Server.address)
            line.listen(64)  # who asks before all is imported waits
            command = [sys.executable, __file__, str(line.fileno()), *modules]
            self._process = subprocess.Popen(command, pass_fds=[line.fileno()])
        factory = KernelProvisionerFactory.instance()
        entry = f"{__name__}:{Provisioner.__name__}"
        factory.provisioners[NAME] = EntryPoint(NAME, entry, factory.GROUP_NAME)
        self._before, factory.default_provisioner_name = factory.default_provisioner_name, NAME

    def close(self) -> None:
        """End it."""
        KernelProvisionerFactory.instance().default_provisioner_name = self._before
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()


class _Start(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """In a fork: become the kernel."""
        from ipykernel.kernelapp import IPKernelApp

        asked = json.loads(self.rfile.readline())
        os.chdir(asked["folder"])
        self.wfile.write(f"{os.getpid()}\n".encode())
        IPKernelApp.launch_instance(
            ["-f", asked["file"]],
            parent_handle=os.getppid(),  # it ends with the server
            log_level=logging.ERROR,
        )


class _Forks(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    parent = os.getppid()

    def service_actions(self) -> None:
        """Twice a second: end with the process that started this one."""
        super().service_actions()
        if os.getppid() != self.parent:
            raise SystemExit


def _serve(number: int, modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)
    with _Forks("", _Start, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = socket.socket(fileno=number)
        server.serve_forever()


def setup(app: Sphinx) -> None:
    """Start the server with the build, end it after."""
    running: list[Server] = []
    app.connect("builder-inited", lambda _: running.append(Server()))
    app.connect("build-finished", lambda *_: running.pop().close())


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file, which pages do not see
    _serve(int(sys.argv[1]), sys.argv[2:])
